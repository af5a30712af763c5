//! Logs as a busy application leaves them: the same bytes for the same seed, on every machine.
//!
//! Only integer arithmetic decides what is written, so no mathematics library can change a byte. A real
//! server loads the result without an error, and nothing in it has expired by then.

// Each bench is a crate of its own and uses a part of this.
#![allow(dead_code)]

#[path = "shapes.rs"]
mod shapes;

use std::io::{self, Write};

pub use shapes::Kind;

/// What to write.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Whose traffic it is.
    pub kind: Kind,
    /// Mean length of the values that applications store, in bytes; single ones are half to one and a
    /// half times as long.
    pub value: usize,
    /// The log ends with the first record after this many bytes that is not inside a transaction.
    pub bytes: u64,
    /// Another seed, another log.
    pub seed: u64,
}

/// Databases in use; most of the traffic goes to the first.
const DATABASES: [u8; 4] = [0, 1, 3, 9];

/// Commands in one simulated second.
const COMMANDS_A_SECOND: u64 = 20_000;

/// Unix seconds at which every log begins.
const FIRST_SECOND: u64 = 1_700_000_000;

/// Deadlines lie after this many milliseconds, in the year 2100.
const DEADLINES: u64 = 4_102_444_800_000;

/// Bytes of text that values are cut from: far more than a value, so that values differ.
const POOL: usize = 1 << 18;

/// Writes one log and answers its length.
pub fn generate(out: &mut impl Write, shape: Shape) -> io::Result<u64> {
    let mut log = Log::new(shape);
    log.command(&[b"SELECT", b"0"]);
    while log.written + (log.buffer.len() as u64) < shape.bytes {
        log.write_of(shape.kind);
        if log.buffer.len() > 1 << 16 {
            log.flush(out)?;
        }
    }
    log.flush(out)?;
    Ok(log.written)
}

/// The same in memory.
pub fn in_memory(shape: Shape) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(shape.bytes as usize + 2 * shape.value + (1 << 12));
    match generate(&mut bytes, shape) {
        Ok(_) => bytes,
        Err(e) => unreachable!("a vector takes every byte: {e}"),
    }
}

struct Log {
    random: SplitMix,
    seed: u64,
    value: usize,
    pool: Vec<u8>,
    /// Where fields begin in the first [`POOL`] bytes.
    fields: Vec<usize>,
    buffer: Vec<u8>,
    written: u64,
    commands: u64,
    second: u64,
    stream_id: u64,
    scratch: Vec<u8>,
}

impl Log {
    fn new(shape: Shape) -> Self {
        let mut random = SplitMix(shape.seed);
        let (pool, fields) = pool(&mut random, POOL + 2 * shape.value);
        Self {
            random,
            seed: shape.seed,
            value: shape.value.max(1),
            pool,
            fields,
            buffer: Vec::new(),
            written: 0,
            commands: 0,
            second: 0,
            stream_id: 0,
            scratch: Vec::new(),
        }
    }

