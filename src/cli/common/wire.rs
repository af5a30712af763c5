//! The shapes of the JSON: wire types apart from the library's, fields in the order of the contract.
//!
//! A field is never left out: what is unknown is `null`. Every field is described in `docs/schemas/`, and
//! a test holds the two against each other.

use aofkit::check::{Problem, SegmentReport};
use serde::{Serialize, Serializer};

use crate::cli::stats::deletes_json::DeletesJson;
use crate::cli::stats::key_space_json::KeySpaceJson;
use crate::cli::stats::json::{KeyJson, PrefixJson};

/// Many of a kind, each made when it is written.
pub struct Each<'a, T, W> {
    pub all: &'a [T],
    pub one: fn(&T) -> W,
}

impl<T, W: Serialize> Serialize for Each<'_, T, W> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.all.iter().map(self.one))
    }
}

#[derive(Serialize)]
pub struct Source {
    pub path: Option<String>,
    pub path_b64: Option<String>,
    pub layout: &'static str,
    pub manifest: Option<String>,
    pub manifest_b64: Option<String>,
}

#[derive(Serialize)]
pub struct Writer {
    pub family: &'static str,
    pub version: String,
}

#[derive(Serialize)]
pub struct CheckAofJson {
    pub valid: bool,
    pub why: Option<String>,
}

#[derive(Serialize)]
pub struct UnknownJson {
    pub what: Option<String>,
    pub what_b64: Option<String>,
    pub count: u64,
    pub file: Option<String>,
    pub file_b64: Option<String>,
    pub offset: u64,
}

#[derive(Serialize)]
pub struct NeededJson {
    pub name: String,
    pub need: &'static str,
    pub count: u64,
}

#[derive(Serialize)]
pub struct ModuleJson {
    pub name: String,
    pub by: &'static str,
}

#[derive(Serialize)]
pub struct Head<'a> {
    pub schema: &'static str,
    pub tool_version: &'static str,
    pub source: Source,
    pub target: String,
    pub knowledge: &'static str,
    pub rules: &'static str,
    pub writer: Option<Writer>,
    pub verdict: &'static str,
    pub loads: Option<&'static str>,
    pub needs_modules: Vec<NeededJson>,
    pub modules: Vec<ModuleJson>,
    pub unknown: Vec<UnknownJson>,
    pub check_aof: CheckAofJson,
    pub size_bytes: u64,
    pub ok_bytes: u64,
    pub segments: Each<'a, SegmentReport, SegmentJson>,
}

#[derive(Serialize)]
pub struct SegmentJson {
    pub file: Option<String>,
    pub file_b64: Option<String>,
    pub role: &'static str,
    pub seq: Option<i64>,
    pub format: Option<&'static str>,
    pub size_bytes: Option<u64>,
    pub proven: Option<u64>,
    pub safe_cut: Option<u64>,
    pub ok_up_to: Option<u64>,
    pub commands: Option<u64>,
    pub transactions: Option<u64>,
    pub annotations: Option<u64>,
    pub unknown_annotations: Option<u64>,
    pub first_ts: Option<i64>,
    pub last_ts: Option<i64>,
    pub rdb: Option<RdbJson>,
}

#[derive(Serialize)]
pub struct RdbJson {
    pub version: Option<u32>,
    pub family: Option<&'static str>,
    pub keys: Option<u64>,
    pub expires: Option<u64>,
    pub checksum: Option<&'static str>,
    pub end: Option<u64>,
    pub created_at: Option<String>,
    pub used_memory_bytes: Option<u64>,
}

#[derive(Serialize)]
pub struct ProblemJson {
    pub kind: &'static str,
    pub severity: &'static str,
    pub file: Option<String>,
    pub file_b64: Option<String>,
    pub offset: Option<u64>,
    pub length_bytes: Option<u64>,
    pub line: Option<u64>,
    pub message: String,
    pub next: Option<String>,
    pub lost: Option<LostJson>,
}

#[derive(Serialize)]
pub struct LostJson {
    pub bytes: u64,
    pub commands: u64,
    pub if_truncated_commands: u64,
}

#[derive(Serialize)]
pub struct CheckJson<'a> {
    #[serde(flatten)]
    pub head: Head<'a>,
    pub problems: Each<'a, Problem, ProblemJson>,
}

#[derive(Serialize)]
pub struct InspectJson<'a> {
    #[serde(flatten)]
    pub head: Head<'a>,
    pub growth: Option<GrowthJson>,
    pub key_space: Option<KeySpaceJson>,
    pub totals: TotalsJson,
    pub commands: Vec<CommandJson>,
    pub databases: Vec<DatabaseJson>,
    pub prefixes: Option<Vec<PrefixJson>>,
    pub keys: Option<Vec<KeyJson>>,
    pub deletes: DeletesJson,
    pub leftovers: Vec<LeftoverJson>,
    pub leftover_bytes: u64,
    pub problems: Each<'a, Problem, ProblemJson>,
}

#[derive(Serialize)]
pub struct GrowthJson {
    pub base_bytes: u64,
    pub increment_bytes: u64,
    pub current_bytes: u64,
    pub growth_percent: u64,
    pub trigger: TriggerJson,
}

#[derive(Serialize)]
pub struct TriggerJson {
    pub percentage: u32,
    pub min_size_bytes: u64,
    pub rewrite_at_bytes: Option<u64>,
    pub remaining_bytes: Option<u64>,
    pub due: bool,
    pub source: &'static str,
}

#[derive(Serialize)]
pub struct TotalsJson {
    pub commands: u64,
    pub transactions: u64,
    pub annotations: u64,
    pub resp_bytes: u64,
    pub command_bytes: u64,
    pub annotation_bytes: u64,
    pub unparsed_bytes: u64,
    pub rdb_bytes: u64,
}

#[derive(Serialize)]
pub struct CommandJson {
    pub name: Option<String>,
    pub name_b64: Option<String>,
    pub group: Option<&'static str>,
    pub count: u64,
    pub bytes: u64,
    pub share: f64,
    pub mean_bytes: f64,
    pub largest_bytes: u64,
}

#[derive(Serialize)]
pub struct DatabaseJson {
    pub db: u64,
    pub commands: u64,
    pub bytes: u64,
}

#[derive(Serialize)]
pub struct LeftoverJson {
    pub path: Option<String>,
    pub path_b64: Option<String>,
    pub kind: &'static str,
    pub size_bytes: u64,
    pub modified_at: Option<String>,
}

#[derive(Serialize)]
pub struct Several<T> {
    pub schema: &'static str,
    pub tool_version: &'static str,
    pub source: SourceOfSeveral,
    pub sets: Vec<T>,
    pub total: Total,
}

#[derive(Serialize)]
pub struct SourceOfSeveral {
    pub path: Option<String>,
    pub path_b64: Option<String>,
    pub layout: &'static str,
    pub manifest: Option<String>,
}

#[derive(Serialize)]
pub struct Total {
    pub sets: usize,
    pub healthy: usize,
    pub verdict: &'static str,
    pub size_bytes: u64,
    pub ok_bytes: u64,
    pub commands: u64,
    pub problems: usize,
}

#[derive(Serialize)]
pub struct ErrorJson {
    pub error: ErrorBody,
}

#[derive(Serialize)]
pub struct ErrorBody {
    pub kind: &'static str,
    pub path: Option<String>,
    pub path_b64: Option<String>,
    pub offset: Option<u64>,
    pub message: String,
}
