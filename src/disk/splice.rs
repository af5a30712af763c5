//! Pieces of files, and bytes between them, as one file that does not exist: what a file would be.

use super::frozen::FrozenFile;
use super::source::{Access, Source};
use crate::error::Result;

/// One piece.
#[derive(Clone, Debug)]
pub enum Part {
    /// Bytes of one of the files.
    Range {
        /// Position of the file.
        file: usize,
        /// Offset of the first byte.
        from: u64,
        /// Offset after the last byte.
        to: u64,
    },
    /// These bytes.
    Bytes(Vec<u8>),
}

impl Part {
    fn len(&self) -> u64 {
        match self {
            Self::Range { from, to, .. } => to.saturating_sub(*from),
            Self::Bytes(bytes) => bytes.len() as u64,
        }
    }
}

/// Open files, and the pieces of them that follow each other.
#[derive(Debug)]
pub struct Splice {
    files: Vec<FrozenFile>,
    /// Each with the offset it begins at; none is empty.
    parts: Vec<(u64, Part)>,
    len: u64,
}

impl Splice {
    /// The pieces as one; their file numbers are positions in `files`, and they must lie inside of them.
    pub fn new(files: Vec<FrozenFile>, parts: Vec<Part>) -> Self {
        let mut len = 0;
        let mut placed = Vec::with_capacity(parts.len());
        for part in parts.into_iter().filter(|part| part.len() > 0) {
            let start = len;
            len += part.len();
            placed.push((start, part));
        }
        Self { files, parts: placed, len }
    }

    /// Length in bytes of all pieces.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is no byte.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes by offset.
    pub fn source(&self) -> Box<dyn Source + '_> {
        self.source_by(Access::Read)
    }

    /// The same, with the files read in this way.
    pub fn source_by(&self, access: Access) -> Box<dyn Source + '_> {
        let sources = self.files.iter().map(|file| file.source(access)).collect();
        Box::new(SpliceSource { splice: self, sources, seam: Vec::new() })
    }
}

struct SpliceSource<'s> {
    splice: &'s Splice,
    sources: Vec<Box<dyn Source + 's>>,
    /// Bytes across the border of two pieces.
    seam: Vec<u8>,
}

impl SpliceSource<'_> {
    /// What one piece has from `at` on: at least `need` bytes unless the piece ends.
    fn piece(&mut self, at: u64, need: usize) -> Result<&[u8]> {
        let parts = &self.splice.parts;
        let place = parts.partition_point(|(start, _)| *start <= at);
        let Some((start, part)) = place.checked_sub(1).and_then(|p| parts.get(p)) else {
            return Ok(&[]);
        };
        let into = at - start;
        let left = usize::try_from(part.len().saturating_sub(into)).unwrap_or(usize::MAX);
        if left == 0 {
            return Ok(&[]);
        }
        let bytes = match part {
            Part::Range { file, from, .. } => {
                self.sources[*file].window(from + into, need.min(left))?
            }
            Part::Bytes(bytes) => &bytes[into as usize..],
        };
        Ok(&bytes[..bytes.len().min(left)])
    }
}

impl Source for SpliceSource<'_> {
    fn window(&mut self, at: u64, need: usize) -> Result<&[u8]> {
        let left = usize::try_from(self.splice.len.saturating_sub(at)).unwrap_or(usize::MAX);
        let need = need.min(left);
        let first = self.piece(at, need)?.len();
        if first >= need {
            return self.piece(at, need);
        }
        let mut seam = std::mem::take(&mut self.seam);
        seam.clear();
        while seam.len() < need {
            let wanted = need - seam.len();
            let bytes = self.piece(at + seam.len() as u64, wanted)?;
            if bytes.is_empty() {
                break;
            }
            seam.extend_from_slice(&bytes[..bytes.len().min(wanted)]);
        }
        self.seam = seam;
        Ok(&self.seam)
    }

    fn length(&self) -> Option<u64> {
        Some(self.splice.len)
    }

    fn oldest(&self) -> u64 {
        0
    }

    fn settle(&mut self) -> Result<()> {
        self.sources.iter_mut().try_for_each(|source| source.settle())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_window_of_a_splice_shows_the_bytes_of_its_pieces() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let bytes: Vec<u8> = (0..100).collect();
        std::fs::write(file.path(), &bytes).unwrap();
        let open = || FrozenFile::open(file.path()).unwrap();
        let parts = vec![
            Part::Range { file: 0, from: 10, to: 20 },
            Part::Bytes(b"hello".to_vec()),
            Part::Bytes(Vec::new()),
            Part::Range { file: 1, from: 90, to: 100 },
            Part::Range { file: 0, from: 0, to: 1 },
        ];
        let whole = [&bytes[10..20], b"hello", &bytes[90..100], &bytes[..1]].concat();
        let splice = Splice::new(vec![open(), open()], parts);
        assert_eq!(splice.len(), whole.len() as u64);
        for at in 0..=whole.len() {
            for need in 0..=whole.len() + 1 {
                let mut source = splice.source();
                let window = source.window(at as u64, need).unwrap();
                assert!(window.len() >= need.min(whole.len() - at), "{at} {need}");
                assert!(whole[at..].starts_with(window), "{at} {need}");
            }
        }
    }
}