    fn flush(&mut self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(&self.buffer)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// A timestamp when a second has begun, now and then another database, then one command or one
    /// transaction.
    fn step(&mut self) {
        let second = FIRST_SECOND + self.commands / COMMANDS_A_SECOND;
        if second != self.second {
            self.second = second;
            self.buffer.extend_from_slice(format!("#TS:{second}\r\n").as_bytes());
        }
        match self.random.below(1000) {
            0..=3 => {
                let place = self.random.skewed(2).min(DATABASES.len() as u64 - 1);
                let number = DATABASES[place as usize].to_string();
                self.command(&[b"SELECT", number.as_bytes()]);
            }
            4..=18 => {
                self.command(&[b"MULTI"]);
                for _ in 0..2 + self.random.below(4) {
                    self.write_something();
                }
                self.command(&[b"EXEC"]);
            }
            _ => self.write_something(),
        }
    }

    fn write_something(&mut self) {
        match self.random.below(100) {
            0..=67 => {
                let key = self.user();
                let value = self.json();
                self.command(&[b"SET", key.as_bytes(), &value]);
                self.scratch = value;
            }
            68..=75 => self.session(),
            76..=79 => {
                let key = format!("queue:{}", self.random.skewed(8));
                let value = self.json();
                self.command(&[b"LPUSH", key.as_bytes(), &value]);
                self.scratch = value;
            }
            80..=84 => {
                let key = format!("leaderboard:{}", self.random.skewed(6));
                let score = self.random.below(1_000_000).to_string();
                let member = format!("user:{}", self.random.skewed(20));
                self.command(&[b"ZADD", key.as_bytes(), score.as_bytes(), member.as_bytes()]);
            }
            85..=90 => {
                let key = format!("counter:{}", self.random.skewed(14));
                let step = (1 + self.random.below(10)).to_string();
                self.command(&[b"INCRBY", key.as_bytes(), step.as_bytes()]);
            }
            91..=93 => {
                let key = self.user();
                self.command(&[b"DEL", key.as_bytes()]);
            }
            94..=97 => {
                let key = self.session_key();
                let at = (DEADLINES + self.random.below(86_400_000)).to_string();
                self.command(&[b"PEXPIREAT", key.as_bytes(), at.as_bytes()]);
            }
            _ => self.stream_entry(),
        }
    }

    fn session(&mut self) {
        let key = self.session_key();
        let user = self.random.skewed(20).to_string();
        let seen = (self.second + self.random.below(3600)).to_string();
        let data = self.json();
        self.command(&[
            b"HSET",
            key.as_bytes(),
            b"user",
            user.as_bytes(),
            b"seen",
            seen.as_bytes(),
            b"data",
            &data,
        ]);
        self.scratch = data;
    }

    fn stream_entry(&mut self) {
        let key = format!("events:{}", self.random.skewed(5));
        // One clock for all streams: identifiers only grow, whatever stream and database.
        self.stream_id += 1;
        let id = format!("{}-{}", self.second * 1000, self.stream_id);
        let user = self.random.skewed(20).to_string();
        let kinds: [&[u8]; 4] = [b"login", b"view", b"buy", b"logout"];
        let kind = kinds[self.random.below(4) as usize];
        let key = key.as_bytes();
        self.command(&[b"XADD", key, id.as_bytes(), b"kind", kind, b"user", user.as_bytes()]);
    }

    fn user(&mut self) -> String {
        format!("user:{}:profile", self.random.skewed(20))
    }

    fn session_key(&mut self) -> String {
        let number = self.random.skewed(18);
        format!("session:{:016x}", SplitMix(number).next())
    }

    /// Text that looks like JSON, in a buffer that the caller gives back as `scratch`.
    fn json(&mut self) -> Vec<u8> {
        let mut value = std::mem::take(&mut self.scratch);
        value.clear();
        let len = self.value / 2 + self.random.below(self.value as u64 + 1) as usize;
        let id = self.random.skewed(20);
        value.extend_from_slice(format!("{{\"id\":{id},").as_bytes());
        let from = self.fields[self.random.below(self.fields.len() as u64) as usize];
        let room = len.saturating_sub(value.len() + 1);
        value.extend_from_slice(&self.pool[from..from + room]);
        value.push(b'}');
        value
    }

    fn command(&mut self, arguments: &[&[u8]]) {
        self.commands += 1;
        header(&mut self.buffer, b'*', arguments.len());
        for argument in arguments {
            header(&mut self.buffer, b'$', argument.len());
            self.buffer.extend_from_slice(argument);
            self.buffer.extend_from_slice(b"\r\n");
        }
    }
}

fn header(out: &mut Vec<u8>, marker: u8, mut number: usize) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.push(marker);
    out.extend_from_slice(&digits[at..]);
    out.extend_from_slice(b"\r\n");
}

/// Fields of JSON objects, one after the other, and where those begin that values may begin with.
fn pool(random: &mut SplitMix, len: usize) -> (Vec<u8>, Vec<usize>) {
    const NAMES: [&str; 8] =
        ["name", "city", "email", "note", "plan", "language", "device", "campaign"];
    const WORDS: [&str; 12] = [
        "ada", "lima", "oslo", "basic", "premium", "mobile", "desktop", "winter", "spring", "fr",
        "pt", "zürich",
    ];
    let mut text = String::new();
    let mut starts = Vec::new();
    while text.len() < len {
        if text.len() < POOL {
            starts.push(text.len());
        }
        let name = NAMES[random.below(8) as usize];
        match random.below(4) {
            0 => text.push_str(&format!("\"{name}_count\":{},", random.below(100_000))),
            1 => text.push_str(&format!("\"{name}_ok\":{},", random.below(2) == 1)),
            _ => {
                let one = WORDS[random.below(12) as usize];
                let two = WORDS[random.below(12) as usize];
                text.push_str(&format!("\"{name}\":\"{one} {two} {}\",", random.below(1000)));
            }
        }
    }
    (text.into_bytes(), starts)
}

/// SplitMix64: small, seeded, good enough to choose what a log says.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `limit`, which is not 0.
    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// Below `2^bits`, and the smaller the likelier: every power of two gets the same share, which is
    /// Zipf's law with exponent 1 up to rounding.
    fn skewed(&mut self, bits: u64) -> u64 {
        let magnitude = self.below(bits + 1);
        self.next() & ((1 << magnitude) - 1)
    }
}
