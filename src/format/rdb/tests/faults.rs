//! Every reason to stop, at its offset, with the keys around it.

use super::samples::{file, hex, newest};
use crate::format::fault::Fault;
use crate::format::rdb::checksum::is_intact;
use crate::format::rdb::entry::Sink;
use crate::format::rdb::header::Family::{self, Redis, Valkey};
use crate::format::rdb::pass::{Failure, walk_slice, walk_slice_with};
use crate::format::rdb::reason::{Class, Reason};

fn fails(family: Family, records: &str) -> Failure {
    walk_slice(&newest(family, records), 0).unwrap_err()
}

fn fault(records: &str) -> Fault<Reason> {
    fails(Redis, records).fault
}

#[test]
fn what_is_unknown_is_unsupported_and_named_with_its_number() {
    let id = "810000000000000005";
    let cases = [
        (Redis, "24 016b".into(), 9, Reason::UnknownNumber(36)),
        (Redis, "08 016b".into(), 9, Reason::UnknownNumber(8)),
        (Valkey, "18 016b".into(), 9, Reason::UnknownNumber(24)),
        (Redis, format!("06 016d {id}"), 12, Reason::ModulePreRelease),
        (Redis, format!("07 016d {id} 09 00"), 21, Reason::ModuleOperation(9)),
        (Redis, "1c 0161 01 00 00 04 0161".into(), 15, Reason::ArrayTag(4)),
        (Redis, "20 0168 07 0161".into(), 12, Reason::TemplateUnknown(7)),
        (Redis, "1d 0168 02 00".into(), 12, Reason::TemplateForm(2)),
        (Redis, "1f 0168 00 07 07000000 ffff ff".into(), 12, Reason::TemplateNames),
    ];
    for (family, records, at, reason) in cases {
        let failure = fails(family, &records);
        assert_eq!(failure.fault, Fault::new(at, reason), "{records}");
        assert_eq!(reason.class(), Class::Unsupported);
    }
}

#[test]
fn what_breaks_the_format_is_malformed_and_located() {
    let cases = [
        ("fe 90", 10, Reason::LengthLead(0x90)),
        ("fe c1", 10, Reason::LengthIsEncoding(0xc1)),
        ("00 016b c4", 12, Reason::StringEncoding(0xc4)),
        ("00 016b c3015a00", 12, Reason::LzfTooDense { packed: 1, expanded: 6656 }),
        ("02 0173 81ffffffffffffffff", 12, Reason::CountImpossible(u64::MAX)),
        ("00 016b 81ffffffffffffffff 0161", 12, Reason::StringImpossible),
        ("12 016c 01 03 0161", 13, Reason::Container(3)),
        ("f6 0161 0162 02", 14, Reason::Flag(2)),
        ("f7 05 01 01 00", 11, Reason::Constant { wanted: 2, found: 1 }),
        ("15 0178 01 0161 00 000000000000000000000000000000", 13, Reason::NodeId(1)),
        ("f3 08 00 0000000000000000000000000000000000", 10, Reason::MetadataClasses(8)),
        ("f3 01 01020304 00 fe00", 16, Reason::MetadataWithoutKey(0xfe)),
        ("f2 01 00", 10, Reason::EmptyTemplate),
    ];
    for (records, at, reason) in cases {
        let records = records.replace("c3015a00", "c301 5a00");
        assert_eq!(fault(&records), Fault::new(at, reason), "{records}");
        assert_eq!(reason.class(), Class::Malformed, "{records}");
    }
    let inline = fails(Valkey, "f2 2a310d0a 25300d0a 0d0a").fault;
    assert_eq!(inline, Fault::new(14, Reason::InlineCommand(b'%')));
}

#[test]
fn a_count_that_cannot_fit_is_refused_before_anything_is_read_for_it() {
    let fault = fault("04 0168 80 00010000 0161");
    let reason = Reason::CountPastEnd { count: 65536, least: 131_072, left: 11 };
    assert_eq!(fault, Fault::new(12, reason));
    assert_eq!(reason.class(), Class::Torn);
}

#[test]
fn a_string_past_the_end_tells_how_much_is_missing() {
    let fault = fault("00 016b 80 00010000 0161");
    assert_eq!(fault, Fault::new(12, Reason::Torn { missing: 65536 - 11 }));
}

#[test]
fn a_fault_names_the_key_it_is_in_and_the_one_before() {
    let failure = fails(Redis, "fe03 00 0161 0176 fc 0000000000000000 12 0162 01 05 0161");
    let place = failure.place;
    let key = place.key.unwrap();
    assert_eq!((&*key.start, key.db, key.kind, key.at), (&b"b"[..], 3, 18, 25));
    let last = place.last_key.unwrap();
    assert_eq!((&*last.start, last.at, last.is_cut), (&b"a"[..], 11, false));
    assert_eq!((place.keys, place.proven, place.db), (1, 16, 3));
    assert_eq!(place.row.unwrap().name, "list quicklist");
    assert_eq!(place.at, failure.fault.at);
}

#[test]
fn a_long_key_is_kept_by_its_start() {
    let key = "6b".repeat(80);
    for value in ["12 4050 KEY 01 05", "02 4050 KEY 01 0161 12 4050 KEY 01 05"] {
        let place = fails(Redis, &value.replace("KEY", &key)).place;
        let key = place.key.unwrap();
        assert_eq!((key.start.len(), key.is_cut), (64, true));
    }
}

#[test]
fn unsupported_content_in_an_intact_file_can_be_told() {
    let bytes = file(Redis, 16, &hex("64 0161 aabbcc"));
    let failure = walk_slice(&bytes, 0).unwrap_err();
    assert_eq!(failure.fault.reason, Reason::UnknownNumber(100));
    assert!(is_intact(&bytes));
}

#[test]
fn a_wrong_header_is_located_in_the_file() {
    let failure = walk_slice(b"REDIS00x2", 100).unwrap_err();
    assert_eq!(failure.fault, Fault::new(107, Reason::VersionNotNumber));
    assert_eq!(walk_slice(b"*1\r\n", 0).unwrap_err().fault, Fault::new(0, Reason::NotRdb));
}

#[test]
fn an_impossible_length_is_one_for_every_listener() {
    struct Ear;
    impl Sink for Ear {
        const ENTRIES: bool = true;
    }
    // A key, and a packed encoding: what a listener wants to look into.
    for records in ["00 81ffffffffffffff00 6b", "10 0168 81ffffffffffffff00 6b"] {
        let bytes = newest(Family::Redis, records);
        let silent = walk_slice(&bytes, 0).unwrap_err().fault;
        let told = walk_slice_with(&bytes, 0, &mut Ear).unwrap_err().fault;
        assert_eq!((silent, silent.reason), (told, Reason::StringImpossible), "{records}");
    }
}
