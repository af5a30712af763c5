//! How a set is to be opened.

use std::path::PathBuf;

use crate::disk::LookOnce;
use crate::rules::{Modules, Target};

/// How to open.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// The server to judge by; when not given, the oldest one from the base's writer on that knows all of the set.
    pub target: Option<Target>,
    /// Nobody named that server: it stands for the one that the set calls for.
    pub stands_in: bool,
    /// A server's configuration: its settings apply, wherever the set lies; an empty path is looked up in it.
    pub conf: Option<PathBuf>,
    /// What is said of the modules of the server; what the configuration loads comes on top.
    pub modules: Modules,
    /// A file that is something else by its first bytes is opened all the same, as a log that is damaged from there on.
    pub takes_any: bool,
    /// A look at the other processes of this machine, taken once for all that is opened with these options.
    pub processes: LookOnce,
}
