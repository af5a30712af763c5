//! Everything of a repository that is no object, as `verify` reads it: entries and their lists, scripts, and the few
//! documents that are always there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::entry::{Entry, SegmentEntry};
use super::flaw::{Flaw, FlawKind, Verified, flaw};
use super::numbers::{self, AllNumbers};
use super::repository::{self, Repository, Unfinished};
use super::{hash, keys, list, looked, script, turns};
use crate::error::{ErrorKind, Result};
use crate::limits;
use crate::store::Stored;

/// What was read.
#[derive(Default)]
pub(super) struct Catalog {
    lists: BTreeMap<String, Vec<Arc<SegmentEntry>>>,
    /// What is wrong with lists, and the snapshots that this concerns.
    broken: BTreeMap<String, Flaw>,
    /// Lists that an entry names.
    needed: BTreeSet<String>,
    entries: Vec<Entry>,
    /// Entries that lack a list.
    incomplete: Vec<Entry>,
    /// Bytes of lists that are in memory.
    bytes: u64,
    /// Segments that the entries name so far.
    named: u64,
    /// Which snapshots must be there.
    numbers: AllNumbers,
}

impl Catalog {
    /// Reads all lists. Each is proven once, however many entries share it.
    pub(super) fn read(
        repository: &Repository,
        numbers: AllNumbers,
        all: &[Stored],
        verified: &mut Verified,
    ) -> Result<Self> {
        let mut catalog = Self { numbers, ..Self::default() };
        for one in all.iter().filter(|one| hash::is_list_key(&one.key)) {
            let read = match repository::read_list(repository.store(), &one.key) {
                Err(e) if *e.kind() == ErrorKind::Io => Err(e.to_string()),
                other => other?,
            };
            verified.objects_checked += 1;
            verified.bytes_checked += one.len;
            let read = read.and_then(|list| {
                catalog.bytes = catalog.bytes.saturating_add(one.len);
                let fits = catalog.bytes <= limits::BACKUP_ALL_LISTS;
                fits.then_some(list)
                    .ok_or_else(|| "there are more lists than fit in memory".to_owned())
            });
            match read {
                Ok(list) => drop(catalog.lists.insert(one.key.clone(), list)),
                Err(why) => {
                    let damaged = flaw(&one.key, FlawKind::Damaged, why);
                    catalog.broken.insert(one.key.clone(), damaged);
                }
            }
        }
        Ok(catalog)
    }

    /// Takes an entry with what its lists hold.
    fn entry(&mut self, mut entry: Entry) -> Result<(), String> {
        let mut is_whole = true;
        for one in entry.lists() {
            self.needed.insert(one.list.clone());
            if self.lists.contains_key(&one.list) {
                continue;
            }
            is_whole = false;
            let missing = || flaw(&one.list, FlawKind::Missing, "a list is missing".to_owned());
            let broken = self.broken.entry(one.list.clone()).or_insert_with(missing);
            broken.snapshots.push(entry.id.clone());
        }
        if !is_whole {
            self.incomplete.push(entry);
            return Ok(());
        }
        for file in entry.files.iter_mut().chain(&mut entry.extras) {
            let lists = file.lists.iter().filter_map(|one| self.lists.get(&one.list));
            let lists: Vec<_> = lists.map(Vec::as_slice).collect();
            let mut left = limits::BACKUP_ALL_SEGMENTS - self.named;
            list::join(file, &lists, &mut left)?;
            self.named = limits::BACKUP_ALL_SEGMENTS - left;
        }
        match entry.contradiction() {
            Some(why) => Err(why),
            None => {
                self.entries.push(entry);
                Ok(())
            }
        }
    }

    /// After all documents: what is missing, and what is wrong with lists and scripts. Answers the entries that can be
    /// used.
    pub(super) fn finish(
        self,
        repository: &Repository,
        all: &[Stored],
        verified: &mut Verified,
    ) -> Result<Vec<Entry>> {
        verified.snapshots_checked = self.entries.len() as u64;
        let unneeded = self.lists.keys().filter(|key| !self.needed.contains(*key));
        verified.unreferenced += unneeded.count() as u64;
        verified.flaws.extend(self.broken.into_values());
        always_there(all, &mut verified.flaws);
        let entries = self.entries.iter().chain(&self.incomplete);
        scripts(repository, entries, all, &mut verified.flaws)?;
        lost_snapshots(&self.numbers, all, &mut verified.flaws);
        Ok(self.entries)
    }

