//! `aofkit status`

pub mod args;
pub mod json;
pub mod report;
pub mod text;
pub mod wire;

use std::path::PathBuf;

use aofkit::backup::Repository;
use aofkit::check::Wording;
use aofkit::error::{Error, Result};
use aofkit::fleet::{Around, Outlier, Place, State, coverage, join, look, outliers, sources};
use aofkit::server::Whose;
use aofkit::text::path;

use self::args::StatusArgs;
use self::report::{Watched, rank};
use crate::cli::common::beside;
use crate::cli::common::context::Context;
use crate::cli::common::outcome::Outcome;
use crate::cli::common::sets::{names, root_of, without_set};

pub fn run(args: &StatusArgs, context: &Context) -> Result<(String, Outcome)> {
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let mut around = Around::at(now_ms);
    (around.pace, around.wording) = (context.pace, Wording { redact: context.redact });
    let mut known = None;
    if let Some(repo) = &args.repo {
        let found = sources(&Repository::at(repo)?, context.source.as_deref())?;
        if let (true, Some(name)) = (found.is_empty(), &context.source) {
            let why = format!("no snapshots of a source '{name}'");
            let none = std::io::Error::new(std::io::ErrorKind::NotFound, why);
            return Err(Error::io(repo, none));
        }
        around = around.with_sources(found.clone());
        known = Some(found);
    }
    around.server = beside::answer(context)?;
    let (mut states, failed) = states(args, &around, context)?;
    join(&mut states, &around);
    note_server(&around, &states, context);
    let places: Vec<_> = states.iter().map(place).collect();
    let (sets, outliers) = named(states, &args.paths);
    let mut watched = Watched {
        sets,
        sources: known,
        repo: args.repo.clone(),
        outliers,
        coverage: None,
        max_age: args.max_age,
        now_ms,
        vacant: without_set(&places, &args.paths),
        root: root_of(&args.paths),
        failed: failed.len() as u64,
    };
    watched.coverage = coverage(watched.sets.iter().map(|(_, state)| state.cluster.as_ref()));
    let outcome = Outcome::worst(failed.into_iter().chain([watched.outcome()]));
    let is_silent = context.quiet && outcome == Outcome::Done;
    let text = match context.json {
        true => json::status(&watched),
        false if is_silent => String::new(),
        false => text::status(&watched, context),
    };
    Ok((text, outcome))
}

/// Looks at every set. What could not be read is told of; where that is all there is, it is an error.
fn states(
    args: &StatusArgs,
    around: &Around,
    context: &Context,
) -> Result<(Vec<State>, Vec<Outcome>)> {
    let paths = match &args.paths[..] {
        // The configuration says where the set is.
        [] if context.open.conf.is_some() => vec![PathBuf::new()],
        [] => return Ok((Vec::new(), Vec::new())),
        paths => paths.to_vec(),
    };
    context.each_of(&paths, |aof, turn| look(&aof, around, &turn.bar))
}

/// A server that has none of the sets is told of: nothing of what it says stands in any row.
fn note_server(around: &Around, states: &[State], context: &Context) {
    let is_its = |state: &State| state.server.is_some();
    if let Some((address, said)) = &around.server
        && !states.is_empty()
        && !states.iter().any(is_its)
    {
        let unknown = states.iter().find_map(|state| match said.owns(&state.dir) {
            Whose::Unknown(why) => Some(why),
            _ => None,
        });
        if let Some(why) = unknown {
            context.note(&format!(
                "whether one of these sets is that of the server at {address} is not known: {why}"
            ));
            return;
        }
        let own = said.log_path().map(|own| format!(": its log is {}", path(&own)));
        context.note(&format!(
            "the server at {address} is of none of these sets{}",
            own.unwrap_or_default()
        ));
    }
}

/// Each with its name, the worst first, and those that stand out.
fn named(states: Vec<State>, paths: &[PathBuf]) -> (Vec<(String, State)>, Vec<Outlier>) {
    let measured: Vec<_> = states.iter().map(State::measured).collect();
    let mut found = outliers(&measured);
    let outlier = |at: usize| found.iter().position(|one| one.place == at);
    let mut order: Vec<usize> = (0..states.len()).collect();
    order.sort_by_cached_key(|at| rank(&states[*at], outlier(*at)));
    for one in &mut found {
        one.place = order.iter().position(|at| *at == one.place).unwrap_or(one.place);
    }
    let mut states: Vec<_> = states.into_iter().map(Some).collect();
    let sorted: Vec<State> = order.into_iter().filter_map(|at| states[at].take()).collect();
    let root = root_of(paths);
    let names = names(sorted.iter().map(place), &root);
    (names.into_iter().zip(sorted).collect(), found)
}

fn place(state: &State) -> Place {
    Place::new(state.manifest.as_ref().unwrap_or(&state.path), &state.dir, state.layout)
}
