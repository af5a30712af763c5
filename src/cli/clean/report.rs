//! What `aofkit clean` found, for whoever prints it.

use std::path::PathBuf;

use aofkit::aof::Aof;
use aofkit::change::Outlook;
use aofkit::clean::Survey;

/// What was found in one set, and what became of it.
pub struct Cleaned {
    pub aof: Aof,
    pub survey: Survey,
    pub is_delete: bool,
    pub applied: bool,
    pub kept_at: Option<PathBuf>,
    /// How the set will be, or is by now, where that was asked for and could be seen.
    pub outlook: Option<Outlook>,
}
