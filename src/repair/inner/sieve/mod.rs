//! Sorts the events of one segment into what stays and what goes, so that a loader takes what stays and
//! understands it as it was meant: in its database, and no part of a transaction without the rest.

mod faults;

use super::base::FlawedKey;
use super::hidden::{Hidden, hidden};
use super::named;
use super::sorted::{Cause, Db, Faults, Sorted, Step};
use crate::aof::{Aof, Event};
use crate::check::{self, Loader};
use crate::command::{CommandId, Kind, Renames};
use crate::disk::Source;
use crate::error::Result;
use crate::format::resp::Record;
use crate::repair::drops::InFile;
use crate::rules::Rules;

/// No record of MULTI, EXEC or SELECT is longer, in bytes.
const STRUCTURAL: u64 = 40;

/// A place in the new content to go back to.
#[derive(Clone, Copy, Debug)]
struct Mark {
    steps: usize,
    selected: Db,
}

/// Whether a transaction is open.
#[derive(Clone, Copy, Debug)]
enum Transaction {
    Outside,
    /// Damage may have taken a MULTI along: what follows is decided by what comes first, EXEC or MULTI.
    Unsure(Mark),
    /// MULTI stands before the mark; `over` is where it seems to have ended without an EXEC that can be read.
    Open {
        mark: Mark,
        at: u64,
        is_first: bool,
        over: Option<Over>,
    },
    /// It lost a part: the rest goes up to EXEC.
    Broken,
}

/// Where a transaction seems to have ended.
#[derive(Clone, Copy, Debug)]
struct Over {
    mark: Mark,
    /// Offset of what shows it.
    at: u64,
    sign: Sign,
}

/// What shows that a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    /// A server began anew there: it selects what is selected already.
    Restart,
    /// What may be its EXEC, with wrong bytes in the name, up to this offset.
    GarbledExec { end: u64 },
}

/// All that a way back has to bring back.
#[derive(Clone, Copy, Debug)]
struct Snapshot {
    mark: Mark,
    db: Db,
    transaction: Transaction,
    questions: usize,
}

/// The last record that was taken as it is.
#[derive(Clone, Copy, Debug)]
struct Taken {
    start: u64,
    end: u64,
    argc: u32,
    id: CommandId,
    /// No server writes it like that.
    is_odd: bool,
}

/// Sorts one segment. `bytes` reads the same segment as the walk that feeds it.
pub(super) struct Sieve<'a, 'c> {
    loader: &'a Loader,
    named: InFile<'a, 'c>,
    names: &'a Renames,
    rules: &'static Rules,
    bytes: Box<dyn Source + 'a>,
    now: Sorted,
    db: Db,
    selected: Db,
    transaction: Transaction,
    /// Steps before this one are not joined with later ones.
    barrier: usize,
    /// The last fault, and how all was before it.
    last: Option<(u64, u64, Snapshot)>,
    /// The same of the last one that is no whole record.
    broken: Option<(u64, u64, Snapshot)>,
    taken: Option<Taken>,
    /// Up to here everything is a part of a damaged value.
    value_to: u64,
}

impl<'a, 'c> Sieve<'a, 'c> {
    pub(super) fn new(
        loader: &'a Loader,
        aof: &'a Aof,
        bytes: Box<dyn Source + 'a>,
        named: InFile<'a, 'c>,
    ) -> Self {
        let now = Sorted {
            len: 0,
            header: None,
            steps: Vec::new(),
            faults: Faults::default(),
            questions: Vec::new(),
            databases: Vec::new(),
            redundant: 0,
            lost_keys: Vec::new(),
            restarts: Vec::new(),
            garbled_execs: Vec::new(),
        };
        Self {
            loader,
            named,
            names: &aof.names,
            rules: aof.target().rules,
            bytes,
            now,
            db: Db::At(0),
            selected: Db::At(0),
            transaction: Transaction::Outside,
            barrier: 0,
            last: None,
            broken: None,
            taken: None,
            value_to: 0,
        }
    }

    /// The next event of the segment.
    pub(super) fn event(&mut self, event: &Event<'_>) -> Result<()> {
        // What lies in a damaged value goes with it: it was counted when the damage was met.
        if event.span().0 < self.value_to {
            return Ok(());
        }
        match event {
            Event::Record(record, id) => self.record(record, *id)?,
            Event::Annotation { start, len, .. } => {
                if !matches!(self.transaction, Transaction::Broken) {
                    self.keep(*start, start + len);
                }
            }
            Event::Hollow { start, len, .. } => {
                let cause = Cause::Refused("a record without arguments".to_owned());
                self.fault(*start, start + len, cause, Some(Hidden::Nothing))?;
            }
            Event::Damage(damage) => self.damage(damage)?,
            Event::Rdb(part) => self.keep(part.start, part.end),
        }
        Ok(())
    }

