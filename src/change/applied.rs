//! What is left after a plan was carried out.

use std::path::PathBuf;

/// What is left after a plan was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Where what was removed is kept; `None` when it is not.
    pub kept_at: Option<PathBuf>,
    /// In words, what files have lost besides their bytes, for the system does not let us give it to a new file.
    pub left: Vec<String>,
}
