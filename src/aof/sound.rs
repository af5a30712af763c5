//! Where a file becomes sound again after damage.
//!
//! A place counts as sound at a canonical record whose command name is known, followed by two more
//! such records or by the end of the data; annotation lines may stand between. A name is known that a server or a
//! module has, or that was seen in a whole record before. Records of names that nobody knows prove a place as well when
//! there are many of them, or when they lead to known ones or to the end. What was proven of a
//! broken candidate is not searched again, so the search takes linear time whatever the bytes are.

use crate::disk::Source;
use crate::error::Result;
use crate::format::annotation::annotation;
use crate::format::resp::{self, Reason, Stop, resync};
use crate::limits;

use super::careful::{self, Careful};
use super::names::{Names, has_form};

/// The outcome of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The first sound place.
    pub(super) place: Option<u64>,
    /// From here on, everything that was searched is NUL bytes (the end when the last byte is not).
    pub(super) zeros_from: u64,
    /// Something before the place was passed over because the data ended in it: with more bytes the place may be there.
    pub(super) met_end: bool,
}

/// Where to look.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reach {
    /// Nothing from here on is asked for.
    pub(super) until: Option<u64>,
    /// Up to here, the bytes belong to an argument with an intact header. What looks like records in there
    /// counts only where they go on behind it: then not they are wrong, but its length.
    pub(super) claimed: Option<u64>,
}

/// Looks for the first sound place at or after `from`.
pub(super) fn find(
    source: &mut dyn Source,
    from: u64,
    reach: Reach,
    names: &Names<'_>,
) -> Result<Found> {
    let mut at = from.max(source.oldest());
    let mut found = Found { place: None, zeros_from: at, met_end: false };
    let is_asked = |at: u64| reach.until.is_none_or(|until| at < until);
    while is_asked(at) {
        let window = source.window(at, 1)?;
        if window.is_empty() {
            break;
        }
        // In windows of bounded size, so that a proof that moves a stream forward stays near.
        let window = &window[..window.len().min(limits::WINDOW)];
        // Whichever comes first decides: bytes in front of both belong to nothing.
        let candidate = resync::candidates(window).next();
        let before = candidate.unwrap_or(window.len());
        let argument = resync::argument_headers(window).next().filter(|&at| at < before);
        let passed = argument.unwrap_or(before);
        if let Some(last) = window[..passed].iter().rposition(|&b| b != 0) {
            found.zeros_from = at + last as u64 + 1;
        }
        at += passed as u64;
        if argument.is_some() {
            // What is whole is believed to be an argument: nothing in it is searched.
            at = match argument_end(source, at)? {
                Argument::To(end) => end,
                Argument::None => at + 1,
                Argument::Cut => {
                    found.met_end = true;
                    at + 1
                }
            };
            found.zeros_from = at;
        } else if candidate.is_some() {
            found.zeros_from = at + 1;
            match prove(source, at, names)? {
                Proof::Sound if !is_asked(at) => break,
                Proof::Sound => match breaks_before(source, at, reach.claimed, names)? {
                    None => {
                        found.place = Some(at);
                        return Ok(found);
                    }
                    // Records inside a value: behind the last of them the search goes on, not behind each.
                    Some(end) => at = end.max(at + 1),
                },
                Proof::Broken { resume, is_cut } => {
                    found.met_end |= is_cut;
                    at = resume.max(at + 1);
                    found.zeros_from = at;
                }
            }
        }
    }
    Ok(found)
}

/// The first sound place between two offsets, for whoever passes over these bytes of a stream.
pub(super) fn between(source: &mut dyn Source, from: u64, until: u64) -> Result<Option<u64>> {
    let reach = Reach { until: Some(until), claimed: None };
    Ok(find(source, from, reach, &Names::default())?.place)
}

/// What a header of an argument announces.
enum Argument {
    /// It is whole, and ends here.
    To(u64),
    /// No argument.
    None,
    /// The data ends before it does.
    Cut,
}

