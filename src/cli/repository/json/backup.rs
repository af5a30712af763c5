//! What `backup` took, as JSON.

use std::path::Path;

use aofkit::aof::Layout;
use aofkit::backup::{Backup, UnreadSource};
use aofkit::error::Error;
use aofkit::fleet::Place;
use serde::Serialize;

use super::head::{Head, Source};
use super::snapshot::{MarkJson, SnapshotJson, layout, mark_json, taken};
use crate::cli::common::json::{VERSION, modified, needs_modules, pretty, several};
use crate::cli::common::members::{PathText, path_text};
use crate::cli::common::wire::NeededJson;

#[derive(Serialize)]
struct BackupJson {
    #[serde(flatten)]
    head: Head,
    unchanged: bool,
    snapshot: SnapshotJson,
    marks: Vec<MarkJson>,
    unreadable: Vec<String>,
    unread_sources: Vec<UnreadSourceJson>,
    damaged_objects: Vec<String>,
    unnoted: Option<String>,
    uncounted: Option<String>,
    other_host: Option<String>,
    needs_modules: Vec<NeededJson>,
    last_written_at: Option<String>,
    log_elsewhere: Option<String>,
}

#[derive(Serialize)]
struct UnreadSourceJson {
    source_name: String,
    message: String,
}

/// `backup`
pub fn backup(made: &Backup) -> String {
    pretty(&backup_json(made))
}

/// A set of which no snapshot was taken.
pub struct Failed<'a> {
    pub path: &'a Path,
    pub error: &'a Error,
    pub exit_status: u8,
}

#[derive(Serialize)]
struct FailedJson {
    #[serde(flatten)]
    path: PathText,
    kind: &'static str,
    message: String,
    exit_status: u8,
}

#[derive(Serialize)]
struct AllJson {
    sets: usize,
    taken: usize,
    unchanged: usize,
    failed: Vec<FailedJson>,
    logical_bytes: u64,
    new_bytes: u64,
    reused_bytes: u64,
}

/// `backup --all`
pub fn backups(root: &Path, made: &[&Backup], failed: &[Failed<'_>]) -> String {
    let unchanged = made.iter().filter(|made| made.unchanged).count();
    let failure = |one: &Failed<'_>| FailedJson {
        path: path_text(one.path).into(),
        kind: one.error.kind().as_str(),
        message: one.error.to_string(),
        exit_status: one.exit_status,
    };
    let total = AllJson {
        sets: made.len() + failed.len(),
        taken: made.len() - unchanged,
        unchanged,
        failed: failed.iter().map(failure).collect(),
        logical_bytes: made.iter().map(|made| made.entry.logical_bytes()).sum(),
        new_bytes: made.iter().map(|made| made.new_bytes).sum(),
        reused_bytes: made.iter().map(|made| made.reused_bytes).sum(),
    };
    let sets = made.iter().map(|made| backup_json(made)).collect();
    let places: Vec<_> = made.iter().map(|made| place(made)).collect();
    pretty(&several("aofkit.backup/1", root, &places, sets, total))
}

/// Where a set lies that was taken.
fn place(made: &Backup) -> Place {
    match made.manifest.as_deref() {
        Some(manifest) => {
            let dir = manifest.parent().unwrap_or(manifest);
            Place::new(manifest, dir, Layout::MultiPart)
        }
        None => Place::new(&made.path, &made.path, Layout::SingleFile),
    }
}

fn backup_json(made: &Backup) -> BackupJson {
    let entry = &made.entry;
    let unread = |one: &UnreadSource| UnreadSourceJson {
        source_name: one.source.clone(),
        message: one.why.clone(),
    };
    let path = path_text(&made.path);
    let manifest = made.manifest.as_deref().map(path_text);
    let is_rdb = entry.manifest.is_none()
        && entry.files.iter().all(|file| file.commands == 0 && file.ts.is_none() && file.size > 0);
    let layout = if is_rdb { "rdb" } else { layout(entry) };
    let source = Source { path: path.into(), layout, manifest: manifest.into() };
    BackupJson {
        head: Head { schema: "aofkit.backup/1", tool_version: VERSION, source },
        unchanged: made.unchanged,
        snapshot: taken(made),
        marks: made.marks.iter().map(mark_json).collect(),
        unreadable: made.unreadable.clone(),
        unread_sources: made.unread_sources.iter().map(unread).collect(),
        damaged_objects: made.damaged.clone(),
        unnoted: made.unnoted.clone(),
        uncounted: made.uncounted.clone(),
        other_host: made.other_host.clone(),
        needs_modules: needs_modules(&made.needs_modules),
        last_written_at: made.written.and_then(modified),
        log_elsewhere: made.elsewhere.clone(),
    }
}
