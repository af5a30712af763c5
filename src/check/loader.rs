//! The loaders of one or several targets, imagined: each reads one file after the other and stops at the first
//! thing it cannot take.
//!
//! Damage stops all of them alike, so their state is kept once. What one of them does not take is no damage: it
//! keeps the state it had there, and what comes after is looked at all the same. So the facts of a pass serve every target, and who the judgement is made for may be decided when the
//! whole set is known.

use std::collections::HashMap;

use super::halt::{Cause, Halt, meets};
use super::opinions::{Opinion, Opinions};
use super::player::{Player, agreed};
use super::reached::Reached;
use super::state::State;
use crate::aof::{Aof, Event, LoaderMeets, Writer};
use crate::command::{self, CommandId, Kind, Renames, Trap};
use crate::format::rdb::deep::Care;
use crate::format::rdb::{self, Checksum};
use crate::format::resp::Record;
use crate::rules::{Arity, Origin, Presence, Presences, Target};

/// The loaders of some targets, reading one file.
#[derive(Clone, Debug)]
pub(crate) struct Loader {
    players: Vec<Player>,
    /// By place in the command table: the argument count that all want which have the command, 0 where each has
    /// to be asked; and what all think of a call with that many.
    agreed: Vec<(i16, Opinions)>,
    /// What the configuration renames, and, of the commands whose own names it takes away, what `agreed` has of others: theirs
    /// have to be asked for.
    names: Renames,
    taken: HashMap<CommandId, (i16, Opinions)>,
    /// Where all stand, as far as damage goes.
    state: State,
}

impl Loader {
    /// The loader of the target.
    pub(crate) fn new(aof: &Aof) -> Self {
        Self::of(&[aof.target()], aof, |_| aof.is_target_named())
    }

    /// The loaders of several. Those at places that are `named` do not merely stand for the writer of the set.
    pub(crate) fn of(targets: &[Target], aof: &Aof, named: impl Fn(usize) -> bool) -> Self {
        let writer = aof.writer.as_ref().and_then(Writer::release);
        let player = |(place, target): (usize, &Target)| {
            let origin = Origin { writer, target_given: named(place) };
            let modules = Presences::of(target, &aof.modules, origin);
            Player::new(target, aof, writer, modules)
        };
        let players: Vec<_> = targets.iter().take(Opinions::MOST).enumerate().map(player).collect();
        let mut agreed: Vec<_> =
            (0..command::all().len()).map(|place| agreed(&players, place)).collect();
        let names = aof.names.clone();
        let mut take = |id: CommandId| (id, std::mem::take(&mut agreed[id.index()]));
        let taken = names.taken().map(&mut take).collect();
        Self { players, agreed, names, taken, state: State::default() }
    }

    /// A new file begins: a loader gives each a client of its own.
    pub(super) fn begin(&mut self) {
        self.state = State::default();
        for player in &mut self.players {
            (player.refused, player.perhaps) = (None, None);
        }
    }

    /// Whether what comes next can be looked at without knowing what came before.
    pub(super) fn is_between(&self) -> bool {
        self.state.is_between()
    }

    /// Takes over what they made of the piece behind all they have read.
    pub(super) fn join(&mut self, later: Self) {
        let here = self.state;
        if here.halt.is_some() {
            return;
        }
        for (mine, theirs) in self.players.iter_mut().zip(later.players) {
            let there = |state| here.followed_by(state);
            mine.refused = mine.refused.or(theirs.refused.map(there));
            mine.perhaps = mine.perhaps.or(theirs.perhaps.map(there));
        }
        self.state = here.followed_by(later.state);
    }

    /// All stop here.
    #[cold]
    fn stop(&mut self, at: u64, cause: Cause) {
        self.state.halt = Some(Halt { at, cause });
    }

    /// Those that `cause` gives one for do not take what stands here.
    #[cold]
    fn object(&mut self, at: u64, cause: impl Fn(usize, &Player) -> Option<Cause>) {
        let state = |cause| State { halt: Some(Halt { at, cause }), ..self.state };
        for (place, player) in self.players.iter_mut().enumerate() {
            match cause(place, player) {
                Some(cause @ Cause::Perhaps) if player.perhaps.is_none() => {
                    player.perhaps = Some(state(cause));
                }
                Some(cause) if cause != Cause::Perhaps && player.refused.is_none() => {
                    player.refused = Some(state(cause));
                }
                _ => {}
            }
        }
    }

