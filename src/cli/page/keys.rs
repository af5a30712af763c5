//! Commands, keys, values, expiries and deletions.

use aofkit::stats::{BigKey, CommandRow, KeyRow, TypeRow};
use aofkit::text::{count, escape, size};

use super::parts::{Cell, Fact, Section, Table, clipped};
use super::seen::Seen;
use crate::cli::common::units::{share, time};

/// Rows of a table at most.
const ROWS: usize = 15;
const KEYS: usize = 10;

/// Characters of a key at most.
const KEY: usize = 80;

/// The mix of commands.
pub fn commands(seen: &Seen) -> Section {
    let mut section = Section::new("Commands");
    let totals = &seen.mix.totals;
    if seen.mix.commands.is_empty() {
        section.lead.push("The log holds no commands.".to_owned());
        return section;
    }
    let row = |row: &CommandRow| {
        vec![
            Cell::text(clipped(&escape(&row.name), 40)),
            Cell::text(row.group.unwrap_or("unknown")),
            Cell::size(row.bytes).of(totals.command_bytes),
            Cell::count(row.count),
            Cell::size(row.bytes / row.count.max(1)),
            Cell::size(row.largest_bytes),
        ]
    };
    let head = [
        ("Command", false),
        ("Group", false),
        ("Bytes", true),
        ("Count", true),
        ("Mean", true),
        ("Largest", true),
    ];
    let rows = seen.mix.commands.iter().take(ROWS).map(row).collect();
    let more = seen.mix.commands.len().saturating_sub(ROWS);
    section.tables.push(Table::new("Commands, the heaviest first", &head, rows).with_more(more));
    let framing = &totals.framing;
    let told = [
        ("Names and arguments", framing.payload_bytes),
        ("Lengths and line ends around them", framing.resp_bytes),
        ("SELECT", framing.select_bytes),
        ("MULTI and EXEC", framing.transaction_bytes),
        ("Timestamps (#TS)", totals.annotation_bytes),
        ("Unreadable", totals.unparsed_bytes),
    ];
    let told = told.iter().filter(|(_, bytes)| *bytes > 0);
    let rows =
        told.map(|(what, bytes)| vec![Cell::text(*what), Cell::size(*bytes).of(totals.resp_bytes)]);
    let head = [("Bytes of the log are", false), ("Bytes", true)];
    section
        .tables
        .push(Table::new("What the bytes of the log are for", &head, rows.collect()).folded());
    section
}

/// The keys that stand out.
pub fn keys(seen: &Seen) -> Section {
    let mut section = Section::new("Keys that stand out");
    let keys = &seen.keys;
    let lists = [
        ("Keys with most bytes of commands", keys.keys.as_deref()),
        ("Keys written most often", keys.most_often.as_deref()),
    ];
    for (caption, rows) in lists {
        if let Some(rows) = rows.filter(|rows| !rows.is_empty()) {
            section.tables.push(written(caption, rows, seen));
        }
    }
    let lists = [
        ("Biggest keys of the base, by bytes", &seen.base.biggest_by_bytes),
        ("Keys of the base with most elements", &seen.base.biggest_by_elements),
    ];
    for (caption, rows) in lists {
        if !rows.is_empty() {
            section.tables.push(biggest(caption, rows));
        }
    }
    if section.tables.is_empty() {
        section.lead.push("There are no keys in the log, and none in the base.".to_owned());
    }
    section
}

fn written(caption: &str, rows: &[KeyRow], seen: &Seen) -> Table {
    let row = |row: &KeyRow| {
        let cut = if row.is_cut { "…" } else { "" };
        let about = if row.error_bytes > 0 { "at most " } else { "" };
        let mut bytes = Cell::size(row.bytes).of(seen.mix.totals.command_bytes);
        bytes.text = format!("{about}{}", bytes.text);
        vec![
            Cell::text(clipped(&escape(&row.key), KEY) + cut),
            Cell::count(row.db),
            bytes,
            Cell::count(row.commands),
            row.base_bytes.map_or_else(|| Cell::text("–"), Cell::size),
            Cell::text(row.written.last().map_or_else(|| "–".to_owned(), time)),
        ]
    };
    let head = [
        ("Key", false),
        ("Database", true),
        ("Bytes of commands", true),
        ("Commands", true),
        ("Bytes in the base", true),
        ("Last write", false),
    ];
    Table::new(caption, &head, rows.iter().take(KEYS).map(row).collect())
}

