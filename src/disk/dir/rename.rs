//! Names that change hands in one step.

use std::ffi::OsStr;
use std::io;
use std::os::fd::AsFd;

use rustix::fs::AtFlags;
use rustix::io::Errno;

use super::{Dir, again};
use crate::error::{Error, Result};

impl Dir {
    /// Gives `from` the name `to` in another directory (or the same); what had that name is gone.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn rename(
        &self,
        from: impl AsRef<OsStr>,
        into: &Self,
        to: impl AsRef<OsStr>,
    ) -> Result<()> {
        let (from, to) = (self.plain(from.as_ref())?, into.plain(to.as_ref())?);
        again(|| rustix::fs::renameat(&self.fd, from, &into.fd, to))
            .map_err(|e| Error::io(&into.at(to), e))
    }

    /// Gives `from` the name `to` in one step, unless that is taken; answers whether it was free.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn rename_new(
        &self,
        from: impl AsRef<OsStr>,
        into: &Self,
        to: impl AsRef<OsStr>,
    ) -> Result<bool> {
        let (from, to) = (self.plain(from.as_ref())?, into.plain(to.as_ref())?);
        let refused = |e: io::Error| Error::io(&into.at(to), e);
        match rename_no_replace(&self.fd, from, &into.fd, to) {
            Ok(()) => return Ok(true),
            Err(Errno::EXIST) => return Ok(false),
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {}
            Err(e) => return Err(refused(e.into())),
        }
        // A file system without such a rename: a link refuses a taken name, too.
        match rustix::fs::linkat(&self.fd, from, &into.fd, to, AtFlags::empty()) {
            Ok(()) => self.remove_file(from).map(|_| true),
            Err(Errno::EXIST) => Ok(false),
            Err(e) => Err(refused(e.into())),
        }
    }

    /// Gives each the name of the other in one step.
    ///
    /// # Errors
    /// When the system or the file system cannot do that.
    pub fn exchange(
        &self,
        one: impl AsRef<OsStr>,
        with: &Self,
        other: impl AsRef<OsStr>,
    ) -> Result<()> {
        let (one, other) = (self.plain(one.as_ref())?, with.plain(other.as_ref())?);
        rename_exchange(&self.fd, one, &with.fd, other)
            .map_err(|e| Error::io(&with.at(other), e.into()))
    }
}

#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn rename_no_replace(
    from_dir: &impl AsFd,
    from: &OsStr,
    to_dir: &impl AsFd,
    to: &OsStr,
) -> rustix::io::Result<()> {
    use rustix::fs::{RenameFlags, renameat_with};
    renameat_with(from_dir, from, to_dir, to, RenameFlags::NOREPLACE)
}

#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn rename_exchange(
    one_dir: &impl AsFd,
    one: &OsStr,
    other_dir: &impl AsFd,
    other: &OsStr,
) -> rustix::io::Result<()> {
    use rustix::fs::{RenameFlags, renameat_with};
    renameat_with(one_dir, one, other_dir, other, RenameFlags::EXCHANGE)
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn rename_exchange(_: &impl AsFd, _: &OsStr, _: &impl AsFd, _: &OsStr) -> rustix::io::Result<()> {
    Err(Errno::NOSYS)
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
fn rename_no_replace(_: &impl AsFd, _: &OsStr, _: &impl AsFd, _: &OsStr) -> rustix::io::Result<()> {
    Err(Errno::NOSYS)
}
