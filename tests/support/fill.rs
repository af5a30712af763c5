//! Keys of every type and encoding that a server has.

use aofkit::format::rdb::checksum::crc64;

use super::live::{Live, Reply};

/// Far enough to outlast any test run, Unix milliseconds.
pub const SOON: i64 = 4_000_000_000_000;
pub const LATE: i64 = 5_000_000_000_000;

/// Fields of a hash whose packed encoding has more entries than its header can tell.
pub const MANY: usize = 33_000;

/// What cannot be asked for afterwards.
#[derive(Default)]
pub struct Written {
    pub field_ttls: u64,
    pub libraries: u64,
}

/// A command of many items.
pub fn many(command: &str, key: &str, count: usize, item: impl Fn(usize) -> String) -> String {
    let items: Vec<String> = (0..count).map(item).collect();
    format!("{command} {key} {}", items.join(" "))
}

/// Keys of every type and encoding, in several databases.
pub fn fill(live: &mut Live) -> Written {
    let long = "abcdefgh".repeat(2000);
    let mut commands = vec![
        "SET int 12345".to_owned(),
        "SET 987654 key-is-a-number".to_owned(),
        "SET short hello".to_owned(),
        format!("SET long {long}"),
        format!("SET {} long-key", "k".repeat(300)),
        many("SADD", "set:int", 100, |i| i.to_string()),
        many("SADD", "set:small", 20, |i| format!("m{i}")),
        many("SADD", "set:large", 2000, |i| format!("member:{i}")),
        many("RPUSH", "list:small", 10, |i| format!("v{i}")),
        many("RPUSH", "list:large", 5000, |i| format!("value:{i}")),
        format!("RPUSH list:plain {long} x {long}"),
        many("ZADD", "zset:small", 20, |i| format!("{i}.5 m{i}")),
        many("ZADD", "zset:large", 2000, |i| format!("{i} member:{i}")),
        "ZADD zset:inf -inf a +inf b 0 c".to_owned(),
        many("HSET", "hash:small", 20, |i| format!("f{i} {i}")),
        many("HSET", "hash:large", 2000, |i| format!("field:{i} value:{i}")),
        format!("HSET hash:long f {long}"),
        "PFADD hll a b c".to_owned(),
        "GEOADD geo 13.361389 38.115556 Palermo".to_owned(),
        "SETBIT bits 4000 1".to_owned(),
        "XGROUP CREATE stream:empty g $ MKSTREAM".to_owned(),
        "XGROUP CREATE stream:large g1 0 MKSTREAM".to_owned(),
        "XGROUP CREATE stream:large g2 0".to_owned(),
    ];
    commands.extend((0..500).map(|i| format!("XADD stream:large {}-1 f {i} g x", i + 1)));
    commands.extend([
        "XREADGROUP GROUP g1 c1 COUNT 30 STREAMS stream:large >".to_owned(),
        "XREADGROUP GROUP g1 c2 COUNT 12 STREAMS stream:large >".to_owned(),
        "XREADGROUP GROUP g2 c1 COUNT 5 STREAMS stream:large >".to_owned(),
        "XACK stream:large g1 1-1 2-1".to_owned(),
        "XDEL stream:large 400-1 401-1".to_owned(),
        format!("PEXPIREAT short {SOON}"),
        format!("PEXPIREAT hash:large {LATE}"),
        "SELECT 3".to_owned(),
        "SET int 1".to_owned(),
        format!("SET brief x PXAT {}", SOON + 5),
        "SELECT 15".to_owned(),
    ]);
    commands.extend((0..3000).map(|i| format!("SET key:{i} value:{i}")));
    commands.push("SELECT 0".to_owned());
    for command in &commands {
        live.must(command);
    }
    let mut written = Written::default();
    let library: &[u8] = b"#!lua name=mylib\nredis.register_function('f', function() return 1 end)";
    let loaded = live.call(&[b"FUNCTION", b"LOAD", library]);
    written.libraries = u64::from(!matches!(loaded, Reply::Error(_)));
    // Once in the small encoding, once in a table; some servers have no expiry of fields.
    for key in ["hash:ttl", "hash:ttl:large"] {
        let size = if key == "hash:ttl" { 5 } else { 1000 };
        live.must(&many("HSET", key, size, |i| format!("f{i} v{i}")));
        let command = format!("HPEXPIREAT {key} {LATE} FIELDS 2 f1 f3");
        if !matches!(live.run(&command), Reply::Error(_)) {
            written.field_ttls += 2;
        }
    }
    written.field_ttls += pack_many(live);
    written
}

