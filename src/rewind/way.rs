//! A way back, and what is refused of it.

use super::reach::{Reach, Why};
use crate::aof::Aof;
use crate::change::{Looking, Proposal, Refusal};
use crate::check::{Report, Verdict};
use crate::error::Result;
use crate::moment::Found;

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
}

/// What is to happen.
#[derive(Debug)]
pub enum Answer {
    /// This, looked at beforehand; an empty plan where nothing lies behind the moment. It is refused where the moment lies
    /// behind damage.
    Plan(Box<Proposal>),
    /// Nothing, for this reason.
    No(Why),
}

/// Refuses a moment behind damage: what is left would not load up to it. A cut before all damage is fine, and
/// cures it.
pub(super) fn refuse_behind_damage(
    aof: &Aof,
    proposal: &mut Proposal,
    looking: &Looking<'_>,
) -> Result<()> {
    let path = proposal.path.clone();
    let Some(outlook) = proposal.look_ahead(aof, looking)? else { return Ok(()) };
    if matches!(outlook.verdict(), Verdict::InnerDamage | Verdict::TailDamage) {
        let why = Refusal::behind_damage(&outlook.report, path);
        proposal.refuse(why);
    }
    Ok(())
}
