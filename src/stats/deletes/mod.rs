//! Who deletes and expires: DEL and UNLINK, deadlines, FLUSHALL and FLUSHDB, where and when.
//!
//! A log does not say why a key was deleted. What it does say: a server itself writes `DEL` or `UNLINK` of
//! one key in capitals, for a key that expired or was evicted; several keys at once, or small letters, are
//! a client's.

mod storms;

use std::collections::VecDeque;

use foldhash::quality::RandomState;

use crate::aof::Event;
use crate::command::{self, CommandId};
use crate::format::resp::Record;
use crate::scan::{Context, Merge, Observer};

use super::pattern::Grouping;
use super::prefixes::{Families, Family, REST};
use super::written::UNKNOWN;
use storms::Storms;
pub use storms::{STRETCH, Storm};

/// Flushes that are told one by one: the last ones.
const FLUSHES: usize = 100;

/// A FLUSHALL or FLUSHDB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flush {
    /// The database it empties; `None`: all of them.
    pub db: Option<u64>,
    /// Position of its segment in the set.
    pub segment: usize,
    /// Offset of its record there.
    pub at: u64,
    /// Unix seconds, when annotations tell.
    pub time: Option<i64>,
}

/// Keys of one family that were deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedRow {
    /// `*` stands for what differs; `*` alone is everything that is in no other row.
    pub prefix: Vec<u8>,
    /// Keys that DEL and UNLINK name, as often as they do.
    pub keys: u64,
}

/// What a [`Deletes`] answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeleteReport {
    /// DEL records.
    pub del: u64,
    /// UNLINK records.
    pub unlink: u64,
    /// Bytes of both.
    pub bytes: u64,
    /// Keys they name, as often as they do.
    pub keys: u64,
    /// Records that clients sent for sure: of several keys, or not in capitals.
    pub by_clients: u64,
    /// Records inside of transactions: a client's, a script's, or of a key that expired as it was used.
    pub in_transactions: u64,
    /// Records that give keys a deadline: EXPIRE and its like, SET with one.
    pub expires: u64,
    /// FLUSHALL and FLUSHDB.
    pub flushes: u64,
    /// The last of them, in the order of the log.
    pub last_flushes: Vec<Flush>,
    /// Where most was deleted in one second; or, where no annotation tells the time, in one [`STRETCH`].
    pub storms: Vec<Storm>,
    /// Deleted keys by family, most first.
    pub prefixes: Vec<DeletedRow>,
}

impl DeleteReport {
    /// DEL and UNLINK records.
    pub fn records(&self) -> u64 {
        self.del + self.unlink
    }

    /// Records of one key in capitals, outside of transactions: clients', or the server's own for keys that
    /// expired or were evicted.
    pub fn by_anybody(&self) -> u64 {
        self.records() - self.by_clients - self.in_transactions
    }

    /// Deleted keys in the second that had most; `None` without times.
    pub fn most_a_second(&self) -> Option<u64> {
        self.storms.iter().filter(|storm| storm.time.is_some()).map(|storm| storm.keys).max()
    }
}

/// What a record does to keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Deed {
    #[default]
    Other,
    Del,
    Unlink,
    Expire,
    /// Gives a deadline where an option says so.
    Set,
    FlushAll,
    FlushDb,
}

/// Counts them.
#[derive(Clone, Debug)]
pub struct Deletes {
    /// By place in the command table.
    deeds: Vec<Deed>,
    families: Families,
    top: usize,
    storms: Storms,
    flushes: VecDeque<Flush>,
    report: DeleteReport,
}

impl Deletes {
    /// Counts deleted keys by families made like this, and tells at most `top` of them and of storms.
    pub fn new(grouping: Grouping, top: usize) -> Self {
        let deed = |command: &command::Command| match command.name.as_str() {
            "DEL" => Deed::Del,
            "UNLINK" => Deed::Unlink,
            "EXPIRE" | "PEXPIRE" | "EXPIREAT" | "PEXPIREAT" | "SETEX" | "PSETEX" => Deed::Expire,
            "SET" => Deed::Set,
            "FLUSHALL" => Deed::FlushAll,
            "FLUSHDB" => Deed::FlushDb,
            _ => Deed::Other,
        };
        Self {
            deeds: command::all().iter().map(deed).collect(),
            families: Families::new(grouping, RandomState::default()),
            top,
            storms: Storms::new(top),
            flushes: VecDeque::new(),
            report: DeleteReport::default(),
        }
    }

