//! The observer that reads a command with all that goes with it, and the records behind it.

use super::Later;
use super::merge::{Dependents, Effects};
use super::touched::{Name, Touched};
use super::unit::{Does, Member, Unit};
use crate::aof::Event;
use crate::command::{self, CommandId, Effect, Kind};
use crate::format::resp::{Arg, Record};
use crate::limits;
use crate::moment::Boundary;
use crate::scan::{Context, Observer, Position};

/// Why a command cannot be taken out, and where this is seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The segment's position in the set, and the offset of the record.
    pub place: Position,
    /// What hinders.
    pub hindrance: Hindrance,
}

/// What hinders to take a command out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// No command begins at that place.
    NoCommand,
    /// Nobody knows which keys this command names, or whether it changes others.
    UnknownKeys(Vec<u8>),
    /// This command behind it changes keys that it does not name: a database, or all.
    ReachesFar(Vec<u8>),
    /// This command behind it changes functions.
    ChangesFunctions(Vec<u8>),
    /// It cannot be divided from the rest: it exchanges databases.
    Exchanges(Vec<u8>),
    /// Bytes there are damaged: what they said is not known.
    Damaged,
    /// The transaction that it is a part of does not end.
    OpenTransaction,
    /// Its transaction is larger than is looked at.
    TooLarge,
    /// Later records name more keys than are kept in memory.
    TooManyNames,
    /// Later records name all keys that it changed: for all of them it stays in force.
    AllNamedLater,
}

/// What was read.
pub(super) struct Read {
    pub(super) unit: Unit,
    pub(super) touched: Touched,
    pub(super) dependents: Option<Dependents>,
}

/// Where it is.
enum Stage {
    Before,
    Within,
    Behind,
}

/// Reads from the beginning of the segment on.
pub(super) struct Reader {
    boundary: Boundary,
    later: Later,
    stage: Stage,
    unit: Unit,
    touched: Touched,
    effects: Option<Effects>,
    conflict: Option<Conflict>,
}

impl Reader {
    pub(super) fn new(boundary: Boundary, later: Later) -> Self {
        let (segment, start) = boundary.place;
        Self {
            boundary,
            later,
            stage: Stage::Before,
            unit: Unit { segment, start, end: start, ..Unit::default() },
            touched: Touched::default(),
            effects: None,
            conflict: None,
        }
    }

    fn hindered(&mut self, at: &Context, offset: u64, hindrance: Hindrance) {
        let place = (at.segment, offset);
        self.conflict.get_or_insert(Conflict { place, hindrance });
    }

    /// A record of the unit.
    fn member(&mut self, at: &Context, record: &Record<'_>, id: Option<CommandId>) {
        if self.unit.records.is_empty() {
            self.unit.db = at.db;
        }
        // The record that was asked for: by its own place, or by one inside of it.
        if record.start <= self.boundary.asked.1 || self.unit.asked.is_empty() {
            self.unit.asked = record.name.to_vec();
        }
        let read = read_member(at, record, id);
        let read = read.and_then(|(does, keys)| {
            let is_full = self.unit.records.len() >= limits::UNIT_RECORDS;
            if is_full { Err(Hindrance::TooLarge) } else { Ok((does, keys)) }
        });
        let (does, keys) = match read {
            Ok(read) => read,
            Err(hindrance) => return self.hindered(at, record.start, hindrance),
        };
        let (start, end, name) = (record.start, record.end(), record.name.to_vec());
        self.unit.end = end;
        self.unit.records.push(Member { start, end, name, does, keys });
        let is_open = match id.map(CommandId::kind) {
            Some(Kind::Multi) => true,
            Some(Kind::Exec) => false,
            _ => at.transaction.is_some(),
        };
        self.stage = if is_open { Stage::Within } else { Stage::Behind };
        if !is_open {
            self.touched = Touched::of(&self.unit);
            self.effects = (self.later == Later::Merges).then(|| Effects::of(&self.unit));
        }
    }

    /// A record behind the unit.
    fn behind(&mut self, at: &Context, record: &Record<'_>, id: Option<CommandId>) {
        if let Some(effects) = &mut self.effects {
            return effects.record(at, record, id);
        }
        let named = named_later(at, record, id);
        let taken = named.and_then(|keys| {
            match keys.iter().all(|(db, name)| self.touched.add(*db, name)) {
                true => Ok(()),
                false => Err(Hindrance::TooManyNames),
            }
        });
        if let Err(hindrance) = taken {
            self.hindered(at, record.start, hindrance);
        }
    }
}

impl Observer for Reader {
    type Report = std::result::Result<Read, Conflict>;

    fn observe(&mut self, at: &Context, event: &Event<'_>) {
        let start = event.span().0;
        if let Stage::Before = self.stage
            && (at.segment, start) < self.boundary.place
        {
            return;
        }
        match (event, &self.stage) {
            (Event::Record(record, id), Stage::Behind) => self.behind(at, record, *id),
            (Event::Record(record, id), _) => self.member(at, record, *id),
            (Event::Annotation { .. } | Event::Hollow { .. }, Stage::Within | Stage::Behind) => {}
            (Event::Annotation { .. } | Event::Hollow { .. }, Stage::Before) => {
                self.hindered(at, start, Hindrance::NoCommand);
            }
            // Damage stays where it is: the plan is refused for it.
            (Event::Damage(_) | Event::Rdb(_), Stage::Behind) if self.effects.is_some() => {}
            (Event::Damage(_) | Event::Rdb(_), _) => self.hindered(at, start, Hindrance::Damaged),
        }
    }

