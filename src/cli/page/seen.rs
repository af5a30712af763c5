//! What one pass over a set has shown, for whoever draws it.

use aofkit::aof::Aof;
use aofkit::check::Report;
use aofkit::fleet::Measured;
use aofkit::growth::{GrowthReport, Outlook};
use aofkit::stats::{DeleteReport, Faults, KeyReport, KeySpaceReport, MixReport};

pub struct Seen {
    pub aof: Aof,
    pub report: Report,
    pub mix: MixReport,
    pub keys: KeyReport,
    pub base: KeySpaceReport,
    pub deletes: DeleteReport,
    pub growth: GrowthReport,
    pub outlook: Outlook,
    pub faults: Faults,
    /// The bytes of keys and values may not be shown.
    pub is_redacted: bool,
}

impl Seen {
    /// What it is compared by with others.
    pub fn measured(&self) -> Measured<'_> {
        Measured {
            verdict: Some(self.report.verdict),
            size_bytes: self.report.size_bytes,
            growth_percent: Some(self.outlook.trigger.percent()),
            mix: Some(&self.mix),
        }
    }

    /// Whether there is something that can be read of a base's keys.
    pub fn has_base_keys(&self) -> bool {
        self.base.keys > 0
    }
}
