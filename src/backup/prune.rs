//! Retention and garbage: a plan first, and then only what the plan says.
//!
//! In a place with locks this is one phase: nobody else is in the repository meanwhile. Entries go first and
//! are gone for good before an object goes, so that a run that is killed leaves garbage and never a snapshot
//! without its objects.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use super::compact::Compaction;
use super::entry::Entry;
use super::hash;
use super::keep::{Keep, Reasons};
use super::moment;
use super::repository::{self, Repository};
use crate::disk::{Hold, Lock};
use crate::error::Result;
use crate::store::Stored;

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
    _lock: Option<Lock>,
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
        for one in repository.store().list("")? {
            if gone.contains(&one.key) || self.is_document_that_goes(&one) {
                self.garbage.push(one);
            }
        }
        self.garbage.sort_by(|a, b| a.key.cmp(&b.key));
        self.garbage.dedup_by(|a, b| a.key == b.key);
        self.compaction = Some(compaction);
        Ok(())
    }

    fn is_document_that_goes(&self, one: &Stored) -> bool {
        let stem = one.key.strip_suffix(".sh").or_else(|| one.key.strip_suffix(".json"));
        stem.is_some_and(|stem| self.entries.iter().any(|gone| gone == stem))
    }
}

/// Works out what to do. Holds the repository until the plan is dropped: alone when it is to be applied.
///
/// # Errors
/// When another run holds the repository, or one entry cannot be read: what it needs is not known then.
pub fn plan(
    repository: &Repository,
    keep: &Keep,
    source: Option<&str>,
    hold: Hold,
) -> Result<PrunePlan> {
    let lock = repository.lock(hold)?;
    let all = repository.store().list("")?;
    let mut plan = PrunePlan {
        kept: Vec::new(),
        removed: Vec::new(),
        garbage: Vec::new(),
        entries: Vec::new(),
        compaction: None,
        _lock: lock,
    };
    let mut needed = BTreeSet::new();
    let now = moment::now();
    for (name, entries) in repository.entries()? {
        let everything = Keep::default();
        let of_this = source.is_none_or(|source| source == name);
        let reasons = reasons_of(&entries, if of_this { keep } else { &everything }, now);
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
    plan.garbage
        .extend(all.iter().filter(|one| goes_along(&plan, one, &all)).cloned().collect::<Vec<_>>());
    Ok(plan)
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

/// Names of those among these whose successors are there.
fn superseded(entries: &[Entry]) -> BTreeSet<String> {
    entries.iter().filter_map(|entry| entry.supersedes.clone()).collect()
}

/// Documents of snapshots that go, and scripts that never got their entry.
fn goes_along(plan: &PrunePlan, one: &Stored, all: &[Stored]) -> bool {
    let Some((stem, kind)) = one.key.rsplit_once('.') else { return false };
    if !one.key.starts_with(repository::SOURCES) || !["sh", "json"].contains(&kind) {
        return false;
    }
    let entry = format!("{stem}.json");
    let orphan = kind == "sh" && !all.iter().any(|other| other.key == entry);
    orphan || plan.entries.iter().any(|gone| gone == stem)
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
/// When something cannot be deleted. What remains is whole, and the next prune goes on.
pub fn apply(repository: &Repository, plan: &PrunePlan) -> Result<()> {
    let store = repository.store();
    // What takes the place of something is there before that goes.
    let put = match &plan.compaction {
        Some(compaction) => compaction.apply(repository)?,
        None => BTreeSet::new(),
    };
    for key in &plan.entries {
        store.delete(&format!("{key}.json"))?;
    }
    // An entry that came back after a power failure would lack its objects.
    store.sync()?;
    for one in plan.garbage.iter().filter(|one| !put.contains(&one.key)) {
        store.delete(&one.key)?;
    }
    store.sync()?;
    store.sweep()?;
    Ok(())
}
