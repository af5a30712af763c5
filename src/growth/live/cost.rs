//! What a key costs in a rewritten base, in each format.
//!
//! Source: what servers write; the figures of their default configuration. Values are measured as they would be
//! packed, strings by compressing them.

use super::sizes::Limits;
use crate::format::rdb::compress::Compressor;
use crate::format::rdb::pack;

/// Bytes in each format.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// As commands (`aof-use-rdb-preamble no`).
    pub resp: f64,
    /// As RDB whose strings are compressed where that makes them smaller (`rdbcompression yes`).
    pub rdb: f64,
    /// As RDB whose strings are written as they are.
    pub raw: f64,
}

impl Cost {
    /// So many bytes in a log of commands.
    pub fn of_commands(bytes: u64) -> Self {
        Self { resp: bytes as f64, ..Self::default() }
    }

    /// So many bytes of an RDB, which no compression changes.
    pub fn of_rdb(bytes: u64) -> Self {
        Self { rdb: bytes as f64, raw: bytes as f64, ..Self::default() }
    }

    /// Each format by itself.
    pub fn map(self, of: impl Fn(f64) -> f64) -> Self {
        Self { resp: of(self.resp), rdb: of(self.rdb), raw: of(self.raw) }
    }

    /// Each format by itself, of two.
    pub fn zip(self, other: Self, of: impl Fn(f64, f64) -> f64) -> Self {
        Self {
            resp: of(self.resp, other.resp),
            rdb: of(self.rdb, other.rdb),
            raw: of(self.raw, other.raw),
        }
    }
}

impl std::ops::Add for Cost {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        self.zip(more, |one, other| one + other)
    }
}

impl std::ops::AddAssign for Cost {
    fn add_assign(&mut self, more: Self) {
        *self = *self + more;
    }
}

impl std::ops::Mul<f64> for Cost {
    type Output = Self;

    fn mul(self, factor: f64) -> Self {
        self.map(|bytes| bytes * factor)
    }
}

/// Items that servers put into one command of a rewritten log.
const PER_COMMAND: u64 = 64;

/// Bytes of a bulk string in a log: `$3\r\nabc\r\n`.
pub fn bulk(len: u64) -> u64 {
    len + digits(len) + 5
}

/// Bytes of the header of a command: `*3\r\n`.
pub fn header(arguments: u64) -> u64 {
    digits(arguments) + 3
}

fn digits(number: u64) -> u64 {
    u64::from(number.checked_ilog10().unwrap_or(0)) + 1
}

/// Bytes of commands that carry `count` items of `arguments` arguments each, but for the items.
pub fn batches(name: u64, key_len: u64, count: u64, arguments: u64) -> u64 {
    let of = |items: u64| header(2 + items * arguments) + bulk(name) + bulk(key_len);
    let rest = count % PER_COMMAND;
    count / PER_COMMAND * of(PER_COMMAND) + if rest > 0 { of(rest) } else { 0 }
}

/// Bytes of strings of one size that are compressed to measure them; those that come after are taken to compress
/// as well as these did.
const COMPRESSED: u64 = 1 << 20;

/// Measures strings.
#[derive(Clone, Debug)]
pub struct Scales {
    compressor: Compressor,
    /// By the size of strings as a power of two: bytes that were compressed, and what they came to.
    seen: [(u64, u64); 64],
    /// A packed encoding that is being put together.
    pub scratch: Vec<u8>,
    /// Up to which size values are packed.
    pub limits: Limits,
}

impl Default for Scales {
    fn default() -> Self {
        let limits = Limits::default();
        Self { compressor: Compressor::default(), seen: [(0, 0); 64], scratch: Vec::new(), limits }
    }
}

impl Scales {
    /// Of a server with these limits.
    pub fn by(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Bytes of a string in an RDB.
    pub fn string(&mut self, text: &[u8]) -> Cost {
        match pack::integer_bytes(text) {
            Some(bytes) => Cost::of_rdb(bytes),
            None => self.blob(text),
        }
    }

    /// Bytes of a string that is never written as a number.
    pub fn blob(&mut self, text: &[u8]) -> Cost {
        let len = text.len() as u64;
        let raw = pack::length_bytes(len) + len;
        let rdb = self.packed(text, len);
        Cost { resp: 0.0, rdb, raw: raw as f64 }
    }

    /// Bytes of a string that is compressed where it is worth it.
    fn packed(&mut self, text: &[u8], len: u64) -> f64 {
        let class = len.checked_ilog2().unwrap_or(0) as usize;
        let (seen, packed) = self.seen[class];
        if seen > COMPRESSED {
            return len as f64 * packed as f64 / seen as f64;
        }
        let bytes = match self.compressor.compress(text) {
            Some(packed) => {
                let packed = packed.len() as u64;
                1 + pack::length_bytes(packed) + pack::length_bytes(len) + packed
            }
            None => pack::length_bytes(len) + len,
        };
        self.seen[class] = (seen + len, packed + bytes);
        bytes as f64
    }

    /// Bytes of a string of which only the beginning is known.
    pub fn cut(&mut self, head: &[u8], len: u64) -> Cost {
        if len <= head.len() as u64 {
            return self.string(head);
        }
        if head.is_empty() {
            return Cost::of_rdb(pack::length_bytes(len) + len);
        }
        self.blob(head) * (len as f64 / head.len() as f64)
    }

    /// Bytes of a listpack of `size` bytes, of which `entries` are the entries.
    pub fn listpack(&mut self, entries: &[u8], count: usize) -> Cost {
        let mut whole = std::mem::take(&mut self.scratch);
        whole.clear();
        whole.extend_from_slice(&((entries.len() + pack::FRAME) as u32).to_le_bytes());
        whole.extend_from_slice(&(count.min(usize::from(u16::MAX)) as u16).to_le_bytes());
        whole.extend_from_slice(entries);
        whole.push(0xff);
        let bytes = self.blob(&whole);
        self.scratch = whole;
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_carry_64_items_at_most() {
        // *66 $5 RPUSH $1 k, twice, and *3 $5 RPUSH $1 k.
        let (full, single) = (5 + 11 + 7, 4 + 11 + 7);
        assert_eq!(batches(5, 1, 129, 1), 2 * full + single);
        assert_eq!(batches(5, 1, 0, 1), 0);
    }
}
