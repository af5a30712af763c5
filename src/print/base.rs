//! Keys and libraries of an RDB part, read again where a walk has found them.

use super::out::Out;
use super::templates::{Dump, Templates};
use crate::aof::show_bytes;
use crate::disk::Source;
use crate::error::Result;
use crate::format::rdb::{Crc64, Entry, string};
use crate::limits;

/// Bytes that the header of a string takes at most.
const STRING_HEAD: usize = 19;

/// A key of a base, whole, and its value.
pub struct Key<'a> {
    /// What the walk knows of it; its key is all of it.
    pub entry: Entry<'a>,
    /// Its value.
    pub value: Value<'a>,
}

/// A value as it stands in the file.
pub struct Value<'a> {
    source: &'a mut dyn Source,
    version: u16,
    dump: Option<Dump>,
}

/// A library of functions, whole.
pub struct Library<'a> {
    /// Offset of its source in the file.
    pub at: u64,
    /// Bytes it takes there.
    pub bytes: u64,
    /// Its source.
    pub code: &'a [u8],
}

impl Value<'_> {
    /// Length of what [`Self::dump`] writes, in bytes; `None` when the value cannot be given by itself: it takes its field
    /// names from a template that the file does not declare before it.
    pub fn dump_len(&self) -> Option<u64> {
        self.dump.as_ref().map(|dump| dump.len() + 2 + 8)
    }

    /// Writes what DUMP would answer: type, value, version of the format, and a checksum of all that. No
    /// value is opened for it, so it can be larger than memory.
    ///
    /// # Errors
    /// When the value cannot be read.
    pub fn dump(&mut self, out: &mut Out<'_>) -> Result<()> {
        let Some(dump) = &self.dump else { return Ok(()) };
        let mut crc = Crc64::new();
        let mut both = |bytes: &[u8]| {
            crc.update(bytes);
            out.put(bytes);
        };
        both(&[dump.number]);
        both(dump.lead);
        show_bytes(self.source, dump.names.clone(), &mut both)?;
        show_bytes(self.source, dump.value.clone(), &mut both)?;
        both(&self.version.to_le_bytes());
        out.put(&crc.value().to_le_bytes());
        Ok(())
    }
}

/// The entry of a key with all of its key and its value; `None` when the key is too long to be held.
pub(super) fn key<'a>(
    source: &'a mut dyn Source,
    entry: Entry<'static>,
    templates: &Templates,
    room: &'a mut Vec<u8>,
) -> Result<Option<Key<'a>>> {
    if !text(source, entry.at + 1, room)? {
        return Ok(None);
    }
    let dump = templates.dump(source, &entry)?;
    let value = Value { source, version: entry.version as u16, dump };
    Ok(Some(Key { entry: entry.with_key(room), value }))
}

/// The source of a library; `None` when it is too long to be held.
pub(super) fn library<'a>(
    source: &mut dyn Source,
    span: &std::ops::Range<u64>,
    room: &'a mut Vec<u8>,
) -> Result<Option<Library<'a>>> {
    let bytes = span.end - span.start;
    Ok(text(source, span.start, room)?.then_some(Library { at: span.start, bytes, code: room }))
}

/// Puts the string of an RDB at `at`, as it is meant, into `room`. Answers whether it could be held.
///
/// # Errors
/// When it cannot be read.
pub fn text(source: &mut dyn Source, at: u64, room: &mut Vec<u8>) -> Result<bool> {
    room.clear();
    let Ok(head) = string::Head::decode(source.window(at, STRING_HEAD)?) else { return Ok(false) };
    let meant = head.expanded_len().unwrap_or(0);
    if head.body_len > limits::KEY || meant > limits::KEY {
        return Ok(false);
    }
    let body = at + head.head_len as u64..at + head.head_len as u64 + head.body_len;
    if head.form == string::Form::Raw {
        show_bytes(source, body, &mut |bytes| room.extend_from_slice(bytes))?;
        return Ok(true);
    }
    let mut packed = Vec::new();
    show_bytes(source, body, &mut |bytes| packed.extend_from_slice(bytes))?;
    let text = string::first_bytes(head, &packed, limits::KEY as usize);
    room.extend_from_slice(&text.bytes);
    Ok(!text.is_broken)
}
