//! Walks one segment from its first byte to its last and hands out events whose spans tile it.
//!
//! Damage does not stop it: it looks for the next sound place and goes on. Knows formats and sources;
//! never judges what a server would do.

use super::careful::{self, Careful, Wrong};
use super::context::Context;
use super::event::{Damage, Ending, Event, Excerpt, Mended, Why, context};
use super::names::Names;
use super::observer::{Each, Observer};
use super::pulse::Pulse;
use super::stream::Stream;
use super::{mend, rdb_part, sound, torn};
use crate::command::LastName;
use crate::disk::Source;
use crate::error::Result;
use crate::format::annotation::annotation;
use crate::format::fault::Fault;
use crate::format::rdb;
use crate::format::resp::{self, Reason, Record, Stop};
use crate::limits;

/// Where in a file a walk begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Start {
    /// Something begins there.
    pub(crate) offset: u64,
    /// Where the last record before it begins, as long as there was no damage behind that: it may hold records that a
    /// wrong length has swallowed.
    pub(crate) last_record: Option<u64>,
}

/// How far a walk goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// It ends at the first thing that begins there or behind.
    pub(crate) until: u64,
    /// It passes damage, and does not end before it.
    pub(crate) past_damage: bool,
}

impl Bounds {
    /// To the end of the data.
    pub(crate) const NONE: Self = Self { until: u64::MAX, past_damage: true };
}

