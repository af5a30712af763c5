//! What one pass saw, before anybody judges the set as a whole.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::checker::Refusal;
use super::halt::Halt;
use super::import::Import;
use super::objections::Objections;
use super::reached::Reached;
use super::seen::{Seen, What};
use super::unseen::Unseen;
use crate::aof::{Ending, RdbStop};
use crate::format::rdb::{self, Header};
use crate::neighbours::Neighbours;
use crate::rules::{Needs, Target};

/// Facts about every live segment that could be read, in the loader's order.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// One per segment that was read.
    /// Shared by the judgements that are made of them: a set may have very many.
    pub segments: Vec<Arc<SegmentFacts>>,
    /// Those it may be judged for, the likeliest first; one alone once that is settled.
    pub(super) targets: Vec<Target>,
    /// Which of them somebody named; and whether the one that was chosen is such.
    pub(super) named: Vec<bool>,
    pub(super) is_named: bool,
    /// Which of them do not know something in it that another one knows.
    pub(super) ignorant: u64,
    /// One was chosen, and the facts are those of that one.
    pub(super) is_settled: bool,
    /// A server that knows all of it.
    pub(super) fit: Option<Target>,
    /// There is something in it that none of them knows.
    pub(super) is_beyond_all: bool,
    /// What the chosen one has no command for it is known not to have.
    pub(super) knows_all: bool,
    /// What lies beside the set, where somebody looked.
    pub(super) neighbours: Arc<Neighbours>,
}

impl Facts {
    /// None yet, by the same servers.
    pub(super) fn begun_anew(&self) -> Self {
        let (targets, named) = (self.targets.clone(), self.named.clone());
        Self { targets, named, ..Self::default() }
    }

    /// The same, where `neighbours` lie beside the set.
    #[must_use]
    pub fn with_neighbours(self, neighbours: Neighbours) -> Self {
        Self { neighbours: Arc::new(neighbours), ..self }
    }

    /// Where the last file is damaged with sound records behind it: its position in the set, and the offset. No server has
    /// loaded it so.
    pub fn damaged_inside(&self) -> Option<(usize, u64)> {
        let last = self.segments.last()?;
        let damage = last.seen.iter().find(|seen| {
            let is_inner =
                matches!(&seen.what, What::Damage(damage) if damage.ending == Ending::Resumes);
            is_inner && seen.offset + seen.len < last.len
        })?;
        Some((last.position, damage.offset))
    }
}

/// Facts about one segment. Of most files of a large set there is no more to tell; what there is besides is kept apart
/// ([`OddFacts`]) and reached as if it were part of this.
#[derive(Clone, Debug)]
pub struct SegmentFacts {
    /// Its position in the set.
    pub position: usize,
    /// Its length in bytes.
    pub len: u64,
    /// What it consists of.
    pub format: SegmentFormat,
    /// Whole records, those after damage included.
    pub commands: u64,
    /// Transactions closed by EXEC.
    pub transactions: u64,
    /// Annotation lines.
    pub annotations: u64,
    /// Seconds of the first and of the last `#TS:`, where there is one.
    dated: (i64, i64),
    is_dated: bool,
    /// The largest database selected.
    pub max_db: u64,
    /// How far the readers come; `None`: to the end.
    ends: Option<Box<Ends>>,
    odd: Option<Box<OddFacts>>,
}

/// How far the readers of a segment come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ends {
    /// How far the loader comes before it stops, or may stop.
    pub loader: Reached,
    /// How far whole records go before the damage that stops every loader.
    pub sound: Reached,
    /// What redis-check-aof prints under that name.
    pub ok_up_to: u64,
}

