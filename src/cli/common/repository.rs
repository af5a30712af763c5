//! The backup repository that a verb works on, and the snapshot that a path names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aofkit::aof::{Aof, OpenOptions};
use aofkit::backup::{Entry, Repository, SnapshotPath, open_snapshot};
use aofkit::error::Result;
use clap::Args as ClapArgs;

/// Which repository.
#[derive(Debug, ClapArgs)]
pub struct Place {
    /// The backup repository, a directory
    #[arg(long, value_name = "DIR", env = "AOFKIT_REPO")]
    pub repo: PathBuf,
}

/// The snapshot that a path such as `REPO::latest` names, and its repository.
pub fn find(path: &SnapshotPath, source: Option<&str>) -> Result<(Repository, Entry)> {
    let repository = Repository::at(&path.repository)?;
    let listed = repository.find(&path.which, source)?;
    let entry = repository.entry(&listed)?;
    Ok((repository, entry))
}

/// The snapshot at `path` as a set; `None` when the path names none.
pub fn snapshot(path: &Path, options: &OpenOptions, source: Option<&str>) -> Option<Result<Aof>> {
    let named = SnapshotPath::parse(path)?;
    let opened = find(&named, source)
        .and_then(|(repository, entry)| open_snapshot(Arc::new(repository), &entry, path, options));
    Some(opened)
}
