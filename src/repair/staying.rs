//! What a repair leaves where it is, although the target does not take it, or nobody knows whether it does.

use super::drops::spelled;
use crate::check::Report;
use crate::text::{count, escape, shell_word, thousands};

/// Names that are told.
const TOLD: usize = 5;

/// What stays of a set that was judged so: one line for each name; nothing where the target takes all.
pub fn told(report: &Report) -> Vec<String> {
    let commands = || report.unknown.iter().filter(|row| row.is_command);
    let line = |row: &crate::check::Unknown| {
        let who = match row.is_learnt {
            true => format!("{} does not take", report.target),
            false => format!("aofkit does not know whether {} takes", report.target),
        };
        let argument = spelled(&row.what);
        let argument = shell_word(argument.as_bytes()).unwrap_or(argument);
        let way = match row.is_learnt {
            true => format!("--drop-command {argument} drops what is not taken of that name"),
            false => "--target names the server that is meant".to_owned(),
        };
        format!(
            "{} of \"{}\", which {who}: whole, and no damage, so {} ({way})",
            match row.count {
                1 => "a record".to_owned(),
                n => format!("{} records", thousands(n)),
            },
            escape(&row.what),
            if row.count == 1 { "it stays" } else { "they stay" }
        )
    };
    let mut lines: Vec<String> = commands().take(TOLD).map(line).collect();
    let more = commands().count().saturating_sub(TOLD);
    if more > 0 {
        lines.push(format!("and records of {}", count(more as u64, "more name")));
    }
    lines
}
