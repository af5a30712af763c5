//! The size of a new base against what every recorded server then writes: all types, compressed or not, as RDB and
//! as commands, from nothing, from a base that is an RDB and from one of commands. The real size lies in the range
//! that was told, or nothing was told.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::growing::{Growing, Random};
use crate::support::server::Server;
use crate::traffic::Release;
use aofkit::aof::{Aof, OpenOptions};
use aofkit::growth::{Compression, Growth, GrowthOptions, LiveEstimate, Size};
use aofkit::progress::Silent;
use aofkit::scan::{Pace, scan};

/// Memory in which all keys are followed.
const ALL: usize = 48 << 20;

fn estimated(server: &Growing, is_compressed: Option<bool>) -> LiveEstimate {
    let aof = Aof::open(&server.log(), &OpenOptions::default()).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
    let options = GrowthOptions { budget: ALL, is_compressed, ..GrowthOptions::at(now) };
    scan(&aof, Growth::new(&aof, options), &Pace::default(), &Silent).unwrap().live
}

/// Compares what was told with what was written; words where they do not fit.
fn compare(what: &str, told: &Size, real: u64) -> Option<String> {
    let (Some(least), Some(most)) = (told.at_least_bytes, told.at_most_bytes) else {
        return Some(format!("{what}: {told:?}, {real} written"));
    };
    let estimated = told.estimated_bytes.unwrap() as f64;
    let off = 100.0 * (estimated / real as f64 - 1.0);
    eprintln!("{what}: {least} to {most}, {estimated} ({off:+.1} %), {real} written");
    // A number with what it may be off by is within that; a range is a range.
    let is_close = told.error_percent.is_none_or(|error| off.abs() <= error + 1.0);
    let is_inside = (least..=most).contains(&real);
    (!is_inside || !is_close).then(|| format!("{what}: {told:?}, {real} written"))
}

/// Three rounds: the first begins with nothing, the second with an RDB, the third with commands.
fn rounds(
    server: &mut Growing,
    what: &str,
    is_compressed: bool,
    has_commands: bool,
    work: &dyn Fn(&mut Growing, &mut Random, u64),
) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut random = Random(1 + u64::from(is_compressed));
    for round in 0..3 {
        work(server, &mut random, round);
        server.send();
        let live = estimated(server, Some(is_compressed));
        let open = estimated(server, None);
        assert!(live.unfollowed.is_empty() && live.is_complete, "{what}: {live:?}");
        let formats = if has_commands { &["yes", "no"][..] } else { &["yes"] };
        for rdb in formats {
            server.must(&format!("CONFIG SET aof-use-rdb-preamble {rdb}"));
            let real = server.rewrite();
            let name = format!("{what}, round {round}, rdb {rdb}, compressed {is_compressed}");
            let told = if *rdb == "yes" { live.rdb } else { live.resp };
            wrong.extend(compare(&name, &told, real));
            if *rdb == "yes" {
                wrong.extend(compare(&format!("{name}, not told"), &open.rdb, real));
                let is_right = open.compression == Compression::Unknown
                    || open.compression == Compression::from(is_compressed);
                assert!(is_right, "{name}: {:?}", open.compression);
            }
        }
        if round == 0 {
            server.must("CONFIG SET aof-use-rdb-preamble yes");
            server.rewrite();
        }
    }
    wrong
}

fn all_types(name: &str) {
    let Some(program) = Server::find(name) else {
        return eprintln!("NOT RUN: no {name}; tests/servers/fetch brings it");
    };
    let release = Release::of(name);
    let mut wrong = Vec::new();
    for is_compressed in [true, false] {
        let word = if is_compressed { "yes" } else { "no" };
        let arguments = ["--auto-aof-rewrite-percentage", "0", "--rdbcompression", word];
        let mut kinds = crate::traffic::KINDS.to_vec();
        if release.has_field_expiry() {
            kinds.push(("timed fields", crate::traffic::timed_fields));
        }
        if release.version >= (7, 0) {
            kinds.push(("libraries", crate::traffic::libraries));
        }
        for (kind, work) in &kinds {
            let mut server = Growing::start(&program, &arguments);
            let what = format!("{name}, {kind}");
            wrong.extend(rounds(&mut server, &what, is_compressed, true, work));
        }
        let mut server = Growing::start(&program, &arguments);
        let together = |server: &mut Growing, random: &mut Random, round: u64| {
            kinds.iter().for_each(|(_, work)| work(server, random, round));
        };
        wrong.extend(rounds(&mut server, &format!("{name}, all"), is_compressed, true, &together));
        if release.has_vectors() {
            let mut server = Growing::start(&program, &arguments);
            let what = format!("{name}, vectors");
            // As commands they are never written: the server's rewrite dies of it.
            wrong.extend(rounds(
                &mut server,
                &what,
                is_compressed,
                false,
                &crate::traffic::vectors,
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_redis_6_2_writes_lies_in_the_range_that_was_told() {
    all_types("redis-6.2");
}

#[test]
fn what_redis_7_0_writes_lies_in_the_range_that_was_told() {
    all_types("redis-7.0");
}

#[test]
fn what_redis_7_4_writes_lies_in_the_range_that_was_told() {
    all_types("redis-7.4");
}

#[test]
fn what_redis_8_0_writes_lies_in_the_range_that_was_told() {
    all_types("redis-8.0");
}

#[test]
fn what_redis_8_2_writes_lies_in_the_range_that_was_told() {
    all_types("redis-8.2");
}

#[test]
fn what_redis_8_6_writes_lies_in_the_range_that_was_told() {
    all_types("redis-8.6");
}

#[test]
fn what_valkey_8_1_writes_lies_in_the_range_that_was_told() {
    all_types("valkey-8.1");
}

#[test]
fn what_valkey_9_0_writes_lies_in_the_range_that_was_told() {
    all_types("valkey-9.0");
}

#[test]
fn what_valkey_9_1_writes_lies_in_the_range_that_was_told() {
    all_types("valkey-9.1");
}
