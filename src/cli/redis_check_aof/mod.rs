//! Called as `redis-check-aof` or `valkey-check-aof`: the arguments, phrases and exit statuses of that
//! program of Redis 8.6 or Valkey 9.1, for runbooks and containers that know no other.
//!
//! Everything goes to standard output, as there. What differs on purpose is listed in `docs/behaviour.md`.

mod cut;
mod file;
mod log;
mod preamble;
mod run;
mod set;

use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use aofkit::check::preamble::Tool;
use aofkit::check::strict::{Strict, seconds};

use crate::cli::common::outcome::Outcome;
use run::{Ended, Run, Wish, called};

/// The versions whose ways these are.
const VERSION_OF_REDIS: &str = "8.6.2";
const VERSION_OF_VALKEY: &str = "9.1.2";

/// Whether a program called by this name is meant to be that one.
pub fn is_meant(program: &Path) -> bool {
    let name = program.file_name().unwrap_or_default().as_bytes();
    [&b"redis-check-aof"[..], b"valkey-check-aof"].iter().any(|meant| name.starts_with(meant))
}

/// Which of both is meant.
fn tool(program: &[u8]) -> Tool {
    let name = Path::new(OsStr::from_bytes(program)).file_name().unwrap_or_default();
    match name.as_bytes().starts_with(b"valkey") {
        true => Tool::Valkey,
        false => Tool::Redis,
    }
}

/// Runs as that program. The first argument is the name it was called by.
pub fn run(args: &[OsString]) -> Outcome {
    let words: Vec<&[u8]> = args.iter().skip(1).map(|word| word.as_bytes()).collect();
    let program = args.first().map_or(&b"redis-check-aof"[..], |name| name.as_bytes());
    let tool = tool(program);
    let mut run = Run { lines: Strict::new(None), wish: Wish::Check, tool, kept: None };
    let path = match words[..] {
        [b"-v" | b"--version"] => return version(&mut run),
        [path] => path,
        [b"--fix", path] => {
            run.wish = Wish::Fix;
            path
        }
        [b"--truncate-to-timestamp", text, path] => {
            let Some(until) = seconds(text) else {
                run.say(b"Invalid timestamp, aborting...\n");
                return Outcome::CouldNot;
            };
            if until != 0 {
                run.wish = Wish::Until(until);
                run.lines = Strict::new(Some(until));
            }
            path
        }
        _ => {
            let options = b" [--fix|--truncate-to-timestamp $timestamp] <file.manifest|file.aof>\n";
            run.say(&[b"Usage: ", program, options].concat());
            return Outcome::CouldNot;
        }
    };
    let outcome = match set::check(&mut run, path) {
        Ok(()) => Outcome::Done,
        Err(Ended) => Outcome::CouldNot,
    };
    // Scripts compare what they read with what that program prints; people are told where the rest is.
    if let Some(kept) = run.kept.take().filter(|_| std::io::stdout().is_terminal()) {
        run.say(kept.as_bytes());
    }
    outcome
}

fn version(run: &mut Run) -> Outcome {
    let build = concat!("aofkit-", env!("CARGO_PKG_VERSION"));
    let version = match run.tool {
        Tool::Redis => VERSION_OF_REDIS,
        Tool::Valkey => VERSION_OF_VALKEY,
    };
    let name = called(run.tool);
    let text = format!("{name} v={version} sha=00000000:0 malloc=system bits=64 build={build}\n");
    run.say(text.as_bytes());
    Outcome::Done
}
