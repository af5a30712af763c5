//! Damaged ranges for people: what goes, why, and which keys may be wrong afterwards.

use aofkit::change::LostKey;
use aofkit::repair::inner::{Inner, Suspect};
use aofkit::text::{count, name, thousands};

use super::key::key_name;
use crate::cli::common::layout::wrap;
use crate::cli::common::view::View;

/// Ranges that are shown; `-v` shows all that are listed.
const SHOWN: usize = 10;

/// The ranges of a plan for inner damage, and the keys to look at.
pub fn ranges(inner: &Inner, view: &View) -> String {
    let style = view.style;
    let shown = if view.verbose { usize::MAX } else { SHOWN };
    let mut text = String::new();
    if !inner.ranges.is_empty() {
        text += "\nranges that go:\n";
    }
    for range in inner.ranges.iter().take(shown) {
        let gap = &range.gap;
        let why = match view.redact {
            true => String::new(),
            false => format!(": {}", range.why.join("; ")),
        };
        let line = format!(
            "{} byte {} ({:#x}), {}, {}{why}",
            name(&range.file),
            gap.from,
            gap.from,
            count(gap.to - gap.from, "byte"),
            count(gap.commands, "whole command")
        );
        text += &format!("{}\n", wrap(&line, style.width, "  "));
        let key = |key: &LostKey| key_name(key, view.redact);
        let mut near: Vec<String> = Vec::new();
        if !gap.keys.is_empty() {
            let keys: Vec<_> = gap.keys.iter().map(key).collect();
            near.push(format!("keys in it: {}", keys.join(", ")));
        }
        near.extend(gap.before.iter().map(|k| format!("last key before it: {}", key(k))));
        near.extend(gap.after.iter().map(|k| format!("first key after it: {}", key(k))));
        if range.has_rest {
            near.push("more goes than is broken, so that no part of a whole is left".to_owned());
        }
        if let Some(database) = &range.database
            && let Some(doubt) = database.known.doubt()
        {
            near.push(format!("the commands behind it go into db {}: {doubt}", database.db));
        }
        for line in near {
            text += &format!("{}\n", wrap(&line, style.width, "    "));
        }
    }
    let more = inner.ranges.len().saturating_sub(shown) as u64 + inner.unlisted;
    if more > 0 {
        text += &format!("  and {}\n", count(more, "more range"));
    }
    let toll = &inner.toll;
    text += &suspects(
        "probably wrong, because later commands build on lost ones",
        &toll.wrong,
        toll.wrong_total,
        view,
    );
    text += &suspects(
        "to be looked at: later commands build on them, and the lost bytes may have spoken of them",
        &toll.doubtful,
        toll.doubtful_total,
        view,
    );
    text
}

fn suspects(what: &str, keys: &[Suspect], total: u64, view: &View) -> String {
    if total == 0 {
        return String::new();
    }
    let shown: Vec<_> = keys
        .iter()
        .take(SHOWN)
        .map(|s| format!("{} ({})", key_name(&s.key, view.redact), s.command))
        .collect();
    let more = total.saturating_sub(shown.len() as u64);
    let mut line = format!("{}, {what}: {}", count(total, "key"), shown.join(", "));
    if more > 0 {
        line += &format!(" and {} more", thousands(more));
    }
    format!("{}\n", wrap(&line, view.style.width, "  "))
}
