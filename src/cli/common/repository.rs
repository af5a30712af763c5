//! The backup repository that a verb works on, and the snapshot that a path names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aofkit::aof::{Aof, OpenOptions};
use aofkit::backup::{Entry, Repository, SnapshotPath, open_snapshot};
use aofkit::error::Result;
use clap::Args as ClapArgs;
use clap::builder::{PathBufValueParser, TypedValueParser};

/// Which repository.
#[derive(Debug, ClapArgs)]
pub struct Place {
    /// The backup repository, a directory
    #[arg(long, value_name = "DIR", env = "AOFKIT_REPO", value_parser = directory())]
    pub repo: PathBuf,
}

/// Takes a repository as it is typed. A URL is not made a directory of that name: whoever types one believes that the backup
/// is elsewhere.
pub fn directory() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| {
        let text = path.to_string_lossy();
        let is_scheme = |scheme: &str| {
            let fits = |c: char| c.is_ascii_alphanumeric() || "+.-".contains(c);
            scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(fits)
        };
        match text.split_once("://") {
            Some((scheme, _)) if is_scheme(scheme) => Err(format!(
                "a repository is a directory, and {scheme}:// is not supported; mount it, or copy the directory there afterwards"
            )),
            _ => Ok(path),
        }
    })
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
