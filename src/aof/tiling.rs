//! Spans tile: each event begins where the one before it ended. Asserted in debug builds.

use super::event::Event;
use super::sink::Sink;
use crate::disk::Source;
use crate::error::Result;

/// Sees that events tile.
pub(super) struct Tiling<'s, S> {
    pub(super) sink: &'s mut S,
    /// End of the last event.
    pub(super) tiled: u64,
}

impl<S: Sink> Sink for Tiling<'_, S> {
    #[inline(always)]
    fn event(&mut self, event: Event<'_>) {
        let (start, end) = event.span();
        debug_assert_eq!(start, self.tiled, "spans must tile: {event:?}");
        debug_assert!(end > start || matches!(event, Event::Damage(_)), "empty span: {event:?}");
        self.tiled = end;
        self.sink.event(event);
    }

    fn again(&mut self, source: &mut dyn Source) -> Result<()> {
        self.sink.again(source)
    }

    fn reads_again(&self) -> bool {
        self.sink.reads_again()
    }

    fn is_done(&self) -> bool {
        self.sink.is_done()
    }
}
