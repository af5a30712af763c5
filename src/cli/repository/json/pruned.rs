//! What `prune` keeps and removes, as JSON.

use std::path::Path;

use aofkit::backup::{Compaction, Planned, PrunePlan};
use serde::Serialize;

use super::head::{Head, head};
use super::snapshot::seconds;
use crate::cli::common::json::pretty;

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
