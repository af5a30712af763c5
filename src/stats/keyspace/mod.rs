//! The key space: what the RDB parts of a set hold, and its base when that is no RDB, by database, type
//! and encoding.
//!
//! Made from one [`Entry`] per key, or from the records of one key in a base that consists of commands. Memory is bounded by constants, whatever the files say: what does
//! not fit is counted under "other". Of keys only the biggest are remembered, by their first bytes.

mod biggest;
mod report;
mod runs;

use crate::stats::base_runs;
use std::collections::BTreeMap;

pub use biggest::BigKey;
use biggest::{Biggest, Met};
use report::LIBRARIES;
pub use report::{
    DatabaseKeys, Expiry, FieldTtls, Frequency, IDLE_STEPS, Idle, IdleRow, KeySpaceReport,
    MemorySum, ModuleRow, Streams, TypeRow,
};

use crate::aof::{Event, RdbItem};
use crate::format::rdb::{Entry, Library, Opening};
use crate::scan::{Context, Depth, Merge, Observer, Wants};

use super::base_runs::{BaseRun, BaseRuns};
use super::memory::{MemoryServer, Meter};

/// Databases counted apart. Servers have 16 unless told otherwise; a hostile file has no end of them.
const DATABASES: usize = 65_536;

/// Module types counted apart.
const MODULES: usize = 1024;

/// How to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeySpaceOptions {
    /// Unix milliseconds; keys that expire before it count as already past.
    pub now_ms: Option<i64>,
    /// How many of the biggest keys to remember, by bytes, by elements and by memory each.
    pub top: usize,
    /// Estimate what keys take in the memory of this server; slower, for values are opened.
    pub memory: Option<MemoryServer>,
}

impl Default for KeySpaceOptions {
    fn default() -> Self {
        Self { now_ms: None, top: 10, memory: None }
    }
}

/// Counts keys.
#[derive(Clone, Debug)]
pub struct KeySpace {
    options: KeySpaceOptions,
    /// By family and number of the type.
    types: Vec<Option<TypeRow>>,
    databases: BTreeMap<u64, DatabaseKeys>,
    /// The database being counted, so that the map is touched only when it changes.
    current: DatabaseKeys,
    /// By name of the type, as a number.
    modules: BTreeMap<u64, TypeRow>,
    by_bytes: Biggest,
    by_elements: Biggest,
    by_memory: Biggest,
    meter: Option<Meter>,
    runs: BaseRuns,
    report: KeySpaceReport,
}

impl Default for KeySpace {
    fn default() -> Self {
        Self::new(KeySpaceOptions::default())
    }
}

impl KeySpace {
    /// Counts by these options.
    pub fn new(options: KeySpaceOptions) -> Self {
        let mut report = KeySpaceReport::default();
        report.expiry.past = options.now_ms.map(|_| 0);
        report.memory_server = options.memory;
        Self {
            options,
            types: vec![None; 512 + base_runs::TYPES.len()],
            databases: BTreeMap::new(),
            current: DatabaseKeys::default(),
            modules: BTreeMap::new(),
            by_bytes: Biggest::new(options.top),
            by_elements: Biggest::new(options.top),
            by_memory: Biggest::new(options.top),
            meter: options.memory.as_ref().map(Meter::new),
            runs: BaseRuns::default(),
            report,
        }
    }

    #[cold]
    fn change_database(&mut self, db: Option<u64>) {
        let row = std::mem::replace(&mut self.current, DatabaseKeys { db, ..Default::default() });
        add_database(&mut self.databases, row);
    }

