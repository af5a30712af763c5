//! The judgement on a set, by the rules of its target.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::checker::NEWEST_RDB;
use super::describe::describe;
use super::facts::{Facts, RdbFacts, SegmentFacts, SegmentFormat};
use super::finding::{Kind, Problem, Severity};
use super::halt::Cause;
use super::moments::{self, Moments};
use super::not_looked_at;
use super::scene::{Before, Scene, Wording};
use super::seen::{Seen, What};
use super::settle::Certainty;
use super::split::Split;
use super::unknown::{self, Unknown};
use super::verdict::{CheckAof, Loads, Verdict};
use super::{
    advice, behind_dump, beside, configuration, corrupt_tail, imports, modules, notes, set, splits,
    still_runs, traps,
};
use crate::aof::{Aof, ManifestState, Role};
use crate::error::Result;
use crate::format::rdb::Family;
use crate::progress::Silent;
use crate::rules::{By, Needed, Target};
use crate::{scan, text};

/// One file of the set.
#[derive(Clone, Debug)]
pub struct SegmentReport {
    /// Its name as the manifest has it.
    pub name: Arc<[u8]>,
    /// What it is for.
    pub role: Role,
    /// Its sequence number.
    pub seq: Option<i64>,
    /// Its length in bytes; `None` when it is not there.
    pub size_bytes: Option<u64>,
    /// What was seen in it; `None` for history and what is not there.
    pub facts: Option<Arc<SegmentFacts>>,
}

/// The judgement.
#[derive(Clone, Debug)]
pub struct Report {
    /// Whose rules were applied.
    pub target: Target,
    /// How the set is.
    pub verdict: Verdict,
    /// What the target does with it.
    pub loads: Loads,
    /// What the target does not take, or aofkit has not learnt.
    pub unknown: Vec<Unknown>,
    /// What it needs of modules.
    pub needs_modules: Vec<Needed>,
    /// The modules that are there, and who says it: all that anybody named, and those that the set needs.
    pub modules: Vec<(String, By)>,
    /// What was not looked at, by the names that JSON has.
    pub not_looked_at: Vec<&'static str>,
    /// What redis-check-aof does.
    pub check_aof: CheckAof,
    /// Bytes of the live files.
    pub size_bytes: u64,
    /// Those of them that belong to whole records, annotations and sound RDB parts.
    pub ok_bytes: u64,
    /// The files, history last.
    pub segments: Vec<SegmentReport>,
    /// Worst first, then by file and place.
    pub problems: Vec<Problem>,
    /// A single file that is an RDB and nothing else.
    pub is_rdb: bool,
    /// When base and increments begin, of a set of several files.
    pub moments: Option<Moments>,
    /// Records that stand in two files, and are whole together.
    pub splits: Vec<Split>,
    /// What has to be known of the target, in plain words.
    pub notes: Vec<String>,
    /// Which commands the target refuses for certain.
    pub(crate) certainty: Certainty,
    trap: Option<FirstTrap>,
}

/// The first command that no server logs: its name, the file, and the offset there.
type FirstTrap = (Vec<u8>, Arc<[u8]>, u64);

impl Report {
    /// The first command in it that no server logs: its name, the file, and the offset there.
    pub fn trap(&self) -> Option<(&[u8], &[u8], u64)> {
        self.trap.as_ref().map(|(name, file, offset)| (&name[..], &file[..], *offset))
    }

    /// Whether something is wrong with the set itself, and not only with what lies beside it.
    pub fn has_own_errors(&self) -> bool {
        let is_own = |problem: &Problem| {
            problem.severity == Severity::Error
                && ![Kind::StartedEmpty, Kind::DeletedButOpen].contains(&problem.kind)
        };
        self.verdict != Verdict::Healthy
            && (self.verdict != Verdict::SetInconsistent || self.problems.iter().any(is_own))
    }

    /// The judgement without what it tells of each file, for a set may have very many.
    #[must_use]
    pub fn without_files(self) -> Self {
        Self { segments: Vec::new(), ..self }
    }
}

/// Checks a set: one pass, and the judgement on it.
///
/// # Errors
/// When the set cannot be read.
pub fn check(aof: &Aof) -> Result<Report> {
    let facts = scan::scan(aof, super::Check::new(aof), &scan::Pace::default(), &Silent)?;
    judge(aof, facts, &Wording::default())
}

