//! The command mix: what fills the RESP parts of a set.

use std::collections::HashMap;

use crate::aof::{Damage, Event};
use crate::command::{self, CommandId, Kind};
use crate::format::resp::Record;
use crate::rules::{Needed, Needs};
use crate::scan::{Context, Merge, Observer};

/// Names outside the command table that are counted apart. A file of noise has no end of them.
const FOREIGN_NAMES: usize = 10_000;

/// Counts records by command and by database. Everything adds up: see [`Totals`].
#[derive(Clone, Debug)]
pub struct Mix {
    /// By place in the command table.
    known: Vec<Tally>,
    is_container: Vec<bool>,
    foreign: HashMap<Vec<u8>, Tally>,
    databases: HashMap<u64, DatabaseTally>,
    /// The database being counted, so that the map is touched only when it changes.
    current: (u64, DatabaseTally),
    totals: Totals,
    /// Bytes of the arguments of all records, and of those among them that only steer the loader.
    payload: u64,
    steering_payload: u64,
    /// What RDB parts need of modules.
    rdb_needs: Needs,
}

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    count: u64,
    bytes: u64,
    largest: u64,
}

impl Tally {
    #[inline]
    fn add(&mut self, bytes: u64) {
        self.count += 1;
        self.bytes += bytes;
        self.largest = self.largest.max(bytes);
    }

    fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.bytes += other.bytes;
        self.largest = self.largest.max(other.largest);
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct DatabaseTally {
    count: u64,
    bytes: u64,
}

impl DatabaseTally {
    #[inline]
    fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.bytes += other.bytes;
    }
}

/// Sums over all live segments. `command_bytes + annotation_bytes + unparsed_bytes = resp_bytes`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Whole records.
    pub commands: u64,
    /// Bytes outside RDB parts.
    pub resp_bytes: u64,
    /// Bytes of whole records.
    pub command_bytes: u64,
    /// Bytes of annotation lines.
    pub annotation_bytes: u64,
    /// Bytes that belong to nothing.
    pub unparsed_bytes: u64,
    /// Bytes of RDB parts, also of broken ones.
    pub rdb_bytes: u64,
    /// Of `resp_bytes`, those in a base that is no RDB.
    pub base_resp_bytes: u64,
    /// Transactions that were closed by EXEC.
    pub transactions: u64,
    /// Annotation lines.
    pub annotations: u64,
    /// What the records are made of.
    pub framing: Framing,
}

/// What the bytes of records are for; they add up to `command_bytes`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Framing {
    /// Names and arguments of commands, but for those of the next two.
    pub payload_bytes: u64,
    /// Counts, lengths and line ends around these.
    pub resp_bytes: u64,
    /// SELECT records.
    pub select_bytes: u64,
    /// MULTI, EXEC and DISCARD records.
    pub transaction_bytes: u64,
}

impl Framing {
    fn add(&mut self, other: &Self) {
        self.payload_bytes += other.payload_bytes;
        self.resp_bytes += other.resp_bytes;
        self.select_bytes += other.select_bytes;
        self.transaction_bytes += other.transaction_bytes;
    }
}

impl Totals {
    /// Bytes of the log that are no names or arguments of commands: framing of records, SELECT, transactions, annotations.
    pub fn overhead_bytes(&self) -> u64 {
        let framing = &self.framing;
        let steering = framing.select_bytes + framing.transaction_bytes;
        framing.resp_bytes + steering + self.annotation_bytes
    }

    /// Bytes of what a rewrite left: RDB parts, and a base that is no RDB.
    pub fn base_bytes(&self) -> u64 {
        self.rdb_bytes + self.base_resp_bytes
    }

    /// Bytes logged since for every byte of the base, which held what was live then; `None` without a base.
    pub fn write_amplification(&self) -> Option<f64> {
        let base = self.base_bytes();
        (base > 0).then(|| (self.resp_bytes - self.base_resp_bytes) as f64 / base as f64)
    }

    /// Adds those of another set.
    pub fn add(&mut self, other: &Self) {
        self.commands += other.commands;
        self.resp_bytes += other.resp_bytes;
        self.command_bytes += other.command_bytes;
        self.annotation_bytes += other.annotation_bytes;
        self.unparsed_bytes += other.unparsed_bytes;
        self.rdb_bytes += other.rdb_bytes;
        self.base_resp_bytes += other.base_resp_bytes;
        self.transactions += other.transactions;
        self.annotations += other.annotations;
        self.framing.add(&other.framing);
    }
}

