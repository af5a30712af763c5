//! Bytes kept aside: one zstd frame a file, with a checksum, readable by `zstd -d`.

use std::io::{BufReader, Read};
use std::path::Path;

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
        use std::io::Write;
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
