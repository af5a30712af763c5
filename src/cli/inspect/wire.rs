//! The shape of what `inspect --json` prints.

use aofkit::check::Problem;
use serde::Serialize;

use crate::cli::check::wire::{Head, ProblemJson, Total};
use crate::cli::common::members::PathText;
use crate::cli::common::wire::{Each, RuleJson, SlotsJson};
use crate::cli::stats::commands_json::{CommandJson, TotalsJson};
use crate::cli::stats::deletes_json::DeletesJson;
use crate::cli::stats::json::{KeyJson, PrefixJson};
use crate::cli::stats::key_space_json::KeySpaceJson;

#[derive(Serialize)]
pub struct InspectJson<'a> {
    #[serde(flatten)]
    pub head: Head<'a>,
    pub growth: Option<GrownJson>,
    pub key_space: Option<KeySpaceJson>,
    pub totals: TotalsJson,
    pub commands: Vec<CommandJson>,
    pub databases: Vec<DatabaseJson>,
    pub prefixes: Option<Vec<PrefixJson>>,
    pub keys: Option<Vec<KeyJson>>,
    pub slots: Option<SlotsJson>,
    pub deletes: DeletesJson,
    pub leftovers: Vec<LeftoverJson>,
    pub leftover_bytes: u64,
    pub problems: Each<'a, Problem, ProblemJson>,
}

#[derive(Serialize)]
pub struct GrownJson {
    pub base_bytes: u64,
    pub increment_bytes: u64,
    pub current_bytes: u64,
    pub growth_percent: u64,
    pub trigger: RuleJson,
}

#[derive(Serialize)]
pub struct DatabaseJson {
    pub db: u64,
    pub commands: u64,
    pub bytes: u64,
}

#[derive(Serialize)]
pub struct LeftoverJson {
    #[serde(flatten)]
    pub path: PathText,
    pub kind: &'static str,
    pub size_bytes: u64,
    pub modified_at: Option<String>,
}

/// What all sets make together.
#[derive(Serialize)]
pub struct InTotalJson {
    #[serde(flatten)]
    pub checked: Total,
    pub totals: Option<TotalsJson>,
    pub commands: Option<Vec<CommandJson>>,
    pub prefixes: Option<Vec<PrefixJson>>,
}
