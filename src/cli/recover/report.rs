//! What a recovery found and did, for whoever prints it.

use std::path::PathBuf;

use aofkit::aof::Aof;
use aofkit::check::Loads;
use aofkit::error::{Error, ErrorKind};
use aofkit::recover::{Comparison, List, Shown, Target, Written};
use aofkit::server::ServerState;
use aofkit::trial::Held;

/// What a recovery found and did.
pub struct Recovery {
    pub aof: Aof,
    /// The server that told the values.
    pub by: String,
    pub loads: Loads,
    /// Keys of the moment, of all names.
    pub keys: u64,
    pub walls_missing: Vec<String>,
    pub moment: Option<String>,
    pub did: Did,
}

/// What was asked for.
pub enum Did {
    Shown { keys: Vec<Shown>, more: u64, passed: Option<List> },
    File { path: PathBuf, keys: u64, passed: Option<List> },
    Plan(Box<Planned>),
}

pub struct Planned {
    pub is_cluster: bool,
    pub url: String,
    pub nodes: Vec<NodeSeen>,
    pub found: Comparison,
    /// Keys whose time has passed; `None` where that is not known.
    pub passed: Option<List>,
    pub replaces: bool,
    pub written: Option<Written>,
}

/// Why a run ended before all was done. What an interruption says elsewhere, that nothing was changed, is not so here.
pub fn stopped(error: &Error) -> String {
    match error.kind() {
        ErrorKind::Interrupted => "interrupted".to_owned(),
        _ => error.to_string(),
    }
}

/// A server of the target.
pub struct NodeSeen {
    pub url: String,
    pub state: ServerState,
}

impl NodeSeen {
    pub fn of(target: &Target<'_>) -> Vec<Self> {
        let seen = target.serving();
        seen.map(|node| Self { url: node.address.to_string(), state: node.state.clone() }).collect()
    }
}

impl Recovery {
    pub fn new(aof: Aof, held: &Held, moment: Option<String>, did: Did) -> Self {
        Self {
            aof,
            by: held.by.clone(),
            loads: held.loads,
            keys: held.keys.values().sum(),
            walls_missing: held.walls_missing.clone(),
            moment,
            did,
        }
    }
}
