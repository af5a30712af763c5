//! `inspect` for people: one set on one screen.

use std::path::Path;

use aofkit::aof::{Aof, LeftoverKind};
use aofkit::check::{Problem, RdbFacts, SegmentReport, Severity, Verdict};
use aofkit::growth::Trigger;
use aofkit::stats::{CommandRow, MixReport};
use aofkit::text::{count, name, thousands};
use comfy_table::CellAlignment;

use super::report::{InTotal, Inspected};
use crate::cli::common::beside::first_of;
use crate::cli::common::layout::{FILES, MORE, fitted, wrap};
use crate::cli::common::needs;
use crate::cli::common::sets::overview;
use crate::cli::common::units::{Style, bar, duration, ratio, share, size, time};
use crate::cli::common::verdict::{headline, verdict_lines};
use crate::cli::common::view::View;
use crate::cli::stats::columns::shortened;
use crate::cli::stats::key_space;

/// Commands shown before the rest is summed up.
const COMMANDS: usize = 8;

/// The part of the log that is framing from which on it is told.
const MUCH_OVERHEAD: f64 = 0.5;

/// `inspect` of one set.
pub fn inspect(one: &Inspected, view: &View) -> String {
    let style = view.style;
    let mut text = first_of(&one.report, view);
    text += &(headline(&one.aof, &one.report, style) + "\n");
    text += &files(one, view);
    text += &needs::needs(&one.report.needs_modules, &one.report.modules, style, "");
    if let Some(growth) = &one.growth {
        text += &format!("\n{}\n{}", style.bold("growth"), growth_lines(growth, &one.aof, style));
    }
    text += &base(one, style);
    text += &commands(&one.mix, style);
    text += &crate::cli::stats::keys::in_short(&one.keys, &one.deletes, &one.aof, style);
    text += &slots(one, style);
    text += &leftovers(&one.aof, style);
    text += &health(one, view);
    text
}

/// The slots of a cluster that the log has keys of, against those of its node.
fn slots(one: &Inspected, style: Style) -> String {
    let Some(slots) = one.slots else { return String::new() };
    let owned = match slots.owned {
        Some(owned) => format!("{} its own by nodes.conf", thousands(owned.into())),
        None => "its own are not known".to_owned(),
    };
    let outside = match slots.outside {
        0 => "no key of another's".to_owned(),
        more => format!(
            "{} of others ({}): `aofkit stats --by slot` names them",
            count(more, "slot"),
            size(slots.outside_bytes)
        ),
    };
    let told = format!("{} in the log, {owned}, {outside}", count(slots.in_use, "slot"));
    format!("\n{}\n{}\n", style.bold("cluster"), wrap(&told, style.width, "  "))
}

/// `inspect` of several sets.
pub fn inspects(path: &Path, all: &[Inspected], total: Option<&InTotal>, view: &View) -> String {
    let mut text = overview(path, all.iter().map(Inspected::row), view);
    if let Some(total) = total {
        text += &in_total(total, view.style);
    }
    if !view.quiet {
        text += &view.style.dim("`aofkit inspect` on one of them shows all of it");
        text += "\n";
    }
    text
}

/// Commands and families of keys that are named of all sets together.
const NAMED: usize = 5;

/// What fills the logs of all sets together.
fn in_total(total: &InTotal, style: Style) -> String {
    let of = total.mix.totals.command_bytes;
    let named = |what: &str, rows: Vec<(String, u64)>| {
        let row = |(name, bytes): &(String, u64)| format!("{name} {}", share(*bytes, of));
        let rows: Vec<_> = rows.iter().take(NAMED).map(row).collect();
        if rows.is_empty() {
            return String::new();
        }
        wrap(&format!("{what}: {}", rows.join(", ")), style.width, "") + "\n"
    };
    let commands = total.mix.commands.iter().map(|row| (shortened(&row.name, 22), row.bytes));
    let prefixes = total.keys.prefixes.iter().flatten().filter(|row| row.prefix != b"*");
    let prefixes = prefixes.map(|row| (shortened(&row.prefix, 30), row.bytes));
    named("commands", commands.collect()) + &named("prefixes", prefixes.collect())
}

