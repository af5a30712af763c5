//! Tails: what stands at the very end of the last file and is no whole record or transaction.

use crate::aof::{Aof, Ending, Event, Role, Why};
use crate::check::{Report, SegmentFacts, What};
use crate::command::Kind;
use crate::error::Result;
use crate::limits;

/// What can be done about the end of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// Nothing is wrong there.
    Sound,
    /// The last file is cut.
    Cut {
        /// Its position in the set.
        segment: usize,
        /// Its new length.
        to: u64,
        /// What is cut, for a reader.
        what: &'static str,
    },
    /// No cut would be honest without a word from a person; why.
    Doubtful(String),
}

/// What goes at the end of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    pub(super) segment: usize,
    pub(super) to: u64,
    pub(super) what: &'static str,
}

/// Looks at the end of the last file, if nothing before it is broken.
pub(super) fn tail(aof: &Aof, report: &Report) -> Result<Tail> {
    Ok(match end(aof, report)? {
        Tail::Cut { segment, .. } if !aof.segments[segment].is_plain() => {
            Tail::Doubtful("it is packed or a stream: unpack it first".to_owned())
        }
        end => end,
    })
}

/// The same, also of a set that is only shown.
pub(super) fn end(aof: &Aof, report: &Report) -> Result<Tail> {
    let Some(segment) = aof.last_live() else { return Ok(Tail::Sound) };
    let Some(facts) = report.segments.get(segment).and_then(|s| s.facts.as_ref()) else {
        return Ok(Tail::Sound);
    };
    let of = &aof.segments[segment];
    let Some(halt) = facts.broken else {
        return Ok(match facts.open_annotation() {
            // Nothing is appended to a file that is no increment.
            Some(to) if of.role == Role::Increment => {
                Tail::Cut { segment, to, what: "an annotation without a line end" }
            }
            _ => behind_dump(segment, facts),
        });
    };
    let stop = facts.seen.iter().find(|seen| {
        let open = matches!(seen.what, What::OpenTransaction { .. });
        seen.offset == halt.at || open && seen.offset + seen.len == halt.at
    });
    let Some(stop) = stop.filter(|stop| stop.offset + stop.len == facts.len && stop.count == 1)
    else {
        return Ok(Tail::Sound);
    };
    let what = match &stop.what {
        What::Damage(damage) if matches!(damage.fault.reason, Why::Rdb(_)) => {
            return Ok(Tail::Sound);
        }
        What::Damage(damage) if damage.has_lost_carriage_returns() => {
            let why = format!(
                "from byte {} on its lines end in LF alone: an editor, or a copy that takes it for text, has taken CR \
                 away. Copy it again as it was, or take it from a backup (--truncate cuts it)",
                damage.start
            );
            return Ok(Tail::Doubtful(why));
        }
        What::Damage(damage) => match damage.ending {
            Ending::Torn => "the beginning of a record that was never finished",
            Ending::Zeros => "NUL bytes, as a power loss leaves them",
            Ending::Garbage => "bytes that are no record",
            Ending::Resumes | Ending::Unread(_) | Ending::Crossed(_) => return Ok(Tail::Sound),
        },
        What::OpenTransaction { .. } => "a transaction without its EXEC",
        What::Hollow => "a header that announces nothing",
        _ => return Ok(Tail::Sound),
    };
    let to = stop.cut_before;
    if to == 0 && of.role != Role::Increment {
        return Ok(Tail::Doubtful(
            "not one byte of it is sound: nothing would be left. Is it an append-only file at all? \
             Else restore it from a backup"
                .to_owned(),
        ));
    }
    if to < stop.offset || matches!(stop.what, What::OpenTransaction { .. }) {
        return Ok(match lost_exec(aof, segment, to, facts)? {
            Some(why) => Tail::Doubtful(why),
            None => Tail::Cut { segment, to, what: "a transaction without its EXEC" },
        });
    }
    Ok(Tail::Cut { segment, to, what })
}

