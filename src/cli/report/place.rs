//! Where a page may be written: never among the files of a set.

use std::path::Path;

use aofkit::aof::Aof;
use aofkit::disk::{parent, real_path};
use aofkit::error::{Error, ErrorKind, Result};

/// # Errors
/// When the file would lie in the directory of the set.
pub fn must_be_outside(output: &Path, aof: &Aof) -> Result<()> {
    let Ok(own) = real_path(&aof.dir()) else { return Ok(()) };
    let is_inside = match aof.manifest {
        Some(_) => real_path(parent(output))?.starts_with(own),
        // A set of one file has its directory for itself no more than other files there.
        None => aof.segments.iter().any(|one| is_same(output, &one.path())),
    };
    if !is_inside {
        return Ok(());
    }
    let why = "it lies among the files of the set; name a file outside".to_owned();
    Err(Error::new(ErrorKind::Refused(why.into()), output))
}

fn is_same(one: &Path, other: &Path) -> bool {
    matches!((real_path(one), real_path(other)), (Ok(one), Ok(other)) if one == other)
}
