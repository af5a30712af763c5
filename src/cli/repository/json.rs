//! JSON of the verbs that work on repositories.

use std::path::Path;

use aofkit::aof::Layout;
use aofkit::backup::{
    Backup, Compaction, Entry, FileType, Mark, Moment, Planned, PrunePlan, Restored, UnreadSource,
    Verified, now,
};
use aofkit::error::Error;
use aofkit::redact::hidden;
use aofkit::trial::{Difference, LoadedSnapshot};
use serde::Serialize;

use crate::cli::common::json::{VERSION, modified, needs_modules, pretty, several};
use crate::cli::common::loaded::{self, ErrorJson};
use crate::cli::common::members::{
    FileText, KeyText, ManifestText, PathText, TargetText, path_text, text,
};
use crate::cli::common::wire::NeededJson;

#[derive(Serialize)]
struct Head {
    schema: &'static str,
    tool_version: &'static str,
    source: Source,
}

#[derive(Serialize)]
struct Source {
    #[serde(flatten)]
    path: PathText,
    layout: &'static str,
    #[serde(flatten)]
    manifest: ManifestText,
}

fn head(schema: &'static str, repository: &Path) -> Head {
    let path = path_text(repository);
    let layout = "repository";
    let source = Source { path: path.into(), layout, manifest: None.into() };
    Head { schema, tool_version: VERSION, source }
}

