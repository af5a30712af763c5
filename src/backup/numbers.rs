//! Which snapshots of a source must be there: the numbers of those that were published and that no prune removed.
//!
//! An entry that is gone looks like one that was pruned. So a backup writes down, after it has published, which numbers
//! there are, and a prune, before it removes, which remain. What was killed in between leaves entries that are not
//! written down, and never the other way round: a number that is written down and has no entry is a loss.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::hash;
use super::name;
use super::repository::{self, Listed, Repository};
use crate::error::{ErrorKind, Result};
use crate::limits;

/// Directory of these documents.
pub(super) const NUMBERS: &str = "numbers/";

/// A range of numbers, both ends included.
pub(super) type Range = (u64, u64);

/// The document of one source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Numbers {
    source: String,
    /// In ascending order, none touching the next.
    there: Vec<Range>,
}

impl Numbers {
    /// The highest.
    pub(super) fn last(&self) -> u64 {
        self.there.last().map_or(0, |range| range.1)
    }

    /// Those that have no entry.
    pub(super) fn without(&self, entries: &BTreeSet<u64>) -> Vec<Range> {
        let mut missing = Vec::new();
        for &(from, to) in &self.there {
            let mut next = Some(from);
            for &seq in entries.range(from..=to) {
                if let Some(begin) = next.filter(|begin| *begin < seq) {
                    missing.push((begin, seq - 1));
                }
                next = seq.checked_add(1);
            }
            if let Some(begin) = next.filter(|begin| *begin <= to) {
                missing.push((begin, to));
            }
        }
        missing
    }

    fn and(&self, more: impl Iterator<Item = u64>) -> Vec<Range> {
        let mut all: Vec<Range> =
            self.there.iter().copied().chain(more.map(|seq| (seq, seq))).collect();
        all.sort_unstable();
        let mut merged: Vec<Range> = Vec::new();
        for (from, to) in all {
            match merged.last_mut() {
                Some(last) if from <= last.1.saturating_add(1) => last.1 = last.1.max(to),
                _ => merged.push((from, to)),
            }
        }
        merged
    }

    fn is_in_order(&self) -> bool {
        self.there.iter().all(|(from, to)| from <= to)
            && self.there.windows(2).all(|two| two[0].1 < two[1].0)
    }
}

/// The number of the next snapshot: one that was given to a snapshot that is lost is not given again.
pub(super) fn next(there: &BTreeSet<u64>, known: Option<&Numbers>) -> u64 {
    let last = there.last().copied().max(known.map(Numbers::last)).unwrap_or(0);
    last.saturating_add(1)
}

/// The document in these bytes, or why it is none.
pub(super) fn read(bytes: &[u8], source: &str) -> std::result::Result<Numbers, String> {
    let numbers: Numbers = hash::unsealed(bytes)?;
    match numbers.source == source && numbers.is_in_order() {
        true => Ok(numbers),
        false => Err("it is not the document of this source's numbers".to_owned()),
    }
}

/// The source whose numbers a document has.
pub(super) fn source_of(key: &str) -> Option<&str> {
    let source = key.strip_prefix(NUMBERS)?.strip_suffix(".json")?;
    name::source_name(source).is_ok().then_some(source)
}

fn key_of(source: &str) -> String {
    format!("{NUMBERS}{source}.json")
}

/// Of every source that has a document: what it says, or why that cannot be told.
pub(super) type AllNumbers = BTreeMap<String, std::result::Result<Numbers, String>>;

impl Repository {
    /// Reads all of them. Who compares them with entries lists those afterwards: a backup may end meanwhile. Whoever
    /// `looks_on` goes on where one cannot be read.
    pub(super) fn all_numbers(&self, looks_on: bool) -> Result<AllNumbers> {
        let mut all = AllNumbers::new();
        for one in self.store().list(NUMBERS)? {
            let Some(source) = source_of(&one.key) else { continue };
            let read = match self.store().get(&one.key, limits::CATALOG_DOCUMENT) {
                Ok(bytes) => read(&bytes, source),
                Err(e)
                    if looks_on
                        && matches!(e.kind(), ErrorKind::Io | ErrorKind::TooLarge { .. }) =>
                {
                    Err(e.to_string())
                }
                Err(e) => return Err(e),
            };
            all.insert(source.to_owned(), read);
        }
        Ok(all)
    }

    /// Those of one source; none where nothing was written down. One that is damaged stays for `verify` to tell.
    pub(super) fn numbers(&self, source: &str) -> Result<Option<Numbers>> {
        let key = key_of(source);
        if self.store().head(&key)?.is_none() {
            return Ok(Some(Numbers::default()));
        }
        let bytes = self.store().get(&key, limits::CATALOG_DOCUMENT)?;
        Ok(read(&bytes, source).ok())
    }

    /// Writes down that these snapshots are there, beside those that were before.
    pub(super) fn note_numbers(
        &self,
        known: Option<&Numbers>,
        source: &str,
        entries: &BTreeSet<u64>,
    ) -> Result<()> {
        // What cannot be read may name some that are lost: it stays as it is.
        let Some(known) = known else { return Ok(()) };
        let mut all = entries.clone();
        if known.there.is_empty() {
            all.extend(self.lost_scripts(source, entries)?);
        }
        let there = known.and(all.into_iter());
        if there == known.there {
            return Ok(());
        }
        self.put_numbers(Numbers { source: source.to_owned(), there })
    }

