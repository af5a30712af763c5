//! What `restore` wrote, as JSON.

use std::path::Path;

use aofkit::backup::{Entry, Restored};
use serde::Serialize;

use super::head::{Head, head};
use super::snapshot::{SnapshotJson, snapshot};
use crate::cli::common::json::pretty;
use crate::cli::common::loaded;
use crate::cli::common::members::{FileText, TargetText, path_text, text};

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
