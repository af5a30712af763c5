//! Looks into values: every entry of every packed encoding, members that stand twice, scores, pending
//! entries of streams, and keys that stand twice.
//!
//! [`Deep`] listens to a walk token by token. It holds one string at a time, bounded by [`BODY_MOST`];
//! what is larger is counted as not opened, never guessed at. What it finds are [`Flaw`]s; the walk goes
//! on behind each, for the outer lengths hold. It checks what servers check at load when told
//! `sanitize-dump-payload yes`, as redis-check-rdb does, and looks for keys that stand twice, which the
//! check tools do not see and loaders die of.
//!
//! Memory: two tables of fingerprints (144 MiB and 36 MiB at their peaks), the tables of one consumer
//! group (27 MiB) and two strings (16 MiB).

mod fingerprints;
mod keys;
pub(super) mod listpack;
mod members;
mod pending;
mod plain;
mod shape;
pub(super) mod small;
mod stream;
#[cfg(test)]
mod tests;
mod wrong;
pub(super) mod ziplist;

pub use wrong::{Care, Flaw, Wrong};

use fingerprints::Fnv;
use keys::KeySearch;
use listpack::Found;
use members::Members;
use pending::Pending;
use shape::{SMALL_TEXT, Shape, field_expiry, is_nan};

use super::entry::{Entry, Sink, Token};
use super::layout::{Item, Kind, Packed, Row};
use super::lzf::{self, End};
use super::place::{KEY_KEPT, Key};
use super::strays::Strays;
use super::string::{self, Form, Head};

/// Longest string that is opened, bytes, as stored and once expanded. Servers keep packed encodings
/// below 64 KiB unless told otherwise; strings larger than this hold no structure.
pub const BODY_MOST: usize = 8 << 20;

/// Flaws kept; the others are counted. A broken writer repeats itself.
const FLAWS_KEPT: usize = 200;

/// What was found inside of values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// In the order they were found, at most 200.
    pub flaws: Vec<Flaw>,
    /// All of them.
    pub flaws_seen: u64,
    /// Packed encodings that were walked entry by entry.
    pub opened: u64,
    /// Strings too large to open.
    pub unopened: u64,
    /// Offset of the first of these.
    pub first_unopened_at: Option<u64>,
    /// Values with more members or pending entries than could be compared.
    pub uncompared: u64,
    /// Walks it took to compare all keys.
    pub walks: u32,
    /// Whether values were opened, and not keys alone compared.
    pub values_opened: bool,
    /// Whether all keys were compared.
    pub keys_compared: bool,
}

impl Report {
    /// Whether something was not looked at.
    pub const fn leaves_out(&self) -> bool {
        self.unopened > 0 || self.uncompared > 0 || !self.keys_compared
    }
}

/// A listener that opens values.
#[derive(Clone, Debug)]
pub struct Deep {
    report: Report,
    keys: KeySearch,
    /// Only keys matter: values were opened by an earlier walk.
    is_again: bool,
    members: Members,
    pending: Pending,
    key: Key,
    row: Option<&'static Row>,
    /// Strings of the open value so far.
    strings: u64,
    /// Elements found in packed nodes of the open value.
    elements: u64,
    nodes: u64,
    /// Flaws when the open value began, and strings that were not opened: only without more of them its elements are counted.
    before: (u64, u64),
    /// The open value is a hash that loaders hold as a listpack.
    is_small_hash: bool,
    is_plain_node: bool,
    /// Commands stood among the keys: what they deleted may come again.
    has_commands: bool,
    /// Smallest field expiry, which the others count from.
    least_expiry: u64,
    /// The string being collected: its header, offset and bytes.
    open: Option<(Head, Role, u64)>,
    body: Vec<u8>,
    expanded: Vec<u8>,
}

/// What a string is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Key,
    Member,
    Blob(Packed),
    Node,
    NodeId,
    StreamName,
    Other,
}

impl Default for Deep {
    fn default() -> Self {
        Self::new()
    }
}

impl Deep {
    /// For one RDB.
    pub fn new() -> Self {
        Self {
            report: Report { values_opened: true, ..Report::default() },
            keys: KeySearch::new(),
            is_again: false,
            members: Members::new(),
            pending: Pending::new(),
            key: Key { at: 0, db: 0, kind: 0, start: Vec::new(), is_cut: false },
            row: None,
            strings: 0,
            elements: 0,
            nodes: 0,
            before: (0, 0),
            is_small_hash: false,
            is_plain_node: false,
            has_commands: false,
            least_expiry: 0,
            open: None,
            body: Vec::new(),
            expanded: Vec::new(),
        }
    }

