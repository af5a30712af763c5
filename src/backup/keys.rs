//! The sample of the keys that are there after a source's newest snapshot, in `keys/SOURCE.json`, beside the name of that
//! snapshot. Without it, or with that of another snapshot, the number of keys is not known until a rewrite makes the next
//! run read everything.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use base64::prelude::{BASE64_STANDARD, Engine};
use serde::{Deserialize, Serialize};

use super::alive::{Alive, MOST, Until};
use super::entry::Entry;
use super::hash;
use super::name;
use super::repository::Repository;
use crate::error::Result;
use crate::limits;

/// The document of one source.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Document {
    source: String,
    /// The number of the snapshot that it stands for, which it has also when it was compacted, and when it was taken.
    seq: u64,
    taken: String,
    limit: u64,
    db: u64,
    /// Some of them may have gone with their last element.
    may_be_fewer: bool,
    /// In base64, of each key its number, until when it is there and its database, 8 bytes each, the lowest first.
    kept: String,
    /// In base64, the numbers of those that may have gone. Where it is missing and some may have, each may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unsure: Option<String>,
}

/// Directory of these documents.
const KEYS: &str = "keys/";

/// Bytes of a key in the document.
const ROW: usize = 24;

/// Bytes of a number in it.
const NUMBER: usize = 8;

fn key_of(source: &str) -> String {
    format!("{KEYS}{source}.json")
}

/// The source whose document this is.
pub(super) fn source_of(key: &str) -> Option<&str> {
    let source = key.strip_prefix(KEYS)?.strip_suffix(".json")?;
    name::source_name(source).is_ok().then_some(source)
}

fn read(bytes: &[u8], source: &str) -> Option<((u64, String), Alive)> {
    let document: Document = hash::unsealed(bytes).ok()?;
    if document.source != source {
        return None;
    }
    let numbers = |text: &str, wide: usize| {
        let bytes = BASE64_STANDARD.decode(text).ok()?;
        let is_sound = bytes.len().is_multiple_of(wide) && bytes.len() <= MOST * wide;
        let numbers = bytes.chunks_exact(NUMBER).filter_map(|one| one.try_into().ok());
        is_sound.then(|| numbers.map(u64::from_le_bytes).collect::<Vec<_>>())
    };
    let rows = numbers(&document.kept, ROW)?;
    let unsure = document.unsure.as_deref().map(|text| numbers(text, NUMBER));
    let unsure: Option<BTreeSet<_>> = match unsure {
        Some(unsure) => Some(unsure?.into_iter().collect()),
        None => None,
    };
    let is_sure = |name: &u64| match &unsure {
        Some(unsure) => !unsure.contains(name),
        None => !document.may_be_fewer,
    };
    let kept = rows.chunks_exact(ROW / NUMBER).filter_map(|row| match row {
        [name, at, db] => {
            Some((*name, Until { at: at.cast_signed(), db: *db, is_sure: is_sure(name) }))
        }
        _ => None,
    });
    let kept = kept.collect();
    let Document { seq, taken, limit, db, .. } = document;
    Some(((seq, taken), Alive::after(kept, limit, db)))
}

/// Whether these bytes are such a document.
pub(super) fn is_document(bytes: &[u8], source: &str) -> bool {
    read(bytes, source).is_some()
}

/// The keys after the snapshot before, read where they are needed. No snapshot needs them: where they cannot be read, that
/// is told.
pub(super) struct Before<'r> {
    repository: &'r Repository,
    parent: Option<&'r Entry>,
    read: OnceCell<Result<Option<Alive>, String>>,
}

impl<'r> Before<'r> {
    pub(super) const fn new(repository: &'r Repository, parent: Option<&'r Entry>) -> Self {
        Self { repository, parent, read: OnceCell::new() }
    }

    fn read(&self) -> &Result<Option<Alive>, String> {
        self.read.get_or_init(|| match self.parent {
            Some(parent) => self.repository.alive_after(parent).map_err(|e| e.to_string()),
            None => Ok(None),
        })
    }

