//! How servers pack small values: entries of a listpack, and strings, as they are written.
//!
//! The other direction of what `deep` reads, for estimates of what a rewrite writes. Pure.

/// Bytes of a listpack without entries: its header and its end mark.
pub const FRAME: usize = 7;

/// The number that a string is the canonical text of.
pub fn integer(text: &[u8]) -> Option<i64> {
    if text.is_empty() || text.len() > 20 {
        return None;
    }
    let number: i64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    let plain = !matches!(text, [b'0' | b'+', _, ..] | [b'-', b'0', ..]);
    plain.then_some(number)
}

/// Appends an entry that says `text`: as a number when it is one.
pub fn entry(text: &[u8], out: &mut Vec<u8>) {
    match integer(text) {
        Some(number) => number_entry(number, out),
        None => text_entry(text, out),
    }
}

/// Appends an entry that is a number.
pub fn number_entry(number: i64, out: &mut Vec<u8>) {
    let at = out.len();
    let bytes = number.to_le_bytes();
    match number {
        0..=127 => out.push(number as u8),
        -4096..=4095 => {
            let bits = (number & 0x1fff) as u16;
            out.extend([0xc0 | (bits >> 8) as u8, bits as u8]);
        }
        -0x8000..=0x7fff => out.extend([0xf1, bytes[0], bytes[1]]),
        -0x80_0000..=0x7f_ffff => out.extend([0xf2, bytes[0], bytes[1], bytes[2]]),
        -0x8000_0000..=0x7fff_ffff => {
            out.push(0xf3);
            out.extend_from_slice(&bytes[..4]);
        }
        _ => {
            out.push(0xf4);
            out.extend_from_slice(&bytes);
        }
    }
    back_length(out.len() - at, out);
}

fn text_entry(text: &[u8], out: &mut Vec<u8>) {
    let at = out.len();
    match text.len() {
        len @ 0..=63 => out.push(0x80 | len as u8),
        len @ 64..=4095 => out.extend([0xe0 | (len >> 8) as u8, len as u8]),
        len => {
            out.push(0xf0);
            out.extend_from_slice(&(len as u32).to_le_bytes());
        }
    }
    out.extend_from_slice(text);
    back_length(out.len() - at, out);
}

fn back_length(len: usize, out: &mut Vec<u8>) {
    let groups = back_len(len);
    for group in (0..groups).rev() {
        let bits = (len >> (7 * group)) as u8 & 127;
        // To be read backwards: all but the first say that more stands before them.
        out.push(if group + 1 == groups { bits } else { bits | 128 });
    }
}

/// One entry of a listpack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packed<'a> {
    /// A number, standing for its decimal text.
    Number(i64),
    /// A string.
    Text(&'a [u8]),
}

impl Packed<'_> {
    /// Length of the text it stands for, bytes.
    pub fn text_len(self) -> usize {
        match self {
            Self::Number(number) => decimal(number),
            Self::Text(text) => text.len(),
        }
    }

    /// The number it is or spells.
    pub fn number(self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(number),
            Self::Text(text) => std::str::from_utf8(text).ok()?.parse().ok(),
        }
    }
}

/// The entry at the start of `entries`, and the bytes it takes. `None` at the end, or where no entry is.
pub fn first(entries: &[u8]) -> Option<(Packed<'_>, usize)> {
    let lead = *entries.first()?;
    let rest = entries.get(1..)?;
    let text = |head: usize, len: usize| {
        Some((Packed::Text(entries.get(head..head.checked_add(len)?)?), head + len))
    };
    let (value, len) = match lead {
        0..=0x7f => (Packed::Number(lead.into()), 1),
        0x80..=0xbf => text(1, usize::from(lead & 0x3f))?,
        0xc0..=0xdf => {
            let bits = u16::from(lead & 0x1f) << 8 | u16::from(*rest.first()?);
            (Packed::Number(i64::from((bits << 3).cast_signed() >> 3)), 2)
        }
        0xe0..=0xef => text(2, usize::from(lead & 0x0f) << 8 | usize::from(*rest.first()?))?,
        0xf0 => text(5, u32::from_le_bytes(*rest.first_chunk()?) as usize)?,
        0xf1..=0xf4 => {
            let width = [2, 3, 4, 8][usize::from(lead - 0xf1)];
            let mut bytes = [0_u8; 8];
            bytes[8 - width..].copy_from_slice(rest.get(..width)?);
            (Packed::Number(i64::from_le_bytes(bytes) >> (64 - 8 * width)), 1 + width)
        }
        _ => return None,
    };
    let total = len + back_len(len);
    (total <= entries.len()).then_some((value, total))
}

