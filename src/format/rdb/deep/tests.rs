//! Values made by hand, one flaw each.

use super::{Deep, Report, Wrong};
use crate::format::rdb::header::Family::{self, Redis, Valkey};
use crate::format::rdb::pass::{Pass, Progress, walk_slice_with};
use crate::format::rdb::tests::samples::newest;
use crate::format::rdb::walk::Walker;

fn report(family: Family, records: &str) -> Report {
    let mut deep = Deep::new();
    walk_slice_with(&newest(family, records), 0, &mut deep).unwrap();
    deep.finish()
}

/// What is wrong, and where.
fn wrongs(records: &str) -> Vec<(Wrong, u64, Option<u64>)> {
    let flaws = report(Redis, records).flaws;
    flaws.into_iter().map(|flaw| (flaw.wrong, flaw.at, flaw.inside)).collect()
}

#[test]
fn sound_values_have_no_flaws() {
    for records in [
        "0b 0169 0c 02000000 02000000 0100 0200",
        "10 0168 0f 0f000000 0400 0101 0201 0301 0201 ff",
        "0c 017a 10 10000000 0c000000 0200 00f2 02fe07 ff",
        "09 0168 08 01 0161 01 01 78 00 ff",
        "12 016c 02 02 0b 0b000000 0200 0101 0101 ff 01 0161",
        "02 0173 02 0161 0162 02 0174 02 0161 0162",
        "05 017a 01 0161 000000000000f03f",
        "03 017a 02 0161 03312e35 0162 fe",
        "19 0168 0000000000000000 13 13000000 0600 0101 0101 0501 0201 0101 0001 ff",
    ] {
        assert_eq!(wrongs(records), [], "{records}");
    }
}

/// The names of one stream's groups and consumers were once remembered for the next.
#[test]
fn streams_may_have_groups_consumers_and_pending_entries_of_the_same_name() {
    let id = "00000000000000010000000000000002";
    let eight = "1112131415161718";
    let group = format!(
        "01 67 05 06 00 01 {id}{eight}01 02 0163 {eight} {eight} 01 {id} 0164 {eight} {eight} 00"
    );
    let stream = |key: &str| {
        format!(
            "15 01{key} 00 00 05 06 0000 0000 03 02 {group} {}",
            group.replacen("01 67", "01 68", 1)
        )
    };
    let records = format!("{} {} {}", stream("61"), stream("62"), stream("63"));
    assert_eq!(wrongs(&records), []);
    let twice = format!("15 0161 00 00 05 06 0000 0000 03 02 {group} {group}");
    assert_eq!(wrongs(&twice).first().map(|flaw| flaw.0), Some(Wrong::DuplicateName));
}

#[test]
fn sets_whose_members_expire_are_looked_into() {
    let pairs = |entries: &str, size: &str, count: &str| {
        format!("22 0173 0000000000000000 {size} {size}000000 {count}00 {entries} ff")
    };
    assert_eq!(wrongs(&pairs("8161 02 0501 8162 02 0001", "11", "04")), []);
    let twice = pairs("8161 02 0501 8161 02 0001", "11", "04");
    assert_eq!(wrongs(&twice)[0].0, Wrong::DuplicateMember);
    assert_eq!(wrongs(&pairs("8161 02 0501 8162 02", "0f", "03"))[0].0, Wrong::Unpaired);
    assert_eq!(wrongs("23 0173 0000000000000000 02 05 0161 00 0162"), []);
    let twice = wrongs("23 0173 0000000000000000 02 05 0161 00 0161");
    assert_eq!(twice[0].0, Wrong::DuplicateMember);
}

/// What a command between them deleted may be written again.
#[test]
fn a_key_may_stand_twice_where_commands_stand_among_keys() {
    let command = "f2 2a310d0a 24340d0a 50494e47 0d0a";
    let found = report(Valkey, &format!("00 016b 0176 {command} 00 016b 0176"));
    assert_eq!((found.flaws, found.keys_compared), (vec![], false));
    assert_eq!(report(Valkey, "00 016b 0176 00 016b 0176").flaws.len(), 1);
}

