//! A set and the repository that it is backed up to must not lie in one another: a server, or a change of the set, would meet
//! the repository, and each backup would lie beside what it is a backup of.

use std::path::{Path, PathBuf};

use crate::aof::{Aof, Layout};
use crate::change;
use crate::disk;
use crate::error::{Error, ErrorKind, Result};

/// Refuses a repository in the directory of the set, or in the one that keeps what changes of it removed; and a set in the
/// repository.
///
/// # Errors
/// [`ErrorKind::Refused`] on the repository; or when it cannot be looked at.
pub fn must_lie_apart(aof: &Aof, repository: &Path) -> Result<()> {
    if aof.layout == Layout::Stream {
        return Ok(());
    }
    let (here, there) = (disk::real_path(&aof.dir())?, real(repository)?);
    let mut kept = here.clone().into_os_string();
    if aof.layout == Layout::SingleFile {
        kept = disk::real_path(&change::subject(aof))?.into_os_string();
    }
    kept.push(".aofkit");
    let why = if aof.layout == Layout::MultiPart && there.starts_with(&here) {
        "the repository would lie in the directory of the set, where a server keeps its files"
    } else if there.starts_with(PathBuf::from(kept)) {
        "the repository would lie in the directory that keeps bytes which changes removed"
    } else if here.starts_with(&there) {
        "the set lies in that directory, so it would be part of the repository"
    } else {
        return Ok(());
    };
    let why = format!("{why}: name another directory, best on another disk");
    Err(Error::new(ErrorKind::Refused(why.into()), repository))
}

/// The path without links, as far as there is something at it.
fn real(path: &Path) -> Result<PathBuf> {
    let absolute = std::path::absolute(path).map_err(|e| Error::io(path, e))?;
    let mut rest = Vec::new();
    let mut there = absolute.as_path();
    while !disk::is_there(there)? {
        let (Some(parent), Some(name)) = (there.parent(), there.file_name()) else { break };
        rest.push(name);
        there = parent;
    }
    let mut real = disk::real_path(there)?;
    real.extend(rest.into_iter().rev());
    Ok(real)
}