/// Judges what a scan saw.
///
/// # Errors
/// When the end of a file that is being written cannot be looked at again.
pub fn judge(aof: &Aof, mut facts: Facts, wording: &Wording) -> Result<Report> {
    let target = facts.settle(aof);
    facts.segments.iter_mut().for_each(|segment| behind_dump::tell_apart(aof, segment));
    let last = aof.last_live();
    let mut in_flight = false;
    if let Some(end) = facts.segments.iter_mut().find(|f| Some(f.position) == last) {
        let end = Arc::make_mut(end);
        forget_line_under_way(aof, end)?;
        in_flight = is_in_flight(aof, end)?;
        if in_flight {
            // The rest has arrived by now: to a loader that starts after us it is whole.
            end.halt = end.halt.filter(|halt| Some(*halt) != end.broken);
            end.broken = None;
        }
    }
    let mut problems = set::problems(aof, &facts.neighbours);
    problems.extend(beside::problems(aof, &facts.neighbours));
    problems.extend(set::ignored_dump(aof, is_lone_dump(aof, &facts)));
    problems.extend(configuration::problems(aof));
    problems.extend(still_runs::problems(aof, &facts.neighbours.writing));
    problems.extend(moments::problems(aof, &facts));
    problems.extend(imports::problems(aof, &facts));
    let splits = splits::find(aof, &facts)?;
    let mut before = Before::Nothing;
    let fit = facts.fit.filter(|other| *other != target);
    let unknown = unknown::rows(aof, &facts);
    let drops = advice::drop_commands(aof, &unknown);
    for segment in &facts.segments {
        let is_last = Some(segment.position) == last;
        let in_flight = in_flight && is_last;
        let (wording, facts) = (*wording, segment);
        let (splits, drops) = (&splits[..], drops.as_deref());
        let scene = Scene { aof, facts, is_last, in_flight, before, wording, splits, fit, drops };
        problems.extend(segment.seen.iter().map(|seen| describe(&scene, seen)));
        if before != Before::Stop {
            problems.extend(traps::of_segment(aof, segment, is_last, before));
        }
        problems.extend(unlisted(aof, segment));
        before = before.and(segment);
    }
    let places = Places::of(aof, &problems);
    let order = |p: &Problem| {
        let is_later = p.kind != Kind::DeletedButOpen;
        (is_later, std::cmp::Reverse(p.severity), places.of_problem(p), p.offset)
    };
    problems.sort_by_key(order);
    let size_bytes = facts.segments.iter().map(|f| f.len).sum();
    let needs_modules = modules::needed(&facts);
    let damaged: u64 = facts.segments.iter().map(|f| f.damaged_bytes).sum();
    Ok(Report {
        target,
        verdict: match verdict(&problems) {
            Verdict::Healthy if is_unlisted(&facts) => Verdict::Unsupported,
            told => told,
        },
        loads: loads(aof, &facts, last),
        unknown,
        modules: modules::there(aof, &facts, &needs_modules),
        needs_modules,
        notes: notes::notes(aof, &facts),
        not_looked_at: not_looked_at::names(&facts),
        certainty: facts.certainty(),
        check_aof: check_aof(aof, &facts),
        size_bytes,
        ok_bytes: size_bytes - damaged,
        is_rdb: is_lone_dump(aof, &facts),
        trap: first_trap(aof, &facts),
        moments: Moments::of(aof, &facts),
        splits,
        segments: segments(aof, facts),
        problems,
    })
}

fn first_trap(aof: &Aof, facts: &Facts) -> Option<FirstTrap> {
    facts.segments.iter().find_map(|segment| {
        segment.seen.iter().find_map(|seen| match &seen.what {
            What::Trap { name, .. } => {
                let file = Arc::clone(&aof.segments[segment.position].name);
                Some((name.clone(), file, seen.offset))
            }
            _ => None,
        })
    })
}

/// Positions in the set of the files that problems are told of, by their names: a manifest may have as many lines as it
/// likes.
struct Places<'a>(HashMap<&'a [u8], usize>);

impl<'a> Places<'a> {
    fn of(aof: &'a Aof, problems: &[Problem]) -> Self {
        let told: HashSet<_> = problems.iter().filter_map(|told| told.file.as_deref()).collect();
        let mut places = HashMap::with_capacity(told.len());
        for (position, segment) in aof.segments.iter().enumerate() {
            if told.contains(&*segment.name) {
                places.entry(&*segment.name).or_insert(position);
            }
        }
        Self(places)
    }

    /// Position of a problem's file.
    fn of_problem(&self, problem: &Problem) -> Option<usize> {
        let file = problem.file.as_deref()?;
        Some(self.0.get(file).copied().unwrap_or(usize::MAX))
    }
}

