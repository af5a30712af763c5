//! What values hold, piece by piece: strings, elements, fields, nodes of streams.
//!
//! [`Contents`] listens to a walk token by token and opens the values that its [`Reader`] asks for. It holds
//! one string at a time, of at most [`STRING_MOST`] bytes; of a longer one only its beginning is given, and
//! a packed encoding of that size is not opened. It judges nothing: what cannot be read is left out.

mod group;
mod piece;

pub use piece::{Opening, Part, Piece, Reader};

use super::deep::listpack::Value;
use super::deep::{small, ziplist};
use super::entry::Token;
use super::layout::{Item, Kind, Packed, Row};
use super::lzf;
use super::pack;
use super::string::{self, Form, Head};
use group::{Group, intset, score_of};
use piece::Shape;

/// Longest string that is held, bytes. Servers keep packed encodings below 64 KiB unless told otherwise.
pub const STRING_MOST: usize = 1 << 20;

/// Opens values during a walk.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    row: Option<&'static Row>,
    db: u64,
    key: Vec<u8>,
    key_len: u64,
    /// `None` until the reader was asked.
    is_wanted: Option<bool>,
    is_plain_node: bool,
    /// The string that waits for its partner: a field, a member.
    first: Option<Held>,
    node_id: (u64, u64),
    has_ttl: bool,
    /// The string being collected.
    open: Option<(Head, Role, u64)>,
    body: Vec<u8>,
    expanded: Vec<u8>,
}

#[derive(Clone, Debug, Default)]
struct Held {
    bytes: Vec<u8>,
    len: u64,
    value: Option<(Vec<u8>, u64)>,
}

impl Held {
    fn part(&self) -> Part<'_> {
        Part { bytes: &self.bytes, len: self.len }
    }
}

/// What a string is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Key,
    Plain,
    Blob(Packed),
    Node,
    NodeId,
}

fn shape(row: &Row, is_valkey: bool) -> Shape {
    match row.number {
        0 => Shape::Text,
        1 | 10 | 14 | 18 => Shape::List,
        2 | 11 | 20 => Shape::Set,
        3 | 5 | 12 | 17 => Shape::Zset,
        4 | 9 | 13 | 16 => Shape::Hash,
        15 | 19 | 21 => Shape::Stream,
        22 if is_valkey => Shape::HashTtlLast,
        _ if is_valkey => Shape::Unknown,
        22..=25 => Shape::HashTtlFirst,
        26 | 27 => Shape::Stream,
        34 | 35 => Shape::SetTtl,
        _ => Shape::Unknown,
    }
}

/// Whether the contents of such values are told piece by piece; of others, nobody is asked.
pub fn is_opened(row: &Row) -> bool {
    shape(row, row.since >= 80) != Shape::Unknown
}

impl Contents {
    fn shape(&self) -> Shape {
        let is_valkey = |row: &Row| row.since >= 80;
        self.row.map_or(Shape::Unknown, |row| shape(row, is_valkey(row)))
    }

    /// A token of the walk.
    pub fn token(&mut self, token: &Token<'_>, reader: &mut impl Reader) {
        let Some(item) = token.item else {
            self.open = None;
            self.row = token.row.filter(|row| row.kind == Kind::Value);
            if let (Some(_), Some((_, key))) = (self.row, token.bytes.split_first()) {
                self.is_wanted = None;
                self.first = None;
                self.has_ttl = false;
                self.db = token.db;
                self.string(Role::Key, key, token.rest, reader);
            }
            return;
        };
        if self.row.is_none() || self.is_wanted == Some(false) {
            return;
        }
        self.ask(item, token, reader);
        if self.is_wanted != Some(true) {
            return;
        }
        let role = match item {
            Item::Str => Role::Plain,
            Item::Blob(packed) => Role::Blob(*packed),
            Item::Node => Role::Node,
            Item::NodeId => Role::NodeId,
            other => return self.plain(other, token, reader),
        };
        self.string(role, token.bytes, token.rest, reader);
    }