#[test]
fn every_flaw_of_a_packed_encoding_is_found_where_it_is() {
    let cases = [
        ("10 0168 06 060000000000", Wrong::TooSmall, 0),
        ("10 0168 07 08000000 0000 ff", Wrong::Size, 0),
        ("10 0168 07 07000000 0000 fe", Wrong::EndMark, 6),
        ("10 0168 09 09000000 0100 f501 ff", Wrong::EntryForm, 6),
        ("10 0168 09 09000000 0100 8501 ff", Wrong::EntryPastEnd, 6),
        ("10 0168 0b 0b000000 0200 0101 0202 ff", Wrong::BackLength, 8),
        ("10 0168 0b 0b000000 0300 0101 0201 ff", Wrong::Count, 4),
        ("10 0168 0f 0f000000 0400 0101 0201 813102 02 ff", Wrong::DuplicateMember, 10),
        ("14 0173 0b 0b000000 0200 0101 0101 ff", Wrong::DuplicateMember, 8),
        ("0a 016c 0f 0f000000 0b000000 0200 00f2 02f3 00", Wrong::EndMark, 14),
        ("0a 016c 0f 0f000000 0c000000 0200 00f2 03f3 ff", Wrong::BackLength, 12),
        ("0a 016c 10 10000000 0b000000 0200 00f2 02fe07 ff", Wrong::LastEntry, 4),
        ("0b 0169 0c 03000000 02000000 0100 0200", Wrong::Width, 0),
        ("0b 0169 0c 02000000 03000000 0100 0200", Wrong::Size, 4),
        ("0b 0169 0c 02000000 02000000 0200 0100", Wrong::Order, 10),
        (
            "19 0168 0000000000000000 13 13000000 0600 0101 0101 0501 0201 0101 0401 ff",
            Wrong::Order,
            16,
        ),
        ("19 0168 0000000000000000 0e 0e000000 0300 0101 0101 df ff 02 ff", Wrong::FieldExpiry, 10),
        ("09 0168 08 02 0161 01 01 78 00 ff", Wrong::Count, 0),
    ];
    for (records, wrong, inside) in cases {
        let found = wrongs(records);
        assert_eq!((found.len(), found[0].0, found[0].2), (1, wrong, Some(inside)), "{records}");
    }
}

#[test]
fn flaws_of_plain_values_are_found_at_their_tokens() {
    let cases = [
        ("10 0168 09 09000000 0100 0101 ff", Wrong::Unpaired, 12),
        ("10 0168 07 07000000 0000 ff", Wrong::Empty, 12),
        ("01 016c 00", Wrong::Empty, 12),
        ("12 016c 01 02 07 07000000 0000 ff", Wrong::Empty, 9),
        ("12 016c 02 01 00 01 0161", Wrong::EmptyNode, 14),
        ("02 0173 02 c005 0135", Wrong::DuplicateMember, 15),
        ("04 0168 02 0161 0162 0161 0163", Wrong::DuplicateMember, 17),
        ("05 017a 01 0161 000000000000f87f", Wrong::Score, 15),
        ("03 017a 01 0161 fd", Wrong::Score, 15),
        ("03 017a 01 0161 0178", Wrong::ScoreText, 15),
        ("18 0168 ffffffffffff0000 01 02 0161 0162", Wrong::FieldExpiry, 21),
        ("00 016b c3 02 02 0061", Wrong::Lzf, 12),
        ("00 016b 0176 00 016b 0177", Wrong::DuplicateKey, 14),
        ("fe01 00 c005 0176 00 0135 0177", Wrong::DuplicateKey, 16),
    ];
    for (records, wrong, at) in cases {
        let found = wrongs(records);
        assert_eq!(found, [(wrong, at, found[0].2)], "{records}");
    }
    assert_eq!(wrongs("00 016b 0176 fe01 00 016b 0177"), []);
}

#[test]
fn pending_entries_must_belong_to_their_group_and_to_a_consumer() {
    let a = "00000000000000010000000000000001";
    let b = "00000000000000010000000000000002";
    let node = "1111111111111111 01";
    let group = |pel: &str, consumers: &str| {
        format!("15 0178 00 00 0000 0000 0000 00 01 0167 0000 00 {pel} {consumers}")
    };
    let consumer = |ids: &str| format!("0163 1111111111111111 2222222222222222 {ids}");
    let one = |ids: &str| format!("01 {}", consumer(ids));
    let only = |records: String| -> Vec<Wrong> {
        wrongs(&records).into_iter().map(|(wrong, _, _)| wrong).collect()
    };
    let both = format!("02 {a}{node} {b}{node}");
    assert_eq!(only(group(&both, &one(&format!("02 {a}{b}")))), []);
    assert_eq!(only(group(&both, &one(&format!("01 {a}")))), [Wrong::UnownedPending]);
    let first = format!("01 {a}{node}");
    assert_eq!(only(group(&first, &one(&format!("02 {a}{b}")))), [Wrong::ForeignPending]);
    assert_eq!(only(group(&first, &one(&format!("02 {a}{a}")))), [Wrong::DuplicatePending]);
    let twice = format!("02 {} {}", consumer(&format!("01 {a}")), consumer("00"));
    assert_eq!(only(group(&first, &twice)), [Wrong::DuplicateName]);
}

#[test]
fn windows_do_not_matter_to_what_is_found() {
    let records = "10 0168 0f 0f000000 0400 0101 0201 0101 0201 ff 00 016b c303020061 00 016b 0176 \
        02 0173 02 0161 0161";
    for family in [Redis, Valkey] {
        let records = records.replace("c303020061", "c3 02 02 0061");
        let bytes = newest(family, &records);
        let whole = report(family, &records);
        assert_eq!(whole.flaws_seen, 4);
        for size in 1..bytes.len() {
            let mut deep = Deep::new();
            let mut pass = Pass::new(Walker::new(0));
            let (mut pos, mut need) = (0, 1);
            loop {
                let end = bytes.len().min(pos + size.max(need));
                match pass.push_with(&bytes[pos..end], &mut deep).unwrap() {
                    Progress::Done { .. } => break,
                    Progress::More { taken, need: more } => (pos, need) = (pos + taken, more),
                }
            }
            assert_eq!(deep.finish(), whole, "by {size}");
        }
    }
}
