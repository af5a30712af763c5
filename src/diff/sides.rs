//! The comparison as a whole.

use super::alone::{Alone, KeysAlone, alone};
use super::bases::{BaseForm, Bases, bases};
use super::lockstep::{self, Break, Common, Side, Verdict};
use super::marks::Place;
use super::offsets::offsets;
use crate::aof::{Aof, Role};
use crate::error::Result;
use crate::limits;
use crate::progress::Progress;
use crate::scan::Pace;

/// How to compare.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How fast to read.
    pub pace: Pace,
    /// Keys of the bases that differ and are told, at most.
    pub most: usize,
}

/// What proves a common stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Both begin with the same base.
    Bases,
    /// Both begin without a key.
    Empty,
    /// Enough records that differ from one another.
    Records,
}

impl Proof {
    /// Its name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bases => "bases",
            Self::Empty => "empty",
            Self::Records => "records",
        }
    }
}

/// What comes of two sets.
#[derive(Clone, Debug)]
pub struct Diff {
    /// In one word.
    pub verdict: Verdict,
    /// Their bases.
    pub bases: Bases,
    /// The stretch that is proven to be common.
    pub common: Option<Common>,
    /// What proves it; without a stretch, nothing does.
    pub proof: Proof,
    /// Records that fit in a row, where they are too few, or fit in several places, to prove anything.
    pub unproven: u64,
    /// What is of each alone; of the whole log, where nothing common is proven.
    pub alone: (Alone, Alone),
    /// The keys that these commands name.
    pub keys: KeysAlone,
}

/// Compares two sets.
///
/// # Errors
/// When their files cannot be read.
pub fn compare(
    a: &mut Aof,
    b: &mut Aof,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Diff> {
    let pace = &options.pace;
    let bases = bases(a, b, options.most, pace, progress)?;
    let begin_alike = bases.equal == Some(true);
    let mut offsets = offsets(a, b, pace, progress)?;
    if begin_alike && !offsets.contains(&0) {
        offsets.push(0);
    }
    let (mut best, mut unproven) = (None::<(i64, Common)>, 0);
    let mut second = 0;
    for offset in offsets {
        let common = lockstep::compare(a, b, offset, pace, progress)?;
        let is_proven = proves(&common, begin_alike && offset == 0, &bases);
        if !is_proven {
            unproven = common.records.max(unproven);
            continue;
        }
        let longest = best.as_ref().map_or(0, |(_, best)| best.records);
        if best.is_none() || common.records > longest {
            second = second.max(longest);
            best = Some((offset, common));
        } else {
            second = second.max(common.records);
        }
    }
    // What fits nearly as well elsewhere has no place; from equal bases on, there is only one.
    if let Some((offset, common)) = &best
        && !(begin_alike && *offset == 0)
        && second.saturating_mul(2) > common.records
    {
        unproven = common.records;
        best = None;
    }
    let proof = match &best {
        Some((0, _)) if begin_alike && bases.begin_empty() => Proof::Empty,
        Some((0, _)) if begin_alike => Proof::Bases,
        _ => Proof::Records,
    };
    let common = best.map(|(_, common)| common);
    let from = match &common {
        Some(common) => common.goes_on,
        None => (beginning(a), beginning(b)),
    };
    let (one, two, keys) = alone((a, b), from, pace, progress)?;
    let verdict = verdict(&bases, common.as_ref(), proof, (&one, &two));
    Ok(Diff { verdict, bases, common, proof, unproven, alone: (one, two), keys })
}

/// Whether a stretch is proven: by the state that both begin with, or by enough records that differ from one another.
fn proves(common: &Common, from_equal_bases: bool, bases: &Bases) -> bool {
    let has_evidence = common.evidence >= limits::DIFF_PROOF;
    let is_all = common.ends == Break::BothEnd;
    let by_state = bases.prove_a_state() || common.records > 0 || is_all;
    has_evidence || (from_equal_bases && by_state)
}

fn beginning(aof: &Aof) -> Option<Place> {
    let (segment, _) = aof.live().find(|(_, segment)| segment.role != Role::Base)?;
    Some(Place { segment, ..Place::default() })
}

fn verdict(
    bases: &Bases,
    common: Option<&Common>,
    proof: Proof,
    (a, b): (&Alone, &Alone),
) -> Verdict {
    let Some(common) = common else {
        let no_log = |alone: &Alone| alone.records == 0 && alone.damaged.0 == 0;
        let is_known = bases.a.form != BaseForm::None || bases.b.form != BaseForm::None;
        return match bases.equal {
            Some(false) if no_log(a) && no_log(b) && is_known => Verdict::Different,
            _ => Verdict::Unknown,
        };
    };
    match common.ends {
        Break::Parts => Verdict::Parted,
        Break::Ends(Side::A) => Verdict::ABehind,
        Break::Ends(Side::B) => Verdict::BBehind,
        Break::Damaged(_) => Verdict::Unknown,
        Break::BothEnd => {
            let is_whole = common.damaged.is_empty() && common.other_clocks == 0;
            if proof != Proof::Records && is_whole { Verdict::Equal } else { Verdict::SameEnd }
        }
    }
}
