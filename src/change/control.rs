//! What stops a change before it is published, and who is told how far it is.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, ErrorKind, Result};
use crate::progress::Progress;

/// What stops a change before it is published.
pub(super) struct Control<'a> {
    pub(super) stop: Option<&'a AtomicBool>,
    pub(super) progress: &'a dyn Progress,
}

impl Control<'_> {
    pub(super) fn advance(&self, bytes: u64, path: &Path) -> Result<()> {
        self.progress.advance(bytes);
        match self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed)) {
            true => Err(Error::new(ErrorKind::Interrupted, path)),
            false => Ok(()),
        }
    }
}
