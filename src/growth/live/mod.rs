//! What of a log is still alive, and what a rewrite would make of it.
//!
//! Follows values through their commands, from the base on: of all keys while they fit into memory, of a sample
//! that large keys are always in when they do not (see [`keys`]). What is kept is measured at the end as a server
//! would write it, in both formats. What is not followed is counted, and what it may have changed is in [`doubt`]:
//! then a range is told, or nothing.

mod apply;
mod arguments;
mod bits;
mod chain;
mod collections;
mod cost;
mod dialect;
mod doubt;
mod estimate;
mod extent;
mod forgotten;
mod groups;
mod hashed;
mod held;
mod keys;
mod kind;
mod libraries;
mod members;
mod memory;
mod op;
mod packing;
mod score;
mod shown;
mod sizes;
mod sketch;
mod stores;
mod stream;
mod text;
mod unlike;
mod value;
mod vectors;
mod weigh;
mod weighed;

pub use doubt::Unfollowed;
pub use estimate::{Compression, LiveEstimate, Size};
pub use memory::Memory;

use arguments::Met;
use cost::{Cost, bulk, header};
use dialect::Dialect;
use doubt::Counts;
use estimate::Sums;
use held::Held;
use keys::{Keys, Loading};
use kind::Kind;
use libraries::Libraries;
use members::Piece;
use memory::Peak;
use op::Op;
use sizes::Limits;
use unlike::Unlike;
use value::{Fresh, Value};
use weigh::value_cost;
use weighed::Weighed;

use crate::command::{self, CommandId, Version};
use crate::format::conf::PackedLimits;
use crate::format::rdb::{self, Family};
use crate::format::resp::Record;
use crate::limits;

/// Memory for the keys that are followed.
pub const BUDGET: usize = 10 << 20;

/// Arguments of a module's command that are looked at for keys.
const ARGUMENTS: usize = 256;

/// Follows values.
#[derive(Debug)]
pub struct Live {
    ops: Vec<Op>,
    keys: Keys,
    loading: Option<Loading>,
    /// Bytes of the base's RDB that are about no key, when there is one.
    overhead: Option<u64>,
    entries_bytes: u64,
    /// Bytes of the base's values that were opened.
    opened_bytes: u64,
    compression: Compression,
    libraries: Libraries,
    unfollowed: Counts,
    /// What is not followed may have made keys.
    makes_keys: bool,
    /// What is not followed may have changed any key.
    is_unknown: bool,
    /// It may have deleted any key.
    may_delete: bool,
    is_partial: bool,
    unlike: Unlike,
    writing: Writing,
    peak: Peak,
}

/// How the new base will be written, as far as it is known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Writing {
    /// Who writes it.
    pub server: Option<(Family, Version)>,
    /// `rdbcompression`
    pub is_compressed: Option<bool>,
}

impl Live {
    /// Follows values in so many bytes of memory; a sample of them is chosen by `seed`, when it is given. `packed` is
    /// what was learnt of the sizes up to which values are packed.
    pub fn new(
        budget: usize,
        seed: Option<u64>,
        packed: Option<&PackedLimits>,
        writing: Writing,
    ) -> Self {
        let limits = packed.map(Limits::of).unwrap_or_default();
        Self {
            ops: op::table(),
            keys: Keys::new(budget, seed, limits),
            loading: None,
            overhead: None,
            entries_bytes: 0,
            opened_bytes: 0,
            compression: Compression::Unknown,
            libraries: Libraries::default(),
            unfollowed: Counts::default(),
            makes_keys: false,
            is_unknown: false,
            may_delete: false,
            is_partial: false,
            unlike: Unlike::new(packed.is_some()),
            peak: Peak::new(writing.server, &limits),
            writing,
        }
    }