    /// Those keys, where they are known.
    pub(super) fn alive(&self) -> Option<&Alive> {
        self.read().as_ref().ok()?.as_ref()
    }

    /// Why they could not be read.
    pub(super) fn trouble(self) -> Option<String> {
        self.read.into_inner()?.err()
    }
}

impl Repository {
    /// The keys after a snapshot, where they were written down.
    fn alive_after(&self, entry: &Entry) -> Result<Option<Alive>> {
        let key = key_of(&entry.source);
        if self.store().head(&key)?.is_none() {
            return Ok(None);
        }
        let bytes = self.store().get(&key, limits::CATALOG_DOCUMENT)?;
        let read = read(&bytes, &entry.source);
        let is_of = |of: &(u64, String)| (of.0, &of.1) == (entry.seq, &entry.taken);
        Ok(read.filter(|(of, _)| is_of(of)).map(|(_, alive)| alive))
    }

    /// Writes down which keys are there after a snapshot; what was known of the one before goes.
    pub(super) fn keep_alive(&self, entry: &Entry, alive: Option<&Alive>) -> Result<()> {
        let Some(alive) = alive.filter(|alive| !alive.is_unknown) else {
            return self.forget_alive(&entry.source);
        };
        let document = document((&entry.source, entry.seq, &entry.taken), alive);
        self.store().put(&key_of(&entry.source), &hash::sealed(&document))
    }

    /// Forgets the keys of a source.
    pub(super) fn forget_alive(&self, source: &str) -> Result<()> {
        self.store().delete(&key_of(source))
    }
}

/// What is written of the keys after a snapshot.
fn document((source, seq, taken): (&str, u64, &str), alive: &Alive) -> Document {
    let mut kept: Vec<_> = alive.kept.iter().collect();
    kept.sort_unstable_by_key(|(name, _)| **name);
    let row = |(name, until): &(&u64, &Until)| {
        [name.to_le_bytes(), until.at.to_le_bytes(), until.db.to_le_bytes()].concat()
    };
    let rows: Vec<u8> = kept.iter().flat_map(row).collect();
    let unsure = kept.iter().filter(|(_, until)| !until.is_sure);
    let unsure: Vec<u8> = unsure.flat_map(|(name, _)| name.to_le_bytes()).collect();
    Document {
        source: source.to_owned(),
        seq,
        taken: taken.to_owned(),
        limit: alive.limit,
        db: alive.db,
        may_be_fewer: !unsure.is_empty(),
        kept: BASE64_STANDARD.encode(rows),
        unsure: (!unsure.is_empty()).then(|| BASE64_STANDARD.encode(unsure)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_gives_back_what_was_written_and_nothing_else_is_one() {
        let until = |n: u64| Until { at: i64::MAX - 1, db: n % 3, is_sure: !n.is_multiple_of(5) };
        let kept = (0..3000).map(|n| (n * 977, until(n))).collect();
        let alive = Alive::after(kept, 1 << 60, 7);
        let source = "s";
        let document = document((source, 9, "2026-11-24T14:08:12.000Z"), &alive);
        let bytes = hash::sealed(&document);
        let ((seq, taken), again) = read(&bytes, source).unwrap();
        assert_eq!((seq, taken.as_str()), (9, "2026-11-24T14:08:12.000Z"));
        assert_eq!((again.kept, again.limit, again.db), (alive.kept.clone(), alive.limit, 7));
        assert!(!is_document(&bytes, "t"));
        // Of one of an earlier version each key may have gone.
        let earlier = Document { unsure: None, ..document.clone() };
        let (_, again) = read(&hash::sealed(&earlier), source).unwrap();
        assert!(again.kept.values().all(|until| !until.is_sure));
        let unsure = Some("AAAA".to_owned());
        for bad in [
            Document { kept: "AAAA".to_owned(), ..document.clone() },
            Document { unsure, ..document },
        ] {
            assert!(!is_document(&hash::sealed(&bad), source));
        }
    }
}
