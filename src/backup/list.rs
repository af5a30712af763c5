//! Lists: the first segments of a file that has many, as objects of their own, which all snapshots share that have
//! the same beginning.
//!
//! A list is text, one line a segment, each ended by a line feed; its key has the hash of these bytes:
//!
//! ```text
//! objects/ab/<sha256>.zst STORED OFFSET SIZE SHA256
//! ```
//!
//! A file is split from its beginning, always at the same places: as many of the longest lists as are full, then of
//! the next length, and what is left stands in the entry. Whoever reads takes lists of any length.

use std::sync::Arc;

use super::entry::{FileEntry, ListEntry, SegmentEntry};
use super::hash;
use crate::limits;

/// A list that is to be put.
pub(super) struct Text {
    pub(super) key: String,
    pub(super) text: String,
}

/// Segments as lists know them: how many each takes, from the first on.
fn lengths(segments: usize) -> impl Iterator<Item = usize> {
    let mut left = segments;
    limits::BACKUP_LISTS.into_iter().flat_map(move |length| {
        let full = left / length;
        left %= length;
        std::iter::repeat_n(length, full)
    })
}

/// Names the lists of a file in its entry; answers them.
pub(super) fn split(file: &mut FileEntry) -> Vec<Text> {
    let mut rest = &file.segments[..];
    file.lists.clear();
    let mut texts = Vec::new();
    for length in lengths(file.segments.len()) {
        let (these, later) = rest.split_at(length);
        rest = later;
        let text: String = these.iter().map(|one| line(one)).collect();
        let key = hash::list_key(&hash::hex_of(text.as_bytes()));
        file.lists.push(ListEntry { list: key.clone(), segments: length as u64 });
        texts.push(Text { key, text });
    }
    texts
}

fn line(segment: &SegmentEntry) -> String {
    let SegmentEntry { object, stored, offset, size, sha256 } = segment;
    format!("{object} {stored} {offset} {size} {sha256}\n")
}

/// The file as its entry is written: with those segments alone that are in no list.
pub(super) fn shortened(file: &FileEntry) -> FileEntry {
    FileEntry { segments: unlisted(file).to_vec(), ..file.clone() }
}

/// The segments that are in no list.
pub(super) fn unlisted(file: &FileEntry) -> &[Arc<SegmentEntry>] {
    let listed = file.lists.iter().map(|list| list.segments).sum::<u64>();
    usize::try_from(listed).ok().and_then(|at| file.segments.get(at..)).unwrap_or_default()
}

/// Puts the segments of its lists in front of those that stand in the entry. All files may have `left` of them together.
pub(super) fn join(
    file: &mut FileEntry,
    lists: &[&[Arc<SegmentEntry>]],
    left: &mut u64,
) -> Result<(), String> {
    let mut at = 0;
    for (named, list) in file.lists.iter().zip(lists) {
        let (key, count) = (&named.list, named.segments);
        if list.len() as u64 != count {
            return Err(format!("{key}: it has {} segments of {count}", list.len()));
        }
        // A list that is named again, or out of turn, is seen before anything is made of it.
        if list.first().is_some_and(|first| first.offset != at) || list.is_empty() {
            return Err(format!("{key}: its segments do not begin at byte {at}"));
        }
        at = list.last().map_or(at, |last| last.offset.saturating_add(last.size));
        let taken = left.checked_sub(count);
        *left =
            taken.ok_or_else(|| "there are more segments than can be kept in memory".to_owned())?;
    }
    let rest = std::mem::take(&mut file.segments);
    let taken = left.checked_sub(rest.len() as u64);
    *left = taken.ok_or_else(|| "there are more segments than can be kept in memory".to_owned())?;
    file.segments = lists.concat();
    file.segments.extend(rest);
    Ok(())
}

/// The segments in a list that has this key, or why it is none.
pub(super) fn parse(key: &str, bytes: &[u8]) -> Result<Vec<Arc<SegmentEntry>>, String> {
    if hash::hash_in_list_key(key) != Some(&hash::hex_of(bytes)) {
        return Err("its bytes do not fit its name".to_owned());
    }
    let text = std::str::from_utf8(bytes).map_err(|e| format!("it is no text: {e}"))?;
    let lines = text.split_inclusive('\n').zip(1_u64..);
    lines.map(|(line, n)| segment(line).ok_or_else(|| format!("line {n} is no segment"))).collect()
}

