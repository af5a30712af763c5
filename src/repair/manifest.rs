//! The manifest: lines that can be understood are kept, what stands in the way goes, what would do harm is
//! put right; and where nothing is left of it, the files themselves are asked.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::broken_base::BrokenBase;
use super::from_files;
use super::lines::{Line, lines, numbered};
use super::manifest_answer::{Answer, os_name};
use crate::aof::{Aof, ManifestState};
use crate::check::Report;
use crate::disk;
use crate::error::Result;
use crate::format::manifest::{self, Dialect, Entry, Level, Manifest, Role, SEQ_HEADROOM};
use crate::limits;
use crate::text;

/// Looks at the manifest of a set, and at its files where it says too little.
pub(super) fn manifest(aof: &Aof, report: &Report, broken: BrokenBase) -> Result<Answer> {
    let Some(opened) = &aof.manifest else { return Ok(Answer::Sound) };
    match &opened.state {
        ManifestState::Missing => from_files::rebuild(aof, report, broken),
        ManifestState::Valid(manifest) => valid(aof, report, manifest, broken),
        ManifestState::Invalid(fault) if fault.reason.kind == manifest::Kind::Directory => {
            Ok(Answer::Doubtful("it is a directory: move that away first".to_owned()))
        }
        ManifestState::Invalid(_) => {
            let bytes = disk::read_small(&opened.path, limits::MANIFEST)?;
            if disk::zstd_magic(&bytes) {
                return Ok(Answer::Doubtful("it is packed: unpack it first".to_owned()));
            }
            invalid(aof, report, &bytes, broken)
        }
    }
}

/// One that servers read: only what does harm is changed.
fn valid(aof: &Aof, report: &Report, manifest: &Manifest, broken: BrokenBase) -> Result<Answer> {
    let dangers = manifest::hazards(manifest).into_iter().filter(|h| h.level() == Level::Danger);
    let dangers: Vec<String> = dangers.map(|hazard| hazard.kind.to_string()).collect();
    if dangers.is_empty() || aof.upgrade_pending {
        return Ok(Answer::Sound);
    }
    if manifest.live().next().is_none() {
        return from_files::rebuild(aof, report, broken);
    }
    let mut notes = Vec::new();
    match settled(aof, manifest.entries.clone(), &mut notes) {
        Ok(settled) => {
            let left = manifest::hazards(&settled);
            let left = left.iter().filter(|h| h.level() == Level::Danger).count();
            let same = manifest::print(&settled) == manifest::print(manifest);
            if left >= dangers.len() && same && manifest.recognised {
                return Ok(Answer::Doubtful(dangers.join("; ")));
            }
            Ok(Answer::Mended { manifest: settled, notes })
        }
        Err(why) => Ok(Answer::Doubtful(why)),
    }
}

/// One that no server reads.
fn invalid(aof: &Aof, report: &Report, bytes: &[u8], broken: BrokenBase) -> Result<Answer> {
    let dir = aof.dir();
    let exists = |name: &[u8]| disk::is_file(&dir.join(os_name(name)));
    let mut notes = Vec::new();
    let mut entries = Vec::new();
    let mut lost = 0;
    for (number, line) in lines(bytes, &exists).into_iter().enumerate() {
        let number = number + 1;
        match line {
            Line::Whole(entry) => entries.push(entry),
            Line::Mended(entry, what) => {
                notes.push(format!("line {number}: {what}"));
                entries.push(entry);
            }
            Line::Void("a comment") => {}
            Line::Void(what) => notes.push(format!("line {number}: {what} goes")),
            Line::Lost(what) => {
                lost += 1;
                notes.push(format!("line {number} cannot be understood: {what}"));
            }
        }
    }
    if !bytes.ends_with(b"\n") && !entries.is_empty() {
        notes.push("the line feed at the end of the last line was missing".to_owned());
        notes.extend(cut_number(bytes));
    }
    let has_live = entries.iter().any(|entry| entry.role != Role::History);
    if lost > 0 || !has_live {
        // What a lost line said, only the files can tell.
        return Ok(match from_files::rebuild(aof, report, broken)? {
            Answer::Mended { manifest, notes: more } => {
                Answer::Mended { manifest, notes: notes.into_iter().chain(more).collect() }
            }
            other => other,
        });
    }
    Ok(match settled(aof, entries, &mut notes) {
        Ok(manifest) => Answer::Mended { manifest, notes },
        Err(why) => Answer::Doubtful(why),
    })
}

/// A number at the very end of a file that was cut short may have lost its last digits.
fn cut_number(bytes: &[u8]) -> Option<String> {
    let last = bytes.rsplit(|&b| b == b'\n').next()?;
    let offset = last.windows(7).any(|w| w.eq_ignore_ascii_case(b"offset "));
    (offset && last.last()?.is_ascii_digit()).then(|| {
        "the replication offset at the very end may have lost digits; it has no effect on the data"
            .to_owned()
    })
}

