//! The whole format as one table: what follows each type and opcode number.
//!
//! A record is a number (one byte) and what its [`Row`] lists; a value has its key (STR) in between.
//! Numbers from 22 and opcodes up to 243 mean different things under the two magics, and two types of Redis
//! changed their meaning with the version, so there are several `tables` of 256 places. Rows are
//! data; a small stack machine interprets them.
//!
//! Pure.

use Item::{
    ArrayElement, Blob, Classes, Counted, CrLf, Elements, End, ExpireMs, ExpireSeconds,
    FieldExpiry, Fixed, Flag, Held, Loop, MetadataClass, NodeId, ResizeHint, RespBulk, RespCommand,
    Str, Template, TemplateNames, TemplateValues, Unwalkable,
};

use super::header::Family;

/// One step of a layout.
#[derive(Clone, Copy, Debug)]
pub(super) enum Item {
    /// A string.
    Str,
    /// A string that holds a packed encoding.
    Blob(Packed),
    /// A list node: one element, or a listpack, as its container says.
    Node,
    /// A number nobody needs.
    Len,
    /// The number of elements of the value.
    Live,
    /// A number with one legal value.
    Constant(u8),
    /// So many bytes.
    Fixed(u8),
    /// A score as text: u8 length, or 253 to 255 alone.
    Score,
    /// A count, then so many bodies.
    Loop(Body),
    /// The same; the count is the number of elements of the value, and zero is odd.
    Elements(Body),
    /// The same for the parts of a stream that are counted apart.
    Counted(Part, Body),
    /// Expiry of a hash field: a number, 0 for none.
    FieldTtl,
    /// Expiry of a hash field: i64 milliseconds, -1 for none.
    FieldExpiry,
    /// Source of a function library.
    Library,
    /// A number, remembered for `Held`.
    Hold,
    /// As many bodies as the remembered number says.
    Held(Body),
    /// 0, or 1 and the items.
    Flag(&'static [Item]),
    /// Container of a list node: 1 or 2.
    Container,
    /// Identifier of a stream node: a string of 16 bytes.
    NodeId,
    /// Module operations up to their end mark.
    ModuleOps,
    /// Specification of a metadata class: u32.
    MetadataClass,
    /// A count up to 7, then so many metadata classes.
    Classes(Body),
    /// Tag and payload of an array element.
    ArrayElement,
    /// Length of a bitmap; a rate counter ends with it.
    BitmapLength,
    /// Field names of an inline hash template; their number is remembered for `Held`.
    TemplateNames,
    /// Declaration of a hash template: identifier, count, so many names.
    Template(Body),
    /// Identifier of a template, then a value for each of its fields.
    TemplateValues(Body),
    /// First line of a RESP command, then so many bulks.
    RespCommand(Body),
    /// Length line of a RESP bulk, and its bytes.
    RespBulk,
    /// `\r\n`.
    CrLf,
    /// Name of an auxiliary field.
    AuxName,
    /// Value of an auxiliary field.
    AuxValue,
    /// Number of the database that follows.
    Database,
    /// Number of the slot whose keys follow.
    Slot,
    /// Two numbers: keys and expires of the database.
    ResizeHint,
    /// Expiry of the next key, i32 seconds.
    ExpireSeconds,
    /// Expiry of the next key, i64 milliseconds.
    ExpireMs,
    /// Idle seconds of the next key.
    Idle,
    /// Access frequency of the next key, u8.
    Frequency,
    /// Bytes of unknowable size.
    Unwalkable,
    /// The end of the records.
    End,
}

/// The packed encodings: many elements in one string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packed {
    Listpack,
    /// A listpack of fields, values and expiries.
    FieldListpack,
    /// A listpack of members and expiries.
    MemberListpack,
    Ziplist,
    Intset,
    Zipmap,
}

impl Packed {
    /// Smallest size, bytes: header and end mark; an intset has at least one element.
    pub(super) const fn least(self) -> u8 {
        match self {
            Self::Listpack | Self::FieldListpack | Self::MemberListpack => 7,
            Self::Ziplist => 11,
            Self::Intset => 10,
            Self::Zipmap => 2,
        }
    }

    /// The last of so many entries is an expiry, which no header counts.
    pub(super) const fn entries_to_expiry(self) -> Option<u64> {
        match self {
            Self::FieldListpack => Some(3),
            Self::MemberListpack => Some(2),
            _ => None,
        }
    }
}

/// Parts of a stream that are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Groups,
    Pending,
    Consumers,
}

/// Items that repeat, and the fewest bytes one round takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Body {
    pub(super) items: &'static [Item],
    pub(super) least: u64,
}

pub(super) const fn each(items: &'static [Item]) -> Body {
    Body { items, least: least(items) }
}

