//! The one pass over the bytes of a file that are new: where it may be cut, what is in it, and the bytes themselves on
//! their way to the packers. No byte is read a second time.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::alive::Alive;
use super::blocks::Blocks;
use super::eyes::{Eyes, Seen};
use crate::aof::{Event, Pulse, RdbItem, show, walk_from};
use crate::disk::{Access, FrozenFile, Source, pieces};
use crate::error::Result;
use crate::scan::{Context, Depth, Observer, Wants};

/// Walks a file from a place where a record begins, or the file, and stores its bytes from where `blocks` begin. A file
/// that `is_whole` is in the snapshot with all of its bytes or not at all; another is cut. `alive` has the keys of what
/// lies before, where they are followed. `told` is called for every window.
pub(super) fn pass(
    file: &FrozenFile,
    from: u64,
    is_whole: bool,
    alive: Option<Alive>,
    blocks: Blocks<'_, '_>,
    told: &mut impl Pulse,
) -> Result<Seen> {
    let eyes = RefCell::new(Eyes::new(from, file.len(), alive));
    let inner = file.source(Access::Read);
    let mut source = Passing { inner, blocks, eyes: &eyes, is_whole };
    show(&mut source, from, told, Watching(&eyes))?;
    source.pass_to(file.len())?;
    let blocks = source.blocks;
    let seen = eyes.into_inner().finish();
    if seen.trouble.is_none() && (!is_whole || seen.boundary == file.len()) {
        blocks.finish(seen.boundary)?;
    }
    Ok(seen)
}

/// Stores a file that is none of a set's.
pub(super) fn unwalked(file: &FrozenFile, mut blocks: Blocks<'_, '_>) -> Result<()> {
    let mut source = file.source(Access::Read);
    pieces(&mut *source, 0, file.len(), &mut |bytes| blocks.take(bytes, file.len()))?;
    blocks.finish(file.len())
}

/// Walks a whole file that is in a snapshot. Answers what is in it, and which of the places in `ends` are
/// none where a file may be cut.
pub(super) fn look_at(
    source: &mut dyn Source,
    len: u64,
    mut ends: BTreeSet<u64>,
    told: &mut impl Pulse,
) -> Result<(Seen, BTreeSet<u64>)> {
    let mut eyes = Eyes::new(0, len, None);
    ends.remove(&0);
    walk_from(source, 0, told, &mut |event: Event<'_>| {
        eyes.event(&event);
        ends.remove(&eyes.seen().boundary);
    })?;
    Ok((eyes.finish(), ends))
}

/// The eyes of a walk whose bytes are stored on the way.
struct Watching<'e>(&'e RefCell<Eyes>);

impl Observer for Watching<'_> {
    type Report = ();

    #[inline]
    fn observe(&mut self, _: &Context, event: &Event<'_>) {
        self.0.borrow_mut().event(event);
    }

    fn finish(self) {}

    fn wants(&self) -> Wants {
        let wants_entries = self.0.borrow().wants_entries();
        Wants::from(if wants_entries { Depth::Entries } else { Depth::Structure })
    }

    fn item(&mut self, _: &Context, item: &RdbItem<'_>) {
        if let RdbItem::Key(entry) = item {
            self.0.borrow_mut().entry(entry);
        }
    }
}

/// A source that stores what a reader has passed.
struct Passing<'e, 's, 'o, 'f> {
    inner: Box<dyn Source + 's>,
    blocks: Blocks<'o, 'f>,
    eyes: &'e RefCell<Eyes>,
    is_whole: bool,
}

impl Passing<'_, '_, '_, '_> {
    /// Stores what lies before `end`. A walk jumps over the insides of large values: they are read here.
    fn pass_to(&mut self, end: u64) -> Result<()> {
        let (from, (cut, is_damaged)) = (self.blocks.at(), self.cut());
        if from >= end || is_damaged {
            return Ok(());
        }
        let blocks = &mut self.blocks;
        pieces(&mut *self.inner, from, end, &mut |bytes| blocks.take(bytes, cut))?;
        Ok(())
    }

    /// The last place to cut so far, and whether the file will not be stored anyway.
    fn cut(&self) -> (u64, bool) {
        let eyes = self.eyes.borrow();
        let Seen { boundary, trouble, .. } = eyes.seen();
        (if self.is_whole { u64::MAX } else { *boundary }, trouble.is_some())
    }
}

impl Source for Passing<'_, '_, '_, '_> {
    /// When a reader asks for what begins at `at`, it has told everything that ends before.
    fn window(&mut self, at: u64, need: usize) -> Result<&[u8]> {
        self.pass_to(at)?;
        self.inner.window(at, need)
    }

    fn peek(&mut self, at: u64, need: usize) -> Result<&[u8]> {
        self.inner.peek(at, need)
    }

