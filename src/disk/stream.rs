//! Sources that can only be read forwards: standard input, and zstd frames decompressed on the fly.

use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use super::files::FrozenFile;
use super::source::Source;
use super::spill::Spill;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;

/// Bytes held at most: what is kept behind the reading position, and as much again before it.
const HELD: usize = 2 * limits::STREAM_BACK;

/// Bytes read at a time.
const CHUNK: usize = 2 * limits::WINDOW;

/// A forward-only source with a short memory.
struct StreamSource<R> {
    reader: R,
    name: PathBuf,
    compressed: bool,
    buffer: Vec<u8>,
    /// Offset of `buffer[0]`.
    start: u64,
    ended: bool,
    spill: Spill,
}

impl<R: Read> StreamSource<R> {
    fn new(reader: R, name: &Path, compressed: bool) -> Self {
        let buffer = Vec::with_capacity(HELD + CHUNK);
        Self {
            reader,
            name: name.to_owned(),
            compressed,
            buffer,
            start: 0,
            ended: false,
            spill: Spill::default(),
        }
    }

    fn end(&self) -> u64 {
        self.start + self.buffer.len() as u64
    }

    /// Forgets what lies more than `STREAM_BACK` behind `at`, once the buffer is full.
    fn forget(&mut self, at: u64) -> Result<()> {
        if self.buffer.len() < HELD {
            return Ok(());
        }
        let keep_from = at.saturating_sub(limits::STREAM_BACK as u64).max(self.start);
        let drop = usize::try_from(keep_from - self.start).unwrap_or(usize::MAX);
        let drop = drop.min(self.buffer.len());
        self.spill.take(self.start, &self.buffer[..drop], &self.name)?;
        self.buffer.drain(..drop);
        self.start += drop as u64;
        Ok(())
    }

    fn read_more(&mut self) -> Result<()> {
        let filled = self.buffer.len();
        self.buffer.resize(filled + CHUNK, 0);
        let outcome = self.reader.read(&mut self.buffer[filled..]);
        self.buffer.truncate(filled + *outcome.as_ref().unwrap_or(&0));
        match outcome {
            Ok(0) => self.ended = true,
            Ok(_) => {}
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => {
                let at = self.end();
                let error = if self.compressed {
                    Error::compressed(&self.name, e)
                } else {
                    Error::io(&self.name, e)
                };
                return Err(error.at(at));
            }
        }
        Ok(())
    }
}

impl<R: Read> Source for StreamSource<R> {
    fn window(&mut self, at: u64, need: usize) -> Result<&[u8]> {
        debug_assert!(need <= limits::WINDOW);
        if at < self.start && self.spill.oldest().is_some_and(|oldest| oldest <= at) {
            return self.spill.window(at, need, &self.buffer, &self.name);
        }
        if at < self.start {
            let why = std::io::Error::other("a stream cannot be read backwards");
            return Err(Error::io(&self.name, why).at(at));
        }
        while !self.ended && self.end() < at.saturating_add(need as u64) {
            self.forget(at.min(self.end()))?;
            self.read_more()?;
        }
        let from = usize::try_from(at - self.start).unwrap_or(usize::MAX);
        Ok(self.buffer.get(from..).unwrap_or_default())
    }

    fn keep_from(&mut self, at: Option<u64>) {
        self.spill.keep_from(at);
    }

    fn length(&self) -> Option<u64> {
        self.ended.then(|| self.end())
    }

    fn oldest(&self) -> u64 {
        self.start
    }

    fn settle(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Whether bytes begin a zstd frame, or a skippable one.
/// Source: RFC 8878, sections 3.1.1 and 3.1.2.
pub fn zstd_magic(head: &[u8]) -> bool {
    match head.first_chunk::<4>().map(|b| u32::from_le_bytes(*b)) {
        Some(0xFD2F_B528) => true,
        Some(magic) => magic & 0xFFFF_FFF0 == 0x184D_2A50,
        None => false,
    }
}

fn decoder<'r>(reader: impl Read + 'r, name: &Path) -> Result<Box<dyn Source + 'r>> {
    let open = || -> std::io::Result<_> {
        let mut decoder = zstd::Decoder::new(reader)?;
        decoder.window_log_max(limits::ZSTD_WINDOW_LOG)?;
        Ok(decoder)
    };
    let decoder = open().map_err(|e| Error::compressed(name, e))?;
    Ok(Box::new(StreamSource::new(decoder, name, true)))
}

/// The decompressed bytes of a zstd file.
///
/// # Errors
/// When the decoder cannot be set up.
pub fn open_zstd(file: &FrozenFile) -> Result<Box<dyn Source + '_>> {
    decoder(file.reader(), file.path())
}

/// All decompressed bytes of a small zstd file.
///
/// # Errors
/// When it cannot be read, is damaged, or holds more than `limit` bytes.
pub fn unpack_small(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let file = FrozenFile::open(path)?;
    let mut bytes = Vec::new();
    zstd::Decoder::new(file.reader())
        .and_then(|decoder| decoder.take(limit + 1).read_to_end(&mut bytes))
        .map_err(|e| Error::compressed(path, e))?;
    if bytes.len() as u64 > limit {
        return Err(Error::new(ErrorKind::TooLarge { limit }, path));
    }
    Ok(bytes)
}

/// Standard input, decompressed when it begins with a zstd frame.
///
/// # Errors
/// When it cannot be read.
pub fn open_stdin() -> Result<Box<dyn Source>> {
    let name = Path::new("-");
    let mut stdin = BufReader::with_capacity(CHUNK, std::io::stdin());
    let mut head = [0_u8; 4];
    let mut filled = 0;
    while filled < head.len() {
        match stdin.read(&mut head[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(Error::io(name, e)),
        }
    }
    let whole = std::io::Cursor::new(head[..filled].to_vec()).chain(stdin);
    if zstd_magic(&head[..filled]) {
        decoder(whole, name)
    } else {
        Ok(Box::new(StreamSource::new(whole, name, false)))
    }
}