/// Walks all of `source` and gives each event to `each`. Answers the length in bytes.
///
/// # Errors
/// When the bytes cannot be read. Whatever the bytes are is told by events.
pub fn walk(
    source: &mut dyn Source,
    pulse: &mut impl Pulse,
    each: &mut impl FnMut(Event<'_>),
) -> Result<u64> {
    walk_from(source, 0, pulse, each)
}

/// As [`walk`], from an offset where a record is known to begin.
///
/// # Errors
/// As [`walk`].
pub fn walk_from(
    source: &mut dyn Source,
    from: u64,
    pulse: &mut impl Pulse,
    each: &mut impl FnMut(Event<'_>),
) -> Result<u64> {
    let mut at = Context::default();
    let from = Start { offset: from, last_record: None };
    walk_on(source, from, Names::default(), pulse, &mut at, &mut Each(each))
}

/// As [`walk_from`], for an observer, as of a set that consists of this file alone. Answers what it made of it.
///
/// # Errors
/// As [`walk`].
pub fn show<O: Observer>(
    source: &mut dyn Source,
    from: u64,
    pulse: &mut impl Pulse,
    mut observer: O,
) -> Result<O::Report> {
    let mut at = Context::default();
    observer.begin(at.segment);
    let from = Start { offset: from, last_record: None };
    let len = walk_on(source, from, Names::default(), pulse, &mut at, &mut observer)?;
    observer.end(&at, len);
    Ok(observer.finish())
}

/// Shows `observer` all of `source` from `from` on, where the state is `at`, counting on these names. Answers the length in
/// bytes.
pub(super) fn walk_on<O: Observer>(
    source: &mut dyn Source,
    from: Start,
    mut names: Names<'_>,
    pulse: &mut impl Pulse,
    at: &mut Context,
    observer: &mut O,
) -> Result<u64> {
    let end = walk_within(source, (from, Bounds::NONE), &mut names, pulse, at, observer)?;
    Ok(end.offset)
}

/// As [`walk_on`], within bounds. Answers where it can be taken up again.
pub(super) fn walk_within<O: Observer>(
    source: &mut dyn Source,
    (from, bounds): (Start, Bounds),
    names: &mut Names<'_>,
    pulse: &mut impl Pulse,
    at: &mut Context,
    observer: &mut O,
) -> Result<Start> {
    let mut stream = Stream::new(observer, *at, from.offset);
    let mut end = from;
    if end.offset == 0 && rdb::is_one(source.window(0, rdb::HEADER_LEN)?) {
        end.offset = rdb_part::walk(source, end.offset, pulse, &mut stream)?;
        stream.pass_to(end.offset);
    }
    if !stream.is_done() {
        end = resp_part(source, (end, bounds), names, pulse, &mut stream)?;
    }
    source.settle()?;
    *at = stream.finish(end.offset);
    Ok(end)
}

/// Why the quick way over a window ended.
enum Pause {
    /// The window is used up, or ends inside something.
    Short,
    /// Something that only the careful way can tell.
    Odd,
}

/// Names, quickly, and those that no table has.
struct Known<'n, 's> {
    last: LastName,
    seen: &'n mut Names<'s>,
}

/// Records and annotations within bounds. Answers where it can be taken up again.
fn resp_part(
    source: &mut dyn Source,
    (from, bounds): (Start, Bounds),
    names: &mut Names<'_>,
    pulse: &mut impl Pulse,
    stream: &mut Stream<'_, impl Observer>,
) -> Result<Start> {
    let mut names = Known { last: LastName::default(), seen: names };
    let mut need = 1;
    let Start { offset: mut at, mut last_record } = from;
    while at < bounds.until {
        let window = source.window(at, need)?;
        if window.is_empty() {
            break;
        }
        // A larger window would tell no more: it is full, or there are no more bytes.
        let complete = window.len() >= limits::WINDOW || window.len() < need;
        let goal = usize::try_from(bounds.until - at).unwrap_or(usize::MAX);
        let (used, pause) = quick(window, (at, goal), &mut names, &mut last_record, stream);
        let all = used == window.len();
        at += used as u64;
        pulse.reached(at);
        if stream.is_done() || at >= bounds.until {
            break;
        }
        need = match pause {
            // Nothing is cut by the window's end: any bytes will do.
            Pause::Short if all => 1,
            // A record is cut. Most are short, so a step that begins where it begins holds it ...
            Pause::Short if used > 0 => limits::READ_STEP,
            // ... and where it did not, the largest window is asked for, before the slow way takes it at any size.
            Pause::Short if !complete => limits::WINDOW,
            _ => {
                let before = at;
                at = match slow(source, at, bounds, names.seen, &mut last_record, stream)? {
                    Some(next) => next,
                    None => return Ok(Start { offset: before, last_record }),
                };
                1
            }
        };
    }
    Ok(Start { offset: at, last_record })
}

/// Hands out whole canonical records and annotations of `window`, which begins at offset `base`, as long as they come and
/// begin within its first `goal` bytes. Answers how many bytes they take.
#[inline]
fn quick(
    window: &[u8],
    (base, goal): (u64, usize),
    names: &mut Known<'_, '_>,
    last_record: &mut Option<u64>,
    stream: &mut Stream<'_, impl Observer>,
) -> (usize, Pause) {
    let mut used = 0;
    while used < goal {
        let rest = &window[used..];
        let start = base + used as u64;
        match rest.first() {
            Some(b'*') => match resp::record(rest) {
                Ok(shape) => {
                    let record = Record::canonical(shape, rest, start);
                    let id = names.last.lookup(shape.name, &names.seen.renames);
                    if id.is_none() {
                        names.seen.saw(shape.name);
                    }
                    stream.tell(Event::Record(record, id));
                    *last_record = Some(start);
                    used += shape.len;
                }
                Err(Stop::Short) => return (used, Pause::Short),
                Err(Stop::Wrong(_)) => return (used, Pause::Odd),
            },
            Some(b'#') => match annotation(rest, false) {
                Some(line) => {
                    let (len, kind) = (line.len as u64, line.kind);
                    stream.tell(Event::Annotation { start, len, kind, is_open: false });
                    used += line.len;
                }
                None => return (used, Pause::Short),
            },
            Some(_) => return (used, Pause::Odd),
            None => return (used, Pause::Short),
        }
    }
    (used, Pause::Short)
}

/// Hands out what begins at `start`, whatever it is; the last record before it began at `last_record`. Answers where the next
/// thing begins; `None`, and hands out nothing, where it is damage that must not be passed.
fn slow(
    source: &mut dyn Source,
    start: u64,
    bounds: Bounds,
    names: &mut Names<'_>,
    last_record: &mut Option<u64>,
    stream: &mut Stream<'_, impl Observer>,
) -> Result<Option<u64>> {
    let window = source.window(start, limits::LOADER_LINE)?;
    if window.first() == Some(&b'#') {
        // The window holds a whole line, or the data ends.
        let Some(line) = annotation(window, true) else { return Ok(Some(start)) };
        let (len, kind) = (line.len as u64, line.kind);
        let is_open = line.len < limits::LOADER_LINE && window[..line.len].last() != Some(&b'\n');
        stream.tell(Event::Annotation { start, len, kind, is_open });
        return Ok(Some(start + len));
    }
    // A stream forgets what was passed; whoever reads the record again needs it from here on.
    source.keep_from(Some(start).filter(|_| stream.wants().reads_again));
    let read = careful::read(source, start, sound::between)?;
    if !matches!(read, Careful::Record { .. }) {
        source.keep_from(None);
    }
    match read {
        Careful::Record { len, argc, payload, oddities, heads } => {
            *last_record = Some(start);
            let span = start..start + len;
            let record = Record::outlined(span, (argc, payload), oddities, &heads);
            let id = names.renames.lookup(record.name);
            // Damage may have made the name of an odd record: it must not vouch for others.
            if id.is_none() && !oddities.any() {
                names.saw(record.name);
            }
            stream.tell(Event::Record(record, id));
            stream.again(source)?;
            source.keep_from(None);
            Ok(Some(start + len))
        }
        _ if !bounds.past_damage => Ok(None),
        Careful::Hollow { len, refused_by_checker } => {
            stream.tell(Event::Hollow { start, len, refused_by_checker });
            Ok(Some(start + len))
        }
        Careful::Wrong(wrong) => {
            let mut damage = damaged(source, start, last_record.take(), &wrong, names)?;
            damage.context = context(source, damage.fault.at)?;
            // What looks like damage may be the zeros of a file that shrank.
            source.settle()?;
            stream.tell(Event::Damage(&damage));
            Ok(Some(damage.end))
        }
    }
}

/// The damaged range that begins at `start`, searched up to its end.
fn damaged(
    source: &mut dyn Source,
    start: u64,
    last_record: Option<u64>,
    wrong: &Wrong,
    names: &Names<'_>,
) -> Result<Damage> {
    let Fault { at, reason } = wrong.fault;
    let reach = reach(source, &wrong.fault);
    let mut mended = mended(source, start, last_record, wrong, names)?;
    // One byte that explains the record proves less than sound records that run across the end which that byte gives.
    if let Some((end, Mended::Record)) = mended
        && goes_through(source, wrong.resume, end, names)?
    {
        mended = None;
    }
    let mut found = match mended {
        Some((end, _)) => sound::Found { place: Some(end), zeros_from: end, met_end: false },
        None => sound::find(source, wrong.resume, reach, names)?,
    };
    // The end of the data is no place where records resume.
    found.place = found.place.filter(|&place| source.length() != Some(place));
    let mut crossed = None;
    let mut is_doubtful = reason == Reason::Torn;
    if found.place.is_none() && wrong.seen_inside.is_none() {
        // It would be the end of the file, which may be cut: is nothing sound lost with it?
        let doubt = doubted(source, start, last_record, names)?;
        (found.place, crossed) = (doubt.place, doubt.crossed.map(Ending::Crossed));
        is_doubtful |= matches!(reason, Reason::BadTerminator { .. }) && doubt.mended.is_none();
        mended = doubt.mended.or(mended.filter(|_| doubt.place.is_none()));
    }
    let end = found.place.or(source.length()).unwrap_or(start);
    let ending = match (found.place, wrong.seen_inside.map(Ending::Unread).or(crossed)) {
        (Some(_), _) => Ending::Resumes,
        (None, Some(ending)) => ending,
        (None, None) if found.zeros_from < end && found.zeros_from <= at.max(wrong.resume) => {
            Ending::Zeros
        }
        (None, None) if reason == Reason::Torn => Ending::Torn,
        (None, None) => Ending::Garbage,
    };
    let is_doubtful = is_doubtful && ending == Ending::Resumes;
    let value_to = match is_doubtful && lies_in_a_value(source, wrong.resume, end, names)? {
        true => source.length(),
        false => None,
    };
    Ok(Damage {
        start,
        end,
        fault: Fault::new(at, Why::Resp(reason)),
        ending,
        is_doubtful,
        met_end: found.met_end,
        value_to,
        loader: wrong.loader,
        mended: mended.map(|(_, how)| how),
        context: Excerpt::default(),
        rdb: None,
    })
}

/// Whether the records at `place` are rather a part of the value at `from` than what follows a wrong length: no
/// argument can end where they begin, or the last of them is torn off, as a torn value tears it. Records
/// behind a wrong length end with the data, unless that is torn as well.
fn lies_in_a_value(
    source: &mut dyn Source,
    from: u64,
    place: u64,
    names: &Names<'_>,
) -> Result<bool> {
    if source.length().is_none() || place < from {
        return Ok(false);
    }
    let end = place - 2.min(place);
    let ends = end >= from && end >= source.oldest() && source.peek(end, 2)?.starts_with(b"\r\n");
    Ok(!ends || torn::is_torn_off(source, place, names)?)
}

/// What sound records show of damage that seems to reach to the end of the data.
#[derive(Default)]
struct Doubt {
    /// They begin again here.
    place: Option<u64>,
    /// The last of them is the end of the data, and begins here, inside the record before the damage.
    crossed: Option<u64>,
    mended: Option<(u64, Mended)>,
}

/// Looks for sound records that belong to the damage at `start`, or cross its beginning.
fn doubted(
    source: &mut dyn Source,
    start: u64,
    last_record: Option<u64>,
    names: &Names<'_>,
) -> Result<Doubt> {
    if let Some(last) = last_record
        && let Some((next, end)) = torn::crossing(source, last, start, names)?
    {
        let place = Some(end).filter(|&end| source.length() != Some(end));
        let crossed = Some(next).filter(|_| place.is_none());
        let mended = Some((end, Mended::Swallowed { record: last, next }));
        return Ok(Doubt { place, crossed, mended });
    }
    let place = torn::chain_to_the_end(source, start + 1, names)?;
    Ok(Doubt { place, ..Doubt::default() })
}

/// Where the damaged record ends when one byte of a header in it, or in the record before, is wrong.
fn mended(
    source: &mut dyn Source,
    start: u64,
    last_record: Option<u64>,
    wrong: &Wrong,
    names: &Names<'_>,
) -> Result<Option<(u64, Mended)>> {
    if let Some(last) = last_record.filter(|_| wrong.fault.at == start)
        && let Some((next, end)) = mend::swallowed(source, last, start, names)?
    {
        return Ok(Some((end, Mended::Swallowed { record: last, next })));
    }
    Ok(mend::end_of_wrong(source, start, wrong, names)?.map(|end| (end, Mended::Record)))
}

/// Whether sound records follow each other from somewhere before `end` to that place and beyond: then they
/// are no look-alikes in the value of a record that ends there.
fn goes_through(source: &mut dyn Source, from: u64, end: u64, names: &Names<'_>) -> Result<bool> {
    if source.length().is_none() || from >= end {
        return Ok(false);
    }
    let reach = sound::Reach { until: Some(end), claimed: Some(end) };
    Ok(sound::find(source, from, reach, names)?.place.is_some())
}

/// How far the argument claims to go whose terminator is wrong. What lies back in a stream is not asked.
fn reach(source: &dyn Source, fault: &Fault<Reason>) -> sound::Reach {
    let is_claim = matches!(fault.reason, Reason::BadTerminator { .. });
    let claimed = source.length().filter(|_| is_claim).map(|_| fault.at);
    sound::Reach { until: None, claimed }
}
