//! A server program on trial, between the loads that it is asked for.

use aofkit::aof::Aof;
use aofkit::error::Result;
use aofkit::trial::{Loaded, Trial, Wanted};

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
}