    /// Reads a file that is neither object nor list.
    pub(super) fn document(
        &mut self,
        repository: &Repository,
        one: &Stored,
        flaws: &mut Vec<Flaw>,
    ) -> Result<()> {
        let key = one.key.as_str();
        if hash::is_object_key(key)
            || hash::is_list_key(key)
            || key.starts_with(repository::TMP)
            || key.ends_with(".sh")
        {
            return Ok(());
        }
        let bytes = match repository.store().get(key, limits::CATALOG_DOCUMENT) {
            Ok(bytes) => bytes,
            Err(e) if matches!(e.kind(), ErrorKind::Io | ErrorKind::TooLarge { .. }) => {
                flaws.push(flaw(key, FlawKind::Damaged, e.to_string()));
                return Ok(());
            }
            Err(e) if matches!(e.kind(), ErrorKind::BadBackup(_)) => {
                flaws.push(unknown(key));
                return Ok(());
            }
            Err(e) => return Err(e),
        };
        if let Some(listed) = repository::listed(key) {
            let read = repository::read_entry(&bytes, &listed);
            if let Err(why) = read.and_then(|entry| self.entry(entry)) {
                let snapshots = vec![listed.id];
                flaws.push(Flaw { snapshots, ..flaw(key, FlawKind::Damaged, why) });
            }
            return Ok(());
        }
        let in_source = key.strip_prefix(repository::SOURCES).and_then(|rest| rest.split_once('/'));
        let changed = match (key, in_source.map(|(_, name)| name)) {
            (repository::FORMAT, _) => false,
            (repository::README, _) => !repository.readme_fits(&bytes)?,
            (repository::LOCK, _) | (_, Some("lock")) => !bytes.is_empty(),
            (_, Some("unfinished.json")) => hash::unsealed::<Unfinished>(&bytes).is_err(),
            _ if numbers::source_of(key).is_some() => {
                let source = numbers::source_of(key).unwrap_or_default();
                numbers::read(&bytes, source).is_err()
            }
            _ if keys::source_of(key).is_some() => {
                !keys::is_document(&bytes, keys::source_of(key).unwrap_or_default())
            }
            _ if turns::source_of(key).is_some() => {
                let source = turns::source_of(key).unwrap_or_default();
                if !turns::is_document(&bytes, source) {
                    flaws.push(begun_anew(key));
                }
                false
            }
            _ if looked::source_of(key).is_some() => {
                let source = looked::source_of(key).unwrap_or_default();
                if !looked::is_document(&bytes, source) {
                    flaws.push(unknown_look(key));
                }
                false
            }
            _ => {
                flaws.push(unknown(key));
                false
            }
        };
        if changed {
            flaws.push(flaw(key, FlawKind::Damaged, "its bytes are not those written".to_owned()));
        }
        Ok(())
    }
}

fn unknown(key: &str) -> Flaw {
    let message = "it does not belong to a repository".to_owned();
    Flaw { harmless: true, ..flaw(key, FlawKind::Unknown, message) }
}

/// Where turns are damaged the next backup begins a new round; no snapshot needs them.
fn begun_anew(key: &str) -> Flaw {
    let message =
        "its bytes are not those written; the next backup begins anew to prove what it takes over";
    Flaw { harmless: true, ..flaw(key, FlawKind::Damaged, message.to_owned()) }
}

/// No snapshot needs what was written down of earlier looks.
fn unknown_look(key: &str) -> Flaw {
    let message = "its bytes are not those written; when the source was last verified is not known"
        .to_owned();
    Flaw { harmless: true, ..flaw(key, FlawKind::Damaged, message) }
}

