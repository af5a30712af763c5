//! Servers on trial: what a user says of them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use aofkit::error::{Error, Result};
use aofkit::trial::Trial;
use clap::Args as ClapArgs;

use super::asking::Asking;
use super::context::Context;
use super::interrupt::{self, Interrupt};

/// What a user gives a server on trial.
#[derive(Debug, ClapArgs)]
pub struct LoadArgs {
    /// An argument for that server; may be given several times
    ///
    /// Such as --loadmodule, and then the module's file
    #[arg(
        long,
        value_name = "ARG",
        env = "AOFKIT_LOAD_ARG",
        value_delimiter = '\n',
        allow_hyphen_values = true
    )]
    pub load_arg: Vec<OsString>,
    /// Put copies for that server below DIR
    ///
    /// DIR has to exist; without it they are put below the system's temporary directory
    #[arg(long, value_name = "DIR", env = "AOFKIT_SCRATCH")]
    pub scratch: Option<PathBuf>,
}

/// Whether a server is to be asked what it makes of a set.
#[derive(Debug, ClapArgs)]
pub struct AskArgs {
    /// Also have this server program load a copy
    ///
    /// The output shows what that server did, and what aofkit expected. `repair` and `rewind` give it a copy of the set as it will be
    #[arg(long, value_name = "PROGRAM", env = "AOFKIT_LOAD")]
    pub load: Option<PathBuf>,
    #[command(flatten)]
    pub given: LoadArgs,
}

impl LoadArgs {
    /// Trials by a program. From here on a signal is noticed, ends them, and leaves nothing behind.
    pub fn trial(&self, program: &Path, context: &Context) -> Result<Trial> {
        let interrupt = Interrupt::listen().map_err(|e| Error::io(program, e))?;
        let trial = Trial::new(program)
            .arguments(&self.load_arg)
            .scratch(self.scratch.as_deref())
            .stop(interrupt.shared());
        // Beside JSON there are no warnings: they are in it.
        Ok(match context.json {
            true => trial,
            false => trial.warn(|what| super::output::complain(&format!("aofkit: {what}"))),
        })
    }
}

impl AskArgs {
    /// Trials by the program that was named, if one was. Unless another server was named, sets are judged by the rules of
    /// that one.
    pub fn ask(&self, context: &mut Context) -> Result<()> {
        let Some(program) = &self.load else { return Ok(()) };
        interrupt::obey_at_once();
        let trial = self.given.trial(program, context)?;
        if context.open.target.is_none() {
            context.open.target = trial.server()?;
        }
        // Between loads nothing is there that a signal could leave behind.
        interrupt::at_once(true);
        context.trial = Some(Asking::new(trial));
        Ok(())
    }
}
