//! What a plan for inner damage costs: each range that goes, counted in one pass over the set.

use super::answers::Database;
use super::refusal::Refusal;
use super::sorted::{Cause, Fault, Faults};
use super::toll::{self, Gap, InSegment, Toll};
use crate::aof::{Aof, Event};
use crate::change::{Draft, Loss, LostKey, Proposal};
use crate::error::Result;

/// Ranges told of one set; the rest is counted.
const RANGES: usize = 200;

/// One range that goes, and why.
#[derive(Clone, Debug)]
pub struct Range {
    /// The file's name as the manifest has it.
    pub file: Vec<u8>,
    /// What is in it and beside it.
    pub gap: Gap,
    /// What is wrong in it, in plain words.
    pub why: Vec<String>,
    /// More goes than is wrong: the rest of a transaction that lost a part.
    pub has_rest: bool,
    /// The database taken for what comes after it, where it may have changed inside.
    pub database: Option<Database>,
}

/// A plan for inner damage, with all that should be known of it.
#[derive(Debug)]
pub struct Inner {
    /// The plan.
    pub plan: Proposal,
    /// The ranges that go, file by file.
    pub ranges: Vec<Range>,
    /// How many more there are.
    pub unlisted: u64,
    /// What it costs.
    pub toll: Toll,
}

impl Edited {
    /// All of a segment goes.
    pub(super) fn whole(position: usize, len: u64, cause: Cause) -> Self {
        let gaps = Some((0, len)).filter(|_| len > 0).into_iter().collect();
        let mut faults = Faults::default();
        faults.push(0, len, cause);
        Self { position, gaps, databases: Vec::new(), faults, lost_keys: Vec::new(), len }
    }
}

/// What came of it.
#[derive(Debug)]
pub enum Answer {
    /// A plan, which is empty when nothing is wrong.
    Plan(Box<Inner>),
    /// Nothing that would be honest; why, and what to do instead.
    Refused(Refusal),
}

/// A plan of which nobody has counted yet what it costs.
pub(super) struct Uncounted<'a> {
    pub(super) draft: Draft<'a>,
    pub(super) edited: Vec<Edited>,
}

/// What came of it before anybody has counted.
pub(super) type Drafted<'a> = std::result::Result<Uncounted<'a>, Refusal>;

/// How one segment is going to be.
pub(super) struct Edited {
    pub(super) position: usize,
    pub(super) gaps: Vec<(u64, u64)>,
    pub(super) databases: Vec<Database>,
    pub(super) faults: Faults,
    pub(super) lost_keys: Vec<(u64, LostKey)>,
    pub(super) len: u64,
}

pub(super) fn answer(aof: &Aof, drafted: Drafted<'_>) -> Result<Answer> {
    let [answer] = count(aof, [drafted])?;
    answer
}

/// Counts what goes of these plans in one pass, and finishes them.
pub(super) fn count<'a, const N: usize>(
    aof: &'a Aof,
    drafted: [Drafted<'a>; N],
) -> Result<[Result<Answer>; N]> {
    let mut all = drafted.map(|drafted| drafted.map(|plan| Counting::new(aof, plan)));
    for (position, segment) in aof.live() {
        let mut here: Vec<_> = all.iter_mut().flatten().filter(|c| c.first <= position).collect();
        if here.is_empty() || segment.is_missing() || segment.is_directory() {
            continue;
        }
        let mut counted: Vec<_> =
            here.iter_mut().map(|counting| counting.begin(position)).collect();
        let mut bytes = segment.source()?;
        let mut outcome = Ok(());
        aof.walk(position, &mut (), &mut |event: Event<'_>| {
            for one in &mut counted {
                if outcome.is_ok() {
                    outcome = one.event(&event, &mut *bytes);
                }
            }
        })?;
        outcome?;
        let told: Vec<_> = counted.into_iter().map(InSegment::finish).collect();
        here.into_iter().zip(told).for_each(|(counting, told)| counting.end(&segment.name, told));
    }
    Ok(all.map(|drafted| match drafted {
        Ok(counting) => counting.finish(),
        Err(why) => Ok(Answer::Refused(why)),
    }))
}

/// A plan while it is counted what it costs.
struct Counting<'a> {
    plan: Uncounted<'a>,
    /// The first segment that anything goes of.
    first: usize,
    /// How many edits lie behind.
    done: usize,
    /// The segment that is being read is the one of the next edit.
    is_edited: bool,
    meter: toll::Meter,
    ranges: Vec<Range>,
    unlisted: u64,
}

impl<'a> Counting<'a> {
    fn new(aof: &Aof, plan: Uncounted<'a>) -> Self {
        Self {
            first: plan.edited.first().map_or(usize::MAX, |edited| edited.position),
            done: 0,
            is_edited: false,
            meter: toll::Meter::new(aof.names.clone()),
            ranges: Vec::new(),
            unlisted: 0,
            plan,
        }
    }

    /// Begins to count in a segment. Edits come in the order of the files.
    fn begin(&mut self, position: usize) -> InSegment<'_> {
        let edited = &self.plan.edited;
        let passed = edited[self.done..].iter().take_while(|one| one.position < position).count();
        self.done += passed;
        let here = edited.get(self.done).filter(|one| one.position == position);
        self.is_edited = here.is_some();
        let (gaps, databases) = here.map_or((&[][..], &[][..]), |e| (&e.gaps, &e.databases));
        self.meter.segment(gaps, databases, RANGES - self.ranges.len())
    }

    fn end(&mut self, name: &[u8], told: Vec<Gap>) {
        let Some(here) = self.plan.edited.get(self.done).filter(|_| self.is_edited) else { return };
        self.unlisted += (here.gaps.len() - told.len()) as u64;
        for (_, key) in &here.lost_keys {
            let keys = [key.clone()].into();
            self.plan.draft.lose(Loss { keys, keys_total: 1, ..Loss::default() });
        }
        for mut gap in told {
            let inside = here.lost_keys.iter().filter(|(at, _)| (gap.from..gap.to).contains(at));
            gap.keys.extend(inside.map(|(_, key)| key.clone()));
            self.ranges.push(range(name, gap, here));
        }
    }

    fn finish(self) -> Result<Answer> {
        let Self { ranges, unlisted, meter, plan: Uncounted { mut draft, .. }, .. } = self;
        let toll = meter.finish();
        draft.lose(toll.loss.clone());
        let plan = Proposal::new(draft.finish()?);
        Ok(Answer::Plan(Box::new(Inner { plan, ranges, unlisted, toll })))
    }
}

fn range(file: &[u8], gap: Gap, edited: &Edited) -> Range {
    let inside = |fault: &&Fault| fault.from < gap.to && fault.to > gap.from;
    let mut why = Vec::new();
    let mut wrong = 0;
    for fault in edited.faults.iter().filter(inside) {
        wrong += fault.to.min(gap.to) - fault.from.max(gap.from);
        if why.len() < 3 {
            why.push(edited.faults.cause(fault));
        }
    }
    // At the very end nothing follows.
    let asked = |d: &&Database| (gap.from..=gap.to).contains(&d.from) && d.from < edited.len;
    let database = edited.databases.iter().find(asked);
    let has_rest = wrong < gap.to - gap.from;
    Range { file: file.to_vec(), why, has_rest, database: database.cloned(), gap }
}
