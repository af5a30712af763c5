//! What a backup is to be taken of, and what speaks against it before anything is read.

use std::path::{Path, PathBuf};

use super::identity::{self, Identity};
use super::name;
use super::numbers::Numbers;
use super::options::BackupOptions;
use super::repository::{Listed, Repository};
use crate::aof::{Aof, OpenOptions};
use crate::disk::Hold;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::progress::Progress;
use crate::store::Held;
use crate::text::thousands;

/// A backup that is being taken.
pub(super) struct Task<'a> {
    pub(super) path: &'a Path,
    pub(super) open: &'a OpenOptions,
    pub(super) repository: &'a Repository,
    pub(super) options: &'a BackupOptions,
    pub(super) progress: &'a dyn Progress,
}

impl Task<'_> {
    /// Holds the repository, when nothing that was asked for makes no sense.
    pub(super) fn begin(&self) -> Result<Option<Held>> {
        let shared = self.repository.lock(Hold::Shared)?;
        refuse_twice(&self.options.includes)?;
        refuse_too_many(&self.options.tags)?;
        Ok(shared)
    }

    /// The source that the set is.
    pub(super) fn source_of(&self, aof: &Aof, place: &Path) -> Result<Identity> {
        match &self.options.source {
            None => identity::source_of(self.repository, aof, place, &self.options.others),
            Some(named) if name::is_as_is(named) => {
                let why =
                    format!("'{named}': names that end so are given to files kept by --as-is");
                Err(Error::new(ErrorKind::Refused(why.into()), Path::new("--source")))
            }
            Some(named) => Ok(Identity { source: named.clone(), unread: Vec::new() }),
        }
    }

    /// Refuses a source whose snapshots are all gone: more likely a disk is not there than that it is a new one.
    pub(super) fn must_not_be_gone(
        &self,
        source: &str,
        known: Option<&Numbers>,
        listed: &[Listed],
    ) -> Result<()> {
        match known.filter(|known| listed.is_empty() && known.last() > 0) {
            None => Ok(()),
            Some(known) => Err(all_gone(self.repository, source, known.last())),
        }
    }
}

/// Refuses more labels than a snapshot may have.
fn refuse_too_many(tags: &[String]) -> Result<()> {
    let bytes: usize = tags.iter().map(String::len).sum();
    if tags.len() <= limits::BACKUP_TAGS && bytes <= limits::BACKUP_TEXT {
        return Ok(());
    }
    let why =
        format!("at most {} labels of {} bytes together", limits::BACKUP_TAGS, limits::BACKUP_TEXT);
    Err(Error::new(ErrorKind::Refused(why.into()), Path::new("--tag")))
}

/// Refuses two files to include that have one name.
fn refuse_twice(includes: &[PathBuf]) -> Result<()> {
    let mut names: Vec<_> = includes.iter().filter_map(|p| p.file_name()).collect();
    names.sort();
    match names.windows(2).find(|two| two[0] == two[1]) {
        None => Ok(()),
        Some(two) => {
            let why = "two files to include have this name".to_owned();
            Err(Error::new(ErrorKind::Refused(why.into()), Path::new(two[0])))
        }
    }
}

/// Refuses a set of more files than a snapshot may have.
pub(super) fn refuse_a_crowd(aof: &Aof) -> Result<()> {
    let files = aof.segments.len();
    if files <= limits::BACKUP_FILES {
        return Ok(());
    }
    let why = format!(
        "a snapshot holds at most {} files, and this set has {}: a rewrite (BGREWRITEAOF) makes them few",
        thousands(limits::BACKUP_FILES as u64),
        thousands(files as u64)
    );
    Err(Error::new(ErrorKind::Refused(why.into()), &aof.path))
}

fn all_gone(repository: &Repository, source: &str, last: u64) -> Error {
    repository.bad(format!(
        "sources/{source}: up to number {last} its snapshots are missing, and no prune removed them; is a disk not \
         mounted? If they are gone for good, `aofkit prune --accept-missing --apply` writes that down"
    ))
}
