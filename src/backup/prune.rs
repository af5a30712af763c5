//! Retention and garbage: a plan first, and then only what the plan says.
//!
//! In a place with locks this is one phase: nobody else is in the repository meanwhile. Entries go first and
//! are gone for good before an object goes, so that a run that is killed leaves garbage and never a snapshot
//! without its objects.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use super::compact::Compaction;
use super::entry::{Entry, FileEntry};
use super::hash;
use super::keep::{Keep, NEWEST, Reasons};
use super::moment;
use super::name::is_as_is;
use super::numbers::{self, AllNumbers};
use super::repository::{self, Repository};
use crate::disk::Hold;
use crate::error::Result;
use crate::store::{Held, Stored};

/// What an unfinished run had stored is kept for its next try, but not for ever.
const UNFINISHED_KEPT: Duration = Duration::from_secs(24 * 3600);

/// A snapshot in a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// Its source.
    pub source: String,
    /// Its name.
    pub id: String,
    /// When it was taken.
    pub taken: String,
    /// Why it stays; empty when it goes.
    pub reasons: Reasons,
}

/// What a prune is going to do.
pub struct PrunePlan {
    /// Snapshots that stay.
    pub kept: Vec<Planned>,
    /// Snapshots that go.
    pub removed: Vec<Planned>,
    /// Objects and lists that no remaining snapshot needs, and other files that go with snapshots.
    garbage: Vec<Stored>,
    entries: Vec<String>,
    /// What is going to be joined, when that was asked for.
    pub compaction: Option<Compaction>,
    /// Of every source the numbers of snapshots that are there when it is done.
    numbers: BTreeMap<String, BTreeSet<u64>>,
    lock: Option<Held>,
}

impl PrunePlan {
    /// Objects and lists that go.
    pub fn objects(&self) -> usize {
        self.garbage.iter().filter(|one| hash::is_shared_key(&one.key)).count()
    }

    /// Bytes that are freed; what is only joined is not.
    pub fn freed_bytes(&self) -> u64 {
        let gone: u64 = self.garbage.iter().map(|one| one.len).sum();
        gone.saturating_sub(self.compaction.as_ref().map_or(0, Compaction::bytes))
    }

    fn must_still_hold(&self) -> Result<()> {
        self.lock.as_ref().map_or(Ok(()), Held::must_still_hold)
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.garbage.is_empty()
    }

    /// Also joins small objects of the snapshots that stay, of this source where one is named.
    ///
    /// # Errors
    /// When an entry cannot be read.
    pub fn compact(&mut self, repository: &Repository, source: Option<&str>) -> Result<()> {
        let stays: BTreeSet<_> = self.kept.iter().map(|kept| kept.id.clone()).collect();
        let (mut here, mut elsewhere) = (Vec::new(), BTreeSet::new());
        let mut before = Vec::new();
        for (name, entries) in repository.entries()? {
            let superseded = superseded(&entries);
            before.extend(entries.iter().filter(|e| superseded.contains(&e.id)).cloned());
            for entry in entries.into_iter().filter(|entry| stays.contains(&entry.id)) {
                match source.is_none_or(|source| source == name) {
                    true => here.push(entry),
                    false => elsewhere.extend(entry.needs().cloned()),
                }
            }
        }
        let all: BTreeSet<_> = here.iter().flat_map(Entry::needs).cloned().collect();
        let compaction = Compaction::plan(here, &before);
        let changed: BTreeSet<_> = compaction.snapshots().map(|entry| entry.id.clone()).collect();
        let mut needed = compaction.still_needed();
        needed.append(&mut elsewhere);
        for (_, entries) in repository.entries()? {
            let same = entries.iter().filter(|e| stays.contains(&e.id) && !changed.contains(&e.id));
            needed.extend(same.flat_map(Entry::needs).cloned());
        }
        self.entries.extend(compaction.superseded());
        let gone: BTreeSet<_> = all.difference(&needed).collect();
        let all = repository.store().list("")?;
        self.garbage.extend(go_along(&self.entries, &all));
        self.garbage.extend(all.into_iter().filter(|one| gone.contains(&one.key)));
        self.garbage.sort_by(|a, b| a.key.cmp(&b.key));
        self.garbage.dedup_by(|a, b| a.key == b.key);
        self.compaction = Some(compaction);
        Ok(())
    }
}