#[derive(Serialize)]
struct SnapshotJson {
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
struct MarkJson {
    kind: String,
    message: String,
    percent: Option<u64>,
}

fn mark_json(mark: &Mark) -> MarkJson {
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

fn layout(entry: &Entry) -> &'static str {
    // The manifest of files that are kept as they were found may be lost.
    let has_parts = entry.files.iter().any(|file| file.kind != FileType::Single);
    match entry.manifest.is_some() || has_parts {
        true => Layout::MultiPart,
        false => Layout::SingleFile,
    }
    .as_str()
}

/// A time of an entry as scripts read it: without a fraction.
fn seconds(time: &str) -> String {
    Moment::parse(time).map_or_else(|| time.to_owned(), Moment::seconds_text)
}

fn snapshot(entry: &Entry) -> SnapshotJson {
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
    pretty(&several("aofkit.backup/1", root, sets, total))
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
        snapshot: SnapshotJson {
            new_bytes: made.new_bytes,
            reused_bytes: made.reused_bytes,
            ..snapshot(entry)
        },
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

#[derive(Serialize)]
struct VerifyJson {
    #[serde(flatten)]
    head: Head,
    snapshots_checked: u64,
    objects_checked: u64,
    bytes_checked: u64,
    contents_checked_bytes: u64,
    commands_checked: u64,
    unreferenced_objects: u64,
    loaded: Option<Vec<LoadedJson>>,
    problems: Vec<FlawJson>,
}

#[derive(Serialize)]
struct LoadedJson {
    id: String,
    source_name: String,
    loads: Option<bool>,
    keys: u64,
    databases: Vec<DatabaseJson>,
    digest: Option<String>,
    message: Option<String>,
    compared: bool,
    not_compared: Option<&'static str>,
    left_out: u64,
    not_comparable: u64,
    differences: Vec<DifferenceJson>,
    walls_missing: Vec<String>,
    errors: Vec<ErrorJson>,
    errors_unlisted: u64,
}

/// Only two servers that have loaded something can be compared.
const NOT_COMPARED: &str = "not both its files and the commands in them load";

#[derive(Serialize)]
struct DatabaseJson {
    db: u64,
    keys: u64,
}

#[derive(Serialize)]
struct DifferenceJson {
    message: String,
    #[serde(flatten)]
    key: KeyText,
}

fn loaded_json(one: &LoadedSnapshot, redact: bool) -> LoadedJson {
    let difference = |d: &Difference| {
        let shown = |key: &[u8]| if redact { text(hidden(key).as_bytes()) } else { text(key) };
        DifferenceJson { message: d.what.clone(), key: d.key.as_deref().map(shown).into() }
    };
    LoadedJson {
        id: one.id.clone(),
        source_name: one.source.clone(),
        loads: one.loads(),
        keys: one.keys,
        databases: one.databases.iter().map(|(&db, &keys)| DatabaseJson { db, keys }).collect(),
        digest: one.digest.clone(),
        message: one.why.clone().or(one.not_tried.clone()),
        compared: one.compared,
        not_compared: (!one.compared).then_some(NOT_COMPARED),
        left_out: one.left_out,
        not_comparable: one.not_comparable,
        differences: one.differences.iter().map(difference).collect(),
        walls_missing: one.walls_missing.clone(),
        errors: loaded::errors(&one.errors, redact),
        errors_unlisted: one.errors_unlisted,
    }
}

#[derive(Serialize)]
struct FlawJson {
    kind: &'static str,
    severity: &'static str,
    file: String,
    message: String,
    snapshots: Vec<String>,
}

/// `verify`
pub fn verified(
    repository: &Path,
    verified: &Verified,
    loaded: Option<&[LoadedSnapshot]>,
    redact: bool,
) -> String {
    let problems = verified.flaws.iter().map(|flaw| FlawJson {
        kind: flaw.kind.as_str(),
        severity: if flaw.harmless { "warning" } else { "error" },
        file: flaw.key.clone(),
        message: flaw.message.clone(),
        snapshots: flaw.snapshots.clone(),
    });
    pretty(&VerifyJson {
        head: head("aofkit.verify/1", repository),
        snapshots_checked: verified.snapshots_checked,
        objects_checked: verified.objects_checked,
        bytes_checked: verified.bytes_checked,
        contents_checked_bytes: verified.contents_checked,
        commands_checked: verified.commands_checked,
        unreferenced_objects: verified.unreferenced,
        loaded: loaded.map(|all| all.iter().map(|one| loaded_json(one, redact)).collect()),
        problems: problems.collect(),
    })
}

#[derive(Serialize)]
struct RestoreJson {
    #[serde(flatten)]
    head: Head,
    snapshot: SnapshotJson,
    #[serde(flatten)]
    target: TargetText,
    files: Vec<RestoredFileJson>,
    bytes: u64,
    reused_bytes: u64,
    until: Option<String>,
    cut: Option<String>,
    kept_old_at: Option<String>,
    extras_at: Option<String>,
    config: Option<String>,
    loaded: Option<loaded::LoadedJson>,
}

#[derive(Serialize)]
struct RestoredFileJson {
    #[serde(flatten)]
    file: FileText,
    size: u64,
}

/// `restore`
pub fn restored(
    path: &Path,
    entry: &Entry,
    restored: &Restored,
    until: Option<String>,
    cut: Option<String>,
    config: Option<String>,
    loaded: Option<loaded::LoadedJson>,
) -> String {
    let target = path_text(&restored.target);
    let files = restored.files.iter().map(|(name, size)| {
        let name = text(name);
        RestoredFileJson { file: name.into(), size: *size }
    });
    let shown = |path: &Option<std::path::PathBuf>| {
        path.as_ref().map(|path| aofkit::text::name(path.as_os_str().as_encoded_bytes()))
    };
    pretty(&RestoreJson {
        head: head("aofkit.restore/1", path),
        snapshot: snapshot(entry),
        target: target.into(),
        files: files.collect(),
        bytes: restored.bytes,
        reused_bytes: restored.reused_bytes,
        until,
        cut,
        kept_old_at: shown(&restored.kept_old_at),
        extras_at: shown(&restored.extras_at),
        config,
        loaded,
    })
}

#[derive(Serialize)]
struct PruneJson {
    #[serde(flatten)]
    head: Head,
    applied: bool,
    kept: Vec<PlannedJson>,
    removed: Vec<PlannedJson>,
    removed_objects: usize,
    marked_bytes: u64,
    freed_bytes: u64,
    compaction: Option<CompactionJson>,
}

#[derive(Serialize)]
struct CompactionJson {
    snapshots: Vec<String>,
    objects: usize,
    into_objects: usize,
    written_bytes: u64,
}

fn compaction_json(compaction: &Compaction) -> CompactionJson {
    let (objects, into_objects) = compaction.objects();
    CompactionJson {
        snapshots: compaction.snapshots().map(|entry| entry.id.clone()).collect(),
        objects,
        into_objects,
        written_bytes: compaction.bytes(),
    }
}

#[derive(Serialize)]
struct PlannedJson {
    id: String,
    source_name: String,
    taken_at: String,
    reasons: Vec<String>,
}

/// `prune`
pub fn pruned(repository: &Path, plan: &PrunePlan, applied: bool) -> String {
    let planned = |p: &Planned| PlannedJson {
        id: p.id.clone(),
        source_name: p.source.clone(),
        taken_at: seconds(&p.taken),
        reasons: p.reasons.clone(),
    };
    pretty(&PruneJson {
        head: head("aofkit.prune/1", repository),
        applied,
        kept: plan.kept.iter().map(planned).collect(),
        removed: plan.removed.iter().map(planned).collect(),
        removed_objects: plan.objects(),
        // A directory needs no marking phase: what goes, goes at once.
        marked_bytes: 0,
        freed_bytes: plan.freed_bytes(),
        compaction: plan.compaction.as_ref().map(compaction_json),
    })
}
