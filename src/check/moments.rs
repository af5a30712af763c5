//! Whether base and increments are of one moment: when the base was saved, when the increments begin, and what speaks
//! against their belonging together.
//!
//! A gap between the two proves nothing, for a server may have been idle. What is told as wrong cannot come of a server:
//! the first base that a server makes has number 1 and goes with increment 1, a base is saved when its first increment
//! is begun, and increments follow each other in time.

use jiff::Timestamp;

use super::facts::{Facts, SegmentFacts};
use super::finding::{Kind, Problem, Severity};
use crate::aof::{Aof, Layout, ManifestState, Role};
use crate::text;

/// Seconds by which times may be the wrong way round: the fork of a large server takes some, and clocks are set.
const SLACK: i64 = 60;

/// When the parts of a set begin, Unix seconds, as far as the files say it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moments {
    /// When the save of the base began.
    pub base_saved: Option<i64>,
    /// The first `#TS:` of the increments.
    pub increments_begin: Option<i64>,
}

impl Moments {
    /// Of the files of a set; nothing of a file by itself.
    pub(super) fn of(aof: &Aof, facts: &Facts) -> Option<Self> {
        if aof.layout != Layout::MultiPart {
            return None;
        }
        let of_role = |role| {
            let is_one =
                move |one: &&std::sync::Arc<SegmentFacts>| aof.segments[one.position].role == role;
            facts.segments.iter().filter(is_one)
        };
        let saved = |one: &SegmentFacts| one.rdb.as_ref()?.fields().created_s();
        let base_saved = of_role(Role::Base).next().and_then(|one| saved(one));
        let begun = of_role(Role::Increment).find(|one| one.commands > 0);
        Some(Self { base_saved, increments_begin: begun.and_then(|one| one.first_ts()) })
    }
}

/// What cannot be of one moment.
pub(super) fn problems(aof: &Aof, facts: &Facts) -> Vec<Problem> {
    let manifest = aof.manifest.as_ref().map(|manifest| &manifest.state);
    if !matches!(manifest, Some(ManifestState::Valid(_))) || aof.upgrade_pending {
        return Vec::new();
    }
    let by_log = first_base(aof).into_iter().chain(out_of_order(aof, facts));
    by_log.chain(newer_base(aof, facts)).collect()
}

/// The first base that a server makes, under increments that are not the first.
fn first_base(aof: &Aof) -> Option<Problem> {
    let of_role = |role| aof.live().map(|(_, s)| s).find(move |segment| segment.role == role);
    let (base, increment) = (of_role(Role::Base)?, of_role(Role::Increment)?);
    let begins = increment.seq.filter(|&seq| seq > 1 && base.seq == Some(1))?;
    let missing = match begins {
        2 => "increment 1 is not listed".to_owned(),
        begins => format!("increments 1 to {} are not listed", begins - 1),
    };
    let message = format!(
        "base 1 under increments from {begins} on: a server's base 1 goes with its increment 1, and {missing}. \
         Either the base is older than what belongs here, or increments were lost: {} loads them one upon the \
         other and says nothing",
        aof.target()
    );
    Some(Problem::of_file(Kind::MixedMoments, Severity::Warning, &base.name, message))
}

/// The first file with a time that lies before that of a file loaded earlier.
fn out_of_order(aof: &Aof, facts: &Facts) -> Option<Problem> {
    let mut latest: Option<(i64, &str, usize)> = None;
    for one in &facts.segments {
        if let (Some((before, what, position)), Some(first)) = (latest, one.first_ts())
            && aof.segments[one.position].role == Role::Increment
            && before.saturating_sub(first) > SLACK
        {
            let message = format!(
                "it begins at {}, {} before {} {what} at {}: a server writes it later, so the two are of different \
                 moments, or the clock was set back. Commands may be missing, or applied to a base that has them already",
                told(first),
                apart(before.saturating_sub(first)),
                text::name(&aof.segments[position].name),
                told(before)
            );
            let name = &aof.segments[one.position].name;
            return Some(Problem::of_file(Kind::MixedMoments, Severity::Warning, name, message));
        }
        let saved = one.rdb.as_ref().and_then(|rdb| rdb.fields().created_s());
        let ends = one.last_ts().map(|at| (at, "ends"));
        let own = ends.or(saved.map(|at| (at, "was saved")));
        latest = own.map(|(at, what)| (at, what, one.position)).or(latest);
    }
    None
}

/// A base that was saved after an increment was last written to, by the time of the file. The time of the base's file tells
/// whether such times can be trusted.
fn newer_base(aof: &Aof, facts: &Facts) -> Option<Problem> {
    let written = |one: &SegmentFacts| {
        let at = aof.segments[one.position].file()?.modified()?;
        i64::try_from(at.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs()).ok()
    };
    let of_role =
        |role| facts.segments.iter().filter(move |one| aof.segments[one.position].role == role);
    let base = of_role(Role::Base).next()?;
    let fields = base.rdb.as_ref()?.fields();
    let saved = fields.created_s().filter(|saved| written(base).is_some_and(|at| at >= *saved))?;
    let (late, at) = of_role(Role::Increment).filter(|one| one.commands > 0).find_map(|one| {
        let at = written(one).filter(|at| saved.saturating_sub(*at) > SLACK)?;
        Some((one, at))
    })?;
    let dump = match fields.aof_base() {
        Some(false) => ". The base is a plain dump, which no rewrite has written",
        _ => "",
    };
    let message = format!(
        "it was last written to at {}, {} before its base {} was saved at {}: a server appends to an increment after it has \
         begun to save the base, so the base is of a later moment, or the clock was set back. {} applies these commands to a \
         base that has them already{dump}",
        told(at),
        apart(saved.saturating_sub(at)),
        text::name(&aof.segments[base.position].name),
        told(saved),
        aof.target()
    );
    let name = &aof.segments[late.position].name;
    Some(Problem::of_file(Kind::MixedMoments, Severity::Warning, name, message))
}

/// A time for people; a number where it is none.
fn told(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |at| at.to_string())
}

fn apart(seconds: i64) -> String {
    match seconds {
        i64::MIN..7200 => text::count(seconds.unsigned_abs() / 60, "minute"),
        7200..172_800 => text::count(seconds.unsigned_abs() / 3600, "hour"),
        _ => text::count(seconds.unsigned_abs() / 86_400, "day"),
    }
}
