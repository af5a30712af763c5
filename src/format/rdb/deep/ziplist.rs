//! Ziplist: u32 size, u32 offset of the last entry, u16 count, entries, `FF`.
//!
//! An entry: the length of the one before (u8 below 254, or `FE` and u32), then its form:
//!
//! | first byte | entry |
//! |---|---|
//! | `00pppppp` | string |
//! | `01pppppp` + 1 | string, 14-bit length, big-endian |
//! | `10xxxxxx` + 4 | string, u32 length, big-endian |
//! | `C0` `D0` `E0` `F0` `FE` | i16, i32, i64, i24, i8, little-endian |
//! | `F1` to `FD` | a number from 0 to 12 |
//!
//! Pure. Source: `ziplist.c`.

use super::listpack::{Found, Value};
use super::wrong::Wrong;

const HEADER: usize = 10;

/// Walks all entries, and gives each to `each` with its offset. Answers how many there are.
pub(in crate::format::rdb) fn walk<'a>(
    bytes: &'a [u8],
    mut each: impl FnMut(Value<'a>, usize) -> Result<(), Found>,
) -> Result<u64, Found> {
    let u32_at = |at: usize| {
        let bytes = bytes.get(at..)?.first_chunk()?;
        Some(u32::from_le_bytes(*bytes) as usize)
    };
    let (Some(size), Some(tail), true) = (u32_at(0), u32_at(4), bytes.len() > HEADER) else {
        return Err((Wrong::TooSmall, 0));
    };
    if size != bytes.len() {
        return Err((Wrong::Size, 0));
    }
    if bytes.last() != Some(&0xff) {
        return Err((Wrong::EndMark, bytes.len() - 1));
    }
    let (mut at, mut last, mut before, mut count) = (HEADER, HEADER, 0, 0);
    while at + 1 < bytes.len() {
        let (value, told, len) = entry(bytes, at)?;
        if told != before {
            return Err((Wrong::BackLength, at));
        }
        each(value, at)?;
        count += 1;
        (last, before, at) = (at, len, at + len);
    }
    if at + 1 != bytes.len() {
        return Err((Wrong::EndMark, at));
    }
    if tail != last {
        return Err((Wrong::LastEntry, 4));
    }
    match bytes.get(8..HEADER) {
        Some(&[low, high]) => match u16::from_le_bytes([low, high]) {
            u16::MAX => Ok(count),
            told if u64::from(told) == count => Ok(count),
            _ => Err((Wrong::Count, 8)),
        },
        _ => Err((Wrong::TooSmall, 0)),
    }
}

/// The entry at `at`: its value, the length it tells of the one before, its own length.
fn entry(bytes: &[u8], at: usize) -> Result<(Value<'_>, usize, usize), Found> {
    let past = (Wrong::EntryPastEnd, at);
    let form = (Wrong::EntryForm, at);
    let rest = bytes.get(at..bytes.len() - 1).ok_or(past)?;
    let (before, head) = match rest.first() {
        None => return Err(past),
        Some(0xff) => return Err(form),
        Some(0xfe) => {
            let told = rest.get(1..).and_then(|rest| rest.first_chunk()).ok_or(past)?;
            (u32::from_le_bytes(*told) as usize, 5)
        }
        Some(&told) => (usize::from(told), 1),
    };
    let rest = &rest[head..];
    let (value, len) = decode(rest).ok_or(past)?.ok_or(form)?;
    Ok((value, before, head + len))
}

/// Value and length; outer `None`: too few bytes; inner `None`: no such form.
fn decode(rest: &[u8]) -> Option<Option<(Value<'_>, usize)>> {
    let first = *rest.first()?;
    let text = |head: usize, len: usize| {
        let end = head.checked_add(len)?;
        Some(Some((Value::Text(rest.get(head..end)?), end)))
    };
    let integer = |number: i64, len: usize| Some(Some((Value::Integer(number), len)));
    let data = rest.get(1..)?;
    match first {
        0x00..=0x3f => text(1, usize::from(first)),
        0x40..=0x7f => text(2, usize::from(first & 0x3f) << 8 | usize::from(*data.first()?)),
        0x80 => text(5, u32::from_be_bytes(*data.first_chunk()?) as usize),
        0xc0 => integer(i16::from_le_bytes(*data.first_chunk()?).into(), 3),
        0xd0 => integer(i32::from_le_bytes(*data.first_chunk()?).into(), 5),
        0xe0 => integer(i64::from_le_bytes(*data.first_chunk()?), 9),
        0xf0 => {
            let &[a, b, c] = data.first_chunk()?;
            integer(i64::from(i32::from_le_bytes([0, a, b, c]) >> 8), 4)
        }
        0xfe => integer(data.first()?.cast_signed().into(), 2),
        0xf1..=0xfd => integer(i64::from(first & 0x0f) - 1, 1),
        _ => Some(None),
    }
}
