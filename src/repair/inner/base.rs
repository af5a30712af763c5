//! What can be kept of a broken RDB part, and when that is honest.

use std::collections::{HashMap, HashSet};

use super::refusal::OfRdb;
use crate::aof::{Aof, Changes, Damage, Event, RdbItem, RdbStop, Role, Why, show, walk};
use crate::change::LostKey;
use crate::disk::{Part, pieces};
use crate::error::{Error, ErrorKind, Result};
use crate::format::rdb::{self, Checksum, Class};
use crate::scan::{Context, Depth, Observer, Wants};
use crate::text;

/// What becomes of a broken RDB part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// Its whole keys are kept up to this offset.
    Keys { proven: u64 },
    /// Nothing that would be honest.
    Refuse(OfRdb),
}

/// Decides about the damage that a segment's RDB part ends with. `flushes`: the increments empty the set by
/// FLUSHALL, so that nothing of it is needed.
pub(super) fn choose(damage: &Damage, stop: &RdbStop, flushes: bool) -> Choice {
    let Why::Rdb(reason) = damage.fault.reason else {
        return Choice::Refuse(OfRdb::NoRdb);
    };
    let keys = stop.place.keys;
    match stop.class(reason) {
        Class::Unsupported => Choice::Refuse(OfRdb::NotUnderstood(damage.fault.at, reason)),
        _ if keys == 0 && !flushes => Choice::Refuse(OfRdb::NoWholeKey(damage.fault.at, reason)),
        Class::Header => Choice::Refuse(OfRdb::Header(reason)),
        _ => Choice::Keys { proven: stop.place.proven },
    }
}

/// Headers that servers have written.
const HEADERS: [&[u8]; 7] = [
    b"REDIS0008",
    b"REDIS0009",
    b"REDIS0010",
    b"REDIS0011",
    b"REDIS0012",
    b"REDIS0013",
    b"VALKEY080",
];

/// The true header of a segment that begins with an RDB whose header has one wrong byte: with it, and only
/// with it, all is well up to the checksum.
///
/// # Errors
/// When the bytes cannot be read.
pub(super) fn true_header(aof: &Aof, position: usize) -> Result<Option<Vec<u8>>> {
    let segment = &aof.segments[position];
    let mut head = segment.source()?.window(0, rdb::HEADER_LEN)?.to_vec();
    if head.len() < rdb::HEADER_LEN {
        return Ok(None);
    }
    head.truncate(rdb::HEADER_LEN);
    let is_near = |wanted: &&&[u8]| wanted.iter().zip(&head).filter(|(a, b)| a != b).count() == 1;
    for header in HEADERS.iter().filter(is_near) {
        let as_it_was = with_header(aof, position, header)?;
        let mut fits = false;
        let mut source = as_it_was.segments[position].source()?;
        walk(&mut *source, &mut (), &mut |event: Event<'_>| {
            if let Event::Rdb(part) = event {
                fits = matches!(part.walked.checksum, Checksum::Match(_));
            }
        })?;
        if fits {
            return Ok(Some(header.to_vec()));
        }
    }
    Ok(None)
}

/// The set with these first bytes of one segment.
///
/// # Errors
/// When a file cannot be opened again.
pub(super) fn with_header(aof: &Aof, position: usize, header: &[u8]) -> Result<Aof> {
    let segment = &aof.segments[position];
    let (from, to) = (header.len() as u64, segment.len().unwrap_or(0));
    let rest = Part::Range { file: position, from, to };
    let files = vec![(segment.name.to_vec(), vec![Part::Bytes(header.to_vec()), rest])];
    aof.preview(&Changes { files, ..Changes::default() })
}

/// Whether a flaw is no mere oddity, which loaders take or pass over.
fn is_damage(flaw: &rdb::deep::Flaw) -> bool {
    flaw.wrong != rdb::deep::Wrong::Empty && !flaw.is_taken_by_most()
}