/// What only some segments have.
#[derive(Clone, Debug, Default)]
pub struct OddFacts {
    /// Annotation lines of a kind aofkit does not know.
    pub unknown_annotations: u64,
    /// Bytes that belong to nothing.
    pub damaged_bytes: u64,
    /// The RDB part.
    pub rdb: Option<RdbFacts>,
    /// What it needs of modules.
    pub needs: Needs,
    /// What the loader of each target does not take; empty where all take all of it.
    pub(super) objections: Vec<Objections>,
    /// Why and where the target's loader certainly stops.
    pub halt: Option<Halt>,
    /// Offset of the first thing before that of which nobody knows here whether the target takes it.
    pub doubt: Option<u64>,
    /// The damage that stops every loader, whatever commands it knows.
    pub broken: Option<Halt>,
    /// Where the target's loader would cut the file by itself.
    pub own_cut: Option<u64>,
    /// What redis-check-aof refuses.
    pub refusal: Option<Refusal>,
    /// What is wrong or odd, by offset; at most [`crate::limits::PROBLEMS`] of each sort.
    pub seen: Vec<Seen>,
    /// How many more there were.
    pub unlisted: u64,
    /// What was not looked at.
    pub unseen: Unseen,
    /// Imports of slots that begin in it and do not end, or the other way round.
    pub(super) imports: Vec<Import>,
}

/// Those of a segment that has none.
static NONE: OddFacts = OddFacts {
    unknown_annotations: 0,
    damaged_bytes: 0,
    rdb: None,
    needs: Needs::NONE,
    objections: Vec::new(),
    halt: None,
    doubt: None,
    broken: None,
    own_cut: None,
    refusal: None,
    seen: Vec::new(),
    unlisted: 0,
    unseen: Unseen::NOTHING,
    imports: Vec::new(),
};

impl Deref for SegmentFacts {
    type Target = OddFacts;

    fn deref(&self) -> &OddFacts {
        self.odd.as_deref().unwrap_or(&NONE)
    }
}

impl DerefMut for SegmentFacts {
    fn deref_mut(&mut self) -> &mut OddFacts {
        self.odd.get_or_insert_default()
    }
}

impl SegmentFacts {
    /// Seconds of the first `#TS:`.
    pub fn first_ts(&self) -> Option<i64> {
        self.is_dated.then_some(self.dated.0)
    }

    /// Seconds of the last `#TS:`.
    pub fn last_ts(&self) -> Option<i64> {
        self.is_dated.then_some(self.dated.1)
    }

    pub(super) fn date(&mut self, seconds: i64) {
        let first = self.first_ts().unwrap_or(seconds);
        (self.dated, self.is_dated) = ((first, seconds), true);
    }

    /// End of the last whole record before the loader stops, or may stop; the length when it does not.
    pub fn proven(&self) -> u64 {
        self.ends().loader.record_end
    }

    /// The same, never inside a transaction.
    pub fn safe_cut(&self) -> u64 {
        self.ends().loader.safe_cut
    }

    /// Records up to [`Self::safe_cut`].
    pub fn commands_to_cut(&self) -> u64 {
        self.ends().loader.commands_to_cut
    }

    /// How far whole records go before the damage that stops every loader.
    pub fn sound(&self) -> Reached {
        self.ends().sound
    }

    /// What redis-check-aof prints under that name.
    pub fn ok_up_to(&self) -> u64 {
        self.ends().ok_up_to
    }

    pub(super) fn ends(&self) -> Ends {
        self.ends.as_deref().copied().unwrap_or_else(|| self.whole())
    }

    pub(super) fn end_at(&mut self, ends: Ends) {
        self.ends = (ends != self.whole()).then(|| Box::new(ends));
    }

    /// Where all readers come to the end.
    fn whole(&self) -> Ends {
        let &Self { len, commands, .. } = self;
        let all = Reached { record_end: len, safe_cut: len, commands, commands_to_cut: commands };
        Ends { loader: all, sound: all, ok_up_to: len }
    }

    /// Takes over what was seen of a piece behind it, which holds records and annotations alone.
    pub(super) fn join(&mut self, later: Self) {
        self.commands += later.commands;
        self.transactions += later.transactions;
        self.annotations += later.annotations;
        self.max_db = self.max_db.max(later.max_db);
        for seconds in later.first_ts().into_iter().chain(later.last_ts()) {
            self.date(seconds);
        }
        if let Some(odd) = later.odd {
            self.unknown_annotations += odd.unknown_annotations;
            self.unseen.payloads += odd.unseen.payloads;
            self.unseen.payload_values += odd.unseen.payload_values;
        }
    }

    /// Whether there is nothing to tell of it but the numbers that every file has.
    pub(super) fn is_plain(&self) -> bool {
        self.odd.is_none()
    }

    /// Whether nothing in it is broken, or might be.
    pub fn is_whole(&self) -> bool {
        self.broken.is_none() && self.damaged_bytes == 0
    }