/// Where the argument ends whose canonical header stands at `at`: with a line end, and something that may
/// follow an argument behind it.
fn argument_end(source: &mut dyn Source, at: u64) -> Result<Argument> {
    let line = source.peek(at, limits::LOADER_LINE)?;
    // The window in which it was found may have ended inside its header.
    if resync::argument_headers(line).next() != Some(0) {
        return Ok(Argument::None);
    }
    let length = resp::lenient::line(line);
    let Ok(len) = u64::try_from(length.value) else { return Ok(Argument::None) };
    let end = (at + length.len as u64).saturating_add(len);
    if length.oddities.any() {
        return Ok(Argument::None);
    }
    if source.length().is_some_and(|data| data < end.saturating_add(2)) {
        return Ok(Argument::Cut);
    }
    if !is_line_end(source, end)? {
        return Ok(Argument::None);
    }
    let next = source.peek(end + 2, 1)?.first().copied();
    Ok(match next.is_none_or(|b| b"*$#".contains(&b)) {
        true => Argument::To(end + 2),
        false => Argument::None,
    })
}

/// Whether CRLF stands at `at`. In a stream, only what can be reached without losing the way back.
pub(super) fn is_line_end(source: &mut dyn Source, at: u64) -> Result<bool> {
    let near = source.oldest() + limits::STREAM_BACK as u64;
    let reach = source.length().unwrap_or(near);
    Ok(at.saturating_add(2) <= reach && source.peek(at, 2)?.starts_with(b"\r\n"))
}

/// Where the chain of sound records from `at` on breaks, when it does not go beyond `claimed`.
fn breaks_before(
    source: &mut dyn Source,
    at: u64,
    claimed: Option<u64>,
    names: &Names<'_>,
) -> Result<Option<u64>> {
    let Some(claimed) = claimed else { return Ok(None) };
    let end = chain_end(source, at, claimed.saturating_add(1), names)?;
    // What follows at the claimed end itself may have names that count only with what comes after them.
    let goes_on = end > claimed
        || source.window(end, 1)?.is_empty()
        || end == claimed && is_sound(source, end, names)?;
    Ok(Some(end).filter(|_| !goes_on))
}

/// Whether the place is sound, or the end of the data.
pub(super) fn is_sound(source: &mut dyn Source, at: u64, names: &Names<'_>) -> Result<bool> {
    Ok(source.length() == Some(at) || matches!(prove(source, at, names)?, Proof::Sound))
}

/// Where the chain of sound records from `at` on breaks, or the first end of one at or after `enough`.
fn chain_end(source: &mut dyn Source, mut at: u64, enough: u64, names: &Names<'_>) -> Result<u64> {
    while at < enough {
        let window = source.window(at, limits::WINDOW)?;
        let len = match (window.first(), resp::record(window)) {
            (None, _) => return Ok(at),
            (Some(b'#'), _) => {
                annotation(window, window.len() < limits::WINDOW).map(|a| a.len as u64)
            }
            // The place was proven: names that nobody knows count as they did there.
            (_, Ok(shape)) if may_be_name(shape.name) => Some(shape.len as u64),
            (_, Ok(_)) => None,
            (_, Err(Stop::Short)) => match large(source, at, at, names)? {
                Large::Whole(len) | Large::Stranger(len) => Some(len),
                Large::Broken(_) | Large::Cut(_) | Large::OutOfReach => None,
            },
            (_, Err(Stop::Wrong(_))) => None,
        };
        match len {
            Some(len) => at += len,
            None => return Ok(at),
        }
    }
    Ok(at)
}

enum Proof {
    Sound,
    /// Not sound; everything before `resume` has been accounted for.
    Broken {
        resume: u64,
        /// It may be with more bytes, for the data ends in it.
        is_cut: bool,
    },
}

impl Proof {
    const fn broken(resume: u64) -> Self {
        Self::Broken { resume, is_cut: false }
    }