    /// How many places that go, stay or are put in it has come to so far.
    pub(super) fn places(&self) -> usize {
        self.now.faults.len().max(self.now.steps.len()).max(self.now.questions.len())
    }

    /// The end of the segment.
    pub(super) fn finish(mut self, len: u64) -> Sorted {
        self.now.len = len;
        if let Transaction::Open { at, over, .. } = self.transaction {
            // One that a garbled EXEC ended is told with that cause, by `abandon`.
            if over.is_none_or(|over| over.sign == Sign::Restart) {
                self.now.faults.push(at, len, Cause::OpenTransaction);
            }
            self.abandon();
        }
        self.now
    }

    /// The RDB part ends at `proven`, where it broke; what follows up to `end` is lost.
    pub(super) fn rdb_ends(&mut self, proven: u64, end: u64, why: String) -> Result<()> {
        self.keep(0, proven);
        self.now.steps.push(Step::RdbEnd);
        self.fault(proven, end, Cause::Broken(why), None)
    }

    /// The RDB part is kept with its checksum switched off.
    pub(super) fn rdb_without_checksum(&mut self, end: u64) {
        // All but the eight bytes of the trailer; zeros in their place tell every server that there is no checksum.
        self.keep(0, end - 8);
        self.now.steps.push(Step::NoChecksum);
        self.barrier = self.now.steps.len();
    }

    /// The RDB part is kept without some keys, in the order of the file, with this checksum.
    pub(super) fn rdb_without_keys(&mut self, keys: Vec<FlawedKey>, end: u64, checksum: u64) {
        let mut kept_to = 0;
        for FlawedKey { from, to, why, key } in keys {
            self.keep(kept_to, from);
            self.barrier = self.now.steps.len();
            self.now.faults.push(from, to, Cause::Broken(why));
            self.now.lost_keys.push((from, key));
            kept_to = to;
        }
        self.keep(kept_to, end - 8);
        self.now.steps.push(Step::Checksum(checksum));
        self.barrier = self.now.steps.len();
    }

    fn mark(&mut self) -> Mark {
        self.barrier = self.now.steps.len();
        Mark { steps: self.barrier, selected: self.selected }
    }

    fn back_to(&mut self, mark: Mark) {
        self.now.steps.truncate(mark.steps);
        self.barrier = self.now.steps.len();
        self.selected = mark.selected;
    }

    fn snapshot(&mut self) -> Snapshot {
        Snapshot {
            mark: self.mark(),
            db: self.db,
            transaction: self.transaction,
            questions: self.now.questions.len(),
        }
    }

    fn restore(&mut self, before: Snapshot) {
        self.back_to(before.mark);
        self.db = before.db;
        self.transaction = before.transaction;
        self.now.questions.truncate(before.questions);
    }

    fn keep(&mut self, from: u64, to: u64) {
        let joins = self.now.steps.len() > self.barrier;
        match self.now.steps.last_mut() {
            Some(Step::Keep { to: end, .. }) if joins && *end == from => *end = to,
            _ => self.now.steps.push(Step::Keep { from, to }),
        }
    }

    /// Keeps a record that works on the selected database.
    fn keep_in_db(&mut self, record: &Record<'_>) {
        if self.selected != self.db {
            self.now.steps.push(Step::Select { from: self.selected, to: self.db });
            self.selected = self.db;
        }
        self.keep(record.start, record.end());
    }

    fn record(&mut self, record: &Record<'_>, id: Option<CommandId>) -> Result<()> {
        let opinion = self.loader.opinion(record, id);
        self.taken = None;
        let is_inside = matches!(self.transaction, Transaction::Open { .. });
        if self.named.takes(record, id, opinion, is_inside) {
            let (from, to) = (record.start, record.end());
            let cause = Cause::Named(named::why(record, opinion));
            self.now.faults.push(from, to, cause);
            return Ok(());
        }
        // That the target does not take it is no reason for it to go: it is whole.
        let Some(id) = id else { return self.nameless(record) };
        match id.kind() {
            Kind::Plain => {
                let (start, end, argc) = (record.start, record.end(), record.argc);
                let is_odd = record.oddities.any();
                self.taken = Some(Taken { start, end, argc, id, is_odd });
                self.plain(record);
            }
            Kind::Select => self.select(record),
            Kind::Multi => self.multi(record),
            Kind::Exec => {
                match self.transaction {
                    Transaction::Unsure(mark) => self.back_to(mark),
                    Transaction::Broken => {}
                    _ => self.keep(record.start, record.end()),
                }
                self.transaction = Transaction::Outside;
            }
            Kind::Discard if matches!(self.transaction, Transaction::Open { .. }) => {
                let why = "DISCARD inside a transaction, which crashes every server at EXEC";
                let hides = Hidden::Anything { select: None };
                let cause = Cause::Refused(why.to_owned());
                return self.fault(record.start, record.end(), cause, Some(hides));
            }
            Kind::Discard if matches!(self.transaction, Transaction::Broken) => {}
            Kind::Discard => self.keep(record.start, record.end()),
        }
        Ok(())
    }

