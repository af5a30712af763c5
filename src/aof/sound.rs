//! Where a file becomes sound again after damage.
//!
//! A place counts as sound at a canonical record whose command name is known, followed by two more
//! such records or by the end of the data; annotation lines may stand between. What was proven of a
//! broken candidate is not searched again, so the search takes linear time whatever the bytes are.

use crate::command;
use crate::disk::Source;
use crate::error::Result;
use crate::format::annotation::annotation;
use crate::format::resp::{self, Reason, Stop, resync};
use crate::limits;

use super::careful::{self, Careful};

/// The outcome of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The first sound place.
    pub(super) place: Option<u64>,
    /// From here on, everything that was searched is NUL bytes (the end when the last byte is not).
    pub(super) zeros_from: u64,
}

/// Looks for the first sound place at or after `from`, and before `until` when that is given.
pub(super) fn find(source: &mut dyn Source, from: u64, until: Option<u64>) -> Result<Found> {
    let mut at = from.max(source.oldest());
    let mut found = Found { place: None, zeros_from: at };
    while until.is_none_or(|until| at < until) {
        let window = source.window(at, 1)?;
        if window.is_empty() {
            break;
        }
        // In windows of bounded size, so that a proof that moves a stream forward stays near.
        let window = &window[..window.len().min(limits::WINDOW)];
        let candidate = resync::candidates(window).next();
        let passed = candidate.unwrap_or(window.len());
        if let Some(last) = window[..passed].iter().rposition(|&b| b != 0) {
            found.zeros_from = at + last as u64 + 1;
        }
        at += passed as u64;
        if candidate.is_some() {
            found.zeros_from = at + 1;
            match prove(source, at)? {
                Proof::Sound if until.is_none_or(|until| at < until) => {
                    found.place = Some(at);
                    return Ok(found);
                }
                Proof::Sound => break,
                Proof::Broken { resume } => {
                    at = resume.max(at + 1);
                    found.zeros_from = at;
                }
            }
        }
    }
    Ok(found)
}

enum Proof {
    Sound,
    /// Not sound; everything before `resume` has been accounted for.
    Broken {
        resume: u64,
    },
}

/// Whether a chain of canonical, known records begins at `start`.
fn prove(source: &mut dyn Source, start: u64) -> Result<Proof> {
    let mut at = start;
    let mut records = 0;
    while records < limits::SOUND_RECORDS {
        let window = source.window(at, limits::WINDOW)?;
        match window.first() {
            None => break,
            Some(b'#') if records > 0 => {
                match annotation(window, window.len() < limits::WINDOW) {
                    Some(line) => at += line.len as u64,
                    None => return Ok(Proof::Broken { resume: at + 1 }),
                }
                continue;
            }
            Some(_) => {}
        }
        let len = match resp::record(window) {
            Ok(shape) if command::lookup(shape.name).is_some() => shape.len as u64,
            // A whole record under an unknown name is believed to be one: what looks like records
            // inside its payload is not searched.
            Ok(shape) => return Ok(Proof::Broken { resume: at + shape.len as u64 }),
            Err(Stop::Short) => match large(source, at)? {
                Ok(len) => len,
                Err(resume) => return Ok(Proof::Broken { resume }),
            },
            Err(Stop::Wrong(fault)) => {
                let resume = at + resume_after(window, fault.at, fault.reason);
                return Ok(Proof::Broken { resume });
            }
        };
        records += 1;
        at += len;
    }
    Ok(if records > 0 { Proof::Sound } else { Proof::Broken { resume: at } })
}

/// Where to search on after a record that turned out wrong at `fault` (both count from the window):
/// behind what was proven; and an argument whose terminator is wrong proves nothing.
fn resume_after(window: &[u8], fault: u64, reason: Reason) -> u64 {
    match reason {
        Reason::BadTerminator { .. } => {
            // The argument's own bytes: they begin after the last header line that was read.
            last_payload(window, fault)
        }
        _ => fault.max(1),
    }
}

/// Start of the argument whose terminator at `fault` is wrong.
fn last_payload(window: &[u8], fault: u64) -> u64 {
    let mut at = memchr::memchr(b'\n', window).map_or(0, |newline| newline + 1);
    loop {
        let header = &window[at..window.len().min(at + limits::LOADER_LINE)];
        let length = resp::lenient::line(header);
        let from = at + length.len;
        let end = (from as u64).saturating_add(u64::try_from(length.value).unwrap_or(0));
        if end >= fault || length.len == 0 {
            return from as u64;
        }
        at = end as usize + 2;
    }
}

/// A record that does not fit in a window: its length, or where to search on.
fn large(source: &mut dyn Source, at: u64) -> Result<std::result::Result<u64, u64>> {
    if source.length().is_none() {
        // A stream cannot be read ahead and then back again.
        return Ok(Err(at + 1));
    }
    Ok(match careful::read(source, at)? {
        Careful::Record { len, oddities, heads, .. } if !oddities.any() => {
            let known = heads.first().is_some_and(|name| command::lookup(&name.bytes).is_some());
            if known { Ok(len) } else { Err(at + len) }
        }
        Careful::Record { len, .. } | Careful::Hollow { len, .. } => Err(at + len),
        Careful::Wrong(wrong) => Err(wrong.resume),
    })
}
