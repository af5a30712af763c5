//! The tables agree with each other and with what they claim.

use crate::format::rdb::header::{Family, Header};
use crate::format::rdb::layout::Item::{
    self, Classes, Counted, Elements, Fixed, Held, Len, Loop, NodeId, RespCommand, Str, Template,
    TemplateValues,
};
use crate::format::rdb::layout::{LISTPACK, least};
use crate::format::rdb::streams::{CONSUMERS, PENDING};
use crate::format::rdb::tables::{row, rows};

const NEWEST: [Header; 2] = [
    Header { family: Family::Redis, version: Family::Redis.newest_known() },
    Header { family: Family::Valkey, version: Family::Valkey.newest_known() },
];

#[test]
fn the_families_agree_below_22_and_from_244() {
    for number in (0..22).chain(244..=255) {
        let names = NEWEST.map(|header| row(header, number).map(|row| (row.name, row.kind)));
        assert_eq!(names[0], names[1], "{number}");
        assert_eq!(names[0].is_none(), number == 8);
    }
}

#[test]
fn the_families_part_where_they_forked() {
    let name = |header, number| row(header, number).map(|row| row.name);
    let [redis, valkey] = NEWEST;
    for number in [22, 23, 242, 243] {
        assert_ne!(name(redis, number), name(valkey, number), "{number}");
    }
    assert_eq!(name(valkey, 24), None);
    assert_eq!([36, 240].map(|number| name(redis, number)), [None, None]);
}

#[test]
fn two_types_changed_their_meaning_with_the_version() {
    let name = |version, number| {
        let header = Header { family: Family::Redis, version };
        row(header, number).map(|row| row.type_name)
    };
    assert_eq!([12, 14, 15, 17, 99].map(|version| name(version, 29)), {
        [Some("rate counter"), Some("rate counter"), Some("hash"), Some("hash"), Some("hash")]
    });
    assert_eq!([14, 15, 16, 17].map(|version| name(version, 33)), {
        [Some("rate counter"), Some("rate counter"), Some("bitmap"), Some("bitmap")]
    });
}

#[test]
fn what_no_server_was_run_for_is_told_apart() {
    let [redis, valkey] = NEWEST;
    let read = |header: Header| -> Vec<u8> {
        let rows = rows(header).iter().flatten();
        let read = rows.filter(|row| row.is_documented_only(header.family));
        read.map(|row| row.number).collect()
    };
    assert_eq!(read(redis), [27, 28, 29, 30, 31, 32, 33, 34, 35, 241, 242]);
    assert_eq!(read(valkey), [23, 242]);
}

#[test]
fn no_number_is_newer_than_the_newest_known_version() {
    for header in NEWEST {
        for row in rows(header).iter().flatten() {
            assert!(row.since <= header.version, "{}", row.name);
        }
    }
}

#[test]
fn least_sizes_follow_from_the_items() {
    assert_eq!(least(&[Fixed(16), Fixed(8), Len]), 25);
    assert_eq!(least(&[NodeId, LISTPACK]), 18);
    assert_eq!(least(&[Str, Len, Len, Len, PENDING, CONSUMERS]), 6);
}

#[test]
fn every_looping_body_takes_bytes() {
    fn check(items: &[Item]) {
        for item in items {
            if let Loop(body)
            | Elements(body)
            | Counted(_, body)
            | Held(body)
            | Classes(body)
            | Template(body)
            | TemplateValues(body)
            | RespCommand(body) = item
            {
                assert!(body.least > 0);
                check(body.items);
            }
        }
    }
    for row in NEWEST.into_iter().flat_map(rows).flatten() {
        check(row.items);
    }
}
