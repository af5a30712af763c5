//! Plans for people: what happens to which file, what it costs, what the set is afterwards.

use crate::cli::plan::inserted::inserted;
use crate::cli::plan::key::key_name;
use aofkit::change::{Action, Loss, Outlook, Piece, Plan, Publication, Recovered};
use aofkit::check::Loads;
use aofkit::repair::Way;
use aofkit::text::{count, name, thousands};

use crate::cli::changing::{Changing, Run};
use crate::cli::common::layout::wrap;
use crate::cli::common::loaded;
use crate::cli::common::needs::needs;
use crate::cli::common::units::{Style, size, time};
use crate::cli::common::verdict::{about, problems, verdict_lines};
use crate::cli::common::view::View;
use crate::cli::repair::report::{Repair, Undone, kept, state, undo_command};

/// Ranges of one file that are listed.
const LISTED: usize = 20;

/// What a verb calls what it has done.
#[derive(Clone, Copy)]
pub struct Words {
    /// `repaired`
    pub done: &'static str,
    /// `a repaired copy`
    pub copy: &'static str,
}

const REPAIRED: Words = Words { done: "repaired", copy: "a repaired copy" };

/// `repair` of one set.
pub fn repair(repair: &Repair, changing: &Changing, view: &View) -> String {
    let run = &repair.run;
    let mut text = first_line(run, REPAIRED, view.style);
    text += &plan(run, view);
    if let Some(inner) = &repair.inner {
        text += &crate::cli::plan::inner::ranges(inner, view);
    }
    for way in &repair.ways {
        text += &word(way, run, view.style);
    }
    text + &ending(run, changing, view)
}

/// Says first whether anything was changed.
pub fn first_line(run: &Run, words: Words, style: Style) -> String {
    let path = name(run.plan.path.as_os_str().as_encoded_bytes());
    let line = match (run.applied, &run.output) {
        (true, _) => style.good(&format!("{path}: {}", words.done)),
        (_, Some(dir)) => style.good(&format!(
            "{path}: {} is in {}; nothing was changed here",
            words.copy,
            name(dir.as_os_str().as_encoded_bytes())
        )),
        _ if run.refused.is_some() => style.bad(&format!("{path}: refused; nothing was changed")),
        _ if run.plan.is_empty() && run.left.is_empty() => {
            style.bold(&format!("{path}: nothing to do; nothing was changed"))
        }
        _ if run.plan.is_empty() => style.bold(&format!("{path}: nothing was changed")),
        _ => style.bold(&format!("{path}: a plan; nothing was changed")),
    };
    let mut text = line + "\n";
    for recovered in &run.recovered {
        let line = match recovered {
            Recovered::Completed(id) => format!("an interrupted run is finished: {id}"),
            Recovered::Left(id) => format!(
                "an interrupted run had changed nothing; its new files are removed, but something else \
                 lies in {id}, and stays"
            ),
            Recovered::Cleared(id) => {
                format!("an interrupted run had changed nothing; its new files are removed: {id}")
            }
        };
        text += &format!("{}\n", wrap(&line, style.width, "  "));
    }
    text + "\n"
}

/// What `convert` made of a set.
pub fn convert(run: &Run, view: &View) -> String {
    let style = view.style;
    let path = name(run.plan.path.as_os_str().as_encoded_bytes());
    let into = run.output.as_ref().map(|dir| name(dir.as_os_str().as_encoded_bytes()));
    let line =
        format!("{path}: written into {}; nothing was changed here", into.unwrap_or_default());
    let mut text = style.good(&line) + "\n\n";
    for action in &run.plan.actions {
        text += &action_lines(&run.plan, action, view);
    }
    if run.plan.loss.commands > 0 {
        text += &format!("  {} left out\n", count(run.plan.loss.commands, "command"));
    }
    text + &after(run, view)
}

/// What happens, what it costs, and what comes of it.
pub fn plan(run: &Run, view: &View) -> String {
    let (plan, style) = (&run.plan, view.style);
    let mut text = String::new();
    for action in &plan.actions {
        text += &action_lines(plan, action, view);
    }
    if !plan.is_empty() {
        text += &format!("{}\n\n", style.dim(&wrap(published(plan), style.width, "  ")));
        text += &loss(&plan.loss, style, view.redact);
    }
    text + &after(run, view)
}

/// What should be known of a plan, and what comes of it.
fn after(run: &Run, view: &View) -> String {
    let (plan, style) = (&run.plan, view.style);
    let mut text = String::new();
    for note in &plan.notes {
        text += &format!("{}\n", wrap(&format!("note: {note}"), style.width, "  "));
    }
    for left in &run.left {
        text += &format!("{}\n", wrap(&format!("left: {left}"), style.width, "  "));
    }
    if let Some(outlook) = &run.outlook {
        text += "\n";
        text += if run.applied || run.output.is_some() { "now: " } else { "then: " };
        text += &verdict_lines(&outlook.report, style, "");
        text += &needs(&outlook.report.needs_modules, &outlook.report.modules, style, "  ");
        for line in servers(outlook) {
            text += &format!("{}\n", wrap(&line, style.width, "  "));
        }
        text += &asked(run, view);
        if view.verbose {
            text += "\n";
            text += &problems(&outlook.report, view, aofkit::check::Severity::Error);
        }
    } else {
        text += &asked(run, view);
    }
    text
}

