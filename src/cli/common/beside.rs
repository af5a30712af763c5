//! What lies beside a set, as every verb that judges one looks at it.

use aofkit::aof::Aof;
use aofkit::check::{Problem, Report, deleted_but_open};
use aofkit::error::Result;
use aofkit::neighbours::{Answer, Neighbours, Running, keys_alive, survey, writing};
use aofkit::progress::Silent;
use aofkit::server::Whose;

use super::context::Context;

use super::verdict::problem_lines;
use super::view::View;

/// Opens the files beside the set, and looks at who writes to it.
pub fn neighbours(aof: &Aof, context: &Context) -> Result<Neighbours> {
    let mut found = survey(aof, now_ms(), &context.pace, &Silent)?;
    if let Some(running) = &mut found.writing.running {
        ask(aof, running, context);
    }
    Ok(found)
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Asks the server of `--server` for its keys, where it is the one of the set. What it does not say stays unknown.
fn ask(aof: &Aof, running: &mut Running, context: &Context) {
    let Some(asked) = context.server.as_ref().filter(|asked| !asked.address.is_absent()) else {
        return;
    };
    let Ok(said) = asked.connect().and_then(|mut server| server.state()) else { return };
    if said.owns(&aof.dir()) != Whose::Its {
        return;
    }
    let keys = said.keys.values().sum();
    if let Ok(keys_left) = keys_alive(aof, now_ms(), &context.pace, &Silent) {
        let address = asked.address.to_string();
        running.answer = Some(Answer { address, keys, keys_left });
    }
}

/// What has to be said before anything else: files are gone, and their server still runs.
pub fn deleted(aof: &Aof, context: &Context) -> Option<Problem> {
    let mut running = writing(aof).running?;
    ask(aof, &mut running, context);
    deleted_but_open(aof, &running)
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
