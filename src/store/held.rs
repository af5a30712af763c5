//! A lock that bears that somebody deletes, replaces or moves what it stands for.

use crate::disk::{Dir, Hold, Lock};
use crate::error::{Error, ErrorKind, Result};

/// A lock in a directory of the store, held until it is dropped: that of the directory itself, which lasts as long as
/// the directory, and that of a file in it, for file systems and programs that know no other.
#[derive(Debug)]
pub struct Held {
    root: Dir,
    /// From the root to the directory.
    path: Vec<String>,
    name: String,
    dir: Dir,
    of_dir: Option<Lock>,
    of_file: Option<Lock>,
}

impl Held {
    /// Takes both. The file is made when it is absent; who shares the lock does without where it cannot be made.
    pub(super) fn take(
        root: Dir,
        path: Vec<String>,
        dir: Dir,
        name: &str,
        hold: Hold,
    ) -> Result<Self> {
        let in_use = || {
            let why = "another run holds it; try again when that has ended".to_owned();
            Error::new(ErrorKind::InUse(why), &dir.at(name))
        };
        let of_dir = dir.lock_itself(hold)?.ok_or_else(in_use)?;
        let of_file = match dir.lock(name, hold) {
            Ok(Some(lock)) => Some(lock),
            Ok(None) => return Err(in_use()),
            // Nobody can write to such a medium, so there is nobody to be kept out.
            Err(e) if hold == Hold::Shared && may_not_write(&e) => None,
            Err(e) => return Err(e),
        };
        Ok(Self { root, path, name: name.to_owned(), dir, of_dir, of_file })
    }

    /// Looks again whether what is held is what others would have to hold: the directory at the same place, and where
    /// the file system has no locks on directories, the file of the same name.
    ///
    /// # Errors
    /// [`ErrorKind::InUse`] when it is another one by now; when that cannot be told.
    pub fn must_still_hold(&self) -> Result<()> {
        let gone = |what: &str| {
            let why = format!(
                "{what} was removed or replaced while this run held it; nothing more was done"
            );
            Error::new(ErrorKind::InUse(why), &self.dir.at(&self.name))
        };
        let mut at = self.root.duplicate()?;
        for name in &self.path {
            at = at.dir_if_there(name)?.ok_or_else(|| gone("the directory"))?;
        }
        let identity = |dir: &Dir| dir.look_at_itself().map(|look| look.stamp.identity);
        if identity(&at)? != identity(&self.dir)? {
            return Err(gone("the directory"));
        }
        if self.of_dir.is_some() {
            return Ok(());
        }
        let Some(lock) = &self.of_file else { return Ok(()) };
        let mine = lock.identity().map_err(|e| Error::io(&self.dir.at(&self.name), e))?;
        let now = self.dir.look(&self.name)?;
        match now.is_some_and(|now| now.stamp.identity == mine) {
            true => Ok(()),
            false => Err(gone("the lock")),
        }
    }
}

fn may_not_write(error: &Error) -> bool {
    use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    let source = std::error::Error::source(error).and_then(|e| e.downcast_ref::<std::io::Error>());
    source.is_some_and(|e| [PermissionDenied, ReadOnlyFilesystem].contains(&e.kind()))
}
