//! Sorts the events of one segment into what stays and what goes, so that a loader takes what stays and
//! understands it as it was meant: in its database, and no part of a transaction without the rest.

use super::hidden::{Hidden, hidden, loose_arguments};
use crate::aof::{Damage, Ending, Event, Mended};
use crate::check::{Loader, Opinion};
use crate::command::{CommandId, Kind};
use crate::disk::Source;
use crate::error::Result;
use crate::format::resp::{self, Record};
use crate::rules::Rules;

/// Bytes of a damaged range that are looked at, at either end.
const LOOK: usize = 64 * 1024;

/// Most bytes between two damaged places that can lie in one value.
const VALUE: u64 = 512 << 20;

/// A selected database: a number, or the answer to a question that is still open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Db {
    At(u64),
    Asked(usize),
}

/// Which database is selected after a damaged range.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    /// Offset after the range.
    pub(super) at: u64,
    /// What was selected before it.
    pub(super) before: Db,
    /// A SELECT that can still be read in it.
    pub(super) readable: Option<u64>,
    /// The database that the next SELECT names.
    pub(super) next: Option<u64>,
}

/// What the new content consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Keep {
        from: u64,
        to: u64,
    },
    /// A SELECT, unless both are the same.
    Select {
        from: Db,
        to: Db,
    },
    /// The end of an RDB, its checksum switched off.
    RdbEnd,
    /// An RDB's checksum, switched off.
    NoChecksum,
}

/// Why bytes go that are not part of a transaction that lost some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// Broken bytes.
    Broken(String),
    /// The file ends inside a record, or with bytes that are none.
    Tail(String),
    /// A whole record the target refuses or dies of.
    Refused(String),
    /// The file ends inside a transaction.
    OpenTransaction,
}

/// A place that goes for a reason of its own.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) cause: Cause,
}

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
    /// MULTI stands before the mark; `restart` is where a server seems to have begun anew inside of it.
    Open {
        mark: Mark,
        at: u64,
        is_first: bool,
        restart: Option<Mark>,
    },
    /// It lost a part: the rest goes up to EXEC.
    Broken,
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
}

/// The segment, sorted.
#[derive(Debug)]
pub(super) struct Sorted {
    pub(super) len: u64,
    /// Its true first bytes, where those are wrong.
    pub(super) header: Option<Vec<u8>>,
    pub(super) steps: Vec<Step>,
    pub(super) faults: Vec<Fault>,
    pub(super) questions: Vec<Question>,
    /// Databases that are selected anywhere in it, in order.
    pub(super) databases: Vec<u64>,
    /// SELECTs of what was selected already: the mark of a server that was started anew.
    pub(super) redundant: u64,
    /// Where a server was started anew inside an open transaction.
    pub(super) restarts: Vec<u64>,
}

/// Sorts one segment. `bytes` reads the same segment as the walk that feeds it.
pub(super) struct Sieve<'a> {
    loader: &'a Loader,
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
}

impl<'a> Sieve<'a> {
    pub(super) fn new(
        loader: &'a Loader,
        rules: &'static Rules,
        bytes: Box<dyn Source + 'a>,
    ) -> Self {
        let now = Sorted {
            len: 0,
            header: None,
            steps: Vec::new(),
            faults: Vec::new(),
            questions: Vec::new(),
            databases: Vec::new(),
            redundant: 0,
            restarts: Vec::new(),
        };
        Self {
            loader,
            rules,
            bytes,
            now,
            db: Db::At(0),
            selected: Db::At(0),
            transaction: Transaction::Outside,
            barrier: 0,
            last: None,
            broken: None,
            taken: None,
        }
    }