/// What the server that was asked makes of the result.
fn asked(run: &Run, view: &View) -> String {
    run.loaded.as_ref().map_or_else(String::new, |loaded| {
        loaded::lines(loaded, run.after_all(), view.style, view.redact)
    })
}

/// What the recorded servers would do, a line for each answer.
fn servers(outlook: &Outlook) -> Vec<String> {
    let answers = [
        (Loads::Yes, "loads on"),
        (Loads::AfterTruncation, "is cut again by"),
        (Loads::StartsEmpty, "starts EMPTY on"),
        (Loads::No, "does not load on"),
        (Loads::Unknown, "not known whether it loads on"),
    ];
    let mut lines = Vec::new();
    for (answer, words) in answers {
        for is_news in [true, false] {
            let names = outlook.servers.iter().filter(|(server, loads)| {
                *loads == answer && (outlook.before(server) != Some(*loads)) == is_news
            });
            let names: Vec<_> = names.map(|(server, _)| *server).collect();
            if !names.is_empty() {
                let before = if is_news { "" } else { " (as before)" };
                lines.push(format!("{words} {}{before}", names.join(", ")));
            }
        }
    }
    lines
}

fn action_lines(plan: &Plan, action: &Action, view: &View) -> String {
    let style = view.style;
    let file = |file: usize| name(&plan.files[file].name);
    let (from, to) = action.lengths();
    let mut text = String::new();
    let line = match action {
        Action::Cut { file: f, .. } => format!(
            "cut       {}  at byte {} ({to:#x}): the last {} go",
            file(*f),
            thousands(to),
            count(from - to, "byte")
        ),
        Action::Rewrite { file: Some(f), new_name, .. }
            if plan.files[*f].name[..] == new_name[..] =>
        {
            format!("rewrite   {}  {} to {}", file(*f), size(from), size(to))
        }
        Action::Rewrite { file: Some(f), new_name, .. } => {
            format!("rewrite   {}  {} to {}, as {}", file(*f), size(from), size(to), name(new_name))
        }
        Action::Rewrite { file: None, new_name, .. } => {
            format!("new       {}  {}", name(new_name), size(to))
        }
        Action::Manifest { name: manifest, before, .. } => format!(
            "manifest  {}  {}",
            name(manifest),
            if before.is_some() { "is written anew" } else { "is made" }
        ),
        Action::Remove { file: f, .. } => format!("remove    {}  {}", file(*f), size(from)),
    };
    text += &format!("{}\n", wrap(&line, style.width, "  "));
    match action {
        Action::Rewrite { file: Some(f), pieces, .. } => {
            text += &removed(*f, from, pieces, view);
        }
        Action::Manifest { after, .. } => {
            for line in after.split(|&b| b == b'\n').filter(|line| !line.is_empty()) {
                text += &format!("              {}\n", style.dim(&name(line)));
            }
        }
        _ => {}
    }
    text
}

/// The ranges of the old file that are not in the new one, and what is put in.
fn removed(file: usize, len: u64, pieces: &[Piece], view: &View) -> String {
    let (mut at, mut lines) = (0, Vec::new());
    for piece in pieces.iter().chain([&Piece::Keep { file, from: len, to: len }]) {
        match piece {
            Piece::Keep { file: of, from, to } if *of == file => {
                if *from > at {
                    let what = count(from - at, "byte");
                    lines.push(format!("bytes {at} to {from} ({at:#x}): {what} go"));
                }
                at = *to;
            }
            Piece::Keep { .. } | Piece::Sifted { .. } => {}
            Piece::Insert(bytes) => {
                lines.push(format!("before byte {at}: {} is put in", inserted(bytes, view.redact)));
            }
        }
    }
    let more = lines.len().saturating_sub(LISTED);
    let mut text: String = lines
        .iter()
        .take(LISTED)
        .map(|line| format!("{}\n", wrap(line, view.style.width, "              ")))
        .collect();
    if more > 0 {
        text += &format!("              and {}\n", count(more as u64, "more change"));
    }
    text
}

fn published(plan: &Plan) -> &'static str {
    match plan.publication() {
        Publication::Truncation => {
            "one truncation publishes the change; the removed bytes are kept first"
        }
        Publication::ManifestRename => {
            "one rename of the manifest publishes the change; everything else is written before that"
        }
        Publication::FileRename => {
            "one rename publishes the change; the new file is written before that"
        }
        Publication::Removal => "nothing that a server loads is touched",
    }
}

