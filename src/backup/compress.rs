//! From bytes of a file to an object, and back.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::entry::SegmentEntry;
use super::growing::Growing;
use super::hash;
use crate::disk::FrozenFile;
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::store::{Put, Store};

/// Bytes read, hashed and compressed at a time: they stay in the second-level cache.
const STEP: usize = 256 * 1024;

/// A stretch of a file as an object, not stored yet.
pub(super) struct Packed {
    /// Frames, one after the other.
    pub(super) bytes: Vec<u8>,
    /// Plain bytes in them.
    pub(super) size: u64,
    /// The hash of those.
    pub(super) sha256: String,
}

/// What became of a segment.
pub(super) struct Placed {
    pub(super) segment: SegmentEntry,
    /// It was not in the repository before.
    pub(super) is_new: bool,
}

/// The sha256 of some bytes of a file. Reads these and no others: a run promises to read little beside what is new.
pub(super) fn hash_of_range(file: &FrozenFile, from: u64, len: u64) -> Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; STEP.min(usize::try_from(len).unwrap_or(STEP))];
    let mut at = from;
    while at < from + len {
        let n = usize::try_from(from + len - at).unwrap_or(STEP).min(buffer.len());
        file.read_exact_at(&mut buffer[..n], at)?;
        hash.update(&buffer[..n]);
        at += n as u64;
    }
    Ok(hash::hex(&hash.finalize()))
}

/// Bytes that are packed at a time.
pub(super) fn block(level: i32) -> usize {
    match level {
        limits::BACKUP_WHOLE_LEVEL.. => limits::BACKUP_SEGMENT as usize,
        3.. => limits::BACKUP_LARGE_BLOCK,
        _ => limits::BACKUP_BLOCK,
    }
}

/// Makes frames, one after the other.
pub(super) struct Compressor {
    level: i32,
    context: Option<zstd::bulk::Compressor<'static>>,
    /// Room for the largest frame.
    room: Vec<u8>,
}

impl Compressor {
    pub(super) fn new(level: i32) -> Self {
        Self { level, context: None, room: Vec::new() }
    }

    /// A whole frame of these bytes, which knows their number and has a checksum.
    pub(super) fn frame(&mut self, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
        let context = match &mut self.context {
            Some(context) => context,
            none => {
                let mut context = zstd::bulk::Compressor::new(self.level)?;
                context.include_checksum(true)?;
                context.include_contentsize(true)?;
                none.insert(context)
            }
        };
        self.room.clear();
        self.room.reserve(zstd::zstd_safe::compress_bound(bytes.len()));
        context.compress_to_buffer(bytes, &mut self.room)?;
        Ok(self.room.as_slice().to_vec())
    }
}

/// Packs the bytes of a segment that were walked over, and are read a second time because what an earlier run had
/// stored does not fit. Their hash says whether they are still the same.
pub(super) fn again(
    segment: &Growing<'_>,
    size: u64,
    sha256: &str,
    compressor: &mut Compressor,
) -> Result<Vec<u8>> {
    let file = segment.origin.file;
    let end = segment.offset + size;
    let (mut at, mut frames, mut hash) = (segment.offset, Vec::new(), Sha256::new());
    let mut bytes = Vec::new();
    while at < end {
        let left = usize::try_from(end - at).unwrap_or(usize::MAX);
        bytes.resize(left.min(block(compressor.level)), 0);
        file.read_exact_at(&mut bytes, at)?;
        hash.update(&bytes);
        frames.append(&mut compressor.frame(&bytes).map_err(|e| Error::io(&file.path(), e))?);
        at += bytes.len() as u64;
    }
    if hash::hex(&hash.finalize()) != sha256 {
        return Err(Error::new(ErrorKind::KeepsChanging, &file.path()).at(segment.offset));
    }
    Ok(frames)
}

/// Some segments that follow each other as one object, each proven by its name and its content.
pub(super) fn joined(store: &dyn Store, segments: &[Arc<SegmentEntry>]) -> Result<Packed> {
    let mut hash = Sha256::new();
    let (mut bytes, mut size) = (Vec::new(), 0);
    for segment in segments {
        size += segment.size;
        let mut object = proven_object(store, segment)?;
        unpack_from(store, segment, object.as_slice(), &mut |plain| {
            hash.update(plain);
            Ok(())
        })?;
        bytes.append(&mut object);
    }
    Ok(Packed { bytes, size, sha256: hash::hex(&hash.finalize()) })
}

/// Names that are tried for an object before a store is called broken, in which all of them are taken.
const NAMES: u64 = 16;

/// Puts bytes that begin at `offset` of a file into the store.
pub(super) fn place(mut packed: Packed, offset: u64, store: &dyn Store) -> Result<Placed> {
    let mut attempt = 0_u64;
    loop {
        let object = hash::object_key(&hash::hex_of(&packed.bytes));
        let stored = packed.bytes.len() as u64;
        let put = store.put_if_absent(&object, &packed.bytes)?;
        let same = put == Put::Taken && is_there(store, &object, &packed.bytes)?;
        if put == Put::Created || same {
            let Packed { size, sha256, .. } = packed;
            let segment = SegmentEntry { object, stored, offset, size, sha256 };
            return Ok(Placed { segment, is_new: put == Put::Created });
        }
        // What lies under that name is not what the name says. It is left for `verify` to tell; a frame
        // that decoders skip gives these bytes another name.
        attempt += 1;
        if attempt > NAMES {
            let why = format!(
                "{object}: this name and others are taken, by objects that are none of these"
            );
            return Err(Error::new(ErrorKind::BadBackup(why), store.name()));
        }
        let mut bytes = skippable(attempt);
        bytes.append(&mut packed.bytes);
        packed.bytes = bytes;
    }
}

