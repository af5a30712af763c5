//! `audit` as scripts see it.

use serde::Serialize;

use crate::cli::common::members::{FileText, PathText};

#[derive(Serialize)]
pub struct AuditJson {
    pub schema: &'static str,
    pub tool_version: &'static str,
    pub source: SourceJson,
    pub target: Option<String>,
    pub findings: Vec<FindingJson>,
    pub total: TotalJson,
}

#[derive(Serialize)]
pub struct SourceJson {
    pub sets: Vec<PathText>,
    pub conf: Option<PathText>,
    pub more_confs: Vec<PathText>,
    pub server: Option<String>,
    pub settings_withheld: Option<String>,
    pub repository: Option<PathText>,
    pub parameter_groups: Vec<PathText>,
    pub sentinel_confs: Vec<PathText>,
}

#[derive(Serialize)]
pub struct FindingJson {
    pub rule: &'static str,
    pub name: &'static str,
    pub group: &'static str,
    pub severity: &'static str,
    pub title: &'static str,
    pub why: &'static str,
    pub seen: String,
    pub place: PlaceJson,
    pub fix: Vec<FixJson>,
}

#[derive(Serialize)]
pub struct PlaceJson {
    pub kind: &'static str,
    #[serde(flatten)]
    pub file: FileText,
    pub line: Option<u64>,
    pub server: Option<String>,
    pub setting: Option<String>,
}

#[derive(Serialize)]
pub struct FixJson {
    pub kind: &'static str,
    pub text: String,
}

#[derive(Serialize)]
pub struct TotalJson {
    pub errors: usize,
    pub warnings: usize,
    pub infos: usize,
    pub ignored: usize,
}