    #[inline]
    fn count_type(&mut self, entry: &Entry<'_>, memory: Option<u64>) {
        let place = usize::from(entry.row.number) + 256 * entry.family as usize;
        let of_module = entry.module.map(|id| module_slot(&self.modules, id));
        let new = || TypeRow {
            type_name: match of_module {
                Some(OTHERS) => "(others)".into(),
                _ => entry.type_label(),
            },
            encoding: entry.encoding(),
            ..Default::default()
        };
        let row = match of_module {
            Some(slot) => self.modules.entry(slot).or_insert_with(new),
            None => self.types[place].get_or_insert_with(new),
        };
        let bytes = entry.bytes();
        row.keys += 1;
        row.bytes = row.bytes.saturating_add(bytes);
        match entry.elements {
            Some(elements) => row.elements = row.elements.saturating_add(elements),
            None => row.uncounted += 1,
        }
        if self.meter.is_some() {
            row.memory.get_or_insert_default().add(memory);
        }
        row.offer(bytes, entry.key);
    }

    fn count_expiry(&mut self, at_ms: i64) {
        self.current.expires += 1;
        let expiry = &mut self.report.expiry;
        expiry.keys += 1;
        expiry.soonest_ms = Some(expiry.soonest_ms.map_or(at_ms, |soonest| soonest.min(at_ms)));
        expiry.latest_ms = expiry.latest_ms.max(Some(at_ms));
        if let (Some(past), Some(now_ms)) = (&mut expiry.past, self.options.now_ms) {
            *past += u64::from(at_ms < now_ms);
        }
    }

    /// What few keys have.
    fn count_rare(&mut self, entry: &Entry<'_>) {
        match entry.field_ttls {
            None => self.report.field_ttls.unseen_keys += 1,
            Some(0) => {}
            Some(fields) => {
                self.report.field_ttls.keys += 1;
                self.report.field_ttls.fields += fields;
            }
        }
        if let Some(stream) = entry.stream {
            let streams = &mut self.report.streams;
            streams.keys += 1;
            streams.groups = streams.groups.saturating_add(stream.groups);
            streams.consumers = streams.consumers.saturating_add(stream.consumers);
            streams.pending = streams.pending.saturating_add(stream.pending);
        }
        if let Some(seconds) = entry.idle_s {
            self.report.idle.count(seconds, entry.bytes());
        }
        if let Some(counter) = entry.frequency {
            let frequency = &mut self.report.frequency;
            frequency.keys += 1;
            frequency.sum += u64::from(counter);
            let bytes = &mut frequency.bytes_by_counter[usize::from(counter)];
            *bytes = bytes.saturating_add(entry.bytes());
            frequency.by_counter[usize::from(counter)] += 1;
        }
    }

    #[inline]
    fn key(&mut self, at: &Context, entry: &Entry<'_>) {
        if self.current.db != Some(entry.db) {
            self.change_database(Some(entry.db));
        }
        let (bytes, memory) = (entry.bytes(), self.meter.as_mut().and_then(|m| m.key(entry)));
        self.current.keys += 1;
        self.current.bytes = self.current.bytes.saturating_add(bytes);
        self.count_type(entry, memory);
        if let Some(at_ms) = entry.expire_ms {
            self.count_expiry(at_ms);
        }
        self.count_rare(entry);
        let key = Met { segment: at.segment, entry, memory };
        self.by_bytes.offer(bytes, &key);
        if let Some(elements) = entry.elements {
            self.by_elements.offer(elements, &key);
        }
        if let Some(memory) = memory {
            self.by_memory.offer(memory, &key);
        }
    }

    fn library(&mut self, library: &Library<'_>) {
        self.report.libraries_seen += 1;
        if self.report.libraries.len() < LIBRARIES {
            self.report.libraries.push(library.first_line.to_vec());
        }
    }
}

fn add_database(databases: &mut BTreeMap<u64, DatabaseKeys>, row: DatabaseKeys) {
    if row.keys == 0 {
        return;
    }
    let known = row.db.filter(|db| databases.len() < DATABASES || databases.contains_key(db));
    // No file can name this one and mean it: servers stop far below.
    let sum = databases.entry(known.unwrap_or(u64::MAX)).or_default();
    sum.db = known;
    sum.keys += row.keys;
    sum.expires += row.expires;
    sum.bytes = sum.bytes.saturating_add(row.bytes);
}

/// Where all module types are counted that find no place of their own.
const OTHERS: u64 = u64::MAX;

