//! LEN, the number encoding of the format.
//!
//! | first byte | value | bytes |
//! |---|---|---|
//! | `00vvvvvv` | 6 bits | 1 |
//! | `01vvvvvv` + 1 | 14 bits, big-endian | 2 |
//! | `80` + 4 | u32 big-endian | 5 |
//! | `81` + 8 | u64 big-endian | 9 |
//! | `82` to `BF` | nothing | - |
//! | `11eeeeee` | not a number: string encoding `e` | 1 |
//!
//! Pure. Over-long forms are read as they are; `u64::MAX` is an ordinary number here. Source: `rdb.c`.

use super::reason::{Halt, Reason};

/// What a lead byte and its tail mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// A number.
    Number(u64),
    /// The lead byte of a special string encoding, `C0` to `FF`.
    Encoding(u8),
}

/// Reads a LEN at the start of `bytes`; answers it with the number of bytes it takes (1 to 9).
#[inline]
pub fn decode(bytes: &[u8]) -> Result<(Length, usize), Halt> {
    match *bytes {
        [lead, ..] if lead < 0x40 => Ok((Length::Number(u64::from(lead)), 1)),
        [lead, low, ..] if lead < 0x80 => {
            Ok((Length::Number(u64::from(lead & 0x3f) << 8 | u64::from(low)), 2))
        }
        _ => decode_rare(bytes),
    }
}

fn decode_rare(bytes: &[u8]) -> Result<(Length, usize), Halt> {
    let Some((&lead, tail)) = bytes.split_first() else {
        return Err(Halt::Need(1));
    };
    match lead {
        0x00..=0x7f => Err(Halt::Need(2)),
        0x80 => match tail.first_chunk::<4>() {
            Some(four) => Ok((Length::Number(u64::from(u32::from_be_bytes(*four))), 5)),
            None => Err(Halt::Need(5)),
        },
        0x81 => match tail.first_chunk::<8>() {
            Some(eight) => Ok((Length::Number(u64::from_be_bytes(*eight)), 9)),
            None => Err(Halt::Need(9)),
        },
        0x82..=0xbf => Err(Halt::Bad(Reason::LengthLead(lead))),
        0xc0..=0xff => Ok((Length::Encoding(lead), 1)),
    }
}

/// Reads a LEN that must be a number.
#[inline]
pub fn number(bytes: &[u8]) -> Result<(u64, usize), Halt> {
    match decode(bytes)? {
        (Length::Number(value), taken) => Ok((value, taken)),
        (Length::Encoding(lead), _) => Err(Halt::Bad(Reason::LengthIsEncoding(lead))),
    }
}

/// A number in the shortest form, as servers write it.
pub fn encode(number: u64) -> Vec<u8> {
    match number {
        0..0x40 => vec![number as u8],
        0x40..0x4000 => vec![0x40 | (number >> 8) as u8, number as u8],
        _ => match u32::try_from(number) {
            Ok(number) => [&[0x80][..], &number.to_be_bytes()].concat(),
            Err(_) => [&[0x81][..], &number.to_be_bytes()].concat(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        assert_eq!(number(&[0x3f, 0xff]), Ok((63, 1)));
        assert_eq!(number(&[0x7f, 0xff]), Ok((16383, 2)));
        assert_eq!(number(&[0x80, 0, 1, 0, 0]), Ok((65536, 5)));
        assert_eq!(number(&[0x81, 0, 0, 0, 1, 0, 0, 0, 0]), Ok((1 << 32, 9)));
        assert_eq!(number(&[0x81; 9]), Ok((0x8181_8181_8181_8181, 9)));
        assert_eq!(decode(&[0xc3]), Ok((Length::Encoding(0xc3), 1)));
    }

    #[test]
    fn what_is_written_is_read_again() {
        for n in [0, 1, 63, 64, 16383, 16384, u64::from(u32::MAX), 1 << 32, u64::MAX] {
            let bytes = encode(n);
            assert_eq!(number(&bytes), Ok((n, bytes.len())));
        }
        assert_eq!(encode(700), [0x42, 0xbc]);
    }

    #[test]
    fn over_long_forms_and_the_largest_number_are_legal() {
        assert_eq!(number(&[0x80, 0, 0, 0, 1]), Ok((1, 5)));
        let mut largest = [0xff; 9];
        largest[0] = 0x81;
        assert_eq!(number(&largest), Ok((u64::MAX, 9)));
    }

    #[test]
    fn short_input_says_how_much_is_needed() {
        assert_eq!(decode(&[]), Err(Halt::Need(1)));
        assert_eq!(decode(&[0x40]), Err(Halt::Need(2)));
        assert_eq!(decode(&[0x80, 0, 0, 0]), Err(Halt::Need(5)));
        assert_eq!(decode(&[0x81, 0, 0, 0, 0]), Err(Halt::Need(9)));
    }

    #[test]
    fn lead_bytes_without_meaning_are_refused() {
        for lead in 0x82..=0xbf {
            assert_eq!(decode(&[lead; 10]), Err(Halt::Bad(Reason::LengthLead(lead))));
        }
        assert_eq!(number(&[0xc1; 10]), Err(Halt::Bad(Reason::LengthIsEncoding(0xc1))));
    }
}
