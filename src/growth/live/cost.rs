//! What a key costs in a rewritten base, in both formats.
//!
//! Source: what servers write; the figures of their default configuration. Values are measured as they would be
//! packed, strings by compressing them.

use crate::format::rdb::compress::Compressor;
use crate::format::rdb::pack;

/// Bytes in each format.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// As commands (`aof-use-rdb-preamble no`).
    pub resp: f64,
    /// As RDB.
    pub rdb: f64,
}

impl std::ops::AddAssign for Cost {
    fn add_assign(&mut self, more: Self) {
        self.resp += more.resp;
        self.rdb += more.rdb;
    }
}

impl std::ops::Mul<f64> for Cost {
    type Output = Self;

    fn mul(self, factor: f64) -> Self {
        Self { resp: self.resp * factor, rdb: self.rdb * factor }
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
}

impl Default for Scales {
    fn default() -> Self {
        Self { compressor: Compressor::default(), seen: [(0, 0); 64], scratch: Vec::new() }
    }
}

impl Scales {
    /// Bytes of a string in an RDB.
    pub fn string(&mut self, text: &[u8]) -> f64 {
        match pack::integer_bytes(text) {
            Some(bytes) => bytes as f64,
            None => self.blob(text),
        }
    }

    /// Bytes of a string that is never written as a number.
    pub fn blob(&mut self, text: &[u8]) -> f64 {
        let len = text.len() as u64;
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
    pub fn cut(&mut self, head: &[u8], len: u64) -> f64 {
        if len <= head.len() as u64 {
            return self.string(head);
        }
        if head.is_empty() {
            return (pack::length_bytes(len) + len) as f64;
        }
        self.blob(head) * len as f64 / head.len() as f64
    }

    /// Bytes of a listpack of `size` bytes, of which `entries` are the entries.
    pub fn listpack(&mut self, entries: &[u8], count: usize) -> f64 {
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

/// A score as servers write it to a log: 17 significant digits, without zeros at the end.
pub fn score_text(score: f64) -> String {
    if score.is_infinite() {
        return if score > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    if score == score.trunc() && score.abs() < 1e17 {
        return format!("{score:.0}");
    }
    let scientific = format!("{score:.16e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..17).contains(&exponent) {
        let decimals = usize::try_from(16 - exponent).unwrap_or(0);
        let text = format!("{score:.decimals$}");
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_have_17_digits_and_no_zeros_at_the_end() {
        for (score, text) in [
            (1.0, "1"),
            (-20.5, "-20.5"),
            (0.1, "0.10000000000000001"),
            (1e300, "1.0000000000000001e+300"),
            (1.5e-7, "1.4999999999999999e-07"),
            (f64::NEG_INFINITY, "-inf"),
            (1_700_000_000_000.0, "1700000000000"),
        ] {
            assert_eq!(score_text(score), text);
        }
    }

    #[test]
    fn commands_carry_64_items_at_most() {
        // *66 $5 RPUSH $1 k, twice, and *3 $5 RPUSH $1 k.
        let (full, single) = (5 + 11 + 7, 4 + 11 + 7);
        assert_eq!(batches(5, 1, 129, 1), 2 * full + single);
        assert_eq!(batches(5, 1, 0, 1), 0);
    }
}