    /// Offset of the MULTI that is open.
    pub(super) fn transaction(&self) -> Option<u64> {
        self.state.transaction
    }

    /// Whether EXEC would crash it here: a DISCARD is queued.
    pub(super) fn frees_itself(&self) -> bool {
        self.state.discard_queued
    }

    /// What they are about to run or to queue is the end of some of them: those that end at once, and those that
    /// end at the EXEC that follows.
    #[cold]
    pub(super) fn meets(
        &mut self,
        record: &Record<'_>,
        id: Option<CommandId>,
        trap: Trap,
    ) -> (u64, u64) {
        let inside = self.state.transaction.is_some();
        let arguments = || record.args().skip(1).map(|argument| argument.head);
        if self.state.halt.is_some() {
            return (0, 0);
        }
        let dying = self.that(|player| {
            let rules = player.rules;
            let by_name = id.is_some_and(|id| rules.is_deadly_trap(id));
            player.refused.is_none() && (by_name || trap.kills(rules.deaths, inside, arguments()))
        });
        match inside {
            true => {
                self.state.death_queued |= dying;
                (0, dying)
            }
            false => {
                self.object(record.start, |place, _| {
                    (dying >> place & 1 == 1).then_some(Cause::Crash)
                });
                (dying, 0)
            }
        }
    }

    /// Where damage stops all of them, and how far they come up to it.
    pub(super) fn state(&self) -> State {
        self.state
    }

    /// What one of them does not take before that, and what it may not take.
    pub(super) fn objections(&self, place: usize) -> [Option<State>; 2] {
        [self.players[place].refused, self.players[place].perhaps]
    }

    /// Which of them do not read an RDB with this header.
    pub(super) fn that_refuse_rdb(&self, header: rdb::Header) -> u64 {
        self.that(|player| !player.loads_rdb(header))
    }

    /// Which of them have not heard of this type or opcode.
    pub(super) fn that_lack_number(&self, family: rdb::Family, number: u8) -> u64 {
        self.that(|player| player.rules.knows_number(family, number) == Some(false))
    }

    /// Which of them lack the module that this is of, and which of them may.
    pub(super) fn that_lack_module(&self, module: &rdb::Module) -> [u64; 2] {
        [Presence::Missing, Presence::Unsure]
            .map(|wanted| self.that(|player| player.reads(module) == wanted))
    }

    /// Which of them have no database of this number, as their configuration says.
    pub(super) fn that_lack_database(&self, db: u64) -> u64 {
        self.that(|player| db >= player.databases)
    }

    /// Which of them do not pass over annotations.
    pub(super) fn that_refuse_annotations(&self) -> u64 {
        self.that(|player| !player.rules.annotations)
    }

    /// Those that a payload ends, and those that it may end.
    #[cold]
    pub(super) fn ended_by_payload(&mut self, at: u64, whom: u64, perhaps: u64) {
        if self.state.halt.is_some() || whom | perhaps == 0 {
            return;
        }
        self.object(at, |place, _| match (whom >> place & 1, perhaps >> place & 1) {
            (1, _) => Some(Cause::Refused),
            (_, 1) => Some(Cause::Perhaps),
            _ => None,
        });
    }

    pub(super) fn that(&self, is: impl Fn(&Player) -> bool) -> u64 {
        let bit = |(place, player)| u64::from(is(player)) << place;
        self.players.iter().enumerate().map(bit).sum()
    }

    /// What these loaders think of a command, whether or not they are still reading.
    #[inline]
    pub(crate) fn opinions(&self, record: &Record<'_>, id: Option<CommandId>) -> Opinions {
        let Some(id) = id else { return self.without_id(record) };
        match takes(self.agreed[id.index()], record) {
            Some(usual) => usual,
            None => self.asked(record, id),
        }
    }

    /// What the first of them thinks.
    #[inline]
    pub(crate) fn opinion(&self, record: &Record<'_>, id: Option<CommandId>) -> Opinion {
        self.opinions(record, id).of(0)
    }

