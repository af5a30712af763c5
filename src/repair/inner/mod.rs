//! Inner damage: drop the damaged ranges and keep what is sound after them, or cut there.
//!
//! Both are choices that a person has to make. What comes out says of each range what was in it, what lies
//! beside it, and what cannot be known.

mod answers;
mod base;
mod counted;
mod front;
mod hidden;
mod named;
pub(super) mod refusal;
mod sieve;
mod sorted;
mod toll;

pub use answers::{Database, Known};
pub use counted::{Answer, Inner, Range};
pub use refusal::{OfRdb, Refusal};
pub use toll::{Gap, Suspect, Toll};

use counted::{Drafted, Edited, Uncounted, answer, count};

use crate::aof::{Aof, Event, ManifestState, Role};
use crate::change::{Draft, Verb};
use crate::check::{Certainty, Loader, Report, SegmentFacts};
use crate::command::Kind;
use crate::error::Result;
use crate::limits;
use crate::text;

use super::broken_base::BrokenBase;
use super::drops::{self, Drops};
use super::manifest;
use super::manifest_answer::Answer as OfManifest;
use super::outer::{end_and_manifest, ensure_judged};
use front::{Front, front};
use sieve::Sieve;
use sorted::{Cause, Sorted};

/// What was seen of each segment, in the loader's order.
fn facts(report: &Report) -> impl Iterator<Item = &SegmentFacts> {
    report.segments.iter().filter_map(|segment| segment.facts.as_deref())
}

/// Drops what is damaged, and transactions that the target would die of, and keeps every sound record after it:
/// also one that the target does not take, unless `drops` names it. `report` is the judgement on the set.
///
/// # Errors
/// When the set cannot be read.
pub fn salvage(aof: &Aof, report: &Report, drops: &Drops) -> Result<Answer> {
    answer(aof, salvaged(aof, report, drops)?)
}

fn salvaged<'a>(aof: &'a Aof, report: &Report, drops: &Drops) -> Result<Drafted<'a>> {
    ensure_judged(aof, report)?;
    let mut draft = Draft::new(Verb::Repair, aof);
    if let Some(why) = mend_manifest(aof, report, BrokenBase::IsSalvaged, &mut draft)? {
        return Ok(Err(why));
    }
    let flushes = flushes(aof, report)?;
    let loader = Loader::new(aof);
    let certainty = report.certainty;
    let mut edited = Vec::new();
    let mut count = drops.count();
    let mut places = 0;
    for found in facts(report) {
        let position = found.position;
        let sieving = Sieving { loader: &loader, flushes, certainty };
        let sorted = match sort(aof, found, &sieving, &mut count, &mut draft)? {
            Ok(sorted) => sorted,
            Err(why) => return Ok(Err(why)),
        };
        let mut sorted = sorted;
        let databases = answers::answers(&sorted);
        let gaps = answers::gaps(&sorted);
        places += gaps.len();
        if places > limits::RANGES {
            let name = aof.segments[position].name.to_vec();
            return Ok(Err(Refusal::TooManyPlaces(Some(name))));
        }
        let pieces = answers::pieces(&sorted, &databases, position, &aof.names);
        sorted.steps = Vec::new();
        draft.rewrite(position, pieces);
        if gaps.is_empty() {
            continue;
        }
        note_ends(&mut draft, aof, position, &sorted);
        if Some(position) != aof.last_live() && gaps.last().is_some_and(|gap| gap.1 == sorted.len) {
            let name = text::name(&aof.segments[position].name);
            draft.note(format!(
                "{name}: its end is lost, and it is not the last file: the files after it were written \
                 on top of what is gone"
            ));
        }
        let Sorted { faults, lost_keys, len, .. } = sorted;
        edited.push(Edited { position, gaps, databases, faults, lost_keys, len });
    }
    if let Some(why) = count.tell(aof, &mut draft) {
        return Ok(Err(why));
    }
    Ok(Ok(Uncounted { draft, edited }))
}

/// Puts the end and the manifest right as a repair without a word does, and drops the records that are named.
///
/// # Errors
/// When the set cannot be read.
pub fn drop_named(aof: &Aof, report: &Report, drops: &Drops) -> Result<(Answer, Vec<String>)> {
    let mut draft = Draft::new(Verb::Repair, aof);
    let (cut, left) = end_and_manifest(aof, report, &mut draft)?;
    let mut named = named::Named::new(aof, drops, report.certainty);
    let mut edited = Vec::new();
    for (position, segment) in aof.live() {
        let Some(facts) = report.segments.get(position).and_then(|s| s.facts.as_ref()) else {
            continue;
        };
        if !segment.is_plain() {
            return Ok((Answer::Refused(Refusal::Packed(segment.name.to_vec())), left));
        }
        let to = cut.filter(|cut| cut.segment == position).map(|cut| (cut.to, cut.what.to_owned()));
        edited.extend(named.edit(position, facts.len, to, &mut draft)?);
    }
    if let Some(why) = named.count.tell(aof, &mut draft) {
        return Ok((Answer::Refused(why), left));
    }
    Ok((answer(aof, Ok(Uncounted { draft, edited }))?, left))
}

