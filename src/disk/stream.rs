//! Sources that can only be read forwards: standard input, and zstd frames decompressed on the fly.

use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use super::frozen::FrozenFile;
use super::rolling::Rolling;
use super::source::Source;
use super::spill::Spill;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;

/// Bytes read at a time.
const CHUNK: usize = 2 * limits::WINDOW;

/// A forward-only source with a short memory.
struct StreamSource<R> {
    reader: R,
    name: PathBuf,
    compressed: bool,
    held: Rolling,
    ended: bool,
    spill: Spill,
}

impl<R: Read> StreamSource<R> {
    fn new(reader: R, name: &Path, compressed: bool) -> Self {
        let (held, spill) = (Rolling::with_room(CHUNK), Spill::default());
        Self { reader, name: name.to_owned(), compressed, held, ended: false, spill }
    }

    fn read_more(&mut self) -> Result<()> {
        match self.held.fill(CHUNK, |room| self.reader.read(room)) {
            Ok(0) => self.ended = true,
            Ok(_) => {}
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => {
                let at = self.held.end();
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
        if at < self.held.start() && self.spill.oldest().is_some_and(|oldest| oldest <= at) {
            return self.spill.window(at, need, self.held.from(self.held.start()), &self.name);
        }
        if at < self.held.start() {
            let why = std::io::Error::other("a stream cannot be read backwards");
            return Err(Error::io(&self.name, why).at(at));
        }
        while !self.ended && self.held.end() < at.saturating_add(need as u64) {
            self.spill.take(self.held.start(), self.held.forgettable(at), &self.name)?;
            self.held.forget(at);
            self.read_more()?;
        }
        Ok(self.held.from(at))
    }

    fn keep_from(&mut self, at: Option<u64>) {
        self.spill.keep_from(at);
    }

    fn length(&self) -> Option<u64> {
        self.ended.then(|| self.held.end())
    }

    fn oldest(&self) -> u64 {
        self.held.start()
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

/// A decoder that asks for no more memory than is promised, whatever a frame's header says.
fn unpacking<R: Read>(reader: R) -> std::io::Result<zstd::Decoder<'static, BufReader<R>>> {
    let mut decoder = zstd::Decoder::new(reader)?;
    decoder.window_log_max(limits::ZSTD_WINDOW_LOG)?;
    Ok(decoder)
}

fn decoder<'r>(reader: impl Read + Send + 'r, name: &Path) -> Result<Box<dyn Source + Send + 'r>> {
    let decoder = unpacking(reader).map_err(|e| Error::compressed(name, e))?;
    Ok(Box::new(StreamSource::new(decoder, name, true)))
}

/// The decompressed bytes of a zstd file.
///
/// # Errors
/// When the decoder cannot be set up.
pub fn open_zstd(file: &FrozenFile) -> Result<Box<dyn Source + '_>> {
    Ok(decoder(file.reader(), &file.path())?)
}

/// All decompressed bytes of a small zstd file.
///
/// # Errors
/// When it cannot be read, is damaged, or holds more than `limit` bytes.
pub fn unpack_small(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let file = FrozenFile::open(path)?;
    let mut bytes = Vec::new();
    unpacking(file.reader())
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
pub fn open_stdin() -> Result<Box<dyn Source + Send>> {
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
