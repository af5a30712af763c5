//! A set as it lies there, damaged or not, before anybody touches it: every file of it and beside it, byte by byte.
//!
//! Such a snapshot is in a source of its own, so that no `latest` leads to it by accident and none of the proven ones goes
//! for its sake.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::apart::must_lie_apart;
use super::capture::{self, Means};
use super::compose::{Facts, entry};
use super::entry::{Entry, Mark};
use super::identity::Identity;
use super::keys::Before;
use super::made::{Backup, made};
use super::manifest::manifest_as_is;
use super::marks::SHOWN;
use super::task::{Task, refuse_a_crowd};
use super::trust::Trust;
use super::{moment, name, numbers};
use crate::aof::{Aof, Layout, Leftover, LeftoverKind};
use crate::disk::{self, Dir, Found, FrozenFile};
use crate::error::{Error, ErrorKind, Result};
use crate::text;

/// Files beside a set that are kept with it.
#[derive(Default)]
struct Others {
    opened: Vec<FrozenFile>,
    names: BTreeSet<OsString>,
    /// Names of those that are not kept.
    left_out: Vec<String>,
}

impl Others {
    /// All plain files in the set's directory, and those of it beside; what changes have kept is not among them.
    fn of(aof: &Aof, includes: &[PathBuf]) -> Result<Self> {
        let mut others = Self::default();
        let manifest = aof.manifest.iter().map(|manifest| manifest.path.clone());
        let of_set: BTreeSet<_> =
            aof.live().map(|(_, segment)| segment.path()).chain(manifest).collect();
        let is_kept = |one: &&Leftover| one.kind != LeftoverKind::Kept;
        for leftover in aof.leftovers.iter().filter(is_kept) {
            others.add(&leftover.path, &of_set, includes)?;
        }
        if aof.layout == Layout::MultiPart {
            let known: BTreeSet<_> = aof.leftovers.iter().map(|one| &one.path).collect();
            for Found { name, .. } in Dir::open(&aof.dir())?.list()? {
                let path = aof.dir().join(name);
                if !known.contains(&path) {
                    others.add(&path, &of_set, includes)?;
                }
            }
        }
        Ok(others)
    }

    fn add(&mut self, path: &Path, of_set: &BTreeSet<PathBuf>, includes: &[PathBuf]) -> Result<()> {
        let name = path.file_name().unwrap_or_default();
        if of_set.contains(path) {
            return Ok(());
        }
        let is_plain = !disk::is_link(path) && disk::is_file(path);
        if !is_plain || !self.names.insert(name.to_owned()) {
            self.left_out.push(shown(path));
            return Ok(());
        }
        let there = FrozenFile::open(path)?;
        match includes.iter().find(|one| one.file_name() == Some(name)) {
            None => self.opened.push(there),
            Some(included) => must_be_one(&there, included)?,
        }
        Ok(())
    }
}

/// Refuses a file to include that is another one than that of its name beside the set: a snapshot has one of each name.
fn must_be_one(there: &FrozenFile, included: &Path) -> Result<()> {
    if disk::stamp(included)?.identity == disk::stamp(&there.path())?.identity {
        return Ok(());
    }
    let why = format!(
        "a file of this name lies beside the set, is kept with it ({}), and is another one; give this one another name",
        text::name(there.path().as_os_str().as_encoded_bytes())
    );
    Err(Error::new(ErrorKind::Refused(why.into()), included))
}

fn shown(path: &Path) -> String {
    text::name(path.file_name().unwrap_or_default().as_encoded_bytes())
}

/// What the mark says.
fn mark(aof: &Aof, left_out: &[String]) -> Mark {
    let without = |is_missing: bool| -> Vec<String> {
        let all = aof.live().filter(|(_, segment)| segment.file().is_none());
        let all = all.filter(|(_, segment)| segment.is_missing() == is_missing);
        all.map(|(_, segment)| text::name(&segment.name)).collect()
    };
    let lists = [
        ("not there", without(true)),
        ("no plain file", without(false)),
        ("not kept", left_out.to_vec()),
    ];
    let told = lists.iter().filter(|(_, names)| !names.is_empty()).map(|(what, names)| {
        let shown: Vec<_> = names.iter().take(SHOWN).map(String::as_str).collect();
        let more = names.len().saturating_sub(SHOWN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{what}: {}{more}", shown.join(", "))
    });
    let mut told: Vec<_> = told.collect();
    if told.is_empty() {
        told.push("nothing was left out".to_owned());
    }
    let message = format!("the files as they were found, not verified; {}", told.join("; "));
    Mark { kind: Mark::AS_IS.to_owned(), message, percent: None }
}

/// Keeps the set as it is.
///
/// # Errors
/// When it cannot be found or read, or the repository cannot be written.
pub(super) fn keep(task: &Task<'_>) -> Result<Backup> {
    let &Task { repository, options, progress, .. } = task;
    let shared = task.begin()?;
    let taken = moment::now();
    let aof = Aof::open(task.path, task.open)?;
    refuse_a_crowd(&aof)?;
    must_lie_apart(&aof, repository.store().name())?;
    let place = capture::place_of(&aof)?;
    let Identity { source, unread } = task.source_of(&aof, &place)?;
    let source = name::as_is_source(&source);
    let alone = repository.lock_source(&source)?;
    let known = repository.numbers(&source)?;
    let listed = repository.list_source(&source)?;
    task.must_not_be_gone(&source, known.as_ref(), &listed)?;
    let mut numbers: BTreeSet<u64> = listed.iter().map(|one| one.seq).collect();
    let trust = Trust::new(repository, &source, None, false)?;
    let before = Before::new(repository, None);
    let means = Means {
        repository,
        source: &source,
        options,
        parent: None,
        before: &before,
        trust: &trust,
        progress,
    };
    let Others { opened, left_out, .. } = Others::of(&aof, &options.includes)?;
    let captured = capture::capture_as_is(&aof, &opened, &means)?;
    for held in shared.iter().chain(&alone) {
        held.must_still_hold()?;
    }
    let marks = vec![mark(&aof, &left_out)];
    let place = capture::path_text(&place);
    let seq = numbers::next(&numbers, known.as_ref());
    let facts = Facts { taken, source: source.clone(), place, seq };
    let entry = entry(&aof, facts, manifest_as_is(&aof), captured, None, options);
    let entry = Entry { marks: marks.clone(), ..entry };
    let entry = repository.publish(entry)?;
    numbers.insert(entry.seq);
    let noted = repository.note_numbers(known.as_ref(), &source, &numbers);
    let noted = noted.and(repository.forget_unfinished(&source));
    let unnoted = noted.err().map(|e| e.to_string());
    let (new_bytes, reused_bytes) = (entry.new_bytes, entry.reused_bytes);
    let made = made(&aof, entry, Vec::new(), None);
    Ok(Backup { new_bytes, reused_bytes, unnoted, marks, unread_sources: unread, ..made })
}
