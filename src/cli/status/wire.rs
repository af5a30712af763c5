//! The shape of what `status --json` prints.

use serde::Serialize;

use crate::cli::check::wire::ProblemJson;
use crate::cli::common::members::{ManifestText, PathText, RepositoryText};
use crate::cli::common::wire::{CoverageJson, KindJson, OutlierJson, RuleJson, VacantJson};

#[derive(Serialize)]
pub struct StatusJson {
    pub schema: &'static str,
    pub tool_version: &'static str,
    #[serde(flatten)]
    pub repository: RepositoryText,
    pub max_age_seconds: Option<i64>,
    pub sets: Vec<SetJson>,
    pub without_set: Vec<VacantJson>,
    pub sources: Option<Vec<SourceJson>>,
    pub outliers: Vec<OutlierJson>,
    pub cluster: Option<CoverageJson>,
    pub total: TotalJson,
}

#[derive(Serialize)]
pub struct SetJson {
    pub name: String,
    #[serde(flatten)]
    pub path: PathText,
    pub layout: &'static str,
    #[serde(flatten)]
    pub manifest: ManifestText,
    pub verdict: &'static str,
    pub loads: Option<&'static str>,
    pub target: String,
    pub knowledge: &'static str,
    pub exit_status: u8,
    pub size_bytes: u64,
    pub ok_bytes: u64,
    pub base_bytes: u64,
    pub increment_bytes: u64,
    pub files: u64,
    pub commands: u64,
    pub growth_percent: Option<u64>,
    pub trigger: Option<RuleJson>,
    pub rate_bytes_per_second: Option<f64>,
    pub rewrite_at: Option<String>,
    pub disk_full_at: Option<String>,
    pub disk: Option<DiskJson>,
    pub holds: Vec<KindJson>,
    pub leftovers: u64,
    pub leftover_bytes: u64,
    pub problems: CountsJson,
    pub worst: Option<ProblemJson>,
    pub written_at: Option<String>,
    pub backup: Option<BackupJson>,
    pub node: Option<NodeJson>,
    pub server: Option<ServerJson>,
}

#[derive(Serialize)]
pub struct DiskJson {
    pub free_bytes: u64,
    pub total_bytes: u64,
}

#[derive(Serialize)]
pub struct CountsJson {
    pub errors: usize,
    pub warnings: usize,
    pub infos: usize,
}

/// The backups of a set; null all through where the repository has none.
#[derive(Serialize)]
pub struct BackupJson {
    pub source: Option<String>,
    pub snapshot: Option<String>,
    pub taken_at: Option<String>,
    pub age_seconds: Option<i64>,
    pub is_current: Option<bool>,
    pub is_too_old: Option<bool>,
}

#[derive(Serialize)]
pub struct NodeJson {
    pub id: String,
    pub role: &'static str,
    pub primary: Option<String>,
    pub slots: u32,
    pub epoch: u64,
    pub known_nodes: usize,
}

#[derive(Serialize)]
pub struct ServerJson {
    pub address: String,
    pub version: Option<String>,
    pub role: Option<&'static str>,
    pub link_up: Option<bool>,
    pub loading: Option<bool>,
    pub aof_enabled: Option<bool>,
    pub rewrite_in_progress: Option<bool>,
    pub rewrite_seconds: Option<u64>,
    pub rewrite_last_ok: Option<bool>,
    pub rewrites_failed: Option<u64>,
    pub write_last_ok: Option<bool>,
    pub delayed_fsyncs: Option<u64>,
    pub aof_current_bytes: Option<u64>,
    pub used_memory_bytes: Option<u64>,
    pub maxmemory_bytes: Option<u64>,
    pub settings_withheld: Option<String>,
    pub differences: Vec<String>,
}

#[derive(Serialize)]
pub struct SourceJson {
    pub source: String,
    pub host: Option<String>,
    pub path: Option<String>,
    pub as_is: bool,
    pub snapshots: u64,
    pub unreadable: Vec<String>,
    pub snapshot: Option<String>,
    pub taken_at: Option<String>,
    pub age_seconds: Option<i64>,
    pub is_too_old: Option<bool>,
    pub keys: Option<u64>,
    pub keys_at_least: Option<u64>,
    pub logical_bytes: Option<u64>,
    pub stored_bytes: Option<u64>,
    pub new_bytes: Option<u64>,
    pub shrunk_percent: Option<u64>,
    pub marks: Vec<KindJson>,
    pub verified: Option<LookJson>,
}

#[derive(Serialize)]
pub struct LookJson {
    pub at: String,
    pub age_seconds: Option<i64>,
    pub depth: &'static str,
    pub part: Option<String>,
    pub good: bool,
    pub newest: String,
    pub has_seen_newest: Option<bool>,
    pub host: String,
}

#[derive(Serialize)]
pub struct TotalJson {
    pub sets: usize,
    pub healthy: usize,
    pub failed: u64,
    pub verdict: &'static str,
    pub size_bytes: u64,
    pub ok_bytes: u64,
    pub base_bytes: u64,
    pub increment_bytes: u64,
    pub commands: u64,
    pub leftover_bytes: u64,
    pub problems: usize,
    pub sources: Option<usize>,
    pub too_old: Option<usize>,
}
