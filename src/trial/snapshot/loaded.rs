//! What servers made of a snapshot.

use std::collections::BTreeMap;

use super::super::heard::Complaint;
use super::super::server::OwnServer;
use crate::error::Result;
use crate::server::{Access, Address, Server};

/// What a server made of a snapshot.
#[derive(Debug, Default)]
pub struct LoadedSnapshot {
    /// Its identifier.
    pub id: String,
    /// What was backed up.
    pub source: String,
    /// Keys in all databases that have not expired.
    pub keys: u64,
    /// The same by database.
    pub databases: BTreeMap<u64, u64>,
    /// Over all keys and libraries that were compared.
    pub digest: Option<String>,
    /// Why it does not load; `None` when it does.
    pub why: Option<String>,
    /// Why it was not tried, or not to the end.
    pub not_tried: Option<String>,
    /// Whether it was compared with what our readers tell.
    pub compared: bool,
    /// Keys that could not be, by no fault of the snapshot.
    pub left_out: u64,
    /// Keys that two loads of the same files do not give alike: types that work by chance.
    pub not_comparable: u64,
    /// Where what the two servers hold differs.
    pub differences: Vec<Difference>,
    /// What could not be kept from the servers.
    pub walls_missing: Vec<String>,
    /// Errors that the server met in the restored files and that did not stop it, by kind.
    pub errors: Vec<Complaint>,
    /// How many more were of further kinds.
    pub errors_unlisted: u64,
}

/// How the two ways differ.
#[derive(Debug)]
pub struct Difference {
    /// In words.
    pub what: String,
    /// The key that it is about.
    pub key: Option<Vec<u8>>,
}

impl LoadedSnapshot {
    /// Whether something speaks against the snapshot.
    pub fn is_bad(&self) -> bool {
        self.why.is_some() || !self.differences.is_empty()
    }

    /// Whether a server has loaded it; `None` when that was not tried.
    pub fn loads(&self) -> Option<bool> {
        self.not_tried.is_none().then_some(self.why.is_none())
    }
}

pub(super) fn connected(server: &OwnServer) -> Result<Server> {
    let access = Access { patience: crate::trial::PATIENCE, ..Access::default() };
    Server::connect(&Address::of_path(&server.socket), &access)
}
