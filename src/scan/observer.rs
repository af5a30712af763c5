//! What wants to see the events of a set.

use super::Context;
use crate::aof::Event;

/// Sees every event of a set once, in the loader's order. Events live for one call.
///
/// Cannot fail and cannot stop the others: whatever the bytes are, they are data.
pub trait Observer {
    /// What it answers; owned, so that it outlives the files.
    type Report;

    /// The segment at this position begins.
    fn begin(&mut self, segment: usize) {
        let _ = segment;
    }

    /// An event, met in the state `at`.
    fn observe(&mut self, at: &Context, event: &Event<'_>);

    /// The segment ended after `len` bytes, in the state `at`.
    fn end(&mut self, at: &Context, len: u64) {
        let _ = (at, len);
    }

    /// All was seen.
    fn finish(self) -> Self::Report;
}

/// An observer whose work can be split: two that saw neighbouring stretches become one that saw both.
/// Associative: `(a + b) + c` and `a + (b + c)` answer the same.
pub trait Merge: Observer {
    /// Takes over what `later` saw, which begins where this one ended.
    fn merge(&mut self, later: Self);
}

impl<A: Observer, B: Observer> Observer for (A, B) {
    type Report = (A::Report, B::Report);

    fn begin(&mut self, segment: usize) {
        self.0.begin(segment);
        self.1.begin(segment);
    }

    #[inline]
    fn observe(&mut self, at: &Context, event: &Event<'_>) {
        self.0.observe(at, event);
        self.1.observe(at, event);
    }

    fn end(&mut self, at: &Context, len: u64) {
        self.0.end(at, len);
        self.1.end(at, len);
    }

    fn finish(self) -> Self::Report {
        (self.0.finish(), self.1.finish())
    }
}

impl<A: Observer> Observer for Option<A> {
    type Report = Option<A::Report>;

    fn begin(&mut self, segment: usize) {
        if let Some(inner) = self {
            inner.begin(segment);
        }
    }

    #[inline]
    fn observe(&mut self, at: &Context, event: &Event<'_>) {
        if let Some(inner) = self {
            inner.observe(at, event);
        }
    }

    fn end(&mut self, at: &Context, len: u64) {
        if let Some(inner) = self {
            inner.end(at, len);
        }
    }

    fn finish(self) -> Self::Report {
        self.map(A::finish)
    }
}