/// One command of the mix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandRow {
    /// Its name; a container's subcommand as `NAME|SUB`. Bytes, for what is not in the table may be
    /// anything.
    pub name: Vec<u8>,
    /// The group the servers' documentation puts it in, when they know it.
    pub group: Option<&'static str>,
    /// Records.
    pub count: u64,
    /// Bytes of these records.
    pub bytes: u64,
    /// Bytes of the largest of them.
    pub largest_bytes: u64,
}

/// One group of commands, as the servers' documentation has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupRow {
    /// Its name; `None` for commands that no known server has.
    pub group: Option<&'static str>,
    /// Records.
    pub count: u64,
    /// Bytes of these records.
    pub bytes: u64,
}

/// One database of the mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatabaseRow {
    /// Its number.
    pub db: u64,
    /// Records met while it was selected.
    pub commands: u64,
    /// Bytes of these records.
    pub bytes: u64,
}

/// What a [`Mix`] answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MixReport {
    /// Sums.
    pub totals: Totals,
    /// What the set needs of modules; of commands, those that were counted.
    pub needs_modules: Vec<Needed>,
    /// By bytes, largest first; the rows add up to `totals.command_bytes`.
    pub commands: Vec<CommandRow>,
    /// By number.
    pub databases: Vec<DatabaseRow>,
}

impl MixReport {
    /// Sums by group, by bytes, largest first; they add up to `totals.command_bytes`.
    pub fn groups(&self) -> Vec<GroupRow> {
        let mut groups: Vec<GroupRow> = Vec::new();
        for row in &self.commands {
            match groups.iter_mut().find(|sum| sum.group == row.group) {
                Some(sum) => {
                    sum.count += row.count;
                    sum.bytes += row.bytes;
                }
                None => {
                    let (group, count, bytes) = (row.group, row.count, row.bytes);
                    groups.push(GroupRow { group, count, bytes });
                }
            }
        }
        groups.sort_by_key(|row| (std::cmp::Reverse(row.bytes), row.group));
        groups
    }
}

impl CommandRow {
    /// Bytes of a record on average.
    pub fn mean_bytes(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.bytes as f64 / self.count as f64 }
    }
}

impl Default for Mix {
    fn default() -> Self {
        let table = command::all();
        Self {
            known: vec![Tally::default(); table.len()],
            is_container: table.iter().map(|c| c.container).collect(),
            foreign: HashMap::new(),
            databases: HashMap::new(),
            current: (0, DatabaseTally::default()),
            totals: Totals::default(),
            payload: 0,
            steering_payload: 0,
            rdb_needs: Needs::default(),
        }
    }
}

impl Mix {
    #[inline(always)]
    fn record(&mut self, at: &Context, record: &Record<'_>, id: Option<CommandId>) {
        if self.current.0 != at.db {
            self.change_database(at.db);
        }
        self.current.1.merge(DatabaseTally { count: 1, bytes: record.len });
        match id {
            Some(id) if !self.is_container[id.index()] => self.known[id.index()].add(record.len),
            Some(id) => {
                let sub = record.args().nth(1).and_then(|sub| command::lookup_sub(id, sub.head));
                self.known[sub.unwrap_or(id).index()].add(record.len);
            }
            None => self.foreign(record.name, record.len),
        }
        self.payload += record.payload;
        if let Some(id) = id.filter(|id| id.kind() != Kind::Plain) {
            self.steering(at, record, id);
        }
    }

    /// A record that brings no data: SELECT, or one of a transaction.
    #[inline(never)]
    fn steering(&mut self, at: &Context, record: &Record<'_>, id: CommandId) {
        self.steering_payload += record.payload;
        let framing = &mut self.totals.framing;
        match id.kind() {
            Kind::Select => framing.select_bytes += record.len,
            _ => framing.transaction_bytes += record.len,
        }
        if id.kind() == Kind::Exec && at.transaction.is_some() {
            self.totals.transactions += 1;
        }
    }