/// Cuts at the first damage, never inside a transaction, and drops the increments after it. What the target does not
/// take is no damage: it stays, unless `drops` names it. `report` is the judgement on the set.
///
/// # Errors
/// When the set cannot be read.
pub fn truncate(aof: &Aof, report: &Report, drops: &Drops) -> Result<Answer> {
    answer(aof, truncated(aof, report, drops)?)
}

fn truncated<'a>(aof: &'a Aof, report: &Report, drops: &Drops) -> Result<Drafted<'a>> {
    ensure_judged(aof, report)?;
    let mut draft = Draft::new(Verb::Repair, aof);
    if let Some(why) = mend_manifest(aof, report, BrokenBase::Stops, &mut draft)? {
        return Ok(Err(why));
    }
    let found = facts(report).find(|found| found.broken.is_some() || found.is_behind_dump());
    if let Some(found) = found {
        let name = &aof.segments[found.position].name;
        let is_start = aof.live().next().map(|(position, _)| position) == Some(found.position);
        let role = aof.segments[found.position].role;
        if is_start && found.sound().safe_cut == 0 && role != Role::Increment {
            return Ok(Err(Refusal::WrongFromTheBeginning(name.to_vec())));
        }
    }
    let mut named = named::Named::new(aof, drops, report.certainty);
    let mut edited = Vec::new();
    for segment in facts(report) {
        let (position, len) = (segment.position, segment.len);
        let cut_in = found.map_or(usize::MAX, |found| found.position);
        if position > cut_in {
            draft.remove(position);
            let cause = Cause::Refused("it comes after the cut".to_owned());
            edited.push(Edited::whole(position, len, cause));
            continue;
        }
        let why = "cut here; the target does not read on".to_owned();
        let to = (position == cut_in).then_some((segment.sound().safe_cut, why));
        edited.extend(named.edit(position, len, to, &mut draft)?);
    }
    if let Some(why) = named.count.tell(aof, &mut draft) {
        return Ok(Err(why));
    }
    let later = found.map_or(0, |found| {
        facts(report).filter(|segment| segment.position > found.position).count() as u64
    });
    if let Some(found) = found.filter(|_| later > 0) {
        draft.note(format!(
            "{} is cut, so {} after it {} the set: what they hold was written on top of what is gone",
            text::name(&aof.segments[found.position].name),
            text::count(later, "increment"),
            if later == 1 { "leaves" } else { "leave" }
        ));
    }
    Ok(Ok(Uncounted { draft, edited }))
}

/// What [`truncate`] and [`salvage`] would do, counted in one pass.
pub(super) fn both(aof: &Aof, report: &Report) -> Result<[Answer; 2]> {
    let drops = Drops::default();
    let truncated = truncated(aof, report, &drops)?;
    let salvaged = salvaged(aof, report, &drops)?;
    let [truncated, salvaged] = count(aof, [truncated, salvaged])?;
    Ok([truncated?, salvaged?])
}

/// Puts right what is wrong with the manifest as well, where that can be done; or the reason why nothing can be
/// done before it is.
fn mend_manifest(
    aof: &Aof,
    report: &Report,
    broken: BrokenBase,
    draft: &mut Draft<'_>,
) -> Result<Option<Refusal>> {
    match manifest::manifest(aof, report, broken)? {
        OfManifest::Sound => {}
        OfManifest::Doubtful(why) => {
            let is_read = matches!(
                aof.manifest.as_ref().map(|m| &m.state),
                None | Some(ManifestState::Valid(_))
            );
            if !is_read {
                return Ok(Some(Refusal::Manifest(why)));
            }
            draft.note(format!("manifest: left as it is: {why}"));
        }
        OfManifest::Mended { manifest, notes } => {
            let named = |name: &[u8]| manifest.live().any(|entry| *entry.name == *name);
            let mut bases = aof.live().filter(|(_, segment)| segment.role == Role::Base).peekable();
            if bases.peek().is_some() && !bases.any(|(_, base)| named(&base.name)) {
                return Ok(Some(Refusal::OtherBase));
            }
            draft.manifest(manifest);
            notes.into_iter().for_each(|note| draft.note(format!("manifest: {note}")));
        }
    }
    Ok(None)
}