    /// A command that no table has. One byte away from what holds transactions together or selects a database, it is
    /// that one, damaged; else it stays.
    fn nameless(&mut self, record: &Record<'_>) -> Result<()> {
        let (from, to) = (record.start, record.end());
        let is_short = record.argc <= 2 && to - from <= STRUCTURAL;
        let hides = if is_short {
            hidden(&self.look(from, to)?, true, self.names)
        } else {
            Hidden::Nothing
        };
        if matches!(hides, Hidden::Nothing) {
            self.plain(record);
            self.may_be_exec(record);
            return Ok(());
        }
        let shown = crate::text::escape(record.name);
        let why = format!("{shown}, one byte away from MULTI, EXEC or SELECT");
        self.fault(from, to, Cause::Refused(why), Some(hides))
    }

    fn multi(&mut self, record: &Record<'_>) {
        let is_garbled = |over: Over| matches!(over.sign, Sign::GarbledExec { .. });
        match self.transaction {
            // No server logs one inside of another: the EXEC before it is the one with wrong bytes.
            Transaction::Open { over: Some(over), .. } if is_garbled(over) => {
                self.abandon();
            }
            // Inside of another one it is queued and does nothing.
            Transaction::Open { .. } => return self.keep(record.start, record.end()),
            _ => {}
        }
        let (mark, at) = (self.mark(), record.start);
        self.transaction = Transaction::Open { mark, at, is_first: true, over: None };
        self.keep(record.start, record.end());
    }

    /// Whether a record of a command that nobody has was the EXEC of the open transaction shows only later.
    fn may_be_exec(&mut self, record: &Record<'_>) {
        if !check::may_be_exec(record.name, record.len) {
            return;
        }
        if matches!(self.transaction, Transaction::Broken) {
            return self.may_be_over();
        }
        if !matches!(self.transaction, Transaction::Open { over: None, .. }) {
            return;
        }
        let sign = Sign::GarbledExec { end: record.end() };
        let here = Over { mark: self.mark(), at: record.start, sign };
        if let Transaction::Open { over, .. } = &mut self.transaction {
            *over = Some(here);
        }
    }

    /// A broken transaction may have ended here: what follows goes only where an EXEC comes before the next MULTI.
    fn may_be_over(&mut self) {
        let here = self.mark();
        self.transaction = Transaction::Unsure(here);
    }

    /// A command that works on the selected database.
    fn plain(&mut self, record: &Record<'_>) {
        if self.now.databases.is_empty() {
            self.now.databases.push(0);
        }
        if let Transaction::Open { is_first, .. } = &mut self.transaction {
            *is_first = false;
        }
        if !matches!(self.transaction, Transaction::Broken) {
            self.keep_in_db(record);
        }
    }

    fn select(&mut self, record: &Record<'_>) {
        let number = record.args().nth(1).and_then(|arg| std::str::from_utf8(arg.head).ok());
        let Some(db) = number.and_then(|n| n.parse().ok()) else {
            // It is answered with an error, and the database stays what it was.
            return self.plain(record);
        };
        let is_redundant = self.db == Db::At(db) && !self.now.databases.is_empty();
        self.now.redundant += u64::from(is_redundant);
        if let Db::Asked(question) = self.db {
            self.now.questions[question].next.get_or_insert(db);
        }
        if !self.now.databases.contains(&db) {
            self.now.databases.push(db);
        }
        self.db = Db::At(db);
        if is_redundant && matches!(self.transaction, Transaction::Broken) {
            // A server that began anew selects a database by itself.
            self.may_be_over();
        }
        let here = self.mark();
        if let Transaction::Open { is_first, over, .. } = &mut self.transaction {
            if is_redundant && !*is_first && over.is_none() {
                *over = Some(Over { mark: here, at: record.start, sign: Sign::Restart });
                self.now.restarts.push(record.start);
            }
            *is_first = false;
        }
        if !matches!(self.transaction, Transaction::Broken) {
            self.keep(record.start, record.end());
            self.selected = self.db;
        }
    }
}
