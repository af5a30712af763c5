//! Whether an end that looks torn may be something else: sound records behind a wrong length.
//!
//! A record that claims more than there is, is torn, or its length is wrong and what it claims are the records
//! that follow it. Bytes cannot tell one from the other when a chain of sound records runs from inside it to the
//! end of the data: then both are possible, and nobody may call it torn. Here headers before the chain are not
//! believed, for one of them may be the wrong one; and a name counts that has the form of one, for records of
//! modules are worth as much as others.
//!
//! The search goes over the bytes once more, and never over the same ones again.

use super::careful::{self, Careful};
use super::names::{Names, has_form};
use super::sound;
use crate::disk::Source;
use crate::error::Result;
use crate::format::annotation::annotation;
use crate::format::resp::{self, Reason, Stop, resync};
use crate::limits;

/// What stands at a place in a chain.
enum Link {
    /// A whole record or annotation of so many bytes.
    Whole(u64),
    /// The beginning of a record that the end of the data tears off; as below.
    Torn { resume: u64 },
    /// Neither; everything before `resume` has been accounted for.
    Broken { resume: u64 },
}

/// Where the first chain of sound records begins, at `from` or later, that runs to the end of the data: up to its
/// last byte, to a record that is torn there, or to NUL bytes.
pub(super) fn chain_to_the_end(
    source: &mut dyn Source,
    from: u64,
    names: &Names<'_>,
) -> Result<Option<u64>> {
    let mut at = from.max(source.oldest());
    while let Some(candidate) = candidate(source, at, u64::MAX)? {
        match follow(source, candidate, names)? {
            None => return Ok(Some(candidate)),
            Some(resume) => at = resume.max(candidate + 1),
        }
    }
    Ok(None)
}

/// Whether the chain of sound records at `place` ends with one that the end of the data tears off, or a few bytes
/// before it, as text does that goes on.
pub(super) fn is_torn_off(source: &mut dyn Source, place: u64, names: &Names<'_>) -> Result<bool> {
    let mut at = place;
    loop {
        if source.window(at, 1)?.is_empty() {
            return Ok(false);
        }
        match link(source, at, names)? {
            Link::Whole(len) => at += len,
            Link::Torn { .. } => return Ok(true),
            Link::Broken { .. } => {
                let left = source.window(at, limits::LOADER_LINE)?;
                return Ok(left.len() < limits::LOADER_LINE && left.first() != Some(&0));
            }
        }
    }
}

/// The record that begins inside the one at `last` and ends behind `start`, where that one ends: its first and
/// its end. A length of the record at `last` is wrong then, and has swallowed what came after it.
pub(super) fn crossing(
    source: &mut dyn Source,
    last: u64,
    start: u64,
    names: &Names<'_>,
) -> Result<Option<(u64, u64)>> {
    let mut at = last.saturating_add(1);
    if last < source.oldest() {
        return Ok(None);
    }
    while let Some(candidate) = candidate(source, at, start)? {
        at = candidate;
        loop {
            match link(source, at, names)? {
                Link::Whole(len) if at + len > start => return Ok(Some((at, at + len))),
                Link::Whole(len) => at += len,
                Link::Torn { resume } | Link::Broken { resume } => {
                    at = resume.max(candidate + 1);
                    break;
                }
            }
            // What ends with the record lies in it: that is a value, and not what follows.
            if at == start {
                return Ok(None);
            }
        }
    }
    Ok(None)
}

/// The next place from `at` on, before `until`, that looks like the beginning of a record.
fn candidate(source: &mut dyn Source, mut at: u64, until: u64) -> Result<Option<u64>> {
    while at < until {
        let window = source.window(at, 1)?;
        if window.is_empty() {
            return Ok(None);
        }
        let window = &window[..window.len().min(limits::WINDOW)];
        match resync::candidates(window).next() {
            Some(place) => return Ok(Some(at + place as u64).filter(|&place| place < until)),
            None => at += window.len() as u64,
        }
    }
    Ok(None)
}

/// Follows the chain that begins at `start`. `None`: it runs to the end of the data; else where to search on.
fn follow(source: &mut dyn Source, start: u64, names: &Names<'_>) -> Result<Option<u64>> {
    let mut at = start;
    loop {
        let window = source.window(at, 1)?;
        match window.first() {
            // The search began at a record, so there was one.
            None => return Ok(None),
            Some(0) => {
                let behind = behind_zeros(source, at)?;
                return Ok(Some(behind).filter(|&behind| source.length() != Some(behind)));
            }
            Some(_) => {}
        }
        match link(source, at, names)? {
            Link::Whole(len) => at += len,
            Link::Torn { .. } if at > start => return Ok(None),
            Link::Torn { resume } | Link::Broken { resume } => return Ok(Some(resume)),
        }
    }
}

/// The first byte from `at` on that is not NUL.
fn behind_zeros(source: &mut dyn Source, mut at: u64) -> Result<u64> {
    loop {
        let window = source.window(at, 1)?;
        match window.iter().position(|&b| b != 0) {
            Some(place) => return Ok(at + place as u64),
            None if window.is_empty() => return Ok(at),
            None => at += window.len() as u64,
        }
    }
}

fn link(source: &mut dyn Source, at: u64, names: &Names<'_>) -> Result<Link> {
    // As much as every source gives, so that all judge alike.
    let window = source.window(at, limits::WINDOW)?;
    let window = &window[..window.len().min(limits::WINDOW)];
    if window.first() == Some(&b'#') {
        let line = annotation(window, window.len() < limits::WINDOW);
        return Ok(line.map_or(Link::Broken { resume: at + 1 }, |l| Link::Whole(l.len as u64)));
    }
    match resp::record(window) {
        Ok(shape) if has_form(shape.name) || names.knows(shape.name) => {
            Ok(Link::Whole(shape.len as u64))
        }
        Ok(shape) => Ok(Link::Broken { resume: at + shape.len as u64 }),
        Err(Stop::Wrong(fault)) => {
            let resume = at + sound::resume_after(window, fault.at, fault.reason);
            Ok(Link::Broken { resume })
        }
        Err(Stop::Short) => Ok(match careful::read(source, at, sound::between)? {
            Careful::Record { len, oddities, heads, .. }
                if !oddities.any()
                    && heads
                        .first()
                        .is_some_and(|n| has_form(&n.bytes) || names.knows(&n.bytes)) =>
            {
                Link::Whole(len)
            }
            Careful::Record { len, .. } | Careful::Hollow { len, .. } => {
                Link::Broken { resume: at + len }
            }
            Careful::Wrong(wrong) if wrong.fault.reason == Reason::Torn => {
                Link::Torn { resume: wrong.resume }
            }
            Careful::Wrong(wrong) => Link::Broken { resume: wrong.resume },
        }),
    }
}
