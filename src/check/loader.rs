//! The target's loader, imagined: it reads one file after the other and stops at the first thing it
//! cannot take.

use crate::aof::{Damage, Event, LoaderMeets, Why};
use crate::command::{self, CommandId, Kind, Trap};
use crate::format::conf::{RdbVersionCheck, Settings};
use crate::format::rdb::{self, Checksum};
use crate::format::resp::Record;
use crate::rules::{Arity, Rules, Target};

use super::reached::{Reached, Stop};

/// Argument lengths from here on may be more than a server's allocator gives: it depends on the allocator, the
/// kernel's settings and the memory there is.
const PERHAPS_TOO_LARGE: u64 = 1 << 36;

/// No process has so many addresses.
const TOO_LARGE: u64 = 1 << 47;

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
    /// It takes the end of the file for the end of a record, or dies of the length that the record claims: that
    /// depends on the memory there is.
    EndOrCrash,
    /// The RDB part is broken, or of a version it does not read.
    Rdb,
}

/// What a loader thinks of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opinion {
    Fine,
    /// It is known to have no such command or subcommand.
    Unknown,
    /// Whether it has it is not known here.
    NotLearnt,
    /// Too few or too many arguments.
    WrongArity(Miscall),
}

impl Opinion {
    /// Whether it goes on after it.
    pub(crate) fn goes_on(self) -> bool {
        use Miscall::{Answered, PassedOn};
        matches!(self, Self::Fine | Self::WrongArity(PassedOn | Answered))
    }
}

/// What a loader does about a command with a wrong number of arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Miscall {
    /// What is too much is passed on without a look.
    PassedOn,
    /// It answers an error, which nobody reads, and goes on.
    Answered,
    /// It refuses the file.
    Refused,
    /// It does not look, and dies.
    Crashes,
}

/// The loader of one server, reading one file.
#[derive(Clone, Debug)]
pub(crate) struct Loader {
    rules: &'static Rules,
    /// All its commands are known.
    knows_all: bool,
    /// `rdb-version-check relaxed`: a Valkey that tries versions that are not its own.
    is_relaxed: bool,
    /// By place in the command table: argument count, 0 when unknown.
    arity: Vec<i16>,
    is_container: Vec<bool>,
    transaction: Option<u64>,
    discard_queued: bool,
    /// What kills it when EXEC runs it is queued.
    death_queued: bool,
    /// The damage that stops it, whatever commands it knows.
    pub(super) broken: Option<Halt>,
    /// The first record that it does not take, and how far it had come.
    refusal: Option<Stop>,
    /// The first record of which nobody knows whether it takes it.
    doubt: Option<Stop>,
    /// How far whole records go, whatever commands it knows.
    pub(super) reached: Reached,
    /// End of the RDB part, 0 without one.
    pub(super) rdb_end: u64,
}

impl Loader {
    pub(crate) fn new(target: Target, settings: &Settings) -> Self {
        let rules = target.rules;
        let table = command::all();
        let relaxed = settings.rdb_version_check() == RdbVersionCheck::Relaxed;
        Self {
            rules,
            knows_all: target.is_recorded(),
            is_relaxed: relaxed && rules.knows_valkey_magic,
            arity: table.iter().map(|c| c.arity(rules.server).unwrap_or(0)).collect(),
            is_container: table.iter().map(|c| c.container).collect(),
            transaction: None,
            discard_queued: false,
            death_queued: false,
            broken: None,
            refusal: None,
            doubt: None,
            reached: Reached::default(),
            rdb_end: 0,
        }
    }

    /// A new file begins: a loader gives each a client of its own.
    pub(super) fn begin(&mut self) {
        self.transaction = None;
        self.discard_queued = false;
        self.death_queued = false;
        self.broken = None;
        self.refusal = None;
        self.doubt = None;
        self.reached = Reached::default();
        self.rdb_end = 0;
    }

    #[cold]
    fn stop(&mut self, at: u64, cause: Cause) {
        self.broken = Some(Halt { at, cause });
    }

    /// A record that it does not take, or of which that is not known. What comes after it is looked at all the
    /// same: it is not damaged for that.
    #[cold]
    fn object(&mut self, at: u64, cause: Option<Cause>) {
        let reached = self.reached;
        match cause {
            Some(cause) if self.refusal.is_none() => {
                self.refusal = Some(Stop { halt: Halt { at, cause }, reached });
            }
            None if self.refusal.is_none() && self.doubt.is_none() => {
                self.doubt = Some(Stop { halt: Halt { at, cause: Cause::Refused }, reached });
            }
            _ => {}
        }
    }

    /// What certainly stops it first.
    pub(super) fn halt(&self) -> Option<Halt> {
        self.refusal.map(|stop| stop.halt).or(self.broken)
    }

    /// The first record of which nobody knows whether it takes it, where nothing stops it before.
    pub(super) fn doubt(&self) -> Option<u64> {
        self.doubt.map(|stop| stop.halt.at)
    }