    /// What may be the EXEC of the transaction that is open from `multi` on, with wrong bytes in its name. Then what
    /// follows it is sound, and no part of that transaction.
    pub(crate) fn garbled_exec(&self, multi: u64) -> Option<&Seen> {
        let stands_alone = |seen: &&Seen| match &seen.what {
            What::UnknownCommand { name, .. } => may_be_exec(name, seen.len),
            _ => false,
        };
        // Of several with one name the first place is told; a later one may lie inside.
        let may_lie_inside = |seen: &&Seen| seen.offset >= multi || seen.count > 1;
        self.seen.iter().filter(stands_alone).find(may_lie_inside)
    }

    /// Whether bytes stand behind the end of a plain dump.
    pub(crate) fn is_behind_dump(&self) -> bool {
        self.seen.iter().any(|seen| matches!(seen.what, What::BehindDump(_)))
    }

    /// Nothing was seen of it so far.
    pub(super) fn of(position: usize) -> Self {
        Self {
            position,
            len: 0,
            format: SegmentFormat::Empty,
            commands: 0,
            transactions: 0,
            annotations: 0,
            dated: (0, 0),
            is_dated: false,
            max_db: 0,
            ends: None,
            odd: None,
        }
    }

    /// What it turned out to consist of.
    pub(super) fn consists_of(&self) -> SegmentFormat {
        let has_resp = self.commands > 0 || self.annotations > 0;
        match (self.rdb.is_some(), has_resp) {
            (true, true) => SegmentFormat::RdbResp,
            (true, false) => SegmentFormat::Rdb,
            (false, true) => SegmentFormat::Resp,
            (false, false) if self.len == 0 => SegmentFormat::Empty,
            (false, false) => SegmentFormat::Unknown,
        }
    }

    /// Where the file ends in an annotation without a line end, its start: what is appended is glued to it.
    pub fn open_annotation(&self) -> Option<u64> {
        let last = self.seen.last()?;
        matches!(last.what, What::OpenAnnotation).then_some(last.offset)
    }
}

/// Whether a record of a command that nobody has, of so many bytes, may be EXEC with wrong bytes in its name: it has no
/// more than a name, as long as that one.
pub(crate) fn may_be_exec(name: &[u8], record_len: u64) -> bool {
    name.len() == b"EXEC".len() && record_len == b"*1\r\n$4\r\nEXEC\r\n".len() as u64
}

/// What a segment consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentFormat {
    /// An RDB alone.
    Rdb,
    /// Records.
    Resp,
    /// An RDB, then records.
    RdbResp,
    /// No bytes.
    Empty,
    /// Nothing that could be recognised.
    Unknown,
}

impl SegmentFormat {
    /// Its name in JSON and in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rdb => "rdb",
            Self::Resp => "resp",
            Self::RdbResp => "rdb+resp",
            Self::Empty => "empty",
            Self::Unknown => "unknown",
        }
    }
}

/// The RDB part of a segment.
#[derive(Clone, Debug)]
pub enum RdbFacts {
    /// Walked to its end, which lies at the offset.
    Whole(Box<rdb::Walked>),
    /// Broken or not understood.
    Broken(Box<RdbStop>),
}

impl RdbFacts {
    /// Family and version, when they could be read.
    pub fn header(&self) -> Option<Header> {
        match self {
            Self::Whole(walked) => Some(walked.outcome.header),
            Self::Broken(stop) => stop.header,
        }
    }

    /// The highest number of a database it names, when all of it could be read.
    pub fn highest_db(&self) -> Option<u64> {
        match self {
            Self::Whole(walked) => Some(walked.outcome.highest_db),
            Self::Broken(_) => None,
        }
    }

    /// Keys under another slot than their own, when all of it could be read.
    pub fn strays(&self) -> Option<&rdb::Strays> {
        match self {
            Self::Whole(walked) => Some(&walked.outcome.strays),
            Self::Broken(_) => None,
        }
    }

    /// Its auxiliary fields.
    pub fn fields(&self) -> &rdb::Fields {
        match self {
            Self::Whole(walked) => &walked.outcome.fields,
            Self::Broken(stop) => &stop.fields,
        }
    }
}