    /// Writes down that these snapshots and no others are there.
    pub(super) fn keep_numbers(&self, source: &str, entries: &BTreeSet<u64>) -> Result<()> {
        let there = Numbers::default().and(entries.iter().copied());
        match there.is_empty() {
            true => self.store().delete(&key_of(source)),
            false => self.put_numbers(Numbers { source: source.to_owned(), there }),
        }
    }

    fn put_numbers(&self, numbers: Numbers) -> Result<()> {
        self.store().put(&key_of(&numbers.source), &hash::sealed(&numbers))?;
        self.store().sync()
    }

    /// Numbers of scripts without an entry, where nothing else was written down: that of a run that was killed is
    /// higher than all others.
    fn lost_scripts(&self, source: &str, entries: &BTreeSet<u64>) -> Result<BTreeSet<u64>> {
        let all = self.store().list(&repository::snapshots_of(source))?;
        let scripts = all.iter().filter_map(|one| repository::script(&one.key));
        Ok(lost_scripts(scripts, entries))
    }
}

/// Those of these scripts whose entry was there and is not.
fn lost_scripts(scripts: impl Iterator<Item = Listed>, entries: &BTreeSet<u64>) -> BTreeSet<u64> {
    let last = entries.last().copied().unwrap_or(0);
    scripts.map(|one| one.seq).filter(|seq| *seq < last && !entries.contains(seq)).collect()
}

/// A source and the numbers of snapshots that it has lost.
pub(super) type Lost = BTreeMap<String, Vec<Range>>;

/// What is lost: written down, and without an entry; where nothing was written down, of what a script tells. `keys` are
/// those of all that lies in the repository.
pub(super) fn lost<'k>(numbers: &AllNumbers, keys: impl Iterator<Item = &'k str>) -> Lost {
    let (mut entries, mut scripts) = (BTreeMap::new(), BTreeMap::<_, Vec<Listed>>::new());
    for key in keys {
        if let Some(one) = repository::listed(key) {
            entries.entry(one.source).or_insert_with(BTreeSet::new).insert(one.seq);
        } else if let Some(one) = repository::script(key) {
            scripts.entry(one.source.clone()).or_default().push(one);
        }
    }
    let none = BTreeSet::new();
    let mut lost = Lost::new();
    for (source, numbers) in numbers {
        let Ok(numbers) = numbers else { continue };
        let missing = numbers.without(entries.get(source).unwrap_or(&none));
        if !missing.is_empty() {
            lost.insert(source.clone(), missing);
        }
    }
    for (source, scripts) in scripts {
        if !numbers.contains_key(&source) {
            let missing = lost_scripts(scripts.into_iter(), entries.get(&source).unwrap_or(&none));
            if !missing.is_empty() {
                lost.insert(source, missing.into_iter().map(|seq| (seq, seq)).collect());
            }
        }
    }
    lost
}

/// A range for people.
pub(super) fn range_text((from, to): Range) -> String {
    match from == to {
        true => format!("number {from}"),
        false => format!("numbers {from} to {to}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbers(there: &[Range]) -> Numbers {
        Numbers { source: "s".to_owned(), there: there.to_vec() }
    }

    #[test]
    fn what_is_written_down_and_has_no_entry_is_missing_however_long_the_range() {
        let has = |seqs: &[u64]| seqs.iter().copied().collect::<BTreeSet<_>>();
        let all = numbers(&[(1, 4), (9, 9)]);
        assert_eq!(all.without(&has(&[1, 2, 3, 4, 9])), []);
        assert_eq!(all.without(&has(&[2, 3, 5])), [(1, 1), (4, 4), (9, 9)]);
        assert_eq!(numbers(&[(0, u64::MAX)]).without(&has(&[u64::MAX])), [(0, u64::MAX - 1)]);
        assert_eq!(numbers(&[(0, u64::MAX)]).without(&has(&[0])), [(1, u64::MAX)]);
    }

    #[test]
    fn only_what_was_written_so_is_read() {
        let good = hash::sealed(&numbers(&[(1, 4), (9, 9)]));
        assert_eq!(read(&good, "s").map(|n| n.last()), Ok(9));
        assert!(read(&good, "t").is_err());
        for bad in [&[(4, 1)][..], &[(1, 4), (4, 5)], &[(9, 9), (1, 4)]] {
            assert!(read(&hash::sealed(&numbers(bad)), "s").is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn ranges_hold_what_was_put_into_them(seqs in proptest::collection::btree_set(0_u64..60, 0..40)) {
            let one = Numbers { source: String::new(), there: Numbers::default().and(seqs.iter().copied()) };
            prop_assert!(one.is_in_order());
            prop_assert!(one.without(&seqs).is_empty());
            let held: BTreeSet<u64> = one.there.iter().flat_map(|(from, to)| *from..=*to).collect();
            prop_assert_eq!(held, seqs);
        }
    }
}