fn is_there(store: &dyn Store, object: &str, bytes: &[u8]) -> Result<bool> {
    match store.get(object, bytes.len() as u64) {
        Ok(there) => Ok(there == bytes),
        Err(e) if matches!(e.kind(), ErrorKind::TooLarge { .. } | ErrorKind::NotFound) => Ok(false),
        Err(e) => Err(e),
    }
}

/// A frame that decoders skip. Source: RFC 8878, section 3.1.2.
fn skippable(number: u64) -> Vec<u8> {
    let mut frame = 0x184D_2A50_u32.to_le_bytes().to_vec();
    frame.extend(8_u32.to_le_bytes());
    frame.extend(number.to_le_bytes());
    frame
}

/// Reads a segment's object and gives its plain bytes to `take`, in order. They are proven by their hash, which
/// covers more than the name of the object does; what was wrong with the object is looked for only when they are not.
///
/// # Errors
/// [`ErrorKind::BadBackup`] when the object is not what its name says, or does not hold what it should.
pub(super) fn unpack(
    store: &dyn Store,
    segment: &SegmentEntry,
    take: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    match unpack_from(store, segment, opened(store, segment)?, take) {
        Err(e) if matches!(e.kind(), ErrorKind::BadBackup(_)) => {
            prove(store, segment)?;
            Err(e)
        }
        other => other,
    }
}

fn unpack_from(
    store: &dyn Store,
    segment: &SegmentEntry,
    object: impl BufRead,
    take: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let bad = |why: String| bad_object(store, segment, &why);
    let mut decoder = decoder(object).map_err(|e| told(e, &bad))?;
    let mut buffer = vec![0; STEP];
    let mut hash = Sha256::new();
    let mut left = segment.size;
    loop {
        let n = decoder.read(&mut buffer).map_err(|e| told(e, &bad))?;
        if n == 0 {
            break;
        }
        let Some(rest) = left.checked_sub(n as u64) else {
            return Err(bad(format!("it holds more than the {} bytes it should", segment.size)));
        };
        left = rest;
        hash.update(&buffer[..n]);
        take(&buffer[..n])?;
    }
    if left > 0 {
        return Err(bad(format!("it holds {left} bytes less than it should")));
    }
    if hash::hex(&hash.finalize()) != segment.sha256 {
        return Err(bad("its content does not fit the hash in the snapshot".to_owned()));
    }
    Ok(())
}

/// An error of reading an object is that of the store where it is one; otherwise the object is not what it should be.
pub(super) fn told(error: io::Error, bad: &dyn Fn(String) -> Error) -> Error {
    error.downcast::<Error>().unwrap_or_else(|error| bad(error.to_string()))
}

/// A decoder over one object's bytes.
pub(super) fn decoder<R: std::io::BufRead>(bytes: R) -> std::io::Result<zstd::Decoder<'static, R>> {
    let mut decoder = zstd::Decoder::with_buffer(bytes)?;
    decoder.window_log_max(limits::BACKUP_WINDOW_LOG)?;
    Ok(decoder)
}

/// The bytes of a segment's object, which fit its name.
fn proven_object(store: &dyn Store, segment: &SegmentEntry) -> Result<Vec<u8>> {
    must_be_there(store, segment)?;
    let bytes = store.get(&segment.object, segment.stored)?;
    match hash::hash_in_key(&segment.object) == Some(&hash::hex_of(&bytes)) {
        true => Ok(bytes),
        false => Err(bad_object(store, segment, UNFIT)),
    }
}

const UNFIT: &str = "its bytes do not fit its name";

/// Whether a segment's object is there and as long as it was.
fn must_be_there(store: &dyn Store, segment: &SegmentEntry) -> Result<()> {
    let SegmentEntry { object, stored, .. } = segment;
    let bad = |why: &str| Err(bad_object(store, segment, why));
    match store.head(object)?.map(|there| there.len) {
        None => bad("it is missing"),
        Some(len) if len > *stored => bad("it is longer than it was"),
        Some(len) if len < *stored => bad(&format!("it has {len} bytes of {stored}")),
        Some(len) if len > limits::BACKUP_OBJECT => bad("it is longer than any object"),
        Some(_) => Ok(()),
    }
}

/// The bytes of a segment's object as they are, read as they are asked for.
pub(super) fn opened(
    store: &dyn Store,
    segment: &SegmentEntry,
) -> Result<BufReader<Box<dyn Read + Send>>> {
    must_be_there(store, segment)?;
    Ok(BufReader::with_capacity(STEP, store.reader(&segment.object)?))
}

/// Whether a segment's object fits its name. Reads all of it, and keeps nothing.
///
/// # Errors
/// [`ErrorKind::BadBackup`] when it does not.
pub(super) fn prove(store: &dyn Store, segment: &SegmentEntry) -> Result<()> {
    let mut object = opened(store, segment)?;
    let mut hash = Sha256::new();
    loop {
        let bad = |why: String| bad_object(store, segment, &why);
        let bytes = object.fill_buf().map_err(|e| told(e, &bad))?;
        if bytes.is_empty() {
            break;
        }
        hash.update(bytes);
        let n = bytes.len();
        object.consume(n);
    }
    match hash::hash_in_key(&segment.object) == Some(&hash::hex(&hash.finalize())) {
        true => Ok(()),
        false => Err(bad_object(store, segment, UNFIT)),
    }
}

fn bad_object(store: &dyn Store, segment: &SegmentEntry, why: &str) -> Error {
    let why = format!("{}: {why}", segment.object);
    Error::new(ErrorKind::BadBackup(why), store.name())
}
