//! `stats` for people.

use crate::cli::stats::columns::{shortened, title, weight};
use aofkit::stats::{HyperLogLog, KeyReport, KeySpaceReport, MixReport};
use aofkit::text::{count, name, thousands};
use comfy_table::CellAlignment::{Left, Right};

use super::args::By;
use super::deletes;
use super::key_space::beside_types;
use super::keys::{heaviest, prefixes};
use super::report::Counted;
use crate::cli::common::layout::{MORE, laid_out, table, wrap};
use crate::cli::common::needs;
use crate::cli::common::units::{Style, share, size};
use crate::cli::common::view::View;

/// One set.
pub fn stats(one: &Counted, view: &View) -> String {
    let style = view.style;
    let path = name(one.aof.path.as_os_str().as_encoded_bytes());
    let mut text = format!("{}\n{}\n", style.bold(&path), wrap(&summary(one), style.width, "  "));
    text += &needs::needs(&one.mix.needs_modules, &[], style, "  ");
    let (keys, base) = (one.keys.as_ref(), one.base.as_ref());
    text += &breakdown(&one.by, &one.mix, keys, base, usize::MAX, style);
    text + &deletes::text(&one.deletes, &one.aof, style)
}

/// A table for each thing that was asked for; of commands the heaviest, at most so many.
pub fn breakdown(
    by: &[By],
    mix: &MixReport,
    keys: Option<&KeyReport>,
    base: Option<&KeySpaceReport>,
    most: usize,
    style: Style,
) -> String {
    let of = mix.totals.command_bytes;
    let table = |by: &By| match (by, keys) {
        (By::Command, _) => commands(mix, most, style),
        (By::Db, _) => databases(mix, base, style),
        (By::Prefix, Some(keys)) => prefixes(keys, of, style),
        (By::Key, Some(keys)) => heaviest(keys, of, style) + &of_base(base, style),
        (By::Slot, Some(keys)) => slots(keys, of, style),
        (By::Type, _) => types(base, style),
        _ => String::new(),
    };
    by.iter().map(table).collect()
}

fn summary(one: &Counted) -> String {
    let totals = &one.mix.totals;
    let mut parts = match one.selected {
        // Which transactions they belonged to is not known of commands that were picked out.
        Some(selected) => vec![
            format!(
                "selected {} of {}",
                thousands(selected.records),
                count(selected.of_records, "command")
            ),
            size(totals.command_bytes),
        ],
        None => vec![
            format!("{} of log", size(totals.resp_bytes)),
            format!("{} in {}", count(totals.commands, "command"), size(totals.command_bytes)),
            count(totals.transactions, "transaction"),
        ],
    };
    if totals.annotations > 0 {
        parts.push(format!("{} of annotations", size(totals.annotation_bytes)));
    }
    if totals.unparsed_bytes > 0 {
        parts.push(format!("{} unreadable", size(totals.unparsed_bytes)));
    }
    if totals.rdb_bytes > 0 {
        parts.push(format!("{} of RDB beside it", size(totals.rdb_bytes)));
    }
    if let Some(ratio) = one.write_amplification() {
        parts.push(format!(
            "write amplification {ratio:.1} (bytes of commands for each byte of the base)"
        ));
    }
    if let Some(keys) = &one.keys {
        let error = HyperLogLog::ERROR * 100.0;
        parts.push(match keys.is_exact {
            true => count(keys.keys_estimate, "key"),
            false => format!("about {} (±{error:.1}%)", count(keys.keys_estimate, "key")),
        });
    }
    parts.join(", ")
}

fn commands(mix: &MixReport, most: usize, style: Style) -> String {
    let of = mix.totals.command_bytes;
    let head = [
        ("COMMAND", Left),
        ("GROUP", Left),
        ("", Left),
        ("SHARE", Right),
        ("BYTES", Right),
        ("COUNT", Right),
        ("MEAN", Right),
        ("LARGEST", Right),
    ];
    let mut rows = table(style, &head);
    for row in mix.commands.iter().take(most) {
        let [bar, share, bytes] = weight(row.bytes, of);
        rows.add_row([
            shortened(&row.name, 22),
            row.group.unwrap_or("unknown").to_owned(),
            bar,
            share,
            bytes,
            thousands(row.count),
            size(row.bytes / row.count.max(1)),
            size(row.largest_bytes),
        ]);
    }
    let groups = mix
        .groups()
        .into_iter()
        .map(|row| format!("{} {}", row.group.unwrap_or("unknown"), share(row.bytes, of)));
    let groups = format!("by group: {}", groups.collect::<Vec<_>>().join(", "));
    let groups = if mix.commands.is_empty() { String::new() } else { groups };
    let rest = match mix.commands.len().saturating_sub(most) {
        0 => String::new(),
        more => format!("{MORE} {} (-v shows them)\n", count(more as u64, "more command")),
    };
    let groups = wrap(&groups, style.width, "  ") + "\n";
    title("commands", "", style) + &laid_out(&mut rows) + &rest + &groups
}

