//! How a backup is to be taken.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::scan::Pace;

/// How to take a backup.
#[derive(Clone, Debug)]
pub struct BackupOptions {
    /// Name of the source; made of machine and place when not given.
    pub source: Option<String>,
    /// Sources that other sets are: where none is named, this set is none of them.
    pub others: BTreeSet<String>,
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
    /// Files of `includes` of the snapshot before that are not among these are left out.
    pub drops_includes: bool,
    /// The set may have nothing to do with what the source had before.
    pub new_history: bool,
    /// Make a snapshot also when nothing has changed.
    pub always: bool,
    /// Compare all bytes that are taken over from the snapshot before, and not only the ends of files.
    pub paranoid: bool,
    /// Keep the files as they lie there, damaged or not, in a source of their own; nothing is verified.
    pub as_is: bool,
    /// A set that has lost so much of its keys or bytes, in percent, is marked, where that is less than half.
    pub shrink_percent: Option<u64>,
}

impl Default for BackupOptions {
    fn default() -> Self {
        Self {
            source: None,
            others: BTreeSet::new(),
            tags: Vec::new(),
            level: 1,
            threads: 2,
            pace: Pace::default(),
            includes: Vec::new(),
            drops_includes: false,
            new_history: false,
            always: false,
            paranoid: false,
            as_is: false,
            shrink_percent: None,
        }
    }
}
