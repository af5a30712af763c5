//! The whole format as one table: what follows each type and opcode number.
//!
//! A record is a number (one byte) and what its [`Row`] lists; a value has its key (STR) in between.
//! Numbers from 22 and opcodes up to 243 mean different things under the two magics, so each family has
//! its own table of 256 places. Rows are data; a small stack machine interprets them.
//!
//! Pure. Sources: `rdb.c`, `rdb.h`, `t_stream.c`, `module.c` of Redis up to 8.10 and Valkey up to 9.2
//! (types 27 to 33 and opcode 242: read in source and test suites, not yet seen in released servers' files).

use Item::{
    ArrayElement, AuxName, AuxValue, Blob, Classes, Constant, Container, Counted, CrLf, Database,
    Elements, End, ExpireMs, ExpireSeconds, FieldExpiry, FieldTtl, Fixed, Flag, Frequency, Held,
    Hold, Idle, Len, Library, Loop, ModuleOps, Node, NodeId, ResizeHint, RespBulk, RespCommand,
    Score, Str, Template, TemplateNames, TemplateValues, Unwalkable,
};

use super::header::Family;
use super::streams::{STREAM_V1, STREAM_V2, STREAM_V3, STREAM_V4, STREAM_V5};

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
    /// A count up to 7, then so many metadata classes.
    Classes(Body),
    /// Tag and payload of an array element.
    ArrayElement,
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
    Ziplist,
    Intset,
    Zipmap,
}

