//! One value, added up piece by piece.

use super::kind::Kind;
use super::limits::Limits;
use super::line::{Line, short_string, string};
use crate::format::rdb::{Entry, Opening, Part, Piece, pack};

/// Frame of a listpack.
const FRAME: u64 = pack::FRAME as u64;

/// Frame of a ziplist.
const ZIPLIST_FRAME: u64 = 11;

/// Bytes of a field and its value up to which Valkey keeps them in one allocation.
const JOINED: u64 = 128;

/// Bytes of a list's node that are its elements, at most.
const LIST_NODE: u64 = 8192;

/// What was seen of a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tally {
    pub(super) kind: Kind,
    /// Length of the longest piece; of a string, its length.
    pub(super) longest: u64,
    /// A string that is kept as a number.
    pub(super) is_integer: bool,
    /// It is a table on disk, not packed.
    is_plain: bool,
    nodes: u64,
    members: u64,
    /// All of them are numbers, and the widest takes so many bytes.
    width: Option<u64>,
    has_ttls: bool,
    /// Bytes of the packed expiries of fields, those of fields without one included.
    times: u64,
    /// Bytes of the packed entries, as they would be or are.
    packed: u64,
    /// Bytes of the members of a table.
    loose: f64,
}

impl Tally {
    pub(super) fn new(kind: Kind, value: &Opening<'_>) -> Self {
        Self {
            kind,
            longest: 0,
            is_integer: false,
            is_plain: matches!(value.row.number, 2..=5 | 22 | 24 | 35),
            nodes: value.nodes.unwrap_or(1).max(1),
            members: 0,
            width: Some(2),
            has_ttls: false,
            times: 0,
            packed: 0,
            loose: 0.0,
        }
    }

    pub(super) fn take(&mut self, piece: &Piece<'_>, line: Line) {
        match piece {
            Piece::Text(text) => {
                self.longest = text.len;
                self.is_integer = whole(text).is_some_and(|text| pack::integer(text).is_some());
            }
            Piece::Element(part) => self.element(part, line),
            Piece::Member(part) => {
                self.member(part);
                self.width = self.width.and_then(|width| Some(width.max(number_width(part)?)));
                self.packed += entry(part, line);
                self.loose += line.string(part.len) + line.entry();
            }
            Piece::Scored(part, score) => {
                self.member(part);
                self.packed += entry(part, line) + score_entry(*score, line);
                self.loose += scored(part.len, line);
            }
            Piece::Field(field, value, has_ttl) => {
                self.member(field);
                self.longest = self.longest.max(value.len);
                self.has_ttls |= has_ttl;
                // A number of milliseconds, or the number 0.
                self.times += if *has_ttl { 10 } else { 2 };
                self.packed += entry(field, line) + entry(value, line);
                self.loose += pair(field.len, value.len, *has_ttl, line);
            }
            Piece::Node { listpack, .. } => {
                self.members += 1;
                self.loose += line.blob(listpack.len() as u64);
            }
        }
    }

    fn member(&mut self, part: &Part<'_>) {
        self.members += 1;
        self.longest = self.longest.max(part.len);
    }

    fn element(&mut self, part: &Part<'_>, line: Line) {
        self.member(part);
        // One that is too long for a node has one of its own.
        match part.len > LIST_NODE && line > Line::Redis6 {
            true => self.loose += line.allocated(part.len),
            false => self.packed += entry(part, line),
        }
    }

    /// Bytes of it in memory, but for its object and key.
    pub(super) fn value(&self, of: &Entry<'_>, line: Line, limits: &Limits) -> f64 {
        match self.kind {
            Kind::Text => 0.0,
            Kind::List => self.list(line),
            Kind::Stream => {
                let costs = line.stream();
                let (nodes, groups) = (self.members as f64, of.stream.unwrap_or_default());
                let waiting = groups.pending as f64 * costs.pending;
                let groups =
                    groups.groups as f64 * costs.group + groups.consumers as f64 * costs.consumer;
                costs.stream + nodes * costs.node + self.loose + groups + waiting
            }
            Kind::Set | Kind::Zset | Kind::Hash => self.collection(line, limits),
        }
    }

    fn list(&self, line: Line) -> f64 {
        const QUICKLIST: f64 = 40.0;
        let is_one = self.nodes == 1 && self.loose == 0.0 && self.packed + FRAME <= LIST_NODE;
        if is_one && line.packs_sets() {
            return line.blob(self.packed + FRAME);
        }
        let (node, frame) = match line {
            Line::Redis6 => (32.0, ZIPLIST_FRAME),
            _ => (40.0, FRAME),
        };
        let each = line.blob(self.packed / self.nodes + frame);
        let packed = if self.packed == 0 { 0.0 } else { self.nodes as f64 * each };
        QUICKLIST + self.nodes as f64 * node + packed + self.loose
    }

    fn collection(&self, line: Line, limits: &Limits) -> f64 {
        if self.kind == Kind::Set
            && let Some(width) = self.width.filter(|_| self.members <= limits.numbers)
        {
            return line.blob(8 + self.members * width);
        }
        if self.is_packed(line, limits) {
            return self.packed(line);
        }
        let skiplist = match self.kind {
            Kind::Zset => 48.0 + line.allocated(16 + 16 * 33),
            _ => 0.0,
        };
        skiplist + line.table(self.members) + self.loose
    }