fn is_in_flight(aof: &Aof, facts: &mut SegmentFacts) -> Result<bool> {
    let at_end = match facts.broken {
        Some(halt) if halt.cause == Cause::OpenTransaction => true,
        // The last thing seen is damage up to the end, and the loader got as far as that.
        Some(halt) if matches!(halt.cause, Cause::EndOfFile | Cause::EndOrCrash) => {
            let last = facts.seen.last();
            last.is_some_and(|s| s.offset == halt.at && s.offset + s.len == facts.len)
                || is_doubtful(facts, halt.at)
        }
        _ => false,
    };
    if !at_end || !scan::in_flight(&aof.segments[facts.position], facts.sound().safe_cut)? {
        return Ok(false);
    }
    if let Some(halt) = facts.broken.filter(|halt| is_doubtful(facts, halt.at)) {
        // It is whole by now, so what was seen inside it lies in its value.
        facts.seen.retain(|seen| seen.offset <= halt.at);
        let len = facts.len;
        if let Some(seen) = facts.seen.last_mut()
            && let What::Damage(damage) = &mut seen.what
        {
            (seen.len, damage.end) = (len - seen.offset, len);
        }
    }
    Ok(true)
}

/// Whether a record begins at `at` that is torn, unless its length is wrong.
fn is_doubtful(facts: &SegmentFacts, at: u64) -> bool {
    facts.seen.iter().any(|seen| {
        let damage = if let What::Damage(damage) = &seen.what { Some(damage) } else { None };
        seen.offset == at && damage.is_some_and(|damage| damage.is_doubtful)
    })
}

/// An annotation that was only being written when the file was opened is nothing to tell of.
fn forget_line_under_way(aof: &Aof, facts: &mut SegmentFacts) -> Result<()> {
    let Some(start) = facts.open_annotation() else { return Ok(()) };
    if scan::in_flight(&aof.segments[facts.position], start)? {
        facts.seen.pop();
    }
    Ok(())
}

fn unlisted(aof: &Aof, facts: &SegmentFacts) -> Option<Problem> {
    let name = &aof.segments[facts.position].name;
    (facts.unlisted > 0).then(|| {
        let message = format!("{} more are not listed", text::count(facts.unlisted, "problem"));
        Problem::of_file(Kind::LimitExceeded, Severity::Info, name, message)
    })
}

/// In the order of [`Verdict`]: unsupported is only what is not damaged.
fn verdict(problems: &[Problem]) -> Verdict {
    // Rights say nothing of what is in the files.
    let is_told = |p: &&Problem| p.severity == Severity::Error && p.kind != Kind::NotReadable;
    let errors = || problems.iter().filter(is_told);
    let of_set = |kind| {
        use Kind::{
            DeletedButOpen, ManifestHazard, ManifestInvalid, ManifestMissing, SegmentMissing,
            SequenceGap, StartedEmpty,
        };
        let kinds = [
            DeletedButOpen,
            ManifestInvalid,
            ManifestMissing,
            ManifestHazard,
            SegmentMissing,
            SequenceGap,
            StartedEmpty,
        ];
        kinds.contains(&kind)
    };
    let damage = || errors().filter(|p| !is_unsupported(p.kind));
    if errors().any(|p| of_set(p.kind)) {
        Verdict::SetInconsistent
    } else if damage().any(|p| !p.at_the_end || is_rdb_damage(p.kind)) {
        Verdict::InnerDamage
    } else if damage().next().is_some() {
        Verdict::TailDamage
    } else if errors().next().is_some() {
        Verdict::Unsupported
    } else {
        Verdict::Healthy
    }
}

/// Whether something that the target does not take, or may not, stands among what is not listed.
fn is_unlisted(facts: &Facts) -> bool {
    let stops = |f: &SegmentFacts| f.halt.is_some() || f.doubt.is_some();
    facts.segments.iter().any(|f| f.unlisted > 0 && stops(f))
}

/// Nothing is wrong with the bytes: it is the target, or aofkit, that does not understand them.
fn is_unsupported(kind: Kind) -> bool {
    use Kind::{ModuleMissing, RdbUnsupported, RefusedByConfiguration, UnknownCommand, WrongArity};
    matches!(
        kind,
        UnknownCommand | WrongArity | RdbUnsupported | ModuleMissing | RefusedByConfiguration
    )
}

/// The base counts as inner even where it is the last file.
fn is_rdb_damage(kind: Kind) -> bool {
    use Kind::{RdbBadHeader, RdbBadStructure, RdbChecksumMismatch, RdbTruncated};
    [RdbBadHeader, RdbBadStructure, RdbChecksumMismatch, RdbTruncated].contains(&kind)
}