    /// For the values of one RDB, and of its keys those alone that stand under a wrong slot.
    pub fn of_values(strays: &Strays) -> Self {
        let whole = strays.list.iter().filter(|stray| !stray.is_cut);
        let prints = whole.map(|stray| print_of_key(stray.db, &stray.key));
        Self { keys: KeySearch::only(prints), ..Self::new() }
    }

    /// For those keys of one RDB alone that stand under a wrong slot.
    pub fn of_strays(strays: &Strays) -> Self {
        let report = Report { values_opened: false, ..Report::default() };
        Self { is_again: true, report, ..Self::of_values(strays) }
    }

    /// Whether the same bytes must be walked once more, to compare more keys; prepares for that.
    pub fn next_walk(&mut self) -> bool {
        self.is_again = self.keys.next_walk();
        self.open = None;
        self.is_again
    }

    /// What was found.
    pub fn finish(self) -> Report {
        let keys_compared = self.keys.is_complete() && !self.has_commands;
        Report { walks: self.keys.walks, keys_compared, ..self.report }
    }

    fn flaw(&mut self, wrong: Wrong, at: u64, inside: Option<u64>) {
        self.report.flaws_seen += 1;
        if self.report.flaws.len() < FLAWS_KEPT {
            let key = self.key.clone();
            self.report.flaws.push(Flaw { wrong, at, inside, key, is_small_hash: false });
        }
    }

    fn begin_value(&mut self, row: &'static Row, token: &Token<'_>) {
        self.row = Some(row);
        self.key =
            Key { at: token.at, db: token.db, kind: row.number, start: Vec::new(), is_cut: false };
        self.strings = 0;
        self.elements = 0;
        self.nodes = 0;
        self.before = (self.report.flaws_seen, self.report.unopened);
        self.is_small_hash = false;
        self.members.clear();
        self.pending.begin_value();
    }

    /// Whether all nodes of the open value were opened and whole, so that its elements are known.
    fn is_counted(&self) -> bool {
        self.before == (self.report.flaws_seen, self.report.unopened)
    }

    /// A string begins: `bytes` are its header and what is there of its body.
    fn begin_string(&mut self, role: Role, bytes: &[u8], token: &Token<'_>) {
        let Ok(head) = Head::decode(bytes) else { return };
        let body = bytes.get(head.head_len..).unwrap_or_default();
        let is_long = head.expanded_len() > Some(SMALL_TEXT as u64);
        self.is_small_hash &= !(is_long && matches!(role, Role::Member | Role::Other));
        // Of strings without structure only the compression can be wrong.
        if role == Role::Other && !matches!(head.form, Form::Lzf { .. }) {
            return;
        }
        if head.body_len > BODY_MOST as u64 || head.expanded_len() > Some(BODY_MOST as u64) {
            self.report.unopened += 1;
            self.report.first_unopened_at.get_or_insert(token.at);
            return;
        }
        if token.rest == 0 {
            return self.string(head, role, token.at, body);
        }
        self.body.clear();
        self.body.extend_from_slice(body);
        self.open = Some((head, role, token.at));
    }

    /// A whole string.
    fn string(&mut self, head: Head, role: Role, at: u64, body: &[u8]) {
        match head.form {
            Form::Raw => self.text(role, at, body),
            Form::Integer => self.text(role, at, &string::first_bytes(head, body, 16).bytes),
            Form::Lzf { expanded } => {
                let mut out = std::mem::take(&mut self.expanded);
                out.clear();
                let end = lzf::expand(body, expanded as usize, &mut out);
                if end == End::Whole && out.len() as u64 == expanded {
                    self.text(role, at, &out);
                } else {
                    self.flaw(Wrong::Lzf, at, None);
                }
                self.expanded = out;
            }
        }
    }

    fn text(&mut self, role: Role, at: u64, text: &[u8]) {
        match role {
            Role::Key => {
                self.key.start = text[..text.len().min(KEY_KEPT)].to_vec();
                self.key.is_cut = text.len() > KEY_KEPT;
                let print = print_of_key(self.key.db, text);
                if self.keys.is_again(print) && !self.has_commands {
                    self.flaw(Wrong::DuplicateKey, at, None);
                }
            }
            Role::Member => {
                if self.members.is_again(text) {
                    self.flaw(Wrong::DuplicateMember, at, None);
                }
            }
            Role::NodeId => {
                self.nodes += 1;
                if self.members.is_again(text) {
                    self.flaw(Wrong::DuplicateNode, at, None);
                }
            }
            Role::StreamName => {
                if let Some(wrong) = self.pending.name(text) {
                    self.flaw(wrong, at, None);
                }
            }
            Role::Node if self.is_plain_node => {
                self.elements += 1;
                if text.is_empty() {
                    self.flaw(Wrong::EmptyNode, at, None);
                }
            }
            Role::Node => self.packed(Packed::Listpack, at, text),
            Role::Blob(packed) => self.packed(packed, at, text),
            Role::Other => {}
        }
    }

