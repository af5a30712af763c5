//! A way back, for people.

use aofkit::moment::{Candidate, What};
use aofkit::rewind::{Dependents, Omitted, Reach, Returning};
use aofkit::text::{count, name, shell_word, thousands};

use super::report::{Listed, Rewound};
use crate::cli::changing::Changing;
use crate::cli::common::layout::wrap;
use crate::cli::common::units::time;
use crate::cli::common::view::View;
use crate::cli::plan::key::key_name;
use crate::cli::plan::text::{Words, ending, first_line, plan};

const WORDS: Words = Words { done: "rewound", copy: "a rewound copy" };

/// `rewind` of one set.
pub fn rewind(rewound: &Rewound, changing: &Changing, view: &View) -> String {
    let (run, style) = (&rewound.run, view.style);
    let mut text = first_line(run, WORDS, style);
    text += &match &rewound.omitted {
        Some(omitted) => taken_out(rewound, omitted, view),
        None => cut(rewound, view),
    };
    text += &reach(rewound, view);
    text += "\n";
    text += &plan(run, view);
    text += &ending(run, changing, view);
    let is_waiting = !run.plan.is_empty() && !run.applied && run.output.is_none();
    if is_waiting && !run.in_use.pids.is_empty() {
        let line = "stop it with SHUTDOWN NOSAVE before it rewrites the log: a rewrite makes what was lost the base";
        text += &format!("{}\n", wrap(line, style.width, ""));
    }
    text
}

/// Where the log is cut, and what goes.
fn cut(rewound: &Rewound, view: &View) -> String {
    let (run, style) = (&rewound.run, view.style);
    match (rewound.found.boundary, run.plan.is_empty()) {
        (Some(boundary), false) => {
            let (segment, offset) = boundary.place;
            let file = name(&run.aof.segments[segment].name);
            let line = format!("cut before byte {} of {file}", thousands(offset));
            let from = boundary.time.map_or_else(|| "an unknown time".to_owned(), time);
            let to = rewound.reach.last_ts.map_or_else(|| "an unknown time".to_owned(), time);
            let goes = count(run.plan.loss.commands, "command");
            let when =
                if from == to { format!("at {from}") } else { format!("from {from} to {to}") };
            let line = format!("{line}; {goes} would go, logged {when}");
            let line = match run.applied || run.output.is_some() {
                true => line.replace("would go", "went"),
                false => line,
            };
            format!("{}\n\n", wrap(&line, style.width, "  "))
        }
        _ => "  nothing lies behind that moment\n\n".to_owned(),
    }
}

/// Which command is taken out, and what becomes of the keys that it changed.
fn taken_out(rewound: &Rewound, omitted: &Omitted, view: &View) -> String {
    let (run, style) = (&rewound.run, view.style);
    let (segment, offset) = omitted.place;
    let file = name(&run.aof.segments[segment].name);
    let is_done = run.applied || run.output.is_some();
    let (goes, returns, keeps) = match is_done {
        true => ("was taken out", "returned", "kept"),
        false => ("would be taken out", "would return", "would keep"),
    };
    let command = name(&omitted.command);
    let what = match omitted.is_transaction {
        true => format!("the transaction of {command}"),
        false => command,
    };
    let mut lines = vec![format!("{what} at byte {} of {file} {goes}", thousands(offset))];
    lines.push(match omitted.returning {
        Returning::Back(keys) => format!("at most {} {returns}", count(keys, "key")),
        Returning::Older(keys) => {
            format!("at most {} {returns} to an older state", count(keys, "key"))
        }
        Returning::Unknown => "how many keys return is not known".to_owned(),
    });
    if let Some(keys) = omitted.keeping {
        let named = count(keys, "key");
        lines.push(format!(
            "{named} that later commands name {keeps} the value of today: for them {} stays in force",
            name(&omitted.command)
        ));
    }
    let mut text: String =
        lines.iter().map(|line| format!("{}\n", wrap(line, style.width, "  "))).collect();
    if let Some(dependents) = &omitted.dependents {
        text += &depending(rewound, dependents, view);
    }
    text + "\n"
}

