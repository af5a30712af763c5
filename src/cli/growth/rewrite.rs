//! What a rewrite would give back, for people: a number with what it may be off by, a range, or why there is none.

use aofkit::growth::{Compression, LiveEstimate, Size};
use aofkit::text::{count, escape, thousands};

use super::lines::{heading, line};
use super::report::Grown;
use crate::cli::common::units::{Style, share, size};

/// Commands that are named when they are not followed.
const NAMED: usize = 3;

/// The part of a screen that is about it.
pub fn rewrite(one: &Grown, style: Style) -> String {
    let (outlook, live) = (&one.outlook, &one.report.live);
    let rewrite = &outlook.rewrite;
    let mut text = heading("what a rewrite would give back", style);
    let format = if rewrite.is_rdb { "RDB" } else { "commands" };
    text += &line(&given_back(one, format), style);
    let (other, name) = if rewrite.is_rdb { (live.resp, "commands") } else { (live.rdb, "RDB") };
    let sample = match live.has_all_keys {
        true if live.unfollowed_commands > 0 => "as far as aofkit follows the commands".to_owned(),
        true => "all of them counted".to_owned(),
        false => format!("estimated from a sample of {}", thousands(live.followed_keys)),
    };
    let keys = format!("{}, {sample}", count(live.keys, "live key"));
    text += &match bytes(&other) {
        Some(bytes) => line(&format!("{bytes} as {name}; {keys}"), style),
        None if live.is_unknown => String::new(),
        None => line(&keys, style),
    };
    if live.expired_keys > 0 {
        let told = format!("{} past their time are left out", count(live.expired_keys, "key"));
        text += &line(&told, style);
    }
    if live.unfollowed_commands > 0 {
        text += &line(&unfollowed(live), style);
    }
    let has_range = rewrite.size.at_most_bytes.is_some();
    if rewrite.is_rdb && live.compression == Compression::Unknown && has_range {
        let told = "whether it would be compressed (rdbcompression) is not known: neither --conf nor --server \
                    tells, and the base does not show it";
        text += &line(told, style);
    }
    if live.has_other_limits {
        let told = "the base shows that its server does not pack small values as servers do by default \
                    (hash-max-listpack-entries and others): --conf or --server tells how";
        text += &line(told, style);
    }
    if live.has_open_limits && rewrite.is_rdb && has_range {
        let told = "up to which size its server packs values (hash-max-listpack-entries and others) is not known: neither \
                    --conf nor --server tells, and the base does not show it";
        text += &line(told, style);
    }
    if live.is_partial {
        text += &line("the base could not be read to its end", style);
    }
    // One byte for each, as it will be told, is what the log itself takes.
    if let Some(factor) = outlook.write_amplification.filter(|factor| *factor >= 1.05) {
        text += &line(
            &format!("with rewrites, {factor:.1} bytes are written for every byte appended"),
            style,
        );
    }
    text
}

/// The sentence that matters.
fn given_back(one: &Grown, format: &str) -> String {
    let rewrite = &one.outlook.rewrite;
    let current = one.outlook.current_bytes();
    let told = rewrite.size;
    if let (Some(reclaimable), Some(estimated), Some(error)) =
        (rewrite.reclaimable_bytes, told.estimated_bytes, told.error_percent)
    {
        return format!(
            "{} of {} ({}): the new base would have {} as {format}, ± {:.0} %",
            size(reclaimable),
            size(current),
            share(reclaimable, current),
            size(estimated),
            error.ceil()
        );
    }
    match (told.at_least_bytes, told.at_most_bytes) {
        (Some(least), Some(most)) => format!(
            "{} to {} of {}: the new base would have between {} and {} as {format}",
            size(current.saturating_sub(most)),
            size(current.saturating_sub(least)),
            size(current),
            size(least),
            size(most)
        ),
        (Some(least), None) if least > 0 => format!(
            "not known: the new base would have at least {} as {format}, and nothing says how much more",
            size(least)
        ),
        _ => "not known".to_owned(),
    }
}

/// A size with what it may be off by, or its range.
fn bytes(told: &Size) -> Option<String> {
    match (told.estimated_bytes, told.error_percent) {
        (Some(estimated), Some(_)) => Some(size(estimated)),
        _ => {
            let (least, most) = (told.at_least_bytes?, told.at_most_bytes?);
            Some(format!("between {} and {}", size(least), size(most)))
        }
    }
}

/// What is not followed, and what that means.
fn unfollowed(live: &LiveEstimate) -> String {
    let named: Vec<String> = live
        .unfollowed
        .iter()
        .filter(|one| !one.name.is_empty())
        .take(NAMED)
        .map(|one| format!("{} ({}, {})", escape(&one.name), thousands(one.count), size(one.bytes)))
        .collect();
    let others = live.unfollowed.len().saturating_sub(NAMED);
    let others =
        if others > 0 { format!(" and {} more", thousands(others as u64)) } else { String::new() };
    let names =
        if named.is_empty() { String::new() } else { format!(": {}{others}", named.join(", ")) };
    let what = match live.is_unknown {
        true => "they may have changed any key",
        false => "their keys may have any size, or be gone",
    };
    format!(
        "! {} in {} not followed{names}; {what}",
        count(live.unfollowed_commands, "command"),
        size(live.unfollowed_bytes)
    )
}
