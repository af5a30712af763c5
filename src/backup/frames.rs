//! The bytes of a file in a snapshot, read without restoring it.

use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::entry::{Entry, FileEntry, FileType, SegmentEntry};
use super::repository::Repository;
use super::{compress, hash};
use crate::aof::{Aof, Kept, KeptFile, OpenOptions, Role, open_kept};
use crate::disk::{Rolling, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::store::Store;

/// Bytes decompressed at a time.
const STEP: usize = 2 * limits::WINDOW;

/// A file in a snapshot as a source. Reads forwards; for a way back it begins a segment again.
pub(super) struct Frames<'r> {
    store: &'r dyn Store,
    segments: &'r [Arc<SegmentEntry>],
    len: u64,
    name: PathBuf,
    held: Rolling,
    /// The segment that is opened next.
    next: usize,
    open: Option<Open>,
    /// Everything is decompressed, and compared with the hashes in the snapshot.
    proving: bool,
}

struct Open {
    decoder: zstd::Decoder<'static, BufReader<Box<dyn Read + Send>>>,
    hash: Sha256,
    left: u64,
}

impl<'r> Frames<'r> {
    pub(super) fn new(store: &'r dyn Store, file: &'r FileEntry, name: PathBuf) -> Self {
        Self {
            store,
            segments: &file.segments,
            len: file.size,
            name,
            held: Rolling::default(),
            next: 0,
            open: None,
            proving: false,
        }
    }

    /// Leaves nothing out, and compares all of it with its hashes.
    pub(super) fn proving(self) -> Self {
        Self { proving: true, ..self }
    }

    /// Goes to the segment that holds `at` when what is held does not reach it.
    fn seek(&mut self, at: u64) {
        let holds = |segment: &Arc<SegmentEntry>| segment.offset <= at;
        let target = self.segments.partition_point(holds).saturating_sub(1);
        let back = at < self.held.start();
        if back || (!self.proving && target >= self.next && at > self.held.end()) {
            self.held.begin_at(self.segments.get(target).map_or(0, |segment| segment.offset));
            self.next = target;
            self.open = None;
        }
    }

    fn read_more(&mut self) -> Result<()> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => {
                let segment = &self.segments[self.next];
                // Whoever proves compares the content. For others the object is read twice, so that it is proven before
                // anything of it is believed, and never in memory as a whole.
                if !self.proving {
                    compress::prove(self.store, segment)?;
                }
                let object = compress::opened(self.store, segment)?;
                let decoder = compress::decoder(object).map_err(|e| self.told(e))?;
                Open { decoder, hash: Sha256::new(), left: segment.size }
            }
        };
        let from = self.held.end();
        let read = self.held.fill(STEP, |room| open.decoder.read(room));
        let n = read.map_err(|e| self.told(e))?;
        if self.proving {
            open.hash.update(self.held.from(from));
        }
        if n as u64 > open.left || n == 0 && open.left > 0 {
            return Err(self.bad("it does not hold as many bytes as it should"));
        }
        open.left -= n as u64;
        if n > 0 {
            self.open = Some(open);
            return Ok(());
        }
        if self.proving && hash::hex(&open.hash.finalize()) != self.segments[self.next].sha256 {
            return Err(self.bad("its content does not fit the hash in the snapshot"));
        }
        self.next += 1;
        Ok(())
    }

    fn told(&self, error: io::Error) -> Error {
        compress::told(error, &|why| self.bad(&why))
    }

    fn bad(&self, why: &str) -> Error {
        let object = self.segments.get(self.next).map_or("", |segment| &segment.object);
        Error::new(ErrorKind::BadBackup(format!("{object}: {why}")), &self.name)
    }
}

impl Source for Frames<'_> {
    fn window(&mut self, at: u64, need: usize) -> Result<&[u8]> {
        self.seek(at);
        while self.next < self.segments.len() && self.held.end() < at.saturating_add(need as u64) {
            self.held.forget(at);
            self.read_more()?;
        }
        Ok(self.held.from(at))
    }

    fn length(&self) -> Option<u64> {
        Some(self.len)
    }

    fn oldest(&self) -> u64 {
        0
    }

    fn settle(&mut self) -> Result<()> {
        // The end of the last object is only seen when it is read beyond its last byte.
        while self.proving && self.next < self.segments.len() {
            self.held.forget(self.held.end());
            self.read_more()?;
        }
        Ok(())
    }
}

/// A file of a snapshot, for a set.
struct InSnapshot {
    repository: Arc<Repository>,
    file: FileEntry,
    name: PathBuf,
}

impl Kept for InSnapshot {
    fn len(&self) -> u64 {
        self.file.size
    }

    fn source(&self) -> Result<Box<dyn Source + '_>> {
        Ok(Box::new(Frames::new(self.repository.store(), &self.file, self.name.clone())))
    }
}

/// A snapshot as a set, to be looked at as any other; `path` is what it is called.
///
/// # Errors
/// When its first bytes cannot be read.
pub fn open_snapshot(
    repository: Arc<Repository>,
    entry: &Entry,
    path: &Path,
    options: &OpenOptions,
) -> Result<Aof> {
    let files = entry.files.iter().map(|file| {
        let name = file.name.bytes().unwrap_or_default();
        let role = match file.kind {
            FileType::Base => Role::Base,
            FileType::Increment => Role::Increment,
            FileType::Single | FileType::Extra => Role::Single,
        };
        let kept = InSnapshot {
            repository: Arc::clone(&repository),
            file: file.clone(),
            name: path.join(crate::text::name(&name)),
        };
        KeptFile { name, role, seq: file.seq, bytes: Box::new(kept) }
    });
    let manifest = entry.manifest.as_ref().map(|manifest| {
        let of = |words: &super::entry::Words| words.bytes().unwrap_or_default();
        (of(&manifest.name), of(&manifest.text))
    });
    let manifest = manifest.as_ref().map(|(name, text)| (name.as_slice(), text.as_slice()));
    open_kept(path, manifest, files.collect(), options)
}
