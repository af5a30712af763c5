//! Tables of `stats` about the base: types, and its biggest keys.

use aofkit::stats::{BigKey, KeySpaceReport, MemoryServer};
use aofkit::text::thousands;
use comfy_table::CellAlignment::{self, Left, Right};

use super::columns::{shortened, title};
use super::key_space::beside_types;
use crate::cli::common::layout::fitted;
use crate::cli::common::units::{Style, duration, share, size};

/// What a figure is told as that is not known.
const UNKNOWN: &str = "-";

/// Columns that a narrow screen goes without, the first of these first.
const DISPENSABLE: [&str; 4] = ["ITS KEY", "LARGEST", "ENCODING", "DB"];

/// Types and encodings of the values in the base.
pub fn types(base: Option<&KeySpaceReport>, style: Style) -> String {
    let Some(base) = base else { return String::new() };
    let all = &base.types;
    let of = all.iter().map(|row| row.bytes).sum();
    let mut head = vec![
        ("TYPE", Left),
        ("ENCODING", Left),
        ("SHARE", Right),
        ("BYTES", Right),
        ("MEMORY", Right),
        ("KEYS", Right),
        ("ELEMENTS", Right),
        ("LARGEST", Right),
        ("ITS KEY", Left),
    ];
    let row = |row: &aofkit::stats::TypeRow| {
        vec![
            row.type_name.to_string(),
            row.encoding.to_owned(),
            share(row.bytes, of),
            size(row.bytes),
            row.memory.and_then(|sum| sum.whole()).map_or_else(|| UNKNOWN.to_owned(), size),
            thousands(row.keys),
            thousands(row.elements) + if row.uncounted > 0 { "+" } else { "" },
            size(row.largest_bytes),
            shortened(&row.largest_key, style.width.saturating_sub(86)),
        ]
    };
    let rows = drop_unknown(&mut head, all.iter().map(row).collect());
    title("types of values in the base", &note(base), style)
        + &fitted(style, &mut head, rows, &DISPENSABLE)
        + &beside_types(base, style)
}

/// What bytes mean, and memory.
fn note(base: &KeySpaceReport) -> String {
    let Some(server) = base.memory_server else { return "bytes on disk".to_owned() };
    format!("bytes on disk; memory as MEMORY USAGE of {} tells it, about", name(&server))
}

fn name(server: &MemoryServer) -> String {
    let (major, minor) = server.version;
    format!("{} {major}.{minor}", server.family.name())
}

/// Goes without the columns in which nothing is known.
fn drop_unknown(
    head: &mut Vec<(&str, CellAlignment)>,
    mut rows: Vec<Vec<String>>,
) -> Vec<Vec<String>> {
    for at in (0..head.len()).rev() {
        let may_go = ["MEMORY", "IDLE", "FREQ"].contains(&head[at].0);
        if may_go && rows.iter().all(|row| row[at] == UNKNOWN) {
            head.remove(at);
            rows.iter_mut().for_each(|row| drop(row.remove(at)));
        }
    }
    rows
}

/// The biggest keys of the base, by bytes, by elements and by memory.
pub fn biggest_of_base(base: Option<&KeySpaceReport>, style: Style) -> String {
    let Some(base) = base.filter(|base| base.keys > 0) else { return String::new() };
    let lists = [
        ("biggest keys of the base", &base.biggest_by_bytes),
        ("keys of the base with most elements", &base.biggest_by_elements),
        ("keys of the base that take most memory", &base.biggest_by_memory),
    ];
    let mut text = String::new();
    for (place, (what, keys)) in lists.iter().enumerate().filter(|(_, (_, keys))| !keys.is_empty())
    {
        let note = if place == 2 { note(base) } else { String::new() };
        text += &(title(what, &note, style) + &big_keys(keys, style));
    }
    text
}

fn big_keys(keys: &[BigKey], style: Style) -> String {
    let mut head = vec![
        ("KEY", Left),
        ("DB", Right),
        ("TYPE", Left),
        ("ENCODING", Left),
        ("BYTES", Right),
        ("MEMORY", Right),
        ("ELEMENTS", Right),
        ("IDLE", Right),
        ("FREQ", Right),
    ];
    let told = |figure: Option<String>| figure.unwrap_or_else(|| UNKNOWN.to_owned());
    let row = |big: &BigKey| {
        let cut = if big.key_len > big.key.len() as u64 { "…" } else { "" };
        vec![
            shortened(&big.key, style.width.saturating_sub(54)) + cut,
            big.db.to_string(),
            big.type_name.to_string(),
            big.encoding.to_owned(),
            size(big.bytes),
            told(big.memory_bytes.map(size)),
            told(big.elements.map(thousands)),
            told(big.idle_s.map(|seconds| duration(seconds.cast_signed()))),
            told(big.frequency.map(|counter| counter.to_string())),
        ]
    };
    let rows = drop_unknown(&mut head, keys.iter().map(row).collect());
    fitted(style, &mut head, rows, &DISPENSABLE)
}