    /// What is no record.
    #[inline(never)]
    fn other(&mut self, at: &Context, event: &Event<'_>) {
        let (start, end) = event.span();
        let bytes = end - start;
        match event {
            Event::Record(..) => {}
            Event::Annotation { .. } => {
                self.totals.annotations += 1;
                self.totals.annotation_bytes += bytes;
            }
            Event::Rdb(part) => {
                self.rdb_needs.add_rdb(&part.walked.outcome.modules);
                self.totals.rdb_bytes += bytes;
                return;
            }
            Event::Damage(Damage { rdb: Some(stop), .. }) => {
                self.rdb_needs.add_rdb(&stop.modules);
                self.totals.rdb_bytes += bytes;
                return;
            }
            Event::Damage(_) | Event::Hollow { .. } => self.totals.unparsed_bytes += bytes,
        }
        if at.in_base {
            self.totals.base_resp_bytes += bytes;
        }
    }

    #[cold]
    fn change_database(&mut self, db: u64) {
        let (old, tally) = std::mem::replace(&mut self.current, (db, DatabaseTally::default()));
        if tally.count > 0 {
            self.databases.entry(old).or_default().merge(tally);
        }
    }

    #[cold]
    fn foreign(&mut self, name: &[u8], bytes: u64) {
        let name = name.to_ascii_uppercase();
        if self.foreign.len() < FOREIGN_NAMES || self.foreign.contains_key(&name) {
            self.foreign.entry(name).or_default().add(bytes);
        } else {
            self.foreign.entry(b"(other names)".to_vec()).or_default().add(bytes);
        }
    }
}

impl Observer for Mix {
    type Report = MixReport;

    #[inline(always)]
    fn observe(&mut self, at: &Context, event: &Event<'_>) {
        let Event::Record(record, id) = event else { return self.other(at, event) };
        self.record(at, record, *id);
        if at.in_base {
            self.totals.base_resp_bytes += record.len;
        }
    }

    fn finish(mut self) -> MixReport {
        self.change_database(u64::MAX);
        let table = command::all().iter().zip(&self.known);
        let known =
            table.map(|(command, tally)| (command.name.as_bytes(), Some(command.group), tally));
        let foreign = self.foreign.iter().map(|(name, tally)| (name.as_slice(), None, tally));
        let mut commands: Vec<_> = known
            .chain(foreign)
            .filter(|(_, _, tally)| tally.count > 0)
            .map(|(name, group, tally)| CommandRow {
                name: name.to_vec(),
                group,
                count: tally.count,
                bytes: tally.bytes,
                largest_bytes: tally.largest,
            })
            .collect();
        commands.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
        let mut databases: Vec<_> = self
            .databases
            .iter()
            .map(|(&db, tally)| DatabaseRow { db, commands: tally.count, bytes: tally.bytes })
            .collect();
        databases.sort_by_key(|row| row.db);
        let mut totals = self.totals;
        totals.commands = commands.iter().map(|row| row.count).sum();
        totals.command_bytes = commands.iter().map(|row| row.bytes).sum();
        totals.resp_bytes = totals.command_bytes + totals.annotation_bytes + totals.unparsed_bytes;
        let framing = &mut totals.framing;
        framing.payload_bytes = self.payload - self.steering_payload;
        let steering = framing.select_bytes + framing.transaction_bytes;
        framing.resp_bytes = totals.command_bytes - steering - framing.payload_bytes;
        let mut needs = self.rdb_needs;
        for row in &commands {
            needs.add_command(command::lookup(&row.name), &row.name, row.count);
        }
        MixReport { totals, needs_modules: needs.sorted(), commands, databases }
    }
}

impl Merge for Mix {
    fn merge(&mut self, later: Self) {
        let mut later = later;
        later.change_database(u64::MAX);
        self.change_database(u64::MAX);
        for (mine, theirs) in self.known.iter_mut().zip(later.known) {
            mine.merge(theirs);
        }
        for (name, tally) in later.foreign {
            self.foreign.entry(name).or_default().merge(tally);
        }
        for (db, tally) in later.databases {
            self.databases.entry(db).or_default().merge(tally);
        }
        self.rdb_needs.merge(&later.rdb_needs);
        self.payload += later.payload;
        self.steering_payload += later.steering_payload;
        // Those that are sums of these are made at the end.
        self.totals.add(&later.totals);
    }
}