    /// A record.
    #[inline]
    pub fn record(&mut self, db: u64, record: &Record<'_>, id: Option<CommandId>) {
        let op = id.map_or(Op::Unknown, |id| self.ops[id.index()]);
        let met = Met { record, db };
        if self.peak.passes(record.len) {
            self.peak.look(&self.keys);
        }
        if matches!(op, Op::FlushAll | Op::FlushDatabase) {
            self.peak.before_flush(&self.keys);
        }
        let is_followed = match op {
            Op::Nothing => true,
            Op::Unknown | Op::Anything => false,
            Op::Function => self.libraries.apply(record, &mut self.keys.scales),
            Op::StreamGroup => {
                self.keys.group(met);
                true
            }
            op => self.keys.apply(op, met),
        };
        if !is_followed {
            self.lose(op, met, id);
        }
    }

    /// A record whose effect is not known.
    #[cold]
    fn lose(&mut self, op: Op, met: Met<'_, '_>, id: Option<CommandId>) {
        let name = met.record.args().next().map_or(&[][..], |name| name.head);
        self.unfollowed.note(name, met.record.len);
        self.may_delete |= unlike::deletes_others(name, id, met.record);
        self.makes_keys = true;
        match id {
            _ if op == Op::Anything => self.is_unknown = true,
            Some(id) if op == Op::Unknown => {
                command::keys(id, met.record).for_each(|key| self.keys.doubt(met.db, key.arg));
            }
            // A command of a module changes keys that it names.
            None if command::has_module_form(name) => {
                let words = met.record.args().skip(1).take(ARGUMENTS);
                words.for_each(|word| self.keys.doubt(met.db, word));
            }
            None => self.is_unknown = true,
            // Its destination is in doubt already.
            Some(_) => {}
        }
    }

    /// Whether to open this value of a base.
    pub fn opens(&mut self, value: &rdb::Opening<'_>) -> bool {
        let fresh = match value.row.number {
            0 => Fresh::Text,
            1 | 10 | 14 | 18 => Fresh::List,
            2 | 11 | 20 | 34 | 35 => Fresh::Members(Kind::Set),
            3 | 5 | 12 | 17 => Fresh::Members(Kind::Zset),
            15 | 19 | 21 | 26 | 27 => Fresh::Stream,
            _ => Fresh::Members(Kind::Hash),
        };
        if value.is_compressed {
            self.compression = Compression::On;
        }
        let key = &value.key[..value.key.len().min(limits::OUTLINE_HEAD)];
        let name = self.keys.name(value.db, key, value.key_len);
        self.loading = self.keys.load(&name, value.least_bytes, fresh);
        let is_table = matches!(value.row.number, 2 | 4 | 5 | 22 | 24 | 35);
        self.unlike.begin(is_table, value.nodes);
        if let Some(loading) = &mut self.loading
            && let Value::Members(members) = &mut loading.held().value
            && is_table
        {
            members.mark_table();
        }
        self.loading.is_some()
    }

    /// A piece of the value that was opened last.
    pub fn piece(&mut self, piece: &rdb::Piece<'_>) {
        let Some(loading) = &mut self.loading else { return };
        let none = Piece { bytes: &[], len: 0 };
        let of = |part: &rdb::Part<'_>| self.keys.inner(part.bytes, part.len);
        match (&mut loading.held().value, piece) {
            (Value::Text(text), rdb::Piece::Text(part)) => text.set(part.bytes, part.len),
            (Value::List(chain), rdb::Piece::Element(part)) => {
                chain.push(false, part.bytes, part.len, &mut self.keys.scales);
            }
            (Value::Members(members), rdb::Piece::Member(part)) => {
                members.set(of(part), whole(part), none, 0.0);
            }
            (Value::Members(members), rdb::Piece::Scored(part, score)) => {
                members.set(of(part), whole(part), none, *score);
            }
            (Value::Members(members), rdb::Piece::Field(field, value, has_ttl)) => {
                let hash = of(field);
                members.set(hash, whole(field), whole(value), 0.0);
                if *has_ttl {
                    members.set_ttl(hash, true);
                }
            }
            (Value::Stream(stream), rdb::Piece::Node { id, listpack }) => {
                stream.load(*id, listpack, &mut self.keys.scales);
            }
            _ => {}
        }
    }

