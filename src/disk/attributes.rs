//! What a file has besides its bytes.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::stamp::Stamp;
use crate::error::{Error, Result};

/// What a file has besides its bytes, and what survives a change of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// Permission bits.
    pub mode: u32,
    /// Number of the owner.
    pub uid: u32,
    /// Number of the group.
    pub gid: u32,
    /// When its bytes were last written to, in nanoseconds of Unix time; `None`: whenever that is.
    pub modified_ns: Option<i128>,
}

/// The attributes of the file or directory at `path`; links are followed.
///
/// # Errors
/// When there is none, or it cannot be looked at.
pub fn attributes(path: &Path) -> Result<Attributes> {
    let meta = fs::metadata(path).map_err(|e| Error::io(path, e))?;
    Ok(Attributes {
        mode: meta.mode() & 0o7777,
        uid: meta.uid(),
        gid: meta.gid(),
        modified_ns: Some(Stamp::of(&meta).modified_ns()),
    })
}