    /// The next event of the segment.
    pub(super) fn event(&mut self, event: &Event<'_>) -> Result<()> {
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

    /// The end of the segment.
    pub(super) fn finish(mut self, len: u64) -> Sorted {
        self.now.len = len;
        if let Transaction::Open { at, .. } = self.transaction {
            self.now.faults.push(Fault { from: at, to: len, cause: Cause::OpenTransaction });
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
        self.keep(0, end - 8);
        self.now.steps.push(Step::NoChecksum);
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
        let (Some(id), Opinion::Fine | Opinion::WrongArity { fatal: false }) = (id, opinion) else {
            return self.refused(record, id, opinion);
        };
        self.taken = None;
        match id.kind() {
            Kind::Plain => {
                if self.now.databases.is_empty() {
                    self.now.databases.push(0);
                }
                let (start, end, argc) = (record.start, record.end(), record.argc);
                self.taken = Some(Taken { start, end, argc, id });
                if let Transaction::Open { is_first, .. } = &mut self.transaction {
                    *is_first = false;
                }
                if !matches!(self.transaction, Transaction::Broken) {
                    self.keep_in_db(record);
                }
            }
            Kind::Select => return self.select(record),
            Kind::Multi => {
                // Inside of another one it is queued and does nothing.
                if !matches!(self.transaction, Transaction::Open { .. }) {
                    let (mark, at) = (self.mark(), record.start);
                    self.transaction =
                        Transaction::Open { mark, at, is_first: true, restart: None };
                }
                self.keep(record.start, record.end());
            }
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

    fn select(&mut self, record: &Record<'_>) -> Result<()> {
        let number = record.args().nth(1).and_then(|arg| std::str::from_utf8(arg.head).ok());
        let Some(db) = number.and_then(|n| n.parse().ok()) else {
            let cause = Cause::Refused("SELECT of what is no number".to_owned());
            return self.fault(record.start, record.end(), cause, Some(Hidden::UnknownSelect));
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
        let here = self.mark();
        if let Transaction::Open { is_first, restart, .. } = &mut self.transaction {
            if is_redundant && !*is_first && restart.is_none() {
                *restart = Some(here);
                self.now.restarts.push(record.start);
            }
            *is_first = false;
        }
        if !matches!(self.transaction, Transaction::Broken) {
            self.keep(record.start, record.end());
            self.selected = self.db;
        }
        Ok(())
    }

    /// A whole record that the target does not take.
    fn refused(
        &mut self,
        record: &Record<'_>,
        id: Option<CommandId>,
        opinion: Opinion,
    ) -> Result<()> {
        let shown = crate::text::escape(&record.name[..record.name.len().min(32)]);
        let why = match opinion {
            Opinion::WrongArity { .. } => {
                format!("{shown} with a wrong number of arguments, {}", record.argc)
            }
            _ => format!("the unknown command {shown}"),
        };
        let hides = match id.map(CommandId::kind) {
            Some(Kind::Multi) => Some(Hidden::Multi),
            Some(Kind::Exec) => Some(Hidden::Exec),
            _ => None,
        };
        let (from, to) = (record.start, record.end());
        let hides = match hides {
            Some(hides) => hides,
            None => hidden(&self.look(from, to)?, true),
        };
        self.fault(from, to, Cause::Refused(why), Some(hides))
    }

    fn damage(&mut self, damage: &Damage) -> Result<()> {
        let why = damage.fault.to_string();
        let cause = match damage.ending {
            Ending::Resumes => Cause::Broken(why),
            _ => Cause::Tail(why),
        };
        let (start, end) = (damage.start, damage.end);
        let taken = self.taken.filter(|taken| taken.end == start);
        if let (Some(Mended::Swallowed { record, next }), Some(taken)) = (damage.mended, taken)
            && taken.start == record
        {
            self.take_back(record, start);
            self.fault(record, next, cause, Some(Hidden::Nothing))?;
            return self.record_at(next, end);
        }
        let bytes = self.look(start, end)?;
        if let Some(taken) = taken.filter(|taken| self.belongs_to(&bytes, *taken)) {
            self.take_back(taken.start, start);
            return self.fault(taken.start, end, cause, Some(Hidden::Nothing));
        }
        let is_one = damage.mended == Some(Mended::Record);
        let hides = is_one.then(|| hidden(&bytes, true));
        self.fault(start, end, cause, hides)
    }

    /// Whether a record lost its last arguments because its count became smaller: those are the damage.
    fn belongs_to(&self, bytes: &[u8], taken: Taken) -> bool {
        let Some((count, first)) = loose_arguments(bytes) else { return false };
        let whole = taken.argc + count;
        let (now, before) = (taken.argc.to_string(), whole.to_string());
        let differ = now.bytes().zip(before.bytes()).filter(|(a, b)| a != b).count();
        // What begins with a command's name is rather a record whose header is gone.
        let is_command = self.is_command(first, count);
        now.len() == before.len() && differ == 1 && self.takes(taken.id, whole) && !is_command
    }

    /// The record that ends at `end` is not kept after all.
    fn take_back(&mut self, start: u64, end: u64) {
        if let Some(Step::Keep { from, to }) = self.now.steps.last_mut()
            && *to == end
        {
            *to = start;
            if *from == start {
                self.now.steps.pop();
                self.barrier = self.barrier.min(self.now.steps.len());
            }
        }
    }

    /// A record whose beginning the walk did not see.
    fn record_at(&mut self, start: u64, end: u64) -> Result<()> {
        let need = usize::try_from(end - start).unwrap_or(usize::MAX);
        let window = self.bytes.window(start, need.min(crate::limits::WINDOW))?.to_vec();
        match resp::record(&window) {
            Ok(shape) => {
                let id = crate::command::lookup(shape.name);
                self.record(&Record::canonical(shape, &window, start), id)
            }
            Err(_) => Ok(()),
        }
    }

    /// The bytes of a range, or its first and last ones.
    fn look(&mut self, from: u64, to: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let look = LOOK as u64;
        let pieces = match to - from > 2 * look {
            true => vec![(from, from + look), (to - look, to)],
            false => vec![(from, to)],
        };
        for (mut at, end) in pieces {
            while at < end {
                let left = (end - at) as usize;
                let window = self.bytes.window(at, left.min(LOOK))?;
                let piece = &window[..window.len().min(left)];
                if piece.is_empty() {
                    break;
                }
                bytes.extend_from_slice(piece);
                at += piece.len() as u64;
            }
        }
        Ok(bytes)
    }

    /// A range goes. `hides`: what it held, where that is known; its bytes are asked otherwise.
    fn fault(&mut self, from: u64, to: u64, cause: Cause, hides: Option<Hidden>) -> Result<()> {
        let is_broken = !matches!(cause, Cause::Refused(_));
        self.now.faults.push(Fault { from, to, cause });
        // What one wrong byte explains is a damage of its own.
        let in_value = match self.broken.filter(|_| is_broken && hides.is_none()) {
            Some((_, end, _)) if self.ends_a_value(end, from, to)? => self.broken,
            _ => None,
        };
        // One damage in two events.
        let one = self.last.filter(|(_, end, _)| *end == from && hides.is_none());
        let (start, before) = match in_value.or(one) {
            Some((first, _, before)) => {
                self.restore(before);
                (first, before)
            }
            None => (from, self.snapshot()),
        };
        let hides = match hides.filter(|_| start == from) {
            Some(hides) => hides,
            None => hidden(&self.look(start, to)?, false),
        };
        self.last = Some((start, to, before));
        if is_broken {
            self.broken = self.last;
        }
        self.taken = None;
        match hides {
            Hidden::Nothing | Hidden::Multi | Hidden::Exec => {}
            Hidden::Select(db) => self.db = Db::At(db),
            Hidden::UnknownSelect | Hidden::Anything { .. } => {
                let select = if let Hidden::Anything { select } = hides { select } else { None };
                let question = Question { at: to, before: self.db, readable: select, next: None };
                self.now.questions.push(question);
                self.db = Db::Asked(self.now.questions.len() - 1);
            }
        }
        self.transaction_after(hides);
        Ok(())
    }

    /// Whether the sound stretch from `stretch` to the damage at `from` was part of a value: the damage is no
    /// more than the end of that value and the line end that closes an argument, perhaps with more arguments
    /// behind. One damage explains both places then.
    fn ends_a_value(&mut self, stretch: u64, from: u64, to: u64) -> Result<bool> {
        if from - stretch > VALUE || to - from > LOOK as u64 {
            return Ok(false);
        }
        let bytes = self.look(from, to)?;
        let Some(end) = memchr::memmem::find(&bytes, b"\r\n") else { return Ok(false) };
        let rest = &bytes[end + 2..];
        Ok(rest.is_empty()
            || loose_arguments(rest).is_some_and(|(count, first)| !self.is_command(first, count)))
    }

    /// Whether a record of so many arguments could begin with this one.
    fn is_command(&self, first: &[u8], count: u32) -> bool {
        crate::command::lookup(first).is_some_and(|id| self.takes(id, count))
    }

    fn takes(&self, id: CommandId, argc: u32) -> bool {
        let wanted = id.command().arity(self.rules.server).unwrap_or(0);
        let least = u32::from(wanted.unsigned_abs());
        argc == least || wanted < 0 && argc > least
    }

    fn transaction_after(&mut self, hides: Hidden) {
        use Transaction::{Broken, Open, Outside, Unsure};
        // A SELECT is put back, or asked for; the transaction is whole without it.
        if matches!(hides, Hidden::Select(_) | Hidden::UnknownSelect) {
            return;
        }
        let was_open = matches!(self.transaction, Open { .. }) && self.abandon();
        let here = self.mark();
        self.transaction = match (self.transaction, hides) {
            (_, Hidden::Multi) => Broken,
            (_, Hidden::Anything { .. }) => Unsure(here),
            (Unsure(mark), Hidden::Exec) => {
                self.back_to(mark);
                Outside
            }
            (_, Hidden::Exec) => Outside,
            _ if was_open => Broken,
            (unchanged, _) => unchanged,
        };
    }

    /// The open transaction goes. Answers `false` when it had ended without EXEC, where a server began anew,
    /// so that what came after that stays.
    fn abandon(&mut self) -> bool {
        let Transaction::Open { mark, restart, .. } = self.transaction else { return false };
        self.transaction = Transaction::Outside;
        match restart {
            None => self.back_to(mark),
            Some(restart) => {
                self.now.steps.drain(mark.steps..restart.steps);
                self.barrier = self.now.steps.len();
                (self.last, self.broken) = (None, None);
            }
        }
        restart.is_none()
    }
}
