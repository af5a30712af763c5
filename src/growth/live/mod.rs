//! What of a log is still alive, and what a rewrite would make of it.
//!
//! Follows values through their commands, from the base on: of all keys while they fit into memory, of a sample
//! that large keys are always in when they do not (see [`keys`]). What is kept is measured at the end as a server
//! would write it, in both formats. Not followed are commands that make a value out of other keys' (they keep
//! the size that they had), and what is inside of module values.

mod apply;
mod chain;
mod collections;
mod cost;
mod groups;
mod hashed;
mod keys;
mod members;
mod op;
mod packing;
mod stores;
mod stream;
mod text;
mod value;

use std::collections::BTreeMap;

use apply::Met;
use cost::{Cost, bulk, header};
use keys::{Held, Keys, Loading};
use members::{Kind, Piece};
use op::Op;
use value::{Fresh, Value};

use crate::command::CommandId;
use crate::format::rdb;
use crate::format::resp::Record;
use crate::limits;

/// Memory for the keys that are followed.
pub const BUDGET: usize = 10 << 20;

/// What the model of a value itself was off by, at most, where all keys were followed: measured against real
/// servers on many kinds of data, in percent, by format.
const MODEL_ERROR: Cost = Cost { resp: 1.0, rdb: 4.0 };

/// The sizes of a base that a rewrite would write now.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LiveEstimate {
    /// Bytes as commands (`aof-use-rdb-preamble no`).
    pub resp_bytes: u64,
    /// What that may be off by, in percent: twice the standard error of the sample, and what the model of a value
    /// was found to be off by.
    pub resp_error_percent: f64,
    /// Bytes as RDB.
    pub rdb_bytes: u64,
    /// What that may be off by, in percent.
    pub rdb_error_percent: f64,
    /// Keys that are alive, about.
    pub keys: u64,
    /// Keys that were followed.
    pub followed_keys: u64,
    /// All keys were followed.
    pub is_complete: bool,
    /// Keys whose time had come, but that no command has deleted.
    pub expired_keys: u64,
    /// Records that changed values in ways that are not followed.
    pub unfollowed_commands: u64,
    /// The RDB of the base could not be read to its end.
    pub is_partial: bool,
}

/// Follows values.
#[derive(Debug)]
pub struct Live {
    ops: Vec<Op>,
    keys: Keys,
    loading: Option<Loading>,
    /// Bytes of the base's RDB that are about no key, when there is one.
    overhead: Option<u64>,
    entries_bytes: u64,
    libraries: BTreeMap<Vec<u8>, u64>,
    unfollowed: u64,
    is_partial: bool,
}

/// Function libraries that are told apart.
const LIBRARIES: usize = 1024;

impl Live {
    /// Follows values in so many bytes of memory; a sample of them is chosen by `seed`, when it is given.
    pub fn new(budget: usize, seed: Option<u64>) -> Self {
        Self {
            ops: op::table(),
            keys: Keys::new(budget, seed),
            loading: None,
            overhead: None,
            entries_bytes: 0,
            libraries: BTreeMap::new(),
            unfollowed: 0,
            is_partial: false,
        }
    }

    /// A record.
    #[inline]
    pub fn record(&mut self, db: u64, record: &Record<'_>, id: Option<CommandId>) {
        let op = id.map_or(Op::Unknown, |id| self.ops[id.index()]);
        let met = Met { record, db };
        let is_followed = match op {
            Op::Nothing => true,
            Op::Function => self.function(record),
            Op::StreamGroup => {
                self.keys.group(met);
                true
            }
            op => self.keys.apply(op, met),
        };
        self.unfollowed += u64::from(!is_followed);
    }

    /// FUNCTION LOAD, DELETE and FLUSH.
    fn function(&mut self, record: &Record<'_>) -> bool {
        let mut args = record.args().skip(1);
        let Some(sub) = args.next() else { return false };
        match sub.head.to_ascii_uppercase().as_slice() {
            b"LOAD" => {
                let Some(code) = args.last() else { return false };
                self.learn(code.head, code.len);
            }
            b"DELETE" => {
                args.next().and_then(|name| self.libraries.remove(name.head));
            }
            b"FLUSH" => self.libraries.clear(),
            _ => return false,
        }
        true
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
        let key = &value.key[..value.key.len().min(limits::OUTLINE_HEAD)];
        let name = self.keys.name(value.db, key, value.key_len);
        self.loading = self.keys.load(&name, value.least_bytes, fresh);
        let is_table = matches!(value.row.number, 2 | 4 | 5 | 22 | 24 | 35);
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
        self.learn(library.first_line, bytes);
    }

