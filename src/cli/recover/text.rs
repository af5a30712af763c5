//! A recovery, for people.

use aofkit::check::Loads;
use aofkit::recover::{KeyNamed, List, Shown, Written};
use aofkit::redact::hidden;
use aofkit::text::{count, escape, name, shell_word, size, thousands};

use super::report::{Did, NodeSeen, Planned, Recovery, stopped};
use crate::cli::common::layout::wrap;
use crate::cli::common::units::time_ms;
use crate::cli::common::view::View;

/// Keys of each kind that are named on a screen.
const NAMED: usize = 8;

const NOT_WRITTEN: &str = "expired since: not written";

/// `recover`.
pub fn recover(recovery: &Recovery, applies: bool, view: &View) -> String {
    let mut text = first_line(recovery, applies, view);
    let of = match &recovery.moment {
        Some(moment) => format!("the set as it stood {moment}"),
        None => "the set as it is".to_owned(),
    };
    let torn = match recovery.loads {
        Loads::AfterTruncation => ", without a torn end",
        _ => "",
    };
    let keys = count(recovery.keys, "key");
    let line = format!("values from {of}{torn}: {keys}, loaded by {}", recovery.by);
    text += &format!("{}\n", wrap(&line, view.style.width, "  "));
    match &recovery.did {
        Did::Shown { keys, more, passed } => {
            text += &shown(keys, *more, view);
            text += "\n";
            text += &of_passed(passed.as_ref(), "expired since", view);
        }
        Did::File { passed, .. } => text += &of_passed(passed.as_ref(), NOT_WRITTEN, view),
        Did::Plan(planned) => text += &plan(planned, applies, view),
    }
    text
}

fn first_line(recovery: &Recovery, applies: bool, view: &View) -> String {
    let style = view.style;
    let line = match &recovery.did {
        Did::Shown { .. } => return String::new(),
        Did::File { path, keys, .. } => {
            let path = name(path.as_os_str().as_encoded_bytes());
            style.good(&format!("{path}: {} written", count(*keys, "key")))
        }
        Did::Plan(planned) => match &planned.written {
            Some(Written { stopped: None, new, replaced, .. }) => {
                style.good(&format!("{}: {} written", planned.url, count(new + replaced, "key")))
            }
            Some(written) => {
                let done = count(written.new + written.replaced, "key");
                style.bad(&format!("{}: ended early, {done} written", planned.url))
            }
            None if !planned.found.hindrances.is_empty() => {
                style.bad(&format!("{}: refused; nothing was changed", planned.url))
            }
            None if !applies => {
                style.bold(&format!("{}: nothing was changed; --apply does it", planned.url))
            }
            None => style.bold(&format!("{}: nothing was changed", planned.url)),
        },
    };
    format!("{line}\n")
}

fn plan(planned: &Planned, applies: bool, view: &View) -> String {
    let (found, width) = (&planned.found, view.style.width);
    let mut text: String = planned.nodes.iter().map(|one| node(one, view)).collect();
    text += "\n";
    for (node, why) in &found.hindrances {
        text += &format!("{}\n", wrap(&format!("{node}: {why}"), width, "  "));
    }
    let different = match planned.replaces {
        true => "other there: replaced, and their old values kept in a file",
        false => "other there: left as they are (--replace replaces them)",
    };
    if planned.written.is_none() {
        text += &list("new", "not there: written", &found.new, view);
        text += &list("equal", "there already", &found.equal, view);
        text += &list("different", different, &found.different, view);
        text += &of_passed(planned.passed.as_ref(), NOT_WRITTEN, view);
        text += &format!("  {} of memory needed\n", size(found.needed_bytes));
    }
    if let Some(written) = &planned.written {
        text += &done(written, planned, view);
    }
    let total = found.new.count + found.equal.count + found.different.count;
    if total == 0 {
        text += "  no key of that moment fits\n";
    }
    let waits = !applies && found.hindrances.is_empty();
    if let (true, [only]) = (waits, &planned.nodes[..])
        && let Some(id) = &only.state.run_id
    {
        let line = format!("to write only into this very server: --apply --run-id {id}");
        text += &format!("{}\n", wrap(&line, width, "  "));
    }
    text
}

