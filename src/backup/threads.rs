//! Threads for a piece of work, as many as the system gives: a user may have only so many.

use std::panic::resume_unwind;
use std::path::Path;
use std::thread::{Builder, Scope, ScopedJoinHandle};

use crate::error::{Error, Result};

/// Starts `count` threads; fewer are enough, for those that are there do all of it.
///
/// # Errors
/// When the system gives not even one.
pub(super) fn start<'scope, F: FnOnce() + Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    count: usize,
    make: impl Fn() -> F,
) -> Result<Vec<ScopedJoinHandle<'scope, ()>>> {
    let mut started = Vec::new();
    for _ in 0..count.max(1) {
        match Builder::new().spawn_scoped(scope, make()) {
            Ok(thread) => started.push(thread),
            Err(_) if !started.is_empty() => break,
            Err(e) => return Err(Error::io(Path::new("a thread of its own"), e)),
        }
    }
    Ok(started)
}

/// Waits for the end of a thread; what it panicked with goes on here.
pub(super) fn ended(thread: ScopedJoinHandle<'_, ()>) {
    if let Err(panic) = thread.join() {
        resume_unwind(panic);
    }
}
