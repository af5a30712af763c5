//! What holds for any bytes: windows do not matter, every cut is torn, nothing panics.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::samples;
use crate::format::fault::Fault;
use crate::format::rdb::checksum::Checksum;
use crate::format::rdb::contents::{Contents, Opening, Piece, Reader};
use crate::format::rdb::deep::{Deep, Report};
use crate::format::rdb::entry::{Sink, Token};
use crate::format::rdb::header::Family;
use crate::format::rdb::pass::{Failure, Pass, Progress, Walked, walk_slice, walk_slice_with};
use crate::format::rdb::reason::{Class, Reason};
use crate::format::rdb::walk::{NEED_MAX, Next, Walker};

type Result<T> = std::result::Result<T, Fault<Reason>>;

static FILES: LazyLock<Vec<samples::File>> = LazyLock::new(samples::files);

/// Everything a walk tells, for comparing.
fn told(pass: &Pass, result: Result<()>) -> String {
    let place = pass.walker().place();
    let found = pass.outcome().map(|walked| (format!("{:?}", walked.outcome), walked.checksum));
    format!("{result:?} {place:?} {found:?}")
}

/// A pass shown at most `size` bytes at a time, more only when it asks.
fn in_windows(bytes: &[u8], size: usize) -> String {
    let mut pass = Pass::new(Walker::new(0));
    let (mut pos, mut need) = (0, 1);
    let result = loop {
        let end = bytes.len().min(pos + size.max(need));
        match pass.push(&bytes[pos..end]) {
            Ok(Progress::Done { .. }) => break Ok(()),
            Ok(Progress::More { need: more, .. })
                if more > bytes.len() - pos && end == bytes.len() =>
            {
                break Err(pass.torn(bytes.len() as u64));
            }
            Ok(Progress::More { taken, need: more }) => {
                assert!(taken > 0 || more > end - pos, "no progress at {pos}");
                assert!(more <= NEED_MAX);
                pos += taken;
                need = more;
            }
            Err(fault) => break Err(fault),
        }
        assert_eq!(pass.offset(), pos as u64);
    };
    told(&pass, result)
}

/// The walker alone, which skips what it may; answers the end of the RDB.
fn seeking(bytes: &[u8]) -> Result<u64> {
    let mut walker = Walker::new(0);
    let mut pos = 0;
    loop {
        let step = walker.step(bytes.get(pos..).unwrap_or_default())?;
        pos += step.consumed;
        match step.next {
            Next::Done => return Ok(walker.offset()),
            Next::Skip(n) if n <= (bytes.len() - pos) as u64 => pos += n as usize,
            _ => return Err(walker.torn(bytes.len() as u64)),
        }
    }
}

#[test]
fn windows_of_any_size_tell_the_same() {
    for (family, name, bytes, _) in FILES.iter() {
        let whole = in_windows(bytes, bytes.len());
        for size in (1..40).chain([64, 100, 1000, 4096]) {
            assert_eq!(in_windows(bytes, size), whole, "{family:?} {name} by {size}");
        }
        assert_eq!(seeking(bytes), Ok(bytes.len() as u64), "{family:?} {name}");
    }
}

/// The fast lane once passed over opcodes that are newer than the file without a remark, so a remark
/// depended on where windows ended.
#[test]
fn windows_of_any_size_remark_the_same_in_old_files() {
    let eight = "1112131415161718";
    let records = format!(
        "fc {eight} 00 016b 0176 f9 05 00 016b 0176 f8 4100 00 016b 0176 fc {eight} f9 07 00 016b 0176 \
         fc {eight} f8 07 00 016b 0176 fd 01020304 00 016b 0176 00 016b 0176"
    );
    for (version, too_new) in [(1, 7), (2, 7), (3, 4), (8, 4), (9, 0), (12, 0)] {
        let bytes = samples::file(Family::Redis, version, &samples::hex(&records));
        let walked = walk_slice(&bytes, 0).unwrap();
        assert_eq!(walked.outcome.remarks.too_new_numbers.count, too_new, "version {version}");
        let whole = in_windows(&bytes, bytes.len());
        for size in 1..bytes.len() {
            assert_eq!(in_windows(&bytes, size), whole, "version {version} by {size}");
        }
    }
}

/// Shows `bytes` in two windows, of which the first has `cut` bytes at least, or in many of `size`.
fn hear<S: Sink>(bytes: &[u8], cut: usize, size: usize, sink: &mut S) {
    let mut pass = Pass::new(Walker::new(0));
    let (mut pos, mut need, mut first) = (0, 1, cut);
    loop {
        let end = bytes.len().min(pos + first.max(need));
        match pass.push_with(&bytes[pos..end], sink) {
            Ok(Progress::More { taken, need: more }) if more <= bytes.len() - pos => {
                (pos, need) = (pos + taken, more);
            }
            _ => return,
        }
        first = size;
    }
}

fn deep_report(bytes: &[u8], cut: usize, size: usize) -> Report {
    let mut deep = Deep::new();
    hear(bytes, cut, size, &mut deep);
    deep.finish()
}

/// Everything that values hold.
#[derive(Default)]
struct Opened {
    contents: Contents,
    pieces: Pieces,
}

