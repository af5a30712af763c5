//! Listpack: u32 size, u16 count, entries, `FF`.
//!
//! | first byte | entry | bytes before the back-length |
//! |---|---|---|
//! | `0xxxxxxx` | 7-bit number | 1 |
//! | `10xxxxxx` | string | 1 + n |
//! | `110xxxxx` | 13-bit signed, big-endian | 2 |
//! | `1110xxxx` | string, 12-bit length, big-endian | 2 + n |
//! | `F0` | string, u32 length | 5 + n |
//! | `F1` `F2` `F3` `F4` | i16, i24, i32, i64 | 3, 4, 5, 9 |
//!
//! Each entry ends with its length once more, to be read backwards. Pure. Source: `listpack.c`.

use super::wrong::Wrong;
use crate::format::rdb::pack::back_len;

/// One entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::format::rdb) enum Value<'a> {
    Integer(i64),
    Text(&'a [u8]),
}

impl Value<'_> {
    /// The number it is or spells.
    pub(super) fn number(self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(number),
            Self::Text(text) => std::str::from_utf8(text).ok()?.parse().ok(),
        }
    }
}

/// Something wrong at an offset inside the encoding.
pub(in crate::format::rdb) type Found = (Wrong, usize);

const HEADER: usize = 6;

/// Checks the frame: size and end mark.
pub(super) fn frame(bytes: &[u8]) -> Result<(), Found> {
    let Some(size) = bytes.first_chunk::<4>().filter(|_| bytes.len() > HEADER) else {
        return Err((Wrong::TooSmall, 0));
    };
    if u32::from_le_bytes(*size) as usize != bytes.len() {
        return Err((Wrong::Size, 0));
    }
    match bytes.last() {
        Some(0xff) => Ok(()),
        _ => Err((Wrong::EndMark, bytes.len() - 1)),
    }
}

/// Walks all entries, and gives each to `each` with its offset. Answers how many there are.
pub(in crate::format::rdb) fn walk<'a>(
    bytes: &'a [u8],
    mut each: impl FnMut(Value<'a>, usize) -> Result<(), Found>,
) -> Result<u64, Found> {
    frame(bytes)?;
    let mut at = HEADER;
    let mut count = 0;
    while let Some((value, next)) = entry(bytes, at)? {
        each(value, at)?;
        count += 1;
        at = next;
    }
    if at + 1 != bytes.len() {
        return Err((Wrong::EarlyEnd, at));
    }
    match bytes.get(4..HEADER) {
        Some(&[low, high]) => match u16::from_le_bytes([low, high]) {
            // Too many to tell.
            u16::MAX => Ok(count),
            told if u64::from(told) == count => Ok(count),
            _ => Err((Wrong::Count, 4)),
        },
        _ => Err((Wrong::TooSmall, 0)),
    }
}

/// The entry at `at`, and where the next one begins; `None` at the end mark.
pub(super) fn entry(bytes: &[u8], at: usize) -> Result<Option<(Value<'_>, usize)>, Found> {
    let past = (Wrong::EntryPastEnd, at);
    // The end mark is no entry's.
    let rest = bytes.get(at..bytes.len().saturating_sub(1)).ok_or(past)?;
    let Some(&first) = rest.first() else {
        return Ok(None);
    };
    if first == 0xff {
        return Ok(None);
    }
    let (value, len) = decode(first, rest).ok_or(past)?.ok_or((Wrong::EntryForm, at))?;
    let back = back_len(len);
    let whole = rest.get(..len + back).ok_or(past)?;
    if read_back(whole) != Some(len as u64) {
        return Err((Wrong::BackLength, at));
    }
    Ok(Some((value, at + len + back)))
}

/// Value and length; outer `None`: too few bytes; inner `None`: no such form.
fn decode(first: u8, rest: &[u8]) -> Option<Option<(Value<'_>, usize)>> {
    let text = |head: usize, len: usize| {
        let end = head.checked_add(len)?;
        Some(Some((Value::Text(rest.get(head..end)?), end)))
    };
    let integer = |number: i64, len: usize| Some(Some((Value::Integer(number), len)));
    let second = || rest.get(1).copied();
    match first {
        0x00..=0x7f => integer(first.into(), 1),
        0x80..=0xbf => text(1, usize::from(first & 0x3f)),
        0xc0..=0xdf => {
            let raw = i64::from(first & 0x1f) << 8 | i64::from(second()?);
            integer(if raw >= 1 << 12 { raw - (1 << 13) } else { raw }, 2)
        }
        0xe0..=0xef => text(2, usize::from(first & 0x0f) << 8 | usize::from(second()?)),
        0xf0 => text(5, u32::from_le_bytes(*rest.get(1..)?.first_chunk()?) as usize),
        0xf1 => integer(i16::from_le_bytes(*rest.get(1..)?.first_chunk()?).into(), 3),
        0xf2 => {
            let &[a, b, c] = rest.get(1..)?.first_chunk()?;
            integer(i64::from(i32::from_le_bytes([0, a, b, c]) >> 8), 4)
        }
        0xf3 => integer(i32::from_le_bytes(*rest.get(1..)?.first_chunk()?).into(), 5),
        0xf4 => integer(i64::from_le_bytes(*rest.get(1..)?.first_chunk()?), 9),
        _ => Some(None),
    }
}

/// The length at the end of `entry`, read from its last byte on: seven bits each, the eighth says that
/// more follow, five bytes at most.
fn read_back(entry: &[u8]) -> Option<u64> {
    let mut len = 0;
    for (i, byte) in entry.iter().rev().take(5).enumerate() {
        len |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Some(len);
        }
    }
    None
}
