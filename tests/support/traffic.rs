//! Traffic of many kinds for a server to log: every type that it has, in the encodings that it has for them.

use crate::growing::{Growing, Random};

/// A server's family and its version.
pub struct Release<'a> {
    pub family: &'a str,
    pub version: (u32, u32),
}

impl<'a> Release<'a> {
    /// Of a name such as `redis-8.2`.
    pub fn of(name: &'a str) -> Self {
        let (family, version) = name.split_once('-').expect("family and version");
        let (major, minor) = version.split_once('.').expect("two numbers");
        let number = |text: &str| text.parse().expect("a number");
        Self { family, version: (number(major), number(minor)) }
    }

    /// Whether fields of hashes expire by themselves.
    pub fn has_field_expiry(&self) -> bool {
        match self.family {
            "redis" => self.version >= (7, 4),
            _ => self.version >= (9, 0),
        }
    }

    /// Whether it has vector sets.
    pub fn has_vectors(&self) -> bool {
        self.family == "redis" && self.version >= (8, 0)
    }
}

/// One kind of traffic.
pub type Kind = fn(&mut Growing, &mut Random, u64);

/// All that every server knows.
pub const KINDS: [(&str, Kind); 9] = [
    ("strings", strings),
    ("numbers", numbers),
    ("lists", lists),
    ("sets", sets),
    ("sorted sets", sorted_sets),
    ("hashes", hashes),
    ("streams", streams),
    ("bits and sketches", bits),
    ("places", places),
];

fn text(random: &mut Random, len: u64) -> String {
    let words = ["ada", "lima", "oslo", "basic", "premium", "mobile", "winter"];
    let mut text = format!("{{\"id\":{}", random.below(1_000_000));
    while (text.len() as u64) < len {
        let word = words[random.below(7) as usize];
        text += &format!(",\"{word}\":\"{word} {}\"", random.below(1000));
    }
    text + "}"
}

fn strings(server: &mut Growing, random: &mut Random, _: u64) {
    for _ in 0..1200 {
        let (key, len) = (format!("user:{}", random.below(300)), 20 + random.below(480));
        let value = text(random, len);
        let bits = 1 + random.below(40);
        let number = random.below(1 << bits).to_string();
        match random.below(8) {
            0 => server.queue(&["SET", &format!("n:{}", random.below(100)), &number]),
            1 => server.queue(&["APPEND", &format!("log:{}", random.below(20)), "a line of it\n"]),
            2 => server.queue(&["SETRANGE", &format!("range:{}", random.below(20)), "90", "part"]),
            3 => server.queue(&["MSET", &format!("m:{}", random.below(50)), &value, "m", &number]),
            4 => server.queue(&["DEL", &key]),
            5 => server.queue(&["SET", &key, &value, "EX", "100000"]),
            6 => server.queue(&["PEXPIRE", &key, "90000000"]),
            _ => server.queue(&["SET", &key, &value]),
        }
    }
}

fn numbers(server: &mut Growing, random: &mut Random, _: u64) {
    for _ in 0..1200 {
        let n = random.below(160);
        let field = format!("f{}", random.below(30));
        let member = format!("m{}", random.below(40));
        let by = ["1", "0.1", "2.5", "-7", "3.3333"][random.below(5) as usize];
        match random.below(7) {
            0 => server.queue(&["INCR", &format!("counter:{n}")]),
            1 => {
                server.queue(&["INCRBY", &format!("counter:{n}"), &random.below(9000).to_string()])
            }
            2 => server.queue(&["INCRBYFLOAT", &format!("float:{n}"), by]),
            3 => server.queue(&["HINCRBY", &format!("counts:{}", n / 8), &field, "13"]),
            4 => server.queue(&["HINCRBYFLOAT", &format!("sums:{}", n / 8), &field, by]),
            5 => server.queue(&["ZINCRBY", &format!("scores:{}", n / 8), by, &member]),
            _ => server.queue(&["ZADD", &format!("scores:{}", n / 8), "INCR", by, &member]),
        }
    }
}

