//! The one pass over the bytes of a file that are new: where it may be cut, what is in it, and the sums by
//! which the packers know that they see the same bytes.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, VecDeque};

use super::eyes::{Eyes, Seen};
use crate::aof::{Event, Pulse, walk_from};
use crate::disk::{Access, FrozenFile, Source};
use crate::error::Result;
use crate::format::rdb::Crc64;
use crate::limits;

/// Bytes of one piece, as far as it has been walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// Where it begins in the file.
    pub(super) offset: u64,
    /// Bytes of it that go into the snapshot.
    pub(super) size: u64,
    /// Bytes of it that were summed; the last piece may have more than go in.
    pub(super) summed: u64,
    /// Their sum; `None` where nobody walked over them.
    pub(super) sum: Option<u64>,
}

/// From where to walk, and from where on the bytes are to be stored.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    /// A record begins here, or the file.
    pub(super) walk_from: u64,
    /// Not before `walk_from`.
    pub(super) store_from: u64,
}

/// Walks a file and hands out its pieces as soon as they may be stored, with their bytes and what follows them where
/// all of it is little. `told` is called for every window.
pub(super) fn pass(
    file: &FrozenFile,
    stretch: Stretch,
    told: &mut dyn Pulse,
    hand_out: &mut dyn FnMut(Piece, Option<Vec<u8>>) -> Result<()>,
) -> Result<Seen> {
    let is_little = file.len().saturating_sub(stretch.store_from) <= limits::BACKUP_KEPT;
    let sums = RefCell::new(Sums::new(stretch.store_from, is_little));
    let boundary = Cell::new(stretch.walk_from);
    let inner = file.source(Access::ReadAndKeep);
    let mut source = Summing { inner, sums: &sums };
    let mut eyes = Eyes::new(&boundary, stretch.walk_from, file.len());
    let mut pieces = Pieces {
        next: stretch.store_from,
        boundary: &boundary,
        sums: &sums,
        told,
        hand_out,
        failed: None,
    };
    let from = stretch.walk_from;
    walk_from(&mut source, from, &mut pieces, &mut |event: Event<'_>| eyes.event(&event))?;
    source.sum_up_to(file.len())?;
    let Pieces { failed, .. } = &mut pieces;
    if let Some(error) = failed.take() {
        return Err(error);
    }
    let seen = eyes.finish();
    if seen.trouble.is_none() {
        pieces.rest(file.len())?;
    }
    Ok(seen)
}

/// Walks a whole file that is in a snapshot. Answers what is in it, and which of the places in `ends` are
/// none where a file may be cut.
pub(super) fn look_at(
    source: &mut dyn Source,
    len: u64,
    mut ends: BTreeSet<u64>,
    told: &mut impl Pulse,
) -> Result<(Seen, BTreeSet<u64>)> {
    let boundary = Cell::new(0);
    let mut eyes = Eyes::new(&boundary, 0, len);
    ends.remove(&0);
    walk_from(source, 0, told, &mut |event: Event<'_>| {
        eyes.event(&event);
        ends.remove(&boundary.get());
    })?;
    Ok((eyes.finish(), ends))
}

/// CRCs over the pieces of a file, in passing.
struct Sums {
    /// Up to here everything is summed.
    at: u64,
    /// Where the open piece ends.
    end: u64,
    open: Crc64,
    done: VecDeque<u64>,
    /// The bytes themselves, where they are few: nobody reads them a second time then.
    kept: Option<Vec<u8>>,
}

impl Sums {
    fn new(from: u64, keeps: bool) -> Self {
        let end = from.saturating_add(limits::BACKUP_SEGMENT);
        let kept = keeps.then(Vec::new);
        Self { at: from, end, open: Crc64::new(), done: VecDeque::new(), kept }
    }

    /// Takes in `bytes`, which lie at `start` and may have been seen in part.
    fn take(&mut self, start: u64, bytes: &[u8]) {
        let Some(skip) = self.at.checked_sub(start) else { return };
        let mut rest = usize::try_from(skip).ok().and_then(|s| bytes.get(s..)).unwrap_or_default();
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(rest);
        }
        while !rest.is_empty() {
            let room = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
            let (now, later) = rest.split_at(room.min(rest.len()));
            self.open.update(now);
            self.at += now.len() as u64;
            if self.at == self.end {
                self.done.push_back(self.open.value());
                self.open = Crc64::new();
                self.end += limits::BACKUP_SEGMENT;
            }
            rest = later;
        }
    }
}

/// A source that sums what is read through it.
struct Summing<'s, 'f> {
    inner: Box<dyn Source + 'f>,
    sums: &'s RefCell<Sums>,
}

impl Summing<'_, '_> {
    /// A walk jumps over the insides of large values: they are to be stored all the same.
    fn sum_up_to(&mut self, end: u64) -> Result<()> {
        loop {
            let at = self.sums.borrow().at;
            if at >= end {
                return Ok(());
            }
            let window = self.inner.window(at, 1)?;
            if window.is_empty() {
                return Ok(());
            }
            self.sums.borrow_mut().take(at, window);
        }
    }
}

