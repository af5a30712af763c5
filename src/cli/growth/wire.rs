//! What `growth` writes as JSON, field by field.

use serde::Serialize;

use crate::cli::common::members::{CommandText, PrefixText};
use crate::cli::common::running::{ConditionJson, ReplicaJson};
use crate::cli::common::threshold::Exceeded;
use crate::cli::common::wire::{RuleJson, Source};
use crate::cli::stats::json::WrittenJson;

#[derive(Serialize)]
pub struct GrowthJson {
    pub schema: &'static str,
    pub tool_version: &'static str,
    pub source: Source,
    pub base_bytes: u64,
    pub increment_bytes: u64,
    pub current_bytes: u64,
    pub growth_percent: u64,
    pub increments: usize,
    pub trigger: TriggerJson,
    pub server: Option<ServerJson>,
    pub holds: Vec<HoldJson>,
    pub timeline: Vec<BucketJson>,
    pub timeline_axis: &'static str,
    pub prefixes: Option<Vec<FamilyJson>>,
    pub peaks: Vec<PeakJson>,
    pub clock: ClockJson,
    pub rate_bytes_per_second: Option<f64>,
    pub recent_rate_bytes_per_second: Option<f64>,
    pub recent_rate_seconds: Option<i64>,
    pub rate_source: Option<&'static str>,
    pub forecast: ForecastJson,
    pub rewrite: RewriteJson,
    pub simulations: Vec<SimulationJson>,
    pub disk: DiskJson,
    pub leftover_bytes: u64,
    pub write_amplification: Option<f64>,
    pub load: LoadJson,
    pub advice: AdviceJson,
    pub deleted_but_open: Option<DeletedJson>,
    pub exceeded: Vec<Exceeded>,
}

/// Files that are gone while their server still runs.
#[derive(Serialize)]
pub struct DeletedJson {
    pub message: String,
    pub next: Option<String>,
}

#[derive(Serialize)]
pub struct TriggerJson {
    #[serde(flatten)]
    pub rule: RuleJson,
    pub cases: Vec<CaseJson>,
}

#[derive(Serialize)]
pub struct CaseJson {
    pub since: &'static str,
    pub counted_base_bytes: u64,
    pub counted_bytes: u64,
    pub rewrite_at_bytes: Option<u64>,
    pub remaining_bytes: Option<u64>,
    pub due: bool,
}

#[derive(Serialize)]
pub struct ServerJson {
    pub address: String,
    pub family: &'static str,
    pub version: Option<String>,
    pub run_id: Option<String>,
    pub role: Option<&'static str>,
    pub loading: Option<bool>,
    pub aof_enabled: Option<bool>,
    pub aof_base_bytes: Option<u64>,
    pub aof_current_bytes: Option<u64>,
    pub rewrite_in_progress: Option<bool>,
    pub rewrite_scheduled: Option<bool>,
    pub rewrite_last_ok: Option<bool>,
    pub rewrite_last_seconds: Option<u64>,
    pub write_last_ok: Option<bool>,
    pub rewrites: Option<u64>,
    pub delayed_fsyncs: Option<u64>,
    pub no_fsync_on_rewrite: Option<bool>,
    pub same_log: Option<bool>,
    pub settings_withheld: Option<String>,
    pub differences: Vec<String>,
    pub replicas: Vec<ReplicaJson>,
    pub conditions: Vec<ConditionJson>,
}

#[derive(Serialize)]
pub struct HoldJson {
    pub kind: &'static str,
    pub file: Option<String>,
    pub since_at: Option<String>,
    pub increments: Option<usize>,
    pub message: String,
}

#[derive(Serialize)]
pub struct BucketJson {
    pub start_at: Option<String>,
    pub seconds: Option<i64>,
    pub start_bytes: Option<i64>,
    pub bytes: u64,
    pub commands: u64,
}

/// A family of keys: bytes in each bucket of the timeline.
#[derive(Serialize)]
pub struct FamilyJson {
    #[serde(flatten)]
    pub prefix: PrefixText,
    pub commands: u64,
    pub bytes: u64,
    #[serde(flatten)]
    pub written: WrittenJson,
    pub timeline: Vec<u64>,
}

#[derive(Serialize)]
pub struct PeakJson {
    pub start_at: Option<String>,
    pub end_at: Option<String>,
    pub start_bytes: Option<i64>,
    pub end_bytes: Option<i64>,
    pub bytes: u64,
    pub times_usual: f64,
    pub command: String,
    #[serde(flatten)]
    pub prefix: PrefixText,
    pub share: f64,
}

#[derive(Serialize)]
pub struct ClockJson {
    pub first_at: Option<String>,
    pub last_at: Option<String>,
    pub steps_back: u64,
    pub largest_step_seconds: i64,
}

#[derive(Serialize)]
pub struct ForecastJson {
    pub rewrite_at: Option<String>,
    pub disk_full_at: Option<String>,
    pub measured_seconds: Option<i64>,
    pub measured_until: Option<String>,
    pub withheld: Option<&'static str>,
}

#[derive(Serialize)]
pub struct RewriteJson {
    pub estimated_bytes: Option<u64>,
    pub at_least_bytes: Option<u64>,
    pub at_most_bytes: Option<u64>,
    pub reclaimable_bytes: Option<u64>,
    pub error_percent: Option<f64>,
    pub peak_disk_bytes: Option<u64>,
    pub format: &'static str,
    pub compressed: Option<bool>,
    /// Who says up to which size values are packed: server, conf, or default; null where nobody tells and it matters:
    /// the base shows other limits than the default ones, or does not show them.
    pub packed_limits: Option<&'static str>,
    pub resp_bytes: Option<u64>,
    pub resp_error_percent: Option<f64>,
    pub rdb_bytes: Option<u64>,
    pub rdb_error_percent: Option<f64>,
    pub keys: u64,
    pub followed_keys: u64,
    pub complete: bool,
    pub expired_keys: u64,
    pub unfollowed_commands: u64,
    pub unfollowed_bytes: u64,
    pub unfollowed: Vec<UnfollowedJson>,
}

#[derive(Serialize)]
pub struct UnfollowedJson {
    #[serde(flatten)]
    pub command: CommandText,
    pub count: u64,
    pub bytes: u64,
}

#[derive(Serialize)]
pub struct SimulationJson {
    pub percentage: u32,
    pub min_size_bytes: u64,
    pub rewrites: u64,
    pub rewritten_bytes: u64,
    pub peak_disk_bytes: u64,
}

#[derive(Serialize)]
pub struct DiskJson {
    pub free_bytes: Option<u64>,
    pub total_bytes: Option<u64>,
}

#[derive(Serialize)]
pub struct LoadJson {
    pub seconds: f64,
    pub peak_bytes: Option<u64>,
    pub end_bytes: Option<u64>,
    pub error_percent: Option<f64>,
    pub server_seconds: Option<f64>,
    pub estimated_seconds: f64,
    pub measured_seconds: Option<f64>,
    pub rdb_bytes_per_second: f64,
    pub rdb_keys_per_second: f64,
    pub resp_bytes_per_second: f64,
    pub commands_per_second: f64,
    pub walls_missing: Option<Vec<String>>,
}

#[derive(Serialize)]
pub struct AdviceJson {
    pub kind: &'static str,
    pub percentage: Option<u32>,
    pub reason: String,
}

#[derive(Serialize)]
pub struct TotalJson {
    pub sets: usize,
    pub base_bytes: u64,
    pub increment_bytes: u64,
    pub current_bytes: u64,
    pub reclaimable_bytes: Option<u64>,
    pub leftover_bytes: u64,
    pub due: usize,
}
