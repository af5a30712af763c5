//! The command line. Sees the library as any other user does: by its public API.

mod args;
mod check;
mod inspect;
mod outcome;
mod progress;
mod render;

use std::io::Write;

use clap::Parser;

use args::{Args, Verb};
pub use outcome::Outcome;

/// Runs what the arguments ask for.
pub fn run() -> Outcome {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(e) => {
            // Help and version go to standard output and are no error.
            let outcome = if e.use_stderr() { Outcome::Usage } else { Outcome::Done };
            let _ = e.print();
            return outcome;
        }
    };
    let context = match args.global.context() {
        Ok(context) => context,
        Err(why) => {
            eprintln!("aofkit: {why}");
            return Outcome::Usage;
        }
    };
    let answer = match &args.verb {
        Verb::Inspect(verb) => inspect::run(&verb.path, &context),
        Verb::Check(verb) => check::run(&verb.reading.path, verb.thorough, &context),
    };
    match answer {
        Ok((text, outcome)) => print(&text).unwrap_or(outcome),
        Err(e) => {
            context.complain(&e);
            Outcome::of_error(&e)
        }
    }
}

/// Writes the result. `Some` when that changes the outcome: a reader that went away is content.
fn print(text: &str) -> Option<Outcome> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => None,
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Some(Outcome::Done),
        Err(e) => {
            eprintln!("aofkit: standard output: {e}");
            Some(Outcome::CouldNot)
        }
    }
}
