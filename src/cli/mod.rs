//! The command line. Sees the library as any other user does: by its public API.

mod args;
mod audit;
mod backup;
mod cat;
mod changing;
mod check;
mod clean;
mod common;
mod completions;
mod convert;
mod diff;
mod growth;
mod inspect;
mod man;
mod metrics;
mod page;
mod plan;
mod prune;
mod recover;
mod redis_check_aof;
mod repair;
mod report;
mod repository;
mod restore;
mod rewind;
mod schema;
mod snapshots;
mod stats;
mod status;
mod verify;

use std::ffi::OsString;
use std::io::{BufWriter, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use aofkit::text::is_obeyed;
use args::{Args, Verb};
use common::context::{Context, Format};
use common::helps::helped;
use common::outcome::Outcome;
use common::output::{
    Paper, Saying, asks_for_json, complain, done, print, screen, unwritten, usage,
};
use common::{interrupt, modules};

/// Runs what the arguments ask for.
pub fn run() -> ExitCode {
    let words: Vec<_> = std::env::args_os().collect();
    aofkit::trial::take_part().unwrap_or_else(|| run_verb(&words).into())
}

fn run_verb(words: &[OsString]) -> Outcome {
    interrupt::survive_file_size_limits();
    aofkit::disk::raise_file_limit();
    if words.first().is_some_and(|program| redis_check_aof::is_meant(Path::new(program))) {
        return redis_check_aof::run(words);
    }
    let args = match Args::read() {
        Ok(args) => args,
        Err(e) => return not_understood(&e),
    };
    let mut context = match args.context() {
        Ok(context) => context,
        Err(why) => return usage(&why, asks_for_json()),
    };
    if !context.more_confs.is_empty() && !matches!(args.verb, Verb::Audit(_)) {
        let why = "--conf is given several times: only `audit` takes more than one";
        return usage(why, context.json);
    }
    if let Err(why) = args.can_print(&context) {
        return usage(&why, context.json);
    }
    let filter = match args.filter(&context) {
        Ok(filter) => filter,
        Err(why) => return usage(&why, context.json),
    };
    if args.verb.asks_for_modules()
        && let Err(e) = modules::ask(args.verb.judges(), &mut context)
    {
        context.complain(&e);
        return Outcome::of_error(&e);
    }
    if let Some(ask) = args.verb.asks_to_load()
        && let Err(e) = ask.ask(&mut context)
    {
        context.complain(&e);
        return Outcome::of_error(&e);
    }
    let answer = match &args.verb {
        Verb::Inspect(verb) => return said(inspect::run(verb.path(), &context), &context),
        Verb::Check(verb) => return said(check::run(verb, &context), &context),
        Verb::Stats(stats) => stats::run(stats, &filter, &context),
        Verb::Cat(cat) => return printed(cat::run(cat, filter, &context), &context),
        Verb::Repair(verb) => repair::run(verb, &context),
        Verb::Backup(args) => backup::run(args, &context),
        Verb::Snapshots(args) => snapshots::run(args, &context),
        Verb::Verify(args) => verify::run(args, &context),
        Verb::Restore(args) => restore::run(args, &context),
        Verb::Prune(args) => prune::run(args, &context),
        Verb::Convert(verb) => convert::run(verb, &context),
        Verb::Clean(verb) => clean::run(verb, &context),
        Verb::Rewind(verb) => rewind::run(verb, &context),
        Verb::Diff(args) => diff::run(args, &context),
        Verb::Recover(verb) => recover::run(verb, &args.server, &context),
        Verb::Growth(growth) => growth::run(growth, &context),
        Verb::Status(verb) => status::run(verb, &context),
        Verb::Report(args) => report::run(args, &context),
        Verb::Audit(args) => audit::run(args, &context),
        Verb::Metrics(verb) => metrics::run(verb, &context),
        Verb::Schema { verb } => return done(schema::run(*verb, context.json).as_bytes()),
        Verb::Completions { shell } => return done(&completions::run(*shell)),
        Verb::Man { verb, output } => return man(verb.as_deref(), output.as_deref(), &context),
    };
    ended(answer, &args.verb, &context)
}

/// What a verb answers with, and how it ended.
type Answer = aofkit::error::Result<(String, Outcome)>;

/// How a verb ended that answers with a text.
fn ended(answer: Answer, verb: &Verb, context: &Context) -> Outcome {
    match answer {
        // Who wants silence hears of what was done when it could not be done, or something was found.
        Ok((_, Outcome::Done)) if context.quiet && !context.json && verb.is_done_silently() => {
            Outcome::Done
        }
        Ok((text, outcome)) => {
            let text = match context.format {
                Format::Text if !context.json => screen(&text, context.style),
                // What is not for people is escaped in its own way.
                _ => text.into(),
            };
            print(text.as_bytes()).unwrap_or(outcome)
        }
        Err(e) => {
            let e = match verb.writes() {
                Some(writes) => helped(e, writes),
                None => e,
            };
            context.complain(&e);
            Outcome::of_error(&e)
        }
    }
}

/// How a verb ended that says piece by piece what it has to say.
fn said(answer: aofkit::error::Result<(Saying<'_>, Outcome)>, context: &Context) -> Outcome {
    let (say, outcome) = match answer {
        Ok(answer) => answer,
        Err(e) => {
            context.complain(&e);
            return Outcome::of_error(&e);
        }
    };
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut paper = Paper::new(&mut out, context.style);
    match say(&mut paper).and_then(|()| out.flush()) {
        Ok(()) => outcome,
        Err(e) => unwritten(&e),
    }
}

/// How a verb ended that prints as it goes.
fn printed(answer: Result<Outcome, cat::Failure>, context: &Context) -> Outcome {
    match answer {
        Ok(outcome) => outcome,
        Err(cat::Failure::Usage(why)) => usage(&why, context.json),
        Err(cat::Failure::Read(e)) => {
            context.complain(&e);
            Outcome::of_error(&e)
        }
    }
}

/// Help and version go to standard output and are no error; all else is.
fn not_understood(e: &clap::Error) -> Outcome {
    if !e.use_stderr() {
        let text = e.render();
        let text = if std::io::stdout().is_terminal() {
            text.ansi().to_string()
        } else {
            text.to_string()
        };
        return done(text.as_bytes());
    }
    if asks_for_json() {
        let text = e.render().to_string();
        return usage(text.trim_start_matches("error: ").trim_end(), true);
    }
    // What was typed is repeated: colours only where it holds nothing that a terminal obeys.
    let is_plain = |word: std::ffi::OsString| word.to_str().is_some_and(|w| !w.contains(is_obeyed));
    if std::env::args_os().all(is_plain) && std::io::stderr().is_terminal() {
        let _ = e.print();
    } else {
        complain(&e.render().to_string());
    }
    Outcome::Usage
}

fn man(verb: Option<&str>, output: Option<&Path>, context: &Context) -> Outcome {
    if let Some(dir) = output {
        return match man::write_all(dir) {
            Ok(()) => Outcome::Done,
            Err(e) => {
                let e = aofkit::error::Error::io(dir, e);
                context.complain(&e);
                Outcome::of_error(&e)
            }
        };
    }
    match man::page(verb) {
        Some(Ok(page)) => done(&page),
        Some(Err(e)) => {
            complain(&format!("aofkit: {e}"));
            Outcome::CouldNot
        }
        None => usage(&format!("there is no verb '{}'", verb.unwrap_or_default()), context.json),
    }
}
