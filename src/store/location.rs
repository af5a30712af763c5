//! Which store lies at a location.

use std::path::Path;

use super::Store;
use super::local::LocalStore;

/// Where a repository lies, as `--repo` names it: a directory.
#[derive(Clone, Copy, Debug)]
pub struct Location<'a>(pub &'a Path);

impl Location<'_> {
    /// The store there. Here alone it is known which kinds there are. Of its file system `reserve` bytes stay free; a tenth of
    /// it, and at most 2 GiB, where that is not given.
    pub fn store(self, reserve: Option<u64>) -> Box<dyn Store> {
        Box::new(LocalStore::new(self.0, reserve))
    }
}
