//! Every type and opcode has a layout that ends where its bytes end.

use super::samples::{self, file, hex, newest};
use crate::format::rdb::checksum::Checksum;
use crate::format::rdb::header::{Family, Header};
use crate::format::rdb::outcome::{Remarks, Tally};
use crate::format::rdb::pass::walk_slice;
use crate::format::rdb::tables::row;

#[test]
fn every_sample_is_walked_to_its_end() {
    for (family, name, bytes, keys) in samples::files() {
        let walked = match walk_slice(&bytes, 0) {
            Ok(walked) => walked,
            Err(failure) => panic!("{family:?} {name}: {} {:?}", failure.fault, failure.place),
        };
        assert_eq!(walked.outcome.end, bytes.len() as u64, "{family:?} {name}");
        assert_eq!(walked.outcome.keys, keys, "{family:?} {name}");
        assert!(matches!(walked.checksum, Checksum::Match(_)), "{family:?} {name}");
        assert_eq!(walked.outcome.remarks.too_new_numbers.count, 0, "{family:?} {name}");
    }
}

#[test]
fn every_number_of_the_tables_has_a_sample() {
    for (family, samples) in
        [(Family::Redis, samples::redis()), (Family::Valkey, samples::valkey())]
    {
        let header = Header { family, version: family.newest_known() };
        let mut missing: Vec<u8> =
            (0..=254).filter(|number| *number != 6 && row(header, *number).is_some()).collect();
        for (_, text, _) in samples {
            let bytes = hex(&text);
            let is_template = family == Family::Redis && bytes[0] == 0xf2;
            let at = bytes.iter().position(|byte| matches!(byte, 0x1e | 0x20));
            let second = at.filter(|_| is_template).map(|at| bytes[at]);
            missing.retain(|number| *number != bytes[0] && Some(*number) != second);
            missing.retain(|number| *number != 249 || bytes[0] != 248);
            missing.retain(|number| *number != 251 || bytes[0] != 254);
        }
        assert!(missing.is_empty(), "{family:?}: {missing:?}");
    }
}

fn remarks(version: u32, records: &str) -> Remarks {
    walk_slice(&file(Family::Redis, version, &hex(records)), 0).unwrap().outcome.remarks
}

fn once(at: u64) -> Tally {
    Tally { count: 1, first_at: Some(at) }
}

#[test]
fn odd_but_walkable_records_are_remarked() {
    let odd = |change: fn(&mut Remarks)| {
        let mut remarks = Remarks::default();
        change(&mut remarks);
        remarks
    };
    assert_eq!(remarks(12, "01 016c 00"), odd(|r| r.empty_values = once(12)));
    assert_eq!(remarks(12, "10 0168 0161"), odd(|r| r.bad_blobs = once(12)));
    assert_eq!(remarks(12, "10 0168 c005"), odd(|r| r.bad_blobs = once(12)));
    assert_eq!(remarks(9, "10 0168 07 07000000 0000 ff"), odd(|r| r.too_new_numbers = once(9)));
    assert_eq!(remarks(12, "00 c30201 0061 0176"), odd(|_| ()));
    assert_eq!(remarks(12, "00 c30202 0061 0176"), odd(|r| r.bad_lzf = once(9)));
    assert_eq!(remarks(12, "f8 05"), odd(|r| r.loose_prefixes = once(9)));
    assert_eq!(remarks(12, "fe00 fb0200 00 016b 0176"), odd(|r| r.wrong_sizes = once(12)));
    assert_eq!(remarks(12, "fe00 fb0100 00 016b 0176 fe01 fb0000"), odd(|_| ()));
    assert_eq!(remarks(99 - 60, ""), odd(|r| r.is_newer_version = true));
}

#[test]
fn expires_are_counted_once_per_key() {
    let ms = "fc 0000000000000000";
    let records = format!("{ms} {ms} 00 016b 0176 fd 00000000 02 0173 01 0161 00 016b 0176");
    let outcome = walk_slice(&newest(Family::Redis, &records), 0).unwrap().outcome;
    assert_eq!((outcome.keys, outcome.expires), (3, 2));
}

#[test]
fn functions_are_counted() {
    let outcome = walk_slice(&newest(Family::Redis, "f5 0161 f5 0162"), 0).unwrap().outcome;
    assert_eq!(outcome.functions, 2);
}