fn lists(server: &mut Growing, random: &mut Random, _: u64) {
    for _ in 0..1000 {
        let key = format!("queue:{}", random.below(20));
        let value = text(random, 10);
        match random.below(9) {
            0..=2 => server.queue(&["LPUSH", &key, &value]),
            3 | 4 => server.queue(&["RPUSH", &key, &random.below(1 << 30).to_string(), "oslo"]),
            5 => server.queue(&["LPOP", &key]),
            6 => server.queue(&["LTRIM", &key, "0", "150"]),
            7 => server.queue(&["LREM", &key, "1", "oslo"]),
            _ => {
                let len = 200 + random.below(6000);
                server.queue(&["RPUSH", "large", &text(random, len)]);
            }
        }
    }
}

fn sets(server: &mut Growing, random: &mut Random, _: u64) {
    for _ in 0..1200 {
        let n = random.below(20);
        let wide = random.below(1 << 50).to_string();
        let narrow = random.below(3000).to_string();
        let tag = format!("tag{}", random.below(60));
        match random.below(6) {
            0 => server.queue(&["SADD", &format!("narrow:{n}"), &narrow]),
            1 => server.queue(&["SADD", &format!("wide:{n}"), &wide]),
            2 => server.queue(&["SADD", &format!("tags:{n}"), &tag]),
            3 => server.queue(&["SADD", "many", &format!("member:{narrow}"), &narrow]),
            4 => server.queue(&["SREM", &format!("tags:{n}"), &tag]),
            _ => server.queue(&["SUNIONSTORE", &format!("union:{n}"), "tags:1", "narrow:2"]),
        }
    }
}

fn sorted_sets(server: &mut Growing, random: &mut Random, _: u64) {
    for _ in 0..1200 {
        let n = random.below(20);
        let score = random.below(1_000_000);
        let fraction = (score as f64 / 7.0).to_string();
        let member = format!("player:{}", random.below(1500));
        match random.below(6) {
            0 => server.queue(&["ZADD", &format!("whole:{n}"), &score.to_string(), &member]),
            1 => server.queue(&["ZADD", &format!("part:{n}"), &fraction, &member]),
            2 => server.queue(&["ZADD", "board", &fraction, &member]),
            3 => server.queue(&["ZREM", &format!("whole:{n}"), &member]),
            4 => server.queue(&["ZPOPMIN", &format!("part:{n}")]),
            _ => server.queue(&["ZREMRANGEBYSCORE", "board", "0", &(score / 999).to_string()]),
        }
    }
}

fn hashes(server: &mut Growing, random: &mut Random, _: u64) {
    for _ in 0..1200 {
        let key = format!("cart:{}", random.below(60));
        let field = format!("item{}", random.below(40));
        let (short, long) = (text(random, 30), text(random, 100));
        match random.below(5) {
            0 => server.queue(&["HDEL", &key, &field]),
            1 => server.queue(&["HSET", &format!("wide:{field}"), &field, &long]),
            2 => server.queue(&[
                "HSET",
                "everybody",
                &format!("user:{}", random.below(1500)),
                &short,
            ]),
            _ => server.queue(&["HSET", &key, &field, &short]),
        }
    }
}

fn streams(server: &mut Growing, random: &mut Random, round: u64) {
    const FIRST: u64 = 1_800_000_000_000;
    for i in 0..700 {
        let key = format!("events:{}", random.below(4));
        if i == 0 && round == 0 {
            for n in 0..4 {
                let key = format!("events:{n}");
                server.queue(&["XGROUP", "CREATE", &key, "mail", "0", "MKSTREAM"]);
            }
        }
        let at = FIRST + round * 100_000 + i;
        let number = i.to_string();
        server.queue(&["XADD", &key, &format!("{at}-1"), "kind", "view", "n", &number]);
        let earlier = format!("{}-1", at - random.below(40));
        let worker = format!("worker:{}", random.below(4));
        match random.below(8) {
            0 => server.queue(&["XTRIM", &key, "MAXLEN", "~", "110"]),
            1 => server.queue(&["XDEL", &key, &earlier]),
            2 => server.queue(&["XACK", &key, "mail", &earlier]),
            3 => server.queue(&["XADD", &key, &format!("{at}-2"), "another", &text(random, 40)]),
            4 | 5 => server.queue(&[
                "XREADGROUP",
                "GROUP",
                "mail",
                &worker,
                "COUNT",
                "3",
                "STREAMS",
                &key,
                ">",
            ]),
            _ => {}
        }
    }
}

