//! STR, the string encoding: how many bytes to skip, and what a small string says.
//!
//! | lead | layout | value |
//! |---|---|---|
//! | LEN n | n bytes | the bytes |
//! | `C0` `C1` `C2` | i8, i16, i32 little-endian | its decimal text |
//! | `C3` | LEN packed, LEN expanded, packed bytes | LZF |
//! | `C4` to `FF` | nothing | - |
//!
//! Pure. A header is at most 19 bytes; skipping never expands anything. Source: `rdb.c`.

use std::borrow::Cow;

use super::length::{self, Length};
use super::lzf::{self, End};
use super::reason::{Halt, Reason};

/// How the bytes after the header hold the string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As they are.
    Raw,
    /// A signed little-endian integer, standing for its decimal text.
    Integer,
    /// LZF.
    Lzf {
        /// Declared length after expansion, bytes.
        expanded: u64,
    },
}

/// The header of a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// How the body holds the string.
    pub form: Form,
    /// Bytes of the header itself.
    pub head_len: usize,
    /// Bytes that follow the header.
    pub body_len: u64,
}

impl Head {
    /// Reads the header of a string at the start of `bytes`.
    #[inline]
    pub fn decode(bytes: &[u8]) -> Result<Self, Halt> {
        match length::decode(bytes)? {
            (Length::Number(body_len), head_len) => {
                Ok(Self { form: Form::Raw, head_len, body_len })
            }
            (Length::Encoding(lead), _) => Self::decode_special(lead, bytes),
        }
    }

    fn decode_special(lead: u8, bytes: &[u8]) -> Result<Self, Halt> {
        let body_len = match lead {
            0xc0 => 1,
            0xc1 => 2,
            0xc2 => 4,
            0xc3 => return Self::decode_lzf(bytes),
            _ => return Err(Halt::Bad(Reason::StringEncoding(lead))),
        };
        Ok(Self { form: Form::Integer, head_len: 1, body_len })
    }

    fn decode_lzf(bytes: &[u8]) -> Result<Self, Halt> {
        let behind = |taken: usize| {
            move |halt| match halt {
                Halt::Need(n) => Halt::Need(n + taken),
                bad => bad,
            }
        };
        let rest = bytes.get(1..).unwrap_or_default();
        let (packed, a) = length::number(rest).map_err(behind(1))?;
        let rest = rest.get(a..).unwrap_or_default();
        let (expanded, b) = length::number(rest).map_err(behind(1 + a))?;
        if packed.checked_mul(lzf::MAX_GROWTH).is_some_and(|most| expanded > most) {
            return Err(Halt::Bad(Reason::LzfTooDense { packed, expanded }));
        }
        Ok(Self { form: Form::Lzf { expanded }, head_len: 1 + a + b, body_len: packed })
    }

    /// Length of the string it stands for, bytes; `None` for integers, whose text must be made first.
    pub const fn expanded_len(self) -> Option<u64> {
        match self.form {
            Form::Raw => Some(self.body_len),
            Form::Integer => None,
            Form::Lzf { expanded } => Some(expanded),
        }
    }

    /// Bytes of the body that are enough to make the first `wanted` bytes of the string.
    pub const fn body_needed(self, wanted: usize) -> usize {
        // One literal of one byte costs two bytes, the worst case of LZF.
        let enough = match self.form {
            Form::Raw => wanted,
            Form::Integer => 4,
            Form::Lzf { .. } => wanted.saturating_mul(2).saturating_add(1),
        };
        if self.body_len < enough as u64 { self.body_len as usize } else { enough }
    }
}

/// A start of a string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text<'a> {
    /// The first bytes, as many as were asked for.
    pub bytes: Cow<'a, [u8]>,
    /// LZF that does not expand to what it declares, as far as it was read.
    pub is_broken: bool,
}

