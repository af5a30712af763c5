//! The memory that a load takes against what every recorded server then has: each type and encoding, from an RDB and
//! from commands; and at the peak, where keys go again on the way.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::growing::{Growing, Random};
use crate::support::server::Server;
use aofkit::aof::{Aof, OpenOptions};
use aofkit::format::conf::PackedLimits;
use aofkit::growth::{Growth, GrowthOptions, Memory};
use aofkit::progress::Silent;
use aofkit::scan::{Pace, scan};

/// Bytes by which two starts on the same files differ.
const BESIDE: f64 = 8.0 * 1024.0;

/// Bytes that a server has for a moment when it starts.
const STARTING: f64 = 48.0 * 1024.0;

fn estimated(server: &Growing, name: &str) -> Memory {
    let aof = Aof::open(&server.log(), &OpenOptions::default()).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
    let release = crate::traffic::Release::of(name);
    let family = match release.family {
        "redis" => aofkit::format::rdb::Family::Redis,
        _ => aofkit::format::rdb::Family::Valkey,
    };
    let (major, minor) = release.version;
    let version = (major, minor);
    let writer = Some((family, version));
    // It has the default ones, which nothing else tells.
    let packed = Some(PackedLimits::default());
    let options = GrowthOptions { writer, packed, ..GrowthOptions::at(now) };
    let live = scan(&aof, Growth::new(&aof, options), &Pace::default(), &Silent).unwrap().live;
    live.memory.unwrap_or_else(|| panic!("{name}: {live:?}"))
}

fn memory(server: &mut Growing, field: &str) -> f64 {
    server.info_of("memory", field) as f64
}

/// What a server has that was asked as often and holds nothing.
fn of_empty(server: &mut Growing) -> f64 {
    server.restart();
    memory(server, "used_memory")
}

/// Loads what is there, and compares. Words where it does not fit.
fn compare(server: &mut Growing, empty: f64, name: &str, what: &str) -> Vec<String> {
    let told = estimated(server, name);
    server.restart();
    let end = memory(server, "used_memory") - empty;
    let peak = memory(server, "used_memory_peak") - empty;
    let off = |told: u64, real: f64| 100.0 * (told as f64 / real - 1.0);
    let is_within = |bytes: u64, real: f64, beside: f64| {
        (bytes as f64 - real).abs() <= real * told.error_percent.unwrap() / 100.0 + beside
    };
    let line = format!(
        "{name}, {what}: end {} told, {end} real ({:+.1} %); peak {} told, {peak} real ({:+.1} %)",
        told.end_bytes,
        off(told.end_bytes, end),
        told.peak_bytes,
        off(told.peak_bytes, peak)
    );
    eprintln!("{line}");
    let is_right =
        is_within(told.end_bytes, end, BESIDE) && is_within(told.peak_bytes, peak, STARTING);
    if is_right { Vec::new() } else { vec![line] }
}

/// Keys of a shape.
const KEYS: u64 = 5_000;

