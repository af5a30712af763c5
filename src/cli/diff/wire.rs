//! The JSON of `diff`, member by member in the order in which it is written.

use serde::Serialize;

use crate::cli::common::members::{FileText, KeyText, NameText, PrefixText};
use crate::cli::common::wire::Source;

#[derive(Serialize)]
pub struct DiffJson {
    pub schema: &'static str,
    pub tool_version: &'static str,
    pub a: OperandJson,
    pub b: OperandJson,
    pub verdict: &'static str,
    pub common: Option<CommonJson>,
    pub unproven_records: u64,
    pub damaged: Vec<DamagedJson>,
    pub base: BaseJson,
    pub a_alone: AloneJson,
    pub b_alone: AloneJson,
    pub keys: KeysJson,
    pub loaded: Option<LoadedJson>,
}

#[derive(Serialize)]
pub struct OperandJson {
    #[serde(flatten)]
    pub source: Source,
    pub at: Option<String>,
}

#[derive(Serialize)]
pub struct PlaceJson {
    #[serde(flatten)]
    pub file: FileText,
    pub offset: u64,
    pub time: Option<String>,
}

/// One thing of each set.
#[derive(Serialize)]
pub struct Both<T> {
    pub a: T,
    pub b: T,
}

#[derive(Serialize)]
pub struct CommonJson {
    pub records: u64,
    pub other_clocks: u64,
    pub proven_by: &'static str,
    pub begins: Both<PlaceJson>,
    pub ends: &'static str,
    pub goes_on: Both<Option<PlaceJson>>,
}

#[derive(Serialize)]
pub struct DamagedJson {
    #[serde(flatten)]
    pub place: PlaceJson,
    pub side: &'static str,
    pub length_bytes: Option<u64>,
    pub passed_over_records: Option<u64>,
}

#[derive(Serialize)]
pub struct BaseJson {
    pub equal: Option<bool>,
    pub a: BaseSideJson,
    pub b: BaseSideJson,
    pub keys: Option<DifferencesJson>,
}

#[derive(Serialize)]
pub struct BaseSideJson {
    pub form: &'static str,
    pub keys: u64,
    pub not_compared: u64,
    pub damaged: bool,
}

#[derive(Serialize)]
pub struct DifferencesJson {
    pub only_a: u64,
    pub only_b: u64,
    pub different: u64,
    pub expiry: u64,
    pub same: u64,
    pub not_compared: u64,
    pub rows: Vec<DifferentJson>,
}

#[derive(Serialize)]
pub struct DifferentJson {
    pub db: Option<u64>,
    #[serde(flatten)]
    pub key: KeyText,
    pub a: Option<SeenJson>,
    pub b: Option<SeenJson>,
    pub value_differs: Option<bool>,
}

#[derive(Serialize)]
pub struct SeenJson {
    pub r#type: &'static str,
    pub expires_at: Option<String>,
}

#[derive(Serialize)]
pub struct AloneJson {
    pub records: u64,
    pub bytes: u64,
    pub commands: Vec<CommandJson>,
    pub prefixes: Vec<PrefixJson>,
    pub unknown_keys: u64,
    pub reach_far: u64,
    pub first_at: Option<String>,
    pub last_at: Option<String>,
    pub damaged_ranges: u64,
    pub damaged_bytes: u64,
}

#[derive(Serialize)]
pub struct CommandJson {
    #[serde(flatten)]
    pub name: NameText,
    pub count: u64,
    pub bytes: u64,
}

#[derive(Serialize)]
pub struct PrefixJson {
    #[serde(flatten)]
    pub prefix: PrefixText,
    pub count: u64,
    pub bytes: u64,
}

#[derive(Serialize)]
pub struct KeysJson {
    pub only_a: u64,
    pub only_b: u64,
    pub both: u64,
    pub complete: bool,
    pub rows: Vec<KeyRowJson>,
}

#[derive(Serialize)]
pub struct KeyRowJson {
    pub db: u64,
    #[serde(flatten)]
    pub key: KeyText,
    pub a_commands: u64,
    pub b_commands: u64,
}

#[derive(Serialize)]
pub struct LoadedJson {
    pub by: String,
    pub equal: Option<bool>,
    pub a_keys: u64,
    pub b_keys: u64,
    pub counts_passed: bool,
    pub keys: DifferencesJson,
}
