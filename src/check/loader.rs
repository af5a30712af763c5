//! The target's loader, imagined: it reads one file after the other and stops at the first thing it
//! cannot take.

use crate::aof::{Damage, Event, LoaderMeets, Why};
use crate::command::{self, CommandId, Kind, Trap};
use crate::format::conf::{RdbVersionCheck, Settings};
use crate::format::rdb::{self, Checksum};
use crate::format::resp::Record;
use crate::rules::{Arity, Rules};

/// Why a loader stopped in a file, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Halt {
    /// Offset of what stopped it.
    pub at: u64,
    /// Why.
    pub cause: Cause,
}

/// Why a loader stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The file ends inside a record. It cuts the file; the start goes on if this is the last one.
    EndOfFile,
    /// The file ends inside a transaction. As above, from before MULTI.
    OpenTransaction,
    /// A byte that begins nothing.
    BadFormat,
    /// A command it does not know, or with a wrong number of arguments.
    Refused,
    /// It dies.
    Crash,
    /// The RDB part is broken, or of a version it does not read.
    Rdb,
}

/// What a loader thinks of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opinion {
    Fine,
    /// It has no such command or subcommand.
    Unknown,
    /// Too few or too many arguments.
    WrongArity {
        /// Redis passes on what is too much without a look.
        fatal: bool,
    },
}

/// The loader of one server, reading one file.
#[derive(Clone, Debug)]
pub(crate) struct Loader {
    rules: &'static Rules,
    /// `rdb-version-check relaxed`: a Valkey that tries versions that are not its own.
    is_relaxed: bool,
    /// By place in the command table: argument count, 0 when unknown.
    arity: Vec<i16>,
    is_container: Vec<bool>,
    transaction: Option<u64>,
    discard_queued: bool,
    /// What kills it when EXEC runs it is queued.
    death_queued: bool,
    pub(super) halt: Option<Halt>,
    /// End of the last whole record or RDB part.
    pub(super) record_end: u64,
    /// The same, never inside a transaction.
    pub(super) safe_cut: u64,
    /// Records it has run or queued, and those of them before `safe_cut`.
    commands: u64,
    pub(super) commands_to_cut: u64,
    /// End of the RDB part, 0 without one.
    pub(super) rdb_end: u64,
}

impl Loader {
    pub(crate) fn new(rules: &'static Rules, settings: &Settings) -> Self {
        let table = command::all();
        let relaxed = settings.rdb_version_check() == RdbVersionCheck::Relaxed;
        Self {
            rules,
            is_relaxed: relaxed && rules.knows_valkey_magic,
            arity: table.iter().map(|c| c.arity(rules.server).unwrap_or(0)).collect(),
            is_container: table.iter().map(|c| c.container).collect(),
            transaction: None,
            discard_queued: false,
            death_queued: false,
            halt: None,
            record_end: 0,
            safe_cut: 0,
            commands: 0,
            commands_to_cut: 0,
            rdb_end: 0,
        }
    }

    /// A new file begins: a loader gives each a client of its own.
    pub(super) fn begin(&mut self) {
        self.transaction = None;
        self.discard_queued = false;
        self.death_queued = false;
        self.halt = None;
        self.record_end = 0;
        self.safe_cut = 0;
        self.commands = 0;
        self.commands_to_cut = 0;
        self.rdb_end = 0;
    }

    #[cold]
    fn stop(&mut self, at: u64, cause: Cause) {
        self.halt = Some(Halt { at, cause });
    }

    /// Offset of the MULTI that is open.
    pub(super) fn transaction(&self) -> Option<u64> {
        self.transaction
    }

    /// Whether EXEC would crash it here: a DISCARD is queued.
    pub(super) fn frees_itself(&self) -> bool {
        self.discard_queued
    }

    /// What it is about to run or to queue is its end, when it comes to it: `Some(true)` at once, `Some(false)` at
    /// the EXEC that follows.
    #[cold]
    pub(super) fn meets(&mut self, record: &Record<'_>, trap: Trap) -> Option<bool> {
        let inside = self.transaction.is_some();
        let arguments = record.args().skip(1).map(|argument| argument.head);
        if self.halt.is_some() || !trap.kills(self.rules.server, inside, arguments) {
            return None;
        }
        match inside {
            true => self.death_queued = true,
            false => self.stop(record.start, Cause::Crash),
        }
        Some(!inside)
    }

    /// Whether it reads an RDB with this header.
    pub(super) fn loads_rdb(&self, header: rdb::Header) -> bool {
        self.is_relaxed || self.rules.loads_rdb(header.family, header.version)
    }

    /// What this loader thinks of a command, whether or not it is still reading.
    #[inline]
    pub(crate) fn opinion(&self, record: &Record<'_>, id: Option<CommandId>) -> Opinion {
        let Some(id) = id else { return Opinion::Unknown };
        let place = id.index();
        if self.is_container[place] && record.argc >= 2 {
            return self.container(record, id);
        }
        self.arity_opinion(self.arity[place], record.argc)
    }