/// What only newer servers have: streams that remember producers, vector sets, and fields that lost their expiry, of
/// which the encoding stays. Answers how many streams came.
pub fn more(live: &mut Live) -> u64 {
    live.must("HSET hash:persisted a 1 b 2");
    if !matches!(live.run(&format!("HPEXPIREAT hash:persisted {LATE} FIELDS 1 a")), Reply::Error(_))
    {
        live.must("HPERSIST hash:persisted FIELDS 1 a");
    }
    for i in 0..40 {
        live.run(&format!("VADD vectors VALUES 3 1.5 -2 {i} element:{i}"));
    }
    live.run("VADD vectors:one VALUES 2 1 2 element SETATTR attributes");
    if matches!(live.run("XADD stream:producers IDMP p1 i1 * f v"), Reply::Error(_)) {
        return 0;
    }
    for i in 0..300 {
        live.must(&format!("XADD stream:producers IDMP p{} id:{i} * f {i}", i % 7));
    }
    live.must("XADD stream:producers IDMPAUTO p9 * f v");
    live.must("XCFGSET stream:producers IDMP-DURATION 500 IDMP-MAXSIZE 50");
    live.must("XGROUP CREATE stream:producers g1 0");
    live.must("XREADGROUP GROUP g1 c1 COUNT 7 STREAMS stream:producers >");
    1
}

/// A hash in one packed encoding whose header can only say "many". Answers how many of its fields got an
/// expiry.
fn pack_many(live: &mut Live) -> u64 {
    let is_ziplist = live.must("INFO server").text().contains("redis_version:6.");
    let mut entries = Vec::new();
    for i in (0..MANY).flat_map(|i| [i, i]) {
        // A number of 16 bits, with the length of an entry before or behind it.
        let number = (i as i16).wrapping_sub(i16::MAX).to_le_bytes();
        match is_ziplist {
            true if entries.is_empty() => entries.extend([0, 0xc0]),
            true => entries.extend([4, 0xc0]),
            false => entries.push(0xf1),
        }
        entries.extend(number);
        if !is_ziplist {
            entries.push(3);
        }
    }
    let header = if is_ziplist { 10 } else { 6 };
    let size = (header + entries.len() + 1) as u32;
    let mut packed = size.to_le_bytes().to_vec();
    if is_ziplist {
        packed.extend((size - 5).to_le_bytes());
    }
    packed.extend([0xff, 0xff]);
    packed.extend(entries);
    packed.push(0xff);
    let (kind, version) = if is_ziplist { (13, 9_u16) } else { (16, 10) };
    let mut dump = vec![kind, 0x80];
    dump.extend(size.to_be_bytes());
    dump.extend(packed);
    dump.extend(version.to_le_bytes());
    dump.extend(crc64(&dump).to_le_bytes());
    live.must("CONFIG SET hash-max-ziplist-entries 100000");
    let reply = live.call(&[b"RESTORE", b"hash:many", b"0", &dump]);
    assert_eq!(reply.text(), "OK");
    live.must("CONFIG SET hash-max-ziplist-entries 128");
    let command = format!("HPEXPIREAT hash:many {LATE} FIELDS 3 0 1 2");
    // A server that moves the hash into a table for that has no listpack of fields with an expiry.
    if matches!(live.run(&command), Reply::Error(_)) { 0 } else { 3 }
}
