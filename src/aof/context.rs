//! Where in a set an event stands, as a loader would know it.

use super::event::Event;
use crate::command::Kind;
use crate::format::annotation;
use crate::format::resp::Record;

/// The state in which a loader meets an event. A loader gives each file its own client, so neither the
/// database nor a transaction carries over from one to the next; time does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// Position of the segment in the set.
    pub segment: usize,
    /// Whether that segment is the base of a multi-part set.
    pub in_base: bool,
    /// The selected database.
    pub db: u64,
    /// Offset of the MULTI that has not met its EXEC yet.
    pub transaction: Option<u64>,
    /// Seconds of the last `#TS:` annotation, in this file or one before it.
    pub time: Option<i64>,
}

impl Context {
    /// At the beginning of a segment, when the files before it came as far as `time`.
    pub(crate) fn at_start(segment: usize, in_base: bool, time: Option<i64>) -> Self {
        Self { segment, in_base, time, ..Self::default() }
    }

    /// The state after an event.
    #[inline(always)]
    pub fn follow(&mut self, event: &Event<'_>) {
        match event {
            Event::Record(_, None) => {}
            Event::Record(_, Some(command)) if command.kind() == Kind::Plain => {}
            event => self.follow_rare(event),
        }
    }

    #[inline(never)]
    fn follow_rare(&mut self, event: &Event<'_>) {
        match event {
            Event::Record(record, Some(command)) => match command.kind() {
                Kind::Plain | Kind::Discard => {}
                Kind::Multi => {
                    self.transaction.get_or_insert(record.start);
                }
                Kind::Exec => self.transaction = None,
                Kind::Select => {
                    // What a loader cannot read as a number leaves the database as it was.
                    self.db = selected(record).unwrap_or(self.db);
                }
            },
            Event::Annotation { kind: annotation::Kind::Timestamp(seconds), .. } => {
                self.time = Some(*seconds);
            }
            // After a gap nobody knows whether a transaction was open.
            Event::Damage(_) => self.transaction = None,
            _ => {}
        }
    }
}

/// The number in a SELECT, where it is one.
pub fn selected(record: &Record<'_>) -> Option<u64> {
    std::str::from_utf8(record.args().nth(1)?.head).ok()?.parse().ok()
}
