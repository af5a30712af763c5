//! Reads one record token by token, as loaders do, wherever the fast way stopped: larger than a
//! window, not canonical, torn or wrong.

use super::event::LoaderMeets;
use crate::disk::Source;
use crate::error::Result;
use crate::format::fault::Fault;
use crate::format::resp::lenient::{Head, Line, line};
use crate::format::resp::{Oddities, Reason};
use crate::limits;

/// Looks for a sound record in bytes of a stream, from one offset to another, that are passed over and cannot be read
/// again.
pub(super) type Search = fn(&mut dyn Source, u64, u64) -> Result<Option<u64>>;

/// What begins at an offset.
#[derive(Debug)]
pub(super) enum Careful {
    /// A record that loaders take.
    Record { len: u64, argc: u32, payload: u64, oddities: Oddities, heads: Vec<Head> },
    /// `*0` and its like.
    Hollow { len: u64, refused_by_checker: bool },
    /// Neither.
    Wrong(Wrong),
}

/// Bytes that are no record.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) fault: Fault<Reason>,
    /// Where to begin looking for the next record: behind everything that was proven.
    pub(super) resume: u64,
    pub(super) loader: LoaderMeets,
    /// In a stream: a sound place inside a payload that can no longer be read.
    pub(super) seen_inside: Option<u64>,
    /// The argument headers that may be to blame.
    pub(super) suspects: [Option<Suspect>; 2],
}

/// An argument's header, which may be what is wrong.
#[derive(Clone, Copy, Debug)]
pub(super) struct Suspect {
    /// Its offset.
    pub(super) header: u64,
    /// Arguments of the record after this one.
    pub(super) after: u32,
}

impl Wrong {
    fn format(at: u64, reason: Reason, resume: u64) -> Careful {
        let loader = LoaderMeets::BadFormat;
        let fault = Fault::new(at, reason);
        Careful::Wrong(Self { fault, resume, loader, seen_inside: None, suspects: [None; 2] })
    }

    fn torn(start: u64, resume: u64) -> Careful {
        let loader = LoaderMeets::EndOfFile;
        let fault = Fault::new(start, Reason::Torn);
        Careful::Wrong(Self { fault, resume, loader, seen_inside: None, suspects: [None; 2] })
    }
}

/// What follows an argument's header.
enum Payload {
    /// It is there; the record goes on at this offset.
    Passed {
        next: u64,
        bad_terminator: bool,
        head: Box<[u8]>,
    },
    Wrong(Careful),
}

/// Reads what begins at `start`, whose first byte is not `#`.
pub(super) fn read(source: &mut dyn Source, start: u64, search: Search) -> Result<Careful> {
    let header = source.peek(start, limits::LOADER_LINE)?;
    match header.first() {
        None => return Ok(Wrong::torn(start, start)),
        Some(b'*') => {}
        Some(&found) => {
            let reason = Reason::Expected { wanted: b'*', found };
            return Ok(Wrong::format(start, reason, loose_arguments(source, start)?));
        }
    }
    let at_end = header.len() < limits::LOADER_LINE;
    let count = line(header);
    if count.len == 1 && at_end {
        return Ok(Wrong::torn(start, start + 1));
    }
    let mut oddities = count.oddities;
    // Loaders keep the count in 32 bits; what is beyond is cut off.
    let argc = count.value as i32;
    if argc < 1 {
        return Ok(hollow(start, &count, header));
    }
    oddities.wrapped_count = i64::from(argc) != count.value;
    arguments(source, start, start + count.len as u64, argc as u32, oddities, search)
}

/// Where arguments end that stand without a record's header: what is left of a record whose beginning is
/// lost. Their headers are intact, so what lies in them is believed to be theirs.
fn loose_arguments(source: &mut dyn Source, mut at: u64) -> Result<u64> {
    // What a stream has passed it cannot search again.
    let reach = source.length().unwrap_or(at);
    loop {
        let header = source.peek(at, limits::LOADER_LINE)?;
        if header.first() != Some(&b'$') {
            return Ok(at);
        }
        let length = line(header);
        let (true, Ok(len)) = (!length.oddities.any(), u64::try_from(length.value)) else {
            return Ok(at);
        };
        let end = (at + length.len as u64).saturating_add(len);
        if end.saturating_add(2) > reach || !source.peek(end, 2)?.starts_with(b"\r\n") {
            return Ok(at);
        }
        at = end + 2;
    }
}

/// A count below 1: passed over by redis-check-aof when its line is in order.
fn hollow(start: u64, count: &Line, header: &[u8]) -> Careful {
    let unended = count.len < limits::LOADER_LINE && header.get(count.len - 1) != Some(&b'\n');
    if header.get(1) == Some(&0) {
        // The C string ends after the marker. Loaders take that for the end of the file where that has come, else for an
        // error of reading.
        if unended {
            return Wrong::torn(start, start + 1);
        }
        let reason = Reason::BadNumber { found: 0 };
        let mut wrong = Wrong::format(start + 1, reason, start + 1);
        if let Careful::Wrong(wrong) = &mut wrong {
            wrong.loader = LoaderMeets::ReadError;
        }
        return wrong;
    }
    let junk = header.get(1).is_some_and(|b| !count.digits && !b"\r\n".contains(b));
    if junk || (count.value as i32) < 1 && count.value > 0 {
        let found = header.get(1).copied().unwrap_or_default();
        return Wrong::format(start + 1, Reason::BadNumber { found }, start + 1);
    }
    let refused_by_checker = count.oddities.refused_by_checker();
    Careful::Hollow { len: count.len as u64, refused_by_checker }
}

