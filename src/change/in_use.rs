//! Who has files open that are to be changed.

use std::path::Path;
use std::time::Duration;

use crate::disk::{self, FrozenFile, Identity};
use crate::error::{Error, ErrorKind, Result};

/// Who may have files of a set open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InUse {
    /// Processes that have them open for writing.
    pub pids: Vec<u32>,
    /// Why there may be others that cannot be seen; `None` when there cannot.
    pub unsure: Option<&'static str>,
}

/// Looks for processes that have one of these files open for writing.
pub fn in_use(files: &[&FrozenFile]) -> InUse {
    let identities: Vec<Identity> = files.iter().map(|f| f.identity()).collect();
    let writers = disk::writers(&identities);
    let unsure = if files.iter().any(|f| f.is_remote()) {
        Some("the files lie on a network file system: a server on another host cannot be seen")
    } else if !writers.all_seen {
        Some("the processes of other users cannot be looked at")
    } else if !disk::sees_all_processes() {
        Some("this runs in a container: a server outside of it cannot be seen")
    } else {
        None
    };
    InUse { pids: writers.pids, unsure }
}

/// An error when a process has one of the files open for writing.
pub(super) fn refuse_writers(files: &[Identity], path: &Path) -> Result<()> {
    refuse(&in_earnest(files, disk::writers), "open for writing", path)
}

/// The processes that have files open, now and a moment later: one that was only just forked holds what its
/// parent had open, until it becomes another program.
pub(super) fn in_earnest(files: &[Identity], look: fn(&[Identity]) -> disk::Writers) -> Vec<u32> {
    if look(files).pids.is_empty() {
        return Vec::new();
    }
    std::thread::sleep(Duration::from_millis(50));
    look(files).pids
}

pub(super) fn refuse(pids: &[u32], open: &str, path: &Path) -> Result<()> {
    if pids.is_empty() {
        return Ok(());
    }
    let pids: Vec<_> = pids.iter().map(u32::to_string).collect();
    let why = format!(
        "process {} has it {open}: stop the server first (--force does it all the same)",
        pids.join(", ")
    );
    Err(Error::new(ErrorKind::InUse(why), path))
}