/// What is lost.
pub fn loss(loss: &Loss, style: Style, redact: bool) -> String {
    let mut line =
        format!("loss: {}, {}", count(loss.bytes, "byte"), count(loss.commands, "whole command"));
    if loss.transactions > 0 {
        line += &format!(", {}", count(loss.transactions, "transaction"));
    }
    if let Some(likely) = loss.likely_commands().filter(|_| loss.broken_commands > 0) {
        line += &format!("; with what was torn or damaged probably {}", about(likely));
    }
    let mut text = format!("{}\n", wrap(&line, style.width, "  "));
    if loss.keys_total > 0 {
        let shown: Vec<_> = loss.keys.iter().map(|key| key_name(key, redact)).collect();
        let more = loss.keys_total.saturating_sub(shown.len() as u64);
        let mut line = format!("keys: {}", shown.join(", "));
        if more > 0 {
            line += &format!(" and {} more", thousands(more));
        }
        text += &format!("{}\n", wrap(&line, style.width, "  "));
    }
    text
}

/// What one word would cost.
fn word(way: &Way, run: &Run, style: Style) -> String {
    let command = aofkit::text::shell_word(run.plan.path.as_os_str().as_encoded_bytes())
        .map_or_else(String::new, |path| format!("aofkit repair --{} {path}", way.choice.word()));
    let line = match &way.outlook {
        Ok(loss) => format!(
            "--{}: loses {}, {}; {}",
            way.choice.word(),
            count(loss.commands, "whole command"),
            count(loss.bytes, "byte"),
            match way.choice.word() {
                "truncate" => "cuts at the first damage",
                _ => "drops the damaged ranges alone",
            }
        ),
        Err(why) => format!("--{}: {why}", way.choice.word()),
    };
    let mut text = format!("{}\n", wrap(&line, style.width, "  "));
    if way.outlook.is_ok() && !command.is_empty() {
        text += &format!("    {} {command}\n", style.bold("next:"));
    }
    text
}

pub fn ending(run: &Run, changing: &Changing, view: &View) -> String {
    let style = view.style;
    let mut lines = Vec::new();
    if let Some(why) = &run.refused {
        lines.push(style.bad(&wrap(&why.to_string(), style.width, "")));
    }
    if !run.plan.is_empty() && !run.applied && run.output.is_none() {
        if !run.in_use.pids.is_empty() {
            let pids: Vec<_> = run.in_use.pids.iter().map(u32::to_string).collect();
            lines.push(style.warn(&wrap(
                &format!("process {} has it open: stop the server first", pids.join(", ")),
                style.width,
                "",
            )));
        } else if let Some(unsure) = run.in_use.unsure {
            let line = format!("make sure that no server runs on it: {unsure}");
            lines.push(wrap(&line, style.width, ""));
        }
        if changing.no_keep {
            lines.push(style.warn(&wrap(
                "--no-keep: removed bytes are gone for good; --undo cannot bring them back",
                style.width,
                "",
            )));
        }
        if run.refused.is_none() {
            lines.push(style.dim("--apply changes the set; --output DIR writes a changed copy"));
        }
    }
    if let Some(kept_at) = &run.kept_at {
        let at = name(kept_at.as_os_str().as_encoded_bytes());
        lines.push(wrap(&format!("what was removed is kept in {at}"), style.width, ""));
        if let Some(command) = undo_command(&run.plan, changing) {
            lines.push(format!("{} {command}", style.bold("undo:")));
        }
    } else if run.applied {
        lines.push(style.warn("nothing of what was removed is kept"));
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// `repair --undo`
pub fn undo(undone: &Undone, view: &View) -> String {
    let style = view.style;
    let path = name(undone.aof.path.as_os_str().as_encoded_bytes());
    let mut text = match (undone.applied, &undone.last) {
        (true, Some(last)) => {
            style.good(&format!("{path}: {} is taken back", last.entry.id())) + "\n\n"
        }
        (_, None) => style.bold(&format!("{path}: nothing to take back")) + "\n\n",
        _ => style.bold(&format!("{path}: nothing was changed")) + "\n\n",
    };
    for entry in &undone.entries {
        let at = entry.journal.as_ref().map_or_else(String::new, |j| time(j.at));
        let line = format!("{}  {}  {}  {at}", entry.id(), state(entry), kept(entry));
        text += &format!("{}\n", wrap(&line, style.width, "  "));
    }
    if let Some(last) = &undone.last {
        text += "\n";
        for (file, len) in last.journal.files() {
            let line = format!("restore   {}  to its {}", name(file), count(len, "byte"));
            text += &format!("{}\n", wrap(&line, style.width, "  "));
        }
        if !undone.applied {
            text += &match last.fits() {
                Ok(()) => style.dim("--apply takes the last change back"),
                Err(why) => style.bad(&wrap(&format!("{why}; --apply refuses"), style.width, "  ")),
            };
            text += "\n";
        }
    }
    text += "\n";
    text + &verdict_lines(&undone.now, style, "")
}
