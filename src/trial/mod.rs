//! Trials: a real server loads a copy of a log, and what it does is looked at.
//!
//! Loaders run every command of a log and ask nobody. So a trial has two walls. First, the names of all commands in the copy
//! are looked at, and one that no server logs stops the trial (`names`); a server is started with what was looked at and
//! with nothing else. Second, the server has nothing but that copy: another user, no network, no processes but its own, no place
//! to write in but its directory, none of the commands that act on more than keys (`guard`, `inside`, `walls`,
//! `settings`), and time, memory and words only as far as its log is large (`bounds`). What the kernel does not allow of
//! this is told. Nothing of it outlives the run (`leash`).
//!
//! The walls are put up by processes of the calling program itself. So a program that wants trials calls [`take_part`]
//! first of all in its `main`:
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! fn main() -> ExitCode {
//!     if let Some(code) = aofkit::trial::take_part() {
//!         return code;
//!     }
//!     // The program itself.
//!     ExitCode::SUCCESS
//! }
//! ```
//!
//! Without the feature `server` no server is started, and every trial is refused.

mod arguments;
mod bounds;
mod copy;
mod guard;
mod handed_on;
mod heard;
mod held;
mod inside;
mod leash;
mod load;
mod measure;
mod names;
mod refusal;
mod said;
mod server;
mod settings;
mod snapshot;
mod version;
#[cfg_attr(not(all(target_os = "linux", feature = "server")), path = "no_walls.rs")]
mod walls;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub use copy::Wanted;
pub use heard::Complaint;
pub use held::{Held, NoMoment};
pub use inside::take_part;
pub use load::{Change, FileChange, Loaded};
pub use measure::Measured;
pub use refusal::Refusal;
pub use snapshot::{Difference, LoadedSnapshot, Snapshots};

use crate::error::{Error, Result};
use crate::rules::Target;
use guard::Guard;
use leash::Leash;

/// How long a server may be silent.
const PATIENCE: Duration = Duration::from_secs(600);

/// A server program that is to load logs, and how it is run.
#[derive(Clone)]
pub struct Trial {
    program: PathBuf,
    arguments: Vec<OsString>,
    scratch: Option<PathBuf>,
    warn: Arc<dyn Fn(&str) + Send + Sync>,
    stop: Arc<AtomicBool>,
    /// How the program is run, once that was found out.
    guard: Arc<OnceLock<Guard>>,
}

impl Trial {
    /// Trials by a program, such as `/usr/bin/redis-server`; a mere name is looked for in `PATH`.
    pub fn new(program: &Path) -> Self {
        Self {
            program: program.to_owned(),
            arguments: Vec::new(),
            scratch: None,
            warn: Arc::new(|_| {}),
            stop: Arc::default(),
            guard: Arc::default(),
        }
    }

    /// Gives the server these arguments as well, such as `--loadmodule` and the module's file.
    #[must_use]
    pub fn arguments(mut self, arguments: &[OsString]) -> Self {
        self.arguments = arguments.to_vec();
        self
    }

    /// Puts copies below this directory, not below the system's temporary one.
    #[must_use]
    pub fn scratch(mut self, dir: Option<&Path>) -> Self {
        self.scratch = dir.map(Path::to_owned);
        self
    }

    /// Tells of walls that the kernel does not allow, before the server is given anything.
    #[must_use]
    pub fn warn(mut self, tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.warn = Arc::new(tell);
        self
    }

    /// Ends the server and removes all copies as soon as this is set; the answer is then
    /// [`crate::error::ErrorKind::Interrupted`].
    #[must_use]
    pub fn stop(mut self, when: Arc<AtomicBool>) -> Self {
        self.stop = when;
        self
    }

    /// Whether the program may be run at all, and what ends it.
    fn begin(&self) -> Result<Leash> {
        if !cfg!(feature = "server") {
            return Err(Error::refused(Refusal::NoServers, &self.program));
        }
        if !inside::takes_part() {
            return Err(Error::refused(Refusal::TakesNoPart, &self.program));
        }
        arguments::ensure_readable(&self.arguments)?;
        Ok(Leash::default())
    }

    /// Which server the program is; `None` where it does not tell.
    ///
    /// # Errors
    /// When it cannot be run, or when it was stopped.
    pub fn server(&self) -> Result<Option<Target>> {
        let (leash, trial) = (self.begin()?, self.clone());
        leash.work(&self.stop, &self.program, move |leash| Ok(trial.guard(leash)?.target()))
    }

    /// How the program is run. Of walls that do not stand is told when that is found out, before a log is given to it.
    fn guard(&self, leash: &Leash) -> Result<&Guard> {
        if let Some(guard) = self.guard.get() {
            return Ok(guard);
        }
        let asking = leash.scratch(self.scratch.as_deref())?;
        let guard = Guard::new(&self.program, &asking, leash)?;
        guard.warn(&*self.warn);
        Ok(self.guard.get_or_init(|| guard))
    }
}
