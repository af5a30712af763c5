//! The stream of events on its way from a walk to an observer, with the state that each is met in.

use super::context::Context;
use super::event::{Event, RdbItem};
use super::observer::{Again, Observer, Wants};
use crate::disk::Source;
use crate::error::Result;
use crate::format::rdb;

/// Shows an observer what a walk finds. Each event begins where the one before it ended, which is asserted in debug builds.
pub(super) struct Stream<'o, O> {
    observer: &'o mut O,
    at: Context,
    /// End of the last event.
    tiled: u64,
}

impl<'o, O: Observer> Stream<'o, O> {
    /// A stream that begins at offset `from`, in the state `at`.
    pub(super) fn new(observer: &'o mut O, at: Context, from: u64) -> Self {
        Self { observer, at, tiled: from }
    }

    /// The next event.
    #[inline(always)]
    pub(super) fn tell(&mut self, event: Event<'_>) {
        let (start, end) = event.span();
        debug_assert_eq!(start, self.tiled, "spans must tile: {event:?}");
        debug_assert!(end > start || matches!(event, Event::Damage(_)), "empty span: {event:?}");
        self.tiled = end;
        self.observer.observe(&self.at, &event);
        self.at.follow(&event);
    }

    /// Something in the RDB part whose event comes next.
    #[inline]
    pub(super) fn item(&mut self, item: &RdbItem<'_>) {
        self.observer.item(&self.at, item);
    }

    /// What was last shown can be read again.
    pub(super) fn again(&mut self, source: &mut dyn Source) -> Result<()> {
        self.observer.again(&self.at, source)
    }

    pub(super) fn wants(&self) -> Wants {
        self.observer.wants()
    }

    pub(super) fn looks_again(&self, walked: &rdb::Walked) -> Again {
        self.observer.looks_again(walked)
    }

    pub(super) fn is_done(&self) -> bool {
        self.observer.is_done()
    }

    /// No event tells of what lies before `offset`: a walk ended early in it.
    pub(super) fn pass_to(&mut self, offset: u64) {
        self.tiled = offset;
    }

    /// Ends it at `end`; answers the state there.
    pub(super) fn finish(self, end: u64) -> Context {
        debug_assert_eq!(self.tiled, end, "events must cover the whole segment");
        self.at
    }
}

impl<O: Observer> rdb::Reader for Stream<'_, O> {
    fn opens(&mut self, value: &rdb::Opening<'_>) -> bool {
        self.observer.opens(&self.at, value)
    }

    fn piece(&mut self, piece: &rdb::Piece<'_>) {
        self.item(&RdbItem::Piece(piece));
    }
}