    /// Asks the reader once, at the first token that tells how large the value is.
    fn ask(&mut self, item: &Item, token: &Token<'_>, reader: &mut impl Reader) {
        /// What an element of a plain collection takes at least, as a rule.
        const ELEMENT: u64 = 12;
        /// What a node of a list or stream takes, as a rule.
        const NODE: u64 = 4096;
        let (Some(row), None) = (self.row, self.is_wanted) else { return };
        let number = || super::length::number(token.bytes).map_or(0, |(number, _)| number);
        let (mut is_compressed, mut nodes) = (false, None);
        let least_bytes = match item {
            Item::Str | Item::Blob(_) => Head::decode(token.bytes).map_or(0, |head| {
                is_compressed = matches!(head.form, Form::Lzf { .. });
                head.body_len
            }),
            Item::Elements(_) if !matches!(row.number, 14 | 18) => number().saturating_mul(ELEMENT),
            Item::Elements(_) | Item::Loop(_) => {
                nodes = Some(number());
                number().saturating_mul(NODE)
            }
            // Its size is still to come.
            _ => return,
        };
        let (db, key) = (self.db, &self.key);
        let key_len = self.key_len;
        let opening = Opening { db, key, key_len, row, least_bytes, nodes, is_compressed };
        self.is_wanted = Some(self.shape() != Shape::Unknown && reader.opens(&opening));
    }

    /// More bytes of the last token.
    pub fn more(&mut self, bytes: &[u8], reader: &mut impl Reader) {
        let Some((head, role, left)) = self.open else { return };
        let room = STRING_MOST.saturating_sub(self.body.len());
        self.body.extend_from_slice(&bytes[..bytes.len().min(room)]);
        let left = left.saturating_sub(bytes.len() as u64);
        self.open = Some((head, role, left));
        if left == 0 {
            self.open = None;
            let body = std::mem::take(&mut self.body);
            self.whole(head, role, &body, reader);
            self.body = body;
        }
    }

    /// A string begins: `bytes` are its header and what is there of its body.
    fn string(&mut self, role: Role, bytes: &[u8], rest: u64, reader: &mut impl Reader) {
        let Ok(head) = Head::decode(bytes) else { return };
        let body = bytes.get(head.head_len..).unwrap_or_default();
        if rest == 0 {
            return self.whole(head, role, body, reader);
        }
        self.body.clear();
        self.body.extend_from_slice(&body[..body.len().min(STRING_MOST)]);
        self.open = Some((head, role, rest));
    }

    /// All bytes of a string that are held are there.
    fn whole(&mut self, head: Head, role: Role, body: &[u8], reader: &mut impl Reader) {
        match head.form {
            Form::Raw => self.text(role, Part { bytes: body, len: head.body_len }, reader),
            Form::Integer => {
                self.text(role, Part::whole(&string::first_bytes(head, body, 16).bytes), reader);
            }
            Form::Lzf { expanded } => {
                let mut out = std::mem::take(&mut self.expanded);
                out.clear();
                let most = usize::try_from(expanded).map_or(STRING_MOST, |n| n.min(STRING_MOST));
                lzf::expand(body, most, &mut out);
                self.text(role, Part { bytes: &out, len: expanded }, reader);
                self.expanded = out;
            }
        }
    }

    fn text(&mut self, role: Role, text: Part<'_>, reader: &mut impl Reader) {
        match role {
            Role::Key => {
                self.key.clear();
                self.key.extend_from_slice(text.bytes);
                self.key_len = text.len;
            }
            Role::Plain => self.plain_string(text, reader),
            Role::Node if self.is_plain_node => reader.piece(&Piece::Element(text)),
            Role::Node => self.packed(Packed::Listpack, text.bytes, reader),
            Role::Blob(packed) => self.packed(packed, text.bytes, reader),
            Role::NodeId => {
                let half = |at: usize| {
                    let bytes = text.bytes.get(at..).and_then(|rest| rest.first_chunk());
                    bytes.map_or(0, |bytes| u64::from_be_bytes(*bytes))
                };
                self.node_id = (half(0), half(8));
            }
        }
    }

