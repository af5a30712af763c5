//! The CRC-64 at the end of an RDB.
//!
//! Width 64, polynomial `ad93d23594c935a9`, reflected in and out, initial value and final xor 0. It
//! covers every byte from the header through the EOF opcode and stands right after that, little-endian.
//! A stored 0 means it was switched off when the file was written.
//!
//! Pure. Feed big slices: short ones cost more per byte. Source: `crc64.c`, `rdb.c`.

use crc_fast::{CrcAlgorithm, Digest};

/// A running CRC-64.
#[derive(Clone, Copy, Debug)]
pub struct Crc64(Digest);

impl Crc64 {
    /// The checksum of nothing, which is 0.
    pub fn new() -> Self {
        Self(Digest::new(CrcAlgorithm::Crc64Redis))
    }

    /// Takes in the bytes that follow.
    pub fn update(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.0.update(bytes);
        }
    }

    /// The checksum of all bytes so far.
    pub fn value(&self) -> u64 {
        self.0.finalize()
    }
}

impl Default for Crc64 {
    fn default() -> Self {
        Self::new()
    }
}

/// The CRC-64 of `bytes`.
pub fn crc64(bytes: &[u8]) -> u64 {
    let mut crc = Crc64::new();
    crc.update(bytes);
    crc.value()
}

/// What the trailer says about the bytes before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// The version (below 5) has none.
    Absent,
    /// Switched off by whoever wrote the file.
    Disabled,
    /// The bytes are those that were written.
    Match(u64),
    /// They are not.
    Mismatch {
        /// The number in the trailer.
        stored: u64,
        /// The number the bytes give.
        computed: u64,
    },
}

impl Checksum {
    /// Its name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Match(_) => "ok",
            Self::Disabled => "disabled",
            Self::Mismatch { .. } => "mismatch",
            Self::Absent => "absent",
        }
    }

    /// Judges a stored checksum (`None`: no trailer) by the computed one.
    pub const fn judge(stored: Option<u64>, computed: u64) -> Self {
        match stored {
            None => Self::Absent,
            Some(0) => Self::Disabled,
            Some(stored) if stored == computed => Self::Match(stored),
            Some(stored) => Self::Mismatch { stored, computed },
        }
    }
}

/// Looks for the end of an RDB by its checksum alone, byte by byte: the CRC of all bytes with their checksum behind
/// them is 0. By chance it is so once in 2^64 places.
#[derive(Clone, Debug)]
pub struct EndSearch {
    crc: u64,
    /// The last nine bytes, of which the first must be the end opcode.
    last: [u8; 9],
}

impl EndSearch {
    /// `crc` is that of all bytes so far.
    pub fn new(crc: &Crc64) -> Self {
        Self { crc: crc.value(), last: [0; 9] }
    }

    /// Takes in the bytes that follow; answers how many of them belong to the RDB when it ends there.
    pub fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        for (i, &byte) in bytes.iter().enumerate() {
            self.crc = TABLE[usize::from(self.crc as u8 ^ byte)] ^ (self.crc >> 8);
            if self.crc == 0 && self.first_of_nine(bytes, i) == 0xff {
                return Some(i + 1);
            }
        }
        self.keep(bytes);
        None
    }

    /// The byte eight before place `i`.
    fn first_of_nine(&self, bytes: &[u8], i: usize) -> u8 {
        // Of the bytes before these, the last one stands last.
        i.checked_sub(8).map_or_else(|| self.last[i + 1], |at| bytes[at])
    }

    fn keep(&mut self, bytes: &[u8]) {
        let kept = bytes.len().min(self.last.len());
        self.last.rotate_left(kept);
        let room = self.last.len() - kept;
        self.last[room..].copy_from_slice(&bytes[bytes.len() - kept..]);
    }
}

/// What each byte does to a checksum.
static TABLE: [u64; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut crc, mut bit) = (byte as u64, 0);
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0x95ac_9329_ac4b_c9b5 } else { crc >> 1 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

/// Whether `file`, from its first to its last byte, ends in the EOF opcode and a matching checksum.
///
/// True even when the walk met content it does not know: the file is as it was written, and has no tail.
pub fn is_intact(file: &[u8]) -> bool {
    let Some((body, trailer)) = file.split_last_chunk::<8>() else {
        return false;
    };
    let stored = u64::from_le_bytes(*trailer);
    body.last() == Some(&0xff) && stored != 0 && crc64(body) == stored
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_values_are_met() {
        assert_eq!(crc64(b""), 0);
        assert_eq!(crc64(b"a"), 0x5fb3_5402_5b27_7b14);
        assert_eq!(crc64(b"123456789"), 0xe9c6_d914_c4b8_d9ca);
    }

    #[test]
    fn pieces_give_the_checksum_of_the_whole() {
        let bytes: Vec<u8> = (0..3000u32).map(|i| (i * 7 + i / 5) as u8).collect();
        for cut in [0, 1, 7, 255, 256, 1024, 2999] {
            let mut crc = Crc64::new();
            crc.update(&bytes[..cut]);
            crc.update(&[]);
            crc.update(&bytes[cut..]);
            assert_eq!(crc.value(), crc64(&bytes));
        }
    }

    #[test]
    fn a_trailer_is_judged() {
        assert_eq!(Checksum::judge(None, 5), Checksum::Absent);
        assert_eq!(Checksum::judge(Some(0), 5), Checksum::Disabled);
        assert_eq!(Checksum::judge(Some(5), 5), Checksum::Match(5));
        assert_eq!(Checksum::judge(Some(4), 5), Checksum::Mismatch { stored: 4, computed: 5 });
    }

    #[test]
    fn the_end_is_found_by_its_checksum_in_pieces_of_any_size() {
        let mut bytes = b"REDIS0099 \xff anything \xff\xff".to_vec();
        bytes.extend(crc64(&bytes).to_le_bytes());
        let end = bytes.len();
        bytes.extend(b"*1\r\n$4\r\nPING\r\n\xff12345678");
        for from in 0..end - 8 {
            for size in 1..bytes.len() - from {
                let mut crc = Crc64::new();
                crc.update(&bytes[..from]);
                let mut search = EndSearch::new(&crc);
                let mut at = from;
                let found = bytes[from..].chunks(size).find_map(|piece| {
                    let found = search.find(piece).map(|taken| at + taken);
                    at += piece.len();
                    found
                });
                assert_eq!(found, Some(end), "from {from} in pieces of {size}");
            }
        }
        bytes[12] ^= 1;
        assert_eq!(EndSearch::new(&Crc64::new()).find(&bytes), None);
    }

    #[test]
    fn an_intact_file_is_told_from_a_changed_one() {
        let mut file = b"REDIS0012 anything \xff".to_vec();
        let crc = crc64(&file);
        file.extend(crc.to_le_bytes());
        assert!(is_intact(&file));
        file[10] ^= 1;
        assert!(!is_intact(&file));
        assert!(!is_intact(b"\xff"));
    }
}
