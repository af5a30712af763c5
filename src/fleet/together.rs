//! What several sets make together: observers that saw one each, merged.

use std::sync::{Mutex, PoisonError};

use crate::aof::{Event, RdbItem};
use crate::disk::Source;
use crate::error::Result;
use crate::format::rdb;
use crate::scan::{Again, Context, Merge, Observer, Wants};

/// An observer that a scan hands back as it stands, so that it can be merged with those of other sets.
#[derive(Clone, Debug)]
pub struct Unfinished<O>(pub O);

impl<O: Observer> Observer for Unfinished<O> {
    type Report = O;

    #[inline(always)]
    fn observe(&mut self, at: &Context, event: &Event<'_>) {
        self.0.observe(at, event);
    }

    fn finish(self) -> O {
        self.0
    }

    fn wants(&self) -> Wants {
        self.0.wants()
    }

    #[inline]
    fn item(&mut self, at: &Context, item: &RdbItem<'_>) {
        self.0.item(at, item);
    }

    fn opens(&mut self, at: &Context, value: &rdb::Opening<'_>) -> bool {
        self.0.opens(at, value)
    }

    fn again(&mut self, at: &Context, source: &mut dyn Source) -> Result<()> {
        self.0.again(at, source)
    }

    fn looks_again(&self, walked: &rdb::Walked) -> Again {
        self.0.looks_again(walked)
    }

    fn is_done(&self) -> bool {
        self.0.is_done()
    }

    fn begin(&mut self, segment: usize) {
        self.0.begin(segment);
    }

    fn end(&mut self, at: &Context, len: u64) {
        self.0.end(at, len);
    }
}

/// Takes observers of sets that are read side by side. Sums are exact whatever the order in which they come.
#[derive(Debug)]
pub struct Together<O>(Mutex<Option<O>>);

impl<O> Default for Together<O> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<O: Merge> Together<O> {
    /// Takes over what was seen of one more set.
    pub fn add(&self, seen: O) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *all {
            Some(all) => all.merge(seen),
            None => *all = Some(seen),
        }
    }

    /// What all of them saw; `None` where there was none.
    pub fn finish(self) -> Option<O::Report> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner).map(O::finish)
    }
}