/// Columns of the list of files that may go, the first of these first, before anything is wrapped: what they
/// say is known from the sizes or stands in a segment's name.
const DISPENSABLE: [&str; 3] = ["SHARE", "SEQ", "FORMAT"];

fn files(one: &Inspected, view: &View) -> String {
    use CellAlignment::{Left, Right};
    let mut head = vec![
        ("FILE", Left),
        ("ROLE", Left),
        ("SEQ", Right),
        ("FORMAT", Left),
        ("SIZE", Right),
        ("SHARE", Right),
        ("COMMANDS", Right),
        ("TIME (#TS)", Left),
    ];
    fitted(view.style, &mut head, file_rows(one, view.verbose), &DISPENSABLE)
}

fn file_rows(one: &Inspected, every: bool) -> Vec<Vec<String>> {
    let all = &one.report.segments;
    let hidden = if every { 0 } else { all.len().saturating_sub(FILES) };
    let shown_first = FILES / 2;
    let mut rows = Vec::new();
    for (place, segment) in all.iter().enumerate() {
        if hidden > 0 && place == shown_first {
            let between = &all[shown_first..shown_first + hidden];
            let bytes = between.iter().filter_map(|s| s.size_bytes).sum();
            let mut row = vec![String::new(); 8];
            row[0] = format!("{MORE} {} more", thousands(hidden as u64));
            row[4] = size(bytes);
            row[5] = share(bytes, one.report.size_bytes);
            rows.push(row);
        }
        if hidden == 0 || place < shown_first || place >= shown_first + hidden {
            rows.push(file_row(segment, one.report.size_bytes).to_vec());
        }
    }
    rows
}

fn file_row(segment: &SegmentReport, total: u64) -> [String; 8] {
    let facts = segment.facts.as_ref();
    let dash = || "-".to_owned();
    let span = match facts.map(|f| (f.first_ts(), f.last_ts())) {
        Some((Some(first), Some(last))) if first == last => time(first),
        Some((Some(first), Some(last))) => {
            let seconds = last.saturating_sub(first);
            format!("{} {}{}", time(first), if seconds < 0 { "" } else { "+" }, duration(seconds))
        }
        _ => dash(),
    };
    let size_text = segment.size_bytes.map_or_else(|| "missing".to_owned(), size);
    [
        name(&segment.name),
        segment.role.as_str().to_owned(),
        segment.seq.map_or_else(dash, |seq| seq.to_string()),
        facts.map_or_else(dash, |f| f.format.as_str().to_owned()),
        size_text,
        facts.map_or_else(dash, |f| share(f.len, total)),
        facts.map_or_else(dash, |f| thousands(f.commands)),
        span,
    ]
}

fn growth_lines(growth: &Trigger, aof: &Aof, style: Style) -> String {
    let mut line = format!(
        "{} of increments over a base of {}: ",
        size(growth.current_bytes - growth.base_bytes),
        size(growth.base_bytes)
    );
    line += &match growth.base_bytes {
        0 => "no base to compare with".to_owned(),
        _ => format!("{} %", thousands(growth.percent())),
    };
    let mut text = wrap(&line, style.width, "  ") + "\n";
    let source = if aof.configured { "as configured" } else { "server defaults" };
    let rule =
        format!("at {} % and above {} ({source})", growth.percentage, size(growth.min_size_bytes));
    let current = growth.current_bytes;
    text += &match growth.rewrite_at_bytes() {
        None => {
            wrap("never rewritten by itself: auto-aof-rewrite-percentage is 0", style.width, "  ")
        }
        Some(at) if growth.is_due() => {
            wrap(&format!("next rewrite: due since {}, {rule}", size(at)), style.width, "  ")
        }
        Some(at) => {
            let left = size(growth.remaining_bytes().unwrap_or(0));
            let bar = bar(current, at, 16);
            let line = format!("  next rewrite: ▕{bar}▏ {left} to go until {}", size(at));
            // The bar has blanks in it, so the line is not for `wrap`.
            format!("{line},\n{}", wrap(&rule, style.width, "    "))
        }
    };
    text + "\n"
}