fn bits(server: &mut Growing, random: &mut Random, _: u64) {
    for i in 0..700 {
        let n = random.below(12);
        let user = format!("user:{}", random.below(100_000));
        let value = random.below(256).to_string();
        match i % 5 {
            0 => server.queue(&[
                "SETBIT",
                &format!("bits:{n}"),
                &(random.below(6000)).to_string(),
                "1",
            ]),
            1 => server.queue(&["BITFIELD", &format!("fields:{n}"), "SET", "u8", "#9", &value]),
            2 => server.queue(&[
                "BITFIELD",
                &format!("fields:{n}"),
                "OVERFLOW",
                "SAT",
                "INCRBY",
                "i5",
                "77",
                "3",
            ]),
            3 => server.queue(&["PFADD", &format!("seen:{}", n * 5), &user]),
            _ => server.queue(&[
                "PFADD",
                "seen:all",
                &user,
                &value,
                &i.to_string(),
                &format!("{user}:{i}"),
            ]),
        }
    }
    server.queue(&["PFMERGE", "merged", "seen:5", "seen:all"]);
}

fn places(server: &mut Growing, random: &mut Random, _: u64) {
    for i in 0..300 {
        let [east, north] = [random.below(170), random.below(80)].map(|n| format!("{n}.{i}"));
        let name = format!("place:{}", random.below(200));
        server.queue(&["GEOADD", &format!("map:{}", random.below(4)), &east, &north, &name]);
    }
}

/// Fields that expire by themselves.
pub fn timed_fields(server: &mut Growing, random: &mut Random, _: u64) {
    for _ in 0..700 {
        let key = format!("device:{}", random.below(40));
        let field = format!("f{}", random.below(40));
        server.queue(&["HSET", &key, &field, &text(random, 24)]);
        let one = ["FIELDS", "1", &field];
        match random.below(4) {
            0 => server.queue(&[&["HPEXPIRE", &key, "90000000"][..], &one].concat()),
            1 => server.queue(&[&["HPEXPIREAT", &key, "1900000000000"][..], &one].concat()),
            2 => server.queue(&[&["HPERSIST", &key][..], &one].concat()),
            _ => server.queue(&["HDEL", &key, &field]),
        }
    }
}

/// Libraries of functions.
pub fn libraries(server: &mut Growing, random: &mut Random, round: u64) {
    for i in 0..6 {
        let body = "-- what it does is told here\n".repeat(1 + random.below(30) as usize);
        let code = format!(
            "#!lua name=lib{i}\n{body}redis.register_function('f{i}', function() return {round} end)"
        );
        server.queue(&["FUNCTION", "LOAD", "REPLACE", &code]);
    }
}

/// Vector sets.
pub fn vectors(server: &mut Growing, random: &mut Random, _: u64) {
    for _ in 0..150 {
        let numbers: Vec<String> =
            (0..24).map(|_| (random.below(2000) as f64 / 1000.0 - 1.0).to_string()).collect();
        let name = format!("element:{}", random.below(60));
        let key = format!("vectors:{}", random.below(3));
        let mut words = vec!["VADD", &key, "VALUES", "24"];
        words.extend(numbers.iter().map(String::as_str));
        words.push(&name);
        server.queue(&words);
        if random.below(6) == 0 {
            server.queue(&["VREM", &key, &name]);
        }
        // Small ones have few links.
        let small = format!("small:{}", random.below(12));
        let words = ["VADD", &small, "VALUES", "2", &numbers[0], &numbers[1], &name];
        server.queue(&words);
    }
}