/// Where a module's type is counted.
fn module_slot(modules: &BTreeMap<u64, TypeRow>, id: u64) -> u64 {
    // The low ten bits are the version of the encoding, not of the type.
    let slot = id >> 10;
    match modules.len() < MODULES || modules.contains_key(&slot) {
        true => slot,
        false => OTHERS,
    }
}

fn module_row(row: &TypeRow) -> ModuleRow {
    ModuleRow { name: row.type_name.to_string(), keys: row.keys, bytes: row.bytes }
}

impl Observer for KeySpace {
    type Report = KeySpaceReport;

    #[inline]
    fn observe(&mut self, at: &Context, event: &Event<'_>) {
        if let Event::Damage(damage) = event {
            self.report.is_partial |= damage.rdb.is_some() || at.in_base;
        }
        if let Some(run) = self.runs.observe(at, event) {
            self.run(&run);
        }
    }

    fn wants(&self) -> Wants {
        let depth = if self.meter.is_some() { Depth::Contents } else { Depth::Entries };
        depth.into()
    }

    fn opens(&mut self, _: &Context, value: &Opening<'_>) -> bool {
        self.meter.as_mut().is_some_and(|meter| meter.opens(value))
    }

    #[inline]
    fn item(&mut self, at: &Context, item: &RdbItem<'_>) {
        match item {
            RdbItem::Key(entry) => self.key(at, entry),
            RdbItem::Library(library) => self.library(library),
            RdbItem::Piece(piece) => {
                if let Some(meter) = &mut self.meter {
                    meter.piece(piece);
                }
            }
            RdbItem::Opcode(_) | RdbItem::Flaws(_) => {}
        }
    }

    fn finish(mut self) -> KeySpaceReport {
        for run in self.runs.take() {
            self.run(&run);
        }
        self.change_database(None);
        let mut report = self.report;
        report.databases = self.databases.into_values().collect();
        report.keys = report.databases.iter().map(|row| row.keys).sum();
        report.bytes = report.databases.iter().map(|row| row.bytes).sum();
        report.modules = self.modules.values().map(module_row).collect();
        report.types = self.types.into_iter().flatten().chain(self.modules.into_values()).collect();
        report.types.sort_by_key(|row| std::cmp::Reverse(row.bytes));
        report.modules.sort_by_key(|row| std::cmp::Reverse(row.bytes));
        report.biggest_by_bytes = self.by_bytes.into_sorted();
        report.biggest_by_elements = self.by_elements.into_sorted();
        report.biggest_by_memory = self.by_memory.into_sorted();
        report.memory = report.types.iter().filter_map(|row| row.memory).sum();
        report
    }
}

impl Merge for KeySpace {
    fn merge(&mut self, later: Self) {
        let mut later = later;
        later.change_database(None);
        self.change_database(None);
        for row in later.databases.into_values() {
            add_database(&mut self.databases, row);
        }
        for (mine, theirs) in self.types.iter_mut().zip(later.types) {
            merge_type(mine, theirs);
        }
        for (slot, row) in later.modules {
            let slot = if slot == OTHERS { slot } else { module_slot(&self.modules, slot << 10) };
            let mut mine = self.modules.remove(&slot);
            merge_type(&mut mine, Some(row));
            self.modules.extend(mine.map(|row| (slot, row)));
        }
        for run in self.runs.merge(later.runs) {
            self.run(&run);
        }
        self.by_bytes.merge(later.by_bytes);
        self.by_elements.merge(later.by_elements);
        self.by_memory.merge(later.by_memory);
        self.report.merge(later.report);
    }
}

