//! The observer that finds a boundary.

use crate::aof::Event;
use crate::format::annotation;
use crate::scan::{Context, Filter, Observer, Position};

/// What is looked for.
#[derive(Clone, Debug)]
pub enum Moment {
    /// The end of this second: everything from the first annotation of a later one on lies behind it.
    Until(i64),
    /// This place.
    At(Position),
    /// Before a command of this kind.
    Before(Box<Filter>, Which),
}

/// Which of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The first in the order of loading.
    First,
    /// The last.
    Last,
}

/// A place between two records, outside any transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Boundary {
    /// The segment's position in the set, and the offset of the first byte behind the moment.
    pub place: Position,
    /// The place that was asked for: of the later annotation, of the command, or as given.
    pub asked: Position,
    /// Why both are not the same.
    pub inside: Option<Inside>,
    /// Seconds of the annotation that dates what lies behind it; `None` when there is none before.
    pub time: Option<i64>,
}

/// What the place that was asked for lies inside of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inside {
    /// A transaction.
    Transaction,
    /// A record, an annotation, an RDB part or damage.
    Record,
}

impl Inside {
    /// Its name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transaction => "transaction",
            Self::Record => "record",
        }
    }
}

/// What one pass found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The boundary; `None` when nothing lies behind the moment, or no such command was met.
    pub boundary: Option<Boundary>,
    /// Commands that fit, for [`Moment::Before`].
    pub matches: u64,
    /// Seconds of the first annotation that was met.
    pub first_ts: Option<i64>,
    /// Seconds of the last one that was met.
    pub last_ts: Option<i64>,
}

/// Finds the boundary of a moment. It has seen enough once that is certain.
#[derive(Clone, Debug)]
pub struct Cutter {
    moment: Moment,
    found: Found,
    /// The last offset outside a transaction in this segment, and the time there.
    free: (u64, Option<i64>),
}

impl Cutter {
    /// Looks for the boundary of `moment`.
    pub fn new(moment: Moment) -> Self {
        Self { moment, found: Found::default(), free: (0, None) }
    }

    fn settle(&mut self, segment: usize, asked: u64, inside: Option<Inside>) {
        let (place, time) = self.free;
        self.found.boundary = Some(Boundary {
            place: (segment, place),
            asked: (segment, asked),
            inside: inside.filter(|_| place != asked),
            time,
        });
    }

    fn annotation(&mut self, at: &Context, start: u64, seconds: i64) {
        self.found.first_ts.get_or_insert(seconds);
        self.found.last_ts = Some(seconds);
        if let Moment::Until(until) = self.moment
            && seconds > until
            && self.found.boundary.is_none()
        {
            self.settle(at.segment, start, Some(Inside::Transaction));
            if at.transaction.is_none() {
                self.found.boundary =
                    self.found.boundary.map(|b| Boundary { time: Some(seconds), ..b });
            }
        }
    }

    /// Whether the place asked for begins or lies in this span.
    fn place(&mut self, at: &Context, (start, end): (u64, u64)) {
        let Moment::At((segment, offset)) = self.moment else { return };
        if segment != at.segment || offset < start || offset >= end || self.is_settled() {
            return;
        }
        let inside = match at.transaction {
            Some(_) => Inside::Transaction,
            None => Inside::Record,
        };
        self.settle(segment, offset, Some(inside));
    }

    fn is_settled(&self) -> bool {
        self.found.boundary.is_some()
    }
}

impl Observer for Cutter {
    type Report = Found;

    fn begin(&mut self, _: usize) {
        self.free = (0, self.found.last_ts);
    }

    fn observe(&mut self, at: &Context, event: &Event<'_>) {
        let span = event.span();
        if at.transaction.is_none() {
            self.free = (span.0, at.time);
        }
        match (event, &self.moment) {
            (Event::Annotation { kind: annotation::Kind::Timestamp(seconds), .. }, _) => {
                self.annotation(at, span.0, *seconds);
            }
            (Event::Record(record, id), Moment::Before(filter, which))
                if filter.takes(at, record, *id) =>
            {
                self.found.matches += 1;
                if *which == Which::Last || !self.is_settled() {
                    self.settle(at.segment, record.start, Some(Inside::Transaction));
                }
            }
            _ => {}
        }
        self.place(at, span);
    }

    fn is_done(&self) -> bool {
        self.is_settled() && !matches!(self.moment, Moment::Before(_, Which::Last))
    }

    fn end(&mut self, at: &Context, len: u64) {
        if at.transaction.is_none() {
            self.free = (len, at.time);
        }
        // The end of a file is a place as well.
        self.place(at, (len, len + 1));
    }

    fn finish(self) -> Found {
        self.found
    }
}