    /// A string outside of packed encodings.
    fn plain_string(&mut self, text: Part<'_>, reader: &mut impl Reader) {
        let owned = || Held { bytes: text.bytes.to_vec(), len: text.len, value: None };
        match self.shape() {
            Shape::Text => reader.piece(&Piece::Text(text)),
            Shape::List => reader.piece(&Piece::Element(text)),
            Shape::Set | Shape::SetTtl => reader.piece(&Piece::Member(text)),
            Shape::Zset => self.first = Some(owned()),
            Shape::Hash | Shape::HashTtlFirst => match self.first.take() {
                None => self.first = Some(owned()),
                Some(field) => {
                    let has_ttl = std::mem::take(&mut self.has_ttl);
                    reader.piece(&Piece::Field(field.part(), text, has_ttl));
                }
            },
            Shape::HashTtlLast => match &mut self.first {
                None => self.first = Some(owned()),
                Some(field) => field.value = Some((text.bytes.to_vec(), text.len)),
            },
            Shape::Stream | Shape::Unknown => {}
        }
    }

    /// A token without a string.
    fn plain(&mut self, item: &Item, token: &Token<'_>, reader: &mut impl Reader) {
        let number = || super::length::number(token.bytes).map_or(0, |(number, _)| number);
        match item {
            Item::Container => self.is_plain_node = number() == 1,
            Item::FieldTtl => self.has_ttl = number() > 0,
            Item::Fixed(8) if self.shape() == Shape::Zset => {
                let score = token.bytes.first_chunk().map_or(0.0, |b| f64::from_le_bytes(*b));
                self.scored(score, reader);
            }
            Item::Score => {
                let text = token.bytes.get(1..).unwrap_or_default();
                let score = match token.bytes.first() {
                    Some(254) => f64::INFINITY,
                    Some(255) => f64::NEG_INFINITY,
                    _ => score_of(text),
                };
                self.scored(score, reader);
            }
            Item::FieldExpiry => {
                if let Some(Held { bytes, len, value: Some((value, value_len)) }) =
                    self.first.take()
                {
                    let has_ttl = token.bytes.first_chunk() != Some(&[0xff_u8; 8]);
                    let value = Part { bytes: &value, len: value_len };
                    reader.piece(&Piece::Field(Part { bytes: &bytes, len }, value, has_ttl));
                }
            }
            _ => {}
        }
    }

    fn scored(&mut self, score: f64, reader: &mut impl Reader) {
        if let Some(member) = self.first.take() {
            reader.piece(&Piece::Scored(member.part(), score));
        }
    }

    /// A packed encoding.
    fn packed(&mut self, packed: Packed, bytes: &[u8], reader: &mut impl Reader) {
        let shape = self.shape();
        if shape == Shape::Stream {
            return reader.piece(&Piece::Node { id: self.node_id, listpack: bytes });
        }
        let mut group = Group { shape, waiting: Vec::new() };
        match packed {
            Packed::Listpack | Packed::FieldListpack | Packed::MemberListpack => {
                for value in pack::entries(bytes) {
                    match value {
                        pack::Packed::Number(number) => group.number(number, reader),
                        pack::Packed::Text(text) => group.text(text, reader),
                    }
                }
            }
            Packed::Intset => intset(bytes, &mut |number| group.number(number, reader)),
            Packed::Ziplist | Packed::Zipmap => {
                let each = |value: Value<'_>, _: usize| {
                    match value {
                        Value::Integer(number) => group.number(number, reader),
                        Value::Text(text) => group.text(text, reader),
                    }
                    Ok(())
                };
                // Up to where it is broken, what was read is what there is.
                let _ = match packed {
                    Packed::Ziplist => ziplist::walk(bytes, each),
                    _ => small::zipmap(bytes, each),
                };
            }
        }
    }
}