/// What the RDB part says of itself.
fn base(one: &Inspected, style: Style) -> String {
    let with_rdb =
        one.report.segments.iter().find_map(|s| Some((s, s.facts.as_ref()?.rdb.as_ref()?)));
    let Some((segment, rdb)) = with_rdb else { return resp_base(one, style) };
    let mut parts = Vec::new();
    if let Some(header) = rdb.header() {
        parts.push(format!("RDB version {}", header.version));
    }
    match rdb {
        RdbFacts::Whole(walked) => {
            parts.push(format!("checksum {}", walked.checksum.as_str()));
            let expiring = match walked.outcome.expires {
                0 => String::new(),
                n => format!(" ({} with an expiry)", thousands(n)),
            };
            parts.push(count(walked.outcome.keys, "key") + &expiring);
        }
        RdbFacts::Broken(_) => parts.push("broken, keys not counted".to_owned()),
    }
    let fields = rdb.fields();
    if let Some(seconds) = fields.created_s() {
        parts.push(format!("saved {}", time(seconds)));
    }
    if let Some(bytes) = fields.used_memory_bytes() {
        parts.push(format!("server memory then {}", size(bytes)));
    }
    let others: Vec<_> = fields.iter().filter(|(field, _)| !is_shown(field)).collect();
    parts.extend(others.iter().map(|(field, value)| {
        format!("{} {}", aofkit::text::escape(field), aofkit::text::escape(value))
    }));
    let line = format!("{}: {}", name(&segment.name), parts.join(", "));
    let keys = key_space::text(&one.key_space, style, one.redact);
    format!("\n{}\n{}\n{keys}", style.bold("base"), wrap(&line, style.width, "  "))
}

/// The same of a base that is no RDB.
fn resp_base(one: &Inspected, style: Style) -> String {
    if one.key_space.keys == 0 {
        return String::new();
    }
    let keys = key_space::text(&one.key_space, style, one.redact);
    let title = style.bold("base");
    format!("\n{title}  {} as commands\n{keys}", count(one.key_space.keys, "key"))
}

/// Auxiliary fields that are told elsewhere on the screen.
fn is_shown(field: &[u8]) -> bool {
    [&b"redis-ver"[..], b"valkey-ver", b"ctime", b"used-mem"].contains(&field)
}

fn commands(mix: &MixReport, style: Style) -> String {
    let totals = &mix.totals;
    if totals.resp_bytes == 0 {
        return String::new();
    }
    let mut summary = vec![
        format!("{} in {}", count(totals.commands, "command"), size(totals.command_bytes)),
        count(totals.transactions, "transaction"),
    ];
    if totals.annotations > 0 {
        summary.push(count(totals.annotations, "annotation"));
    }
    // Small values, transactions of one command: where most of the log says nothing, that is worth a word.
    let overhead = ratio(totals.overhead_bytes(), totals.resp_bytes);
    if overhead >= MUCH_OVERHEAD {
        summary.push(format!("{:.0} % framing", overhead * 100.0));
    }
    if totals.unparsed_bytes > 0 {
        summary.push(style.bad(&format!("{} unparsed", size(totals.unparsed_bytes))));
    }
    let mut text = format!("\n{}  {}\n", style.bold("commands"), summary.join(", "));
    let shown = &mix.commands[..mix.commands.len().min(COMMANDS)];
    text += &command_rows(shown, totals.command_bytes, style);
    let rest = &mix.commands[shown.len()..];
    if !rest.is_empty() {
        let bytes = rest.iter().map(|row| row.bytes).sum();
        text += &format!("  {} more, {}\n", count(rest.len() as u64, "command"), size(bytes));
    }
    text + &databases(mix, style)
}

/// A row for each command, its bar as long as the screen allows.
fn command_rows(shown: &[CommandRow], total: u64, style: Style) -> String {
    const BAR: std::ops::RangeInclusive<usize> = 4..=20;
    // Blanks, share and the two sizes.
    const REST: usize = 2 + 2 + 1 + 7 + 2 + 10 + 2 + 3 + 10;
    let widest = |text: &dyn Fn(&CommandRow) -> String| {
        shown.iter().map(|row| text(row).chars().count()).max().unwrap_or(0)
    };
    let names = widest(&|row| name_of(&row.name));
    let counts = widest(&|row| thousands(row.count));
    let left = style.width.saturating_sub(names + counts + REST);
    let columns = left.clamp(*BAR.start(), *BAR.end());
    let row = |row: &CommandRow| {
        format!(
            "  {:<names$}  {} {:>7}  {:>10}  {:>counts$} x {}\n",
            name_of(&row.name),
            bar(row.bytes, total, columns),
            share(row.bytes, total),
            size(row.bytes),
            thousands(row.count),
            size(row.bytes / row.count.max(1))
        )
    };
    shown.iter().map(row).collect()
}

