//! The key space of a base, for people: types, databases, expiries, the biggest keys.

use aofkit::redact::hidden;
use aofkit::stats::{BigKey, KeySpaceReport};
use aofkit::text::{count, escape, thousands};

use crate::cli::common::layout::wrap;
use crate::cli::common::units::{Style, bar, share, size, time};

/// Types shown before the rest is summed up.
const TYPES: usize = 5;

/// Databases shown.
const DATABASES: usize = 8;

/// A key for people: escaped, or a hash in its place.
pub fn shown_key(key: &[u8], redact: bool) -> String {
    if redact { hidden(key) } else { format!("\"{}\"", escape(key)) }
}

/// Types and encodings by bytes on disk, then the rest in a few lines.
pub fn text(report: &KeySpaceReport, style: Style, redact: bool) -> String {
    if report.keys == 0 {
        return String::new();
    }
    let mut text = types(report);
    let mut line = |parts: Vec<String>| {
        if !parts.is_empty() {
            text += &wrap(&parts.join(", "), style.width, "  ");
            text.push('\n');
        }
    };
    line(databases(report));
    line(expiries(report).into_iter().chain(extras(report)).collect());
    let biggest: Vec<_> = report.biggest_by_bytes.iter().take(3).map(|b| big(b, redact)).collect();
    line(vec![format!("biggest: {}", biggest.join(", "))]);
    text
}

/// What is told of the base beside its types, in full.
pub fn beside_types(report: &KeySpaceReport, style: Style) -> String {
    let mut parts: Vec<_> = expiries(report).into_iter().chain(extras(report)).collect();
    if report.streams.consumers > 0 {
        parts.push(count(report.streams.consumers, "stream consumer"));
    }
    if report.idle.keys > 0 {
        parts.push(format!("idle for {} s at most", thousands(report.idle.longest_s)));
        parts.push(idle(report));
    }
    parts.extend(report.frequency.quartiles().map(|[low, middle, high]| {
        format!(
            "access counter up to {low} for a quarter of the keys, {middle} for half, {high} for three"
        )
    }));
    parts.extend(report.libraries.iter().map(|line| format!("library \"{}\"", escape(line))));
    parts.iter().map(|part| wrap(part, style.width, "  ") + "\n").collect()
}

/// How many bytes were not used for how long.
fn idle(report: &KeySpaceReport) -> String {
    /// Seconds, and what people call them.
    const STEPS: [(u64, &str); 5] = [
        (60, "a minute"),
        (3600, "an hour"),
        (86_400, "a day"),
        (7 * 86_400, "a week"),
        (30 * 86_400, "30 days"),
    ];
    let rows = report.idle.rows();
    let of: u64 = rows.iter().map(|row| row.bytes).sum();
    let longer =
        |than: u64| rows.iter().filter(|row| row.from_s >= than).map(|row| row.bytes).sum();
    let told = STEPS.into_iter().map(|(seconds, name)| (name, longer(seconds)));
    let told = told.filter(|(_, bytes)| *bytes > 0);
    let told: Vec<_> = told.map(|(name, bytes)| format!("{name} {}", share(bytes, of))).collect();
    match told.is_empty() {
        true => "all of it was used within a minute".to_owned(),
        false => format!("bytes not used for {} and longer", told.join(", ")),
    }
}

fn types(report: &KeySpaceReport) -> String {
    let mut text = String::new();
    let shown = &report.types[..report.types.len().min(TYPES)];
    let names = || shown.iter().map(|row| format!("{} ({})", row.type_name, row.encoding));
    let widest = names().map(|name| name.chars().count()).max().unwrap_or(0);
    for (row, name) in shown.iter().zip(names()) {
        let elements = match (row.elements, &*row.type_name) {
            (_, "string") | (0, _) => String::new(),
            (n, _) => format!(", {}", count(n, "element")),
        };
        text += &format!(
            "  {name:<widest$}  {} {:>7}  {:>10}  {}{elements}\n",
            bar(row.bytes, report.bytes, 10),
            share(row.bytes, report.bytes),
            size(row.bytes),
            count(row.keys, "key"),
        );
    }
    let rest = &report.types[shown.len()..];
    if !rest.is_empty() {
        let (keys, bytes) = rest.iter().fold((0, 0), |(k, b), row| (k + row.keys, b + row.bytes));
        let kinds = count(rest.len() as u64, "encoding");
        text += &format!("  {kinds} more, {}, {}\n", count(keys, "key"), size(bytes));
    }
    text
}

fn databases(report: &KeySpaceReport) -> Vec<String> {
    let name = |db: Option<u64>| db.map_or_else(|| "others".to_owned(), |db| format!("db{db}"));
    let all = report.databases.iter();
    all.take(DATABASES).map(|row| format!("{} {}", name(row.db), count(row.keys, "key"))).collect()
}

fn expiries(report: &KeySpaceReport) -> Vec<String> {
    let expiry = &report.expiry;
    let seconds = |ms: i64| time(ms.div_euclid(1000));
    let mut parts = Vec::new();
    if expiry.keys > 0 {
        parts.push(format!("{} with an expiry", count(expiry.keys, "key")));
        if let Some(past) = expiry.past.filter(|&past| past > 0) {
            parts.push(format!("{} of them past", thousands(past)));
        }
        parts.extend(expiry.soonest_ms.map(|ms| format!("soonest {}", seconds(ms))));
        parts.extend(expiry.latest_ms.map(|ms| format!("latest {}", seconds(ms))));
    }
    let fields = &report.field_ttls;
    if fields.fields > 0 {
        parts.push(format!("{} with an expiry", count(fields.fields, "hash field")));
    }
    parts
}

fn extras(report: &KeySpaceReport) -> Vec<String> {
    let mut parts = Vec::new();
    if report.streams.groups > 0 {
        parts.push(count(report.streams.groups, "stream group"));
        parts.push(format!("{} pending", thousands(report.streams.pending)));
    }
    if report.libraries_seen > 0 {
        let n = report.libraries_seen;
        parts.push(if n == 1 {
            "1 function library".into()
        } else {
            format!("{n} function libraries")
        });
    }
    parts.extend(
        report.modules.iter().map(|m| format!("module type {} ({})", m.name, count(m.keys, "key"))),
    );
    parts.extend(report.idle.mean_s().map(|s| format!("idle for {s:.0} s on average")));
    parts.extend(report.frequency.mean().map(|f| format!("access counter {f:.1} on average")));
    if report.is_partial {
        parts.push("what follows the damage was not counted".to_owned());
    }
    parts
}

fn big(big: &BigKey, redact: bool) -> String {
    let elements = match (big.elements, &*big.type_name) {
        (_, "string") | (None, _) => String::new(),
        (Some(n), _) => format!(", {}", count(n, "element")),
    };
    let cut = if big.key_len > big.key.len() as u64 { "…" } else { "" };
    format!(
        "{}{cut} in db{} ({}, {}{elements})",
        shown_key(&big.key, redact),
        big.db,
        size(big.bytes),
        big.type_name
    )
}
