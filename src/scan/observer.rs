//! What wants to see the events of a set.

use super::Context;
use crate::aof::{Again, Depth, Event};
use crate::disk::Source;
use crate::error::Result;
use crate::format::rdb;

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

    /// How deep to look into RDB parts for it.
    fn depth(&self) -> Depth {
        Depth::Structure
    }

    /// A key of the RDB part whose event comes next, when [`Self::depth`] asks for entries.
    fn entry(&mut self, at: &Context, entry: &rdb::Entry<'_>) {
        let _ = (at, entry);
    }

    /// A function library of that RDB part.
    fn library(&mut self, at: &Context, library: &rdb::Library<'_>) {
        let _ = (at, library);
    }

    /// An opcode of that RDB part that is about no single key.
    fn opcode(&mut self, at: &Context, opcode: &rdb::Opcode) {
        let _ = (at, opcode);
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

    /// Whether [`Self::again`] reads things of any size, also from a stream, which has to keep them for that.
    fn reads_again(&self) -> bool {
        false
    }

    /// Whether it has seen enough: a scan that only feeds observers that have ends early.
    fn is_done(&self) -> bool {
        false
    }

    /// Whether to open this value, when [`Self::depth`] is [`Depth::Contents`]. One observer of a scan may
    /// ask for that.
    fn opens(&mut self, at: &Context, value: &rdb::Opening<'_>) -> bool {
        let _ = (at, value);
        false
    }

    /// A piece of the value that was opened last; its entry follows.
    fn piece(&mut self, at: &Context, piece: &rdb::Piece<'_>) {
        let _ = (at, piece);
    }

    /// Of an RDB part that was walked whole: what to look at once more.
    fn looks_again(&self, walked: &rdb::Walked) -> Again {
        let _ = walked;
        Again::Nothing
    }

    /// What was found inside of the values of that RDB part, when [`Self::depth`] or [`Self::looks_again`] asks for it.
    fn inside(&mut self, at: &Context, report: &rdb::deep::Report) {
        let _ = (at, report);
    }

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

    #[inline(always)]
    fn observe(&mut self, at: &Context, event: &Event<'_>) {
        self.0.observe(at, event);
        self.1.observe(at, event);
    }

    fn depth(&self) -> Depth {
        self.0.depth().max(self.1.depth())
    }

    #[inline]
    fn entry(&mut self, at: &Context, entry: &rdb::Entry<'_>) {
        self.0.entry(at, entry);
        self.1.entry(at, entry);
    }

    fn library(&mut self, at: &Context, library: &rdb::Library<'_>) {
        self.0.library(at, library);
        self.1.library(at, library);
    }

    fn opcode(&mut self, at: &Context, opcode: &rdb::Opcode) {
        self.0.opcode(at, opcode);
        self.1.opcode(at, opcode);
    }

    fn again(&mut self, at: &Context, source: &mut dyn Source) -> Result<()> {
        self.0.again(at, source)?;
        self.1.again(at, source)
    }

    fn reads_again(&self) -> bool {
        self.0.reads_again() || self.1.reads_again()
    }

    fn is_done(&self) -> bool {
        self.0.is_done() && self.1.is_done()
    }

    fn opens(&mut self, at: &Context, value: &rdb::Opening<'_>) -> bool {
        let first = self.0.opens(at, value);
        self.1.opens(at, value) || first
    }

    fn piece(&mut self, at: &Context, piece: &rdb::Piece<'_>) {
        self.0.piece(at, piece);
        self.1.piece(at, piece);
    }

    fn looks_again(&self, walked: &rdb::Walked) -> Again {
        self.0.looks_again(walked).max(self.1.looks_again(walked))
    }

    fn inside(&mut self, at: &Context, report: &rdb::deep::Report) {
        self.0.inside(at, report);
        self.1.inside(at, report);
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

    #[inline(always)]
    fn observe(&mut self, at: &Context, event: &Event<'_>) {
        if let Some(inner) = self {
            inner.observe(at, event);
        }
    }

    fn depth(&self) -> Depth {
        self.as_ref().map_or(Depth::Structure, A::depth)
    }

    #[inline]
    fn entry(&mut self, at: &Context, entry: &rdb::Entry<'_>) {
        if let Some(inner) = self {
            inner.entry(at, entry);
        }
    }

    fn library(&mut self, at: &Context, library: &rdb::Library<'_>) {
        if let Some(inner) = self {
            inner.library(at, library);
        }
    }

    fn opcode(&mut self, at: &Context, opcode: &rdb::Opcode) {
        if let Some(inner) = self {
            inner.opcode(at, opcode);
        }
    }

    fn again(&mut self, at: &Context, source: &mut dyn Source) -> Result<()> {
        self.as_mut().map_or(Ok(()), |inner| inner.again(at, source))
    }

    fn reads_again(&self) -> bool {
        self.as_ref().is_some_and(A::reads_again)
    }

    fn is_done(&self) -> bool {
        self.as_ref().is_none_or(A::is_done)
    }

    fn opens(&mut self, at: &Context, value: &rdb::Opening<'_>) -> bool {
        self.as_mut().is_some_and(|inner| inner.opens(at, value))
    }

    fn piece(&mut self, at: &Context, piece: &rdb::Piece<'_>) {
        if let Some(inner) = self {
            inner.piece(at, piece);
        }
    }

    fn looks_again(&self, walked: &rdb::Walked) -> Again {
        self.as_ref().map_or(Again::Nothing, |inner| inner.looks_again(walked))
    }

    fn inside(&mut self, at: &Context, report: &rdb::deep::Report) {
        if let Some(inner) = self {
            inner.inside(at, report);
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

/// As many observers as there are.
impl<A: Observer> Observer for Vec<A> {
    type Report = Vec<A::Report>;

    fn begin(&mut self, segment: usize) {
        self.iter_mut().for_each(|each| each.begin(segment));
    }

    #[inline]
    fn observe(&mut self, at: &Context, event: &Event<'_>) {
        self.iter_mut().for_each(|each| each.observe(at, event));
    }

    fn depth(&self) -> Depth {
        self.iter().map(A::depth).max().unwrap_or_default()
    }

    #[inline]
    fn entry(&mut self, at: &Context, entry: &rdb::Entry<'_>) {
        self.iter_mut().for_each(|each| each.entry(at, entry));
    }

    fn library(&mut self, at: &Context, library: &rdb::Library<'_>) {
        self.iter_mut().for_each(|each| each.library(at, library));
    }

    fn opcode(&mut self, at: &Context, opcode: &rdb::Opcode) {
        self.iter_mut().for_each(|each| each.opcode(at, opcode));
    }

    fn opens(&mut self, at: &Context, value: &rdb::Opening<'_>) -> bool {
        let mut is_open = false;
        // Each is asked, also where another wants the value.
        for each in self {
            is_open |= each.opens(at, value);
        }
        is_open
    }

    fn piece(&mut self, at: &Context, piece: &rdb::Piece<'_>) {
        self.iter_mut().for_each(|each| each.piece(at, piece));
    }

    fn again(&mut self, at: &Context, source: &mut dyn Source) -> Result<()> {
        self.iter_mut().try_for_each(|each| each.again(at, source))
    }

    fn reads_again(&self) -> bool {
        self.iter().any(A::reads_again)
    }

    fn is_done(&self) -> bool {
        self.iter().all(A::is_done)
    }

    fn looks_again(&self, walked: &rdb::Walked) -> Again {
        self.iter().map(|each| each.looks_again(walked)).max().unwrap_or(Again::Nothing)
    }

    fn inside(&mut self, at: &Context, report: &rdb::deep::Report) {
        self.iter_mut().for_each(|each| each.inside(at, report));
    }

    fn end(&mut self, at: &Context, len: u64) {
        self.iter_mut().for_each(|each| each.end(at, len));
    }

    fn finish(self) -> Self::Report {
        self.into_iter().map(A::finish).collect()
    }
}
