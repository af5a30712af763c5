//! Inner damage: drop the damaged ranges and keep what is sound after them, or cut there.
//!
//! Both are choices that a person has to make. What comes out says of each range what was in it, what lies
//! beside it, and what cannot be known.

mod answers;
mod base;
mod front;
mod hidden;
mod sieve;
mod sorted;
mod toll;

pub use answers::{Database, Known};
pub use toll::{Gap, Suspect, Toll};

use crate::aof::{Aof, Event, ManifestState, Role, walk};
use crate::change::{Draft, Loss, LostKey, Plan, Verb};
use crate::check::{Check, Facts, Loader, SegmentFacts, Wording, judge};
use crate::command::Kind;
use crate::error::Result;
use crate::limits;
use crate::progress::Progress;
use crate::scan::{Pace, scan};
use crate::text;

use super::from_files::BrokenBase;
use super::manifest;
use front::{Front, front};
use sieve::Sieve;
use sorted::{Cause, Fault, Faults, Sorted};

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
    pub plan: Plan,
    /// The ranges that go, file by file.
    pub ranges: Vec<Range>,
    /// How many more there are.
    pub unlisted: u64,
    /// What it costs.
    pub toll: Toll,
}

/// What came of it.
#[derive(Debug)]
pub enum Answer {
    /// A plan, which is empty when nothing is wrong.
    Plan(Box<Inner>),
    /// Nothing that would be honest; why, and what to do instead.
    Refused(String),
}

/// How one segment is going to be.
struct Edited {
    position: usize,
    gaps: Vec<(u64, u64)>,
    databases: Vec<Database>,
    faults: Faults,
    lost_key: Option<(u64, LostKey)>,
    len: u64,
}

/// Drops what is damaged, and what the target would die of, and keeps every sound record after it.
///
/// # Errors
/// When the set cannot be read.
pub fn salvage(aof: &Aof, pace: &Pace, progress: &dyn Progress) -> Result<Answer> {
    let mut facts = scan(aof, Check::new(aof), pace, progress)?;
    let target = facts.settle(aof);
    let mut draft = Draft::new(Verb::Repair, aof);
    if let Some(why) = mend_manifest(aof, &facts, BrokenBase::IsSalvaged, &mut draft)? {
        return Ok(Answer::Refused(why));
    }
    let flushes = flushes(aof, &facts)?;
    let loader = Loader::new(target, &aof.settings);
    let mut edited = Vec::new();
    let mut places = 0;
    for found in &facts.segments {
        let position = found.position;
        let sorted = match sort(aof, found, &loader, flushes, &mut draft)? {
            Ok(sorted) => sorted,
            Err(why) => return Ok(Answer::Refused(why)),
        };
        let mut sorted = sorted;
        let databases = answers::answers(&sorted);
        let gaps = answers::gaps(&sorted);
        places += gaps.len();
        if places > limits::RANGES {
            let name = text::name(&aof.segments[position].name);
            return Ok(Answer::Refused(too_many(&name)));
        }
        let pieces = answers::pieces(&sorted, &databases, position);
        sorted.steps = Vec::new();
        draft.rewrite(position, pieces);
        if gaps.is_empty() {
            continue;
        }
        note_restarts(&mut draft, aof, position, &sorted);
        if Some(position) != aof.last_live() && gaps.last().is_some_and(|gap| gap.1 == sorted.len) {
            let name = text::name(&aof.segments[position].name);
            draft.note(format!(
                "{name}: its end is lost, and it is not the last file: the files after it were written \
                 on top of what is gone"
            ));
        }
        let Sorted { faults, lost_key, len, .. } = sorted;
        edited.push(Edited { position, gaps, databases, faults, lost_key, len });
    }
    answer(aof, draft, &edited)
}

