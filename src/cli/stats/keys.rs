//! Tables of `stats` about what was written to: prefixes and keys, beside what the base has of them.

use aofkit::aof::Aof;
use aofkit::stats::{DeleteReport, KeyReport, KeyRow, PrefixRow, Written};
use aofkit::text::{count, escape, thousands};
use comfy_table::CellAlignment::{Left, Right};

use super::columns::{shortened, title, weight};
use crate::cli::common::layout::{laid_out, table, wrap};
use crate::cli::common::units::{Style, share, size, time};

/// Columns from which on a table with a base has room for everything.
const ROOMY: usize = 100;

/// Keys shown that were written most often.
const OFTEN: usize = 10;

/// Families of keys, one table for every depth.
pub fn prefixes(keys: &KeyReport, of: u64, style: Style) -> String {
    let all = keys.prefixes.as_deref().unwrap_or_default();
    let has_base = keys.base_keys > 0;
    let is_roomy = style.width >= ROOMY;
    let mut head = vec![("PREFIX", Left)];
    if !has_base {
        head.push(("", Left));
    }
    head.extend([("SHARE", Right), ("BYTES", Right)]);
    if !has_base || is_roomy {
        head.push(("COMMANDS", Right));
    }
    head.push(("KEYS ~", Right));
    if has_base {
        head.extend([("BASE KEYS", Right), ("IN BASE", Right)]);
    }
    let mut text = String::new();
    for depth in all.chunk_by(|a, b| a.depth == b.depth) {
        let mut rows = table(style, &head);
        for row in depth {
            let [bar, share, bytes] = weight(row.bytes, of);
            let mut cells = vec![shortened(&row.prefix, style.width.saturating_sub(62))];
            if !has_base {
                cells.push(bar);
            }
            cells.extend([share, bytes]);
            if !has_base || is_roomy {
                cells.push(thousands(row.commands));
            }
            cells.push(thousands(row.keys_estimate));
            if has_base {
                cells.extend([thousands(row.base_keys), size(row.base_bytes)]);
            }
            rows.add_row(cells);
        }
        let what = match depth.first().and_then(|row| row.depth) {
            Some(depth) => format!("prefixes of {}", count(depth as u64, "word")),
            None => "prefixes".to_owned(),
        };
        text += &title(&what, "* is all else, commands without a key included", style);
        text += &laid_out(&mut rows);
        let times = depth.iter().map(|row| (shortened(&row.prefix, NAME), row.written));
        text += &when_written("PREFIX", times.collect(), style);
    }
    text + &how_often(keys, style)
}

/// Columns of a name beside two times.
const NAME: usize = 34;

/// When rows were first and last written to, where `#TS` annotations tell of any.
fn when_written(what: &str, rows: Vec<(String, Written)>, style: Style) -> String {
    if rows.iter().all(|(_, written)| written.last().is_none()) {
        return String::new();
    }
    let told = |moment: Option<i64>| moment.map_or_else(|| "?".to_owned(), time);
    let mut times = table(style, &[(what, Left), ("FIRST WRITE", Left), ("LAST WRITE", Left)]);
    for (name, written) in rows {
        times.add_row([name, told(written.first()), told(written.last())]);
    }
    let note = "by #TS annotations; ? is not known";
    title("first and last write", note, style) + &laid_out(&mut times)
}

/// The keys most written to, by bytes and by records.
pub fn heaviest(keys: &KeyReport, of: u64, style: Style) -> String {
    let by_bytes = keys.keys.as_deref().unwrap_or_default();
    if by_bytes.is_empty() {
        return title("keys most written to", "there are none", style);
    }
    let note = match keys.threshold_bytes {
        0 => "every key was counted".to_owned(),
        bytes => format!("no key that is missing here got more than {} of its own", size(bytes)),
    };
    let mut text = title("keys most written to", "", style) + &key_table(keys, by_bytes, of, style);
    text += &format!("  {}\n", style.dim(&note));
    let times = by_bytes.iter().map(|row| (shortened(&row.key, NAME), row.written));
    text += &when_written("KEY", times.collect(), style);
    let often = keys.most_often.as_deref().unwrap_or_default();
    let often = &often[..often.len().min(OFTEN)];
    let name = |row: &KeyRow| (row.db, row.key.clone());
    if !often.iter().map(name).eq(by_bytes.iter().take(often.len()).map(name)) {
        text += &(title("keys written most often", "", style) + &key_table(keys, often, of, style));
    }
    if keys.prefixes.is_none() {
        text += &how_often(keys, style);
    }
    text
}