pub(super) const fn least(items: &[Item]) -> u64 {
    let mut sum = 0;
    let mut i = 0;
    while i < items.len() {
        sum += match items[i] {
            Fixed(n) => n as u64,
            NodeId => 17,
            ArrayElement | TemplateNames | ResizeHint | CrLf | Template(_) => 2,
            RespCommand(_) | RespBulk | ExpireSeconds | MetadataClass => 4,
            ExpireMs | FieldExpiry => 8,
            Held(_) | Unwalkable | End => 0,
            _ => 1,
        };
        i += 1;
    }
    sum
}

/// Most loops that can be open at once.
pub(super) const DEPTH: usize = 4;

const fn depth(items: &[Item]) -> usize {
    let mut deepest = 0;
    let mut i = 0;
    while i < items.len() {
        let inner = match items[i] {
            Loop(body)
            | Elements(body)
            | Counted(_, body)
            | Held(body)
            | Classes(body)
            | Template(body)
            | TemplateValues(body)
            | RespCommand(body) => depth(body.items),
            Flag(items) => depth(items),
            // Inline names open a loop of their own.
            TemplateNames => 1,
            _ => 0,
        };
        if inner > deepest {
            deepest = inner;
        }
        i += 1;
    }
    deepest + 1
}

/// What a number stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The type of a value: a key follows, then the value.
    Value,
    /// An opcode about the next key.
    Prefix,
    /// Any other opcode.
    Opcode,
}

/// One number of the format.
#[derive(Debug)]
pub struct Row {
    /// The byte in the file.
    pub number: u8,
    /// What it is called here.
    pub name: &'static str,
    /// What it stands for.
    pub kind: Kind,
    /// First version of the format that has it.
    pub since: u32,
    /// Of a value: its type as TYPE names it.
    pub type_name: &'static str,
    /// Of a value: its encoding on disk, in the words of OBJECT ENCODING.
    pub encoding: &'static str,
    pub(super) items: &'static [Item],
    /// The value is one string, of at least so many bytes.
    pub(super) least_of_single: Option<u8>,
    /// That string is a packed encoding.
    pub(super) packed: Option<Packed>,
}

impl Row {
    /// Whether it is a command that stands among keys (Valkey's saves without fork).
    pub fn is_command(&self) -> bool {
        self.kind == Kind::Opcode && matches!(self.items, [RespCommand(_)])
    }

    /// Whether it is what a module keeps beside all keys.
    pub fn is_module_data(&self) -> bool {
        self.number == 247
    }

    /// Whether no server that has it was ever run here: its layout was read, in source and documents.
    pub const fn is_documented_only(&self, family: Family) -> bool {
        self.since > family.newest_run()
    }
}

/// A place for every byte.
pub(super) type Rows = [Option<&'static Row>; 256];

pub(super) const fn index(groups: &[&'static [Row]]) -> Rows {
    let mut rows: Rows = [None; 256];
    let mut g = 0;
    while g < groups.len() {
        let mut i = 0;
        while i < groups[g].len() {
            let row = &groups[g][i];
            assert!(rows[row.number as usize].is_none(), "a number stands twice");
            assert!(depth(row.items) <= DEPTH, "a layout nests too deep");
            rows[row.number as usize] = Some(row);
            i += 1;
        }
        g += 1;
    }
    rows
}

/// `about`: its name here, its type, its encoding.
pub(super) const fn value(
    number: u8,
    about: [&'static str; 3],
    since: u32,
    items: &'static [Item],
) -> Row {
    let (least_of_single, packed) = match items {
        [Str] => (Some(0), None),
        [Blob(packed)] if packed.entries_to_expiry().is_none() => {
            (Some(packed.least()), Some(*packed))
        }
        // Expiries in it must be counted, or it is not one string.
        _ => (None, None),
    };
    let [name, type_name, encoding] = about;
    let kind = Kind::Value;
    Row { number, name, kind, since, type_name, encoding, items, least_of_single, packed }
}

pub(super) const fn prefix(
    number: u8,
    name: &'static str,
    since: u32,
    items: &'static [Item],
) -> Row {
    Row { kind: Kind::Prefix, ..opcode(number, name, since, items) }
}

pub(super) const fn opcode(
    number: u8,
    name: &'static str,
    since: u32,
    items: &'static [Item],
) -> Row {
    Row {
        number,
        name,
        kind: Kind::Opcode,
        since,
        type_name: "",
        encoding: "",
        items,
        least_of_single: None,
        packed: None,
    }
}

pub(super) const LISTPACK: Item = Blob(Packed::Listpack);

/// Names of an inline hash template.
pub(super) const NAMES: Body = each(&[Str]);
