//! How a backup is to be taken.

use std::path::PathBuf;

use crate::scan::Pace;

/// How to take a backup.
#[derive(Clone, Debug)]
pub struct BackupOptions {
    /// Name of the source; made of machine and place when not given.
    pub source: Option<String>,
    /// Labels of the snapshot.
    pub tags: Vec<String>,
    /// zstd's level.
    pub level: i32,
    /// Threads that compress.
    pub threads: usize,
    /// How fast to read.
    pub pace: Pace,
    /// Other files to keep with the set.
    pub includes: Vec<PathBuf>,
    /// The set may have nothing to do with what the source had before.
    pub new_history: bool,
    /// Make a snapshot also when nothing has changed.
    pub always: bool,
    /// Compare all bytes that are taken over from the snapshot before, and not only the ends of files.
    pub paranoid: bool,
}

impl Default for BackupOptions {
    fn default() -> Self {
        Self {
            source: None,
            tags: Vec::new(),
            level: 1,
            threads: 2,
            pace: Pace::default(),
            includes: Vec::new(),
            new_history: false,
            always: false,
            paranoid: false,
        }
    }
}
