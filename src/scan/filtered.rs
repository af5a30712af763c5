//! An observer that sees only what a filter takes.

use super::{Context, Filter, Merge, Observer};
use crate::aof::{Again, Depth, Event};
use crate::disk::Source;
use crate::error::Result;
use crate::format::rdb;

/// Wraps an observer. With a filter that takes everything the observer sees everything. Otherwise, of
/// the log it sees the records that are taken and nothing else: annotations and damage belong to no key
/// and no command, so what it counts adds up to what was selected. Of an RDB part it sees the keys that
/// are taken, and where the part lies.
#[derive(Clone, Debug)]
pub struct Filtered<O> {
    inner: O,
    filter: Filter,
    is_all: bool,
    selected: Selected,
}

/// What a filter took of the records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Selected {
    /// Records taken.
    pub records: u64,
    /// Records seen.
    pub of_records: u64,
    /// Records left out only because no annotation stands before them and a time was asked for.
    pub undated: u64,
}

impl<O> Filtered<O> {
    /// Lets `inner` see only what `filter` takes.
    pub fn new(inner: O, filter: Filter) -> Self {
        let is_all = filter.is_all();
        Self { inner, filter, is_all, selected: Selected::default() }
    }
}

impl<O: Observer> Filtered<O> {
    #[inline(never)]
    fn select(&mut self, at: &Context, event: &Event<'_>) {
        let (record, id) = match event {
            Event::Record(record, id) => (record, id),
            Event::Rdb(_) => return self.inner.observe(at, event),
            Event::Damage(damage) if damage.rdb.is_some() => return self.inner.observe(at, event),
            _ => return,
        };
        self.selected.of_records += 1;
        if self.filter.takes(at, record, *id) {
            self.selected.records += 1;
            self.inner.observe(at, event);
        } else if at.time.is_none() && self.filter.misses_time(at, record, *id) {
            self.selected.undated += 1;
        }
    }
}

impl<O: Observer> Observer for Filtered<O> {
    /// What the observer answers; what was selected, where there was a filter.
    type Report = (O::Report, Option<Selected>);

    fn begin(&mut self, segment: usize) {
        self.inner.begin(segment);
    }

    #[inline(always)]
    fn observe(&mut self, at: &Context, event: &Event<'_>) {
        if self.is_all {
            self.inner.observe(at, event);
        } else {
            self.select(at, event);
        }
    }

    fn depth(&self) -> Depth {
        self.inner.depth()
    }

    #[inline]
    fn entry(&mut self, at: &Context, entry: &rdb::Entry<'_>) {
        if self.is_all || self.filter.takes_entry(entry) {
            self.inner.entry(at, entry);
        }
    }

    fn library(&mut self, at: &Context, library: &rdb::Library<'_>) {
        if self.is_all || self.filter.takes_libraries() {
            self.inner.library(at, library);
        }
    }

    fn again(&mut self, at: &Context, source: &mut dyn Source) -> Result<()> {
        self.inner.again(at, source)
    }

    fn reads_again(&self) -> bool {
        self.inner.reads_again()
    }

    fn is_done(&self) -> bool {
        self.inner.is_done()
    }

    fn looks_again(&self, walked: &rdb::Walked) -> Again {
        self.inner.looks_again(walked)
    }

    fn inside(&mut self, at: &Context, report: &rdb::deep::Report) {
        self.inner.inside(at, report);
    }

    fn end(&mut self, at: &Context, len: u64) {
        self.inner.end(at, len);
    }

    fn finish(self) -> Self::Report {
        (self.inner.finish(), (!self.is_all).then_some(self.selected))
    }
}

impl<O: Merge> Merge for Filtered<O> {
    fn merge(&mut self, later: Self) {
        self.inner.merge(later.inner);
        self.selected.records += later.selected.records;
        self.selected.of_records += later.selected.of_records;
        self.selected.undated += later.selected.undated;
    }
}
