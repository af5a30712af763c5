//! What `aofkit stats` found, for whoever prints it.

use aofkit::aof::Aof;
use aofkit::fleet::SlotsOfNode;
use aofkit::format::nodes::Nodes;
use aofkit::scan::Selected;
use aofkit::stats::{DeleteReport, Faults, KeyReport, KeySpaceReport, MixReport};

use super::args::By;
use crate::cli::common::threshold::Exceeded;

/// What was counted in one set.
pub struct Counted {
    pub aof: Aof,
    pub by: Vec<By>,
    pub separators: Vec<u8>,
    pub mix: MixReport,
    pub keys: Option<KeyReport>,
    /// What the base holds, when types, databases or keys were asked for.
    pub base: Option<KeySpaceReport>,
    pub deletes: DeleteReport,
    pub faults: Faults,
    /// Figures above their threshold.
    pub exceeded: Vec<Exceeded>,
    /// How much was selected, when there was a filter.
    pub selected: Option<Selected>,
    /// Its slots against those of its node, where slots of several sets were asked for.
    pub slots: Option<SlotsOfNode>,
    /// What its server remembers of its cluster, where slots of several sets were asked for.
    pub cluster: Option<Nodes>,
}

/// What all sets make together.
pub struct InTotal {
    pub mix: MixReport,
    pub keys: Option<KeyReport>,
    pub base: Option<KeySpaceReport>,
    pub deletes: DeleteReport,
}

impl Counted {
    /// Whether this was asked for.
    pub fn is_by(&self, by: By) -> bool {
        self.by.contains(&by)
    }

    /// Bytes logged per live byte of the base; a selection has none.
    pub fn write_amplification(&self) -> Option<f64> {
        self.mix.totals.write_amplification().filter(|_| self.selected.is_none())
    }

    /// Whether there is nothing but an RDB.
    pub fn is_rdb(&self) -> bool {
        self.mix.totals.resp_bytes == 0 && self.mix.totals.rdb_bytes > 0
    }
}