/// A manifest of these lines without what does harm: one base, every file once, numbers that ascend and leave room.
fn settled(
    aof: &Aof,
    mut entries: Vec<Entry>,
    notes: &mut Vec<String>,
) -> std::result::Result<Manifest, String> {
    drop_repeated(&mut entries, notes);
    one_base(aof, &mut entries, notes)?;
    let live: HashSet<Arc<[u8]>> =
        entries.iter().filter(|e| e.role != Role::History).map(|e| Arc::clone(&e.name)).collect();
    entries.retain(|entry| {
        let harms = entry.role == Role::History && live.contains(&entry.name);
        if harms {
            let name = text::name(&entry.name);
            notes.push(format!("{name}: its history line goes, or the server would delete it"));
        }
        !harms
    });
    renumber(&mut entries, notes);
    entries.sort_by_key(|entry| match entry.role {
        Role::Base => (0, 0),
        // Their order means nothing, and is kept.
        Role::History => (1, 0),
        Role::Increment => (2, entry.seq),
    });
    let manifest = Manifest::new(entries);
    let printed = manifest::print(&manifest);
    match manifest::parse(&printed, Dialect::Strict) {
        Ok(read) if read.same_meaning(&manifest) => Ok(manifest),
        Ok(_) => Err("its lines cannot be written so that a server reads them".to_owned()),
        Err(fault) => Err(format!("even put right: {}", fault.reason.kind)),
    }
}

/// Live files that stand twice: the line stays that fits the name, else the first.
fn drop_repeated(entries: &mut Vec<Entry>, notes: &mut Vec<String>) {
    let fits = |entry: &Entry| numbered(&entry.name) == Some((entry.seq, entry.role));
    let mut first = HashMap::new();
    let mut gone = vec![false; entries.len()];
    for (at, entry) in entries.iter().enumerate().filter(|(_, e)| e.role != Role::History) {
        let stays = first.entry(&*entry.name).or_insert(at);
        if *stays == at {
            continue;
        }
        let goes =
            if fits(entry) && !fits(&entries[*stays]) { std::mem::replace(stays, at) } else { at };
        gone[goes] = true;
        let line = &entries[goes];
        notes.push(format!(
            "{}: listed twice; the line with seq {} as {} goes, or it would be loaded twice",
            text::name(&line.name),
            line.seq,
            line.role
        ));
    }
    let mut at = 0;
    entries.retain(|_| {
        at += 1;
        !gone[at - 1]
    });
}

/// Of several bases the newest one that is there stays.
fn one_base(
    aof: &Aof,
    entries: &mut Vec<Entry>,
    notes: &mut Vec<String>,
) -> std::result::Result<(), String> {
    let dir = aof.dir();
    let bases = entries.iter().filter(|entry| entry.role == Role::Base);
    if bases.clone().count() < 2 {
        return Ok(());
    }
    let there = bases.filter(|entry| disk::is_file(&dir.join(os_name(&entry.name))));
    let newest = there.max_by_key(|entry| numbered(&entry.name).map_or(entry.seq, |(n, _)| n));
    let Some(newest) = newest.cloned() else {
        return Err("it names several bases, and none of them is there".to_owned());
    };
    entries.retain(|entry| {
        let stays = entry.role != Role::Base || *entry == newest;
        if !stays {
            notes.push(format!(
                "doubtful: of two bases {} is taken, which is newer and there; the line of {} goes, the \
                 file stays",
                text::name(&newest.name),
                text::name(&entry.name)
            ));
        }
        stays
    });
    Ok(())
}

/// Numbers that no server can count on from become those of the names.
fn renumber(entries: &mut [Entry], notes: &mut Vec<String>) {
    let mut highest = 0;
    let mut ascend = true;
    for entry in entries.iter().filter(|entry| entry.role == Role::Increment) {
        ascend &= entry.seq > highest;
        highest = entry.seq.max(highest);
    }
    for entry in entries.iter_mut() {
        let is_odd = entry.seq <= 0 || entry.seq.abs_diff(i64::MAX) < SEQ_HEADROOM;
        let by_name = numbered(&entry.name).map(|(number, _)| number);
        let new = match (entry.role, by_name) {
            (Role::History, _) => continue,
            (Role::Increment, Some(number)) if is_odd || !ascend => number,
            (Role::Base, Some(number)) if is_odd => number,
            (Role::Base, None) if is_odd => 1,
            _ => continue,
        };
        if new != entry.seq {
            let name = text::name(&entry.name);
            notes.push(format!("{name}: seq {} becomes {new}, as its name says", entry.seq));
            entry.seq = new;
        }
    }
}