/// What the target does.
fn loads(aof: &Aof, facts: &Facts, last: Option<usize>) -> Loads {
    match aof.manifest.as_ref().map(|m| &m.state) {
        // It does not look into the directory of the set.
        Some(_) if aof.target().rules.manifest.is_none() => return Loads::StartsEmpty,
        Some(ManifestState::Invalid(_)) => return Loads::No,
        Some(ManifestState::Missing) => return Loads::StartsEmpty,
        _ => {}
    }
    if is_lone_dump(aof, facts) && set::reads_no_dump(aof) {
        return Loads::StartsEmpty;
    }
    if aof.live().any(|(_, s)| s.is_missing() || s.is_directory()) {
        return Loads::No;
    }
    if facts.segments.iter().all(|f| f.len == 0) {
        return Loads::StartsEmpty;
    }
    let is_beyond = |seen: &Seen| matches!(seen.what, What::BeyondDatabases { .. });
    if facts.segments.iter().any(|segment| segment.seen.iter().any(is_beyond)) {
        return Loads::No;
    }
    let mut is_doubtful = false;
    for segment in &facts.segments {
        is_doubtful |= segment.doubt.is_some();
        let Some(halt) = segment.halt else { continue };
        let can_cut = match halt.cause {
            Cause::EndOfFile | Cause::OpenTransaction | Cause::EndOrCrash => {
                aof.settings.load_truncated()
            }
            Cause::BadFormat => corrupt_tail::is_cut(aof, segment),
            Cause::ReadError | Cause::Unknown | Cause::Perhaps | Cause::MissingModule => false,
            Cause::Refused | Cause::Crash | Cause::Rdb => false,
        };
        return match can_cut && Some(segment.position) == last {
            // Whatever it thinks of what is not known, it does not come further.
            false => Loads::No,
            true if is_doubtful || halt.cause == Cause::EndOrCrash => Loads::Unknown,
            true => Loads::AfterTruncation,
        };
    }
    if is_doubtful { Loads::Unknown } else { Loads::Yes }
}

/// redis-check-aof on the manifest, or on the one file.
fn check_aof(aof: &Aof, facts: &Facts) -> CheckAof {
    let is_blind = facts.segments.iter().any(|facts| is_rdb_beyond_checker(facts));
    let invalid = |why: String| CheckAof { valid: false, why: Some(why), is_blind };
    let valid = CheckAof { valid: true, why: None, is_blind };
    if let Some(manifest) = &aof.manifest {
        match &manifest.for_checker {
            Some(Ok(true)) => {}
            Some(Ok(false)) => return valid,
            Some(Err(why)) => return invalid(why.clone()),
            None => return invalid("there is no manifest".to_owned()),
        }
    }
    // Facts come in the order of the files.
    let mut all = facts.segments.iter().peekable();
    for (position, segment) in aof.live() {
        let name = || text::name(&segment.name);
        while all.next_if(|seen| seen.position < position).is_some() {}
        let Some(seen) = all.next_if(|seen| seen.position == position) else {
            return invalid(format!("{}: cannot be opened", name()));
        };
        if let Some(refusal) = seen.refusal {
            return invalid(format!("{}: byte {}: {}", name(), refusal.at, refusal.why));
        }
    }
    valid
}

/// Whether it begins with an RDB of a magic or version that redis-check-aof 8.2 does not know.
fn is_rdb_beyond_checker(facts: &SegmentFacts) -> bool {
    let header = facts.rdb.as_ref().and_then(RdbFacts::header);
    header.is_some_and(|header| header.family != Family::Redis || header.version > NEWEST_RDB)
}

/// Whether it is a snapshot and nothing else.
fn is_lone_dump(aof: &Aof, facts: &Facts) -> bool {
    aof.manifest.is_none() && is_rdb(facts)
}

fn is_rdb(facts: &Facts) -> bool {
    let log = |rdb: &RdbFacts| rdb.fields().aof_preamble() == Some(true);
    facts
        .segments
        .first()
        .is_some_and(|f| f.format == SegmentFormat::Rdb && !f.rdb.as_ref().is_some_and(log))
}

fn segments(aof: &Aof, facts: Facts) -> Vec<SegmentReport> {
    let mut seen = facts.segments.into_iter().peekable();
    let all = aof.segments.iter().enumerate();
    all.map(|(position, segment)| {
        while seen.next_if(|facts| facts.position < position).is_some() {}
        let facts = seen.next_if(|facts| facts.position == position);
        let size_bytes = facts.as_ref().map(|f| f.len).or_else(|| segment.len());
        let (name, role, seq) = (Arc::clone(&segment.name), segment.role, segment.seq);
        SegmentReport { name, role, seq, size_bytes, facts }
    })
    .collect()
}