/// A command's name, cut so that a name of noise does not tear the columns.
fn name_of(raw: &[u8]) -> String {
    const WIDEST: usize = 24;
    let full = aofkit::text::escape(raw);
    match full.chars().count() {
        0..=WIDEST => full,
        _ => full.chars().take(WIDEST - 1).chain(['…']).collect(),
    }
}

fn databases(mix: &MixReport, style: Style) -> String {
    const SHOWN: usize = 8;
    let total = mix.totals.command_bytes;
    let mut rows = mix.databases.clone();
    rows.sort_by_key(|row| std::cmp::Reverse(row.bytes));
    let mut parts: Vec<_> = rows
        .iter()
        .take(SHOWN)
        .map(|row| {
            format!("db{} {} ({})", row.db, count(row.commands, "command"), share(row.bytes, total))
        })
        .collect();
    if rows.len() > SHOWN {
        parts.push(format!("{} more", rows.len() - SHOWN));
    }
    format!("\n{}\n{}\n", style.bold("databases"), wrap(&parts.join(", "), style.width, "  "))
}

fn leftovers(aof: &Aof, style: Style) -> String {
    const SHOWN: usize = 4;
    if aof.leftovers.is_empty() {
        return String::new();
    }
    let bytes = aof.leftovers.iter().map(|l| l.len).sum();
    let mut text = format!(
        "\n{}  {}, {} no server will load\n",
        style.bold("leftovers"),
        count(aof.leftovers.len() as u64, "file"),
        size(bytes)
    );
    for leftover in aof.leftovers.iter().take(SHOWN) {
        let what = match leftover.kind {
            LeftoverKind::Orphan => "not in the manifest",
            LeftoverKind::History => "history",
            LeftoverKind::Temporary => "temporary",
            LeftoverKind::OldSingleFile => "pre-7.0 file",
            LeftoverKind::Kept => "kept for `aofkit repair --undo`",
        };
        let file = name(leftover.path.as_os_str().as_encoded_bytes());
        text += &format!("  {:>10}  {what}: {file}\n", size(leftover.len));
    }
    if aof.leftovers.len() > SHOWN {
        text +=
            &format!("  and {} more; `aofkit check -v` lists them\n", aof.leftovers.len() - SHOWN);
    }
    text
}

/// How it is, the worst of what is wrong, and the next command.
fn health(one: &Inspected, view: &View) -> String {
    let style = view.style;
    let mut text = format!("\n{}\n", style.bold("health"));
    text += &verdict_lines(&one.report, style, "  ");
    let is_told = |p: &&Problem| p.severity >= Severity::Warning && !p.comes_first();
    let telling = one.report.problems.iter().filter(is_told);
    let most = if view.verbose { usize::MAX } else { 3 };
    for problem in telling.clone().take(most) {
        let label = problem.kind.as_str();
        let place = problem.file.as_deref().map(|file| format!(" {}", name(file)));
        let line = format!("{label}{}: {}", place.unwrap_or_default(), problem.message);
        text += &format!("{}\n", wrap(&line, style.width, "  "));
    }
    let more = telling.clone().count().saturating_sub(most);
    if more > 0 {
        text += &format!("  and {}; see `aofkit check`\n", count(more as u64, "more problem"));
    }
    let advice = telling.filter(|p| p.severity == Severity::Error).find_map(|p| p.next.clone());
    if let Some(next) = advice {
        text += &format!("  {} {next}\n", style.bold("next:"));
    } else if one.report.verdict == Verdict::Healthy && !view.quiet {
        let note = "a byte changed inside a value cannot be seen: commands carry no checksum";
        text += &format!("  {}\n", style.dim(note));
    }
    text
}
