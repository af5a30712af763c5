//! Files that are looked at together, and when they were written to.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::place::Place;
use crate::disk;

/// Files that are looked at together.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) place: Place,
    pub(super) files: Vec<PathBuf>,
    /// Bytes of them.
    pub(super) len: u64,
    /// When one of them was last written to.
    pub(super) written_at: Option<SystemTime>,
}

impl Group {
    pub(super) fn new(place: Place) -> Self {
        Self { place, files: Vec::new(), len: 0, written_at: None }
    }

    /// A link is not followed: where it leads is nobody's concern here.
    pub(super) fn add(&mut self, path: &Path, len: u64, written_at: Option<SystemTime>) {
        if disk::is_link(path) {
            return;
        }
        self.files.push(path.to_owned());
        self.len += len;
        self.written_at = self.written_at.max(written_at);
    }
}

/// When the bytes of a file were last written to, where that can be told.
pub(super) fn written_at(path: &Path) -> Option<SystemTime> {
    let ns = u64::try_from(disk::stamp(path).ok()?.modified_ns()).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_nanos(ns))
}
