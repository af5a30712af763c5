//! What bytes come from: one trait, and the policy that chooses how a file is read.

use crate::error::Result;

/// Bytes of one file or stream by offset.
///
/// The length of a file is frozen when it is opened: bytes appended later are never seen through the
/// same source, and a file that becomes shorter ends in an error naming file and offset.
pub trait Source {
    /// The bytes from offset `at` on: at least `need` of them (`need` <= [`crate::limits::WINDOW`]),
    /// fewer only at the end of the data, usually more.
    ///
    /// # Errors
    /// When the bytes cannot be read, or are no longer there. Asking below [`Source::oldest`] is a
    /// mistake of the caller and gives an error, too.
    fn window(&mut self, at: u64, need: usize) -> Result<&[u8]>;

    /// As [`Source::window`] for at most [`crate::limits::PEEK`] bytes, without moving the window when
    /// they lie elsewhere: for a look at a far place and back.
    ///
    /// # Errors
    /// As [`Source::window`].
    fn peek(&mut self, at: u64, need: usize) -> Result<&[u8]> {
        self.window(at, need)
    }

    /// Asks that everything from offset `at` on stays within reach of [`Source::window`], however far back that
    /// may get, until something else is asked for; `None`: nothing has to stay. Of a file everything does.
    fn keep_from(&mut self, at: Option<u64>) {
        let _ = at;
    }

    /// Length in bytes, frozen at opening; `None` while the end of a stream has not been seen.
    fn length(&self) -> Option<u64>;

    /// The smallest offset that can still be asked for: 0 for files, later for streams. What a stream keeps
    /// only because of [`Source::keep_from`] does not count.
    fn oldest(&self) -> u64;

    /// Tells whether all bytes handed out so far were really there. To be asked before a judgement on
    /// bytes is made: a mapped file that shrank shows zeros until then.
    ///
    /// # Errors
    /// When the file has shrunk below what was handed out.
    fn settle(&mut self) -> Result<()>;
}

/// Hands out bytes `from` to `to` piece by piece; answers where they ended, which is before `to` when there are no more.
///
/// # Errors
/// When they cannot be read, or `each` says to stop.
pub fn pieces(
    source: &mut dyn Source,
    from: u64,
    to: u64,
    each: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<u64> {
    let mut at = from;
    while at < to {
        let window = source.window(at, 1)?;
        let left = usize::try_from(to - at).unwrap_or(usize::MAX);
        let piece = &window[..window.len().min(left)];
        if piece.is_empty() {
            break;
        }
        each(piece)?;
        at += piece.len() as u64;
    }
    Ok(at)
}

/// How a file's bytes are fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Mapped into memory, a region at a time, under a guard that turns a file that shrinks into an
    /// error: for files that no server writes to any more.
    Map,
    /// Read in windows: for what a server may append to or truncate, and for anything unknown.
    Read,
    /// Read in windows, and left in the page cache: for the first of two readers.
    ReadAndKeep,
}
