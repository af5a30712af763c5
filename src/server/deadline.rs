//! Work that may block, with a deadline for all of it.
//!
//! A timeout of a socket is one for each of its reads: whoever sends a byte now and then never runs into it.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread::Builder;
use std::time::Duration;

/// Threads that may wait at a time for answers. One that was given up ends with its answer, or when the other side falls
/// silent; a process that asks for days must not collect them.
const WAITING: usize = 32;

static WAITING_NOW: AtomicUsize = AtomicUsize::new(0);

/// One of the threads that wait.
struct Waiting;

impl Waiting {
    fn one_more() -> io::Result<Self> {
        let waiting = Self;
        match WAITING_NOW.fetch_add(1, Ordering::Relaxed) {
            0..WAITING => Ok(waiting),
            _ => Err(io::Error::other("too many earlier answers are still on their way")),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        WAITING_NOW.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Does this in a thread of its own, and waits at most so long. What is not done by then is given up.
pub(super) fn within<T: Send + 'static>(
    patience: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let waiting = Waiting::one_more()?;
    let (done, result) = sync_channel(1);
    Builder::new().spawn(move || {
        // Nobody takes it any more where it comes too late.
        let _ = done.send(work());
        drop(waiting);
    })?;
    result.recv_timeout(patience).map_err(|e| match e {
        RecvTimeoutError::Timeout => io::ErrorKind::TimedOut.into(),
        RecvTimeoutError::Disconnected => io::Error::other("the answer was lost"),
    })
}