/// Cuts at the first thing the target does not take, never inside a transaction, and drops the increments
/// after it.
///
/// # Errors
/// When the set cannot be read.
pub fn truncate(aof: &Aof, pace: &Pace, progress: &dyn Progress) -> Result<Answer> {
    let mut facts = scan(aof, Check::new(aof), pace, progress)?;
    facts.settle(aof);
    let mut draft = Draft::new(Verb::Repair, aof);
    if let Some(why) = mend_manifest(aof, &facts, BrokenBase::Stops, &mut draft)? {
        return Ok(Answer::Refused(why));
    }
    let Some(found) = facts.segments.iter().find(|found| found.halt.is_some()) else {
        return answer(aof, draft, &[]);
    };
    let name = text::name(&aof.segments[found.position].name);
    let is_start = aof.live().next().map(|(position, _)| position) == Some(found.position);
    if is_start && found.safe_cut == 0 && aof.segments[found.position].role != Role::Increment {
        return Ok(Answer::Refused(format!(
            "{name} is wrong from its beginning: nothing would be left of the set. Use --salvage, or \
             restore it from a backup"
        )));
    }
    draft.cut(found.position, found.safe_cut);
    let mut edited = Vec::new();
    let mut later = 0;
    for segment in facts.segments.iter().skip_while(|f| f.position != found.position) {
        let from = if segment.position == found.position { found.safe_cut } else { 0 };
        if segment.position != found.position {
            draft.remove(segment.position);
            later += 1;
        }
        let why = "cut here; the target does not read on".to_owned();
        let cause = if from == 0 && later > 0 {
            Cause::Refused("it comes after the cut".to_owned())
        } else {
            Cause::Tail(why)
        };
        let mut faults = Faults::default();
        faults.push(from, segment.len, cause);
        edited.push(Edited {
            position: segment.position,
            gaps: Some((from, segment.len)).filter(|(from, to)| from < to).into_iter().collect(),
            databases: Vec::new(),
            faults,
            lost_key: None,
            len: segment.len,
        });
    }
    if later > 0 {
        draft.note(format!(
            "{name} is cut, so {} after it {} the set: what they hold was written on top of what is gone",
            text::count(later, "increment"),
            if later == 1 { "leaves" } else { "leave" }
        ));
    }
    answer(aof, draft, &edited)
}

/// Puts right what is wrong with the manifest as well, where that can be done; or the reason why nothing can be
/// done before it is.
fn mend_manifest(
    aof: &Aof,
    facts: &Facts,
    broken: BrokenBase,
    draft: &mut Draft<'_>,
) -> Result<Option<String>> {
    let report = judge(aof, facts.clone(), &Wording::default())?;
    match manifest::manifest(aof, &report, broken)? {
        manifest::Answer::Sound => {}
        manifest::Answer::Doubtful(why) => {
            let is_read = matches!(
                aof.manifest.as_ref().map(|m| &m.state),
                None | Some(ManifestState::Valid(_))
            );
            if !is_read {
                return Ok(Some(format!("manifest: {why}")));
            }
            draft.note(format!("manifest: left as it is: {why}"));
        }
        manifest::Answer::Mended { manifest, notes } => {
            let named = |name: &[u8]| manifest.live().any(|entry| entry.name == name);
            let mut bases = aof.live().filter(|(_, segment)| segment.role == Role::Base).peekable();
            if bases.peek().is_some() && !bases.any(|(_, base)| named(&base.name)) {
                return Ok(Some(
                    "the manifest can be put right with another base: repair it first, without a word"
                        .to_owned(),
                ));
            }
            draft.manifest(manifest);
            notes.into_iter().for_each(|note| draft.note(format!("manifest: {note}")));
        }
    }
    Ok(None)
}

/// Sorts one segment; or the reason why nothing honest can be done.
fn sort(
    aof: &Aof,
    found: &SegmentFacts,
    loader: &Loader,
    flushes: bool,
    draft: &mut Draft<'_>,
) -> Result<Result<Sorted, String>> {
    let position = found.position;
    let segment = &aof.segments[position];
    let name = text::name(&segment.name);
    if !segment.is_plain() {
        return Ok(Err(format!("{name} is packed or a stream: unpack it first")));
    }
    let header = wrong_header(aof, found)?;
    let mended = header.as_ref().map(|h| base::with_header(aof, position, h)).transpose()?;
    let shown = &mended.as_ref().unwrap_or(aof).segments[position];
    if let Some(header) = &header {
        draft.note(format!(
            "{name}: one byte of its first nine was wrong; with \"{}\" the checksum of all of it fits",
            header.escape_ascii()
        ));
    }
    let mut sieve = Sieve::new(loader, aof.target().rules, shown.source()?);
    let mut outcome = Ok(());
    let mut refusal = None;
    let mut notes = Vec::new();
    let mut is_noise = false;
    let len = walk(&mut *shown.source()?, &mut (), &mut |event: Event<'_>| {
        is_noise |= sieve.places() > 2 * limits::RANGES;
        if outcome.is_err() || refusal.is_some() || is_noise {
            return;
        }
        outcome = front(aof, position, &event, flushes, &mut sieve, &mut notes).and_then(|front| {
            match front {
                Front::Taken => Ok(()),
                Front::Refused(why) => {
                    refusal = Some(format!("{name}: {why}"));
                    Ok(())
                }
                Front::Plain => sieve.event(&event),
            }
        });
    })?;
    outcome?;
    if is_noise {
        refusal = Some(too_many(&name));
    }
    if let Some(why) = refusal {
        return Ok(Err(why));
    }
    notes.into_iter().for_each(|note: String| draft.note(note));
    Ok(Ok(Sorted { header, ..sieve.finish(len) }))
}