impl Packed {
    /// Smallest size, bytes: header and end mark; an intset has at least one element.
    pub(super) const fn least(self) -> u8 {
        match self {
            Self::Listpack | Self::FieldListpack => 7,
            Self::Ziplist => 11,
            Self::Intset => 10,
            Self::Zipmap => 2,
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
            RespCommand(_) | RespBulk | ExpireSeconds => 4,
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
    pub(super) items: &'static [Item],
    /// The value is one string, of at least so many bytes.
    pub(super) least_of_single: Option<u8>,
    /// That string is a packed encoding.
    pub(super) packed: Option<Packed>,
}

/// A place for every byte.
pub(super) type Rows = [Option<&'static Row>; 256];

/// The row of `number` in files of `family`, if it has a meaning there.
pub fn row(family: Family, number: u8) -> Option<&'static Row> {
    rows(family)[usize::from(number)]
}

pub(super) const fn rows(family: Family) -> &'static Rows {
    match family {
        Family::Redis => &REDIS,
        Family::Valkey => &VALKEY,
    }
}

static REDIS: Rows = index(&[SHARED_TYPES, SHARED_OPCODES, REDIS_TYPES, REDIS_OPCODES]);
static VALKEY: Rows = index(&[SHARED_TYPES, SHARED_OPCODES, VALKEY_TYPES, VALKEY_OPCODES]);

const fn index(groups: &[&'static [Row]]) -> Rows {
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

const fn value(number: u8, name: &'static str, since: u32, items: &'static [Item]) -> Row {
    let (least_of_single, packed) = match items {
        [Str] => (Some(0), None),
        // Its fields must be counted.
        [Blob(Packed::FieldListpack)] => (None, None),
        [Blob(packed)] => (Some(packed.least()), Some(*packed)),
        _ => (None, None),
    };
    Row { number, name, kind: Kind::Value, since, items, least_of_single, packed }
}

const fn prefix(number: u8, name: &'static str, since: u32, items: &'static [Item]) -> Row {
    Row { number, name, kind: Kind::Prefix, since, items, least_of_single: None, packed: None }
}

const fn opcode(number: u8, name: &'static str, since: u32, items: &'static [Item]) -> Row {
    Row { number, name, kind: Kind::Opcode, since, items, least_of_single: None, packed: None }
}

pub(super) const LISTPACK: Item = Blob(Packed::Listpack);
const FIELD_LISTPACK: Item = Blob(Packed::FieldListpack);
const ZIPLIST: Item = Blob(Packed::Ziplist);
const INTSET: Item = Blob(Packed::Intset);
const ZIPMAP: Item = Blob(Packed::Zipmap);

/// Names of an inline hash template.
pub(super) const NAMES: Body = each(&[Str]);

const FIELD_TTL: Body = each(&[FieldTtl, Str, Str]);

const SHARED_TYPES: &[Row] = &[
    value(0, "string", 1, &[Str]),
    value(1, "list", 1, &[Elements(each(&[Str]))]),
    value(2, "set", 1, &[Elements(each(&[Str]))]),
    value(3, "zset text scores", 1, &[Elements(each(&[Str, Score]))]),
    value(4, "hash", 1, &[Elements(each(&[Str, Str]))]),
    value(5, "zset", 8, &[Elements(each(&[Str, Fixed(8)]))]),
    value(6, "module pre-release", 8, &[Unwalkable]),
    value(7, "module", 8, &[Hold, ModuleOps]),
    value(9, "hash zipmap", 2, &[ZIPMAP]),
    value(10, "list ziplist", 2, &[ZIPLIST]),
    value(11, "set intset", 2, &[INTSET]),
    value(12, "zset ziplist", 2, &[ZIPLIST]),
    value(13, "hash ziplist", 4, &[ZIPLIST]),
    value(14, "list quicklist of ziplists", 7, &[Elements(each(&[ZIPLIST]))]),
    value(15, "stream v1", 9, &STREAM_V1),
    value(16, "hash listpack", 10, &[LISTPACK]),
    value(17, "zset listpack", 10, &[LISTPACK]),
    value(18, "list quicklist", 10, &[Elements(each(&[Container, Node]))]),
    value(19, "stream v2", 10, &STREAM_V2),
    value(20, "set listpack", 11, &[LISTPACK]),
    value(21, "stream v3", 11, &STREAM_V3),
];

const REDIS_TYPES: &[Row] = &[
    value(22, "hash field ttl pre-release", 12, &[Elements(FIELD_TTL)]),
    value(23, "hash listpack field ttl pre-release", 12, &[FIELD_LISTPACK]),
    value(24, "hash field ttl", 12, &[Fixed(8), Elements(FIELD_TTL)]),
    value(25, "hash listpack field ttl", 12, &[Fixed(8), FIELD_LISTPACK]),
    value(26, "stream v4", 13, &STREAM_V4),
    value(27, "stream v5", 14, &STREAM_V5),
    value(28, "array", 14, &[Hold, Flag(&[Len]), Held(each(&[Len, ArrayElement]))]),
    value(29, "hash template listpack inline", 15, &[TemplateNames, LISTPACK]),
    value(30, "hash template listpack", 15, &[LISTPACK]),
    value(31, "hash template array inline", 15, &[TemplateNames, Held(each(&[Str]))]),
    value(32, "hash template array", 15, &[TemplateValues(each(&[Str]))]),
    value(33, "rate counter", 15, &[Len]),
];

const VALKEY_TYPES: &[Row] = &[
    value(22, "hash field ttl", 80, &[Elements(each(&[Str, Str, FieldExpiry]))]),
    value(23, "path hash", 81, &[Elements(each(&[Str, Loop(each(&[Str, Str]))]))]),
];

const SHARED_OPCODES: &[Row] = &[
    opcode(244, "slot sizes", 12, &[Len, Len, Len]),
    opcode(245, "function library", 10, &[Library]),
    opcode(246, "function pre-release", 10, &[Str, Str, Flag(&[Str]), Str]),
    opcode(247, "module data", 9, &[Len, Constant(2), Len, ModuleOps]),
    prefix(248, "idle time", 9, &[Idle]),
    prefix(249, "access frequency", 9, &[Frequency]),
    opcode(250, "auxiliary field", 7, &[AuxName, AuxValue]),
    opcode(251, "database sizes", 7, &[ResizeHint]),
    prefix(252, "expiry in ms", 3, &[ExpireMs]),
    prefix(253, "expiry in s", 1, &[ExpireSeconds]),
    opcode(254, "database", 1, &[Database]),
    opcode(255, "end", 1, &[End]),
];

const REDIS_OPCODES: &[Row] = &[
    opcode(242, "hash template", 15, &[Template(each(&[Str]))]),
    prefix(243, "key metadata", 13, &[Classes(each(&[Fixed(4), ModuleOps]))]),
];

const VALKEY_OPCODES: &[Row] = &[
    opcode(242, "inline update", 81, &[RespCommand(each(&[RespBulk, CrLf]))]),
    opcode(243, "slot import", 80, &[Str, Loop(each(&[Len, Len]))]),
];
