//! What a listener is told about each key.

use super::samples::{self, newest};
use crate::format::rdb::entry::{Entry, Library, Sink};
use crate::format::rdb::header::Family;
use crate::format::rdb::met::Need;
use crate::format::rdb::pass::{Pass, Progress, walk_slice, walk_slice_with};
use crate::format::rdb::walk::Walker;

/// Writes down what it is told; with tokens, too, the fast lane is off.
#[derive(Default)]
struct Notes<const TOKENS: bool>(Vec<String>);

impl<const T: bool> Sink for Notes<T> {
    const ENTRIES: bool = true;
    const TOKENS: bool = T;

    fn entry(&mut self, entry: &Entry<'_>) {
        self.0.push(format!("{entry:?}"));
    }

    fn library(&mut self, library: &Library<'_>) {
        self.0.push(format!("library {library:?}"));
    }
}

fn in_windows(bytes: &[u8], size: usize) -> Vec<String> {
    let mut notes = Notes::<false>::default();
    let mut pass = Pass::new(Walker::new(0));
    let (mut pos, mut need) = (0, 1);
    loop {
        let end = bytes.len().min(pos + size.max(need));
        match pass.push_with(&bytes[pos..end], &mut notes).unwrap() {
            Progress::Done { .. } => return notes.0,
            Progress::More { taken, need: more } => (pos, need) = (pos + taken, more),
        }
    }
}

#[test]
fn windows_and_lanes_make_no_difference_to_entries() {
    for (family, name, bytes, keys) in samples::files() {
        let mut slow = Notes::<true>::default();
        walk_slice_with(&bytes, 0, &mut slow).unwrap();
        let entries = slow.0.iter().filter(|note| !note.starts_with("library")).count();
        assert_eq!(entries as u64, keys, "{family:?} {name}");
        for size in (1..40).chain([64, 100, 1000, bytes.len()]) {
            assert_eq!(in_windows(&bytes, size), slow.0, "{family:?} {name} by {size}");
        }
    }
}

#[test]
fn a_listener_changes_nothing_about_the_walk() {
    for (family, name, bytes, _) in samples::files() {
        let silent = walk_slice(&bytes, 0).unwrap();
        let told = walk_slice_with(&bytes, 0, &mut Notes::<true>::default()).unwrap();
        assert_eq!(format!("{silent:?}"), format!("{told:?}"), "{family:?} {name}");
    }
}

/// The first entry of these records, in words.
fn first(family: Family, records: &str) -> String {
    struct First(Option<String>);
    impl Sink for First {
        const ENTRIES: bool = true;
        fn entry(&mut self, entry: &Entry<'_>) {
            let words = format!(
                "{} {} {} {:?} {:?} {:?} {}..{}..{} {}",
                entry.key.escape_ascii(),
                entry.type_name(),
                entry.encoding(),
                entry.elements,
                entry.expire_ms,
                entry.field_ttls,
                entry.start,
                entry.at,
                entry.end,
                entry.value_bytes
            );
            self.0.get_or_insert(words);
        }
    }
    let mut first = First(None);
    walk_slice_with(&newest(family, records), 0, &mut first).unwrap();
    first.0.unwrap_or_default()
}

#[test]
fn entries_tell_key_type_count_expiry_and_place() {
    let redis = |records: &str| first(Family::Redis, records);
    assert_eq!(redis("00 c007 0176"), "7 string raw Some(1) None Some(0) 9..9..14 2");
    assert_eq!(
        redis("fc 0500000000000000 00 016b 0176"),
        "k string raw Some(1) Some(5) Some(0) 9..18..23 2"
    );
    assert_eq!(
        redis("fd ffffffff f9 07 02 c30403 02616263 01 0161"),
        "abc set hashtable Some(1) Some(-1000) Some(0) 9..16..27 3"
    );
    let pairs = "0f 0f000000 0400 0101 0201 0101 0201 ff";
    assert_eq!(
        redis(&format!("10 0168 {pairs}")),
        "h hash listpack Some(2) None Some(0) 9..9..28 16"
    );
    let nodes = format!("12 016c 02 02 {pairs} 01 0161");
    assert_eq!(redis(&nodes), "l list quicklist Some(5) None Some(0) 9..9..33 21");
    assert_eq!(
        redis("18 0168 0000000000000000 02 00 0161 0162 05 0163 0164"),
        "h hash hashtable Some(2) None Some(1) 9..9..31 19"
    );
    assert_eq!(
        redis("22 0173 0000000000000000 12 12000000 0400 8161 02 d39d 02 8162 02 00 01 ff"),
        "s set listpackex Some(2) None Some(1) 9..9..39 27"
    );
    assert_eq!(
        redis("23 0173 0000000000000000 03 01 0161 4102 0162 00 0163"),
        "s set hashtable Some(3) None Some(2) 9..9..31 19"
    );
    assert_eq!(
        redis("21 0162 4105 08 0000000000000000"),
        "b bitmap roaring Some(1) None Some(0) 9..9..23 11"
    );
    assert_eq!(redis("21 0172 05"), "r rate counter counter Some(1) None Some(0) 9..9..13 1");
    let valkey = "16 0168 02 0161 0162 ffffffffffffffff 0163 0164 0000000000000000";
    assert_eq!(first(Family::Valkey, valkey), "h hash hashtable Some(2) None Some(1) 9..9..37 25");
}

