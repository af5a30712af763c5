//! Hashes that take their field names from a template elsewhere in the file (Redis from RDB 15 on).
//!
//! | in the file | in what RESTORE takes |
//! |---|---|
//! | type 30: a listpack of the template's identifier and the values | type 29: the names, the same listpack |
//! | type 32: the template's identifier, the values | type 31: the names, the values |
//!
//! The names are a form byte (1: strings), how many, and the strings as the template has them. So no byte of a name or
//! a value is written anew. It is made as the format is described; no server that reads it was run.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::disk::Source;
use crate::error::Result;
use crate::format::rdb::string::{self, Head};
use crate::format::rdb::{Entry, Family, Opcode, length, pack};

/// Bytes that a number takes at most.
const NUMBER: usize = 9;
/// Bytes that the header of a string takes at most.
const STRING_HEAD: usize = 19;
/// Header of a listpack.
const LISTPACK_HEAD: usize = 6;
/// Bytes in which the header of a listpack and a number behind it lie.
const LISTPACK_START: usize = LISTPACK_HEAD + 11;
/// The form of names that are strings.
const STRINGS: &[u8] = &[1];

/// What DUMP would answer of a value, but for its end: a type number, and where the bytes behind it stand.
#[derive(Clone, Debug)]
pub(super) struct Dump {
    pub(super) number: u8,
    pub(super) lead: &'static [u8],
    /// How many names, and the names; empty where the value needs none.
    pub(super) names: Range<u64>,
    pub(super) value: Range<u64>,
}

impl Dump {
    /// Bytes of all that.
    pub(super) const fn len(&self) -> u64 {
        let spans = (self.names.end - self.names.start) + (self.value.end - self.value.start);
        1 + self.lead.len() as u64 + spans
    }
}

/// The templates that a file has declared so far.
#[derive(Debug, Default)]
pub(super) struct Templates(BTreeMap<u64, Range<u64>>);

impl Templates {
    /// Whether an opcode declares one.
    pub(super) fn is_declared_by(opcode: &Opcode) -> bool {
        opcode.row.number == 242 && !opcode.row.is_command()
    }

    /// Another file begins.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Remembers where the names of a template stand; a walk allows a limited number of templates.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn declare(&mut self, source: &mut dyn Source, opcode: &Opcode) -> Result<()> {
        let at = opcode.at + 1;
        if let Ok((id, len)) = length::number(source.window(at, NUMBER)?) {
            self.0.insert(id, at + len as u64..opcode.end);
        }
        Ok(())
    }

    /// What DUMP would answer of the value of `entry`; `None` where no template of its identifier, or none with as many
    /// names as the value has fields, stands before it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn dump(&self, source: &mut dyn Source, entry: &Entry<'_>) -> Result<Option<Dump>> {
        let value = entry.end - entry.value_bytes..entry.end;
        let (number, id, from) = match (entry.family, entry.row.number) {
            (Family::Redis, 30) => (29, packed_identifier(source, value.start)?, value.start),
            (Family::Redis, 32) => match length::number(source.window(value.start, NUMBER)?) {
                Ok((id, len)) => (31, Some(id), value.start + len as u64),
                Err(_) => return Ok(None),
            },
            (_, number) => {
                return Ok(Some(Dump { number, lead: &[], names: 0..0, value }));
            }
        };
        let Some(names) = id.and_then(|id| self.0.get(&id)) else { return Ok(None) };
        let count = length::number(source.window(names.start, NUMBER)?).ok().map(|(n, _)| n);
        let fits = count.is_some() && count == entry.elements;
        let value = from..value.end;
        Ok(fits.then(|| Dump { number, lead: STRINGS, names: names.clone(), value }))
    }
}

/// The number that a listpack, the string at `at`, begins with.
fn packed_identifier(source: &mut dyn Source, at: u64) -> Result<Option<u64>> {
    let Ok(head) = Head::decode(source.window(at, STRING_HEAD)?) else { return Ok(None) };
    let needed = head.body_needed(LISTPACK_START);
    let body = source.window(at + head.head_len as u64, needed)?;
    let text = string::first_bytes(head, &body[..body.len().min(needed)], LISTPACK_START);
    let entries = text.bytes.get(LISTPACK_HEAD..).unwrap_or_default();
    Ok(pack::first(entries).and_then(|(first, _)| first.number()).map(|id| id as u64))
}
