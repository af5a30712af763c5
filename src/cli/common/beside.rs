//! What lies beside a set and what its server says, as every verb that judges a set looks at it.

use aofkit::aof::Aof;
use aofkit::check::{Problem, Report, deleted_but_open};
use aofkit::disk;
use aofkit::error::{Error, Result};
use aofkit::neighbours::{
    Answer, Neighbours, Sizes, Writing, keys_alive, survey, were_taken, writing,
};
use aofkit::progress::Silent;
use aofkit::server::{ServerState, Whose};

use super::context::Context;
use super::running::Told;
use super::server::Asked;
use super::verdict::problem_lines;
use super::view::View;

/// Opens the files beside the set, and looks at who writes to it. `damaged` is where a file is that no server has loaded as it
/// is: its position in the set, and the offset.
pub fn neighbours(
    aof: &Aof,
    damaged: Option<(usize, u64)>,
    context: &Context,
) -> Result<Neighbours> {
    let mut found = survey(aof, now_ms(), &context.pace, &Silent)?;
    if let Some((position, at)) = damaged {
        let segment = &aof.segments[position];
        found.writing.tell_damage(&segment.name, at, segment.len().unwrap_or(0));
    }
    let Some((asked, said)) = own_server(aof, context) else { return Ok(found) };
    ask(aof, &mut found.writing, (asked, &said), context);
    if let Some(pid) = said.process_id.filter(|_| found.writing.running.is_none()) {
        // The number counts where it is one of this machine.
        let works_in = disk::working_directory(pid).and_then(|dir| disk::real_path(&dir).ok());
        let above = disk::real_path(&aof.dir().join("..")).ok();
        if works_in.is_some() && works_in == above {
            found.rights.of_server(aof, pid);
        }
    }
    Ok(found)
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// What the server of `--server` says, where it is the one of the set.
fn own_server<'c>(aof: &Aof, context: &'c Context) -> Option<(&'c Asked, ServerState)> {
    let asked = context.server.as_ref()?;
    let said = asked.state().ok()?;
    (said.owns(&aof.dir()) == Whose::Its).then_some((asked, said))
}

/// Holds its keys and its count against the files. What it does not say stays unknown.
fn ask(aof: &Aof, writing: &mut Writing, (asked, said): (&Asked, &ServerState), context: &Context) {
    let left = || keys_alive(aof, now_ms(), &context.pace, &Silent);
    let mut keys_left = None;
    let mut sizes = Sizes::of(aof, said);
    if sizes.is_some_and(Sizes::are_short) {
        // It was asked before the set was opened, and may have rewritten it since.
        let Ok(now) = asked.state_by_now() else { return };
        sizes = Sizes::of(aof, &now);
        let short = sizes.filter(|sizes| sizes.are_short() && writing.running.is_none());
        if let Some(short) = short {
            let Ok(left) = left() else { return };
            keys_left = Some(left);
            if were_taken(aof, [said, &now], left) {
                writing.tell_count(short.counted, short.files);
            }
        }
    }
    let Some(running) = &mut writing.running else { return };
    if let Ok(keys_left) = keys_left.map_or_else(left, Ok) {
        let address = asked.address.to_string();
        let keys = said.keys.values().sum();
        running.answer = Some(Answer { address, keys, keys_left, sizes });
    }
}

/// What has to be said before anything else: files are gone or have lost bytes, and their server still runs.
pub fn deleted(aof: &Aof, context: &Context) -> Option<Problem> {
    let mut writing = writing(aof);
    if let Some((asked, said)) = own_server(aof, context) {
        ask(aof, &mut writing, (asked, &said), context);
    }
    deleted_but_open(aof, &writing.running?)
}

/// What the server of `--server` says, for whoever looks at several sets. Asked before they are opened, so that the files
/// have at least what the server counts. One that refuses to answer is told of, and the sets are looked at without it.
///
/// # Errors
/// When nobody listens there.
pub fn answer(context: &Context) -> Result<Option<(String, ServerState)>> {
    let Some(asked) = &context.server else { return Ok(None) };
    match asked.state() {
        Ok(state) => Ok(Some((asked.address.to_string(), state))),
        Err(error) if asked.address.is_absent() => Err(error),
        Err(error) => {
            note_refusal(asked, &error, context);
            Ok(None)
        }
    }
}

/// Tells once a run why the server says nothing of itself.
pub fn note_refusal(asked: &Asked, error: &Error, context: &Context) {
    if asked.tells_refusal() {
        context.note(&format!("{error}; its sets are looked at without it"));
    }
}

/// What the server of `--server` says, for whoever looks at one set.
pub fn told_of(aof: &Aof, context: &Context) -> Option<Told> {
    let asked = context.server.as_ref()?;
    let address = asked.address.to_string();
    let state = match asked.state() {
        Ok(state) => state,
        Err(error) => {
            note_refusal(asked, &error, context);
            return None;
        }
    };
    let whose = state.owns(&aof.dir());
    let mut sizes = Sizes::of(aof, &state).filter(|_| whose == Whose::Its);
    if sizes.is_some_and(Sizes::are_short) {
        // It may have rewritten since it was asked.
        sizes = Sizes::of(aof, &asked.state_by_now().ok()?);
    }
    Some(Told { address, state, whose, sizes })
}

/// That in words.
pub fn first(problem: &Problem, context: &Context) -> String {
    problem_lines(problem, context.style) + "\n"
}

/// The same of a set that was judged.
pub fn first_of(report: &Report, view: &View) -> String {
    let first = report.problems.iter().filter(|problem| problem.comes_first());
    first.map(|problem| problem_lines(problem, view.style) + "\n").collect()
}
