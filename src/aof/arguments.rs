//! The arguments of a record with all their bytes, whether a window holds them or not.

use crate::disk::Source;
use crate::error::Result;
use crate::format::resp::{Record, lenient};
use crate::limits;

/// A piece of a record's arguments.
#[derive(Clone, Copy, Debug)]
pub enum Part<'a> {
    /// An argument of so many bytes begins; its place among the arguments, the name being 0.
    Begin {
        /// Its place.
        place: u32,
        /// Its length in bytes.
        len: u64,
    },
    /// Some of its bytes.
    Bytes(&'a [u8]),
    /// It is whole.
    End,
}

/// Where the arguments of one record are.
pub enum Arguments<'a> {
    /// In the window.
    Here(&'a Record<'a>),
    /// In the file: the record begins at this offset and has so many arguments.
    There {
        /// Reads them again.
        source: &'a mut dyn Source,
        /// Offset of the record.
        start: u64,
        /// How many arguments there are.
        argc: u32,
    },
}

impl Arguments<'_> {
    /// Shows all arguments to `ear`, in pieces of at most a window. Can be asked several times.
    ///
    /// # Errors
    /// When the bytes cannot be read.
    pub fn show(&mut self, ear: &mut dyn FnMut(Part<'_>)) -> Result<()> {
        match self {
            Self::Here(record) => {
                for (place, arg) in (0..).zip(record.args()) {
                    ear(Part::Begin { place, len: arg.len });
                    ear(Part::Bytes(arg.head));
                    ear(Part::End);
                }
                Ok(())
            }
            Self::There { source, start, argc } => show_again(*source, *start, *argc, ear),
        }
    }
}

impl Arguments<'_> {
    /// Where the argument at this place lies in the file, and its length; `None` where it is not in the file any more, or
    /// there is none.
    ///
    /// # Errors
    /// When the bytes cannot be read.
    pub fn place(&mut self, wanted: u32) -> Result<Option<(u64, u64)>> {
        let Self::There { source, start, argc } = self else { return Ok(None) };
        let mut at = *start + lenient::line(source.window(*start, limits::LOADER_LINE)?).len as u64;
        for place in 0..*argc {
            let header = lenient::line(source.window(at, limits::LOADER_LINE)?);
            let len = u64::try_from(header.value).unwrap_or(0);
            at += header.len as u64;
            if place == wanted {
                return Ok(Some((at, len)));
            }
            // Two bytes end an argument, whatever they are.
            at += len + 2;
        }
        Ok(None)
    }
}

/// Reads header lines as loaders do: the record was taken by the same rules.
fn show_again(
    source: &mut dyn Source,
    start: u64,
    argc: u32,
    ear: &mut dyn FnMut(Part<'_>),
) -> Result<()> {
    let header = lenient::line(source.window(start, limits::LOADER_LINE)?);
    let mut at = start + header.len as u64;
    for place in 0..argc {
        let header = lenient::line(source.window(at, limits::LOADER_LINE)?);
        let len = u64::try_from(header.value).unwrap_or(0);
        at += header.len as u64;
        ear(Part::Begin { place, len });
        show_bytes(source, at..at + len, &mut |bytes| ear(Part::Bytes(bytes)))?;
        ear(Part::End);
        // Two bytes end an argument, whatever they are.
        at += len + 2;
    }
    Ok(())
}

/// Shows the bytes of `span` in pieces of at most a window.
///
/// # Errors
/// When they cannot be read.
pub fn show_bytes(
    source: &mut dyn Source,
    span: std::ops::Range<u64>,
    ear: &mut dyn FnMut(&[u8]),
) -> Result<()> {
    let mut at = span.start;
    while at < span.end {
        let window = source.window(at, 1)?;
        let left = usize::try_from(span.end - at).unwrap_or(usize::MAX);
        let piece = &window[..window.len().min(left).min(limits::WINDOW)];
        if piece.is_empty() {
            // The walk saw these bytes; a file that shrank since then is found out by the source.
            return source.settle();
        }
        ear(piece);
        at += piece.len() as u64;
    }
    Ok(())
}
