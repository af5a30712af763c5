//! The size of a new base of servers that pack small values otherwise than by default: exact where the configuration says
//! so, a range that holds it where only the base shows it.
//!
//! `AOFKIT_TEST_EVERY=1`: every server, not some.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::growing::{Growing, Random};
use crate::support::number_from_env;
use crate::support::server::{ALL, Server};
use aofkit::aof::{Aof, OpenOptions};
use aofkit::growth::{Growth, GrowthOptions, LiveEstimate, Size};
use aofkit::progress::Silent;
use aofkit::scan::{Pace, scan};

/// Memory in which all keys are followed.
const BUDGET: usize = 48 << 20;

/// Entries of hashes and sorted sets, and their longest; list, stream and numbers.
const PROFILES: [[&str; 7]; 3] = [
    ["4", "3", "16", "3", "10", "512", "20"],
    ["2000", "1500", "1kb", "-4", "0", "20000", "4000"],
    ["0", "0", "64", "-1", "1", "4096", "0"],
];

fn arguments(server: &Server, profile: &[&'static str; 7]) -> Vec<String> {
    let kind = if server.name == "redis-6.2" { "ziplist" } else { "listpack" };
    let [hash, zset, longest, list, entries, bytes, numbers] = profile;
    let lines = [
        ("auto-aof-rewrite-percentage".to_owned(), "0"),
        (format!("hash-max-{kind}-entries"), hash),
        (format!("hash-max-{kind}-value"), longest),
        (format!("zset-max-{kind}-entries"), zset),
        (format!("zset-max-{kind}-value"), longest),
        (format!("list-max-{kind}-size"), list),
        ("stream-node-max-entries".to_owned(), entries),
        ("stream-node-max-bytes".to_owned(), bytes),
        ("set-max-intset-entries".to_owned(), numbers),
    ];
    lines.into_iter().flat_map(|(name, value)| [format!("--{name}"), value.to_owned()]).collect()
}

fn estimated(server: &Growing, conf: Option<PathBuf>) -> LiveEstimate {
    let options = OpenOptions { conf, ..OpenOptions::default() };
    let aof = Aof::open(&server.log(), &options).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
    let options =
        GrowthOptions { budget: BUDGET, is_compressed: Some(true), ..GrowthOptions::at(now) };
    scan(&aof, Growth::new(&aof, options), &Pace::default(), &Silent).unwrap().live
}

fn compare(what: &str, told: &Size, real: u64) -> Option<String> {
    let (least, most) = (told.at_least_bytes.unwrap(), told.at_most_bytes.unwrap());
    let off = 100.0 * (told.estimated_bytes.unwrap() as f64 / real as f64 - 1.0);
    eprintln!("{what}: {least} to {most} ({off:+.1} %), {real} written");
    let is_close = told.error_percent.is_none_or(|error| off.abs() <= error + 1.0);
    let is_inside = (least..=most).contains(&real);
    (!is_inside || !is_close).then(|| format!("{what}: {told:?}, {real} written"))
}

#[test]
fn servers_that_pack_otherwise_are_followed_by_their_configuration() {
    let every = usize::try_from(number_from_env("AOFKIT_TEST_EVERY", 4)).unwrap();
    let (mut wrong, mut shown) = (Vec::new(), 0);
    let servers = Server::all_or_none(&ALL);
    for program in servers.iter().step_by(every) {
        for (number, profile) in PROFILES.iter().enumerate() {
            let arguments = arguments(program, profile);
            let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let mut server = Growing::start(program, &words);
            let mut random = Random(7 + number as u64);
            for round in 0..2 {
                crate::traffic::KINDS
                    .iter()
                    .for_each(|(_, work)| work(&mut server, &mut random, round));
                server.send();
                let conf = server.conf();
                let (told, open) = (estimated(&server, Some(conf)), estimated(&server, None));
                let real = server.rewrite();
                let what = format!("{}, profile {number}, round {round}", program.name);
                assert!(!told.has_other_limits, "{what}: nothing is left open");
                wrong.extend(compare(&what, &told.rdb, real));
                shown += u64::from(open.has_other_limits);
                let is_open = open.has_open_limits || open.has_other_limits;
                assert!(is_open, "{what}: neither told nor shown, and not said");
                wrong.extend(compare(&format!("{what}, not told"), &open.rdb, real));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(shown > 0 || servers.is_empty(), "no base shows what its server does");
}

/// Alone, so that nothing of another type makes up for what is wrong; first without a base, then with one that shows how
/// its server packs what it held then.
#[test]
fn where_nobody_tells_the_size_of_each_type_lies_in_the_range() {
    const PACKED: [&str; 5] = ["lists", "sets", "sorted sets", "hashes", "streams"];
    let every = usize::try_from(number_from_env("AOFKIT_TEST_EVERY", 4)).unwrap();
    let (mut wrong, mut ranges) = (Vec::new(), 0);
    let servers = Server::all_or_none(&ALL);
    for program in servers.iter().skip(1).step_by(every) {
        for (number, profile) in PROFILES.iter().enumerate() {
            let arguments = arguments(program, profile);
            let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
            for (kind, work) in
                crate::traffic::KINDS.iter().filter(|(kind, _)| PACKED.contains(kind))
            {
                let mut server = Growing::start(program, &words);
                let mut random = Random(11 + number as u64);
                for round in 0..2 {
                    work(&mut server, &mut random, round);
                    server.send();
                    let told = estimated(&server, None);
                    let real = server.rewrite();
                    let what = format!("{}, {kind}, profile {number}, round {round}", program.name);
                    ranges += u64::from(told.rdb.error_percent.is_none());
                    wrong.extend(compare(&what, &told.rdb, real));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(ranges > 0 || servers.is_empty(), "a number was told where nobody tells the limits");
}
