//! The observer that reads a command with all that goes with it, and the records behind it.

use super::merge::{Dependents, Effects};
use super::named::{Hindrance, named_later, read_member};
use super::touched::Touched;
use super::unit::{Member, Unit};
use crate::aof::Event;
use crate::command::{CommandId, Kind};
use crate::format::resp::Record;
use crate::limits;
use crate::moment::Boundary;
use crate::scan::{Context, Observer, Position};

/// How the records behind a command are kept that is taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Later {
    /// Keys that they name keep the value of today; the others that the command changed return.
    Keeps,
    /// They are replayed on what was there before the command.
    Merges,
}

/// Why a command cannot be taken out, and where this is seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The segment's position in the set, and the offset of the record.
    pub place: Position,
    /// What hinders.
    pub hindrance: Hindrance,
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
            self.touched = self.unit.may_be_touched();
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
