//! Threads for a piece of work, as many as the system gives: a user may have only so many.

use std::path::Path;
use std::thread::{Builder, Scope};

use crate::error::{Error, Result};

/// Starts `count` threads; fewer are enough, for those that are there do all of it.
///
/// # Errors
/// When the system gives not even one.
pub(super) fn start<'scope, F: FnOnce() + Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    count: usize,
    make: impl Fn() -> F,
) -> Result<()> {
    for started in 0..count.max(1) {
        match Builder::new().spawn_scoped(scope, make()) {
            Ok(_) => {}
            Err(_) if started > 0 => break,
            Err(e) => return Err(Error::io(Path::new("a thread of its own"), e)),
        }
    }
    Ok(())
}
