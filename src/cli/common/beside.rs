//! What lies beside a set, as every verb that judges one looks at it.

use aofkit::aof::Aof;
use aofkit::check::{Problem, Report, deleted_but_open};
use aofkit::disk;
use aofkit::error::Result;
use aofkit::neighbours::{Answer, Neighbours, Running, keys_alive, survey, writing};
use aofkit::progress::Silent;
use aofkit::server::{ServerState, Whose};

use super::context::Context;

use super::verdict::problem_lines;
use super::view::View;

/// Opens the files beside the set, and looks at who writes to it.
pub fn neighbours(aof: &Aof, context: &Context) -> Result<Neighbours> {
    let mut found = survey(aof, now_ms(), &context.pace, &Silent)?;
    if let Some(running) = &mut found.writing.running {
        ask(aof, running, context);
    } else if let Some(pid) = own_server(aof, context).and_then(|said| said.process_id) {
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
fn own_server(aof: &Aof, context: &Context) -> Option<ServerState> {
    let asked = context.server.as_ref().filter(|asked| !asked.address.is_absent())?;
    let said = asked.connect().and_then(|mut server| server.state()).ok()?;
    (said.owns(&aof.dir()) == Whose::Its).then_some(said)
}

/// Asks the server of `--server` for its keys. What it does not say stays unknown.
fn ask(aof: &Aof, running: &mut Running, context: &Context) {
    let Some((asked, said)) = context.server.as_ref().zip(own_server(aof, context)) else { return };
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