fn arguments(
    source: &mut dyn Source,
    start: u64,
    mut at: u64,
    argc: u32,
    mut oddities: Oddities,
    search: Search,
) -> Result<Careful> {
    let (mut heads, mut payload_bytes) = (Vec::new(), 0);
    let mut before = None;
    for left in (0..argc).rev() {
        let header = source.peek(at, limits::LOADER_LINE)?;
        match header.first() {
            None => return Ok(Wrong::torn(start, at)),
            Some(b'$') => {}
            Some(&found) => {
                let reason = Reason::Expected { wanted: b'$', found };
                let mut wrong = Wrong::format(at, reason, at);
                if let Careful::Wrong(wrong) = &mut wrong {
                    // The length before may have led here: it ended where a line ends by chance.
                    wrong.suspects = [before, Some(Suspect { header: at, after: left })];
                }
                return Ok(wrong);
            }
        }
        let length = line(header);
        oddities = merge(oddities, length.oddities);
        let from = at + length.len as u64;
        let suspect = Some(Suspect { header: at, after: left });
        match payload(source, start, from, length.value, left == 0, search)? {
            Payload::Wrong(mut wrong) => {
                if let Careful::Wrong(wrong) = &mut wrong {
                    wrong.suspects = [before, suspect];
                }
                return Ok(wrong);
            }
            Payload::Passed { next, bad_terminator, head } => {
                oddities.bad_terminator |= bad_terminator;
                payload_bytes += length.value.unsigned_abs();
                if heads.len() < limits::OUTLINE_ARGUMENTS {
                    heads.push(Head { len: length.value as u64, bytes: head });
                }
                before = suspect;
                at = next;
            }
        }
    }
    Ok(Careful::Record { len: at - start, argc, payload: payload_bytes, oddities, heads })
}

fn merge(a: Oddities, b: Oddities) -> Oddities {
    Oddities {
        loose_number: a.loose_number || b.loose_number,
        loose_line: a.loose_line || b.loose_line,
        long_line: a.long_line || b.long_line,
        wrapped_count: a.wrapped_count || b.wrapped_count,
        bad_terminator: a.bad_terminator || b.bad_terminator,
    }
}

/// Passes over `declared` bytes at `from` and the two bytes after them.
fn payload(
    source: &mut dyn Source,
    start: u64,
    from: u64,
    declared: i64,
    last: bool,
    search: Search,
) -> Result<Payload> {
    let wrong = |at, reason, loader, seen_inside| {
        let (fault, suspects) = (Fault::new(at, reason), [None; 2]);
        Payload::Wrong(Careful::Wrong(Wrong { fault, resume: from, loader, seen_inside, suspects }))
    };
    let Ok(len) = u64::try_from(declared) else {
        return Ok(wrong(from, Reason::NegativeLength, LoaderMeets::Crash, None));
    };
    let Some(end) = from.checked_add(len).and_then(|end| end.checked_add(2)) else {
        return Ok(wrong(from, Reason::HugeLength, LoaderMeets::Crash, None));
    };
    let head = source.peek(from, limits::OUTLINE_HEAD)?;
    let kept = head.len().min(limits::OUTLINE_HEAD).min(usize::try_from(len).unwrap_or(usize::MAX));
    let head: Box<[u8]> = head[..kept].into();
    let (there, seen_inside) = reach(source, from, end, search)?;
    if !there {
        return Ok(wrong(start, Reason::Torn, LoaderMeets::Allocation(len), seen_inside));
    }
    let terminator = source.peek(end - 2, 2)?.first_chunk::<2>().copied();
    let bad_terminator = match terminator {
        Some([b'\r', b'\n']) => false,
        Some(found) if !goes_on(source, end, last)? => {
            let reason = Reason::BadTerminator { found };
            let loader =
                if last { LoaderMeets::BadFormatBehind(end) } else { LoaderMeets::BadFormat };
            return Ok(wrong(end - 2, reason, loader, seen_inside));
        }
        _ => true,
    };
    Ok(Payload::Passed { next: end, bad_terminator, head })
}

/// Whether the data reaches up to `end`. In a stream this moves forward, and looks for sound places on
/// the way when what it passes could not be read again later.
fn reach(
    source: &mut dyn Source,
    from: u64,
    end: u64,
    search: Search,
) -> Result<(bool, Option<u64>)> {
    if let Some(len) = source.length() {
        return Ok((end <= len, None));
    }
    let mut seen_inside = None;
    if end - from > (limits::STREAM_BACK / 2) as u64 {
        seen_inside = search(source, from, end)?;
    }
    Ok((!source.window(end - 1, 1)?.is_empty(), seen_inside))
}

/// Whether what lies behind a wrong terminator continues the record (or the file), so that only the
/// terminator is wrong and the length was right. Loaders pass over the two bytes without a look.
fn goes_on(source: &mut dyn Source, at: u64, last: bool) -> Result<bool> {
    let next = source.peek(at, limits::LOADER_LINE)?;
    let marker = if last { b'*' } else { b'$' };
    Ok(match next.first() {
        None => last,
        Some(b'#') => last,
        Some(&b) => b == marker && line(next).digits,
    })
}
