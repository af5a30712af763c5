//! The tables agree with each other and with what they claim.

use crate::format::rdb::header::Family;
use crate::format::rdb::layout::Item::{
    self, Classes, Counted, Elements, Fixed, Held, Len, Loop, NodeId, RespCommand, Str, Template,
    TemplateValues,
};
use crate::format::rdb::layout::{LISTPACK, least, row, rows};
use crate::format::rdb::streams::{CONSUMERS, PENDING};

#[test]
fn the_families_agree_below_22_and_from_244() {
    for number in (0..22).chain(244..=255) {
        let names = [Family::Redis, Family::Valkey]
            .map(|family| row(family, number).map(|row| (row.name, row.kind)));
        assert_eq!(names[0], names[1], "{number}");
        assert_eq!(names[0].is_none(), number == 8);
    }
}

#[test]
fn the_families_part_where_they_forked() {
    let name = |family, number| row(family, number).map(|row| row.name);
    assert_ne!(name(Family::Redis, 22), name(Family::Valkey, 22));
    assert_ne!(name(Family::Redis, 243), name(Family::Valkey, 243));
    assert_eq!(name(Family::Valkey, 24), None);
    assert_eq!(name(Family::Redis, 34), None);
}

#[test]
fn no_number_is_newer_than_the_newest_known_version() {
    for family in [Family::Redis, Family::Valkey] {
        for row in rows(family).iter().flatten() {
            assert!(row.since <= family.newest_known(), "{}", row.name);
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
    for row in [Family::Redis, Family::Valkey].into_iter().flat_map(rows).flatten() {
        check(row.items);
    }
}