fn too_many(name: &str) -> String {
    let most = text::thousands(limits::RANGES as u64);
    format!(
        "{name}: more than {most} places would have to go: this is no log any more, or one of another server \
         (--target)"
    )
}

/// The true header of an RDB that is wrong in one byte of it.
fn wrong_header(aof: &Aof, found: &SegmentFacts) -> Result<Option<Vec<u8>>> {
    if found.halt.is_none() { Ok(None) } else { base::true_header(aof, found.position) }
}

/// Whether an increment empties all databases, so that nothing before it is needed.
fn flushes(aof: &Aof, facts: &Facts) -> Result<bool> {
    let mut found = false;
    let increments =
        facts.segments.iter().filter(|f| aof.segments[f.position].role == Role::Increment);
    // Only a broken base asks for it.
    let asked = facts.segments.iter().any(|f| f.rdb.is_some() && f.halt.is_some());
    for facts in increments.filter(|_| asked) {
        let segment = &aof.segments[facts.position];
        let mut in_transaction = false;
        walk(&mut *segment.source()?, &mut (), &mut |event: Event<'_>| {
            if let Event::Record(_, Some(id)) = event {
                in_transaction &= id.kind() != Kind::Exec;
                in_transaction |= id.kind() == Kind::Multi;
                found |= !in_transaction && id.command().name == "FLUSHALL";
            }
        })?;
    }
    Ok(found)
}

fn note_restarts(draft: &mut Draft<'_>, aof: &Aof, position: usize, sorted: &Sorted) {
    for at in sorted.restarts.iter().take(3) {
        draft.note(format!(
            "{}: byte {at}: a server seems to have started anew inside of an open transaction; where that \
             lost its end, what comes after the new start is taken for commands of their own",
            text::name(&aof.segments[position].name)
        ));
    }
}

/// Counts what goes, and finishes the plan.
fn answer(aof: &Aof, mut draft: Draft<'_>, edited: &[Edited]) -> Result<Answer> {
    let mut meter = toll::Meter::new();
    let (mut ranges, mut unlisted) = (Vec::new(), 0);
    let first = edited.first().map_or(usize::MAX, |edited| edited.position);
    // They come in the order of the files.
    let mut left = edited.iter().peekable();
    for (position, segment) in aof.live().filter(|(position, _)| *position >= first) {
        let here = left.next_if(|edited| edited.position == position);
        let (gaps, databases) = here.map_or((&[][..], &[][..]), |e| (&e.gaps, &e.databases));
        if segment.is_missing() || segment.is_directory() {
            continue;
        }
        let mut counted = meter.segment(gaps, databases, RANGES - ranges.len());
        let mut bytes = segment.source()?;
        let mut outcome = Ok(());
        walk(&mut *segment.source()?, &mut (), &mut |event: Event<'_>| {
            if outcome.is_ok() {
                outcome = counted.event(&event, &mut *bytes);
            }
        })?;
        outcome?;
        let told = counted.finish();
        let Some(here) = here else { continue };
        unlisted += (here.gaps.len() - told.len()) as u64;
        if let Some((_, key)) = &here.lost_key {
            draft.lose(Loss { keys: [key.clone()].into(), keys_total: 1, ..Loss::default() });
        }
        for mut gap in told {
            if let Some((_, key)) = here.lost_key.as_ref().filter(|(at, _)| *at == gap.from) {
                gap.keys.push(key.clone());
            }
            ranges.push(range(&segment.name, gap, here));
        }
    }
    let toll = meter.finish();
    draft.lose(toll.loss.clone());
    let plan = draft.finish()?;
    Ok(Answer::Plan(Box::new(Inner { plan, ranges, unlisted, toll })))
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

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Broken(why) | Self::Tail(why) | Self::Refused(why) => f.write_str(why),
            Self::OpenTransaction => f.write_str("a transaction without EXEC"),
        }
    }
}
