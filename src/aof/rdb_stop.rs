//! An RDB part that cannot be walked to its end: whether it is broken or only not understood, and where it ends.
//!
//! | what is known | what it is |
//! |---|---|
//! | a checksum behind it fits all of it | as it was written: it ends there, and what follows is walked on |
//! | no checksum fits anywhere | damaged, or its checksum was switched off and something follows it |
//! | its checksum is switched off, its version has none, or it is wrapped as a whole | it cannot be told |

use super::event::{Damage, Ending, Event, LoaderMeets, RdbStop, Why, context};
use super::names::Names;
use super::observer::Observer;
use super::sound;
use super::stream::Stream;
use crate::disk::{Source, pieces};
use crate::error::Result;
use crate::format::fault::Fault;
use crate::format::rdb::{self, Class, Crc64, EndSearch, Header};
use crate::limits;

/// The end opcode and a checksum.
const TRAILER: u64 = 9;

/// Tells of the damage; answers where to go on.
pub(super) fn rdb_damage(
    source: &mut dyn Source,
    start: u64,
    fault: Fault<rdb::Reason>,
    pass: &rdb::Pass,
    stream: &mut Stream<'_, impl Observer>,
) -> Result<u64> {
    let walker = pass.walker();
    let mut stop = RdbStop {
        header: walker.header(),
        fields: walker.fields().clone(),
        place: walker.place(),
        met: walker.met(),
        modules: walker.modules(),
        intact: None,
    };
    let (mut found, mut met_end) = (None, false);
    if let Some(header) = stop.header.filter(|header| is_worth_it(*header, &stop, fault.reason)) {
        (stop.intact, found) = by_checksum(source, header, pass)?;
    }
    let class = stop.class(fault.reason);
    // Where nothing tells how far it goes, what looks like records may be its data.
    if stop.intact != Some(true) && class != Class::Unsupported {
        let sought = sound::find(source, fault.at, sound::Reach::default(), &Names::default())?;
        (found, met_end) = (sought.place, sought.met_end);
    }
    let end = match found.or(source.length()) {
        Some(end) => end,
        // A stream whose end was not looked for yet.
        None => pieces(source, start, u64::MAX, &mut |_| Ok(()))?,
    };
    let damage = Damage {
        start,
        end,
        fault: Fault::new(fault.at, Why::Rdb(fault.reason)),
        ending: match class {
            _ if source.length().is_none_or(|len| end < len) => Ending::Resumes,
            Class::Torn => Ending::Torn,
            _ => Ending::Garbage,
        },
        is_doubtful: false,
        met_end,
        value_to: None,
        loader: LoaderMeets::BadFormat,
        mended: None,
        context: context(source, fault.at)?,
        rdb: Some(Box::new(stop)),
    };
    source.settle()?;
    stream.tell(Event::Damage(&damage));
    Ok(damage.end)
}

/// Whether all of it is read again for its checksum: what is broken beyond doubt is not.
fn is_worth_it(header: Header, stop: &RdbStop, reason: rdb::Reason) -> bool {
    header.trailer_len() > 0 && (reason.class() == Class::Unsupported || stop.goes_beyond_servers())
}

/// Whether a checksum fits, and where the RDB ends then.
fn by_checksum(
    source: &mut dyn Source,
    header: Header,
    pass: &rdb::Pass,
) -> Result<(Option<bool>, Option<u64>)> {
    let (crc, from) = pass.checksum_so_far();
    // Most are files of their own. A stream is read once, byte by byte.
    if let Some(len) = source.length().filter(|_| source.oldest() <= from) {
        match at_the_end(source, crc, from, len - header.trailer_len() as u64)? {
            Some(AtTheEnd::Fits) => return Ok((Some(true), Some(len))),
            Some(AtTheEnd::Off) => return Ok((None, None)),
            Some(AtTheEnd::Other) | None => {}
        }
    }
    let (mut search, mut at) = (EndSearch::new(crc), from);
    loop {
        let window = source.window(at, 1)?;
        let window = &window[..window.len().min(limits::WINDOW)];
        if window.is_empty() {
            return Ok((Some(false), None));
        }
        if let Some(taken) = search.find(window) {
            return Ok((Some(true), Some(at + taken as u64)));
        }
        at += window.len() as u64;
    }
}

/// What stands in the last nine bytes.
enum AtTheEnd {
    Fits,
    /// An end opcode and a checksum that is switched off.
    Off,
    Other,
}

/// Judges the last bytes of the file as a trailer, whose checksum begins at `body`.
fn at_the_end(
    source: &mut dyn Source,
    crc: &Crc64,
    from: u64,
    body: u64,
) -> Result<Option<AtTheEnd>> {
    if body <= from {
        return Ok(None);
    }
    let mut crc = *crc;
    let end = pieces(source, from, body, &mut |piece| {
        crc.update(piece);
        Ok(())
    })?;
    let trailer = source.window(body - 1, TRAILER as usize)?;
    let Some((0xff, stored)) = trailer.split_first().filter(|_| end == body) else {
        return Ok(Some(AtTheEnd::Other));
    };
    Ok(Some(match stored.first_chunk().map(|stored| u64::from_le_bytes(*stored)) {
        Some(0) => AtTheEnd::Off,
        Some(stored) if stored == crc.value() => AtTheEnd::Fits,
        _ => AtTheEnd::Other,
    }))
}
