//! `aofkit completions`: what a shell has to know to complete our arguments.

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use crate::cli::args::Args;

/// The script for one shell.
pub fn run(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    generate(shell, &mut Args::command(), "aofkit", &mut script);
    script
}