    /// A function library of a base.
    pub fn library(&mut self, library: &rdb::Library<'_>) {
        let bytes = library.end - library.at;
        self.entries_bytes += bytes;
        self.libraries.load(library.first_line, bytes);
    }

    /// A command among the keys of a base, which is not followed.
    pub fn unread_command(&mut self) {
        self.unfollowed.note(b"", 0);
        (self.makes_keys, self.is_unknown) = (true, true);
    }

    /// A key of a base, after its pieces.
    pub fn entry(&mut self, entry: &rdb::Entry<'_>) {
        self.entries_bytes += entry.bytes();
        let Some(mut loading) = self.loading.take() else {
            return self.unopened(entry);
        };
        let held = loading.held();
        held.expire_ms = entry.expire_ms;
        self.opened_bytes += entry.value_bytes;
        if let (Value::Stream(stream), Some(seen)) = (&mut held.value, entry.stream) {
            stream.groups.set(seen.groups, seen.consumers, seen.pending);
        }
        self.unlike.end(&loading.held().value, &self.keys.scales.limits);
        self.keys.loaded(loading);
    }

    /// A key that was not opened: of a module or a type nobody looks into, or not followed.
    fn unopened(&mut self, entry: &rdb::Entry<'_>) {
        if rdb::contents::is_opened(entry.row) {
            return;
        }
        let key = &entry.key[..entry.key.len().min(limits::OUTLINE_HEAD)];
        let name = self.keys.name(entry.db, key, entry.key_len);
        if let Some(mut loading) = self.keys.load(&name, entry.value_bytes, Fresh::Text) {
            loading.held().value = Value::Opaque(entry.value_bytes);
            loading.held().expire_ms = entry.expire_ms;
            self.keys.loaded(loading);
        }
    }

    /// The RDB of a base was read.
    pub fn base(&mut self, bytes: u64) {
        self.overhead = Some(bytes.saturating_sub(self.entries_bytes));
        self.peak.passes(bytes);
        self.peak.look(&self.keys);
        if self.compression == Compression::Unknown && self.keys.is_complete() {
            self.compression = self.compression_of_base();
        }
    }

    /// Whether the base's values are as large as they are when they are compressed, or as when they are not.
    fn compression_of_base(&mut self) -> Compression {
        /// Compression must have made so much of a difference, as a part of all.
        const CLEAR: f64 = 0.1;
        let mut scales = std::mem::take(&mut self.keys.scales);
        let values = self.keys.all().filter(|held| !matches!(held.value, Value::Opaque(_)));
        let sum = values.fold(Cost::default(), |sum, held| {
            sum + value_cost(held, Dialect::LATEST, &mut scales).0
        });
        self.keys.scales = scales;
        let (packed, plain, found) = (sum.rdb, sum.raw, self.opened_bytes as f64);
        if plain - packed <= CLEAR * plain {
            return Compression::Unknown;
        }
        Compression::from((found - packed).abs() < (plain - found).abs())
    }

    /// It could not be read to its end.
    pub fn broken_base(&mut self) {
        self.is_partial = true;
    }

    /// Begins with a file: a base, or what was appended.
    pub fn begin(&mut self, is_base: bool) {
        self.keys.in_base = is_base;
    }

