//! What `aofkit rewind` found, for whoever prints it.

use aofkit::moment::{Candidate, Found};
use aofkit::rewind::{Omitted, Reach};

use crate::cli::changing::Run;

/// A way back and all that should be known of it.
pub struct Rewound {
    pub run: Run,
    pub found: Found,
    pub reach: Reach,
    /// With `--keep-later`.
    pub omitted: Option<Omitted>,
    /// With `--list`.
    pub candidates: Option<Listed>,
}

/// What `--list` shows.
pub struct Listed {
    pub candidates: Vec<Candidate>,
    pub commands: u64,
}
