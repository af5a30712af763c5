//! LZF the other way: how small a server's strings become.
//!
//! Finds matches as the servers' compressor does: a table of the last place of every three bytes, the first
//! match taken, at most 264 bytes from at most 8192 back. What it makes is LZF, in all but rare cases to the byte
//! as long as theirs, which is what estimates need. Pure. Source: the format described in [`super::lzf`].

/// Places in the table, as a power of two.
const TABLE_LOG: u32 = 16;

/// Farthest a match may lie back.
const REACH: usize = 8192;

/// Longest match.
const LONGEST: usize = 264;

/// Most literals in a row.
const LITERALS: usize = 32;

/// Strings up to so many bytes are stored as they are.
pub const SHORTEST: usize = 20;

/// The compressor, with its table: made once, used for many strings.
#[derive(Clone, Debug)]
pub struct Compressor {
    /// Where three bytes were seen last, counted from the first string on; 0 is never.
    table: Vec<u32>,
    /// Where the current string begins in that count.
    origin: u32,
    out: Vec<u8>,
}

impl Default for Compressor {
    fn default() -> Self {
        Self { table: vec![0; 1 << TABLE_LOG], origin: 1, out: Vec::new() }
    }
}

fn place(bytes: &[u8]) -> usize {
    let three = u32::from(bytes[0]) << 16 | u32::from(bytes[1]) << 8 | u32::from(bytes[2]);
    (three.wrapping_mul(0x9E37_79B1) >> (32 - TABLE_LOG)) as usize
}

impl Compressor {
    /// The string as LZF; `None` when servers store it as it is: short, or not 4 bytes smaller by it.
    pub fn compress(&mut self, bytes: &[u8]) -> Option<&[u8]> {
        let room = bytes.len().checked_sub(4).filter(|_| bytes.len() > SHORTEST)?;
        let len = u32::try_from(bytes.len()).ok()?;
        if u32::MAX - self.origin <= len {
            self.table.fill(0);
            self.origin = 1;
        }
        self.fill(bytes);
        self.origin += len;
        (self.out.len() <= room).then_some(&self.out[..])
    }

    fn fill(&mut self, bytes: &[u8]) {
        self.out.clear();
        let (mut at, mut literals_from) = (0, 0);
        // The last two bytes begin no match.
        while at + 2 < bytes.len() {
            let Some((distance, len)) = self.look(bytes, at) else {
                at += 1;
                continue;
            };
            self.literals(&bytes[literals_from..at]);
            self.copy(distance, len);
            let end = at + len;
            // Only the last places inside of a match are remembered.
            for inside in end.saturating_sub(2)..end {
                self.remember(bytes, inside);
            }
            at = end;
            literals_from = end;
        }
        self.literals(&bytes[literals_from..]);
    }

    fn remember(&mut self, bytes: &[u8], at: usize) -> Option<u32> {
        let slot = self.table.get_mut(place(bytes.get(at..at + 3)?))?;
        // In range: the caller checked that the string ends before the count does.
        Some(std::mem::replace(slot, self.origin + at as u32))
    }

    /// The match at `at`: how far back, how long.
    fn look(&mut self, bytes: &[u8], at: usize) -> Option<(usize, usize)> {
        let before = self.remember(bytes, at)?;
        let before = before.checked_sub(self.origin)? as usize;
        let distance = at.checked_sub(before).filter(|d| (1..=REACH).contains(d))?;
        let most = (bytes.len() - at).min(LONGEST);
        let same = bytes[at..at + most].iter().zip(&bytes[before..]).take_while(|(a, b)| a == b);
        let len = same.count();
        (len >= 3).then_some((distance, len))
    }

    fn literals(&mut self, bytes: &[u8]) {
        for run in bytes.chunks(LITERALS) {
            self.out.push((run.len() - 1) as u8);
            self.out.extend_from_slice(run);
        }
    }

    fn copy(&mut self, distance: usize, len: usize) {
        let (back, len) = (distance - 1, len - 2);
        let high = (back >> 8) as u8;
        if len < 7 {
            self.out.push((len as u8) << 5 | high);
        } else {
            self.out.extend([7 << 5 | high, (len - 7) as u8]);
        }
        self.out.push(back as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::super::lzf::{End, expand};
    use super::*;

    fn round(compressor: &mut Compressor, text: &[u8]) -> usize {
        let Some(packed) = compressor.compress(text).map(<[u8]>::to_vec) else { return text.len() };
        let mut out = Vec::new();
        assert_eq!((expand(&packed, text.len(), &mut out), &out[..]), (End::Whole, text));
        packed.len()
    }

    #[test]
    fn what_is_compressed_expands_to_itself() {
        let mut compressor = Compressor::default();
        assert_eq!(round(&mut compressor, b"short"), 5);
        // A literal, two long copies and a short one.
        assert!(round(&mut compressor, &[b'x'; 600]) < 15);
        let json: String = (0..200).map(|i| format!("{{\"id\":{i},\"name\":\"ada\"}},")).collect();
        let packed = round(&mut compressor, json.as_bytes());
        assert!(packed * 2 < json.len(), "{packed} of {}", json.len());
        let mut noise = vec![0_u8; 40_000];
        let mut state = 1_u32;
        for byte in &mut noise {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = (state >> 24) as u8;
        }
        assert_eq!(round(&mut compressor, &noise), noise.len());
        assert!(round(&mut compressor, &[noise.clone(), noise].concat()) > 40_000);
    }

    #[test]
    fn a_string_does_not_refer_to_the_one_before() {
        let mut compressor = Compressor::default();
        let text = b"the quick brown fox jumps over the lazy dog";
        let first = round(&mut compressor, text);
        assert_eq!(round(&mut compressor, text), first);
    }
}