    /// What a rewrite would write at this time.
    pub fn finish(mut self, now_ms: i64) -> LiveEstimate {
        let writing = self.writing;
        let known = writing.server.map(|(family, version)| [Dialect::of(family, version)]);
        let dialects = known.as_ref().map_or(&Dialect::ALL[..], |known| &known[..]);
        let mut sums = Sums::default();
        sums.add_fixed(self.fixed());
        let (mut keys, mut expired) = (0.0, 0.0);
        let mut scales = std::mem::take(&mut self.keys.scales);
        let is_unlike = self.unlike.is_shown();
        // An RDB, not commands, which say nothing of the forms of values.
        let is_in_base = self.overhead.is_some();
        let mut by_default = Sums::default();
        by_default.add_fixed(self.fixed());
        for held in self.keys.all() {
            let weight = held.weight();
            if held.expire_ms.is_some_and(|at| at <= now_ms) {
                expired += weight;
                // A server writes what it has not deleted yet.
                sums.add_perhaps(weighed(held, dialects, &mut scales).high, weight);
                continue;
            }
            let mut one = weighed(held, dialects, &mut scales);
            by_default.add(&one, weight);
            if self.unlike.is_open(held, is_in_base) {
                unlike::widen(&mut one, held, dialects, &mut scales);
            }
            sums.add(&one, weight);
            keys += weight;
        }
        let has_open_limits = sums.is_wider_than(&by_default);
        if self.makes_keys || self.is_partial {
            sums.open_all();
        }
        if self.may_delete {
            sums.forget_least(self.fixed());
        }
        let is_told = !is_unlike && !has_open_limits;
        let is_known = !(self.makes_keys || self.is_unknown || self.is_partial) && is_told;
        let memory = is_known.then(|| self.peak.finish(&self.keys)).flatten();
        let compression = writing.is_compressed.map_or(self.compression, Compression::from);
        let (resp, rdb) = match self.is_unknown || self.is_partial {
            true => Default::default(),
            false => sums.sizes(compression),
        };
        let (count, bytes) = (self.unfollowed.count, self.unfollowed.bytes);
        LiveEstimate {
            resp,
            rdb,
            compression,
            keys: keys.round() as u64,
            followed_keys: self.keys.len() as u64,
            is_complete: self.keys.is_complete() && count == 0 && !self.is_partial,
            has_all_keys: self.keys.is_complete(),
            expired_keys: expired.round() as u64,
            unfollowed_commands: count,
            unfollowed_bytes: bytes,
            unfollowed: self.unfollowed.heaviest(),
            is_unknown: self.is_unknown,
            is_partial: self.is_partial,
            has_other_limits: is_unlike,
            has_open_limits: has_open_limits && !is_unlike,
            memory,
        }
    }

    /// What a base has beside its keys.
    fn fixed(&self) -> Cost {
        /// Magic, auxiliary fields, end and checksum.
        const FRAME: u64 = 90;
        let databases = self.keys.databases() as u64;
        let frame = self.overhead.unwrap_or(FRAME + 8 * databases);
        // SELECT 0
        let select = header(2) + bulk(6) + bulk(1);
        Cost::of_commands(databases * select) + Cost::of_rdb(frame) + self.libraries.cost()
    }
}

/// The bytes of a key and its value, and what is unknown of them.
fn weighed(held: &Held, dialects: &[Dialect], scales: &mut cost::Scales) -> Weighed {
    let (first, others) = dialects.split_first().unwrap_or((&Dialect::LATEST, &[]));
    let (cost, variance) = value_cost(held, *first, scales);
    let mut weighed = Weighed::exactly(cost, variance);
    if held.value.depends_on_dialect() {
        others.iter().for_each(|other| weighed.widen(value_cost(held, *other, scales).0));
    }
    weighed.doubt = held.doubt;
    match &held.value {
        // Its module, or whatever it is of, may write any commands for it.
        Value::Opaque(_) => weighed.open.resp = 1.0,
        Value::Vectors(vectors) => vectors.range(&mut weighed),
        Value::Stream(stream) => weighed.perhaps(stream.perhaps(held.key_len)),
        Value::Text(text) => weighed.perhaps(text.perhaps(&cost)),
        Value::Members(members) => weighed.perhaps((members.perhaps(), members.perhaps())),
        _ => {}
    }
    // The number of its type.
    weighed.add(Cost::of_rdb(1) + held.key_cost());
    if held.expire_ms.is_some() {
        // PEXPIREAT key 1700000000000
        let command = header(3) + bulk(9) + bulk(held.key_len) + bulk(13);
        weighed.add(Cost::of_commands(command) + Cost::of_rdb(9));
    }
    weighed
}

fn whole<'a>(part: &rdb::Part<'a>) -> Piece<'a> {
    Piece { bytes: part.bytes, len: part.len }
}