    fn length(&self) -> Option<u64> {
        self.inner.length()
    }

    fn oldest(&self) -> u64 {
        self.inner.oldest()
    }

    fn settle(&mut self) -> Result<()> {
        self.inner.settle()
    }
}

#[cfg(test)]
mod tests {
    use super::super::compress::unpack;
    use super::super::entry::{SegmentEntry, Words};
    use super::super::growing::Origin;
    use super::super::pool::{Packing, with_packers};
    use super::super::repository::{Piece, Repository, Unfinished};
    use super::*;
    use crate::limits::{BACKUP_BLOCK, BACKUP_SEGMENT};
    use crate::store::MemoryStore;

    const SET: &[u8] = b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$2\r\n10\r\n";
    const MULTI: &[u8] = b"*1\r\n$5\r\nMULTI\r\n";
    const EXEC: &[u8] = b"*1\r\n$4\r\nEXEC\r\n";
    const SEGMENT: usize = BACKUP_SEGMENT as usize;

    /// A command with a value so large that the command has `len` bytes.
    fn large(len: usize) -> Vec<u8> {
        let with =
            |value: usize| format!("*3\r\n$3\r\nSET\r\n$1\r\na\r\n${value}\r\n").into_bytes();
        let head = (len - 40..len).map(with).find(|head| {
            let text = String::from_utf8_lossy(head);
            let value: usize = text.rsplit_once('$').unwrap().1.trim_end().parse().unwrap();
            head.len() + value + 2 == len
        });
        let mut bytes = head.unwrap();
        bytes.extend((0..len - bytes.len() - 2).map(|i| (i % 251) as u8));
        bytes.extend(b"\r\n");
        bytes
    }

    /// A repository, and what an earlier run into it had stored.
    struct Home {
        repository: Repository,
        earlier: Unfinished,
    }

    struct Stored {
        seen: Seen,
        /// Up to the last place to cut.
        segments: Vec<SegmentEntry>,
        new: usize,
        /// What was stored before it was known to lie behind it.
        behind: usize,
    }

    impl Home {
        fn new() -> Self {
            let repository = Repository::open_or_create(Box::new(MemoryStore::default())).unwrap();
            Self { repository, earlier: Unfinished::default() }
        }

        /// Stores a log, and sees that its segments have its bytes.
        fn store(&self, log: &[u8], is_whole: bool) -> Stored {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("f");
            std::fs::write(&path, log).unwrap();
            let file = FrozenFile::open(&path).unwrap();
            let origin = Origin { number: 0, file: &file, name: Words::new(b"f") };
            let packing =
                Packing { repository: &self.repository, source: "s", threads: 2, level: 1 };
            let (seen, mut done) = with_packers(packing, self.earlier.clone(), |outlet| {
                pass(&file, 0, is_whole, None, Blocks::new(outlet, origin, 0), &mut ())
            })
            .unwrap();
            done.sort_by_key(|(_, placed)| placed.segment.offset);
            let all = done.len();
            done.retain(|(_, placed)| placed.segment.offset < seen.boundary);
            let segments: Vec<_> = done.iter().map(|(_, p)| p.segment.clone()).collect();
            if seen.trouble.is_none() {
                let mut bytes: Vec<u8> = Vec::new();
                for segment in &segments {
                    assert_eq!(segment.offset, bytes.len() as u64);
                    let store = self.repository.store();
                    let mut take = |plain: &[u8]| {
                        bytes.extend(plain);
                        Ok(())
                    };
                    unpack(store, segment, &mut take).unwrap();
                }
                assert!(bytes == log[..seen.boundary as usize], "not the bytes of the log");
            }
            let new = done.iter().filter(|(_, placed)| placed.is_new).count();
            Stored { seen, new, behind: all - segments.len(), segments }
        }
    }

    fn stored(log: &[u8]) -> Stored {
        Home::new().store(log, false)
    }

    #[test]
    fn an_open_transaction_is_left_for_the_next_run() {
        let log = [SET, MULTI, SET].concat();
        let Stored { seen, segments, .. } = stored(&log);
        assert_eq!((seen.boundary, seen.commands, segments.len()), (SET.len() as u64, 1, 1));
        assert_eq!(stored(&[MULTI, SET].concat()).segments, []);
    }

    #[test]
    fn a_torn_record_is_left_and_damage_is_trouble() {
        let seen = stored(&[SET, &SET[..9]].concat()).seen;
        assert_eq!((seen.boundary, seen.trouble), (SET.len() as u64, None));
        let Stored { seen, segments, .. } = stored(&[SET, b"garbage\r\n", SET, SET, SET].concat());
        assert_eq!(seen.trouble.map(|t| t.0), Some(SET.len() as u64));
        assert_eq!(segments, []);
    }