/// Records that may do something else to what was there before.
fn depending(rewound: &Rewound, dependents: &Dependents, view: &View) -> String {
    let style = view.style;
    let total = count(dependents.total, "later command");
    let line = match dependents.total {
        0 => "no later command depends on what was there".to_owned(),
        _ => format!("{total} may do something else to what was there before:"),
    };
    let mut text = format!("{}\n", wrap(&line, style.width, "  "));
    let most = if view.verbose { dependents.first.len() } else { SHOWN };
    for dependent in dependents.first.iter().take(most) {
        let file = name(&rewound.run.aof.segments[dependent.place.0].name);
        let keys: Vec<_> = dependent.keys.iter().map(|key| key_name(key, view.redact)).collect();
        let line = format!(
            "{} {} at {file}:{}",
            name(&dependent.command),
            keys.join(" "),
            dependent.place.1
        );
        text += &format!("{}\n", wrap(&line, style.width, "    "));
    }
    let more = dependents.total.saturating_sub(most.min(dependents.first.len()) as u64);
    if more > 0 {
        text += &format!("    and {more} more (-v, --json)\n");
    }
    text
}

/// Dependent commands that are shown without `-v`.
const SHOWN: usize = 10;

/// Which times the set knows of.
fn reach(rewound: &Rewound, view: &View) -> String {
    let reach = rewound.reach;
    let mut parts = Vec::new();
    parts.extend(of_base(reach));
    match reach.first_ts.zip(reach.last_ts) {
        Some((first, last)) => {
            parts.push(format!("commands are dated from {} to {}", time(first), time(last)));
        }
        None => parts.push("no command is dated (aof-timestamp-enabled is off)".to_owned()),
    }
    let style = view.style;
    let line = |part: &String| format!("{}\n", wrap(&format!("times: {part}"), style.width, "  "));
    parts.iter().map(line).collect()
}

/// What is known of the age of the base, which holds everything older as one state.
pub fn of_base(reach: Reach) -> Option<String> {
    if let Some(base) = reach.base_created {
        return Some(format!("the base is of {}; older moments are out of reach", time(base)));
    }
    let seq = reach.base_seq?;
    let file = reach
        .base_modified
        .map_or_else(String::new, |at| format!(", its file is of {} by the file system", time(at)));
    Some(format!(
        "the base (number {seq}) does not say when it was made{file}; older moments are out of reach"
    ))
}

/// `rewind --list`
pub fn list(rewound: &Rewound, view: &View) -> String {
    let style = view.style;
    let path = &rewound.run.plan.path;
    let mut text = format!("{}\n\n", style.bold(&name(path.as_os_str().as_encoded_bytes())));
    text += &reach(rewound, view);
    text += "\n";
    let Some(Listed { candidates, commands }) = &rewound.candidates else { return text };
    for candidate in candidates {
        text += &line(rewound, candidate, *commands, view);
    }
    if candidates.is_empty() {
        text += "  no FLUSHALL or FLUSHDB, no long run of deletions, one file\n";
    }
    text
}

fn line(rewound: &Rewound, candidate: &Candidate, commands: u64, view: &View) -> String {
    let style = view.style;
    let (segment, offset) = candidate.place;
    let file = &rewound.run.aof.segments[segment].name;
    let what = match &candidate.what {
        What::Flush { command, .. } if command == b"FLUSHALL" => "FLUSHALL".to_owned(),
        What::Flush { command, db } => format!("{} in db {db}", name(command)),
        What::Deletions { keys } => format!("{} deleted in a row", count(*keys, "key")),
        What::Segment => format!("{} begins", name(file)),
    };
    let at = candidate.time.map_or_else(|| "undated".to_owned(), time);
    let behind = count(commands - candidate.commands_before, "command");
    let line = format!("{at}  {what}; {behind} from there on");
    let mut text = format!("{}\n", wrap(&line, style.width, "  "));
    let word = |bytes: &[u8]| shell_word(bytes);
    let place = [file, format!(":{offset}").as_bytes()].concat();
    let path = rewound.run.plan.path.as_os_str().as_encoded_bytes();
    if let Some((place, path)) = word(&place).zip(word(path)) {
        text += &format!("    {} aofkit rewind --at {place} {path}\n", style.bold("next:"));
    }
    text
}