fn merge_type(mine: &mut Option<TypeRow>, theirs: Option<TypeRow>) {
    let (Some(row), Some(more)) = (mine.as_mut(), theirs.as_ref()) else {
        *mine = mine.take().or(theirs);
        return;
    };
    row.keys += more.keys;
    row.elements = row.elements.saturating_add(more.elements);
    row.uncounted += more.uncounted;
    row.memory = match (row.memory, more.memory) {
        (Some(mine), Some(theirs)) => Some(mine + theirs),
        (mine, theirs) => mine.or(theirs),
    };
    row.bytes = row.bytes.saturating_add(more.bytes);
    row.offer(more.largest_bytes, &more.largest_key);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::rdb::{self, walk_slice_with};

    /// Feeds entries to an observer without files.
    struct Feed(KeySpace, Context);

    impl rdb::Sink for Feed {
        const ENTRIES: bool = true;

        fn entry(&mut self, entry: &Entry<'_>) {
            self.0.item(&self.1, &RdbItem::Key(entry));
        }

        fn library(&mut self, library: &Library<'_>) {
            self.0.item(&self.1, &RdbItem::Library(library));
        }
    }

    fn seen(segment: usize, records: &[u8]) -> KeySpace {
        let options = KeySpaceOptions { now_ms: Some(300), top: 2, memory: None };
        let context = Context { segment, ..Context::default() };
        let mut feed = Feed(KeySpace::new(options), context);
        let bytes = [b"REDIS0012", records, b"\xff\0\0\0\0\0\0\0\0"].concat();
        walk_slice_with(&bytes, 0, &mut feed).unwrap();
        feed.0
    }

    const STRING: &[u8] = b"\0\x01k\x01v";
    const EXPIRING: &[u8] = b"\xfc\0\x01\0\0\0\0\0\0\xf9\x07\0\x02k2\x01v";
    const SET: &[u8] = b"\xfe\x05\xf8\x03\x02\x01s\x03\x01a\x01b\x01c";
    const LIBRARY: &[u8] = b"\xf5\x05#!lua";

    #[test]
    fn keys_are_counted_by_database_type_and_expiry() {
        let report = seen(0, &[STRING, EXPIRING, SET, LIBRARY].concat()).finish();
        let of = |db, keys, expires, bytes| DatabaseKeys { db: Some(db), keys, expires, bytes };
        assert_eq!(report.databases, [of(0, 2, 1, 22), of(5, 1, 0, 12)]);
        assert_eq!((report.keys, report.bytes), (3, 34));
        let types: Vec<_> =
            report.types.iter().map(|t| (&*t.type_name, t.keys, t.elements)).collect();
        assert_eq!(types, [("string", 2, 2), ("set", 1, 3)]);
        assert_eq!(report.types[0].largest_key, b"k2");
        let expiry = report.expiry;
        assert_eq!(
            (expiry.soonest_ms, expiry.latest_ms, expiry.past),
            (Some(256), Some(256), Some(1))
        );
        assert_eq!((report.frequency.mean(), report.idle.longest_s), (Some(7.0), 3));
        assert_eq!((report.libraries, report.libraries_seen), (vec![b"#!lua".to_vec()], 1));
        let biggest: Vec<_> = report.biggest_by_elements.iter().map(|k| k.elements).collect();
        assert_eq!(biggest, [Some(3), Some(1)]);
    }

    #[test]
    fn parts_merged_in_any_grouping_are_the_whole() {
        let parts = || [seen(0, STRING), seen(1, EXPIRING), seen(2, SET), seen(3, LIBRARY)];
        let [mut a, b, c, d] = parts();
        a.merge(b);
        a.merge(c);
        a.merge(d);
        let [mut left, b, mut right, d] = parts();
        right.merge(d);
        left.merge(b);
        left.merge(right);
        let (a, left) = (a.finish(), left.finish());
        assert_eq!(a, left);
        assert_eq!((a.keys, a.biggest_by_bytes.len()), (3, 2));
    }

    #[test]
    fn databases_without_end_are_counted_together() {
        let mut rows = BTreeMap::new();
        for db in 0..DATABASES as u64 + 5 {
            add_database(&mut rows, DatabaseKeys { db: Some(db), keys: 1, expires: 0, bytes: 1 });
        }
        let last = rows.into_values().last();
        assert_eq!(last, Some(DatabaseKeys { db: None, keys: 5, expires: 0, bytes: 5 }));
    }
}
