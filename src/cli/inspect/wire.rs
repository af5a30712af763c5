//! The shape of what `inspect --json` prints.

use aofkit::check::Problem;
use serde::Serialize;

use crate::cli::check::wire::{Head, ProblemJson};
use crate::cli::common::wire::Each;
use crate::cli::stats::commands_json::{CommandJson, TotalsJson};
use crate::cli::stats::deletes_json::DeletesJson;
use crate::cli::stats::json::{KeyJson, PrefixJson};
use crate::cli::stats::key_space_json::KeySpaceJson;

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
