//! How long a real server takes to load a set: measured on a copy.
//!
//! The server is on trial: it gets copies of the files and no way back to the original, and is ended as soon as it has
//! loaded.

use super::Trial;
use super::copy::{Copied, Wanted};
use super::heard::seconds;
use super::names::look;
use super::refusal::Refusal;
use super::server::{Load, OwnServer};
use crate::aof::Aof;
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Silent;
use crate::server::ServerState;

/// The most memory and the last, less that of an empty server.
fn memory(state: &ServerState) -> Option<(u64, u64)> {
    let empty = state.used_memory_startup_bytes?;
    let beside = |bytes: Option<u64>| Some(bytes?.saturating_sub(empty));
    Some((beside(state.used_memory_peak_bytes)?, beside(state.used_memory_bytes)?))
}

/// The server's directory.
const HOME: &str = "1";

/// What a server was seen to do.
#[derive(Debug)]
pub struct Measured {
    /// Seconds that it says it took to load the set.
    pub seconds: f64,
    /// The most memory that it took, and what it held in the end, beside that of its start, bytes; where it told.
    pub memory: Option<(u64, u64)>,
    /// What could not be kept from it.
    pub walls_missing: Vec<String>,
}

impl Trial {
    /// Has the server load a copy of the set, and takes the time.
    ///
    /// # Errors
    /// When it does not load the set, when that was not tried ([`ErrorKind::NotTried`]), or when it was stopped.
    pub fn measure(&self, aof: &Aof) -> Result<Measured> {
        let leash = self.begin()?;
        let own = leash.scratch(self.scratch.as_deref())?;
        let copied = Copied::new(aof, &Wanted::default(), own.scratch(), HOME, &self.stop)?;
        let mut settings = copied.settings(aof);
        settings.extend_from_slice(&self.arguments);
        let (trial, path) = (self.clone(), aof.path.clone());
        leash.work(&self.stop, &aof.path, move |leash| {
            let looked = look(&copied.all, &Silent).map_err(|e| match e.kind() {
                ErrorKind::NotTried(why) => Error::new(ErrorKind::NotTried(why.clone()), &path),
                _ => e,
            })?;
            let guard = trial.guard(leash)?;
            let refused = |why| Error::refused(why, &trial.program);
            let mut took = None;
            let mut hear = |line: &str| took = seconds(line).or(took);
            let dir = own.path().join(HOME);
            let load = Load { home: &own, name: HOME, looked, dir: &dir, settings: &settings };
            let server =
                OwnServer::start(guard, &load, leash, &mut hear).map_err(
                    |failure| match failure.is_unknown {
                        true => Error::new(ErrorKind::NotTried(failure.why), &path),
                        false => refused(Refusal::DoesNotLoad(failure.why)),
                    },
                )?;
            let seconds = took.ok_or_else(|| refused(Refusal::NoTime))?;
            // One that may not be asked has been timed all the same.
            let memory = server.state().ok().as_ref().and_then(memory);
            Ok(Measured { seconds, memory, walls_missing: guard.missing.clone() })
        })
    }
}
