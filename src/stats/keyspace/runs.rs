//! Keys of a base that consists of commands.

use super::{BaseRun, KeySpace, TypeRow};
use crate::stats::base_runs::{COMMANDS, TYPES};

impl KeySpace {
    pub(super) fn run(&mut self, run: &BaseRun) {
        if self.current.db != Some(run.db) {
            self.change_database(Some(run.db));
        }
        self.current.keys += 1;
        self.current.bytes = self.current.bytes.saturating_add(run.bytes);
        self.count_run_type(run);
        if let Some(at_ms) = run.expire_ms {
            self.count_expiry(at_ms);
        }
        if run.type_name == "stream" {
            self.report.streams.keys += 1;
        }
        self.by_bytes.offer_run(run.bytes, run);
        self.by_elements.offer_run(run.elements, run);
    }

    fn count_run_type(&mut self, run: &BaseRun) {
        let place = TYPES.iter().position(|name| *name == run.type_name);
        let place = 512 + place.unwrap_or(TYPES.len() - 1);
        let row = self.types[place].get_or_insert_with(|| TypeRow {
            type_name: run.type_name.into(),
            encoding: COMMANDS,
            ..Default::default()
        });
        row.keys += 1;
        row.bytes = row.bytes.saturating_add(run.bytes);
        row.elements = row.elements.saturating_add(run.elements);
        if self.meter.is_some() {
            row.memory.get_or_insert_default().add(None);
        }
        row.offer(run.bytes, &run.key);
    }
}
