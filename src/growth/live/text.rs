//! A string: its length, and as much of it as it takes to tell how well it compresses.

use super::cost::{Cost, Scales, bulk, header};
use super::sketch;

/// Bytes that are kept of a string.
const KEPT: usize = 4096;

/// Bytes that are kept of a string whose bits are set one by one.
const BITMAP: usize = 128 << 10;

/// Longest string that a server holds, bytes: longer ones come from broken records.
const LONGEST: u64 = 512 << 20;

/// The value of a string key.
#[derive(Clone, Debug, Default)]
pub struct Text {
    len: u64,
    /// Bytes that a server has allocated for it.
    room: u64,
    head: Vec<u8>,
}

impl Text {
    /// Replaces it.
    pub fn set(&mut self, bytes: &[u8], len: u64) {
        let is_sketch = bytes.len() == sketch::DENSE && bytes.starts_with(sketch::MAGIC);
        self.set_up_to(if is_sketch { sketch::DENSE } else { KEPT }, bytes, len);
    }

    /// Replaces it by a row of bits.
    pub fn set_bits(&mut self, bytes: &[u8], len: u64) {
        self.set_up_to(BITMAP, bytes, len);
    }

    fn set_up_to(&mut self, most: usize, bytes: &[u8], len: u64) {
        let kept = &bytes[..bytes.len().min(most)];
        (self.len, self.room) = (len, len);
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

    /// All of it, when all is kept.
    pub fn whole(&self) -> Option<&[u8]> {
        (self.head.len() as u64 == self.len).then_some(&self.head)
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
            let room = KEPT.saturating_sub(self.head.len());
            self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
        self.grow_to((self.len + len).min(LONGEST));
    }

    /// A command makes it so long where it is shorter. A server that has to make room makes twice as much, up to a
    /// mebibyte more; for a new string none.
    fn grow_to(&mut self, len: u64) {
        const MOST: u64 = 1 << 20;
        if len > self.room {
            self.room = if self.len == 0 { len } else { len + len.min(MOST) };
        }
        self.len = self.len.max(len);
    }

    /// Bytes that a server has allocated for it.
    pub fn room(&self) -> u64 {
        self.room
    }

    /// SETRANGE: zeros fill what is between.
    pub fn set_range(&mut self, offset: u64, bytes: &[u8], len: u64) {
        if len == 0 || offset > LONGEST {
            return;
        }
        let is_whole = self.head.len() as u64 == self.len;
        self.grow_to(offset.saturating_add(len).min(LONGEST));
        let start = usize::try_from(offset).unwrap_or(KEPT).min(KEPT);
        let end = start.saturating_add(bytes.len()).min(KEPT);
        if self.head.len() < end && is_whole {
            self.head.resize(end, 0);
        }
        // Of what is not kept nothing can be changed.
        if let Some(place) = self.head.get_mut(start..end) {
            place.copy_from_slice(&bytes[..end - start]);
        }
    }

    /// The bit at this place, counted from the highest of the first byte; 0 where nothing is known of it.
    pub fn bit(&self, at: u64) -> bool {
        let byte = usize::try_from(at / 8).ok().and_then(|byte| self.head.get(byte));
        byte.is_some_and(|byte| byte >> (7 - at % 8) & 1 == 1)
    }

    /// Sets the bit at this place; zeros fill what is between.
    pub fn set_bit(&mut self, at: u64, bit: bool) {
        let byte = at / 8;
        if byte >= LONGEST {
            return;
        }
        // Of what is not kept nothing can be changed.
        let is_whole = self.head.len() as u64 == self.len;
        self.grow_to(byte + 1);
        let Some(place) = usize::try_from(byte).ok().filter(|place| *place < BITMAP) else {
            return;
        };
        if self.head.len() <= place {
            if !is_whole {
                return;
            }
            self.head.resize(place + 1, 0);
        }
        let mask = 128 >> (at % 8);
        self.head[place] = if bit { self.head[place] | mask } else { self.head[place] & !mask };
    }

    /// INCRBY and the like; what is no number counts as 0.
    pub fn add(&mut self, by: i64) {
        let number = std::str::from_utf8(&self.head).ok().and_then(|text| text.parse().ok());
        let sum = number.unwrap_or(0_i64).wrapping_add(by).to_string();
        self.set(sum.as_bytes(), sum.len() as u64);
    }

    /// What of its cost may be less, and what more: how well what is not kept compresses is guessed from what is.
    pub fn perhaps(&self, cost: &Cost) -> (Cost, Cost) {
        /// As a part of what it would be compressed to.
        const UNLIKE: f64 = 0.25;
        let rest = self.len.saturating_sub(self.head.len() as u64);
        let share = rest as f64 / self.len.max(1) as f64;
        let off = cost.rdb * share * UNLIKE;
        let only_rdb = |rdb| Cost { resp: 0.0, rdb, raw: 0.0 };
        (only_rdb(off), only_rdb(off.min((cost.raw - cost.rdb).max(0.0))))
    }

    /// What it costs, with its key of that length.
    pub fn cost(&self, key_len: u64, scales: &mut Scales) -> Cost {
        let resp = header(3) + bulk(3) + bulk(key_len) + bulk(self.len);
        Cost::of_commands(resp) + scales.cut(&self.head, self.len)
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