#[derive(Default)]
struct Pieces(Vec<String>);

impl Reader for Pieces {
    fn opens(&mut self, value: &Opening<'_>) -> bool {
        self.0.push(format!(
            "{:?} {:?} {}",
            value.key.escape_ascii(),
            value.row,
            value.least_bytes
        ));
        true
    }

    fn piece(&mut self, piece: &Piece<'_>) {
        self.0.push(format!("{piece:?}"));
    }
}

impl Sink for Opened {
    const ENTRIES: bool = true;
    const TOKENS: bool = true;

    fn token(&mut self, token: &Token<'_>) {
        self.contents.token(token, &mut self.pieces);
    }

    fn more(&mut self, bytes: &[u8]) {
        self.contents.more(bytes, &mut self.pieces);
    }
}

fn pieces(bytes: &[u8], cut: usize, size: usize) -> Vec<String> {
    let mut opened = Opened::default();
    hear(bytes, cut, size, &mut opened);
    opened.pieces.0
}

/// Items of a fixed width, text scores and identifiers of pending entries were once read in halves where a window
/// ended inside of them, and healthy files were called damaged.
#[test]
fn values_are_the_same_wherever_windows_end() {
    for (family, name, bytes, _) in FILES.iter() {
        let (report, whole) = (deep_report(bytes, bytes.len(), 1), pieces(bytes, bytes.len(), 1));
        let splits = (1..bytes.len()).map(|cut| (cut, bytes.len())).chain((1..30).map(|n| (n, n)));
        for (cut, size) in splits {
            assert_eq!(deep_report(bytes, cut, size), report, "{family:?} {name} {cut} {size}");
            assert_eq!(pieces(bytes, cut, size), whole, "{family:?} {name} {cut} {size}");
        }
    }
}

#[test]
fn every_cut_is_torn() {
    for (family, name, bytes, _) in FILES.iter() {
        for cut in 0..bytes.len() {
            let cut_bytes = &bytes[..cut];
            let known = walk_slice(cut_bytes, 0).unwrap_err();
            assert_eq!(known.fault.reason.class(), Class::Torn, "{family:?} {name} at {cut}");
            assert!(known.fault.at <= cut as u64 && known.place.proven <= cut as u64);
            let unknown = seeking(cut_bytes).unwrap_err();
            assert!(matches!(unknown.reason, Reason::Torn { .. }), "{family:?} {name} at {cut}");
        }
    }
}

#[test]
fn any_flipped_byte_is_seen_by_the_walk_or_by_the_checksum() {
    for (family, name, bytes, _) in FILES.iter() {
        for at in 9..bytes.len() {
            for flip in [1, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[at] ^= flip;
                if let Ok(walked) = walk_slice(&changed, 0) {
                    let sound = matches!(walked.checksum, Checksum::Match(_))
                        && walked.outcome.end == bytes.len() as u64;
                    assert!(!sound, "{family:?} {name} at {at}");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn no_mutation_panics_and_windows_agree_on_it(
        pick in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        size in 1_usize..300,
    ) {
        let (_, _, mut bytes, _) = FILES[pick.index(FILES.len())].clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let whole = in_windows(&bytes, bytes.len());
        prop_assert_eq!(in_windows(&bytes, size), whole);
        let _ = walk_slice(&bytes, 0);
        let _ = walk_slice(&bytes, u64::MAX - 20);
        let _ = walk_slice_with(&bytes, u64::MAX - 20, &mut Deep::new());
        // A listener looks ahead, so of torn data it may know less exactly how much is missing.
        let told = |result: std::result::Result<Walked, Failure>| match result {
            Ok(walked) => format!("{:?}", walked.outcome),
            Err(failure) => format!("{:?} {}", failure.fault.reason.class(), failure.fault.at),
        };
        let deep = walk_slice_with(&bytes, 0, &mut Deep::new());
        prop_assert_eq!(told(deep), told(walk_slice(&bytes, 0)));
    }

    #[test]
    fn no_packed_bytes_panic(
        number in prop::sample::select(vec![9_u8, 10, 11, 12, 13, 16, 17, 20, 23, 30]),
        head in prop::collection::vec(0_u8..40, 0..12),
        body in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        // Sizes that fit let the walk come to the entries.
        let mut blob = [head, body, vec![0xff]].concat();
        let size = (blob.len() as u32).to_le_bytes();
        blob.iter_mut().zip(size).for_each(|(byte, size)| *byte = size);
        let mut records = vec![number, 1, b'k', blob.len() as u8];
        records.extend(blob);
        let bytes = samples::file(Family::Redis, 15, &records);
        let _ = walk_slice_with(&bytes, 0, &mut Deep::new());
    }

    #[test]
    fn no_bytes_panic(body in prop::collection::vec(any::<u8>(), 0..400), magic in any::<bool>()) {
        let mut bytes = if magic { b"REDIS0012".to_vec() } else { b"VALKEY081".to_vec() };
        bytes.extend(body);
        let whole = in_windows(&bytes, bytes.len());
        prop_assert_eq!(in_windows(&bytes, 3), whole);
        let _ = walk_slice(&bytes[9..], 0);
        let _ = walk_slice_with(&bytes, 0, &mut Deep::new());
    }
}
