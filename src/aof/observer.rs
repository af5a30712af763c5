//! What wants to see the events of a set.

use super::context::Context;
use super::event::{Event, RdbItem};
use crate::disk::Source;
use crate::error::Result;
use crate::format::rdb;

/// Sees every event of a set once, in the loader's order. Events live for one call.
///
/// Cannot fail and cannot stop the others: whatever the bytes are, they are data.
pub trait Observer {
    /// What it answers; owned, so that it outlives the files.
    type Report;

    /// An event, met in the state `at`.
    fn observe(&mut self, at: &Context, event: &Event<'_>);

    /// All was seen.
    fn finish(self) -> Self::Report;

    /// What it wants to see beside events.
    fn wants(&self) -> Wants {
        Wants::default()
    }

    /// Something in the RDB part whose event comes next, where it or another observer of the scan [wants](Self::wants) it.
    fn item(&mut self, at: &Context, item: &RdbItem<'_>) {
        let _ = (at, item);
    }

    /// Whether to open this value, when it wants [`Depth::Contents`]. One observer of a scan may ask for that.
    fn opens(&mut self, at: &Context, value: &rdb::Opening<'_>) -> bool {
        let _ = (at, value);
        false
    }

    /// Bytes of what was last shown can be read again from `source`: of a record larger than a window, or
    /// of the keys and libraries of one window of an RDB part.
    ///
    /// # Errors
    /// When they cannot be read; the scan ends with that.
    fn again(&mut self, at: &Context, source: &mut dyn Source) -> Result<()> {
        let _ = (at, source);
        Ok(())
    }

    /// Of an RDB part that was walked whole at [`Depth::Structure`]: what to look at once more.
    fn looks_again(&self, walked: &rdb::Walked) -> Again {
        let _ = walked;
        Again::Nothing
    }

    /// Whether it has seen enough: a scan that only feeds observers that have ends early, at the end of a window.
    fn is_done(&self) -> bool {
        false
    }

    /// The segment at this position begins.
    fn begin(&mut self, segment: usize) {
        let _ = segment;
    }

    /// The segment ended after `len` bytes, in the state `at`.
    fn end(&mut self, at: &Context, len: u64) {
        let _ = (at, len);
    }
}

/// What an observer wants to see beside events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// How deep to look into RDB parts for it.
    pub depth: Depth,
    /// [`Observer::again`] reads things of any size, also from a stream, which has to keep them for that.
    pub reads_again: bool,
}

impl Wants {
    /// What both want.
    fn and(self, other: Self) -> Self {
        Self {
            depth: self.depth.max(other.depth),
            reads_again: self.reads_again || other.reads_again,
        }
    }
}

impl From<Depth> for Wants {
    fn from(depth: Depth) -> Self {
        Self { depth, reads_again: false }
    }
}

/// How deep to look into an RDB part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// Structure and checksum alone: the fastest.
    #[default]
    Structure,
    /// Also its keys, libraries and opcodes.
    Entries,
    /// Also the contents of values that the observer asks for.
    Contents,
    /// Also what is wrong inside of values, and keys that stand twice: slow, and in up to 256 MiB.
    Values,
}

/// What to look at once more in an RDB part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Again {
    /// Nothing.
    Nothing,
    /// Its keys under a wrong slot: whether they stand twice.
    Strays,
    /// The same, and what is inside of values.
    Values,
}

/// An observer whose work can be split: two that saw neighbouring stretches become one that saw both.
/// Associative: `(a + b) + c` and `a + (b + c)` answer the same.
pub trait Merge: Observer {
    /// Takes over what `later` saw, which begins where this one ended.
    fn merge(&mut self, later: Self);
}

impl<A: Observer, B: Observer> Observer for (A, B) {
    type Report = (A::Report, B::Report);

    #[inline(always)]
    fn observe(&mut self, at: &Context, event: &Event<'_>) {
        self.0.observe(at, event);
        self.1.observe(at, event);
    }

    fn finish(self) -> Self::Report {
        (self.0.finish(), self.1.finish())
    }

    fn wants(&self) -> Wants {
        self.0.wants().and(self.1.wants())
    }

    #[inline]
    fn item(&mut self, at: &Context, item: &RdbItem<'_>) {
        self.0.item(at, item);
        self.1.item(at, item);
    }

    fn opens(&mut self, at: &Context, value: &rdb::Opening<'_>) -> bool {
        // Each is asked, also where another wants the value.
        self.0.opens(at, value) | self.1.opens(at, value)
    }

    fn again(&mut self, at: &Context, source: &mut dyn Source) -> Result<()> {
        self.0.again(at, source)?;
        self.1.again(at, source)
    }

    fn looks_again(&self, walked: &rdb::Walked) -> Again {
        self.0.looks_again(walked).max(self.1.looks_again(walked))
    }

    fn is_done(&self) -> bool {
        self.0.is_done() && self.1.is_done()
    }

    fn begin(&mut self, segment: usize) {
        self.0.begin(segment);
        self.1.begin(segment);
    }

    fn end(&mut self, at: &Context, len: u64) {
        self.0.end(at, len);
        self.1.end(at, len);
    }
}

impl<A: Merge, B: Merge> Merge for (A, B) {
    fn merge(&mut self, later: Self) {
        self.0.merge(later.0);
        self.1.merge(later.1);
    }
}

impl<A: Merge> Merge for Option<A> {
    fn merge(&mut self, later: Self) {
        match (self, later) {
            (Some(mine), Some(later)) => mine.merge(later),
            (mine @ None, later) => *mine = later,
            (Some(_), None) => {}
        }
    }
}

/// One that is there or not: where it is not, it wants nothing and is done.
impl<A: Observer> Observer for Option<A> {
    type Report = Option<A::Report>;

    #[inline(always)]
    fn observe(&mut self, at: &Context, event: &Event<'_>) {
        if let Some(inner) = self {
            inner.observe(at, event);
        }
    }

    fn finish(self) -> Self::Report {
        self.map(A::finish)
    }

    fn wants(&self) -> Wants {
        self.as_ref().map(A::wants).unwrap_or_default()
    }

    #[inline]
    fn item(&mut self, at: &Context, item: &RdbItem<'_>) {
        if let Some(inner) = self {
            inner.item(at, item);
        }
    }

    fn opens(&mut self, at: &Context, value: &rdb::Opening<'_>) -> bool {
        self.as_mut().is_some_and(|inner| inner.opens(at, value))
    }

    fn again(&mut self, at: &Context, source: &mut dyn Source) -> Result<()> {
        self.as_mut().map_or(Ok(()), |inner| inner.again(at, source))
    }

    fn looks_again(&self, walked: &rdb::Walked) -> Again {
        self.as_ref().map_or(Again::Nothing, |inner| inner.looks_again(walked))
    }

    fn is_done(&self) -> bool {
        self.as_ref().is_none_or(A::is_done)
    }

    fn begin(&mut self, segment: usize) {
        if let Some(inner) = self {
            inner.begin(segment);
        }
    }

    fn end(&mut self, at: &Context, len: u64) {
        if let Some(inner) = self {
            inner.end(at, len);
        }
    }
}

/// A closure that sees events, and wants nothing more.
pub(super) struct Each<F>(pub(super) F);

impl<F: FnMut(Event<'_>)> Observer for Each<F> {
    type Report = ();

    #[inline(always)]
    fn observe(&mut self, _: &Context, event: &Event<'_>) {
        (self.0)(*event);
    }

    fn finish(self) {}
}
