//! Who deletes and expires, for scripts.

use aofkit::aof::Aof;
use aofkit::stats::{DeleteReport, DeletedRow, Flush, Storm};
use serde::Serialize;

use crate::cli::common::members::{FileText, PrefixText, text};
use crate::cli::common::units::time;

#[derive(Serialize)]
pub struct DeletesJson {
    del: u64,
    unlink: u64,
    bytes: u64,
    keys: u64,
    by_clients: u64,
    in_transactions: u64,
    by_anybody: u64,
    expires: u64,
    flushes: u64,
    last_flushes: Vec<FlushJson>,
    storms: Vec<StormJson>,
    prefixes: Vec<DeletedJson>,
}

#[derive(Serialize)]
struct FlushJson {
    #[serde(flatten)]
    file: FileText,
    offset: u64,
    at: Option<String>,
    db: Option<u64>,
}

#[derive(Serialize)]
struct StormJson {
    #[serde(flatten)]
    file: FileText,
    offset: u64,
    end_offset: u64,
    at: Option<String>,
    records: u64,
    keys: u64,
}

#[derive(Serialize)]
struct DeletedJson {
    #[serde(flatten)]
    prefix: PrefixText,
    keys: u64,
}

/// What was counted. Prefixes were hashed before, where that was asked for.
pub fn deletes(report: &DeleteReport, aof: &Aof) -> DeletesJson {
    DeletesJson {
        del: report.del,
        unlink: report.unlink,
        bytes: report.bytes,
        keys: report.keys,
        by_clients: report.by_clients,
        in_transactions: report.in_transactions,
        by_anybody: report.by_anybody(),
        expires: report.expires,
        flushes: report.flushes,
        last_flushes: report.last_flushes.iter().map(|row| flush(row, aof)).collect(),
        storms: report.storms.iter().map(|row| storm(row, aof)).collect(),
        prefixes: report.prefixes.iter().map(deleted).collect(),
    }
}

/// The name of a segment, as text or base64.
fn file(segment: usize, aof: &Aof) -> FileText {
    text(aof.segments.get(segment).map_or(&b""[..], |segment| &segment.name)).into()
}

fn flush(row: &Flush, aof: &Aof) -> FlushJson {
    FlushJson { file: file(row.segment, aof), offset: row.at, at: row.time.map(time), db: row.db }
}

fn storm(row: &Storm, aof: &Aof) -> StormJson {
    StormJson {
        file: file(row.segment, aof),
        offset: row.start,
        end_offset: row.end,
        at: row.time.map(time),
        records: row.records,
        keys: row.keys,
    }
}

fn deleted(row: &DeletedRow) -> DeletedJson {
    let prefix = text(&row.prefix);
    DeletedJson { prefix: prefix.into(), keys: row.keys }
}