    #[inline(never)]
    fn deed(&mut self, deed: Deed, at: &Context, record: &Record<'_>, id: CommandId) {
        let report = &mut self.report;
        match deed {
            Deed::Other => {}
            Deed::Del => {
                report.del += 1;
                self.deleted(at, record, id);
            }
            Deed::Unlink => {
                report.unlink += 1;
                self.deleted(at, record, id);
            }
            Deed::Expire => report.expires += 1,
            Deed::Set => report.expires += u64::from(has_deadline(record)),
            Deed::FlushAll => self.flush(at, record, None),
            Deed::FlushDb => self.flush(at, record, Some(at.db)),
        }
    }

    fn deleted(&mut self, at: &Context, record: &Record<'_>, id: CommandId) {
        let keys = u64::from(record.argc.saturating_sub(1));
        self.report.bytes += record.len;
        self.report.keys += keys;
        if keys != 1 || record.name.iter().any(u8::is_ascii_lowercase) {
            self.report.by_clients += 1;
        } else if at.transaction.is_some() {
            self.report.in_transactions += 1;
        }
        self.storms.add(at, record, keys);
        let mut named = 0;
        for key in command::keys(id, record) {
            if self.families.is_full() {
                let weights: Vec<u64> = self.families.iter().map(|(_, f)| f.commands).collect();
                self.families.shrink(&weights);
            }
            let family = self.families.of_key(key.arg.head);
            self.count(family, 1);
            named += 1;
        }
        // Of a record larger than a window not all keys are seen.
        self.count(REST, keys.saturating_sub(named));
    }

    fn count(&mut self, family: u32, keys: u64) {
        if let Some(family) = self.families.get_mut(family) {
            family.commands += keys;
        }
    }

    fn flush(&mut self, at: &Context, record: &Record<'_>, db: Option<u64>) {
        self.report.flushes += 1;
        let flush = Flush { db, segment: at.segment, at: record.start, time: at.time };
        self.flushes.push_back(flush);
        if self.flushes.len() > FLUSHES {
            self.flushes.pop_front();
        }
    }
}

/// Whether a SET has an option that gives the key a deadline.
fn has_deadline(record: &Record<'_>) -> bool {
    let names: [&[u8]; 4] = [b"PXAT", b"PX", b"EX", b"EXAT"];
    let is_one = |option: &[u8]| names.iter().any(|name| option.eq_ignore_ascii_case(name));
    record.args().skip(3).any(|option| is_one(option.head))
}

impl Observer for Deletes {
    type Report = DeleteReport;

    #[inline]
    fn observe(&mut self, at: &Context, event: &Event<'_>) {
        let Event::Record(record, Some(id)) = event else { return };
        let deed = self.deeds[id.index()];
        if deed == Deed::Other || (deed == Deed::Set && record.argc == 3) || at.in_base {
            return;
        }
        self.deed(deed, at, record, *id);
    }

    fn finish(self) -> DeleteReport {
        let mut report = self.report;
        report.storms = self.storms.finish();
        report.last_flushes = self.flushes.into();
        let told = self.families.told().into_iter().next();
        report.prefixes = rows(told.map_or_else(Vec::new, |(_, list)| list), self.top);
        report
    }
}

/// The `top` families of which most was deleted, and all else as `*`.
fn rows(mut list: Vec<Family>, top: usize) -> Vec<DeletedRow> {
    let order = |family: &Family| (std::cmp::Reverse(family.commands), family.pattern.clone());
    list.sort_by_cached_key(|family| (family.pattern == b"*", order(family)));
    let rest = list.pop().map_or(0, |family| family.commands);
    let cut = list.split_off(top.min(list.len()));
    let rest = rest + cut.iter().map(|family| family.commands).sum::<u64>();
    let row = |family: Family| DeletedRow { prefix: family.pattern, keys: family.commands };
    let rest = DeletedRow { prefix: b"*".to_vec(), keys: rest };
    list.into_iter().map(row).chain([rest]).filter(|row| row.keys > 0).collect()
}

impl Merge for Deletes {
    fn merge(&mut self, later: Self) {
        let (mine, theirs) = (&mut self.report, &later.report);
        mine.del += theirs.del;
        mine.unlink += theirs.unlink;
        mine.bytes += theirs.bytes;
        mine.keys += theirs.keys;
        mine.by_clients += theirs.by_clients;
        mine.in_transactions += theirs.in_transactions;
        mine.expires += theirs.expires;
        mine.flushes += theirs.flushes;
        self.flushes.extend(later.flushes);
        let surplus = self.flushes.len().saturating_sub(FLUSHES);
        self.flushes.drain(..surplus);
        self.storms.merge(later.storms);
        self.families.merge(&later.families, UNKNOWN);
        while self.families.is_full() {
            let weights: Vec<u64> = self.families.iter().map(|(_, f)| f.commands).collect();
            self.families.shrink(&weights);
        }
    }
}