fn always_there(all: &[Stored], flaws: &mut Vec<Flaw>) {
    for key in [repository::README, repository::LOCK] {
        if !all.iter().any(|o| o.key == key) {
            flaws.push(flaw(key, FlawKind::Missing, "it is missing".to_owned()));
        }
    }
}

/// The scripts, which follow from the entries; and those that have lost theirs.
fn scripts<'e>(
    repository: &Repository,
    entries: impl Iterator<Item = &'e Entry>,
    all: &[Stored],
    flaws: &mut Vec<Flaw>,
) -> Result<()> {
    let mut scripts: BTreeSet<&str> =
        all.iter().map(|o| o.key.as_str()).filter(|key| key.ends_with(".sh")).collect();
    for entry in entries {
        let key = format!("{}.sh", repository::key_of(&entry.source, &entry.id));
        if !scripts.remove(key.as_str()) {
            let message = "the script of a snapshot is missing".to_owned();
            flaws.push(flaw(&key, FlawKind::Missing, message));
            continue;
        }
        let bytes = repository.store().get(&key, limits::CATALOG_DOCUMENT);
        let fits = |bytes: &[u8]| hash::hex_of(bytes) == entry.script_sha256;
        if !bytes.is_ok_and(|bytes| fits(&bytes)) {
            let of_this_version = hash::hex_of(script::script(entry).as_bytes());
            let how =
                if of_this_version == entry.script_sha256 { "; it can be made again" } else { "" };
            let message = format!("the script is not as it was written{how}");
            flaws.push(flaw(&key, FlawKind::Damaged, message));
        }
    }
    let known: BTreeSet<String> = flaws.iter().map(|flaw| flaw.key.clone()).collect();
    for key in scripts {
        // A run that was killed between script and entry, or an entry that was removed.
        let message = "a script without its snapshot".to_owned();
        let entry = format!("{}.json", key.trim_end_matches(".sh"));
        let lost = Flaw { harmless: true, ..flaw(key, FlawKind::Unknown, message) };
        if !known.contains(&entry) {
            flaws.push(lost);
        }
    }
    Ok(())
}

/// Entries that were published, were removed by no prune, and are not there.
fn lost_snapshots(numbers: &AllNumbers, all: &[Stored], flaws: &mut Vec<Flaw>) {
    let keys = || all.iter().map(|one| one.key.as_str());
    let scripts: BTreeMap<(String, u64), String> =
        keys().filter_map(repository::script).map(|one| ((one.source, one.seq), one.id)).collect();
    for (source, ranges) in numbers::lost(numbers, keys()) {
        for range in ranges {
            let which = numbers::range_text(range);
            let message = format!(
                "the entry of a snapshot is missing: {which} of {source}, which no prune removed"
            );
            let of_source = (source.clone(), range.0)..=(source.clone(), range.1);
            let mut named: Vec<_> = scripts.range(of_source).map(|(_, id)| id.clone()).collect();
            if named.is_empty() {
                named.push(String::new());
            }
            for id in named {
                let (key, snapshots) = match id.is_empty() {
                    true => (format!("{}{source}.json", numbers::NUMBERS), Vec::new()),
                    false => (format!("{}.json", repository::key_of(&source, &id)), vec![id]),
                };
                flaws.push(Flaw { snapshots, ..flaw(&key, FlawKind::Missing, message.clone()) });
            }
        }
    }
    for (source, read) in numbers {
        let key = format!("{}{source}.json", numbers::NUMBERS);
        if let Err(why) = read
            && !flaws.iter().any(|flaw| flaw.key == key)
        {
            flaws.push(flaw(&key, FlawKind::Damaged, why.clone()));
        }
    }
    // Sources of repositories that were made before there were such documents have none until the next backup.
    let sources: BTreeSet<String> =
        keys().filter_map(repository::listed).map(|one| one.source).collect();
    for source in sources.into_iter().filter(|source| !numbers.contains_key(source)) {
        let key = format!("{}{source}.json", numbers::NUMBERS);
        let message = "nothing says which snapshots of this source must be there; the next backup writes it down";
        flaws.push(Flaw { harmless: true, ..flaw(&key, FlawKind::Missing, message.to_owned()) });
    }
}
