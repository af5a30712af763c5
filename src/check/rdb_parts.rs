//! What a check notes of the RDB parts of a file: versions, types, modules, the checksum.

use super::observe::Check;
use super::raw::Raw;
use super::seen::{NonCanonical, What};
use crate::aof::{RdbPart, Role};
use crate::format::rdb::deep::Wrong;
use crate::format::rdb::{self, Checksum};
use crate::scan::Context;

impl Check {
    pub(super) fn rdb(&mut self, at: &Context, part: &RdbPart) {
        let (start, len) = (part.start, part.end - part.start);
        let header = part.walked.outcome.header;
        let refuse = self.loader.that_refuse_rdb(header);
        if refuse != 0 {
            self.facts.learn(refuse);
            self.note(start, len, Raw::rdb_version(header, refuse).into());
        }
        for met in &part.walked.outcome.met {
            let lack = self.loader.that_lack_number(header.family, met.row.number) & !refuse;
            if lack != 0 {
                self.facts.learn(lack);
                self.note(met.first_at, 0, Raw::rdb_number(met.row.number, lack).into());
            }
        }
        self.modules(&part.walked.outcome.modules);
        let inside = self.inside.take();
        self.now.unseen.rdb(part.walked.outcome.keys, inside);
        self.strays(&part.walked.outcome.strays);
        let db = part.walked.outcome.highest_db;
        let lack = self.loader.that_lack_database(db) & !refuse;
        if lack != 0 {
            self.note(start, len, Raw::database(db, true, lack).into());
        }
        if let Checksum::Mismatch { stored, computed } = part.walked.checksum {
            self.note(start, len, What::RdbChecksum { stored, computed });
            self.now.damaged_bytes += len;
        }
        if self.roles.get(at.segment) == Some(&Role::Increment) {
            self.note_non_canonical(NonCanonical::RdbInIncrement, start, len);
        }
    }

    /// Keys under another slot than their own.
    fn strays(&mut self, strays: &rdb::Strays) {
        self.now.unseen.slots += strays.unhashed;
        let twice = self.listing.seen().iter().filter_map(|seen| match &seen.what {
            What::RdbFlaw(flaw) if flaw.wrong == Wrong::DuplicateKey => Some(flaw.key.clone()),
            _ => None,
        });
        let flaws: Vec<_> = twice.collect();
        for stray in &strays.list {
            let is_twice = flaws.iter().any(|key| stray.is_named_as(key));
            self.note(stray.at, 0, What::Stray { stray: Box::new(stray.clone()), is_twice });
        }
        self.listing.leave_out(strays.seen - strays.list.len() as u64);
    }

    /// What modules wrote into an RDB.
    pub(super) fn modules(&mut self, modules: &[rdb::Module]) {
        self.now.needs.add_rdb(modules);
        for module in modules {
            let lack = self.loader.that_lack_module(module);
            if lack != [0, 0] {
                let is_everywhere = lack[1].count_ones() as usize == self.facts.targets.len();
                self.facts.learn(if is_everywhere { 0 } else { lack[1] });
                self.note(module.first_at, 0, Raw::module(module.clone(), lack).into());
            }
        }
    }
}