    #[cold]
    fn container(&self, record: &Record<'_>, id: CommandId) -> Opinion {
        if self.arity[id.index()] == 0 {
            return Opinion::Unknown;
        }
        let sub = record.args().nth(1).and_then(|sub| command::lookup_sub(id, sub.head));
        sub.map_or(Opinion::Unknown, |sub| self.arity_opinion(self.arity[sub.index()], record.argc))
    }

    #[inline]
    fn arity_opinion(&self, arity: i16, argc: u32) -> Opinion {
        let wanted = u32::from(arity.unsigned_abs());
        if arity < 0 && argc >= wanted || arity > 0 && argc == wanted {
            return Opinion::Fine;
        }
        if arity == 0 {
            return Opinion::Unknown;
        }
        let fatal = argc < wanted || self.rules.arity == Arity::Refused;
        Opinion::WrongArity { fatal }
    }

    /// A record it has to run or queue.
    #[inline]
    pub(super) fn record(&mut self, record: &Record<'_>, id: Option<CommandId>, opinion: Opinion) {
        if self.halt.is_some() {
            return;
        }
        match opinion {
            Opinion::Fine | Opinion::WrongArity { fatal: false } => {}
            Opinion::WrongArity { .. } if self.rules.arity == Arity::Unchecked => {
                return self.stop(record.start, Cause::Crash);
            }
            _ => return self.stop(record.start, Cause::Refused),
        }
        match id.map_or(Kind::Plain, CommandId::kind) {
            Kind::Plain | Kind::Select => {}
            // A second MULTI is queued; running it later is an error that stops nothing.
            Kind::Multi => {
                self.transaction.get_or_insert(record.start);
            }
            // Queued like any other, it does not end the transaction; run at EXEC, it frees what EXEC
            // is walking over.
            Kind::Discard => self.discard_queued |= self.transaction.is_some(),
            Kind::Exec => {
                if self.discard_queued || self.death_queued {
                    return self.stop(record.start, Cause::Crash);
                }
                self.transaction = None;
            }
        }
        self.record_end = record.end();
        self.commands += 1;
        if self.transaction.is_none() {
            self.safe_cut = self.record_end;
            self.commands_to_cut = self.commands;
        }
    }

    /// Anything but a record.
    #[cold]
    /// Something wrong inside of a value: most loaders look only at what they must.
    pub(super) fn flaw(&mut self, flaw: &rdb::deep::Flaw) {
        if self.halt.is_some() {
            return;
        }
        if flaw.wrong == rdb::deep::Wrong::DuplicateKey {
            self.stop(flaw.at, Cause::Crash);
        } else if flaw.stops_loaders() {
            self.stop(flaw.at, Cause::Rdb);
        }
    }

    pub(super) fn other(&mut self, event: &Event<'_>) {
        if self.halt.is_some() {
            return;
        }
        match event {
            Event::Rdb(part) => {
                let header = part.walked.outcome.header;
                let mismatch = matches!(part.walked.checksum, Checksum::Mismatch { .. });
                if mismatch || !self.loads_rdb(header) {
                    return self.stop(part.start, Cause::Rdb);
                }
                self.record_end = part.end;
                self.safe_cut = part.end;
                self.rdb_end = part.end;
            }
            Event::Hollow { start, .. } => self.stop(*start, Cause::BadFormat),
            Event::Damage(damage) => {
                let cause = self.damage(damage);
                self.stop(damage.start, cause);
            }
            Event::Annotation { .. } | Event::Record(..) => {}
        }
    }

    fn damage(&self, damage: &Damage) -> Cause {
        match (damage.fault.reason, damage.loader) {
            (Why::Rdb(rdb::Reason::NotRdb), _) => Cause::BadFormat,
            (Why::Rdb(_), _) => Cause::Rdb,
            (_, LoaderMeets::EndOfFile) => Cause::EndOfFile,
            (_, LoaderMeets::BadFormat) => Cause::BadFormat,
            (_, LoaderMeets::Crash) => Cause::Crash,
            (_, LoaderMeets::Allocation(n)) if n > self.rules.largest_allocation => Cause::Crash,
            (_, LoaderMeets::Allocation(_)) => Cause::EndOfFile,
        }
    }

    /// The file is over.
    pub(super) fn end(&mut self, len: u64) {
        if self.halt.is_some() {
            return;
        }
        match self.transaction {
            Some(_) => self.stop(len, Cause::OpenTransaction),
            // Annotations behind the last record are no loss.
            None => {
                self.record_end = len;
                self.safe_cut = len;
            }
        }
    }

    /// Where the server itself would cut the file after [`Cause::EndOfFile`] or
    /// [`Cause::OpenTransaction`]: not always where it should.
    pub(super) fn own_cut(&self) -> Option<u64> {
        let cut = match self.halt?.cause {
            Cause::EndOfFile if self.rules.leaves_open_transaction => self.record_end,
            Cause::EndOfFile | Cause::OpenTransaction => self.safe_cut,
            _ => return None,
        };
        let forgets_rdb = self.rules.cuts_rdb_away && cut == self.rdb_end;
        Some(if forgets_rdb { 0 } else { cut })
    }
}
