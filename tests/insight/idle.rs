//! Idle times and access counters, where the base has them.

use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::growing::Growing;
use super::support::server::Server;
use super::world::*;

const BY: [&str; 3] = ["stats", "--by", "key,type"];

/// An RDB with these keys: of each what stands before it.
fn rdb(keys: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = b"REDIS0011".to_vec();
    for (key, before) in keys {
        bytes.extend_from_slice(before);
        bytes.extend([0, key.len() as u8]);
        bytes.extend_from_slice(key.as_bytes());
        bytes.extend(b"\x04text");
    }
    bytes.extend(b"\xff\0\0\0\0\0\0\0\0");
    bytes
}

#[test]
fn columns_and_a_histogram_tell_what_nobody_uses() {
    // An hour, ten days, and nothing.
    let base = rdb(&[
        ("hour", b"\xf8\x4e\x10"),
        ("ten-days", b"\xf8\x80\x00\x0d\x2f\x00"),
        ("used", b"\xf8\x00"),
        ("plain", b""),
    ]);
    let set = set(&base, b"");
    let answer = json(&BY, set.path());
    let of = |key| &row(&answer["base_biggest"], "key", key)["idle_seconds"];
    assert_eq!([of("hour"), of("ten-days"), of("used")], [3_600, 864_000, 0]);
    assert_eq!((of("plain"), &answer["base"]["frequencies"]), (&Value::Null, &Value::Null));
    let rows = &answer["base"]["idle"];
    assert_eq!((sum(rows, "keys"), rows.as_array().unwrap().len()), (3, 3));
    let of_ten_days = row(&answer["base_biggest"], "key", "ten-days")["bytes"].clone();
    assert_eq!(rows[2]["bytes"], of_ten_days);
    assert!(rows[2]["from_seconds"].as_u64().unwrap() <= 864_000);
    assert!(rows[2]["to_seconds"].as_u64().unwrap() >= 864_000);
    let screen = text(&BY, set.path());
    assert!(
        screen.contains("IDLE") && screen.contains("10d") && !screen.contains("FREQ"),
        "{screen}"
    );
    assert!(screen.contains("a week"), "{screen}");
}

#[test]
fn a_base_without_them_has_no_columns() {
    let set = set(&rdb(&[("plain", b"")]), b"");
    let answer = json(&BY, set.path());
    assert_eq!(answer["base_biggest"][0]["idle_seconds"], Value::Null);
    assert_eq!(answer["base_biggest"][0]["frequency"], Value::Null);
    assert_eq!(answer["base"]["idle"], Value::Null);
    let screen = text(&BY, set.path());
    assert!(!screen.contains("IDLE") && !screen.contains("FREQ"), "{screen}");
}

#[test]
fn servers_with_such_policies_are_read_as_they_answer() {
    for name in ["redis-7.0", "redis-8.2", "valkey-9.1"] {
        let Some(program) = Server::find(name) else {
            eprintln!("NOT RUN: no {name}; tests/servers/fetch brings it");
            continue;
        };
        let start = |policy| Growing::start(&program, &["--maxmemory-policy", policy]);
        let mut server = start("allkeys-lfu");
        server.must("SET often v");
        (0..300).for_each(|_| _ = server.must("GET often"));
        server.rewrite();
        let told: u64 = server.must("OBJECT FREQ often").parse().unwrap();
        let answer = json(&BY, &server.append_dir());
        assert_eq!(answer["base_biggest"][0]["frequency"], told, "{name}");
        assert_eq!(answer["base_biggest"][0]["idle_seconds"], Value::Null, "{name}");
        let mut server = start("allkeys-lru");
        server.must("SET once v");
        thread::sleep(Duration::from_millis(2_100));
        server.rewrite();
        let idle = json(&BY, &server.append_dir())["base_biggest"][0]["idle_seconds"].clone();
        assert!((1..=4).contains(&idle.as_u64().unwrap()), "{name}: {idle}");
    }
}
