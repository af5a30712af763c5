//! Who wants to see a segment, and how much of it.

use super::event::Event;
use crate::disk::Source;
use crate::error::Result;
use crate::format::rdb;

/// How deep to look into an RDB part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// Structure and checksum alone: the fastest.
    #[default]
    Structure,
    /// Also one [`rdb::Entry`] per key.
    Entries,
    /// Also the contents of values that the sink asks for.
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

/// Takes what a walk hands out. Any closure over events is one that wants nothing more.
pub trait Sink {
    /// An event.
    fn event(&mut self, event: Event<'_>);

    /// How deep to look into an RDB part.
    fn depth(&self) -> Depth {
        Depth::Structure
    }

    /// Of an RDB part that was walked whole at [`Depth::Structure`]: what to look at once more.
    fn looks_again(&self, walked: &rdb::Walked) -> Again {
        let _ = walked;
        Again::Nothing
    }

    /// A key of the RDB part whose event comes next.
    fn entry(&mut self, entry: &rdb::Entry<'_>) {
        let _ = entry;
    }

    /// A function library of that RDB part.
    fn library(&mut self, library: &rdb::Library<'_>) {
        let _ = library;
    }

    /// An opcode of that RDB part that is about no single key.
    fn opcode(&mut self, opcode: &rdb::Opcode) {
        let _ = opcode;
    }

    /// Bytes of what was last handed out can be read again from `source`: of a record larger than a
    /// window, or of the keys and libraries of one window of an RDB part.
    ///
    /// # Errors
    /// When they cannot be read; the walk ends with that.
    fn again(&mut self, source: &mut dyn Source) -> Result<()> {
        let _ = source;
        Ok(())
    }

    /// Whether [`Self::again`] reads things of any size, also from a stream, which has to keep them for that.
    fn reads_again(&self) -> bool {
        false
    }

    /// Whether it has seen enough: the walk may end early, at the end of a window.
    fn is_done(&self) -> bool {
        false
    }

    /// Whether to open this value, when [`Self::depth`] is [`Depth::Contents`].
    fn opens(&mut self, value: &rdb::Opening<'_>) -> bool {
        let _ = value;
        false
    }

    /// A piece of the value that was opened last; its entry follows.
    fn piece(&mut self, piece: &rdb::Piece<'_>) {
        let _ = piece;
    }

    /// What was found inside of the values of that RDB part.
    fn inside(&mut self, report: &rdb::deep::Report) {
        let _ = report;
    }
}

impl<F: FnMut(Event<'_>)> Sink for F {
    #[inline]
    fn event(&mut self, event: Event<'_>) {
        self(event);
    }
}
