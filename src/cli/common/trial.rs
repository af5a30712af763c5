//! Servers on trial: what a user says of them.

use std::ffi::OsString;
use std::path::Path;

use aofkit::error::{Error, Result};
use aofkit::trial::Trial;
use clap::Args as ClapArgs;

use super::context::Context;
use super::interrupt::Interrupt;

/// What a user gives a server on trial.
#[derive(Debug, ClapArgs)]
pub struct LoadArgs {
    /// An argument for that server, such as --loadmodule, and the module's file as another; may be given several
    /// times
    #[arg(
        long,
        value_name = "ARG",
        env = "AOFKIT_LOAD_ARG",
        value_delimiter = '\n',
        allow_hyphen_values = true
    )]
    pub load_arg: Vec<OsString>,
}

impl LoadArgs {
    /// Trials by a program. From here on a signal is noticed, ends them, and leaves nothing behind.
    pub fn trial(&self, program: &Path, context: &Context) -> Result<Trial> {
        let interrupt = Interrupt::listen().map_err(|e| Error::io(program, e))?;
        let trial = Trial::new(program).arguments(&self.load_arg).stop(interrupt.shared());
        // Beside JSON there are no warnings: they are in it.
        Ok(match context.json {
            true => trial,
            false => trial.warn(|what| super::output::complain(&format!("aofkit: {what}"))),
        })
    }
}
