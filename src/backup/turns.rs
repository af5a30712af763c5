//! Whose turn it is, of the objects that a backup takes over, to be read and proven.
//!
//! A disk that loses a bit changes no time, so the objects that nobody changed are proven in turn. They fall into
//! [`limits::BACKUP_TURNS`] parts by their names, which are hashes, so that the parts are much the same in size. Each backup proves
//! the part whose turn it is, and as many after it as are read in no time ([`limits::BACKUP_PROVEN`]). Where the next one begins is
//! written down in the repository, for each source: whatever is taken over again and again is proven at the latest by the
//! backup that closes the round. A set that is small has all its parts proven each time, and nothing is written.

use serde::{Deserialize, Serialize};

use super::entry::SegmentEntry;
use super::hash;
use super::name;
use super::repository::Repository;
use crate::error::Result;
use crate::limits;

/// Directory of these documents.
const TURNS: &str = "turns/";

/// Parts that have a bit each.
const PARTS: u32 = limits::BACKUP_TURNS;

/// The document of one source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Document {
    source: String,
    /// The part that the next backup begins with.
    next: u32,
}

/// The parts whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    first: u32,
    parts: u32,
}

impl Turn {
    /// The turn that begins with this part, when these are the objects.
    pub(super) fn of<'s>(first: u32, segments: impl Iterator<Item = &'s SegmentEntry>) -> Self {
        let mut stored = [0_u64; PARTS as usize];
        for segment in segments {
            let of_part = &mut stored[part(segment) as usize];
            *of_part = of_part.saturating_add(segment.stored);
        }
        let mut left = limits::BACKUP_PROVEN;
        let in_order = (0..PARTS).map(|at| stored[((first + at) % PARTS) as usize]);
        let cheap = in_order.map_while(|bytes| {
            left = left.checked_sub(bytes)?;
            Some(())
        });
        Self { first, parts: (cheap.count() as u32).max(1) }
    }

    /// Whether it is this object's.
    pub(super) fn is_of(self, segment: &SegmentEntry) -> bool {
        (part(segment) + PARTS - self.first) % PARTS < self.parts
    }

    /// The part that the next turn begins with.
    fn next(self) -> u32 {
        (self.first + self.parts) % PARTS
    }
}

/// The part that an object is in: the first bits of its name.
fn part(segment: &SegmentEntry) -> u32 {
    let digits = hash::hash_in_key(&segment.object).and_then(|hash| hash.get(..2));
    let byte = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
    byte.unwrap_or_default() * PARTS / 256
}

fn key_of(source: &str) -> String {
    format!("{TURNS}{source}.json")
}

/// The source whose document this is.
pub(super) fn source_of(key: &str) -> Option<&str> {
    let source = key.strip_prefix(TURNS)?.strip_suffix(".json")?;
    name::source_name(source).is_ok().then_some(source)
}

fn read(bytes: &[u8], source: &str) -> Option<u32> {
    let document: Document = hash::unsealed(bytes).ok()?;
    (document.source == source && document.next < PARTS).then_some(document.next)
}

/// Whether these bytes are such a document.
pub(super) fn is_document(bytes: &[u8], source: &str) -> bool {
    read(bytes, source).is_some()
}

impl Repository {
    /// The part that comes next. Where nothing was written down, or what was is damaged, the round begins anew.
    pub(super) fn next_turn(&self, source: &str) -> Result<u32> {
        let key = key_of(source);
        if self.store().head(&key)?.is_none() {
            return Ok(0);
        }
        let bytes = self.store().get(&key, limits::CATALOG_DOCUMENT)?;
        Ok(read(&bytes, source).unwrap_or(0))
    }

    /// Writes down that this turn is over.
    pub(super) fn end_turn(&self, source: &str, turn: Turn) -> Result<()> {
        if turn.next() == turn.first {
            return Ok(());
        }
        let document = Document { source: source.to_owned(), next: turn.next() };
        self.store().put(&key_of(source), &hash::sealed(&document))
    }

    /// Forgets the turns of a source that has no snapshots any more.
    pub(super) fn forget_turns(&self, source: &str) -> Result<()> {
        self.store().delete(&key_of(source))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn object(first: u8, stored: u64) -> SegmentEntry {
        let hash = format!("{first:02x}{}", "0".repeat(62));
        let object = hash::object_key(&hash);
        SegmentEntry { object, stored, offset: 0, size: stored, sha256: String::new() }
    }

    #[test]
    fn what_is_small_is_proven_whole_each_time_and_nothing_is_written_for_it() {
        let all: Vec<_> = (0..=255).map(|first| object(first, 1000)).collect();
        let turn = Turn::of(9, all.iter());
        assert!(all.iter().all(|one| turn.is_of(one)));
        assert_eq!(turn.next(), 9);
    }

    proptest! {
        #[test]
        fn every_object_has_its_turn_within_one_round_whatever_their_sizes(
            sizes in proptest::collection::vec(0_u64..2 * limits::BACKUP_PROVEN, 256),
            from in 0..PARTS,
        ) {
            let all: Vec<_> = (0..=255).zip(sizes).map(|(first, size)| object(first, size)).collect();
            let mut waiting: Vec<_> = all.iter().collect();
            let mut next = from;
            for _ in 0..PARTS {
                let turn = Turn::of(next, all.iter());
                let read: u64 = all.iter().filter(|one| turn.is_of(one)).map(|one| one.stored).sum();
                prop_assert!(turn.parts == 1 || read <= limits::BACKUP_PROVEN);
                waiting.retain(|one| !turn.is_of(one));
                next = turn.next();
            }
            prop_assert!(waiting.is_empty());
        }
    }
}