/// Works out what to do. Holds the repository until the plan is dropped: alone when it is to be applied.
///
/// # Errors
/// When another run holds the repository; when one entry or document cannot be read, is missing, or is none of ours:
/// what it needs is not known then.
pub fn plan(
    repository: &Repository,
    keep: &Keep,
    source: Option<&str>,
    hold: Hold,
) -> Result<PrunePlan> {
    let lock = repository.lock(hold)?;
    // Before the listing: when nothing is to be applied, a backup may publish meanwhile.
    let numbers = repository.all_numbers(false)?;
    let all = repository.store().list("")?;
    everything_is_known(repository, &numbers, &all, keep.accept_missing)?;
    let mut plan = PrunePlan {
        kept: Vec::new(),
        removed: Vec::new(),
        garbage: Vec::new(),
        entries: Vec::new(),
        compaction: None,
        numbers: BTreeMap::new(),
        lock,
    };
    let mut needed = BTreeSet::new();
    let now = moment::now();
    for (name, entries) in repository.entries()? {
        let everything = Keep::default();
        let of_this = source.is_none_or(|source| source == name);
        let reasons = match is_as_is(&name) {
            true => reasons_as_is(&entries, keep, source == Some(name.as_str()), now),
            false => reasons_of(&entries, if of_this { keep } else { &everything }, now),
        };
        let stay = entries.iter().zip(&reasons).filter(|(_, reasons)| !reasons.is_empty());
        let stay: BTreeSet<u64> = stay.map(|(entry, _)| entry.seq).collect();
        let remain = plan.numbers.entry(name.clone()).or_default();
        remain.extend(stay);
        for (entry, reasons) in entries.into_iter().zip(reasons) {
            let (id, taken) = (entry.id.clone(), entry.taken.clone());
            let goes = reasons.is_empty();
            let planned = Planned { source: name.clone(), id, taken, reasons };
            if goes {
                plan.entries.push(repository::key_of(&name, &entry.id));
                plan.removed.push(planned);
            } else {
                needed.extend(entry.needs().cloned());
                plan.kept.push(planned);
            }
        }
    }
    for one in &all {
        if let Some(source) = repository::source_of_unfinished(&one.key) {
            needed.extend(resumable(repository, source, one)?);
        }
    }
    let goes = |one: &Stored| hash::is_shared_key(&one.key) && !needed.contains(&one.key);
    plan.garbage.extend(all.iter().filter(|one| goes(one)).cloned());
    plan.garbage.extend(go_along(&plan.entries, &all));
    // A source of which nothing is left, as far as that was accepted.
    for source in numbers.into_keys() {
        plan.numbers.entry(source).or_default();
    }
    Ok(plan)
}

/// What cannot be read or is not known, and what is missing, may need any object.
fn everything_is_known(
    repository: &Repository,
    numbers: &AllNumbers,
    all: &[Stored],
    accept_missing: bool,
) -> Result<()> {
    if let Some(one) = all.iter().find(|one| repository::is_foreign(&one.key)) {
        let why = "aofkit did not write it and does not know what it needs, so nothing is freed; move it away";
        return Err(repository.bad(format!("{}: {why}", one.key)));
    }
    if accept_missing {
        return Ok(());
    }
    let more = "nothing is freed. If it is gone for good, --accept-missing goes on without it";
    if let Some((source, Err(why))) = numbers.iter().find(|(_, read)| read.is_err()) {
        return Err(repository.bad(format!("{}{source}.json: {why}; {more}", numbers::NUMBERS)));
    }
    let lost = numbers::lost(numbers, all.iter().map(|one| one.key.as_str()));
    let Some((source, ranges)) = lost.into_iter().next() else { return Ok(()) };
    let which: Vec<_> = ranges.into_iter().take(8).map(numbers::range_text).collect();
    let what = format!(
        "sources/{source}: snapshots are missing that no prune removed ({})",
        which.join(", ")
    );
    Err(repository.bad(format!("{what}; {more}")))
}

/// Files as they were found count for no rule, unless their own source is named; then none of them stays for being the
/// newest.
fn reasons_as_is(
    entries: &[Entry],
    keep: &Keep,
    is_named: bool,
    now: moment::Moment,
) -> Vec<Reasons> {
    if !is_named {
        let why = "kept as it was found; goes only if --source names its source";
        return entries.iter().map(|_| Reasons::from([why.to_owned()])).collect();
    }
    let mut reasons = reasons_of(entries, keep, now);
    reasons.iter_mut().for_each(|reasons| reasons.retain(|one| one != NEWEST));
    reasons
}

