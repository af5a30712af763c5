//! Composes the entry of a snapshot from what was captured and what the snapshot before has.

use super::capture::Captured;
use super::entry::{
    Divergence, Entry, FORMAT, FileEntry, Gap, Interval, ManifestEntry, Method, ServerEntry,
};
use super::moment::Moment;
use super::name;
use super::options::BackupOptions;
use crate::aof::Aof;
use crate::format::rdb::Family;

/// What a run knows of a snapshot beside its files.
pub(super) struct Facts {
    pub(super) taken: Moment,
    pub(super) source: String,
    pub(super) place: String,
    pub(super) seq: u64,
}

/// The entry of what was captured.
pub(super) fn entry(
    aof: &Aof,
    facts: Facts,
    manifest: Option<ManifestEntry>,
    captured: Captured,
    parent: Option<&Entry>,
    options: &BackupOptions,
) -> Entry {
    let covers = covers(&captured.files);
    let gaps = parent.and_then(|p| gap(p, &captured.files)).into_iter().collect();
    let keys = captured.alive.and_then(|alive| alive.count(facts.taken.milliseconds()));
    let mut diverged = captured.diverged;
    diverged.extend(parent.and_then(|p| went_back(p, &captured.files)));
    Entry {
        format: FORMAT,
        id: name::id(facts.taken, facts.seq),
        source: facts.source,
        seq: facts.seq,
        parent: parent.map(|p| p.id.clone()),
        taken: facts.taken.text(),
        host: crate::disk::host_name(),
        path: facts.place,
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        server: aof.writer.as_ref().map(|writer| ServerEntry {
            kind: match writer.family {
                Family::Redis => "redis".to_owned(),
                Family::Valkey => "valkey".to_owned(),
            },
            version: writer.version.clone(),
            running: None,
        }),
        method: Method::OfflineDirectory,
        manifest,
        files: captured.files,
        extras: captured.extras,
        covers,
        gaps,
        tags: options.tags.clone(),
        new_bytes: captured.new_bytes,
        reused_bytes: captured.reused_bytes,
        diverged,
        script_sha256: String::new(),
        supersedes: None,
        keys,
        marks: Vec::new(),
        before_shrinks: Vec::new(),
    }
}

/// From the beginning of the base to the last annotation; nothing without annotations.
fn covers(files: &[FileEntry]) -> Vec<Interval> {
    let stamps = || files.iter().filter_map(|f| f.ts);
    let Some(to) = stamps().map(|ts| ts.last).max() else { return Vec::new() };
    let created = files.iter().find_map(|f| f.created);
    let from = created.or(stamps().map(|ts| ts.first).min()).unwrap_or(to).min(to);
    let text = |seconds| Moment::of_seconds(seconds).seconds_text();
    vec![Interval { from: text(from), to: text(to) }]
}

/// A rewrite starts anew: what was appended between the last snapshot and the rewrite is in no snapshot as
/// a history. Nothing is missing where the rewrite had begun before the last snapshot was taken.
fn gap(parent: &Entry, files: &[FileEntry]) -> Option<Gap> {
    let base = |files: &[FileEntry]| files.first().map(|f| (f.name.clone(), f.kind));
    if base(files) == base(&parent.files) {
        return None;
    }
    let from = parent.covers.last().map_or(&parent.taken, |interval| &interval.to);
    let from = Moment::parse(from).map_or_else(|| from.clone(), Moment::seconds_text);
    let created = files.iter().find_map(|f| f.created);
    let to = created.map(|seconds| Moment::of_seconds(seconds).seconds_text());
    let reason = "a rewrite discarded the log of that time: only its end can be restored";
    let gap = Gap { from, to, reason: reason.to_owned() };
    gap.is_one().then_some(gap)
}

/// The numbers of a set only rise; a base with a smaller one has another history.
fn went_back(parent: &Entry, files: &[FileEntry]) -> Option<Divergence> {
    let (ours, theirs) = (files.first()?, parent.files.first()?);
    let back = ours.seq? < theirs.seq?;
    let file = theirs.name.clone();
    back.then_some(Divergence { file, same_up_to: 0, parent_size: theirs.size })
}
