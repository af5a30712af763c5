//! A check of a file in pieces: what each loader made of one is added to what it made of all before.

use super::facts::SegmentFacts;
use super::observe::Check;
use crate::scan::{Around, Split};

impl Split for Check {
    fn fork(&self) -> Self {
        let mut loader = self.loader.clone();
        loader.begin();
        Self {
            roles: Vec::new(),
            thorough: self.thorough,
            loader,
            checker: self.checker.fork(),
            now: SegmentFacts::of(self.now.position),
            safe: (0, 0),
            around: Around::default(),
            in_transaction: 0,
            watch: self.watch.fork(),
            listing: self.listing.fork(),
            queued_traps: Vec::new(),
            is_bound: false,
            outlined: None,
            inside: None,
            facts: self.facts.begun_anew(),
        }
    }

    fn can_join(&self, later: &Self) -> bool {
        let is_between = self.loader.is_between() && self.checker.is_between();
        let has_room = later.listing.is_complete() && self.watch.has_room_for(&later.watch);
        is_between && has_room && !later.is_bound
    }

    fn join(&mut self, later: Self) {
        if later.now.commands + later.now.annotations > 0 {
            let (commands, start) = later.safe;
            self.safe = (self.now.commands + commands, start);
        }
        self.listing.join(later.listing, self.now.commands);
        self.now.join(later.now);
        self.around.join(&later.around);
        self.in_transaction = later.in_transaction;
        self.watch.join(later.watch);
        self.loader.join(later.loader);
        self.checker.join(&later.checker);
        self.facts.add(later.facts);
    }
}