#[test]
fn modules_and_streams_tell_more() {
    struct Told(Vec<(Option<String>, Option<u64>)>);
    impl Sink for Told {
        const ENTRIES: bool = true;
        fn entry(&mut self, entry: &Entry<'_>) {
            self.0.push((entry.module_name(), entry.stream.map(|stream| stream.pending)));
        }
    }
    // The identifier of vector sets, encoding version 1.
    let id = "81bde72da2bb1eb401";
    let group = "15 0178 00 00 0000 0000 0000 00 01 0167 0000 00 02 \
        0000000000000001000000000000000200000000000000000100000000000000010000000000000003000000000000000001 00";
    let bytes = newest(Family::Redis, &format!("07 016d {id} 00 {group}"));
    let mut told = Told(Vec::new());
    walk_slice_with(&bytes, 0, &mut told).unwrap();
    assert_eq!(told.0, [(Some("vectorset".to_owned()), None), (None, Some(2))]);
}

#[test]
fn what_no_header_counts_is_counted_entry_by_entry() {
    let redis = |records: &str| first(Family::Redis, records);
    let many = "0f 0f000000 ffff 0101 0201 0101 0201 ff";
    assert_eq!(
        redis(&format!("10 0168 {many}")),
        "h hash listpack Some(2) None Some(0) 9..9..28 16"
    );
    let ziplist = "0f 0f000000 0c000000 ffff 00f3 02f4 ff";
    assert_eq!(
        redis(&format!("0d 0168 {ziplist}")),
        "h hash ziplist Some(1) None Some(0) 9..9..28 16"
    );
    assert_eq!(
        redis("09 0168 08 fe 0161 0101 62 00 ff"),
        "h hash zipmap Some(1) None Some(0) 9..9..21 9"
    );
    let fields = "13 13000000 0600 0101 0201 0301 0201 0201 0001 ff";
    let lzf = "c3 14 13 12 13000000 0600 0101 0201 0301 0201 0201 0001 ff";
    for (fields, len) in [(fields, 28), (lzf, 31)] {
        assert_eq!(
            redis(&format!("19 0168 0000000000000000 {fields}")),
            format!("h hash listpackex Some(2) None Some(1) 9..9..{} {len}", 12 + len)
        );
    }
    let broken = "0b 0b000000 0300 0101 8501 ff";
    let told = redis(&format!("19 0168 0000000000000000 {broken}"));
    assert!(told.starts_with("h hash listpackex None None None"), "{told}");
}

#[test]
fn what_was_met_is_counted_by_number_in_either_lane() {
    let eight = "1112131415161718";
    let id = "81bde72da2bb1eb401";
    let records = format!(
        "fe00 00 016b 0176 fc {eight} 00 0161 0176 fc {eight} f9 05 14 0173 07 07000000 0000 ff \
         f8 05 00 0162 0176 f3 01 01020304 00 00 0163 0176 07 016d {id} 00 f7 {id} 02 01 00 02 0164 00 \
         07 016e {id} 00 f1 00 0165 0176"
    );
    let bytes = newest(Family::Redis, &records);
    let fast = walk_slice(&bytes, 0).unwrap().outcome;
    let slow = walk_slice_with(&bytes, 0, &mut Notes::<true>::default()).unwrap().outcome;
    for outcome in [&fast, &slow] {
        let met: Vec<_> =
            outcome.met.iter().map(|met| (met.row.number, met.count, met.first_at)).collect();
        let numbers: Vec<_> = met.iter().map(|(number, count, _)| (*number, *count)).collect();
        let wanted = [(0, 5), (2, 1), (7, 2), (20, 1), (241, 1), (243, 1), (247, 1), (248, 1)];
        assert_eq!(numbers, [&wanted[..], &[(249, 1), (252, 2), (254, 1), (255, 1)]].concat());
        for (number, _, first_at) in met {
            assert_eq!(bytes[first_at as usize], number);
        }
        let modules: Vec<_> =
            outcome.modules.iter().map(|one| (one.name.as_str(), one.need, one.count)).collect();
        let wanted = [("BAMC", Need::Metadata, 1), ("vectorset", Need::Value, 2)];
        assert_eq!(modules, [&wanted[..], &[("vectorset", Need::Auxiliary, 1)]].concat());
        let documented: Vec<_> = outcome.documented_only().map(|met| met.row.number).collect();
        assert_eq!(documented, [241]);
    }
}
