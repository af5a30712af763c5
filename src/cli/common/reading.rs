//! The PATH of every verb that reads a set.

use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;

#[derive(Debug, ClapArgs)]
pub struct Reading {
    /// A set's or a server's directory, a manifest, a file (also inside zstd), - for standard input, or a
    /// snapshot such as REPO::latest; may be left out where --conf says where the set is
    pub path: Option<PathBuf>,
}

impl Reading {
    /// The path; empty where a configuration stands in its place.
    pub fn path(&self) -> &Path {
        self.path.as_deref().unwrap_or(Path::new(""))
    }
}