    /// A command among the keys of a base, which is not followed.
    pub fn unread_command(&mut self) {
        self.unfollowed += 1;
    }

    /// Remembers a library, by the first line of its code.
    fn learn(&mut self, code: &[u8], bytes: u64) {
        let line = code.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let name = line.split(|b| *b == b' ').find_map(|word| word.strip_prefix(b"name="));
        if self.libraries.len() < LIBRARIES {
            self.libraries.insert(name.unwrap_or_default().trim_ascii().to_vec(), bytes);
        }
    }

    /// A key of a base, after its pieces.
    pub fn entry(&mut self, entry: &rdb::Entry<'_>) {
        self.entries_bytes += entry.bytes();
        let Some(mut loading) = self.loading.take() else {
            return self.unopened(entry);
        };
        let held = loading.held();
        held.expire_ms = entry.expire_ms;
        if let (Value::Stream(stream), Some(seen)) = (&mut held.value, entry.stream) {
            stream.groups.set(seen.groups, seen.consumers, seen.pending);
        }
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
    }

    /// It could not be read to its end.
    pub fn broken_base(&mut self) {
        self.is_partial = true;
    }

    /// What a rewrite would write at this time.
    pub fn finish(mut self, now_ms: i64) -> LiveEstimate {
        let mut sum = self.fixed();
        let (mut variance, mut keys, mut expired) = (Cost::default(), 0.0, 0.0);
        let mut scales = std::mem::take(&mut self.keys.scales);
        for held in self.keys.all() {
            let weight = held.weight();
            if held.expire_ms.is_some_and(|at| at <= now_ms) {
                expired += weight;
                continue;
            }
            let (cost, inner) = cost_of(held, &mut scales);
            sum += cost * weight;
            let between = weight * (weight - 1.0);
            variance += Cost { resp: cost.resp * cost.resp, rdb: cost.rdb * cost.rdb } * between;
            variance += inner * weight;
            keys += weight;
        }
        let percent = |variance: f64, sum: f64, model: f64| {
            let sample = 200.0 * variance.sqrt() / sum.max(1.0);
            sample + model
        };
        LiveEstimate {
            resp_bytes: sum.resp.round() as u64,
            resp_error_percent: percent(variance.resp, sum.resp, MODEL_ERROR.resp),
            rdb_bytes: sum.rdb.round() as u64,
            rdb_error_percent: percent(variance.rdb, sum.rdb, MODEL_ERROR.rdb),
            keys: keys.round() as u64,
            followed_keys: self.keys.len() as u64,
            is_complete: self.keys.is_complete(),
            expired_keys: expired.round() as u64,
            unfollowed_commands: self.unfollowed,
            is_partial: self.is_partial,
        }
    }

    /// What a base has beside its keys.
    fn fixed(&self) -> Cost {
        /// Magic, auxiliary fields, end and checksum.
        const FRAME: u64 = 90;
        let databases = self.keys.databases() as u64;
        let libraries: u64 = self.libraries.values().map(|code| 1 + bulk(*code)).sum();
        let loads: u64 =
            self.libraries.values().map(|code| header(3) + bulk(8) + bulk(4) + bulk(*code)).sum();
        let rdb = self.overhead.unwrap_or(FRAME + 8 * databases);
        // SELECT 0
        let select = header(2) + bulk(6) + bulk(1);
        Cost { resp: (databases * select + loads) as f64, rdb: (rdb + libraries) as f64 }
    }
}

/// The bytes of a key and its value, and the variance that a sample inside of it brings.
fn cost_of(held: &Held, scales: &mut cost::Scales) -> (Cost, Cost) {
    let (mut cost, variance) = match &held.value {
        Value::Text(text) => (text.cost(held.key_len, scales), Cost::default()),
        Value::List(chain) => (chain.cost(held.key_len, scales), Cost::default()),
        Value::Stream(stream) => (stream.cost(held.key_len, scales), Cost::default()),
        Value::Members(members) => members.cost(held.key_len, scales),
        Value::Opaque(bytes) => {
            let bytes = *bytes as f64;
            (Cost { resp: bytes, rdb: bytes }, Cost::default())
        }
    };
    // The number of its type.
    cost.rdb += 1.0 + held.key_rdb;
    if held.expire_ms.is_some() {
        // PEXPIREAT key 1700000000000
        cost.resp += (header(3) + bulk(9) + bulk(held.key_len) + bulk(13)) as f64;
        cost.rdb += 9.0;
    }
    (cost, variance)
}

fn whole<'a>(part: &rdb::Part<'a>) -> Piece<'a> {
    Piece { bytes: part.bytes, len: part.len }
}