/// What is wrong inside of the values of a segment's RDB part.
fn inside(aof: &Aof, position: usize) -> Result<rdb::deep::Report> {
    struct Inside(rdb::deep::Report);
    impl Observer for Inside {
        type Report = rdb::deep::Report;

        fn observe(&mut self, _: &Context, _: &Event<'_>) {}

        fn finish(self) -> rdb::deep::Report {
            self.0
        }

        fn wants(&self) -> Wants {
            Depth::Values.into()
        }

        fn item(&mut self, _: &Context, item: &RdbItem<'_>) {
            if let RdbItem::Flaws(report) = item {
                self.0 = (*report).clone();
            }
        }
    }
    let mut source = aof.segments[position].source()?;
    show(&mut *source, 0, &mut (), Inside(rdb::deep::Report::default()))
}

/// Calls `each` with every key of a segment's RDB part.
fn each_key(aof: &Aof, position: usize, each: impl FnMut(&rdb::Entry<'_>)) -> Result<()> {
    struct Keys<F>(F);
    impl<F: FnMut(&rdb::Entry<'_>)> Observer for Keys<F> {
        type Report = ();

        fn observe(&mut self, _: &Context, _: &Event<'_>) {}

        fn finish(self) {}

        fn wants(&self) -> Wants {
            Depth::Entries.into()
        }

        fn item(&mut self, _: &Context, item: &RdbItem<'_>) {
            if let RdbItem::Key(entry) = item {
                (self.0)(entry);
            }
        }
    }
    show(&mut *aof.segments[position].source()?, 0, &mut (), Keys(each))
}

/// The first key of a segment's RDB part, as far as it can be walked, in which something is wrong: where its
/// record begins, and what. Servers that load such a key may die of it later, when it is used.
///
/// # Errors
/// When the bytes cannot be read.
pub(super) fn first_flaw(aof: &Aof, position: usize) -> Result<Option<(u64, String)>> {
    let report = inside(aof, position)?;
    // Keys without elements are skipped by every loader.
    let counts = |flaw: &&rdb::deep::Flaw| is_damage(flaw);
    let first = report.flaws.iter().filter(counts).min_by_key(|flaw| flaw.key.at);
    Ok(first.map(|flaw| (flaw.key.at, format!("byte {}: {}", flaw.at, flaw.wrong))))
}

/// A key in which something is wrong, and nothing is in any other.
pub(super) struct FlawedKey {
    /// Offset of the first byte that is about it.
    pub(super) from: u64,
    /// Offset after its value.
    pub(super) to: u64,
    /// What is wrong, and where.
    pub(super) why: String,
    /// Which one it is.
    pub(super) key: LostKey,
}

/// What is wrong inside of the values of an RDB whose outer structure is whole.
pub(super) enum Flawed {
    /// Nothing that can be seen.
    No,
    /// One key has it all.
    OneKey(FlawedKey),
    /// More than one has, or it cannot be told which.
    Unproven(String),
}

/// Looks for the one key in which all is that is wrong: its structure is broken, and that of every other key
/// is whole.
///
/// # Errors
/// When the bytes cannot be read.
pub(super) fn only_flaw(aof: &Aof, position: usize) -> Result<Flawed> {
    let report = inside(aof, position)?;
    // Keys without elements are skipped by every loader.
    let counts = |flaw: &&rdb::deep::Flaw| is_damage(flaw);
    let mut flaws = report.flaws.iter().filter(counts);
    let Some(first) = flaws.next() else { return Ok(Flawed::No) };
    let why = format!("byte {}: {}", first.at, first.wrong);
    // Which of two keys of one name has the wrong name, nobody can tell.
    let is_clear = |flaw: &rdb::deep::Flaw| flaw.wrong != rdb::deep::Wrong::DuplicateKey;
    let is_alone = flaws.all(|flaw| flaw.key.at == first.key.at && is_clear(flaw));
    let all_told = report.flaws_seen == report.flaws.len() as u64 && !report.leaves_out();
    if !is_alone || !is_clear(first) || !all_told {
        return Ok(Flawed::Unproven(why));
    }
    let Some((from, to)) = span_of_key(aof, position, first.key.at)? else {
        return Ok(Flawed::Unproven(why));
    };
    let key = LostKey { db: Some(first.key.db), name: first.key.start.clone() };
    Ok(Flawed::OneKey(FlawedKey { from, to, why, key }))
}

/// Copies of keys that stand under a slot they do not hash to, where the same key stands under its own as well: a
/// server that loads both dies.
///
/// # Errors
/// When the bytes cannot be read.
pub(super) fn stray_copies(
    aof: &Aof,
    position: usize,
    strays: &rdb::Strays,
) -> Result<Vec<FlawedKey>> {
    let mut named: HashMap<&[u8], Vec<&rdb::Stray>> = HashMap::new();
    for stray in strays.list.iter().filter(|stray| !stray.is_cut) {
        named.entry(&stray.key).or_default().push(stray);
    }
    // Where each stray begins and ends, and which others have its name.
    let (mut spans, mut others) = (HashMap::new(), HashSet::new());
    each_key(aof, position, |entry| {
        if entry.key_len != entry.key.len() as u64 {
            return;
        }
        let Some((&name, strays)) = named.get_key_value(entry.key) else { return };
        match strays.iter().any(|stray| stray.at == entry.at) {
            true => drop(spans.insert(entry.at, (entry.start, entry.end))),
            false => drop(others.insert((entry.db, name))),
        }
    })?;
    let copies = strays.list.iter().filter_map(|stray| {
        let is_twin = others.contains(&(stray.db, &stray.key[..]));
        let (from, to) = *spans.get(&stray.at).filter(|_| is_twin)?;
        let why = format!(
            "a second copy of the key, under slot {} while it hashes to slot {}",
            stray.under, stray.own
        );
        let key = LostKey { db: Some(stray.db), name: stray.key.clone() };
        Some(FlawedKey { from, to, why, key })
    });
    Ok(copies.collect())
}

/// What it means that copies go.
pub(super) fn note_of_copies(name: &[u8], copies: &[FlawedKey]) -> String {
    format!(
        "{}: {} stand twice in the base, once under the slot they hash to and once under another: the copy under the \
         other slot goes, and the checksum is made anew; which of the two is the newer one, nobody can tell",
        text::name(name),
        text::count(copies.len() as u64, "key"),
    )
}

/// From where to where the key reaches whose type number is at `at`.
fn span_of_key(aof: &Aof, position: usize, at: u64) -> Result<Option<(u64, u64)>> {
    let mut span = None;
    each_key(aof, position, |entry| {
        if entry.at == at {
            span = Some((entry.start, entry.end));
        }
    })?;
    Ok(span)
}

/// The checksum of an RDB part that ends at `end` without the bytes of these gaps, which are in the order of the file.
///
/// # Errors
/// When the bytes cannot be read.
pub(super) fn checksum_without(
    aof: &Aof,
    position: usize,
    gaps: &[(u64, u64)],
    end: u64,
) -> Result<u64> {
    let mut source = aof.segments[position].source()?;
    let mut crc = rdb::Crc64::new();
    let begins = std::iter::once(0).chain(gaps.iter().map(|gap| gap.1));
    let ends = gaps.iter().map(|gap| gap.0).chain([end.saturating_sub(8)]);
    for (from, to) in begins.zip(ends) {
        let now = pieces(&mut *source, from, to, &mut |piece| {
            crc.update(piece);
            Ok(())
        })?;
        // A checksum over fewer bytes would be a wrong one.
        if now < to {
            let path = aof.segments[position].path();
            return Err(Error::new(ErrorKind::Shrank { frozen: end, now }, &path).at(now));
        }
    }
    Ok(crc.value())
}

/// What it means that one key goes.
pub(super) fn note_of_key(name: &[u8], key: &FlawedKey) -> String {
    format!(
        "{}: the checksum of the RDB does not fit, and in one key alone the structure is broken ({}): it \
         goes, and the checksum is made anew; what the increments do to that key begins from nothing, and a \
         wrong byte inside of another value could not be seen: prefer a backup of the base",
        text::name(name),
        key.why,
    )
}

/// How many whole keys an RDB has that ends before `end`.
///
/// # Errors
/// When the bytes cannot be read.
pub(super) fn keys_before(aof: &Aof, position: usize, end: u64) -> Result<u64> {
    let kept = Part::Range { file: position, from: 0, to: end };
    let closed = Part::Bytes([&[0xFF][..], &[0; 8]].concat());
    let files = vec![(aof.segments[position].name.to_vec(), vec![kept, closed])];
    let shown = aof.preview(&Changes { files, ..Changes::default() })?;
    let mut keys = 0;
    walk(&mut *shown.segments[position].source()?, &mut (), &mut |event: Event<'_>| {
        if let Event::Rdb(part) = event {
            keys = part.walked.outcome.keys;
        }
    })?;
    Ok(keys)
}

/// Whether a file that does not begin as an RDB once did.
///
/// # Errors
/// When the bytes cannot be read.
pub(super) fn was_rdb(aof: &Aof, position: usize) -> Result<bool> {
    let segment = &aof.segments[position];
    let head = segment.source()?.window(0, 64)?.to_vec();
    let head = &head[..head.len().min(64)];
    let says = |word: &[u8]| memchr::memmem::find(head, word).is_some();
    let named = segment.role == Role::Base && segment.name.ends_with(b".rdb");
    Ok(named || says(b"redis-ver") || says(b"valkey-ver"))
}

/// What keeping the whole keys of a broken RDB means.
pub(super) fn note(name: &[u8], keys: u64, flushes: bool) -> String {
    let kept = text::count(keys, "key");
    let name = text::name(name);
    if flushes {
        return format!(
            "{name}: the broken base ends after {kept}; nothing of it is needed, for the increments empty \
             all databases by FLUSHALL (function libraries alone survive that)"
        );
    }
    format!(
        "{name}: the broken base ends after {kept}; every key behind them is lost, how many is not known, \
         and what the increments do to those keys begins from nothing: prefer a backup of the base"
    )
}