    fn is_done(&self) -> bool {
        self.conflict.is_some()
    }

    fn end(&mut self, at: &Context, len: u64) {
        match self.stage {
            Stage::Before => self.hindered(at, len, Hindrance::NoCommand),
            Stage::Within => {
                let start = self.unit.start;
                self.hindered(at, start, Hindrance::OpenTransaction);
            }
            Stage::Behind => {}
        }
    }

    fn finish(self) -> Self::Report {
        match self.conflict {
            Some(conflict) => Err(conflict),
            None => {
                let dependents = self.effects.map(Effects::finish);
                Ok(Read { unit: self.unit, touched: self.touched, dependents })
            }
        }
    }
}

type Known<T> = std::result::Result<T, Hindrance>;

/// What a record of the unit does, and the keys that it names.
fn read_member(
    at: &Context,
    record: &Record<'_>,
    id: Option<CommandId>,
) -> Known<(Does, Vec<Name>)> {
    let unknown = || Hindrance::UnknownKeys(record.name.to_vec());
    let id = id.ok_or_else(unknown)?;
    let does = match (id.kind(), id.command().name.as_str()) {
        (Kind::Multi | Kind::Exec, _) => Does::Brackets,
        (Kind::Select, _) => Does::Selects(crate::scan::selected(record).unwrap_or(at.db)),
        (Kind::Discard, _) => return Err(unknown()),
        (_, "FLUSHALL") => Does::Flushes(None),
        (_, "FLUSHDB") => Does::Flushes(Some(at.db)),
        (_, "SWAPDB") => return Err(Hindrance::Exchanges(record.name.to_vec())),
        (_, "DEL" | "UNLINK") => Does::Removes,
        _ => Does::Else,
    };
    let keys = match does {
        Does::Removes | Does::Else if !changes_functions(id) => keys(at, record, id)?,
        _ => Vec::new(),
    };
    Ok((does, keys))
}

/// The keys that a record behind the unit names.
fn named_later(at: &Context, record: &Record<'_>, id: Option<CommandId>) -> Known<Vec<Name>> {
    let name = || record.name.to_vec();
    let id = id.ok_or_else(|| Hindrance::UnknownKeys(name()))?;
    match id.kind() {
        Kind::Multi | Kind::Exec | Kind::Select => return Ok(Vec::new()),
        Kind::Plain | Kind::Discard => {}
    }
    let command = id.command();
    if command.effect == Effect::Flushes || matches!(command.name.as_str(), "SWAPDB" | "MOVE") {
        return Err(Hindrance::ReachesFar(name()));
    }
    if changes_functions(id) {
        return Err(Hindrance::ChangesFunctions(name()));
    }
    keys(at, record, id)
}

pub(super) fn changes_functions(id: CommandId) -> bool {
    id.command().name.split('|').next() == Some("FUNCTION")
}

/// All keys that a record reads or writes.
fn keys(at: &Context, record: &Record<'_>, id: CommandId) -> Known<Vec<Name>> {
    let unknown = || Hindrance::UnknownKeys(record.name.to_vec());
    if reaches_unnamed_keys(record, id) {
        return Err(unknown());
    }
    let mut named = command::keys(id, record);
    let mut keys: Vec<Name> = Vec::new();
    for key in named.by_ref() {
        if !key.arg.is_whole() {
            return Err(unknown());
        }
        keys.push((at.db, key.arg.head.into()));
    }
    // A record without keys changes none only where its command is none that writes.
    if named.ran_out() || keys.is_empty() && id.command().writes {
        return Err(unknown());
    }
    // COPY and MOVE write to a key of the same name, or of their own, in another database.
    let other = command::other_db(id, record);
    let target = keys.last().map(|(_, name)| name.clone());
    keys.extend(other.zip(target));
    Ok(keys)
}

/// Whether a record may read or write keys beside those that it names.
pub(super) fn reaches_unnamed_keys(record: &Record<'_>, id: CommandId) -> bool {
    let name = id.command().name.as_str();
    let is = |arg: Arg<'_>, word: &str| arg.head.eq_ignore_ascii_case(word.as_bytes());
    match name {
        // What they sort by lies in other keys, by a pattern.
        "SORT" | "SORT_RO" => record.args().skip(2).any(|arg| is(arg, "BY") || is(arg, "GET")),
        // Old servers log scripts, which do what they want; slots are no names.
        "EVAL" | "EVALSHA" | "FCALL" | "TRIMSLOTS" => true,
        // A rule of compaction writes into another series.
        "TS.ADD" | "TS.MADD" | "TS.INCRBY" | "TS.DECRBY" | "TS.DEL" => true,
        _ => name.starts_with("CLUSTER|"),
    }
}
