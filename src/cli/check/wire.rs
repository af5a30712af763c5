//! The shape of what `check --json` prints, and of what `inspect` shares with it.

use aofkit::check::{Problem, SegmentReport};
use serde::Serialize;

use crate::cli::common::loaded::LoadedJson;
use crate::cli::common::members::{FileText, WhatText};
use crate::cli::common::running::RunningJson;
use crate::cli::common::wire::{Each, ModuleJson, NeededJson, OutlierJson, Source};

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
    #[serde(flatten)]
    pub what: WhatText,
    pub count: u64,
    #[serde(flatten)]
    pub file: FileText,
    pub offset: u64,
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
    pub not_looked_at: &'a [&'static str],
    pub check_aof: CheckAofJson,
    pub size_bytes: u64,
    pub ok_bytes: u64,
    pub base_saved_at: Option<String>,
    pub increments_begin_at: Option<String>,
    pub segments: Each<'a, SegmentReport, SegmentJson>,
}

#[derive(Serialize)]
pub struct SegmentJson {
    #[serde(flatten)]
    pub file: FileText,
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
    #[serde(flatten)]
    pub file: FileText,
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
    pub likely_commands: Option<u64>,
    pub if_truncated_commands: u64,
}

#[derive(Serialize)]
pub struct CheckJson<'a> {
    #[serde(flatten)]
    pub head: Head<'a>,
    pub server: Option<RunningJson>,
    pub loaded: Option<LoadedJson>,
    pub problems: Each<'a, Problem, ProblemJson>,
}

#[derive(Serialize)]
pub struct Total {
    pub sets: usize,
    pub healthy: usize,
    pub verdict: &'static str,
    pub size_bytes: u64,
    pub ok_bytes: u64,
    /// Not told beside rows of commands of the same name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commands: Option<u64>,
    pub problems: usize,
    pub outliers: Vec<OutlierJson>,
}