    /// A name that is no command's of any table.
    #[cold]
    fn without_id(&self, record: &Record<'_>) -> Opinions {
        if self.is_taken_away(record.name) {
            return self.unknown_to_all();
        }
        let form = command::form_of(record.name);
        Opinions::each(self.players.iter().map(|player| player.foreign(form)))
    }

    /// Whether the configuration says that there is no command of this name.
    pub(super) fn is_taken_away(&self, name: &[u8]) -> bool {
        self.names.has_taken(name)
    }

    /// The command that goes by this name.
    pub(crate) fn lookup(&self, name: &[u8]) -> Option<CommandId> {
        self.names.lookup(name)
    }

    /// Whether the configuration takes this command's own name away.
    pub(super) fn is_renamed(&self, id: CommandId) -> bool {
        self.taken.contains_key(&id)
    }

    #[cold]
    fn unknown_to_all(&self) -> Opinions {
        Opinions::each(self.players.iter().map(|_| Opinion::Unknown))
    }

    #[inline(never)]
    fn asked(&self, record: &Record<'_>, id: CommandId) -> Opinions {
        let Some(&agreed) = self.taken.get(&id) else { return self.asked_of(record, id) };
        // By its own name it is reached no more.
        if record.name.eq_ignore_ascii_case(id.command().name.as_bytes()) {
            return self.unknown_to_all();
        }
        takes(agreed, record).unwrap_or_else(|| self.asked_of(record, id))
    }

    fn asked_of(&self, record: &Record<'_>, id: CommandId) -> Opinions {
        let sub = match id.command().container && record.argc >= 2 {
            true => {
                let sub = record.args().nth(1);
                Some(sub.and_then(|sub| command::lookup_sub(id, sub.head)))
            }
            false => None,
        };
        Opinions::each(self.players.iter().map(|player| {
            let meant = match sub {
                Some(sub) if player.rules.is_container(id) => sub,
                _ => Some(id),
            };
            meant.map_or(Opinion::Unknown, |id| player.call(id, record.argc))
        }))
    }

    /// A record they have to run or queue.
    #[inline]
    pub(super) fn record(
        &mut self,
        record: &Record<'_>,
        id: Option<CommandId>,
        opinions: Opinions,
    ) {
        if self.state.halt.is_some() {
            return;
        }
        if opinions != Opinions::FINE {
            self.refusals(record, opinions);
        }
        match id.map_or(Kind::Plain, CommandId::kind) {
            Kind::Plain | Kind::Select => {}
            // A second MULTI is queued; running it later is an error that stops nothing.
            Kind::Multi => {
                self.state.transaction.get_or_insert(record.start);
            }
            // Queued like any other, it does not end the transaction; run at EXEC, it frees what EXEC
            // is walking over.
            Kind::Discard => self.state.discard_queued |= self.state.transaction.is_some(),
            Kind::Exec => {
                if self.state.discard_queued {
                    return self.stop(record.start, Cause::Crash);
                }
                let dying = self.state.death_queued;
                if dying != 0 {
                    self.object(record.start, |place, _| {
                        (dying >> place & 1 == 1).then_some(Cause::Crash)
                    });
                }
                self.state.transaction = None;
                self.state.death_queued = 0;
            }
        }
        let reached = &mut self.state.reached;
        reached.record_end = record.end();
        reached.commands += 1;
        if self.state.transaction.is_none() {
            reached.safe_cut = reached.record_end;
            reached.commands_to_cut = reached.commands;
        }
    }

    #[cold]
    fn refusals(&mut self, record: &Record<'_>, opinions: Opinions) {
        let is_taken = self.is_taken_away(record.name);
        self.object(record.start, |place, player| match opinions.of(place) {
            Opinion::Fine | Opinion::GoesOn => None,
            Opinion::Unknown if is_taken => Some(Cause::Refused),
            // It may have loaded the module that has it.
            Opinion::Unsure => Some(Cause::Perhaps),
            Opinion::Missing => Some(Cause::MissingModule),
            Opinion::Unknown => Some(Cause::Unknown),
            Opinion::Deadly => Some(Cause::Crash),
            Opinion::WrongArity if player.rules.arity == Arity::Unchecked => Some(Cause::Crash),
            Opinion::WrongArity => Some(Cause::Refused),
        });
    }

