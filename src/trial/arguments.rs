//! Arguments that a user adds to those of a server on trial, such as `--loadmodule` and the module's file.

use std::ffi::OsString;
use std::path::Path;

use crate::disk;
use crate::error::{Error, ErrorKind, Result};

/// Ensures that the server on trial can read the files that its arguments name. As root it runs as another user, to whom
/// they must be open.
///
/// # Errors
/// Names the first one that it cannot read.
pub fn ensure_readable(arguments: &[OsString]) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let named = arguments.iter().map(Path::new).filter(|path| path.is_absolute());
    let mut files = named.filter(|path| disk::exists(path));
    match files.find(|path| !disk::is_open_to_others(path)) {
        None => Ok(()),
        Some(path) => {
            let why = "the server on trial runs as a user who may not read and execute it (mode o+rx is needed)";
            Err(Error::new(ErrorKind::Refused(why.to_owned()), path))
        }
    }
}
