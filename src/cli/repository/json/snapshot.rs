//! Snapshots as JSON.

use std::path::Path;

use aofkit::aof::Layout;
use aofkit::backup::{Backup, Entry, FileType, Mark, Moment, now};
use serde::Serialize;

use super::head::{Head, head};
use crate::cli::common::json::pretty;
use crate::cli::common::members::{FileText, text};

#[derive(Serialize)]
pub(super) struct SnapshotJson {
    id: String,
    source_name: String,
    taken_at: String,
    host: String,
    path: String,
    tags: Vec<String>,
    parent: Option<String>,
    server: Option<String>,
    layout: &'static str,
    logical_bytes: u64,
    stored_bytes: u64,
    new_bytes: u64,
    reused_bytes: u64,
    commands: u64,
    keys: Option<u64>,
    keys_estimated: bool,
    keys_at_least: Option<u64>,
    age_seconds: Option<i64>,
    cut_bytes: u64,
    verified: bool,
    marks: Vec<MarkJson>,
    files: Vec<FileJson>,
    extras: Vec<ExtraJson>,
    covers: Vec<IntervalJson>,
    gaps: Vec<GapJson>,
    diverged: Vec<DivergedJson>,
}

#[derive(Serialize)]
struct FileJson {
    #[serde(flatten)]
    file: FileText,
    size: u64,
    commands: u64,
}

/// A file beside the set, and since when it is as it is there.
#[derive(Serialize)]
struct ExtraJson {
    #[serde(flatten)]
    file: FileJson,
    read_at: String,
}

#[derive(Serialize)]
pub(super) struct MarkJson {
    kind: String,
    message: String,
    percent: Option<u64>,
}

pub(super) fn mark_json(mark: &Mark) -> MarkJson {
    MarkJson { kind: mark.kind.clone(), message: mark.message.clone(), percent: mark.percent }
}

#[derive(Serialize)]
struct IntervalJson {
    from: String,
    to: String,
}

#[derive(Serialize)]
struct GapJson {
    from: String,
    to: Option<String>,
    reason: String,
}

#[derive(Serialize)]
struct DivergedJson {
    #[serde(flatten)]
    file: FileText,
    same_up_to: u64,
    parent_size: u64,
}

pub(super) fn layout(entry: &Entry) -> &'static str {
    // The manifest of files that are kept as they were found may be lost.
    let has_parts = entry.files.iter().any(|file| file.kind != FileType::Single);
    match entry.manifest.is_some() || has_parts {
        true => Layout::MultiPart,
        false => Layout::SingleFile,
    }
    .as_str()
}

/// A time of an entry as scripts read it: without a fraction.
pub(super) fn seconds(time: &str) -> String {
    Moment::parse(time).map_or_else(|| time.to_owned(), Moment::seconds_text)
}

pub(super) fn snapshot(entry: &Entry) -> SnapshotJson {
    let file = |f: &aofkit::backup::FileEntry| {
        let name = text(&f.name.bytes().unwrap_or_default());
        FileJson { file: name.into(), size: f.size, commands: f.commands }
    };
    let interval =
        |i: &aofkit::backup::Interval| IntervalJson { from: seconds(&i.from), to: seconds(&i.to) };
    let gap = |g: &aofkit::backup::Gap| GapJson {
        from: seconds(&g.from),
        to: g.to.as_deref().map(seconds),
        reason: g.reason.clone(),
    };
    let diverged = |d: &aofkit::backup::Divergence| {
        let name = text(&d.file.bytes().unwrap_or_default());
        let (same_up_to, parent_size) = (d.same_up_to, d.parent_size);
        DivergedJson { file: name.into(), same_up_to, parent_size }
    };
    let extra = |f: &aofkit::backup::FileEntry| ExtraJson {
        file: file(f),
        read_at: seconds(f.read.as_ref().unwrap_or(&entry.taken)),
    };
    let taken = Moment::parse(&entry.taken).map(Moment::milliseconds);
    SnapshotJson {
        id: entry.id.clone(),
        source_name: entry.source.clone(),
        taken_at: seconds(&entry.taken),
        host: entry.host.clone(),
        path: entry.path.clone(),
        tags: entry.tags.clone(),
        parent: entry.parent.clone(),
        server: entry.server.as_ref().map(|s| format!("{}-{}", s.kind, s.version)),
        layout: layout(entry),
        logical_bytes: entry.logical_bytes(),
        stored_bytes: entry.stored_bytes(),
        new_bytes: entry.new_bytes,
        reused_bytes: entry.reused_bytes,
        commands: entry.commands(),
        keys: entry.keys.map(|keys| keys.alive),
        keys_estimated: entry.keys.is_some_and(|keys| keys.is_estimate()),
        keys_at_least: entry.keys.map(|keys| keys.at_least),
        age_seconds: taken.map(|taken| (now().milliseconds() - taken).div_euclid(1000)),
        cut_bytes: entry.cut_bytes(),
        // But for files as they were found nothing is published that was not parsed to its last byte.
        verified: !entry.is_marked(Mark::AS_IS),
        marks: entry.marks.iter().map(mark_json).collect(),
        files: entry.files.iter().map(file).collect(),
        extras: entry.extras.iter().map(extra).collect(),
        covers: entry.covers.iter().map(interval).collect(),
        gaps: entry.true_gaps().map(gap).collect(),
        diverged: entry.diverged.iter().map(diverged).collect(),
    }
}

#[derive(Serialize)]
struct SnapshotsJson {
    #[serde(flatten)]
    head: Head,
    snapshots: Vec<SnapshotJson>,
}

/// `snapshots`
pub fn snapshots(repository: &Path, entries: &[Entry]) -> String {
    let head = head("aofkit.snapshots/1", repository);
    pretty(&SnapshotsJson { head, snapshots: entries.iter().map(snapshot).collect() })
}

/// The snapshot that a run took, with what it stored for it.
pub(super) fn taken(made: &Backup) -> SnapshotJson {
    SnapshotJson {
        new_bytes: made.new_bytes,
        reused_bytes: made.reused_bytes,
        ..snapshot(&made.entry)
    }
}
