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