    #[test]
    fn an_annotation_that_is_not_whole_is_left_for_the_next_run() {
        let log = [SET, b"#TS:1700000000\r\n"].concat();
        for torn in 1..16 {
            let seen = stored(&log[..SET.len() + torn]).seen;
            assert_eq!((seen.boundary, seen.stamps), (SET.len() as u64, None), "{torn}");
            assert_eq!(seen.trouble, None);
        }
        assert_eq!(stored(&log).seen.boundary, log.len() as u64);
    }

    #[test]
    fn a_value_larger_than_a_segment_is_in_two() {
        let log = [large(SEGMENT + 99), SET.to_vec()].concat();
        for is_whole in [false, true] {
            let Stored { seen, segments, behind, .. } = Home::new().store(&log, is_whole);
            assert_eq!((seen.boundary, seen.commands), (log.len() as u64, 2));
            assert_eq!((segments.len(), segments[0].size, behind), (2, BACKUP_SEGMENT, 0));
        }
        // The same value torn: nothing of it is in the snapshot.
        let Stored { seen, segments, behind, .. } = stored(&log[..SEGMENT + 9]);
        assert_eq!((seen.boundary, segments.len(), behind), (0, 0, 0));
    }

    #[test]
    fn a_file_is_cut_in_any_block_whatever_follows_it() {
        let (block, segment) = (BACKUP_BLOCK, SEGMENT);
        let before = [9, block - 100, block, block + 1, segment - 100, segment, segment + block];
        for cut in before.map(|at| at.max(SET.len())) {
            let mut log = if cut < 99 { SET.to_vec() } else { large(cut) };
            log.extend(MULTI);
            log.extend(SET.repeat(9));
            let Stored { seen, segments, behind, .. } = stored(&log);
            assert_eq!((seen.boundary, seen.commands, behind), (cut as u64, 1, 0));
            assert_eq!(segments.len(), cut.div_ceil(segment), "{cut}");
        }
    }

    #[test]
    fn an_open_transaction_over_several_segments_is_left_and_taken_when_it_ends() {
        let (cut, value) = (BACKUP_BLOCK + 1000, large(50 << 20));
        let open = [&large(cut)[..], MULTI, &value, &value, &value].concat();
        let Stored { seen, segments, behind, .. } = stored(&open);
        assert_eq!((seen.boundary, segments.len()), (cut as u64, 1));
        assert_eq!(behind, 1, "only the whole segment behind the one with the place to cut");
        let Stored { seen, segments, behind, .. } = stored(&[&open[..], EXEC, SET, MULTI].concat());
        let end = open.len() + EXEC.len() + SET.len();
        assert_eq!((seen.boundary, segments.len(), behind), (end as u64, 3, 0));
    }

    #[test]
    fn a_file_of_whole_blocks_has_no_empty_frame() {
        for blocks in [1, 2, 8, 9, 16] {
            let log = large(blocks * BACKUP_BLOCK);
            for is_whole in [false, true] {
                let segments = Home::new().store(&log, is_whole).segments;
                let sizes: u64 = segments.iter().map(|segment| segment.size).sum();
                assert_eq!((segments.len(), sizes), (blocks.div_ceil(8), log.len() as u64));
            }
        }
    }

    #[test]
    fn what_an_earlier_run_had_stored_is_taken_over_if_it_is_still_so() {
        let log = [large(SEGMENT), large(SEGMENT), SET.to_vec()].concat();
        let mut home = Home::new();
        let first = home.store(&log, false);
        // Two have the same bytes, and one object.
        assert_eq!((first.segments.len(), first.new), (3, 2));
        let piece =
            |segment: &SegmentEntry| Piece { file: Words::new(b"f"), segment: segment.clone() };
        home.earlier = Unfinished { pieces: first.segments.iter().map(piece).collect() };
        let second = home.store(&log, false);
        assert_eq!((&second.segments, second.new), (&first.segments, 0));
        // Its object is gone.
        home.repository.store().delete(&first.segments[0].object).unwrap();
        let third = home.store(&log, false);
        assert_eq!((&third.segments, third.new), (&first.segments, 1));
        // Other bytes are there by now, or the place to cut lies in it.
        let mut other = log.clone();
        other[SEGMENT - 9] = b'!';
        let cut = [large(SEGMENT), MULTI.to_vec(), large(SEGMENT)].concat();
        for (log, new) in [(other, 1), (cut, 0), (log[..SEGMENT].to_vec(), 0)] {
            assert_eq!(home.store(&log, false).new, new);
        }
        let cut = [large(BACKUP_BLOCK + 9), MULTI.to_vec(), large(SEGMENT)].concat();
        assert_eq!(home.store(&cut, false).new, 1);
    }
}