    const fn cut(resume: u64) -> Self {
        Self::Broken { resume, is_cut: true }
    }
}

/// Whether a chain of canonical, known records begins at `start`.
fn prove(source: &mut dyn Source, start: u64, names: &Names<'_>) -> Result<Proof> {
    let mut at = start;
    let mut records = 0;
    while records < limits::SOUND_RECORDS {
        let window = source.window(at, limits::WINDOW)?;
        match window.first() {
            None => break,
            Some(b'#') if records > 0 => {
                match annotation(window, window.len() < limits::WINDOW) {
                    Some(line) => at += line.len as u64,
                    None if window.len() < limits::WINDOW => return Ok(Proof::cut(at + 1)),
                    None => return Ok(Proof::broken(at + 1)),
                }
                continue;
            }
            Some(_) => {}
        }
        let len = match resp::record(window) {
            Ok(shape) if names.knows(shape.name) => shape.len as u64,
            // A name that nobody knows may be damage, or a newer server's: more records have to speak for it.
            Ok(_) => return strangers(source, start, names),
            Err(Stop::Short) => match large(source, start, at, names)? {
                Large::Whole(len) => len,
                Large::Stranger(_) => return strangers(source, start, names),
                Large::Broken(resume) => return Ok(Proof::broken(resume)),
                Large::Cut(resume) => return Ok(Proof::cut(resume)),
                // So much that was canonical up to here is no accident.
                Large::OutOfReach if records > 0 => return Ok(Proof::Sound),
                Large::OutOfReach => return Ok(Proof::broken(at + 1)),
            },
            Err(Stop::Wrong(fault)) => {
                let resume = at + resume_after(window, fault.at, fault.reason);
                return Ok(Proof::broken(resume));
            }
        };
        records += 1;
        at += len;
    }
    // Fewer than asked for, but the data ends behind them: nothing contradicts them.
    Ok(if records > 0 { Proof::Sound } else { Proof::cut(at) })
}

/// Whether this may be a name at all, whoever has a command of it.
fn may_be_name(name: &[u8]) -> bool {
    name.len() <= limits::NAME && !name.contains(&b'\n')
}

/// Whether a record of this name counts in a chain that is sound elsewhere.
fn is_name(name: &[u8], names: &Names<'_>) -> bool {
    has_form(name) || names.knows(name)
}

/// Whether a chain of canonical records begins at `start` in which there are names that nobody knows.
fn strangers(source: &mut dyn Source, start: u64, names: &Names<'_>) -> Result<Proof> {
    let (mut at, mut records, mut known) = (start, 0, 0);
    // Three in a row may have any names.
    let mut have_form = true;
    let broken = |resume: u64| Ok(Proof::broken(resume));
    while records < limits::STRANGERS && known < limits::SOUND_RECORDS {
        let window = source.window(at, limits::WINDOW)?;
        match window.first() {
            None if have_form || records >= limits::SOUND_RECORDS => return Ok(Proof::Sound),
            None => return Ok(Proof::cut(at)),
            Some(b'#') if records > 0 => {
                match annotation(window, window.len() < limits::WINDOW) {
                    Some(line) => at += line.len as u64,
                    None if window.len() < limits::WINDOW => return Ok(Proof::cut(at + 1)),
                    None => return broken(at + 1),
                }
                continue;
            }
            Some(_) => {}
        }
        let (len, is_known) = match resp::record(window) {
            Ok(shape) if may_be_name(shape.name) => {
                have_form &= is_name(shape.name, names);
                (shape.len as u64, names.knows(shape.name))
            }
            // A whole record under a name that is none is believed to be one: what looks like records inside its
            // payload is not searched.
            Ok(shape) => return broken(at + shape.len as u64),
            Err(Stop::Short) => match large(source, start, at, names)? {
                Large::Whole(len) => (len, true),
                Large::Stranger(len) => (len, false),
                Large::Broken(resume) => return broken(resume),
                Large::Cut(resume) => return Ok(Proof::cut(resume)),
                Large::OutOfReach if records >= limits::SOUND_RECORDS => return Ok(Proof::Sound),
                Large::OutOfReach => return broken(at + 1),
            },
            Err(Stop::Wrong(fault)) => {
                return broken(at + resume_after(window, fault.at, fault.reason));
            }
        };
        known = if is_known { known + 1 } else { 0 };
        records += 1;
        at += len;
        // A stream can be read ahead only so far and back again.
        let is_far = at - start > (limits::STREAM_BACK / 2) as u64;
        if is_far && source.length().is_none() {
            return if records >= limits::SOUND_RECORDS { Ok(Proof::Sound) } else { broken(at) };
        }
    }
    Ok(Proof::Sound)
}

