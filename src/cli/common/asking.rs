//! A server program on trial, between the loads that it is asked for.

use aofkit::aof::Aof;
use aofkit::change::Looking;
use aofkit::error::Result;
use aofkit::moment::Moment;
use aofkit::trial::{Held, Loaded, Trial, Wanted};

use super::interrupt;

/// A server program that loads copies of the sets that a verb works on.
pub struct Asking(Trial);

impl Asking {
    pub fn new(trial: Trial) -> Self {
        Self(trial)
    }

    /// Has the server load a copy. A signal ends that, and leaves nothing behind.
    pub fn load(&self, aof: &Aof, wanted: &Wanted<'_>) -> Result<Loaded> {
        interrupt::at_once(false);
        let loaded = self.0.load(aof, wanted);
        interrupt::at_once(true);
        loaded
    }

    /// Has the server load a copy of the set as it stood at a moment, and holds it there. What is held goes with us,
    /// also where a signal ends the run.
    pub fn hold(&self, aof: &Aof, moment: Option<&Moment>, looking: &Looking<'_>) -> Result<Held> {
        interrupt::at_once(false);
        let held = self.0.hold_at(aof, moment, looking);
        interrupt::at_once(true);
        held
    }
}
