//! `stats` for people.

use crate::cli::stats::columns::{shortened, title, weight};
use aofkit::stats::{HyperLogLog, KeyReport, KeySpaceReport, MixReport, Totals};
use aofkit::text::{count, name, thousands};
use comfy_table::CellAlignment::{Left, Right};

use super::args::By;
use super::base::{biggest_of_base, types};
use super::deletes;
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
        (By::Key, Some(keys)) => heaviest(keys, of, style) + &biggest_of_base(base, style),
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
    let groups = wrap(&groups, style.width, "  ") + "\n" + &framing(&mix.totals, style);
    title("commands", "", style) + &laid_out(&mut rows) + &rest + &groups
}

/// What the bytes of the log are for.
fn framing(totals: &Totals, style: Style) -> String {
    if totals.resp_bytes == 0 {
        return String::new();
    }
    let framing = &totals.framing;
    let all = [
        ("names and arguments", framing.payload_bytes),
        ("lengths and line ends around them", framing.resp_bytes),
        ("SELECT", framing.select_bytes),
        ("MULTI and EXEC", framing.transaction_bytes),
        ("#TS", totals.annotation_bytes),
        ("unreadable", totals.unparsed_bytes),
    ];
    let told = all.iter().filter(|(_, bytes)| *bytes > 0);
    let told = told.map(|(what, bytes)| format!("{what} {}", share(*bytes, totals.resp_bytes)));
    let line = format!("bytes of the log: {}", told.collect::<Vec<_>>().join(", "));
    wrap(&line, style.width, "  ") + "\n"
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