/// By what segments are sorted.
struct Sieving<'a> {
    loader: &'a Loader,
    /// An increment empties all databases.
    flushes: bool,
    certainty: Certainty,
}

/// Sorts one segment; or the reason why nothing honest can be done.
fn sort(
    aof: &Aof,
    found: &SegmentFacts,
    sieving: &Sieving<'_>,
    count: &mut drops::Count<'_>,
    draft: &mut Draft<'_>,
) -> Result<Result<Sorted, Refusal>> {
    let position = found.position;
    let segment = &aof.segments[position];
    let name = text::name(&segment.name);
    if !segment.is_plain() {
        return Ok(Err(Refusal::Packed(segment.name.to_vec())));
    }
    let header = wrong_header(aof, found)?;
    let mended = header.as_ref().map(|h| base::with_header(aof, position, h)).transpose()?;
    let set = mended.as_ref().unwrap_or(aof);
    let shown = &set.segments[position];
    if let Some(header) = &header {
        draft.note(format!(
            "{name}: one byte of its first nine was wrong; with \"{}\" the checksum of all of it fits",
            header.escape_ascii()
        ));
    }
    let named = drops::InFile { file: &segment.name, count, certainty: sieving.certainty };
    let mut sieve = Sieve::new(sieving.loader, aof, shown.source()?, named);
    let mut outcome = Ok(());
    let mut refusal = None;
    let mut notes = Vec::new();
    let mut is_noise = false;
    let len = set.walk(position, &mut (), &mut |event: Event<'_>| {
        is_noise |= sieve.places() > 2 * limits::RANGES;
        if outcome.is_err() || refusal.is_some() || is_noise {
            return;
        }
        outcome = front(aof, position, &event, sieving.flushes, &mut sieve, &mut notes).and_then(
            |front| match front {
                Front::Taken => Ok(()),
                Front::Refused(why) => {
                    refusal = Some(Refusal::Rdb(segment.name.to_vec(), why));
                    Ok(())
                }
                Front::Plain => sieve.event(&event),
            },
        );
    })?;
    outcome?;
    if is_noise {
        refusal = Some(Refusal::TooManyPlaces(Some(segment.name.to_vec())));
    }
    if let Some(why) = refusal {
        return Ok(Err(why));
    }
    notes.into_iter().for_each(|note: String| draft.note(note));
    Ok(Ok(Sorted { header, ..sieve.finish(len) }))
}

/// The true header of an RDB that is wrong in one byte of it.
fn wrong_header(aof: &Aof, found: &SegmentFacts) -> Result<Option<Vec<u8>>> {
    if found.is_whole() { Ok(None) } else { base::true_header(aof, found.position) }
}

/// Whether an increment empties all databases, so that nothing before it is needed.
fn flushes(aof: &Aof, report: &Report) -> Result<bool> {
    let mut found = false;
    let increments = facts(report).filter(|f| aof.segments[f.position].role == Role::Increment);
    // Only a broken base asks for it.
    let asked = facts(report).any(|f| f.rdb.is_some() && !f.is_whole());
    for facts in increments.filter(|_| asked) {
        let mut in_transaction = false;
        aof.walk(facts.position, &mut (), &mut |event: Event<'_>| {
            if let Event::Record(_, Some(id)) = event {
                in_transaction &= id.kind() != Kind::Exec;
                in_transaction |= id.kind() == Kind::Multi;
                found |= !in_transaction && id.command().name == "FLUSHALL";
            }
        })?;
    }
    Ok(found)
}

fn note_ends(draft: &mut Draft<'_>, aof: &Aof, position: usize, sorted: &Sorted) {
    let name = text::name(&aof.segments[position].name);
    for at in sorted.restarts.iter().take(3) {
        draft.note(format!(
            "{name}: byte {at}: a server seems to have started anew inside of an open transaction; where that \
             lost its end, what comes after the new start is taken for commands of their own"
        ));
    }
    for at in sorted.garbled_execs.iter().take(3) {
        draft.note(format!(
            "{name}: byte {at}: this record is taken for the EXEC of the open transaction, with wrong bytes in its \
             name: the transaction goes, what comes after it stays as commands of their own"
        ));
    }
    let more = sorted.garbled_execs.len().saturating_sub(3);
    if more > 0 {
        draft.note(format!("{name}: the same of {}", text::count(more as u64, "more record")));
    }
}