    fn is_packed(&self, line: Line, limits: &Limits) -> bool {
        if self.kind == Kind::Set && !line.packs_sets() || self.has_ttls && line.is_valkey() {
            return false;
        }
        let limit = limits.packing(self.kind);
        let fits = self.members <= limit.members && self.longest <= limit.longest;
        // Where nobody tells the limits, what was packed shows that it was within them.
        fits || !self.is_plain && !limits.are_told
    }

    fn packed(&self, line: Line) -> f64 {
        let frame = if line == Line::Redis6 { ZIPLIST_FRAME } else { FRAME };
        match self.has_ttls {
            true => {
                let head = if line.counts_requests() { 40.0 } else { 32.0 };
                head + line.blob(frame + self.packed + self.times)
            }
            false => line.blob(frame + self.packed),
        }
    }
}

/// All of a string, where all of it is there.
fn whole<'a>(part: &Part<'a>) -> Option<&'a [u8]> {
    (part.bytes.len() as u64 == part.len).then_some(part.bytes)
}

/// Bytes of a number in a set of numbers.
fn number_width(part: &Part<'_>) -> Option<u64> {
    let number = pack::integer(whole(part)?)?;
    Some(match number {
        -0x8000..=0x7fff => 2,
        -0x8000_0000..=0x7fff_ffff => 4,
        _ => 8,
    })
}

/// Bytes of a packed entry.
fn entry(part: &Part<'_>, line: Line) -> u64 {
    match whole(part).and_then(pack::integer) {
        Some(number) => integer_entry(number, line),
        None if line == Line::Redis6 => {
            // Each entry says how long the one before is.
            let head = match part.len {
                0..64 => 2,
                64..250 => 3,
                250..16384 => 7,
                _ => 10,
            };
            part.len + head
        }
        None => {
            let head = match part.len {
                0..64 => 1,
                64..4096 => 2,
                _ => 5,
            };
            let back = pack::back_len(usize::try_from(part.len + head).unwrap_or(usize::MAX));
            part.len + head + back as u64
        }
    }
}

fn integer_entry(number: i64, line: Line) -> u64 {
    match (line, number) {
        (Line::Redis6, 0..=12) => 2,
        (Line::Redis6, -0x80..=0x7f) => 3,
        (Line::Redis6, -0x8000..=0x7fff) => 4,
        (Line::Redis6, -0x80_0000..=0x7f_ffff) => 5,
        (Line::Redis6, -0x8000_0000..=0x7fff_ffff) => 6,
        (Line::Redis6, _) => 10,
        (_, 0..=127) => 2,
        (_, -4096..=4095) => 3,
        (_, -0x8000..=0x7fff) => 4,
        (_, -0x80_0000..=0x7f_ffff) => 5,
        (_, -0x8000_0000..=0x7fff_ffff) => 6,
        _ => 10,
    }
}

/// Bytes of a packed score.
fn score_entry(score: f64, line: Line) -> u64 {
    /// Whole numbers beyond are told as texts with an exponent.
    const WHOLE: f64 = 1e17;
    if score.fract() == 0.0 && score.abs() < WHOLE {
        return integer_entry(score as i64, line);
    }
    score.to_string().len().min(17) as u64 + 2
}

/// Bytes of a member of a sorted set outside of packed encodings: the name, what finds it, and its node, whose levels are as
/// many as they are on average.
fn scored(len: u64, line: Line) -> f64 {
    let name = short_string(len);
    // The score and the link back; with the name inside there is no pointer to it.
    let (apart, inside) = match line {
        Line::Redis84 | Line::Valkey91 => (0.0, 16 + 1 + name),
        _ => (line.allocated(name), 24),
    };
    let entry = match line {
        // An entry of this table has no value.
        Line::Redis82 => 16.0,
        _ => line.entry(),
    };
    let mut node = 0.0;
    // Three in four have one level, three in four of the others two.
    for (levels, share) in [(1, 0.75), (2, 0.1875), (3, 0.0469), (4, 0.0156)] {
        node += share * line.allocated(inside + 16 * levels);
    }
    apart + entry + node
}

/// Bytes of a field and its value outside of packed encodings.
fn pair(field: u64, value: u64, has_ttl: bool, line: Line) -> f64 {
    let ttl = if has_ttl { 16 } else { 0 };
    match line {
        Line::Redis84 => {
            let field = if has_ttl { string(field) } else { short_string(field) };
            24.0 + (field + ttl + string(value)) as f64
        }
        Line::Valkey | Line::Valkey91 => {
            let joined = short_string(field) + string(value) + ttl;
            match joined <= JOINED {
                true => line.allocated(joined),
                false => {
                    line.allocated(short_string(field) + ttl + 8) + line.allocated(string(value))
                }
            }
        }
        _ => {
            let field = line.allocated(short_string(field) + ttl);
            field + line.allocated(short_string(value)) + 24.0
        }
    }
}