/// Why snapshots of one source stay. A run that was killed while it compacted leaves some beside their
/// successors, which hold the same: those count for nothing and go.
fn reasons_of(entries: &[Entry], keep: &Keep, now: moment::Moment) -> Vec<Reasons> {
    let superseded = superseded(entries);
    let (current, _): (Vec<_>, Vec<_>) =
        entries.iter().cloned().partition(|entry| !superseded.contains(&entry.id));
    let mut of_current = keep.reasons(&current, now).into_iter();
    let mut of = |entry: &Entry| match superseded.contains(&entry.id) {
        true => Reasons::new(),
        false => of_current.next().unwrap_or_default(),
    };
    entries.iter().map(&mut of).collect()
}

/// Names of those among these whose successors are there. What an entry says of another is proven: only one that holds
/// the same takes its place.
fn superseded(entries: &[Entry]) -> BTreeSet<String> {
    let by_id: BTreeMap<&str, &Entry> = entries.iter().map(|e| (e.id.as_str(), e)).collect();
    let old = |new: &Entry| {
        let old = by_id.get(new.supersedes.as_deref()?)?;
        (old.id != new.id && holds_the_same(old, new)).then(|| old.id.clone())
    };
    let mut superseded: BTreeSet<String> = entries.iter().filter_map(old).collect();
    // Of those that name each other in a circle none takes the place of all.
    let stay: BTreeSet<u64> =
        entries.iter().filter(|e| !superseded.contains(&e.id)).map(|e| e.seq).collect();
    for round in entries.iter().filter(|e| !stay.contains(&e.seq)) {
        superseded.remove(&round.id);
    }
    superseded
}

fn holds_the_same(old: &Entry, new: &Entry) -> bool {
    let files = |entry: &Entry| {
        let of = |f: &FileEntry| {
            (f.name.clone(), f.kind, f.size, f.commands, f.head.clone(), f.tail.clone())
        };
        entry.all_files().map(of).collect::<Vec<_>>()
    };
    (old.seq, &old.taken, &old.manifest) == (new.seq, &new.taken, &new.manifest)
        && files(old) == files(new)
}

/// Documents of snapshots that go, and scripts that never got their entry.
fn go_along(entries: &[String], all: &[Stored]) -> Vec<Stored> {
    let gone: BTreeSet<&str> = entries.iter().map(String::as_str).collect();
    let there: BTreeSet<&str> = all.iter().map(|one| one.key.as_str()).collect();
    let goes = |one: &&Stored| {
        let Some((stem, kind)) = one.key.rsplit_once('.') else { return false };
        if !one.key.starts_with(repository::SOURCES) || !["sh", "json"].contains(&kind) {
            return false;
        }
        let orphan = kind == "sh" && !there.contains(format!("{stem}.json").as_str());
        orphan || gone.contains(stem)
    };
    all.iter().filter(goes).cloned().collect()
}

/// Objects that a run which was killed not long ago can take over.
fn resumable(repository: &Repository, source: &str, document: &Stored) -> Result<Vec<String>> {
    let now = SystemTime::now();
    let age = document.modified.map(|at| now.duration_since(at).unwrap_or_default());
    if age.is_none_or(|age| age > UNFINISHED_KEPT) {
        return Ok(Vec::new());
    }
    let unfinished = repository.unfinished(source)?;
    Ok(unfinished.pieces.into_iter().map(|piece| piece.segment.object).collect())
}

/// Does what a plan says.
///
/// # Errors
/// When something cannot be deleted; when the lock that the plan holds is another by now. What remains is whole, and the
/// next prune goes on.
pub fn apply(repository: &Repository, plan: &PrunePlan) -> Result<()> {
    let store = repository.store();
    plan.must_still_hold()?;
    // What takes the place of something is there before that goes.
    let put = match &plan.compaction {
        Some(compaction) => compaction.apply(repository)?,
        None => BTreeSet::new(),
    };
    for (source, numbers) in &plan.numbers {
        repository.keep_numbers(source, numbers)?;
        if numbers.is_empty() {
            repository.forget_turns(source)?;
            repository.forget_looks(source)?;
            repository.forget_alive(source)?;
        }
    }
    plan.must_still_hold()?;
    for key in &plan.entries {
        store.delete(&format!("{key}.json"))?;
    }
    // An entry that came back after a power failure would lack its objects.
    store.sync()?;
    plan.must_still_hold()?;
    for one in plan.garbage.iter().filter(|one| !put.contains(&one.key)) {
        store.delete(&one.key)?;
    }
    store.sync()?;
    store.sweep()?;
    Ok(())
}
