//! Who deletes and expires, for people.

use aofkit::aof::Aof;
use aofkit::stats::{DeleteReport, Flush, STRETCH, Storm};
use aofkit::text::{count, escape, name, thousands};

use crate::cli::common::layout::wrap;
use crate::cli::common::units::{Style, size, time};

/// Storms, flushes and prefixes shown.
const SHOWN: usize = 3;

/// One line: how many, how fast, the last flush.
pub fn line(report: &DeleteReport, aof: &Aof, style: Style) -> String {
    if report.records() + report.expires + report.flushes == 0 {
        return String::new();
    }
    let mut parts = vec![
        format!("{} deleted", count(report.keys, "key")),
        format!("{} set", count(report.expires, "deadline")),
    ];
    parts
        .extend(report.most_a_second().map(|keys| format!("at most {} a second", thousands(keys))));
    parts.extend(report.last_flushes.last().map(|row| flush(row, aof)));
    wrap(&parts.join(", "), style.width, "  ") + "\n"
}

/// Everything in a few lines; nothing where nothing was deleted.
pub fn text(report: &DeleteReport, aof: &Aof, style: Style) -> String {
    if report.records() + report.expires + report.flushes == 0 {
        return String::new();
    }
    let mut lines = vec![sums(report)];
    if report.records() > 0 {
        lines.push(origins(report));
        let storms = report.storms.iter().take(SHOWN).map(|row| storm(row, aof));
        let undated = report.storms.iter().all(|row| row.time.is_none());
        let note = match undated {
            true => {
                format!("without #TS annotations, so by {} of log, not by time: ", size(STRETCH))
            }
            false => String::new(),
        };
        lines.push(format!("{note}most {}", storms.collect::<Vec<_>>().join(", ")));
        let prefixes = report.prefixes.iter().take(SHOWN);
        let prefixes =
            prefixes.map(|row| format!("{} {}", escape(&row.prefix), thousands(row.keys)));
        lines.push(format!("by prefix: {}", prefixes.collect::<Vec<_>>().join(", ")));
    }
    if report.flushes > 0 {
        let last = report.last_flushes.iter().rev().take(SHOWN).map(|row| flush(row, aof));
        lines.push(format!("last flushes: {}", last.collect::<Vec<_>>().join(", ")));
    }
    let title = style.bold("deletes and expiries");
    let lines = lines.iter().map(|line| wrap(line, style.width, "  ") + "\n");
    format!("\n{title}\n{}", lines.collect::<String>())
}

fn sums(report: &DeleteReport) -> String {
    format!(
        "{} deleted by {} DEL and {} UNLINK; an expiry was set {}; {}",
        count(report.keys, "key"),
        thousands(report.del),
        thousands(report.unlink),
        count(report.expires, "time"),
        count(report.flushes, "flush").replace("flushs", "flushes"),
    )
}

/// Where deletions came from, as far as a log tells.
fn origins(report: &DeleteReport) -> String {
    format!(
        "{} of them in transactions, {} by clients (several keys at once, or a command in lower case), {} one by one: \
         expired, evicted, or deleted by a client (the log does not say which)",
        thousands(report.in_transactions),
        thousands(report.by_clients),
        thousands(report.by_anybody()),
    )
}

fn place(segment: usize, at: u64, aof: &Aof) -> String {
    let file = aof.segments.get(segment).map_or_else(String::new, |s| name(&s.name));
    format!("{file} byte {at}")
}

fn storm(row: &Storm, aof: &Aof) -> String {
    let keys = thousands(row.keys);
    let at = row.time.map_or_else(String::new, |at| format!(" in the second {}", time(at)));
    format!("{keys}{at} ({})", place(row.segment, row.start, aof))
}

fn flush(row: &Flush, aof: &Aof) -> String {
    let what = row.db.map_or_else(|| "FLUSHALL".to_owned(), |db| format!("FLUSHDB of db{db}"));
    let at = row.time.map_or_else(String::new, |at| format!(" at {}", time(at)));
    format!("{what}{at} ({})", place(row.segment, row.at, aof))
}
