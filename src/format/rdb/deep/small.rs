//! The two plain encodings.
//!
//! | encoding | bytes |
//! |---|---|
//! | intset | u32 width (2, 4, 8), u32 count, integers of that width, ascending, no two the same |
//! | zipmap | u8 count (254 and more: many), pairs of key length, key, value length, u8 free, value, free bytes; `FF` |
//!
//! A zipmap length is u8 below 254, or `FE` and u32. Pure. Sources: `intset.c`, `zipmap.c`.

use super::listpack::{Found, Value};
use super::wrong::Wrong;

/// Checks an intset; answers how many integers it has.
pub(super) fn intset(bytes: &[u8]) -> Result<u64, Found> {
    let u32_at = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    let (Some(width), Some(count)) = (u32_at(0), u32_at(4)) else {
        return Err((Wrong::TooSmall, 0));
    };
    if !matches!(width, 2 | 4 | 8) {
        return Err((Wrong::Width, 0));
    }
    if 8 + u64::from(width) * u64::from(count) != bytes.len() as u64 {
        return Err((Wrong::Size, 4));
    }
    let mut last = None;
    for (i, raw) in bytes[8..].chunks_exact(width as usize).enumerate() {
        let number = match *raw {
            [a, b] => i64::from(i16::from_le_bytes([a, b])),
            [a, b, c, d] => i64::from(i32::from_le_bytes([a, b, c, d])),
            _ => raw.first_chunk().map_or(0, |eight| i64::from_le_bytes(*eight)),
        };
        if last.is_some_and(|last| last >= number) {
            return Err((Wrong::Order, 8 + i * width as usize));
        }
        last = Some(number);
    }
    Ok(count.into())
}

/// Walks the keys and values of a zipmap by turns. Answers how many there are of both.
pub(in crate::format::rdb) fn zipmap<'a>(
    bytes: &'a [u8],
    mut each: impl FnMut(Value<'a>, usize) -> Result<(), Found>,
) -> Result<u64, Found> {
    if bytes.len() < 2 {
        return Err((Wrong::TooSmall, 0));
    }
    if bytes.last() != Some(&0xff) {
        return Err((Wrong::EndMark, bytes.len() - 1));
    }
    let (mut at, mut strings) = (1, 0_u64);
    while bytes.get(at).is_some_and(|byte| *byte != 0xff) {
        let is_value = strings % 2 == 1;
        let (text, next) = string(bytes, at, is_value).ok_or((Wrong::EntryPastEnd, at))?;
        each(Value::Text(text), at)?;
        strings += 1;
        at = next;
    }
    // What lies behind an end mark no server looks at.
    if strings % 2 == 1 {
        return Err((Wrong::Unpaired, at));
    }
    match bytes[0] {
        told if told < 254 && u64::from(told) != strings / 2 => Err((Wrong::Count, 0)),
        _ => Ok(strings),
    }
}

/// A string and where the next one begins. Values have padding, whose length stands in front of them.
fn string(bytes: &[u8], at: usize, is_value: bool) -> Option<(&[u8], usize)> {
    let (len, head) = match *bytes.get(at)? {
        0xff => return None,
        0xfe => (u32::from_le_bytes(*bytes.get(at + 1..)?.first_chunk()?) as usize, 5),
        len => (usize::from(len), 1),
    };
    let mut start = at + head;
    let mut free = 0;
    if is_value {
        free = usize::from(*bytes.get(start)?);
        start += 1;
    }
    let end = start.checked_add(len)?;
    let text = bytes.get(start..end)?;
    // The end mark must still come.
    let next = end.checked_add(free).filter(|next| *next < bytes.len())?;
    Some((text, next))
}