fn key_table(keys: &KeyReport, rows: &[KeyRow], of: u64, style: Style) -> String {
    let has_base = keys.base_keys > 0;
    let mut head = vec![
        ("KEY", Left),
        ("DB", Right),
        ("SHARE", Right),
        ("BYTES", Right),
        ("ERROR", Right),
        ("COMMANDS", Right),
    ];
    if has_base {
        head.push(("IN BASE", Right));
    }
    let mut told = table(style, &head);
    for row in rows {
        let cut = if row.is_cut { "…" } else { "" };
        let error = if row.error_bytes == 0 { "exact".to_owned() } else { size(row.error_bytes) };
        let taken = if has_base { 66 } else { 54 };
        let mut cells = vec![
            shortened(&row.key, style.width.saturating_sub(taken)) + cut,
            row.db.to_string(),
            share(row.bytes, of),
            size(row.bytes),
            error,
            thousands(row.commands),
        ];
        if has_base {
            cells.push(row.base_bytes.map_or_else(|| "?".to_owned(), size));
        }
        told.add_row(cells);
    }
    laid_out(&mut told)
}

/// Prefixes and keys of which most is told in `inspect`.
const IN_SHORT: usize = 3;

/// What was written to and deleted, in a few lines.
pub fn in_short(keys: &KeyReport, deletes: &DeleteReport, aof: &Aof, style: Style) -> String {
    let prefixes = keys.prefixes.as_deref().unwrap_or_default();
    let of = prefixes.iter().map(|row| row.bytes).sum();
    if of == 0 {
        return String::new();
    }
    let of_prefix = |row: &PrefixRow| format!("{} {}", escape(&row.prefix), share(row.bytes, of));
    let of_key = |row: &KeyRow| {
        let cut = if row.is_cut { "…" } else { "" };
        let key = shortened(&row.key, 40) + cut;
        format!("{key} in db{} ({}, {} x)", row.db, size(row.bytes), thousands(row.commands))
    };
    let heaviest = keys.keys.iter().flatten();
    let prefixes: Vec<_> = prefixes.iter().take(IN_SHORT).map(of_prefix).collect();
    let heaviest: Vec<_> = heaviest.take(IN_SHORT).map(of_key).collect();
    let written = match keys.is_exact {
        true => count(keys.keys_estimate, "key"),
        false => format!("about {}", count(keys.keys_estimate, "key")),
    };
    let mut text = format!("\n{}  {written} written to\n", style.bold("keys"));
    let lines =
        [format!("prefixes: {}", prefixes.join(", ")), format!("most: {}", heaviest.join(", "))];
    for line in lines {
        text += &(wrap(&line, style.width, "  ") + "\n");
    }
    text + &crate::cli::stats::deletes::line(deletes, aof, style)
}

/// How many keys were written once, a few times, often.
fn how_often(keys: &KeyReport, style: Style) -> String {
    let told = keys.rewrites.iter().filter(|row| row.keys > 0).map(|row| {
        let times = match (row.times_from, row.times_to) {
            (1, _) => "once and never again".to_owned(),
            (from, Some(to)) => format!("{from} to {to} times"),
            (from, None) => format!("{from} times and more"),
        };
        let error = match row.error_keys {
            0 => String::new(),
            error => format!(" (±{})", thousands(error)),
        };
        format!("{times} {}{error}", thousands(row.keys))
    });
    let told: Vec<_> = told.collect();
    if told.is_empty() {
        return String::new();
    }
    let line = format!("keys by how often they were written: {}", told.join(", "));
    wrap(&line, style.width, "  ") + "\n"
}