impl Source for Summing<'_, '_> {
    fn window(&mut self, at: u64, need: usize) -> Result<&[u8]> {
        self.sum_up_to(at)?;
        let window = self.inner.window(at, need)?;
        self.sums.borrow_mut().take(at, window);
        Ok(window)
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

/// Hands out pieces that lie wholly before a place to cut.
struct Pieces<'a> {
    next: u64,
    boundary: &'a Cell<u64>,
    sums: &'a RefCell<Sums>,
    told: &'a mut dyn Pulse,
    hand_out: &'a mut dyn FnMut(Piece, Option<Vec<u8>>) -> Result<()>,
    failed: Option<crate::error::Error>,
}

impl Pieces<'_> {
    fn whole_ones(&mut self) -> Result<()> {
        while self.next.saturating_add(limits::BACKUP_SEGMENT) <= self.boundary.get() {
            let Some(sum) = self.sums.borrow_mut().done.pop_front() else { return Ok(()) };
            let size = limits::BACKUP_SEGMENT;
            (self.hand_out)(Piece { offset: self.next, size, summed: size, sum: Some(sum) }, None)?;
            self.next += size;
        }
        Ok(())
    }

    /// After the last byte of the file: the whole pieces, and the one that ends at the last place to cut.
    fn rest(&mut self, len: u64) -> Result<()> {
        self.whole_ones()?;
        let size = self.boundary.get().saturating_sub(self.next);
        if size == 0 {
            return Ok(());
        }
        let mut sums = self.sums.borrow_mut();
        let open = sums.open.value();
        // A piece that was summed to its end may still be cut short by a transaction.
        let (sum, summed) = match sums.done.pop_front() {
            Some(sum) => (sum, limits::BACKUP_SEGMENT),
            None => (open, len - self.next),
        };
        let kept = sums.kept.take();
        drop(sums);
        (self.hand_out)(Piece { offset: self.next, size, summed, sum: Some(sum) }, kept)
    }
}

impl Pulse for Pieces<'_> {
    fn reached(&mut self, offset: u64) {
        if self.failed.is_none() {
            self.told.reached(offset);
            self.failed = self.whole_ones().err();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces_of(bytes: &[u8], stretch_from: u64) -> (Vec<Piece>, Seen) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        std::fs::write(&path, bytes).unwrap();
        let file = FrozenFile::open(&path).unwrap();
        let mut pieces = Vec::new();
        let stretch = Stretch { walk_from: stretch_from, store_from: stretch_from };
        let seen = pass(&file, stretch, &mut (), &mut |piece, _| {
            pieces.push(piece);
            Ok(())
        });
        (pieces, seen.unwrap())
    }

    const SET: &[u8] = b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$2\r\n10\r\n";

    #[test]
    fn an_open_transaction_is_left_for_the_next_run() {
        let log = [SET, b"*1\r\n$5\r\nMULTI\r\n", SET].concat();
        let (pieces, seen) = pieces_of(&log, 0);
        assert_eq!((seen.boundary, seen.commands), (SET.len() as u64, 1));
        assert_eq!(pieces.len(), 1);
        assert_eq!((pieces[0].size, pieces[0].summed), (SET.len() as u64, log.len() as u64));
    }

    #[test]
    fn a_torn_record_is_left_and_damage_is_trouble() {
        let (_, seen) = pieces_of(&[SET, &SET[..9]].concat(), 0);
        assert_eq!((seen.boundary, seen.trouble), (SET.len() as u64, None));
        let (pieces, seen) = pieces_of(&[SET, b"garbage\r\n", SET, SET, SET].concat(), 0);
        assert_eq!(seen.trouble.map(|t| t.0), Some(SET.len() as u64));
        assert_eq!(pieces, []);
    }

    #[test]
    fn an_annotation_that_is_not_whole_is_left_for_the_next_run() {
        let log = [SET, b"#TS:1700000000\r\n"].concat();
        for torn in 1..16 {
            let (_, seen) = pieces_of(&log[..SET.len() + torn], 0);
            assert_eq!((seen.boundary, seen.stamps), (SET.len() as u64, None), "{torn}");
            assert_eq!(seen.trouble, None);
        }
        assert_eq!(pieces_of(&log, 0).1.boundary, log.len() as u64);
    }

    #[test]
    fn a_value_larger_than_a_piece_is_handed_out_in_pieces_with_the_sums_of_its_bytes() {
        let value: Vec<u8> = (0..limits::BACKUP_SEGMENT + 99).map(|i| (i % 251) as u8).collect();
        let mut log = format!("*3\r\n$3\r\nSET\r\n$1\r\na\r\n${}\r\n", value.len()).into_bytes();
        log.extend(&value);
        log.extend(b"\r\n");
        log.extend(SET);
        let (pieces, seen) = pieces_of(&log, 0);
        assert_eq!((seen.boundary, seen.commands), (log.len() as u64, 2));
        assert_eq!(pieces.len(), 2);
        for piece in pieces {
            let from = piece.offset as usize;
            let bytes = &log[from..from + piece.summed as usize];
            assert_eq!(piece.sum, Some(crate::format::rdb::checksum::crc64(bytes)));
        }
    }

    #[test]
    fn a_transaction_over_the_end_of_a_piece_holds_that_piece_back() {
        let filler = limits::BACKUP_SEGMENT as usize - 100;
        let mut log = format!("*3\r\n$3\r\nSET\r\n$1\r\na\r\n${filler}\r\n").into_bytes();
        log.resize(log.len() + filler, b'x');
        log.extend(b"\r\n");
        let cut = log.len() as u64;
        log.extend(b"*1\r\n$5\r\nMULTI\r\n");
        log.extend(SET.repeat(9));
        let (pieces, seen) = pieces_of(&log, 0);
        assert_eq!(seen.boundary, cut);
        assert_eq!(pieces.len(), 1);
        assert_eq!((pieces[0].size, pieces[0].summed), (cut, limits::BACKUP_SEGMENT));
        let summed = &log[..limits::BACKUP_SEGMENT as usize];
        assert_eq!(pieces[0].sum, Some(crate::format::rdb::checksum::crc64(summed)));
    }
}