    fn packed(&mut self, packed: Packed, at: u64, bytes: &[u8]) {
        self.report.opened += 1;
        let shape = Shape::of(self.row);
        let is_searched = shape.group > 0;
        let members = &mut self.members;
        let mut index = 0;
        let mut last_expiry = None;
        let mut each = |value: listpack::Value<'_>, inside: usize| {
            let place = is_searched.then(|| index % shape.group);
            index += 1;
            match place {
                Some(0) if members.is_value_again(value) => Err((Wrong::DuplicateMember, inside)),
                Some(place) if shape.score == Some(place) && is_nan(value) => {
                    Err((Wrong::Score, inside))
                }
                Some(place) if shape.expiry == Some(place) => {
                    field_expiry(value, &mut last_expiry).map_err(|wrong| (wrong, inside))
                }
                _ => Ok(()),
            }
        };
        let found: Result<u64, Found> = match packed {
            Packed::Listpack if shape.is_stream => stream::node(bytes),
            Packed::Listpack | Packed::FieldListpack | Packed::MemberListpack => {
                listpack::walk(bytes, &mut each)
            }
            Packed::Ziplist => ziplist::walk(bytes, &mut each),
            Packed::Intset => small::intset(bytes),
            Packed::Zipmap => small::zipmap(bytes, &mut each),
        };
        match found {
            Err((wrong, inside)) => self.flaw(wrong, at, Some(inside as u64)),
            Ok(count) if is_searched && count % shape.group != 0 => {
                self.flaw(Wrong::Unpaired, at, None);
            }
            Ok(0) if !shape.is_list && !shape.is_stream => self.flaw(Wrong::Empty, at, None),
            Ok(count) => self.elements += count,
        }
    }
}

fn print_of_key(db: u64, key: &[u8]) -> u128 {
    Fnv::new().bytes(&db.to_le_bytes()).bytes(key).value()
}

impl Sink for Deep {
    const ENTRIES: bool = true;
    const TOKENS: bool = true;

    fn token(&mut self, token: &Token<'_>) {
        let Some(item) = token.item else {
            if let (Some(row), Some((_, key))) = (token.row, token.bytes.split_first())
                && row.kind == Kind::Value
            {
                self.begin_value(row, token);
                self.begin_string(Role::Key, key, token);
            } else {
                self.row = None;
                self.has_commands |= token.row.is_some_and(Row::is_command);
            }
            return;
        };
        if self.is_again {
            return;
        }
        let role = match item {
            Item::Str => self.role_of_string(),
            Item::Blob(packed) => Role::Blob(*packed),
            Item::Node => Role::Node,
            Item::NodeId => Role::NodeId,
            Item::AuxName | Item::AuxValue | Item::Library => Role::Other,
            other => return self.plain(other, token),
        };
        self.begin_string(role, token.bytes, token);
    }

    fn more(&mut self, bytes: &[u8]) {
        let Some((head, role, at)) = self.open else { return };
        self.body.extend_from_slice(bytes);
        if self.body.len() as u64 >= head.body_len {
            self.open = None;
            let body = std::mem::take(&mut self.body);
            self.string(head, role, at, &body);
            self.body = body;
        }
    }

    fn entry(&mut self, entry: &Entry<'_>) {
        if self.is_again {
            return;
        }
        if let Some(wrong) = self.pending.end_group() {
            self.flaw(wrong, entry.at, None);
        }
        self.settle_duplicates();
        if matches!(entry.row.number, 14 | 18) && self.elements == 0 {
            self.flaw(Wrong::Empty, entry.at, None);
        }
        self.report.uncompared += u64::from(self.members.is_full() || self.pending.is_full());
    }
}

impl Deep {
    /// The value is whole: whether it is a small hash is known only now.
    fn settle_duplicates(&mut self) {
        let is_hash = matches!(self.key.kind, 4 | 24);
        let at = self.key.at;
        let here = self.report.flaws.iter_mut().rev().take_while(|flaw| flaw.key.at == at);
        if self.is_small_hash && is_hash {
            here.for_each(|flaw| flaw.is_small_hash = true);
        }
    }

    fn role_of_string(&mut self) -> Role {
        let index = self.strings;
        self.strings += 1;
        let Some(row) = self.row else { return Role::Other };
        match row.number {
            2 | 3 | 5 | 35 => Role::Member,
            4 | 22 | 24 if index.is_multiple_of(2) => Role::Member,
            15 | 19 | 21 | 26 | 27 => Role::StreamName,
            _ => Role::Other,
        }
    }
}
