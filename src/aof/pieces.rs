//! A file that is walked in pieces: by one reader in its order, by others wherever a record seems to begin.

use super::context::Context;
use super::names::{Heard, Names};
use super::observer::Observer;
use super::pulse::Pulse;
use super::set::{Aof, Shared};
use super::walker::{Bounds, Start, walk_within};
use crate::command::{Kind, Renames};
use crate::disk::{Access, Source};
use crate::error::Result;
use crate::format::annotation::annotation;
use crate::format::resp::{self, Stop};
use crate::limits;

/// Records in a row that make a place likely to be the beginning of one.
const CHAIN: usize = 3;

/// Bytes behind such a place that are looked at for the end of a transaction.
const LOOK: usize = 32 * 1024;

/// What several threads need to read a file of a set, each for itself.
#[derive(Clone, Debug)]
pub(crate) struct Apart<'f> {
    bytes: Shared<'f>,
    renames: Renames,
}

/// One reader of a file, and the names it has learnt.
pub(crate) struct Piecewise<'f> {
    source: Box<dyn Source + 'f>,
    names: Names<'f>,
}

impl Aof {
    /// What threads need to read the file at this position; `None` where it can only be read in its order.
    pub(crate) fn apart(&self, position: usize) -> Option<Apart<'_>> {
        let bytes = self.segments[position].shared()?;
        Some(Apart { bytes, renames: self.names.clone() })
    }

    /// Reads the file at this position in its order.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(crate) fn piecewise(&self, position: usize) -> Result<Piecewise<'_>> {
        let source = self.segments[position].source()?;
        Ok(Piecewise { source, names: Names::of(self, self.names.clone()) })
    }
}

impl Apart<'_> {
    /// A reader of its own. Whoever reads the file in its order gives its pages back.
    pub(crate) fn reader(&self) -> Piecewise<'_> {
        let source = match self.bytes {
            Shared::File(file) => file.source(Access::ReadAndKeep),
            Shared::Splice(splice) => splice.source_by(Access::ReadAndKeep),
        };
        Piecewise { source, names: Names::of_piece(self.renames.clone()) }
    }

    /// Length of the file in bytes.
    pub(crate) fn len(&self) -> u64 {
        match self.bytes {
            Shared::File(file) => file.len(),
            Shared::Splice(splice) => splice.len(),
        }
    }
}

impl Piecewise<'_> {
    /// Shows `observer` a piece that begins in the state `at`, which becomes that at its end. Answers where that is.
    ///
    /// # Errors
    /// When the bytes cannot be read.
    pub(crate) fn show(
        &mut self,
        from: Start,
        bounds: Bounds,
        pulse: &mut impl Pulse,
        at: &mut Context,
        observer: &mut impl Observer,
    ) -> Result<Start> {
        walk_within(&mut *self.source, (from, bounds), &mut self.names, pulse, at, observer)
    }

    /// The names that were learnt since this was last asked.
    pub(crate) fn take_heard(&mut self) -> Heard {
        std::mem::take(&mut self.names.seen)
    }

    /// Whether names that another reader has learnt can be taken over.
    pub(crate) fn has_room_for(&self, heard: &Heard) -> bool {
        self.names.seen.has_room_for(heard)
    }

    /// Counts on names that another reader has learnt, up to this offset.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn pass(&mut self, heard: Heard, offset: u64) -> Result<()> {
        self.names.seen.take_over(heard);
        // A source gives pages back as it is asked for later ones.
        self.source.window(offset, 0).map(|_| ())
    }

    /// A place at or behind `near` where a record seems to begin, outside a transaction as far as can be seen. The bytes
    /// alone decide, so all readers answer the same. Nothing is proven by that: it may lie inside a value.
    ///
    /// # Errors
    /// When the bytes cannot be read.
    pub(crate) fn likely_start(&mut self, near: u64) -> Result<Option<u64>> {
        for need in [limits::READ_STEP, limits::WINDOW] {
            let window = self.source.window(near, need)?;
            let window = &window[..window.len().min(need)];
            if let Some(place) = likely_start(window, &self.names.renames) {
                return Ok(Some(near + place as u64));
            }
        }
        Ok(None)
    }
}

fn likely_start(window: &[u8], renames: &Renames) -> Option<usize> {
    let starts = memchr::memmem::find_iter(window, b"\r\n*").map(|at| at + 2);
    let begins = |&start: &usize| follow(&window[start..], renames, CHAIN, |_, _| false).is_some();
    let start = starts.take(LOOK).find(begins)?;
    let behind = &window[start..];
    let behind = &behind[..behind.len().min(LOOK)];
    // An EXEC before any MULTI: the place lies in a transaction, which ends there.
    let mut end = None;
    let _ = follow(behind, renames, usize::MAX, |kind, to| {
        end = (kind == Kind::Exec).then_some(to);
        matches!(kind, Kind::Exec | Kind::Multi)
    });
    Some(start + end.unwrap_or(0))
}

/// Follows up to `most` canonical records of known names, as long as `ends` does not say of one, by its kind and where it
/// ends, that it is enough. Answers how many bytes they take; `None` where something else comes before the window ends.
fn follow(
    window: &[u8],
    renames: &Renames,
    most: usize,
    mut ends: impl FnMut(Kind, usize) -> bool,
) -> Option<usize> {
    let (mut used, mut records) = (0, 0);
    while records < most {
        let rest = &window[used..];
        if rest.first() == Some(&b'#') {
            match annotation(rest, false) {
                Some(line) => used += line.len,
                None => break,
            }
            continue;
        }
        match resp::record(rest) {
            Ok(shape) => {
                let id = renames.lookup(shape.name);
                used += shape.len;
                records += 1;
                if ends(id?.kind(), used) {
                    break;
                }
            }
            Err(Stop::Short) => break,
            Err(Stop::Wrong(_)) => return None,
        }
    }
    (records > 0).then_some(used)
}
