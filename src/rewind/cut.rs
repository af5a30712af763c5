//! Everything behind a moment goes.

use super::reach::{reach, unreachable};
use super::way::{Answer, Rewind, refuse_behind_damage};
use crate::aof::{Aof, Layout, Role};
use crate::change::{Draft, Looking, Loss, Proposal, Verb};
use crate::check::{Check, judge};
use crate::error::Result;
use crate::moment::{Boundary, Cutter, Found, Inside, Moment, Which};
use crate::scan::scan;
use crate::text;

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
    Ok(Rewind { found, reach, report, answer })
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