/// Where to search on after a record that turned out wrong at `fault` (both count from the window):
/// behind what was proven; and an argument whose terminator is wrong proves nothing.
pub(super) fn resume_after(window: &[u8], fault: u64, reason: Reason) -> u64 {
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

/// What became of a look at a record that does not fit in a window.
enum Large {
    /// Whole, canonical and known.
    Whole(u64),
    /// The same, but that nobody knows its name.
    Stranger(u64),
    /// Not that; everything before the offset has been accounted for.
    Broken(u64),
    /// The same, because the data ends in it.
    Cut(u64),
    /// It ends further on than a stream can be read ahead and back again.
    OutOfReach,
}

/// A record that is only looked at ends where its source ends: nothing is passed over for good.
fn not_asked(_: &mut dyn Source, _: u64, _: u64) -> Result<Option<u64>> {
    Ok(None)
}

/// Looks at a large record in a chain that began at `start`.
fn large(source: &mut dyn Source, start: u64, at: u64, names: &Names<'_>) -> Result<Large> {
    if source.length().is_some() {
        return Ok(judged(at, careful::read(source, at, not_asked)?, false, names));
    }
    let limit = start.saturating_add((limits::STREAM_BACK - limits::WINDOW) as u64);
    // Brings everything up to there into the stream's buffer, or finds its end.
    source.window(limit.max(at), 1)?;
    let ended = source.length();
    let mut near = Near { end: ended.unwrap_or(limit).min(limit), source };
    Ok(judged(
        at,
        careful::read(&mut near, at, not_asked)?,
        ended.is_none_or(|end| end > limit),
        names,
    ))
}

fn judged(at: u64, read: Careful, is_cut: bool, names: &Names<'_>) -> Large {
    match read {
        Careful::Record { len, oddities, heads, .. } if !oddities.any() => match heads.first() {
            Some(name) if names.knows(&name.bytes) => Large::Whole(len),
            Some(name) if has_form(&name.bytes) => Large::Stranger(len),
            _ => Large::Broken(at + len),
        },
        Careful::Record { len, .. } | Careful::Hollow { len, .. } => Large::Broken(at + len),
        Careful::Wrong(wrong) if is_cut && wrong.fault.reason == Reason::Torn => Large::OutOfReach,
        Careful::Wrong(wrong) if wrong.fault.reason == Reason::Torn => Large::Cut(wrong.resume),
        Careful::Wrong(wrong) => Large::Broken(wrong.resume),
    }
}

/// A stream as far as it is in memory: a look at it moves nothing.
struct Near<'s> {
    source: &'s mut dyn Source,
    end: u64,
}

impl Source for Near<'_> {
    fn window(&mut self, at: u64, need: usize) -> Result<&[u8]> {
        let left = usize::try_from(self.end.saturating_sub(at)).unwrap_or(usize::MAX);
        if left == 0 {
            return Ok(&[]);
        }
        let window = self.source.window(at, need.min(left))?;
        Ok(&window[..window.len().min(left)])
    }

    fn length(&self) -> Option<u64> {
        Some(self.end)
    }

    fn oldest(&self) -> u64 {
        self.source.oldest()
    }

    fn settle(&mut self) -> Result<()> {
        self.source.settle()
    }
}