    /// Something wrong inside of a value: most loaders look only at what they must.
    pub(super) fn flaw(&mut self, flaw: &rdb::deep::Flaw) {
        if self.state.halt.is_some() {
            return;
        }
        if flaw.wrong == rdb::deep::Wrong::DuplicateKey {
            self.stop(flaw.at, Cause::Crash);
        } else if flaw.stops(Care::Trusts) && flaw.stops(Care::Converts) && flaw.stops(Care::Opens)
        {
            self.stop(flaw.at, Cause::Rdb);
        } else {
            self.object(flaw.at, |_, player| match player.stops_at(flaw) {
                true => Some(Cause::Rdb),
                false => flaw.may_stop(player.rules.care).then_some(Cause::Perhaps),
            });
        }
    }

    /// Anything but a record.
    #[cold]
    pub(super) fn other(&mut self, event: &Event<'_>) {
        if self.state.halt.is_some() {
            return;
        }
        match event {
            Event::Rdb(part) => {
                let header = part.walked.outcome.header;
                let met = &part.walked.outcome.met;
                let db = part.walked.outcome.highest_db;
                if matches!(part.walked.checksum, Checksum::Mismatch { .. }) {
                    return self.stop(part.start, Cause::Rdb);
                }
                self.modules(&part.walked.outcome.modules);
                self.object(part.start, |_, player| {
                    let takes = player.loads_rdb(header)
                        && player.has_numbers(header, met)
                        && db < player.databases;
                    (!takes).then_some(Cause::Rdb)
                });
                self.state.reached.record_end = part.end;
                self.state.reached.safe_cut = part.end;
                self.state.rdb_end = part.end;
            }
            Event::Hollow { start, .. } => self.stop(*start, Cause::BadFormat),
            Event::Damage(damage) => {
                self.modules(damage.rdb.as_ref().map_or(&[], |stop| &stop.modules));
                if damage.is_not_understood() {
                    self.object(damage.start, |_, player| Some(player.not_understood(damage)));
                    return;
                }
                if let LoaderMeets::BadFormatBehind(end) = damage.loader {
                    self.state.ran_on = Some(end);
                }
                self.stop(damage.start, meets(damage));
            }
            Event::Annotation { start, .. } => {
                self.object(*start, |_, player| {
                    (!player.rules.annotations).then_some(Cause::Refused)
                });
            }
            Event::Record(..) => {}
        }
    }

    /// What modules wrote into an RDB.
    fn modules(&mut self, modules: &[rdb::Module]) {
        for module in modules {
            self.object(module.first_at, |_, player| player.lacks(module));
        }
    }

    /// The file is over.
    pub(super) fn end(&mut self, len: u64) {
        if self.state.halt.is_some() {
            return;
        }
        match self.state.transaction {
            Some(_) => self.stop(len, Cause::OpenTransaction),
            // Annotations behind the last record are no loss.
            None => {
                self.state.reached.record_end = len;
                self.state.reached.safe_cut = len;
            }
        }
    }

    /// Where the server itself would cut the file after [`Cause::EndOfFile`] or [`Cause::OpenTransaction`], or after
    /// [`Cause::BadFormat`] where it is told to: not always where it should.
    pub(super) fn own_cut(&self, place: usize) -> Option<u64> {
        let rules = self.players[place].rules;
        let Reached { record_end, safe_cut, .. } = self.state.reached;
        let cut = match self.state.halt?.cause {
            // Told to cut corrupt tails, it does not look for the MULTI before.
            Cause::BadFormat => self.state.ran_on.unwrap_or(record_end),
            Cause::EndOfFile | Cause::EndOrCrash if rules.leaves_open_transaction => record_end,
            Cause::EndOfFile | Cause::EndOrCrash | Cause::OpenTransaction => safe_cut,
            _ => return None,
        };
        let forgets_rdb = rules.cuts_rdb_away && cut == self.state.rdb_end;
        Some(if forgets_rdb { 0 } else { cut })
    }
}

/// What all think of a record with so many arguments, where they agree on it.
#[inline]
fn takes((arity, usual): (i16, Opinions), record: &Record<'_>) -> Option<Opinions> {
    let wanted = u32::from(arity.unsigned_abs());
    let fits = arity < 0 && record.argc >= wanted || arity > 0 && record.argc == wanted;
    fits.then_some(usual)
}
