//! What keeps a name in a directory from being removed, replaced or written to, whatever its mode and owner allow.

use std::ffi::OsStr;
use std::io;

use rustix::fs::{AtFlags, StatxAttributes, StatxFlags, statx};

use super::{Dir, again};
use crate::error::{Error, Result};

/// Why something stays as it is. Source: `statx(2)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fixed {
    /// Nothing of it changes (`chattr +i`).
    Immutable,
    /// It only grows, and what is in it stays (`chattr +a`).
    AppendOnly,
    /// Another file system, or a part of one, is mounted there.
    Mount,
}

impl Fixed {
    /// For people, after "it is".
    pub const fn name(self) -> &'static str {
        match self {
            Self::Immutable => "immutable (chattr +i)",
            Self::AppendOnly => "append-only (chattr +a)",
            Self::Mount => "a place where something is mounted",
        }
    }
}

impl Dir {
    /// What holds `name`, links not followed; `None` when nothing does, nothing has the name, or the system does not tell.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub fn fixed(&self, name: impl AsRef<OsStr>) -> Result<Option<Fixed>> {
        self.fixed_at(self.plain(name.as_ref())?)
    }

    /// What keeps names from coming into and leaving the directory itself.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub fn fixed_itself(&self) -> Result<Option<Fixed>> {
        // What is mounted here is what we are in.
        Ok(self.fixed_at(OsStr::new("."))?.filter(|fixed| *fixed != Fixed::Mount))
    }

    fn fixed_at(&self, name: &OsStr) -> Result<Option<Fixed>> {
        let told = again(|| statx(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::empty()));
        let attributes = match told {
            Ok(told) => told.stx_attributes,
            Err(e) if [io::ErrorKind::NotFound, io::ErrorKind::Unsupported].contains(&e.kind()) => {
                return Ok(None);
            }
            Err(e) => return Err(Error::io(&self.at(name), e)),
        };
        let all = [
            (StatxAttributes::IMMUTABLE, Fixed::Immutable),
            (StatxAttributes::APPEND, Fixed::AppendOnly),
            (StatxAttributes::MOUNT_ROOT, Fixed::Mount),
        ];
        Ok(all.into_iter().find(|(flag, _)| attributes.contains(*flag)).map(|(_, fixed)| fixed))
    }
}
