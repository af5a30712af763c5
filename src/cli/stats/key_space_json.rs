//! The key space of a base, for scripts.

use aofkit::redact::hidden;
use aofkit::stats::{
    BigKey, DatabaseKeys, Frequency, IdleRow, KeySpaceReport, MemorySum, ModuleRow, TypeRow,
};
use aofkit::text::escape;
use serde::Serialize;

use super::key_space::shown_key;
use crate::cli::common::members::{KeyText, LargestKeyText, Text, text};
use crate::cli::common::units::time;

#[derive(Serialize)]
pub struct KeySpaceJson {
    keys: u64,
    bytes: u64,
    databases: Vec<DatabaseKeysJson>,
    types: Vec<TypeJson>,
    expires: u64,
    expired: Option<u64>,
    soonest_expiry_at: Option<String>,
    latest_expiry_at: Option<String>,
    field_expires: u64,
    hashes_with_unseen_field_expires: u64,
    streams: u64,
    stream_groups: u64,
    stream_consumers: u64,
    stream_pending: u64,
    function_libraries: u64,
    mean_idle_seconds: Option<f64>,
    mean_frequency: Option<f64>,
    biggest: Vec<BigKeyJson>,
    most_elements: Vec<BigKeyJson>,
    libraries: Vec<String>,
    modules: Vec<ModuleJson>,
    longest_idle_seconds: Option<u64>,
    idle: Option<Vec<IdleJson>>,
    frequencies: Option<Vec<FrequencyJson>>,
    memory_bytes: Option<u64>,
    memory_unknown_keys: Option<u64>,
    memory_server: Option<String>,
    partial: bool,
}

/// Keys by how long they were not used.
#[derive(Serialize)]
struct IdleJson {
    from_seconds: u64,
    to_seconds: Option<u64>,
    keys: u64,
    bytes: u64,
}

/// Keys by their access counter.
#[derive(Serialize)]
struct FrequencyJson {
    frequency: u8,
    keys: u64,
    bytes: u64,
}

#[derive(Serialize)]
struct DatabaseKeysJson {
    db: Option<u64>,
    keys: u64,
    expires: u64,
    bytes: u64,
}

#[derive(Serialize)]
struct ModuleJson {
    name: String,
    keys: u64,
    bytes: u64,
}

#[derive(Serialize)]
pub struct TypeJson {
    r#type: String,
    encoding: &'static str,
    keys: u64,
    elements: u64,
    bytes: u64,
    #[serde(flatten)]
    largest_key: LargestKeyText,
    largest_bytes: u64,
    memory_bytes: Option<u64>,
}

#[derive(Serialize)]
pub struct BigKeyJson {
    #[serde(flatten)]
    key: KeyText,
    key_bytes: u64,
    db: u64,
    r#type: String,
    encoding: &'static str,
    bytes: u64,
    elements: Option<u64>,
    memory_bytes: Option<u64>,
    idle_seconds: Option<u64>,
    frequency: Option<u8>,
}

/// A key, or the hash in its place, as a string or base64.
fn key(bytes: &[u8], redact: bool) -> Text {
    if redact { text(shown_key(bytes, true).as_bytes()) } else { text(bytes) }
}

/// The first line of a library's source, or the hash in its place.
fn library(line: &[u8], redact: bool) -> String {
    if redact { hidden(line) } else { escape(line) }
}

/// What was counted.
pub fn key_space(report: &KeySpaceReport, redact: bool) -> KeySpaceJson {
    let at = |ms: i64| time(ms.div_euclid(1000));
    KeySpaceJson {
        keys: report.keys,
        bytes: report.bytes,
        databases: report.databases.iter().map(database).collect(),
        types: report.types.iter().map(|row| type_row(row, redact)).collect(),
        expires: report.expiry.keys,
        expired: report.expiry.past,
        soonest_expiry_at: report.expiry.soonest_ms.map(at),
        latest_expiry_at: report.expiry.latest_ms.map(at),
        field_expires: report.field_ttls.fields,
        hashes_with_unseen_field_expires: report.field_ttls.unseen_keys,
        streams: report.streams.keys,
        stream_groups: report.streams.groups,
        stream_consumers: report.streams.consumers,
        stream_pending: report.streams.pending,
        function_libraries: report.libraries_seen,
        mean_idle_seconds: report.idle.mean_s(),
        mean_frequency: report.frequency.mean(),
        biggest: report.biggest_by_bytes.iter().map(|big| big_key(big, redact)).collect(),
        most_elements: report.biggest_by_elements.iter().map(|big| big_key(big, redact)).collect(),
        libraries: report.libraries.iter().map(|line| library(line, redact)).collect(),
        modules: report.modules.iter().map(module).collect(),
        longest_idle_seconds: (report.idle.keys > 0).then_some(report.idle.longest_s),
        idle: (report.idle.keys > 0).then(|| report.idle.rows().iter().map(idle).collect()),
        frequencies: (report.frequency.keys > 0).then(|| frequencies(&report.frequency)),
        memory_bytes: report.memory_server.and_then(|_| report.memory.whole()),
        memory_unknown_keys: report.memory_server.map(|_| report.memory.unknown_keys),
        memory_server: report.memory_server.map(|server| server.to_string()),
        partial: report.is_partial,
    }
}

fn idle(row: &IdleRow) -> IdleJson {
    IdleJson { from_seconds: row.from_s, to_seconds: row.to_s, keys: row.keys, bytes: row.bytes }
}

fn frequencies(all: &Frequency) -> Vec<FrequencyJson> {
    let counted = (0..=u8::MAX).zip(all.by_counter.iter().zip(&all.bytes_by_counter));
    let met = counted.filter(|(_, (keys, _))| **keys > 0);
    met.map(|(frequency, (keys, bytes))| FrequencyJson { frequency, keys: *keys, bytes: *bytes })
        .collect()
}

fn database(row: &DatabaseKeys) -> DatabaseKeysJson {
    DatabaseKeysJson { db: row.db, keys: row.keys, expires: row.expires, bytes: row.bytes }
}

fn module(row: &ModuleRow) -> ModuleJson {
    ModuleJson { name: row.name.clone(), keys: row.keys, bytes: row.bytes }
}

pub fn type_row(row: &TypeRow, redact: bool) -> TypeJson {
    TypeJson {
        r#type: row.type_name.to_string(),
        encoding: row.encoding,
        keys: row.keys,
        elements: row.elements,
        bytes: row.bytes,
        largest_key: key(&row.largest_key, redact).into(),
        largest_bytes: row.largest_bytes,
        memory_bytes: row.memory.and_then(MemorySum::whole),
    }
}

pub fn big_key(big: &BigKey, redact: bool) -> BigKeyJson {
    BigKeyJson {
        key: key(&big.key, redact).into(),
        key_bytes: big.key_len,
        db: big.db,
        r#type: big.type_name.to_string(),
        encoding: big.encoding,
        bytes: big.bytes,
        elements: big.elements,
        memory_bytes: big.memory_bytes,
        idle_seconds: big.idle_s,
        frequency: big.frequency,
    }
}
