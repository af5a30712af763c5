//! Back to a moment: everything behind it leaves the set, across segments, manifest included.
//!
//! Finds the moment by [`crate::moment`], says what would go, and answers a [`Proposal`]; carries nothing
//! out itself. What the base holds is one state without a history: an older moment is out of reach.

mod omit;

pub use omit::{Conflict, Dependent, Dependents, Hindrance, Later, Omitted, Returning, omit};

use std::time::UNIX_EPOCH;

use crate::aof::{Aof, Layout, Role};
use crate::change::{Draft, Looking, Loss, Proposal, Refusal, Verb};
use crate::check::{Check, Report, Verdict, judge};
use crate::error::Result;
use crate::moment::{Boundary, Cutter, Found, Inside, Moment, Which};
use crate::scan::scan;
use crate::text;

/// A way back, or why there is none.
#[derive(Debug)]
pub struct Rewind {
    /// What was found in the set.
    pub found: Found,
    /// How far back it is known what was when.
    pub reach: Reach,
    /// The judgement of the set as it is, without what it says of each file.
    pub report: Report,
    /// What is to happen.
    pub answer: Answer,
    /// The command that is taken out, where what came after it is kept.
    pub omitted: Option<Omitted>,
}

/// What is to happen.
#[derive(Debug)]
pub enum Answer {
    /// This, looked at beforehand; an empty plan where nothing lies behind the moment. It is refused where the moment lies
    /// behind damage.
    Plan(Box<Proposal>),
    /// Nothing, for this reason.
    No(Why),
    /// Nothing, for the command cannot be taken out without what came after it.
    Hindered(Conflict),
}

/// Why a moment cannot be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// No annotation says when anything was written.
    Undated,
    /// The base was made later: it holds everything older in one state.
    OlderThanBase,
    /// Nothing lies before it.
    NothingBefore,
    /// No command fits.
    NoSuchCommand,
    /// The file ends before this place.
    BeyondEnd,
    /// The place lies inside the RDB of the base, which is one state.
    InsideBase,
}

/// How far back it is known what was when. Unix seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// When the save of the base began: by the fields of an RDB, or by the one annotation that a server puts
    /// before the commands of a base.
    pub base_created: Option<i64>,
    /// The number of the base in the manifest: rewrites up to it.
    pub base_seq: Option<i64>,
    /// When the file of the base was last written to, as the file system says; a copy may have another time.
    pub base_modified: Option<i64>,
    /// The first annotation.
    pub first_ts: Option<i64>,
    /// The last annotation.
    pub last_ts: Option<i64>,
}

/// Looks for the way back to `moment`.
///
/// # Errors
/// When the set cannot be read.
pub fn rewind(aof: &Aof, moment: &Moment, looking: &Looking<'_>) -> Result<Rewind> {
    let observers = (Cutter::new(moment.clone()), Check::new(aof));
    let (found, facts) = scan(aof, observers, &looking.pace, looking.progress)?;
    let report = judge(aof, facts, &looking.wording)?;
    let reach = reach(aof, &report);
    let report = report.without_files();
    let answer = match unreachable(aof, moment, &found, reach) {
        Some(why) => Answer::No(why),
        None => {
            let mut proposal = plan(aof, moment, &found)?;
            refuse_behind_damage(aof, &mut proposal, looking)?;
            Answer::Plan(Box::new(proposal))
        }
    };
    Ok(Rewind { found, reach, report, answer, omitted: None })
}

/// Refuses a moment behind damage: what is left would not load up to it. A cut before all damage is fine, and
/// cures it.
fn refuse_behind_damage(aof: &Aof, proposal: &mut Proposal, looking: &Looking<'_>) -> Result<()> {
    let path = proposal.path.clone();
    let Some(outlook) = proposal.look_ahead(aof, looking)? else { return Ok(()) };
    if matches!(outlook.verdict(), Verdict::InnerDamage | Verdict::TailDamage) {
        let why = Refusal::behind_damage(&outlook.report, path);
        proposal.refuse(why);
    }
    Ok(())
}