/// The segment in a line: only what [`line`] makes of it again.
fn segment(text: &str) -> Option<Arc<SegmentEntry>> {
    let mut words = text.strip_suffix('\n')?.split(' ');
    let segment = SegmentEntry {
        object: words.next()?.to_owned(),
        stored: words.next()?.parse().ok()?,
        offset: words.next()?.parse().ok()?,
        size: words.next()?.parse().ok()?,
        sha256: words.next()?.to_owned(),
    };
    (line(&segment) == text).then(|| Arc::new(segment))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::entry::{FileType, Stretch, Words};
    use super::*;

    fn file(segments: usize) -> FileEntry {
        let none = || Stretch { bytes: 0, sha256: hash::hex_of(b"") };
        let segments: Vec<_> = (0..segments as u64)
            .map(|n| {
                let sha256 = hash::hex_of(&n.to_le_bytes());
                Arc::new(SegmentEntry {
                    object: hash::object_key(&sha256),
                    stored: n + 20,
                    offset: n * 7,
                    size: 7,
                    sha256,
                })
            })
            .collect();
        FileEntry {
            name: Words::new(b"a"),
            seq: Some(1),
            kind: FileType::Increment,
            size: segments.len() as u64 * 7,
            sha256: None,
            closed: false,
            mode: 0o644,
            head: none(),
            tail: none(),
            torn_bytes_dropped: 0,
            commands: 0,
            ts: None,
            created: None,
            read: None,
            lists: Vec::new(),
            segments,
        }
    }

    /// What was split, written, read and joined.
    fn round(file: &FileEntry, store: &mut BTreeMap<String, String>) -> FileEntry {
        let mut named = file.clone();
        store.extend(split(&mut named).into_iter().map(|one| (one.key, one.text)));
        let mut read = shortened(&named);
        assert!(read.segments.len() < *limits::BACKUP_LISTS.last().unwrap());
        let lists: Vec<_> = read
            .lists
            .iter()
            .map(|one| parse(&one.list, store[&one.list].as_bytes()).unwrap())
            .collect();
        join(
            &mut read,
            &lists.iter().map(Vec::as_slice).collect::<Vec<_>>(),
            &mut u64::MAX.clone(),
        )
        .unwrap();
        assert_eq!(read, named);
        read
    }

    #[test]
    fn a_file_that_is_split_and_joined_is_what_it_was_and_a_short_one_has_no_list() {
        let mut store = BTreeMap::new();
        for segments in [0, 1, 15, 16, 17, 255, 256, 272, 4095, 4096, 4097, 9000] {
            let file = file(segments);
            let read = round(&file, &mut store);
            assert_eq!(FileEntry { lists: Vec::new(), ..read.clone() }, file, "{segments}");
            assert_eq!(read.lists.is_empty(), segments < 16, "{segments}");
        }
    }

    #[test]
    fn a_file_that_grows_names_few_lists_and_shares_them() {
        let (mut lines, mut store) = (0, BTreeMap::new());
        let all = file(4400);
        for len in 0..=all.segments.len() {
            let mut file = FileEntry { segments: all.segments[..len].to_vec(), ..all.clone() };
            for one in split(&mut file) {
                let there = store.insert(one.key, one.text.len());
                lines += if there.is_none() { one.text.lines().count() } else { 0 };
            }
            assert!(file.lists.len() <= 31 && unlisted(&file).len() < 16, "{len}");
        }
        // Of every 16 lists one is never made: the next length is full with it.
        assert_eq!(lines, (275 - 17) * 16 + (17 - 1) * 256 + 4096);
    }

    #[test]
    fn a_list_that_is_named_wrongly_is_told() {
        let mut named = file(16);
        let one = split(&mut named).remove(0);
        let other = hash::list_key(&hash::hex_of(b"other"));
        assert!(parse(&other, one.text.as_bytes()).is_err());
        let list = parse(&one.key, one.text.as_bytes()).unwrap();
        named.lists[0].segments = 15;
        assert!(join(&mut shortened(&named), &[&list], &mut 99).is_err());
    }

    proptest! {
        #[test]
        fn any_file_is_what_it_was(segments in 0_usize..700) {
            let file = file(segments);
            let read = round(&file, &mut BTreeMap::new());
            prop_assert_eq!(FileEntry { lists: Vec::new(), ..read }, file);
        }

        #[test]
        fn whatever_bytes_are_taken_as_a_list_are_written_the_same(
            text in "(objects/[a-f0-9]{2}/x\\.zst [0-9]{1,21} \\+?[0-9]{1,3} [0-9] [a-f0-9 ]{0,3}\n?){0,3}"
        ) {
            let key = hash::list_key(&hash::hex_of(text.as_bytes()));
            if let Ok(segments) = parse(&key, text.as_bytes()) {
                let again: String = segments.iter().map(|one| line(one)).collect();
                prop_assert_eq!(again, text);
            }
        }
    }
}