/// One key or member each time it is called with another number.
type Shape = (&'static str, fn(u64) -> Vec<String>);

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

fn many(line: &str, of: impl Iterator<Item = String>) -> Vec<String> {
    words(line).into_iter().chain(of).collect()
}

const SHAPES: &[Shape] = &[
    ("numbers", |n| words(&format!("SET key:{n:08} {}", 100_000 + n))),
    ("strings of 10", |n| words(&format!("SET key:{n:08} value-{n:04}"))),
    ("strings of 44", |n| words(&format!("SET key:{n:08} {}", "x".repeat(44)))),
    ("strings of 100", |n| words(&format!("SET session:{{user:{n:08}}} {}", "x".repeat(100)))),
    ("strings of 4000", |n| words(&format!("SET key:{:08} {}", n / 10, "x".repeat(4000)))),
    ("expiring", |n| words(&format!("SET key:{n:08} value-{n:04} PXAT {}", 4_000_000_000_000 + n))),
    ("small hashes", |n| {
        many(
            &format!("HSET key:{n:08}"),
            (0..5).flat_map(|f| [format!("f{f}"), format!("value{f}")]),
        )
    }),
    ("large hashes", |n| words(&format!("HSET h:{} field:{n:06} value:{n:06}", n / 1000))),
    ("large hashes of long values", |n| words(&format!("HSET h field:{n:06} {}", "x".repeat(100)))),
    ("sets of numbers", |n| {
        many(&format!("SADD key:{n:08}"), (0..20).map(|i| (100_000 + n + i).to_string()))
    }),
    ("small sets", |n| many(&format!("SADD key:{n:08}"), (0..10).map(|i| format!("m{i}")))),
    ("large sets", |n| words(&format!("SADD s:{} member:{n:06}", n / 1000))),
    ("small sorted sets", |n| {
        many(&format!("ZADD key:{n:08}"), (0..10).flat_map(|i| [i.to_string(), format!("m{i}")]))
    }),
    ("large sorted sets", |n| words(&format!("ZADD z:{} {n} member:{n:06}", n / 1000))),
    ("small lists", |n| many(&format!("RPUSH key:{n:08}"), (0..5).map(|i| format!("e{i}")))),
    ("large lists", |n| words(&format!("RPUSH l:{} element:{n:06}", n / 5000))),
    ("streams", |n| {
        words(&format!("XADD s:{} {}-1 temp {n} name value{n}", n / 2000, 1_700_000_000_000 + n))
    }),
    ("streams of one entry", |n| {
        words(&format!("XADD key:{n:08} {}-1 temp {n}", 1_700_000_000_000 + n))
    }),
    ("appended strings", |n| words(&format!("APPEND key:{:08} {}", n % 1000, "x".repeat(50)))),
    ("sketches", |n| words(&format!("PFADD key:{:08} e{n}", n % 100))),
];

fn fill(server: &mut Growing, shape: &Shape) {
    for n in 0..KEYS {
        let command = shape.1(n);
        server.queue(&command.iter().map(String::as_str).collect::<Vec<_>>());
    }
    server.send();
}

/// What is emptied on the way was in memory before: as much as when it is all there is. A server itself notices its
/// peak ten times a second only.
fn emptied_on_the_way(server: &mut Growing, empty: f64, name: &str) -> Option<String> {
    let (small, large) = (&SHAPES[0], &SHAPES[3]);
    server.must("FLUSHALL");
    server.rewrite();
    fill(server, large);
    server.restart();
    let real = memory(server, "used_memory") - empty;
    server.must("FLUSHALL");
    fill(server, small);
    let told = estimated(server, name);
    let off = 100.0 * (told.peak_bytes as f64 / real - 1.0);
    let is_right =
        off.abs() <= told.error_percent.unwrap() && told.end_bytes < told.peak_bytes * 2 / 3;
    (!is_right).then(|| format!("{name}, emptied on the way: {told:?}, {real} real ({off:+.1} %)"))
}

fn all_shapes(name: &str) {
    let Some(program) = Server::find(name) else {
        return eprintln!("NOT RUN: no {name}; tests/servers/fetch brings it");
    };
    let arguments = ["--auto-aof-rewrite-percentage", "0"];
    let mut wrong = Vec::new();
    let mut server = Growing::start(&program, &arguments);
    let empty = of_empty(&mut server);
    for shape in SHAPES {
        server.must("FLUSHALL");
        server.rewrite();
        fill(&mut server, shape);
        wrong.extend(compare(&mut server, empty, name, &format!("{}, commands", shape.0)));
        server.rewrite();
        wrong.extend(compare(&mut server, empty, name, &format!("{}, RDB", shape.0)));
    }
    wrong.extend(emptied_on_the_way(&mut server, empty, name));
    // Together, as a set has them.
    let mut server = Growing::start(&program, &arguments);
    let mut random = Random(7);
    for round in 0..3 {
        crate::traffic::KINDS.iter().for_each(|(_, work)| work(&mut server, &mut random, round));
    }
    server.send();
    wrong.extend(compare(&mut server, empty, name, "traffic, commands"));
    server.rewrite();
    wrong.extend(compare(&mut server, empty, name, "traffic, RDB"));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn redis_6_2_takes_the_memory_that_was_told() {
    all_shapes("redis-6.2");
}

#[test]
fn redis_7_0_takes_the_memory_that_was_told() {
    all_shapes("redis-7.0");
}

#[test]
fn redis_7_4_takes_the_memory_that_was_told() {
    all_shapes("redis-7.4");
}

#[test]
fn redis_8_0_takes_the_memory_that_was_told() {
    all_shapes("redis-8.0");
}

#[test]
fn redis_8_2_takes_the_memory_that_was_told() {
    all_shapes("redis-8.2");
}

#[test]
fn redis_8_6_takes_the_memory_that_was_told() {
    all_shapes("redis-8.6");
}

#[test]
fn valkey_8_1_takes_the_memory_that_was_told() {
    all_shapes("valkey-8.1");
}

#[test]
fn valkey_9_0_takes_the_memory_that_was_told() {
    all_shapes("valkey-9.0");
}

#[test]
fn valkey_9_1_takes_the_memory_that_was_told() {
    all_shapes("valkey-9.1");
}
