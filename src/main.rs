//! `aofkit`: parse the arguments, run the verb, turn its outcome into an exit status.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
