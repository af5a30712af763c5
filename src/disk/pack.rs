//! Bytes kept aside: one zstd frame a file, with a checksum, readable by `zstd -d`.

use std::cell::Cell;
use std::io::{BufReader, Read, Write};
use std::path::Path;
use std::rc::Rc;

use super::attributes::Attributes;
use super::durable::Output;
use super::frozen::FrozenFile;
use super::source::{Access, pieces};
use crate::error::{Error, Result};
use crate::limits;

/// A file that is being written compressed.
pub struct Packer<'p> {
    encoder: zstd::Encoder<'static, Box<dyn Output>>,
    path: &'p Path,
}

impl<'p> Packer<'p> {
    /// Level 1: on commands it packs as well as level 3, and twice as fast.
    const LEVEL: i32 = 1;

    /// Compresses into `output`, which is the file at `path`.
    ///
    /// # Errors
    /// When the encoder cannot be set up.
    pub fn new(output: Box<dyn Output>, path: &'p Path) -> Result<Self> {
        let open = || {
            let mut encoder = zstd::Encoder::new(output, Self::LEVEL)?;
            encoder.include_checksum(true)?;
            Ok(encoder)
        };
        Ok(Self { encoder: open().map_err(|e| Error::io(path, e))?, path })
    }

    /// Appends ranges of `file`, which ascend; `pulse` is called with the bytes of each step.
    ///
    /// # Errors
    /// When they cannot be read or written, or `pulse` says to stop.
    pub fn append(
        &mut self,
        file: &FrozenFile,
        ranges: &mut dyn Iterator<Item = (u64, u64)>,
        pulse: &mut dyn FnMut(u64) -> Result<()>,
    ) -> Result<()> {
        // One for all of them: each reads more than it is asked for.
        let mut source = file.source(Access::Read);
        for (from, to) in ranges {
            let end = pieces(&mut *source, from, to, &mut |piece| {
                self.encoder.write_all(piece).map_err(|e| Error::io(self.path, e))?;
                pulse(piece.len() as u64)
            })?;
            if end < to {
                return Err(file.shrank(end));
            }
        }
        Ok(())
    }

    /// Ends the frame and makes the file last.
    ///
    /// # Errors
    /// When that fails.
    pub fn seal(self, like: Attributes) -> Result<()> {
        self.encoder.finish().map_err(|e| Error::io(self.path, e))?.seal(like)
    }
}

/// Bytes of a file that are packed to estimate all of it, and of one piece where that is not the whole file.
const SAMPLE: u64 = 8 << 20;

/// See [`SAMPLE`].
const PIECE: u64 = 512 << 10;

/// About how many bytes a file has once it is packed: exact up to 8 MiB, by a sample beyond that.
///
/// # Errors
/// When it cannot be read.
pub fn packed_len(file: &FrozenFile) -> Result<u64> {
    let (len, path) = (file.len(), file.path());
    let ranges: Vec<(u64, u64)> = match len <= SAMPLE {
        true => vec![(0, len)],
        false => {
            let pieces = SAMPLE / PIECE;
            let step = (len - PIECE) / (pieces - 1);
            (0..pieces).map(|n| (n * step, n * step + PIECE)).collect()
        }
    };
    let sampled: u64 = ranges.iter().map(|(from, to)| to - from).sum();
    let written = Rc::new(Cell::new(0));
    let counted = Counted(Rc::clone(&written));
    let told = |e| Error::io(&path, e);
    let mut encoder = zstd::Encoder::new(counted, Packer::LEVEL).map_err(told)?;
    let mut source = file.source(Access::Read);
    for (from, to) in ranges {
        pieces(&mut *source, from, to, &mut |piece| encoder.write_all(piece).map_err(told))?;
    }
    encoder.finish().map_err(told)?;
    let packed = u128::from(written.get()) * u128::from(len) / u128::from(sampled.max(1));
    Ok(u64::try_from(packed).unwrap_or(len))
}

/// Counts what is written, and keeps nothing.
struct Counted(Rc<Cell<u64>>);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.set(self.0.get() + bytes.len() as u64);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A packed file's bytes.
///
/// # Errors
/// When no decoder can be set up.
pub fn unpack(file: FrozenFile) -> Result<impl Read + use<>> {
    let path = file.path();
    let open = || {
        let mut decoder = zstd::Decoder::with_buffer(BufReader::new(file.into_reader()))?;
        decoder.window_log_max(limits::ZSTD_WINDOW_LOG)?;
        Ok(decoder)
    };
    open().map_err(|e| Error::compressed(&path, e))
}
