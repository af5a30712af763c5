//! What `verify` found, as JSON.

use std::path::Path;

use aofkit::backup::Verified;
use aofkit::redact::hidden;
use aofkit::trial::{Difference, LoadedSnapshot};
use serde::Serialize;

use super::head::{Head, head};
use crate::cli::common::json::pretty;
use crate::cli::common::loaded::{self, ErrorJson};
use crate::cli::common::members::{KeyText, text};

#[derive(Serialize)]
struct VerifyJson {
    #[serde(flatten)]
    head: Head,
    snapshots_checked: u64,
    objects_checked: u64,
    bytes_checked: u64,
    contents_checked_bytes: u64,
    commands_checked: u64,
    unreferenced_objects: u64,
    loaded: Option<Vec<LoadedJson>>,
    problems: Vec<FlawJson>,
}

#[derive(Serialize)]
struct LoadedJson {
    id: String,
    source_name: String,
    loads: Option<bool>,
    keys: u64,
    databases: Vec<DatabaseJson>,
    digest: Option<String>,
    message: Option<String>,
    compared: bool,
    not_compared: Option<&'static str>,
    left_out: u64,
    not_comparable: u64,
    differences: Vec<DifferenceJson>,
    walls_missing: Vec<String>,
    errors: Vec<ErrorJson>,
    errors_unlisted: u64,
}

/// Only two servers that have loaded something can be compared.
const NOT_COMPARED: &str = "not both its files and the commands in them load";

#[derive(Serialize)]
struct DatabaseJson {
    db: u64,
    keys: u64,
}

#[derive(Serialize)]
struct DifferenceJson {
    message: String,
    #[serde(flatten)]
    key: KeyText,
}

fn loaded_json(one: &LoadedSnapshot, redact: bool) -> LoadedJson {
    let difference = |d: &Difference| {
        let shown = |key: &[u8]| if redact { text(hidden(key).as_bytes()) } else { text(key) };
        DifferenceJson { message: d.what.clone(), key: d.key.as_deref().map(shown).into() }
    };
    LoadedJson {
        id: one.id.clone(),
        source_name: one.source.clone(),
        loads: one.loads(),
        keys: one.keys,
        databases: one.databases.iter().map(|(&db, &keys)| DatabaseJson { db, keys }).collect(),
        digest: one.digest.clone(),
        message: one.why.clone().or(one.not_tried.clone()),
        compared: one.compared,
        not_compared: (!one.compared).then_some(NOT_COMPARED),
        left_out: one.left_out,
        not_comparable: one.not_comparable,
        differences: one.differences.iter().map(difference).collect(),
        walls_missing: one.walls_missing.clone(),
        errors: loaded::errors(&one.errors, redact),
        errors_unlisted: one.errors_unlisted,
    }
}

#[derive(Serialize)]
struct FlawJson {
    kind: &'static str,
    severity: &'static str,
    file: String,
    message: String,
    snapshots: Vec<String>,
}

/// `verify`
pub fn verified(
    repository: &Path,
    verified: &Verified,
    loaded: Option<&[LoadedSnapshot]>,
    redact: bool,
) -> String {
    let problems = verified.flaws.iter().map(|flaw| FlawJson {
        kind: flaw.kind.as_str(),
        severity: if flaw.harmless { "warning" } else { "error" },
        file: flaw.key.clone(),
        message: flaw.message.clone(),
        snapshots: flaw.snapshots.clone(),
    });
    pretty(&VerifyJson {
        head: head("aofkit.verify/1", repository),
        snapshots_checked: verified.snapshots_checked,
        objects_checked: verified.objects_checked,
        bytes_checked: verified.bytes_checked,
        contents_checked_bytes: verified.contents_checked,
        commands_checked: verified.commands_checked,
        unreferenced_objects: verified.unreferenced,
        loaded: loaded.map(|all| all.iter().map(|one| loaded_json(one, redact)).collect()),
        problems: problems.collect(),
    })
}