    /// How far it certainly comes.
    pub(super) fn proven(&self) -> Reached {
        self.doubt.or(self.refusal).map_or(self.reached, |stop| stop.reached)
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
        if self.halt().is_some() || !trap.kills(self.rules.server, inside, arguments) {
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
        let Some(id) = id else { return self.not_there(record.name) };
        let place = id.index();
        if self.is_container[place] && record.argc >= 2 {
            return self.container(record, id);
        }
        self.arity_opinion(id, record)
    }

    /// A command that no table has, or not the one of this server.
    #[cold]
    fn not_there(&self, name: &[u8]) -> Opinion {
        // It may have been loaded with a module that has it.
        match self.knows_all && !command::has_module_form(name) {
            true => Opinion::Unknown,
            false => Opinion::NotLearnt,
        }
    }

    #[cold]
    fn container(&self, record: &Record<'_>, id: CommandId) -> Opinion {
        if self.arity[id.index()] == 0 {
            return self.not_there(record.name);
        }
        let sub = record.args().nth(1).and_then(|sub| command::lookup_sub(id, sub.head));
        sub.map_or_else(|| self.not_there(record.name), |sub| self.arity_opinion(sub, record))
    }

    #[inline]
    fn arity_opinion(&self, id: CommandId, record: &Record<'_>) -> Opinion {
        let (arity, argc) = (self.arity[id.index()], record.argc);
        let wanted = u32::from(arity.unsigned_abs());
        if arity < 0 && argc >= wanted || arity > 0 && argc == wanted {
            return Opinion::Fine;
        }
        self.miscalled(id, arity, record)
    }

    #[cold]
    fn miscalled(&self, id: CommandId, arity: i16, record: &Record<'_>) -> Opinion {
        let (wanted, argc) = (u32::from(arity.unsigned_abs()), record.argc);
        if arity == 0 {
            return self.not_there(record.name);
        }
        Opinion::WrongArity(match self.rules.arity {
            Arity::Refused => Miscall::Refused,
            Arity::Unchecked if argc > wanted => Miscall::PassedOn,
            Arity::Unchecked if answers(id, argc) => Miscall::Answered,
            Arity::Unchecked => Miscall::Crashes,
        })
    }

    /// A record it has to run or queue.
    #[inline]
    pub(super) fn record(&mut self, record: &Record<'_>, id: Option<CommandId>, opinion: Opinion) {
        if self.broken.is_some() {
            return;
        }
        if !opinion.goes_on() {
            self.object(
                record.start,
                match opinion {
                    Opinion::NotLearnt => None,
                    Opinion::WrongArity(Miscall::Crashes) => Some(Cause::Crash),
                    _ => Some(Cause::Refused),
                },
            );
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
        self.reached.record_end = record.end();
        self.reached.commands += 1;
        if self.transaction.is_none() {
            self.reached.safe_cut = record.end();
            self.reached.commands_to_cut = self.reached.commands;
        }
    }

    /// Something wrong inside of a value: most loaders look only at what they must.
    pub(super) fn flaw(&mut self, flaw: &rdb::deep::Flaw) {
        if self.broken.is_some() {
            return;
        }
        if flaw.wrong == rdb::deep::Wrong::DuplicateKey {
            self.stop(flaw.at, Cause::Crash);
        } else if flaw.stops_loaders() {
            self.stop(flaw.at, Cause::Rdb);
        }
    }

    /// Anything but a record.
    #[cold]
    pub(super) fn other(&mut self, event: &Event<'_>) {
        if self.broken.is_some() {
            return;
        }
        match event {
            Event::Rdb(part) => {
                let header = part.walked.outcome.header;
                if matches!(part.walked.checksum, Checksum::Mismatch { .. }) {
                    return self.stop(part.start, Cause::Rdb);
                }
                if !self.loads_rdb(header) {
                    // Whole, and of a version that is another server's.
                    self.object(part.start, self.knows_all.then_some(Cause::Refused));
                }
                self.reached.record_end = part.end;
                self.reached.safe_cut = part.end;
                self.rdb_end = part.end;
            }
            Event::Hollow { start, .. } => self.stop(*start, Cause::BadFormat),
            Event::Damage(damage) if damage.is_not_understood() => {
                // A server whose types are all known here does not know it either.
                self.object(damage.start, self.knows_all.then_some(Cause::Rdb));
            }
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
            (_, LoaderMeets::Allocation(n)) if n >= TOO_LARGE => Cause::Crash,
            (_, LoaderMeets::Allocation(n)) if n >= PERHAPS_TOO_LARGE => Cause::EndOrCrash,
            (_, LoaderMeets::Allocation(_)) => Cause::EndOfFile,
        }
    }

    /// The file is over.
    pub(super) fn end(&mut self, len: u64) {
        if self.broken.is_some() {
            return;
        }
        match self.transaction {
            Some(_) => self.stop(len, Cause::OpenTransaction),
            // Annotations behind the last record are no loss.
            None => {
                self.reached.record_end = len;
                self.reached.safe_cut = len;
            }
        }
    }

    /// Where the server itself would cut the file after [`Cause::EndOfFile`] or
    /// [`Cause::OpenTransaction`], or after [`Cause::BadFormat`] where it is told to: not always where it should.
    pub(super) fn own_cut(&self) -> Option<u64> {
        let Reached { record_end, safe_cut, .. } = self.reached;
        let cut = match self.broken?.cause {
            // Told to cut corrupt tails, it does not look for the MULTI before.
            Cause::BadFormat => record_end,
            Cause::EndOfFile | Cause::EndOrCrash if self.rules.leaves_open_transaction => {
                record_end
            }
            Cause::EndOfFile | Cause::EndOrCrash | Cause::OpenTransaction => safe_cut,
            _ => return None,
        };
        let forgets_rdb = self.rules.cuts_rdb_away && cut == self.rdb_end;
        Some(if forgets_rdb { 0 } else { cut })
    }
}

/// Commands that look at their arguments themselves, and so do not miss one that is not there.
/// Source: Redis 7.0 to 8.6, started on such logs.
fn answers(id: CommandId, argc: u32) -> bool {
    matches!((id.command().name.as_str(), argc), ("HSET" | "ZADD", 3))
}
