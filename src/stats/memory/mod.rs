//! What a key of a base takes in the memory of the server that has loaded it, as MEMORY USAGE tells it.
//!
//! A [`Meter`] sees the values of a base piece by piece and adds up; it keeps nothing of them. Forms are those that a server
//! chooses by its limits on packed values when it loads them.

pub(crate) mod allocate;
mod kind;
mod limits;
mod line;
mod tally;

use crate::command::Version;
use crate::format::conf::PackedLimits;
use crate::format::rdb::{Entry, Family, Opening, Piece};
use kind::Kind;
use limits::Limits;
use line::{Line, short_string, string};
use tally::Tally;

/// The server whose memory is estimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryServer {
    /// Redis or Valkey.
    pub family: Family,
    /// Major and minor version.
    pub version: Version,
    /// Up to which size it packs values, as its configuration says; by default where there is none.
    pub packed: Option<PackedLimits>,
}

impl std::fmt::Display for MemoryServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (major, minor) = self.version;
        write!(f, "{}-{major}.{minor}", self.family.name())
    }
}

/// Measures values.
#[derive(Clone, Debug)]
pub(super) struct Meter {
    line: Line,
    limits: Limits,
    /// The value that was opened last; its key follows.
    open: Option<Tally>,
}

/// Bytes of an object beside its value.
const OBJECT: u64 = 16;

/// Longest string that lies within its object, where keys do not.
const EMBEDDED: u64 = 44;

/// A cache line: an object with its key and string fits into it, or into two of them.
const CACHE_LINE: u64 = 64;

impl Meter {
    /// For this server.
    pub(super) fn new(server: &MemoryServer) -> Self {
        let line = Line::of(server.family, server.version);
        Self { line, limits: Limits::of(server.packed.as_ref()), open: None }
    }

    /// A value begins. All are wanted whose contents can be told.
    pub(super) fn opens(&mut self, value: &Opening<'_>) -> bool {
        self.open = Kind::of(value.row).map(|kind| Tally::new(kind, value));
        self.open.is_some()
    }

    /// A piece of it.
    #[inline]
    pub(super) fn piece(&mut self, piece: &Piece<'_>) {
        if let Some(tally) = &mut self.open {
            tally.take(piece, self.line);
        }
    }

    /// Bytes of this key, whose value was opened before; `None` of a module's and of those nobody has learnt to open.
    pub(super) fn key(&mut self, entry: &Entry<'_>) -> Option<u64> {
        let tally = self.open.take()?;
        let expires = entry.expire_ms.is_some();
        let bytes = match tally.kind {
            Kind::Text => self.text(entry.key_len, expires, &tally),
            _ => {
                self.object(entry.key_len, expires, 0) + tally.value(entry, self.line, &self.limits)
            }
        };
        Some(bytes.round() as u64)
    }

    /// Object, key, and the entry of the table of keys; with so many bytes of a string inside of the object.
    fn object(&self, key_len: u64, expires: bool, inside: u64) -> f64 {
        let key = short_string(key_len);
        if self.line.joins_keys() {
            let expiry = if expires { 8 } else { 0 };
            return self.line.allocated(OBJECT + expiry + 1 + key + inside);
        }
        OBJECT as f64 + self.line.allocated(key) + 24.0
    }

    fn text(&self, key_len: u64, expires: bool, tally: &Tally) -> f64 {
        let line = self.line;
        let (len, alone) = (tally.longest, self.object(key_len, expires, 0));
        if tally.is_integer {
            return alone;
        }
        if !line.joins_keys() {
            return match len {
                0..=EMBEDDED if line == Line::Redis6 => alone + (len + 2) as f64,
                0..=EMBEDDED => alone - OBJECT as f64 + line.allocated(OBJECT + len + 4),
                _ => alone + line.allocated(string(len)),
            };
        }
        let expiry = if expires { 8 } else { 0 };
        let whole = OBJECT + expiry + 1 + short_string(key_len) + len + 4;
        match line {
            // The pointer to the string is not there.
            Line::Valkey91 if whole - 8 <= 2 * CACHE_LINE => line.allocated(whole - 8),
            Line::Valkey91 => alone + line.allocated(string(len)),
            _ if whole <= CACHE_LINE => line.allocated(whole),
            Line::Redis84 if len < 32 => alone + (len + 2) as f64,
            _ => alone + line.allocated(string(len)),
        }
    }
}
