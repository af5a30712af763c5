//! What a name in a directory stands for, looked at without following links.

use std::ffi::OsString;

use rustix::fs::{FileType, Stat};

use super::super::attributes::Attributes;
use super::super::stamp::{Identity, Stamp};

/// What a name in a directory stands for; links are not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A FIFO, a socket or a device.
    Special,
}

impl Kind {
    /// The kind for people, with its article.
    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "a regular file",
            Self::Directory => "a directory",
            Self::Link => "a symbolic link",
            Self::Special => "a FIFO, socket or device",
        }
    }

    pub(super) fn of(stat: &Stat) -> Self {
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Self::File,
            FileType::Directory => Self::Directory,
            FileType::Symlink => Self::Link,
            _ => Self::Special,
        }
    }
}

/// How something in a directory is; links are not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// What it is.
    pub kind: Kind,
    /// Which file it is, how long, and when it was changed.
    pub stamp: Stamp,
    /// Permission bits, owner, and the time of the last write.
    pub attributes: Attributes,
    /// How many names the file has.
    pub links: u64,
}

impl Look {
    pub(super) fn of(stat: &Stat) -> Self {
        // These fields have other widths on other systems.
        #[allow(clippy::unnecessary_cast, clippy::useless_conversion)]
        let stamp = Stamp::new(
            Identity { device: stat.st_dev as u64, inode: stat.st_ino as u64 },
            u64::try_from(stat.st_size).unwrap_or(0),
            (stat.st_mtime as i64, stat.st_mtime_nsec as i64),
            (stat.st_ctime as i64, stat.st_ctime_nsec as i64),
        );
        #[allow(clippy::unnecessary_cast)]
        Self {
            kind: Kind::of(stat),
            stamp,
            attributes: Attributes {
                mode: stat.st_mode as u32 & 0o7777,
                uid: stat.st_uid,
                gid: stat.st_gid,
                modified_ns: Some(stamp.modified_ns()),
            },
            links: stat.st_nlink as u64,
        }
    }
}

/// One name in a directory, and how it was when it was listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The name.
    pub name: OsString,
    /// What has it.
    pub look: Look,
}
