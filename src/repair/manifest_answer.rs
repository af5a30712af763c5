//! What can be done about a manifest.

use crate::format::manifest::Manifest;

/// Whether something, and what.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// Nothing needs to be done.
    Sound,
    /// It says this from now on.
    Mended {
        /// The new one.
        manifest: Manifest,
        /// What was done, and what is doubtful about it.
        notes: Vec<String>,
    },
    /// Nothing provable; why.
    Doubtful(String),
}

pub(super) fn os_name(name: &[u8]) -> &std::ffi::OsStr {
    std::os::unix::ffi::OsStrExt::from_bytes(name)
}