fn node(node: &NodeSeen, view: &View) -> String {
    let state = &node.state;
    let version = state.version.as_deref().unwrap_or("of unknown version");
    let role = state.role.map_or("role unknown", |role| role.as_str());
    let used = state.used_memory_bytes.map_or_else(|| "?".to_owned(), size);
    let most = match state.maxmemory_bytes {
        Some(0) => "no limit".to_owned(),
        Some(most) => format!("{} at most", size(most)),
        None => "limit unknown".to_owned(),
    };
    let id = state.run_id.as_deref().unwrap_or("unknown");
    let line = format!(
        "target {}: {} {version}, {role}, {used} in use ({most}), run id {id}",
        node.url, state.family
    );
    format!("{}\n", wrap(&line, view.style.width, "  "))
}

/// What was written, and what was not.
fn done(written: &Written, planned: &Planned, view: &View) -> String {
    let width = view.style.width;
    let mut text = format!(
        "  {} new, {} replaced, {} there already\n",
        thousands(written.new),
        thousands(written.replaced),
        thousands(written.equal)
    );
    if written.by_commands > 0 {
        let line = format!(
            "{} of them by commands, for the target refuses the version of the values",
            thousands(written.by_commands)
        );
        text += &format!("{}\n", wrap(&line, width, "  "));
    }
    text += &list("left", "other there: left as they are", &written.left, view);
    text += &list("appeared", "created meanwhile: left as they are", &written.appeared, view);
    text += &list("changed", "changed meanwhile: left as they are", &written.changed, view);
    let passed = planned.passed.clone().unwrap_or_default();
    let all = List {
        count: written.passed.count + passed.count,
        first: [&written.passed.first[..], &passed.first].concat(),
    };
    text += &list("passed", NOT_WRITTEN, &all, view);
    text += &list("refused", "refused by the target", &written.refused, view);
    if let Some((path, keys)) = &written.kept {
        let path = path.as_os_str().as_encoded_bytes();
        let word = shell_word(path).unwrap_or_else(|| name(path));
        let line = format!("{} kept in {word}", count(*keys, "old value"));
        text += &format!("  {line}\n");
    }
    if let Some(e) = &written.stopped {
        let line = format!("{}; run it again to go on", stopped(e));
        text += &format!("{}\n", wrap(&line, width, "  "));
    }
    text
}

fn of_passed(passed: Option<&List>, what: &str, view: &View) -> String {
    match passed {
        Some(passed) => list("passed", what, passed, view),
        None => "  which keys have expired since is not known\n".to_owned(),
    }
}

fn list(word: &str, what: &str, list: &List, view: &View) -> String {
    if list.count == 0 {
        return String::new();
    }
    let mut text = format!("  {word:<10} {}, {what}\n", count(list.count, "key"));
    for key in list.first.iter().take(NAMED) {
        text += &format!("{}\n", wrap(&told(key, view), view.style.width, "    "));
    }
    let more = list.count.saturating_sub(list.first.len().min(NAMED) as u64);
    if more > 0 {
        text += &format!("    and {} more\n", thousands(more));
    }
    text
}

fn told(key: &KeyNamed, view: &View) -> String {
    let mut text = match view.redact {
        true => hidden(&key.name),
        false => format!("\"{}\"", escape(&key.name)),
    };
    if key.db > 0 {
        text += &format!(" (db {})", key.db);
    }
    if let Some(kind) = &key.kind {
        text += &format!(", {}", escape(kind.as_bytes()));
    }
    if let Some(at) = key.expires_ms {
        text += &format!(", expires {}", time_ms(at));
    }
    if let Some(note) = &key.note {
        text += &format!(": {}", escape(note.as_bytes()));
    }
    text
}

fn shown(keys: &[Shown], more: u64, view: &View) -> String {
    let mut text = String::new();
    if keys.is_empty() {
        text += "  no key of that moment fits\n";
    }
    for one in keys {
        text += &format!("\n{}", told(&one.key, view));
        if let Some(length) = one.length {
            let noun = if one.key.kind.as_deref() == Some("string") { "byte" } else { "element" };
            text += &format!(", {}", count(length, noun));
        }
        text += "\n";
        if view.redact {
            continue;
        }
        for row in &one.rows {
            let words: Vec<_> = row.iter().map(|word| format!("\"{}\"", escape(word))).collect();
            text += &format!("  {}\n", words.join(" "));
        }
        if one.has_more {
            text += "  ...\n";
        }
    }
    if more > 0 {
        text += &format!("\nand {} not shown\n", count(more, "more key"));
    }
    text
}