/// How far back it is known what was when, by the judgement of the set.
pub fn reach(aof: &Aof, report: &Report) -> Reach {
    let facts = || report.segments.iter().filter_map(|s| s.facts.as_ref());
    // The RDB of a file by itself is its base as well.
    let base = aof.live().next();
    let found = facts().find(|f| base.is_some_and(|(first, _)| f.position == first));
    let rdb = found.and_then(|f| f.rdb.as_ref());
    let segment = base.map(|(_, segment)| segment).filter(|s| s.role == Role::Base);
    let written = found.filter(|f| segment.is_some() && rdb.is_none() && f.annotations == 1);
    let modified = segment.and_then(|s| s.file()?.modified()?.duration_since(UNIX_EPOCH).ok());
    Reach {
        base_created: rdb
            .and_then(|rdb| rdb.fields().created_s())
            .or(written.and_then(|f| f.first_ts())),
        base_seq: segment.and_then(|s| s.seq),
        base_modified: modified.and_then(|at| i64::try_from(at.as_secs()).ok()),
        first_ts: facts().find_map(|f| f.first_ts()),
        last_ts: facts().filter_map(|f| f.last_ts()).next_back(),
    }
}

/// Why the moment is out of reach, if it is.
fn unreachable(aof: &Aof, moment: &Moment, found: &Found, reach: Reach) -> Option<Why> {
    let Some(boundary) = found.boundary else {
        return match moment {
            Moment::Until(_) if reach.first_ts.is_none() => Some(Why::Undated),
            Moment::Until(until) if reach.base_created.is_some_and(|base| *until < base) => {
                Some(Why::OlderThanBase)
            }
            Moment::Until(_) => None,
            Moment::At(_) => Some(Why::BeyondEnd),
            Moment::Before(..) => Some(Why::NoSuchCommand),
        };
    };
    if let Moment::Until(until) = moment
        && reach.base_created.is_some_and(|base| *until < base)
    {
        return Some(Why::OlderThanBase);
    }
    let (segment, offset) = boundary.place;
    let is_first = aof.live().next().is_some_and(|(first, _)| first == segment);
    match (is_first && offset == 0, boundary.asked.1) {
        (true, asked) if asked > 0 && matches!(moment, Moment::At(_)) => Some(Why::InsideBase),
        (true, _) => Some(Why::NothingBefore),
        (false, _) => None,
    }
}

/// A plan by which everything from the boundary on goes.
fn plan(aof: &Aof, moment: &Moment, found: &Found) -> Result<Proposal> {
    let mut draft = Draft::new(Verb::Rewind, aof);
    let Some(boundary) = found.boundary else { return Ok(Proposal::new(draft.finish()?)) };
    let (segment, offset) = boundary.place;
    let has_manifest = aof.layout == Layout::MultiPart;
    for (position, later) in aof.live().filter(|(position, _)| *position >= segment) {
        let len = later.len().unwrap_or(0);
        let keeps = if position == segment { offset } else { 0 };
        if keeps < len {
            draft.lose(Loss::of(aof, position, &[(keeps, len)])?);
        }
        match keeps {
            0 if has_manifest && later.role != Role::Base => draft.remove(position),
            _ if keeps < len => draft.cut(position, keeps),
            _ => {}
        }
    }
    notes(&mut draft, aof, boundary);
    if let (Moment::Before(_, which), 2..) = (moment, found.matches) {
        let which = if *which == Which::First { "first" } else { "last" };
        let fit = text::count(found.matches, "command");
        draft.note(format!("{fit} fit; the cut is before the {which} of them"));
    }
    Ok(Proposal::new(draft.finish()?))
}

fn notes(draft: &mut Draft<'_>, aof: &Aof, boundary: Boundary) {
    let (asked, place) = (boundary.asked.1, boundary.place.1);
    let file = text::name(&aof.segments[boundary.asked.0].name);
    match boundary.inside {
        Some(Inside::Transaction) => draft.note(format!(
            "byte {asked} of {file} lies inside a transaction, which goes as a whole: from byte {place} on"
        )),
        Some(Inside::Record) => draft.note(format!(
            "byte {asked} of {file} lies inside a record, which goes as a whole: from byte {place} on"
        )),
        None => {}
    }
}
