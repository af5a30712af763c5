//! What aofkit says of growth against what real servers do: the size that a rewrite then has, and the byte at
//! which a server rewrites by itself.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::growing::{Growing, Random};
use crate::support::processes::{is_alive, working_in};
use crate::support::server::Server;
use aofkit::aof::{Aof, OpenOptions};
use aofkit::growth::{Growth, GrowthOptions, GrowthReport, Outlook, Since, Surroundings, Trigger};
use aofkit::progress::Silent;
use aofkit::scan::{Pace, scan};

/// The one server whose rewrites are compared.
const SERVER: &str = "redis-8.2";

fn server() -> Option<Server> {
    let found = Server::find(SERVER);
    if found.is_none() {
        eprintln!("NOT RUN: no {SERVER}; tests/servers/fetch brings it");
    }
    found
}

fn estimated(server: &Growing, budget: usize) -> GrowthReport {
    let aof = Aof::open(&server.append_dir(), &OpenOptions::default()).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
    let options = GrowthOptions { budget, ..GrowthOptions::at(now) };
    let growth = Growth::new(&aof, options);
    scan(&aof, growth, &Pace::default(), &Silent).unwrap()
}

/// Estimates what a rewrite writes, lets the server rewrite, and compares; for both formats. What is left of the
/// old set's base takes part: the second rewrite begins with an RDB, the third with commands.
fn compare(name: &str, server: &mut Growing, work: impl Fn(&mut Growing, u64), budget: usize) {
    let mut wrong = Vec::new();
    for (round, rdb) in [(0, "yes"), (1, "no"), (2, "yes"), (3, "no")] {
        if round != 1 {
            work(server, round);
        }
        let report = estimated(server, budget);
        server.must(&format!("CONFIG SET aof-use-rdb-preamble {rdb}"));
        let real = server.rewrite();
        let (told, most) = match rdb {
            "yes" => (report.live.rdb, 0.15),
            _ => (report.live.resp, 0.10),
        };
        let (least, estimated, most_told) = (
            told.at_least_bytes.unwrap(),
            told.estimated_bytes.unwrap(),
            told.at_most_bytes.unwrap(),
        );
        let off = estimated as f64 / real as f64 - 1.0;
        eprintln!(
            "{name}: rdb {rdb}: {estimated} estimated, {least} to {most_told}, {real} written, {:+.2} %",
            off * 100.0
        );
        if !(least..=most_told).contains(&real) {
            wrong.push(format!("{name}, rdb {rdb}: {real} is not in {least} to {most_told}"));
        }
        if off.abs() > most {
            wrong.push(format!("{name}, rdb {rdb}: {estimated} of {real}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

const ALL: usize = 48 << 20;

fn json(random: &mut Random, len: usize) -> String {
    let mut text = format!("{{\"id\":{}", random.below(1_000_000));
    let names = ["name", "city", "plan", "device", "campaign"];
    let words = ["ada", "lima", "oslo", "basic", "premium", "mobile", "winter"];
    while text.len() < len {
        let name = names[random.below(5) as usize];
        let word = words[random.below(7) as usize];
        text += &format!(",\"{name}\":\"{word} {}\"", random.below(1000));
    }
    text + "}"
}

fn overwrites(server: &mut Growing, round: u64) {
    let mut random = Random(round);
    for _ in 0..6000 {
        let key = format!("user:{}:profile", random.below(1500));
        let len = 40 + random.below(600) as usize;
        let value = json(&mut random, len);
        server.queue(&["SET", &key, &value]);
        if random.below(4) == 0 {
            server.queue(&["INCRBY", &format!("counter:{}", random.below(500)), "7"]);
        }
        if random.below(20) == 0 {
            let key = format!("log:{}", random.below(50));
            server.queue(&["APPEND", &key, "a line of a log file that grows\n"]);
        }
    }
    server.send();
}

fn appends(server: &mut Growing, round: u64) {
    let mut random = Random(100 + round);
    for i in 0..6000 {
        let value = json(&mut random, 80);
        server.queue(&["LPUSH", &format!("queue:{}", random.below(6)), &value]);
        if random.below(3) == 0 {
            server.queue(&["RPOP", &format!("queue:{}", random.below(6))]);
        }
        if random.below(200) == 0 {
            server.queue(&["LTRIM", &format!("queue:{}", random.below(6)), "0", "700"]);
        }
        let number = random.below(100_000).to_string();
        server.queue(&["RPUSH", &format!("numbers:{}", random.below(40)), &number]);
        let stream = format!("events:{}", random.below(4));
        let user = random.below(10_000).to_string();
        let kind = ["login", "view", "buy"][random.below(3) as usize];
        server.queue(&["XADD", &stream, "*", "kind", kind, "user", &user, "n", &i.to_string()]);
        if random.below(500) == 0 {
            server.queue(&["XTRIM", &stream, "MAXLEN", "~", "1000"]);
        }
    }
    server.send();
}

fn deletes(server: &mut Growing, round: u64) {
    let mut random = Random(200 + round);
    for _ in 0..6000 {
        let number = random.below(2000);
        let value = json(&mut random, 150);
        server.queue(&["SET", &format!("item:{number}"), &value]);
        server.queue(&[
            "SADD",
            &format!("tags:{}", number % 300),
            &format!("tag{}", random.below(300)),
        ]);
        server.queue(&["SADD", &format!("ids:{}", number % 200), &random.below(5000).to_string()]);
        let score = (random.below(100_000) as f64 / 7.0).to_string();
        server.queue(&["ZADD", &format!("board:{}", number % 60), &score, &format!("p{number}")]);
        match random.below(5) {
            0 => server.queue(&["DEL", &format!("item:{}", random.below(2000))]),
            1 => server.queue(&["UNLINK", &format!("tags:{}", random.below(300))]),
            2 => server.queue(&["SREM", &format!("ids:{}", random.below(200)), "17", "18"]),
            3 => server.queue(&["ZREM", &format!("board:{}", number % 60), &format!("p{number}")]),
            _ => server.queue(&["ZPOPMIN", &format!("board:{}", random.below(60))]),
        }
    }
    server.send();
}

fn sessions(server: &mut Growing, round: u64) {
    let mut random = Random(300 + round);
    for _ in 0..5000 {
        let key = format!("session:{:016x}", random.below(1 << 40));
        let value = json(&mut random, 200);
        // Most are gone before the rewrite.
        let ms = if random.below(3) == 0 { "3600000" } else { "1" };
        server.queue(&["SET", &key, &value, "PX", ms]);
        if random.below(5) == 0 {
            server.queue(&["EXPIRE", &key, "7200"]);
        }
    }
    server.send();
    server.settle_expiry();
}

fn fields(server: &mut Growing, round: u64) {
    let mut random = Random(400 + round);
    for _ in 0..8000 {
        let key = format!("cart:{}", random.below(600));
        let field = format!("item{}", random.below(40));
        let text = json(&mut random, 30);
        match random.below(6) {
            0 => server.queue(&["HDEL", &key, &field]),
            1 => server.queue(&["HINCRBY", &key, "total", "13"]),
            2 => server.queue(&["HSET", &key, &field, &text]),
            3 => {
                server.queue(&["HSET", "everybody", &format!("user:{}", random.below(5000)), &text])
            }
            _ => server.queue(&["HSET", &key, &field, &random.below(100).to_string(), "seen", "1"]),
        }
    }
    server.send();
}

/// Commands that make values out of other keys'.
fn combined(server: &mut Growing, round: u64) {
    let mut random = Random(500 + round);
    for i in 0..1500 {
        let member = format!("user:{}", random.below(3000));
        server.queue(&["SADD", &format!("group:{}", random.below(12)), &member]);
        server.queue(&[
            "SADD",
            &format!("ids:{}", random.below(12)),
            &random.below(900).to_string(),
        ]);
        let score = random.below(1000).to_string();
        server.queue(&["ZADD", &format!("rank:{}", random.below(12)), &score, &member]);
        let bits = random.below(1 << 14).to_string();
        server.queue(&["SETBIT", &format!("bits:{}", random.below(8)), &bits, "1"]);
        server.queue(&["PFADD", &format!("seen:{}", random.below(6)), &i.to_string(), &member]);
        let (east, north) =
            (format!("{}.{i}", random.below(179)), format!("{}.{i}", random.below(80)));
        server.queue(&["GEOADD", &format!("places:{}", random.below(4)), &east, &north, &member]);
    }
    for i in 0..60 {
        let [a, b, c] =
            [random.below(12), random.below(12), random.below(12)].map(|n| n.to_string());
        let key = |family: &str, n: &str| format!("{family}:{n}");
        let to = |what: &str| format!("made:{what}:{}", i % 20);
        for (command, family) in
            [("SUNIONSTORE", "group"), ("SINTERSTORE", "ids"), ("SDIFFSTORE", "group")]
        {
            server.queue(&[
                command,
                &to(command),
                &key(family, &a),
                &key(family, &b),
                &key(family, &c),
            ]);
        }
        let (left, right) = (key("rank", &a), key("rank", &b));
        let words = ["ZUNIONSTORE", &to("zu"), "2", &left, &right, "WEIGHTS", "2", "0.25"];
        server.queue(&[&words[..], &["AGGREGATE", "MAX"]].concat());
        server.queue(&["ZINTERSTORE", &to("zi"), "2", &left, &key("group", &b)]);
        server.queue(&["ZDIFFSTORE", &to("zd"), "2", &left, &right]);
        server.queue(&[
            "ZRANGESTORE",
            &to("zr"),
            &left,
            "200",
            "(700",
            "BYSCORE",
            "LIMIT",
            "3",
            "60",
        ]);
        server.queue(&["ZRANGESTORE", &to("zn"), &left, "5", "-20", "REV"]);
        server.queue(&["SORT", &key("ids", &c), "LIMIT", "2", "50", "STORE", &to("sorted")]);
        server.queue(&["SORT", &key("group", &c), "ALPHA", "STORE", &to("words")]);
        let operation = ["AND", "OR", "XOR", "NOT"][i % 4];
        let (one, other) =
            (key("bits", &(i % 8).to_string()), key("bits", &((i + 3) % 8).to_string()));
        let sources = if operation == "NOT" { vec![&*one] } else { vec![&*one, &*other] };
        server.queue(&[&["BITOP", operation, &to("bits")][..], &sources].concat());
        server.queue(&["PFMERGE", &to("seen"), "seen:0", &format!("seen:{}", i % 6)]);
        let near = ["FROMLONLAT", "90", "40", "BYRADIUS", "9000", "km", "COUNT", "150"];
        let from = format!("places:{}", i % 4);
        server.queue(&[&["GEOSEARCHSTORE", &to("near"), &from][..], &near].concat());
    }
    server.send();
}

/// Values that get other names, and databases.
fn moved(server: &mut Growing, round: u64) {
    let mut random = Random(600 + round);
    for i in 0..1200 {
        let name = |n: u64| format!("doc:{n}");
        let len = 60 + random.below(400) as usize;
        let value = json(&mut random, len);
        server.queue(&["SET", &name(random.below(400)), &value, "PX", "7200000"]);
        server.queue(&["RPUSH", &format!("list:{}", random.below(30)), &value]);
        let from = random.below(30);
        let to = from + 1 + random.below(30);
        match i % 6 {
            0 => server.queue(&["COPY", &format!("list:{from}"), &format!("list:{to}"), "REPLACE"]),
            1 => {
                server.queue(&["SET", "moving", &value]);
                server.queue(&["RENAME", "moving", &name(random.below(400))]);
            }
            2 => {
                server.queue(&["SET", "moving", &value]);
                server.queue(&["RENAMENX", "moving", &name(400 + random.below(100))]);
                server.queue(&["DEL", "moving"]);
            }
            3 => {
                server.queue(&["SET", &name(1000 + i), &value]);
                server.queue(&["MOVE", &name(1000 + i), "3"]);
            }
            4 => server.queue(&["COPY", &format!("list:{from}"), &format!("list:{to}"), "DB", "2"]),
            _ => {}
        }
        if i % 200 == 7 {
            server.queue(&["SWAPDB", "2", "3"]);
        }
        if i == 900 && round == 2 {
            server.queue(&["SWAPDB", "3", "4"]);
            server.queue(&["SELECT", "2"]);
            server.queue(&["FLUSHDB"]);
            server.queue(&["SELECT", "0"]);
        }
    }
    server.send();
}

/// The groups of every stream.
const GROUPS: [&str; 3] = ["mail", "billing", "search"];

/// Consumer groups.
fn groups(server: &mut Growing, round: u64) {
    let mut random = Random(700 + round);
    for stream in 0..4 {
        let key = format!("jobs:{stream}");
        for group in GROUPS {
            // From the second round on it is there.
            if round == 0 {
                server.queue(&["XGROUP", "CREATE", &key, group, "0", "MKSTREAM"]);
            }
            server.queue(&["XGROUP", "CREATECONSUMER", &key, group, &format!("idle:{round}")]);
        }
    }
    for i in 0..1500 {
        let key = format!("jobs:{}", random.below(4));
        let id = format!("{}-1", 1_800_000_000_000 + round * 100_000 + i);
        let text = json(&mut random, 60);
        server.queue(&["XADD", &key, &id, "kind", "job", "body", &text]);
        let group = GROUPS[random.below(3) as usize];
        let worker = format!("worker:{}", random.below(5));
        let read = ["XREADGROUP", "GROUP", group, &worker, "COUNT", "2", "STREAMS", &key, ">"];
        server.queue(&read);
        let before = format!(
            "{}-1",
            1_800_000_000_000 + round * 100_000 + i.saturating_sub(random.below(40))
        );
        server.queue(&["XACK", &key, group, &before]);
        match random.below(20) {
            0 => server.queue(&["XAUTOCLAIM", &key, group, "worker:9", "0", "0", "COUNT", "3"]),
            1 => server.queue(&["XDEL", &key, &before]),
            2 => server.queue(&["XTRIM", &key, "MAXLEN", "400"]),
            3 => server.queue(&["XGROUP", "DELCONSUMER", &key, group, &worker]),
            4 => server.queue(&["XGROUP", "SETID", &key, group, "$"]),
            _ => {}
        }
    }
    // One that is made anew with all that is pending in it gone.
    server.queue(&["XGROUP", "DESTROY", "jobs:1", "search"]);
    server.queue(&["XGROUP", "CREATE", "jobs:1", "search", "$"]);
    server.send();
}

/// Fields that expire by themselves, and libraries of functions.
fn timed_fields(server: &mut Growing, round: u64) {
    let mut random = Random(800 + round);
    for i in 0..4000 {
        let key = format!("device:{}", random.below(300));
        let field = format!("f{}", random.below(60));
        let text = json(&mut random, 24);
        server.queue(&["HSET", &key, &field, &text]);
        let one = ["FIELDS", "1", &field];
        match random.below(8) {
            0 => server.queue(&[&["HPEXPIRE", &key, "5000000"][..], &one].concat()),
            1 => server.queue(&[&["HPEXPIREAT", &key, "1900000000000"][..], &one].concat()),
            2 => server.queue(&[&["HEXPIRE", &key, "0"][..], &one].concat()),
            3 => server.queue(&[&["HPERSIST", &key][..], &one].concat()),
            4 => server.queue(&["HSETEX", &key, "EX", "7200", "FIELDS", "1", &field, &text]),
            5 => server.queue(&[&["HGETEX", &key, "PX", "5000000"][..], &one].concat()),
            6 => server.queue(&[&["HGETDEL", &key][..], &one].concat()),
            _ => server.queue(&[&["HPEXPIRE", &key, "1"][..], &one].concat()),
        }
        if i % 1000 == 0 {
            let body =
                "-- what it does is told here at some length\n".repeat(20 + round as usize * 5);
            let name = format!("lib{}", random.below(3));
            let code = format!(
                "#!lua name={name}\n{body}redis.register_function('{name}f{i}', function() return 1 end)"
            );
            server.queue(&["FUNCTION", "LOAD", "REPLACE", &code]);
        }
    }
    server.send();
    std::thread::sleep(std::time::Duration::from_millis(1500));
    server.settle_expiry();
}

fn run(name: &str, work: impl Fn(&mut Growing, u64), budget: usize) {
    let Some(server) = server() else { return };
    let mut growing = Growing::start(&server, &["--auto-aof-rewrite-percentage", "0"]);
    compare(name, &mut growing, work, budget);
}

#[test]
fn a_rewrite_of_strings_that_are_overwritten_is_as_large_as_estimated() {
    run("overwrites", overwrites, ALL);
}

#[test]
fn a_rewrite_of_lists_and_streams_that_grow_is_as_large_as_estimated() {
    run("appends", appends, ALL);
}

#[test]
fn a_rewrite_after_many_deletes_is_as_large_as_estimated() {
    run("deletes", deletes, ALL);
}

#[test]
fn a_rewrite_of_sessions_that_expire_is_as_large_as_estimated() {
    run("sessions", sessions, ALL);
}

#[test]
fn a_rewrite_of_hashes_whose_fields_change_is_as_large_as_estimated() {
    run("fields", fields, ALL);
}

#[test]
fn a_rewrite_of_values_made_of_other_keys_is_as_large_as_estimated() {
    run("combined", combined, ALL);
}

#[test]
fn a_rewrite_of_values_that_were_moved_is_as_large_as_estimated() {
    run("moved", moved, ALL);
}

#[test]
fn a_rewrite_of_consumer_groups_is_as_large_as_estimated() {
    run("groups", groups, ALL);
}

#[test]
fn a_rewrite_of_fields_that_expire_is_as_large_as_estimated() {
    run("timed fields", timed_fields, ALL);
}

/// Bytes to go for a server that counts since then, as aofkit says.
fn bytes_to_go(server: &Growing, since: Since) -> u64 {
    let conf = server.conf();
    let options = OpenOptions { conf: Some(conf), ..OpenOptions::default() };
    let aof = Aof::open(&server.append_dir(), &options).unwrap();
    let growth = Growth::new(&aof, GrowthOptions::at(0));
    let report = scan(&aof, growth, &Pace::default(), &Silent).unwrap();
    let outlook = Outlook::new(&aof, &report, &Surroundings::default());
    let cases: Vec<Trigger> = std::iter::once(outlook.trigger).chain(outlook.others).collect();
    let case = cases.iter().find(|case| case.since == since);
    case.unwrap_or_else(|| panic!("no {since:?} among {cases:?}")).remaining_bytes().unwrap()
}

/// Writes bursts until the server begins to rewrite by itself, and waits for its end. Answers how many bytes it
/// had been sent before the burst that did it, and with it.
fn until_it_rewrites(server: &mut Growing, random: &mut Random) -> (u64, u64) {
    let begun = server.info("aof_rewrites");
    let (mut before, mut after) = (0, 0);
    for round in 0.. {
        assert!(round < 500, "it never rewrites");
        // Half of what came before is overwritten.
        for _ in 0..40 {
            let key = format!("key:{}", random.below(1000));
            let value = json(random, 120);
            server.queue(&["SET", &key, &value]);
        }
        (before, after) = (after, after + server.queued_bytes());
        server.send();
        // The rule is looked at every tenth of a second.
        std::thread::sleep(std::time::Duration::from_millis(250));
        if server.info("aof_rewrites") > begun {
            break;
        }
    }
    server.until_rewritten();
    (before, after)
}

#[test]
fn loading_is_measured_on_a_copy_that_is_gone_afterwards() {
    let Some(server) = server() else { return };
    let mut growing = Growing::start(&server, &["--auto-aof-rewrite-percentage", "0"]);
    overwrites(&mut growing, 1);
    let before = growing.files("");
    let scratch = tempfile::tempdir().unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_aofkit"))
        .args(["growth", "--json", "--calibrate"])
        .arg(server.program())
        .arg(growing.append_dir())
        .env("TMPDIR", scratch.path())
        .output()
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let report: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert!(report["load"]["measured_seconds"].as_f64().is_some_and(|s| s > 0.0), "{told}");
    assert_eq!(report["load"]["estimated_seconds"], report["load"]["measured_seconds"]);
    assert_eq!(growing.files(""), before, "the original is not touched");
    assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0, "the copy is gone");
}

#[test]
fn an_interrupted_measurement_leaves_neither_server_nor_copy() {
    let Some(server) = server() else { return };
    let mut growing = Growing::start(&server, &["--auto-aof-rewrite-percentage", "0"]);
    overwrites(&mut growing, 1);
    let scratch = tempfile::tempdir().unwrap();
    // A server that is not done loading: it prints a line, and waits.
    let slow = scratch.path().join("slow");
    let script = "#!/bin/sh\ncase $1 in --version) exit;; esac\necho begins\nexec sleep 60\n";
    crate::support::put_program(&slow, script.as_bytes());
    for signal in ["INT", "TERM", "KILL"] {
        let child = std::process::Command::new(env!("CARGO_BIN_EXE_aofkit"))
            .args(["growth", "--calibrate"])
            .arg(&slow)
            .arg(growing.append_dir())
            .env("TMPDIR", scratch.path())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let begun = std::time::Instant::now();
        let is_server = |pid: &String| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.starts_with(b"sleep\0")
        };
        let servers = loop {
            let all = working_in(scratch.path());
            if all.iter().any(is_server) {
                break all;
            }
            assert!(begun.elapsed().as_secs() < 30, "it never starts the server");
            std::thread::sleep(std::time::Duration::from_millis(10));
        };
        let told = std::process::Command::new("kill")
            .args([&format!("-{signal}"), &child.id().to_string()])
            .status();
        assert!(told.unwrap().success());
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        let lives = || servers.iter().any(|pid| is_alive(pid));
        let left = || std::fs::read_dir(scratch.path()).unwrap().count();
        if signal == "KILL" {
            // What it started sees it go, a moment later.
            while lives() || left() > 1 {
                assert!(begun.elapsed().as_secs() < 40, "something is left");
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
        } else {
            assert_eq!(output.status.code(), Some(130), "{said}");
            assert!(said.contains("interrupted"), "{said}");
        }
        assert!(!lives(), "the server goes on");
        assert_eq!(left(), 1, "only the script is left");
    }
}

#[test]
fn a_server_rewrites_within_one_burst_of_the_byte_that_was_told() {
    let Some(server) = server() else { return };
    let rule = ["--auto-aof-rewrite-percentage", "60", "--auto-aof-rewrite-min-size", "40000"];
    let mut growing = Growing::start(&server, &rule);
    let mut random = Random(7);
    // A client selects its database with its first write, in 23 bytes; so does the first write of every increment.
    const SELECT: u64 = 23;
    let mut check = |server: &mut Growing, since| {
        let told = bytes_to_go(server, since);
        let (before, after) = until_it_rewrites(server, &mut random);
        eprintln!("{since:?}: {told} bytes to go, rewritten between {before} and {after}");
        assert!(
            before + SELECT < told && told <= after + SELECT,
            "{since:?}: {told}, {before}, {after}"
        );
    };
    check(&mut growing, Since::Fresh);
    // Below the minimum, then by the percentage.
    check(&mut growing, Since::Restart);
    check(&mut growing, Since::Restart);
    // What is appended already counts, and not as base.
    growing.queue(&["SET", "some", &"more".repeat(500)]);
    growing.send();
    growing.restart();
    check(&mut growing, Since::Restart);
}

#[test]
fn what_is_appended_during_a_rewrite_counts_as_base_until_the_server_is_restarted() {
    let Some(server) = server() else { return };
    let rule = ["--auto-aof-rewrite-percentage", "60", "--auto-aof-rewrite-min-size", "20000"];
    let mut growing = Growing::start(&server, &rule);
    let mut random = Random(8);
    growing.must("CONFIG SET aof-timestamp-enabled yes");
    // The first rewrite takes long enough to write meanwhile; what follows it comes in another second.
    growing.must("CONFIG SET auto-aof-rewrite-percentage 0");
    for i in 0..200 {
        let value = json(&mut random, 120);
        growing.queue(&["SET", &format!("key:{i}"), &value]);
    }
    growing.send();
    growing.must("CONFIG SET rdb-key-save-delay 2000");
    growing.must("BGREWRITEAOF");
    for i in 0..100 {
        let value = json(&mut random, 120);
        growing.queue(&["SET", &format!("key:{i}"), &value]);
    }
    growing.send();
    assert_eq!(growing.info("aof_rewrite_in_progress"), 1, "it must not be done yet");
    growing.until_rewritten();
    growing.must("CONFIG SET rdb-key-save-delay 0");
    growing.must("CONFIG SET auto-aof-rewrite-percentage 60");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    growing.must("SET one more");
    let by_restart = bytes_to_go(&growing, Since::Restart);
    let told = bytes_to_go(&growing, Since::Rewrite);
    assert!(told > by_restart + 10_000, "{told} is no more than {by_restart}");
    let (before, after) = until_it_rewrites(&mut growing, &mut random);
    // Annotations take bytes as well, a line of 16 in every second.
    let other = 23 + 16 * 60;
    eprintln!("Rewrite: {told} bytes to go, rewritten between {before} and {after}");
    assert!(before < told && told <= after + other, "{told}, {before}, {after}");
}
