//! What was seen that is odd for some targets only.

use super::opinions::Opinions;
use super::payload::Payload;
use crate::format::rdb::{self, Header};

/// Something seen that is odd for some targets only.
#[derive(Clone, Debug)]
pub struct Raw(pub(super) Inner);

/// Whom it concerns stands in bits, one for each target by its place.
#[derive(Clone, Debug)]
pub(super) enum Inner {
    Call { name: Vec<u8>, argc: u32, is_taken: bool, opinions: Opinions },
    RdbVersion { header: Header, refuse: u64 },
    RdbNumber { number: u8, lack: u64 },
    Module { module: rdb::Module, missing: u64, unsure: u64 },
    Annotation { refuse: u64 },
    Database { db: u64, is_rdb: bool, refuse: u64 },
    Trap { name: Vec<u8>, fatal: u64 },
    Payload { payload: Payload, among: u64, ends: u64 },
}

impl Raw {
    /// A call of so many arguments, whose name a configuration may have taken away.
    pub(super) fn call(name: Vec<u8>, (argc, is_taken): (u32, bool), opinions: Opinions) -> Self {
        Self(Inner::Call { name, argc, is_taken, opinions })
    }

    pub(super) fn rdb_version(header: Header, refuse: u64) -> Self {
        Self(Inner::RdbVersion { header, refuse })
    }

    pub(super) fn rdb_number(number: u8, lack: u64) -> Self {
        Self(Inner::RdbNumber { number, lack })
    }

    pub(super) fn module(module: rdb::Module, [missing, unsure]: [u64; 2]) -> Self {
        Self(Inner::Module { module, missing, unsure })
    }

    pub(super) fn annotation(refuse: u64) -> Self {
        Self(Inner::Annotation { refuse })
    }

    pub(super) fn database(db: u64, is_rdb: bool, refuse: u64) -> Self {
        Self(Inner::Database { db, is_rdb, refuse })
    }

    /// A command that no server logs.
    pub(super) fn trap(name: Vec<u8>) -> Self {
        Self(Inner::Trap { name, fatal: 0 })
    }

    /// What is wrong with a payload, for whom, and whom it ends.
    pub(super) fn payload(payload: Payload, among: u64, ends: u64) -> Self {
        Self(Inner::Payload { payload, among, ends })
    }

    pub(super) fn is_trap(&self) -> bool {
        matches!(self.0, Inner::Trap { .. })
    }

    /// These die of it.
    pub(super) fn mark_fatal(&mut self, whom: u64) {
        if let Inner::Trap { fatal, .. } = &mut self.0 {
            *fatal |= whom;
        }
    }
}
