//! Ctrl-C: noticed, and not obeyed on the spot, while a set is being changed; obeyed at once where nothing is ever half done.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};

use super::outcome::Outcome;

/// What asks a run to end.
const SIGNALS: [i32; 2] = [SIGINT, SIGTERM];

/// Whether a signal ends the run on the spot, once [`obey_at_once`] has been called.
static AT_ONCE: AtomicBool = AtomicBool::new(true);

/// From now on a write beyond the largest file that may be made (RLIMIT_FSIZE) is an error, "File too large", and no
/// signal that kills. Caught and not ignored: what is ignored stays so in programs that are started.
pub fn survive_file_size_limits() {
    let came = Arc::new(AtomicBool::new(false));
    // Where it cannot be done, the signal ends the run, as before.
    let _ = signal_hook::flag::register(SIGXFSZ, came);
}

/// From now on SIGINT and SIGTERM end the run at once, and the exit status says so, until somebody listens. For work
/// that may end anywhere, as it may be killed anywhere: what counts is published by its last step.
pub fn obey_at_once() {
    for signal in SIGNALS {
        // Where it cannot be done, the signal ends the run by itself, with a status of its own.
        let status = Outcome::Interrupted as i32;
        let _ = signal_hook::flag::register_conditional_shutdown(signal, status, &AT_ONCE);
    }
}

/// Whether SIGINT and SIGTERM end the run at once from now on, for work that [`obey_at_once`] was called for.
pub fn at_once(is_so: bool) {
    AT_ONCE.store(is_so, Ordering::SeqCst);
}

/// Set by the first SIGINT or SIGTERM from now on, which then do nothing else.
#[derive(Debug)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Begins to listen.
    pub fn listen() -> std::io::Result<Self> {
        AT_ONCE.store(false, Ordering::SeqCst);
        let flag = Arc::new(AtomicBool::new(false));
        for signal in SIGNALS {
            signal_hook::flag::register(signal, Arc::clone(&flag))?;
        }
        Ok(Self(flag))
    }

    pub fn flag(&self) -> &AtomicBool {
        &self.0
    }

    /// The flag, for work that goes on in another thread.
    pub fn shared(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }

    /// Whether there was one.
    pub fn came(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