fn biggest(caption: &str, rows: &[BigKey]) -> Table {
    let row = |big: &BigKey| {
        let cut = if big.key_len > big.key.len() as u64 { "…" } else { "" };
        vec![
            Cell::text(clipped(&escape(&big.key), KEY) + cut),
            Cell::count(big.db),
            Cell::text(format!("{} ({})", big.type_name, big.encoding)),
            Cell::size(big.bytes),
            big.elements.map_or_else(|| Cell::text("–"), Cell::count),
        ]
    };
    let head = [
        ("Key", false),
        ("Database", true),
        ("Type", false),
        ("Bytes on disk", true),
        ("Elements", true),
    ];
    Table::new(caption, &head, rows.iter().take(KEYS).map(row).collect())
}

/// What the base holds.
pub fn values(seen: &Seen) -> Option<Section> {
    let base = &seen.base;
    if !seen.has_base_keys() {
        return None;
    }
    let mut section = Section::new("Values of the base");
    let row = |row: &TypeRow| {
        vec![
            Cell::text(clipped(&row.type_name, 40)),
            Cell::text(row.encoding),
            Cell::size(row.bytes).of(base.bytes),
            Cell::count(row.keys),
            Cell::count(row.elements),
            Cell::size(row.bytes / row.keys.max(1)),
            Cell::size(row.largest_bytes),
        ]
    };
    let head = [
        ("Type", false),
        ("Encoding", false),
        ("Bytes on disk", true),
        ("Keys", true),
        ("Elements", true),
        ("Mean key", true),
        ("Largest key", true),
    ];
    section.tables.push(Table::new(
        "Types and sizes",
        &head,
        base.types.iter().take(ROWS).map(row).collect(),
    ));
    if base.is_partial {
        section.notes.push("The base could not be read to its end: it holds more.".to_owned());
    }
    Some(section)
}

/// What expires, and what was deleted.
pub fn endings(seen: &Seen) -> Section {
    let mut section = Section::new("Expiries and deletions");
    let (deletes, expiry) = (&seen.deletes, &seen.base.expiry);
    let at = |ms: Option<i64>| {
        Cell::text(ms.map_or_else(|| "–".to_owned(), |ms| time(ms.div_euclid(1000))))
    };
    if seen.has_base_keys() {
        let part = share(expiry.keys, seen.base.keys);
        section.facts.push(Fact::new(
            "Keys of the base that expire",
            Cell::count(expiry.keys),
            part,
        ));
        if let Some(past) = expiry.past.filter(|past| *past > 0) {
            let note = "they are gone at the next load or rewrite";
            section.facts.push(Fact::new("of these, expired already", Cell::count(past), note));
        }
        if expiry.keys > 0 {
            section.facts.push(Fact::new("The first expires", at(expiry.soonest_ms), ""));
            section.facts.push(Fact::new("The last expires", at(expiry.latest_ms), ""));
        }
    }
    let told = [
        ("Commands that set an expiry", deletes.expires, ""),
        (
            "Keys deleted",
            deletes.keys,
            "by DEL and UNLINK; the log does not say which of them expired",
        ),
        ("of these, in transactions", deletes.in_transactions, ""),
        (
            "of these, certainly by clients",
            deletes.by_clients,
            "several keys in one command, or small letters",
        ),
        ("FLUSHALL and FLUSHDB", deletes.flushes, ""),
    ];
    for (name, n, note) in told {
        section.facts.push(Fact::new(name, Cell::count(n), note));
    }
    section.facts.push(Fact::new("Bytes of deletions in the log", Cell::size(deletes.bytes), ""));
    if !deletes.storms.is_empty() {
        let storms = count(deletes.storms.len() as u64, "storm");
        section.notes.push(format!("{storms} of deletions: they are named under growth."));
    }
    let rows: Vec<_> = deletes
        .prefixes
        .iter()
        .take(KEYS)
        .map(|row| {
            vec![
                Cell::text(clipped(&escape(&row.prefix), KEY)),
                Cell::count(row.keys).of(deletes.keys),
            ]
        })
        .collect();
    if !rows.is_empty() {
        let head = [("Prefix", false), ("Keys deleted", true)];
        section.tables.push(Table::new("Deleted keys by prefix", &head, rows));
    }
    section
}

/// The heaviest command, for the top of a page.
pub fn heaviest(seen: &Seen) -> Option<String> {
    let row = seen.mix.commands.first()?;
    let part = share(row.bytes, seen.mix.totals.command_bytes);
    Some(format!("{}: {} ({part})", clipped(&escape(&row.name), 30), size(row.bytes)))
}
