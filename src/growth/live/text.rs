//! A string: its length, and as much of it as it takes to tell how well it compresses.

use super::cost::{Cost, Scales, bulk, header};

/// Bytes that are kept of a string.
const KEPT: usize = 4096;

/// Longest string that a server holds, bytes: longer ones come from broken records.
const LONGEST: u64 = 512 << 20;

/// The value of a string key.
#[derive(Clone, Debug, Default)]
pub struct Text {
    len: u64,
    head: Vec<u8>,
}

impl Text {
    /// Replaces it.
    pub fn set(&mut self, bytes: &[u8], len: u64) {
        let kept = &bytes[..bytes.len().min(KEPT)];
        self.len = len;
        self.head.clear();
        self.head.reserve_exact(kept.len());
        self.head.extend_from_slice(kept);
        if self.head.capacity() > 2 * kept.len() + 64 {
            self.head.shrink_to_fit();
        }
    }

    /// Length in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// What is kept of it.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// Bytes kept in memory.
    pub fn kept(&self) -> usize {
        self.head.capacity()
    }

    /// APPEND
    pub fn append(&mut self, bytes: &[u8], len: u64) {
        if self.head.len() as u64 == self.len {
            let room = KEPT - self.head.len();
            self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
        self.len = (self.len + len).min(LONGEST);
    }

    /// SETRANGE: zeros fill what is between.
    pub fn set_range(&mut self, offset: u64, bytes: &[u8], len: u64) {
        if len == 0 || offset > LONGEST {
            return;
        }
        self.len = self.len.max(offset.saturating_add(len)).min(LONGEST);
        let start = usize::try_from(offset).unwrap_or(KEPT).min(KEPT);
        let end = start.saturating_add(bytes.len()).min(KEPT);
        if self.head.len() < end {
            self.head.resize(end, 0);
        }
        self.head[start..end].copy_from_slice(&bytes[..end - start]);
    }

    /// INCRBY and the like; what is no number counts as 0.
    pub fn add(&mut self, by: i64) {
        let number = std::str::from_utf8(&self.head).ok().and_then(|text| text.parse().ok());
        let sum = number.unwrap_or(0_i64).wrapping_add(by).to_string();
        self.set(sum.as_bytes(), sum.len() as u64);
    }

    /// What it costs, with its key of that length.
    pub fn cost(&self, key_len: u64, scales: &mut Scales) -> Cost {
        let resp = header(3) + bulk(3) + bulk(key_len) + bulk(self.len);
        Cost { resp: resp as f64, rdb: scales.cut(&self.head, self.len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_follows_its_commands() {
        let mut text = Text::default();
        text.set(b"10", 2);
        text.add(-11);
        assert_eq!((text.len(), &text.head[..]), (2, &b"-1"[..]));
        text.append(b"xyz", 3);
        text.set_range(7, b"!", 1);
        assert_eq!((text.len(), &text.head[..]), (8, &b"-1xyz\0\0!"[..]));
        text.set_range(10_000, b"far", 3);
        assert_eq!((text.len(), text.head.len()), (10_003, KEPT));
        text.append(b"more", 4);
        assert_eq!((text.len(), text.head.len()), (10_007, KEPT));
        text.set(b"short", 5);
        assert!(text.kept() < 100);
    }
}
