//! What a single wrong byte in a header line leaves behind, and where the record it belongs to ends.
//!
//! A damaged record is tried again with one byte of a suspect header taken for another, for lost or for too
//! much: its marker, a digit, the CR or the LF. Where all arguments then fit, canonical to the last byte, and the place behind
//! them is sound, exactly this record is lost, and nothing inside its payloads is taken for more than it
//! is. Nothing is repaired here: this only tells where the damage ends.

use super::careful::{Suspect, Wrong};
use super::names::Names;
use super::sound;
use crate::disk::Source;
use crate::error::Result;
use crate::format::resp::{self, Record, lenient};
use crate::limits;

/// Longest number that is tried: nine digits hold every length servers take by default.
const DIGITS: usize = 9;

/// Arguments walked for one try; a record with more is left to the search for the next sound place.
const ARGUMENTS: u64 = 64;

/// Where the wrong record at `start` ends.
pub(super) fn end_of_wrong(
    source: &mut dyn Source,
    start: u64,
    wrong: &Wrong,
    names: &Names<'_>,
) -> Result<Option<u64>> {
    // A byte that was changed is more likely than one that was lost or put in.
    for edit in [Edit::Changed, Edit::LostOrAdded] {
        for suspect in wrong.suspects.iter().flatten() {
            if let Some(end) = with_argument(source, *suspect, u64::MAX, edit, names)? {
                return Ok(Some(end));
            }
        }
        for (from, count) in readings(source, start, b'*', edit)? {
            let end = arguments_end(source, from, count)?.filter(|_| count > 0);
            if let Some(end) = end
                && sound::is_sound(source, end, names)?
            {
                return Ok(Some(end));
            }
        }
    }
    Ok(None)
}

/// Where the record begins and ends whose beginning lies inside the last argument of the record at `last`:
/// its length, one digit off, ended where a line ends by chance, and what follows at `start` begins with
/// nothing.
pub(super) fn swallowed(
    source: &mut dyn Source,
    last: u64,
    start: u64,
    names: &Names<'_>,
) -> Result<Option<(u64, u64)>> {
    if last < source.oldest() {
        return Ok(None);
    }
    let window = source.window(last, limits::WINDOW)?;
    let window = &window[..window.len().min(limits::WINDOW)];
    let Ok(shape) = resp::record(window) else { return Ok(None) };
    let Some(arg) = Record::canonical(shape, window, last).args().last() else { return Ok(None) };
    let digits = arg.len.to_string().len() as u64;
    let header = last + shape.len as u64 - 2 - arg.len - digits - 3;
    let suspect = Suspect { header, after: 0 };
    let Some(place) = with_argument(source, suspect, start, Edit::Changed, names)? else {
        return Ok(None);
    };
    let swallowed = resp::record(source.window(place, limits::WINDOW)?);
    let end = swallowed.ok().map(|shape| place + shape.len as u64).filter(|&end| end > start);
    Ok(end.map(|end| (place, end)))
}

/// Where a record ends, before `limit`, when one byte of an argument's header is another.
fn with_argument(
    source: &mut dyn Source,
    suspect: Suspect,
    limit: u64,
    edit: Edit,
    names: &Names<'_>,
) -> Result<Option<u64>> {
    for (from, len) in readings(source, suspect.header, b'$', edit)? {
        let end = from.saturating_add(len);
        if !sound::is_line_end(source, end)? {
            continue;
        }
        let rest = arguments_end(source, end + 2, u64::from(suspect.after))?;
        if let Some(end) = rest.filter(|&end| end < limit)
            && sound::is_sound(source, end, names)?
        {
            return Ok(Some(end));
        }
    }
    Ok(None)
}

/// What happened to one byte of a header line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edit {
    Changed,
    LostOrAdded,
}

/// What the header line at `at` said before: the offset behind it, and its number.
fn readings(source: &mut dyn Source, at: u64, marker: u8, edit: Edit) -> Result<Vec<(u64, u64)>> {
    if at < source.oldest() {
        // A stream that has passed it cannot be asked.
        return Ok(Vec::new());
    }
    let line = source.peek(at, limits::LOADER_LINE)?;
    let line = &line[..line.len().min(DIGITS + 3)];
    let mut found = Vec::new();
    let mut read = |before: &[u8], shift: i64| {
        let header = lenient::line(before);
        let canonical = before.first() == Some(&marker) && !header.oddities.any();
        if let (true, Ok(number)) = (canonical, u64::try_from(header.value)) {
            found.push(((at + header.len as u64).saturating_add_signed(shift), number));
        }
    };
    // One byte more than the line, for the one that was lost.
    let mut before = [0_u8; DIGITS + 4];
    let len = line.len();
    for place in 0..len {
        let candidates: &[u8] = if place == 0 { &[marker] } else { b"0123456789\r\n" };
        match edit {
            Edit::Changed => {
                before[..len].copy_from_slice(line);
                for &byte in candidates.iter().filter(|&&byte| byte != line[place]) {
                    before[place] = byte;
                    read(&before[..len], 0);
                }
            }
            Edit::LostOrAdded => {
                before[..place].copy_from_slice(&line[..place]);
                before[place + 1..=len].copy_from_slice(&line[place..]);
                for &byte in candidates {
                    before[place] = byte;
                    read(&before[..=len], -1);
                }
                before[place..len - 1].copy_from_slice(&line[place + 1..]);
                read(&before[..len - 1], 1);
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Where `count` canonical arguments end that begin at `at`.
fn arguments_end(source: &mut dyn Source, mut at: u64, count: u64) -> Result<Option<u64>> {
    if count > ARGUMENTS {
        return Ok(None);
    }
    for _ in 0..count {
        let header = source.peek(at, limits::LOADER_LINE)?;
        let length = lenient::line(header);
        let Ok(len) = u64::try_from(length.value) else { return Ok(None) };
        if header.first() != Some(&b'$') || length.oddities.any() {
            return Ok(None);
        }
        let end = (at + length.len as u64).saturating_add(len);
        if !sound::is_line_end(source, end)? {
            return Ok(None);
        }
        at = end + 2;
    }
    Ok(Some(at))
}
