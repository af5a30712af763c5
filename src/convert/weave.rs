//! The commands of several files as those of one: what each file leaves selected must not reach into the next.

use super::filter::{Choice, Picks};
use super::refusal::Refusal;
use crate::aof::{Aof, Event, Role};
use crate::change::Piece;
use crate::command::{CommandId, Kind, Renames, select};
use crate::format::resp::Record;
use crate::scan::{Context, Observer};

/// Pieces at most: some 200 MiB of them.
const PIECES: usize = 4_000_000;

/// Puts commands together.
#[derive(Debug)]
pub(super) struct Weave {
    picks: Picks,
    names: Renames,
    /// Whether the first segment is a base: its commands stand in a file of their own.
    has_base: bool,
    woven: Woven,
    /// Database that is selected at the end of what was written so far.
    db: u64,
    /// A SELECT was written as it stood: the next record tells which database that is.
    follows: bool,
    /// A MULTI that nothing was written for yet.
    multi: Option<Piece>,
    is_multi_written: bool,
}

/// What came out.
#[derive(Debug, Default)]
pub(super) struct Woven {
    /// Commands of the base.
    pub(super) base: Vec<Piece>,
    /// Commands behind it.
    pub(super) rest: Vec<Piece>,
    /// Put before the rest where both stand in one file: what the base leaves selected ends there.
    seam: Option<Piece>,
    /// Commands kept and left out.
    pub(super) kept: u64,
    pub(super) dropped: u64,
    /// Segment, offset and reason, where it could not be right.
    pub(super) refusal: Option<(usize, u64, Refusal)>,
}

impl Woven {
    /// All of it as one.
    pub(super) fn pieces(&self) -> Vec<Piece> {
        let seam = self.seam.iter().filter(|_| !self.rest.is_empty());
        self.base.iter().chain(seam).chain(&self.rest).cloned().collect()
    }
}

impl Weave {
    pub(super) fn new(aof: &Aof, picks: Picks) -> Self {
        let has_base = aof.segments.first().is_some_and(|segment| segment.role != Role::Increment);
        let woven = Woven::default();
        Self {
            picks,
            names: aof.names.clone(),
            has_base,
            woven,
            db: 0,
            follows: false,
            multi: None,
            is_multi_written: false,
        }
    }

    /// `SELECT db`
    fn selects(&self, db: u64) -> Piece {
        Piece::Insert(select(db, &self.names))
    }

    fn refuse(&mut self, segment: usize, offset: u64, why: Refusal) {
        self.woven.refusal.get_or_insert((segment, offset, why));
    }

    fn push(&mut self, segment: usize, piece: Piece) {
        let is_base = self.has_base && segment == 0;
        let pieces = if is_base { &mut self.woven.base } else { &mut self.woven.rest };
        if let (Some(Piece::Keep { file, to, .. }), Piece::Keep { file: f, from, to: end }) =
            (pieces.last_mut(), &piece)
            && (*file, *to) == (*f, *from)
        {
            *to = *end;
            return;
        }
        pieces.push(piece);
        if pieces.len() > PIECES {
            self.refuse(segment, 0, Refusal::ManyPieces);
        }
    }

    /// Selects the database that the next record runs in, where another one is selected.
    fn select(&mut self, segment: usize, db: u64) {
        if std::mem::take(&mut self.follows) {
            self.db = db;
        }
        if self.db != db {
            self.push(segment, self.selects(db));
            self.db = db;
        }
    }

    fn record(&mut self, at: &Context, record: &Record<'_>, id: Option<CommandId>) {
        let segment = at.segment;
        let piece = Piece::Keep { file: segment, from: record.start, to: record.end() };
        match id.map_or(Kind::Plain, CommandId::kind) {
            Kind::Select if self.picks.is_all() => {
                self.push(segment, piece);
                self.follows = true;
                return;
            }
            // Said again where it is needed.
            Kind::Select => return,
            Kind::Multi if at.transaction.is_none() => {
                (self.multi, self.is_multi_written) = (Some(piece), false);
                return;
            }
            Kind::Exec => {
                self.multi = None;
                if std::mem::take(&mut self.is_multi_written) {
                    self.push(segment, piece);
                }
                return;
            }
            _ => {}
        }
        let piece = match self.picks.choose(at.db, record, id) {
            Choice::Take => piece,
            Choice::Part(bytes) => Piece::Insert(bytes),
            Choice::Leave => {
                self.woven.dropped += 1;
                return;
            }
            Choice::Refuse(why) => return self.refuse(segment, record.start, why),
        };
        self.select(segment, at.db);
        if let Some(multi) = self.multi.take() {
            self.push(segment, multi);
            self.is_multi_written = true;
        }
        self.push(segment, piece);
        self.woven.kept += 1;
    }
}

impl Observer for Weave {
    type Report = Woven;

    fn begin(&mut self, segment: usize) {
        (self.multi, self.is_multi_written) = (None, false);
        // Another file, another client: it begins in database 0.
        if self.has_base && segment == 1 {
            self.woven.seam = (self.db != 0).then(|| self.selects(0));
            self.db = 0;
        }
    }

    fn observe(&mut self, at: &Context, event: &Event<'_>) {
        match event {
            Event::Record(record, id) => self.record(at, record, *id),
            Event::Annotation { start, len, is_open: false, .. } => {
                let piece = Piece::Keep { file: at.segment, from: *start, to: start + len };
                self.push(at.segment, piece);
            }
            Event::Rdb(part) if at.segment > 0 || !self.has_base => {
                self.refuse(at.segment, part.start, Refusal::RdbInIncrement);
            }
            // What comes behind would be glued to a line without an end. A set with damage is not converted.
            Event::Annotation { .. } | Event::Rdb(_) | Event::Damage(_) | Event::Hollow { .. } => {}
        }
    }

    fn end(&mut self, at: &Context, _: u64) {
        if std::mem::take(&mut self.follows) {
            self.db = at.db;
        }
    }

    fn finish(self) -> Woven {
        self.woven
    }
}
