//! The observer that collects places somebody may want to go back to.

use crate::aof::Event;
use crate::command::{self, CommandId};
use crate::format::resp::Record;
use crate::scan::{Context, Observer, Position};

/// Deleted keys that make a storm.
const STORM: u64 = 100;

/// Other commands between two deletions that do not end a storm.
const LULL: u64 = 16;

/// Candidates of one kind that are kept: of flushes the last, of storms the largest.
const KEPT: usize = 50;

/// A place, and what begins there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The place, outside any transaction.
    pub place: Position,
    /// Seconds of the last annotation before it.
    pub time: Option<i64>,
    /// Commands of the set before it.
    pub commands_before: u64,
    /// What begins there.
    pub what: What,
}

/// What begins at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A command that empties a database or all of them.
    Flush {
        /// Its name in capitals.
        command: Vec<u8>,
        /// The database that is selected there.
        db: u64,
    },
    /// Deletions, close to each other.
    Deletions {
        /// Keys they name, not all of them different.
        keys: u64,
    },
    /// An increment.
    Segment,
}

/// Collects candidates.
#[derive(Clone, Debug, Default)]
pub struct Places {
    flushes: Vec<Candidate>,
    storms: Vec<Candidate>,
    borders: Vec<Candidate>,
    storm: Option<Storm>,
    commands: u64,
    /// The last offset outside a transaction, the commands before it, and the time there.
    free: (u64, u64, Option<i64>),
}

#[derive(Clone, Debug)]
struct Storm {
    begin: Candidate,
    keys: u64,
    lull: u64,
}

impl Places {
    fn here(&self, segment: usize, what: What) -> Candidate {
        let (offset, commands_before, time) = self.free;
        Candidate { place: (segment, offset), time, commands_before, what }
    }

    fn record(&mut self, at: &Context, record: &Record<'_>, id: Option<CommandId>) {
        let name = id.map_or(&b""[..], |id| id.command().name.as_bytes());
        match name {
            b"FLUSHALL" | b"FLUSHDB" => {
                let what = What::Flush { command: name.to_vec(), db: at.db };
                if self.flushes.len() == KEPT {
                    self.flushes.remove(0);
                }
                self.flushes.push(self.here(at.segment, what));
            }
            b"DEL" | b"UNLINK" => {
                let keys = id.map_or(0, |id| command::keys(id, record).count() as u64);
                let begin = self.here(at.segment, What::Deletions { keys: 0 });
                let storm = self.storm.get_or_insert(Storm { begin, keys: 0, lull: 0 });
                storm.keys += keys;
                storm.lull = 0;
            }
            _ => {
                if let Some(storm) = &mut self.storm {
                    storm.lull += 1;
                    if storm.lull > LULL {
                        self.calm();
                    }
                }
            }
        }
        self.commands += 1;
    }

    /// A storm is over.
    fn calm(&mut self) {
        let Some(Storm { mut begin, keys, .. }) = self.storm.take() else { return };
        if keys < STORM {
            return;
        }
        begin.what = What::Deletions { keys };
        self.storms.push(begin);
        if self.storms.len() > KEPT {
            let size = |c: &Candidate| match c.what {
                What::Deletions { keys } => keys,
                _ => 0,
            };
            let least = (0..self.storms.len()).min_by_key(|&i| size(&self.storms[i]));
            self.storms.remove(least.unwrap_or(0));
        }
    }
}

impl Observer for Places {
    /// The candidates in the order of loading, and how many commands there are.
    type Report = (Vec<Candidate>, u64);

    fn begin(&mut self, segment: usize) {
        self.free = (0, self.commands, self.free.2);
        if segment > 0 && self.borders.len() < KEPT {
            self.borders.push(self.here(segment, What::Segment));
        }
    }

    fn observe(&mut self, at: &Context, event: &Event<'_>) {
        if at.transaction.is_none() {
            self.free = (event.span().0, self.commands, at.time);
        }
        if let Event::Record(record, id) = event {
            self.record(at, record, *id);
        }
    }

    fn end(&mut self, at: &Context, len: u64) {
        self.free = (len, self.commands, at.time);
        self.calm();
    }

    fn finish(self) -> Self::Report {
        let mut all = [self.flushes, self.storms, self.borders].concat();
        all.sort_by_key(|candidate| candidate.place);
        (all, self.commands)
    }
}
