//! What `aofkit inspect` found, for whoever prints it.

use aofkit::aof::Aof;
use aofkit::check::Report;
use aofkit::fleet::SlotsOfNode;
use aofkit::growth::Trigger;
use aofkit::stats::{DeleteReport, KeyReport, KeySpaceReport, MixReport};

use crate::cli::common::sets::Row;

/// What all sets make together.
pub struct InTotal {
    pub mix: MixReport,
    pub keys: KeyReport,
}

/// What is shown of one set.
pub struct Inspected {
    pub aof: Aof,
    pub report: Report,
    pub mix: MixReport,
    pub key_space: KeySpaceReport,
    /// What is written to which keys.
    pub keys: KeyReport,
    pub deletes: DeleteReport,
    /// Keys are shown as hashes.
    pub redact: bool,
    /// `None` where a file by itself has no base to grow from.
    pub growth: Option<Trigger>,
    /// The slots of its keys, where its server is one of a cluster.
    pub slots: Option<SlotsOfNode>,
}

impl Inspected {
    /// Its row among several.
    pub fn row(&self) -> Row<'_> {
        Row {
            aof: &self.aof,
            report: &self.report,
            growth: self.growth.as_ref().map(Trigger::percent),
            mix: Some(&self.mix),
        }
    }

    /// Whether there is an RDB part or another base, so that its keys were counted.
    pub fn has_base_keys(&self) -> bool {
        let facts = self.report.segments.iter().filter_map(|s| s.facts.as_ref());
        self.key_space.keys > 0 || facts.into_iter().any(|f| f.rdb.is_some())
    }
}
