//! What of a stream is kept on disk, because memory is too small for it: one record or value at a time.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::scratch;
use crate::error::{Error, Result};
use crate::limits;

/// Bytes read back at a time.
const CHUNK: usize = 2 * limits::WINDOW;

/// Bytes that a stream has passed and that may be asked for again.
#[derive(Debug, Default)]
pub(super) struct Spill {
    /// Nothing before this offset is asked for again; `None`: nothing at all.
    keep_from: Option<u64>,
    /// Made when it is needed first.
    file: Option<File>,
    /// The offset of the first byte in the file.
    start: u64,
    len: u64,
    /// A piece that was read back, and the offset of its first byte.
    piece: Vec<u8>,
    piece_at: u64,
}

impl Spill {
    /// Forgets what lies before `at`, if that is all there is, and keeps what comes from there on; `None`
    /// forgets everything and keeps nothing.
    pub(super) fn keep_from(&mut self, at: Option<u64>) {
        self.keep_from = at;
        if at.is_none_or(|at| at >= self.end()) {
            self.len = 0;
            self.piece.clear();
        }
    }

    fn end(&self) -> u64 {
        self.start + self.len
    }

    /// The first offset that is in it, when anything is.
    pub(super) fn oldest(&self) -> Option<u64> {
        (self.len > 0).then_some(self.start)
    }

    /// Takes bytes that leave memory, of which the first lies at offset `at` of the stream `name`.
    ///
    /// # Errors
    /// When they cannot be written.
    pub(super) fn take(&mut self, at: u64, bytes: &[u8], name: &Path) -> Result<()> {
        let Some(keep_from) = self.keep_from else { return Ok(()) };
        let passed = usize::try_from(keep_from.saturating_sub(at)).unwrap_or(usize::MAX);
        let Some(bytes) = bytes.get(passed..).filter(|bytes| !bytes.is_empty()) else {
            return Ok(());
        };
        if self.len == 0 {
            self.start = at + passed as u64;
        }
        self.write(bytes).map_err(|e| {
            let dir = std::env::temp_dir();
            let why = format!(
                "what begins here is too long for memory and cannot be kept in {}: {e}",
                crate::text::path(&dir)
            );
            Error::io(name, io::Error::other(why)).at(self.start)
        })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let file = match self.file.take() {
            Some(file) => file,
            None => scratch::nameless()?,
        };
        let wrote = file.write_all_at(bytes, self.len);
        self.file = Some(file);
        self.len += bytes.len() as u64;
        wrote
    }

    /// Reads back what it has from offset `at` on, followed by what memory has, `next`, as far as that takes
    /// to have `need` bytes.
    ///
    /// # Errors
    /// When it cannot be read back.
    pub(super) fn window(
        &mut self,
        at: u64,
        need: usize,
        next: &[u8],
        name: &Path,
    ) -> Result<&[u8]> {
        let end = self.piece_at + self.piece.len() as u64;
        let is_near = (self.piece_at..end).contains(&at) && end - at >= need as u64;
        if !is_near {
            let len = self.end().saturating_sub(at).min(CHUNK as u64) as usize;
            self.piece.resize(len, 0);
            self.piece_at = at;
            if let Some(file) = &self.file {
                let read = file.read_exact_at(&mut self.piece, at - self.start);
                read.map_err(|e| Error::io(name, e).at(at))?;
            }
            let missing = need.saturating_sub(len).min(next.len());
            self.piece.extend_from_slice(&next[..missing]);
        }
        let from = usize::try_from(at - self.piece_at).unwrap_or(usize::MAX);
        Ok(self.piece.get(from..).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_comes_back_and_goes_on_in_memory() {
        let bytes: Vec<u8> = (0..3_000_000_u32).map(|i| (i % 251) as u8).collect();
        let name = Path::new("-");
        let mut spill = Spill::default();
        spill.take(0, &bytes[..10], name).unwrap();
        assert_eq!(spill.oldest(), None, "nothing was asked for");
        spill.keep_from(Some(100));
        spill.take(10, &bytes[10..90], name).unwrap();
        spill.take(90, &bytes[90..1_000_000], name).unwrap();
        spill.take(1_000_000, &bytes[1_000_000..2_000_000], name).unwrap();
        assert_eq!(spill.oldest(), Some(100));
        let next = &bytes[2_000_000..];
        for at in [100, 101, 700_000, 1_999_999, 1_800_000, 100] {
            let window = spill.window(at, 200_000, next, name).unwrap();
            assert!(window.len() >= 200_000 && window == &bytes[at as usize..][..window.len()]);
        }
        assert_eq!(
            spill.window(1_999_999, 9, &next[..3], name).unwrap().len(),
            4,
            "no more is there"
        );
        spill.keep_from(Some(1_500_000));
        assert_eq!(spill.oldest(), Some(100));
        spill.keep_from(Some(2_000_000));
        assert_eq!(spill.oldest(), None);
        spill.take(2_000_000, &bytes[2_000_000..2_000_100], name).unwrap();
        assert_eq!(spill.window(2_000_000, 100, &[], name).unwrap(), &bytes[2_000_000..2_000_100]);
        spill.keep_from(None);
        spill.take(2_000_100, &bytes[2_000_100..], name).unwrap();
        assert_eq!(spill.oldest(), None);
    }
}