fn databases(mix: &MixReport, base: Option<&KeySpaceReport>, style: Style) -> String {
    let head = [("DB", Right), ("", Left), ("SHARE", Right), ("BYTES", Right), ("COMMANDS", Right)];
    let mut rows = table(style, &head);
    for row in &mix.databases {
        let [bar, share, bytes] = weight(row.bytes, mix.totals.command_bytes);
        rows.add_row([row.db.to_string(), bar, share, bytes, thousands(row.commands)]);
    }
    let base = base.map_or_else(String::new, |base| databases_of_base(base, style));
    title("databases", "", style) + &laid_out(&mut rows) + &base
}

fn databases_of_base(base: &KeySpaceReport, style: Style) -> String {
    if base.keys == 0 {
        return String::new();
    }
    let head = [
        ("DB", Right),
        ("", Left),
        ("SHARE", Right),
        ("BYTES", Right),
        ("KEYS", Right),
        ("EXPIRING", Right),
    ];
    let mut rows = table(style, &head);
    for row in &base.databases {
        let [bar, share, bytes] = weight(row.bytes, base.bytes);
        let db = row.db.map_or_else(|| "others".to_owned(), |db| db.to_string());
        rows.add_row([db, bar, share, bytes, thousands(row.keys), thousands(row.expires)]);
    }
    title("databases of the base", "bytes on disk", style) + &laid_out(&mut rows)
}

/// The biggest keys of the base, by bytes and by elements.
fn of_base(base: Option<&KeySpaceReport>, style: Style) -> String {
    let Some(base) = base.filter(|base| base.keys > 0) else { return String::new() };
    let lists = [
        ("biggest keys of the base", &base.biggest_by_bytes),
        ("keys of the base with most elements", &base.biggest_by_elements),
    ];
    let head = [
        ("KEY", Left),
        ("DB", Right),
        ("TYPE", Left),
        ("ENCODING", Left),
        ("BYTES", Right),
        ("ELEMENTS", Right),
    ];
    let mut text = String::new();
    for (what, keys) in lists {
        let mut rows = table(style, &head);
        for big in keys {
            let cut = if big.key_len > big.key.len() as u64 { "…" } else { "" };
            rows.add_row([
                shortened(&big.key, style.width.saturating_sub(54)) + cut,
                big.db.to_string(),
                big.type_name.to_string(),
                big.encoding.to_owned(),
                size(big.bytes),
                big.elements.map_or_else(|| "-".to_owned(), thousands),
            ]);
        }
        text += &(title(what, "", style) + &laid_out(&mut rows));
    }
    text
}

fn slots(keys: &KeyReport, of: u64, style: Style) -> String {
    let all = keys.slots.as_deref().unwrap_or_default();
    let head =
        [("SLOT", Right), ("", Left), ("SHARE", Right), ("BYTES", Right), ("COMMANDS", Right)];
    let mut rows = table(style, &head);
    for row in all {
        let [bar, share, bytes] = weight(row.bytes, of);
        rows.add_row([row.slot.to_string(), bar, share, bytes, thousands(row.commands)]);
    }
    let note = format!("the heaviest of {} in use", count(keys.slots_used, "slot"));
    title("slots", &note, style) + &laid_out(&mut rows)
}

fn types(base: Option<&KeySpaceReport>, style: Style) -> String {
    let Some(base) = base else { return String::new() };
    let all = &base.types;
    let of = all.iter().map(|row| row.bytes).sum();
    let head = [
        ("TYPE", Left),
        ("ENCODING", Left),
        ("SHARE", Right),
        ("BYTES", Right),
        ("KEYS", Right),
        ("ELEMENTS", Right),
        ("LARGEST", Right),
        ("ITS KEY", Left),
    ];
    let mut rows = table(style, &head);
    for row in all {
        rows.add_row([
            row.type_name.to_string(),
            row.encoding.to_owned(),
            share(row.bytes, of),
            size(row.bytes),
            thousands(row.keys),
            thousands(row.elements) + if row.uncounted > 0 { "+" } else { "" },
            size(row.largest_bytes),
            shortened(&row.largest_key, style.width.saturating_sub(78)),
        ]);
    }
    title("types of values in the base", "bytes on disk", style)
        + &laid_out(&mut rows)
        + &beside_types(base, style)
}