/// The entries of a whole listpack, as far as they can be read.
pub fn entries(listpack: &[u8]) -> Entries<'_> {
    let end = listpack.len().saturating_sub(1);
    Entries(listpack.get(FRAME - 1..end).unwrap_or_default())
}

/// Iterator over the entries of a listpack.
#[derive(Clone, Debug)]
pub struct Entries<'a>(&'a [u8]);

impl<'a> Iterator for Entries<'a> {
    type Item = Packed<'a>;

    fn next(&mut self) -> Option<Packed<'a>> {
        let (value, len) = first(self.0)?;
        self.0 = &self.0[len..];
        Some(value)
    }
}

/// Bytes that the entry at the end of `entries` takes.
pub fn last(entries: &[u8]) -> Option<usize> {
    let mut len = 0_usize;
    for (group, byte) in entries.iter().rev().take(5).enumerate() {
        len |= usize::from(byte & 127) << (7 * group);
        if byte & 128 == 0 {
            let total = len + group + 1;
            return (total <= entries.len()).then_some(total);
        }
    }
    None
}

/// Characters of a number in decimal.
pub fn decimal(number: i64) -> usize {
    let digits = number.unsigned_abs().checked_ilog10().unwrap_or(0) as usize + 1;
    digits + usize::from(number < 0)
}

/// Bytes of a length as RDB writes it.
pub fn length_bytes(length: u64) -> u64 {
    match length {
        0..=63 => 1,
        64..=16_383 => 2,
        16_384..=0xffff_ffff => 5,
        _ => 9,
    }
}

/// Bytes of a string as RDB writes it when it is a small number.
pub fn integer_bytes(text: &[u8]) -> Option<u64> {
    if text.len() > 11 {
        return None;
    }
    match integer(text)? {
        -0x80..=0x7f => Some(2),
        -0x8000..=0x7fff => Some(3),
        -0x8000_0000..=0x7fff_ffff => Some(5),
        _ => None,
    }
}

/// Bytes that the length of a listpack's entry takes backwards.
pub(crate) const fn back_len(len: usize) -> usize {
    match len {
        0..=127 => 1,
        128..=16_382 => 2,
        16_383..=2_097_150 => 3,
        2_097_151..=268_435_454 => 4,
        _ => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::super::deep::listpack::{self, Value};
    use super::*;

    #[test]
    fn what_is_packed_is_read_back() {
        let long = vec![b'x'; 70_000];
        let texts: Vec<Vec<u8>> = ["", "a", "0", "127", "128", "-1", "-4096", "4096", "-32769"]
            .iter()
            .map(|text| text.as_bytes().to_vec())
            .chain(
                ["8388608", "-2147483649", "9223372036854775807", "007", "-0", "+1"]
                    .map(Into::into),
            )
            .chain([vec![b'y'; 63], vec![b'y'; 64], vec![b'y'; 200], vec![b'z'; 16_380], long])
            .collect();
        let mut packed = Vec::new();
        for text in &texts {
            let before = packed.len();
            entry(text, &mut packed);
            let size = packed.len() - before;
            let (value, len) = first(&packed[before..]).unwrap();
            assert_eq!((value.text_len(), len), (text.len(), size), "{}", text.len());
            assert_eq!(last(&packed), Some(size));
        }
        let total = (packed.len() + FRAME) as u32;
        let count = texts.len() as u16;
        let whole = [&total.to_le_bytes()[..], &count.to_le_bytes(), &packed, &[0xff]].concat();
        let mut read = Vec::new();
        let seen = listpack::walk(&whole, |value, _| {
            read.push(match value {
                Value::Integer(number) => number.to_string().into_bytes(),
                Value::Text(text) => text.to_vec(),
            });
            Ok(())
        });
        assert_eq!(seen, Ok(u64::from(count)));
        assert_eq!(read, texts);
        let lens: Vec<_> = entries(&whole).map(Packed::text_len).collect();
        assert_eq!(lens, texts.iter().map(Vec::len).collect::<Vec<_>>());
    }

    #[test]
    fn small_numbers_are_written_as_numbers() {
        assert_eq!(integer_bytes(b"12"), Some(2));
        assert_eq!(integer_bytes(b"-129"), Some(3));
        assert_eq!(integer_bytes(b"2147483647"), Some(5));
        assert_eq!(integer_bytes(b"2147483648"), None);
        assert_eq!(integer_bytes(b"012"), None);
        assert_eq!([0, 63, 64, 16_384, 1 << 33].map(length_bytes), [1, 1, 2, 5, 9]);
    }
}
