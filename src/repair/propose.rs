//! What a repair proposes: for the end and the manifest without asking, for damage in the middle by choice.

use super::outer::tail_and_manifest;
use super::{Drops, inner, remaining, staying};
use crate::aof::Aof;
use crate::change::{Looking, Loss, Proposal, Verb};
use crate::check::{Report, Verdict};
use crate::error::Result;

/// What is to become of damage in the middle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Inner {
    /// It stays; told is what each choice would cost.
    #[default]
    Ask,
    /// The set is cut at the first of it.
    Truncate,
    /// The damaged ranges alone are dropped.
    Salvage,
}

impl Inner {
    /// Its option, without the dashes.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ask => "",
            Self::Truncate => "truncate",
            Self::Salvage => "salvage",
        }
    }
}

/// What a choice would do about damage in the middle.
#[derive(Clone, Debug)]
pub struct Way {
    /// The choice.
    pub choice: Inner,
    /// What it costs, or why it does not help.
    pub outlook: std::result::Result<Loss, inner::Refusal>,
}

/// A repair and all that should be known of it.
#[derive(Debug)]
pub struct Repair {
    /// What is to happen, looked at beforehand.
    pub proposal: Proposal,
    /// What it says of each range that goes, where ranges go.
    pub inner: Option<inner::Inner>,
    /// For damage in the middle that nothing was chosen for.
    pub ways: Vec<Way>,
}

/// Proposes a repair. `aof` is one that [`super::subject`] answered, `report` the judgement on it.
///
/// # Errors
/// When the set cannot be read again.
pub fn propose(
    aof: &Aof,
    report: &Report,
    choice: Inner,
    drops: &Drops,
    looking: &Looking<'_>,
) -> Result<Repair> {
    let (proposal, inner) = match choice {
        Inner::Truncate => chosen(aof, inner::truncate(aof, report, drops)?)?,
        Inner::Salvage => chosen(aof, inner::salvage(aof, report, drops)?)?,
        Inner::Ask if drops.is_empty() => (tail_and_manifest(aof, report)?, None),
        Inner::Ask => match inner::drop_named(aof, report, drops)? {
            (inner::Answer::Plan(inner), left) => (inner.plan.clone().leaving(left), Some(*inner)),
            (refused, _) => chosen(aof, refused)?,
        },
    };
    let mut repair = Repair { proposal, inner, ways: Vec::new() };
    repair.proposal.look_ahead(aof, looking)?;
    if choice == Inner::Ask {
        repair.ways = ways(aof, report, &repair.proposal)?;
        if !repair.ways.is_empty() && repair.proposal.left.is_empty() {
            repair
                .proposal
                .left
                .push("damage in the middle: choose --truncate or --salvage".to_owned());
        }
    }
    // Records that the target does not take are no damage, and nothing takes them away but their name.
    let after = repair.proposal.foreseen().map_or(report, |outlook| &outlook.report);
    let staying = staying(after);
    repair.proposal.left.extend(staying);
    if repair.proposal.is_empty() && repair.proposal.left.is_empty() {
        repair.proposal.left.extend(remaining::told(aof, report));
    }
    Ok(repair)
}

fn chosen(aof: &Aof, answer: inner::Answer) -> Result<(Proposal, Option<inner::Inner>)> {
    Ok(match answer {
        inner::Answer::Plan(inner) => (inner.plan.clone(), Some(*inner)),
        inner::Answer::Refused(why) => {
            (Proposal::nothing(Verb::Repair, aof)?.leaving(vec![why.to_string()]), None)
        }
    })
}

/// What the choices would do about what is left.
fn ways(aof: &Aof, report: &Report, proposal: &Proposal) -> Result<Vec<Way>> {
    let is_inner = match proposal.foreseen() {
        None => matches!(report.verdict, Verdict::InnerDamage | Verdict::TailDamage),
        // A choice puts the rest right in the same run.
        Some(outlook) => outlook.verdict() == Verdict::InnerDamage,
    };
    if !is_inner {
        return Ok(Vec::new());
    }
    let answers = [Inner::Truncate, Inner::Salvage].into_iter().zip(inner::both(aof, report)?);
    let ways = answers.filter_map(|(choice, answer)| {
        let outlook = match answer {
            inner::Answer::Plan(inner) if inner.plan.is_empty() => return None,
            inner::Answer::Plan(inner) => Ok(inner.plan.loss.clone()),
            inner::Answer::Refused(why) => Err(why),
        };
        Some(Way { choice, outlook })
    });
    Ok(ways.collect())
}