/// The first `wanted` bytes of the string whose body starts with `body` (see [`Head::body_needed`]).
pub fn first_bytes(head: Head, body: &[u8], wanted: usize) -> Text<'_> {
    match head.form {
        Form::Raw => {
            Text { bytes: Cow::Borrowed(&body[..wanted.min(body.len())]), is_broken: false }
        }
        Form::Integer => {
            let mut text = integer(body).to_string().into_bytes();
            text.truncate(wanted);
            Text { bytes: Cow::Owned(text), is_broken: false }
        }
        Form::Lzf { expanded } => {
            let limit = usize::try_from(expanded).map_or(wanted, |expanded| expanded.min(wanted));
            let mut out = Vec::new();
            let end = lzf::expand(body, limit, &mut out);
            let cut_body = (body.len() as u64) < head.body_len;
            let is_broken = match end {
                End::Wild => true,
                // Reaching the limit is the plan when only a start is wanted.
                End::Full => expanded <= wanted as u64,
                End::Short => !cut_body,
                End::Whole => !cut_body && (out.len() as u64) != expanded,
            };
            Text { bytes: Cow::Owned(out), is_broken }
        }
    }
}

/// A little-endian two's-complement integer of 1, 2 or 4 bytes.
fn integer(body: &[u8]) -> i32 {
    match *body {
        [a] => i32::from(a.cast_signed()),
        [a, b] => i32::from(i16::from_le_bytes([a, b])),
        [a, b, c, d, ..] => i32::from_le_bytes([a, b, c, d]),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(bytes: &[u8]) -> (Vec<u8>, bool) {
        let head = Head::decode(bytes).unwrap();
        let body = &bytes[head.head_len..head.head_len + head.body_len as usize];
        let text = first_bytes(head, body, 1000);
        (text.bytes.into_owned(), text.is_broken)
    }

    #[test]
    fn every_form_gives_its_text() {
        assert_eq!(whole(b"\x03abc"), (b"abc".to_vec(), false));
        assert_eq!(whole(&[0xc0, 0xff]), (b"-1".to_vec(), false));
        assert_eq!(whole(&[0xc1, 0x00, 0x80]), (b"-32768".to_vec(), false));
        assert_eq!(whole(&[0xc2, 0, 0, 0, 0x80]), (b"-2147483648".to_vec(), false));
        assert_eq!(whole(&[0xc3, 4, 3, 2, b'a', b'b', b'c']), (b"abc".to_vec(), false));
    }

    #[test]
    fn lzf_that_lies_about_its_size_is_broken() {
        assert!(whole(&[0xc3, 4, 2, 2, b'a', b'b', b'c']).1);
        assert!(whole(&[0xc3, 4, 4, 2, b'a', b'b', b'c']).1);
        assert!(whole(&[0xc3, 2, 3, 2, b'a']).1);
        assert!(whole(&[0xc3, 2, 3, 0x20, 9]).1);
    }

    #[test]
    fn a_start_of_lzf_needs_only_a_start_of_its_body() {
        let bytes = [0xc3, 5, 0x41, 0x09, 0, b'x', 0xe0, 255, 0];
        let head = Head::decode(&bytes).unwrap();
        assert_eq!(head.expanded_len(), Some(265));
        let needed = head.body_needed(2);
        let text = first_bytes(head, &bytes[head.head_len..head.head_len + needed], 2);
        assert_eq!((&*text.bytes, text.is_broken), (&b"xx"[..], false));
    }

    #[test]
    fn impossible_growth_is_refused_and_checked_without_overflow() {
        let dense = Reason::LzfTooDense { packed: 1, expanded: 89 };
        assert_eq!(Head::decode(&[0xc3, 1, 0x40, 89]), Err(Halt::Bad(dense)));
        let huge = [[0xc3].as_slice(), &[0x81; 9], &[0x81; 9]].concat();
        assert!(Head::decode(&huge).is_ok());
    }

    #[test]
    fn a_short_header_says_how_much_is_needed() {
        assert_eq!(Head::decode(&[0xc3]), Err(Halt::Need(2)));
        assert_eq!(Head::decode(&[0xc3, 0x40]), Err(Halt::Need(3)));
        assert_eq!(Head::decode(&[0xc3, 4, 0x80]), Err(Halt::Need(7)));
        assert_eq!(Head::decode(&[0xc4]), Err(Halt::Bad(Reason::StringEncoding(0xc4))));
    }
}
