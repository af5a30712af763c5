//! `aofkit completions`: what a shell has to know to complete our arguments.

use clap_complete::{Shell, generate};

use crate::cli::args::command;

/// The script for one shell.
pub fn run(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    generate(shell, &mut command(), "aofkit", &mut script);
    script
}