/// Why the transaction that is open from `to` on may have had an EXEC, so that what follows it is no part of it.
fn lost_exec(aof: &Aof, segment: usize, to: u64, facts: &SegmentFacts) -> Result<Option<String>> {
    if let Some(at) = restarted(aof, segment, to, facts)? {
        return Ok(Some(format!(
            "the transaction that begins at byte {to} has no EXEC, but a server seems to have \
             started anew inside of it, at byte {at}: cutting would also take what was written since \
             (--truncate cuts, --salvage keeps it)"
        )));
    }
    if let Some(exec) = facts.garbled_exec(to) {
        return Ok(Some(format!(
            "the transaction that begins at byte {to} has no EXEC, but the record at byte {} may be it, with wrong \
             bytes in the name: cutting would take what was written since (--truncate cuts, --salvage keeps \
             what can be kept)",
            exec.offset
        )));
    }
    if let Some(at) = swallowed_exec(aof, segment, to)? {
        return Ok(Some(format!(
            "the transaction that begins at byte {to} has no EXEC, but what looks like one lies inside a \
             record, at byte {at}: if a wrong length has swallowed it, cutting would take what was \
             written since (--truncate cuts, --salvage keeps what can be kept)"
        )));
    }
    Ok(None)
}

/// Bytes behind a plain dump stop nobody and belong to nothing.
fn behind_dump(segment: usize, facts: &SegmentFacts) -> Tail {
    let behind = facts.seen.iter().find(|seen| matches!(seen.what, What::BehindDump(_)));
    behind.map_or(Tail::Sound, |seen| Tail::Cut {
        segment,
        to: seen.offset,
        what: "bytes behind the end of the dump",
    })
}

/// An EXEC as servers write it, behind the end of another record.
const EXEC: &[u8] = b"\r\n*1\r\n$4\r\nEXEC\r\n";

/// Where something that reads as EXEC lies in the open transaction at `multi`, which has none: inside a record.
fn swallowed_exec(aof: &Aof, segment: usize, multi: u64) -> Result<Option<u64>> {
    let mut source = aof.segments[segment].source()?;
    let mut at = multi;
    loop {
        let window = source.window(at, limits::WINDOW)?;
        let window = &window[..window.len().min(limits::WINDOW)];
        if window.len() < EXEC.len() {
            return Ok(None);
        }
        let found = memchr::memchr_iter(b'*', window).find(|&star| {
            let from = star.checked_sub(2);
            let bytes = from.and_then(|from| window.get(from..from + EXEC.len()));
            bytes.is_some_and(|bytes| bytes.eq_ignore_ascii_case(EXEC))
        });
        if let Some(star) = found {
            return Ok(Some(at + star as u64));
        }
        at += (window.len() - EXEC.len() + 1) as u64;
    }
}

/// Where a server seems to have started anew inside of the open transaction at `multi`: it selects a
/// database before anything else it writes, also one that is selected already. No transaction does that, and
/// none contains a MULTI.
fn restarted(aof: &Aof, segment: usize, multi: u64, facts: &SegmentFacts) -> Result<Option<u64>> {
    let (mut db, mut inside, mut found) = (None, 0_u64, None);
    aof.walk(segment, &mut (), &mut |event: Event<'_>| {
        let Event::Record(record, Some(id)) = event else { return };
        let selects = (id.kind() == Kind::Select).then(|| record.args().nth(1)).flatten();
        if record.start >= multi {
            let again = selects.is_some_and(|arg| db.as_deref() == Some(arg.head));
            if found.is_none() && inside > 0 && (again || id.kind() == Kind::Multi) {
                found = Some(record.start);
            }
            inside += 1;
        }
        if let Some(arg) = selects {
            db = Some(arg.head.to_vec());
        }
    })?;
    debug_assert!(found.is_none_or(|at| at < facts.len));
    Ok(found)
}
