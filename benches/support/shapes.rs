//! What other applications leave than the one of [`super::generate`]: one kind of key or record at a time, so that a
//! figure of one shape is not taken for a figure of all.

use super::{Log, SplitMix};

/// Whose traffic a log holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Eight kinds of commands, few keys of which are hot.
    Application,
    /// SET of keys none of which comes twice: a thousand families, hexadecimal numbers.
    Uniform,
    /// Keys with a name of letters in the middle, a million of them, nine of ten written only once or twice.
    Words,
    /// Hash tags around hexadecimal words: sessions, each a HSET and a deadline.
    Braces,
    /// Keys that are paths of 60 to 400 bytes.
    Paths,
    /// MSET, HSET and SADD of 10 to 200 items.
    Wide,
    /// Nothing but transactions of two to four small commands.
    Transactions,
    /// Entries of streams, trimmed and deleted now and then.
    Streams,
    /// Values that look like records themselves, and such that are random bytes.
    LookAlikes,
}

impl Kind {
    /// All of them, with their names on the command line.
    pub const ALL: [(&'static str, Self); 9] = [
        ("application", Self::Application),
        ("uniform", Self::Uniform),
        ("words", Self::Words),
        ("braces", Self::Braces),
        ("paths", Self::Paths),
        ("wide", Self::Wide),
        ("transactions", Self::Transactions),
        ("streams", Self::Streams),
        ("look-alikes", Self::LookAlikes),
    ];

    /// That of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find_map(|(known, kind)| (known == name).then_some(kind))
    }
}

impl Log {
    /// One command, or one transaction, of that kind.
    pub(super) fn write_of(&mut self, kind: Kind) {
        match kind {
            Kind::Application => self.step(),
            Kind::Uniform => {
                let number = self.commands;
                let key =
                    format!("item:{}:{:x}", number % 1000, SplitMix(number ^ self.seed).next());
                self.set(&key);
            }
            Kind::Words => self.of_words(),
            Kind::Braces => self.of_braces(),
            Kind::Paths => {
                let key = self.path();
                self.set(&key);
            }
            Kind::Wide => self.wide(),
            Kind::Transactions => self.transaction(),
            Kind::Streams => self.of_streams(),
            Kind::LookAlikes => self.look_alike(),
        }
    }

    fn set(&mut self, key: &str) {
        let value = self.json();
        self.command(&[b"SET", key.as_bytes(), &value]);
        self.scratch = value;
    }

    fn of_words(&mut self) {
        let number = match self.random.below(10) {
            0 => self.random.skewed(20),
            _ => self.random.below(1 << 20),
        };
        let key = format!("user:{}:profile", word(number));
        match self.random.below(20) {
            0 => self.command(&[b"DEL", key.as_bytes()]),
            1 => self.command(&[b"PEXPIREAT", key.as_bytes(), b"4102444800000"]),
            _ => self.set(&key),
        }
    }

    fn of_braces(&mut self) {
        let number = SplitMix(self.random.below(1 << 22)).next() >> 20;
        let key = format!("session:{{{number:011x}}}");
        let data = self.json();
        self.command(&[b"HSET", key.as_bytes(), b"seen", b"1700000000", b"data", &data]);
        self.scratch = data;
        if self.random.below(2) == 0 {
            self.command(&[b"PEXPIREAT", key.as_bytes(), b"4102444800000"]);
        }
    }

    fn path(&mut self) -> String {
        let mut key = "cache:/srv".to_owned();
        for _ in 0..6 + self.random.below(24) {
            key.push('/');
            key.push_str(&word(self.random.skewed(12)));
        }
        let number = self.random.below(1 << 16);
        format!("{key}/page-{number}.html?language=pt&device=mobile")
    }

    fn wide(&mut self) {
        let count = 10 + self.random.below(191) as usize;
        let group = self.random.skewed(12);
        let (name, step): (&[u8], usize) = match self.random.below(3) {
            0 => (b"MSET", 2),
            1 => (b"HSET", 2),
            _ => (b"SADD", 1),
        };
        let mut words: Vec<Vec<u8>> = vec![name.to_vec()];
        let is_mset = name == b"MSET";
        if !is_mset {
            let kind = if step == 2 { "hash" } else { "set" };
            words.push(format!("wide:{kind}:{group}").into_bytes());
        }
        for n in 0..count {
            words.push(match is_mset {
                true => format!("wide:{group}:{n}").into_bytes(),
                false => format!("item-{}", self.random.below(1 << 20)).into_bytes(),
            });
            if step == 2 {
                words.push(self.json());
            }
        }
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        self.command(&words);
    }

    fn transaction(&mut self) {
        self.command(&[b"MULTI"]);
        for _ in 0..2 + self.random.below(3) {
            let number = self.random.skewed(16);
            match self.random.below(3) {
                0 => self.command(&[b"INCR", format!("counter:{number}").as_bytes()]),
                1 => self.command(&[b"SADD", b"members", format!("{number}").as_bytes()]),
                _ => self.set(&format!("account:{number}")),
            }
        }
        self.command(&[b"EXEC"]);
    }

    fn of_streams(&mut self) {
        let key = format!("events:{}", self.random.skewed(7));
        match self.random.below(50) {
            0 => self.command(&[b"XTRIM", key.as_bytes(), b"MAXLEN", b"10000"]),
            1 => {
                let id = format!("1700000000000-{}", 1 + self.random.below(self.stream_id + 1));
                self.command(&[b"XDEL", key.as_bytes(), id.as_bytes()]);
            }
            _ => {
                self.stream_id += 1;
                let id = format!("1700000000000-{}", self.stream_id);
                let data = self.json();
                let user = self.random.skewed(20).to_string();
                self.command(&[
                    b"XADD",
                    key.as_bytes(),
                    id.as_bytes(),
                    b"user",
                    user.as_bytes(),
                    b"data",
                    &data,
                ]);
                self.scratch = data;
            }
        }
    }

    fn look_alike(&mut self) {
        let key = format!("mail:{}", self.random.skewed(20));
        let len = self.value / 2 + self.random.below(self.value as u64 + 1) as usize;
        let mut value = Vec::with_capacity(len + 64);
        let is_random = self.random.below(4) == 0;
        while value.len() < len {
            match is_random {
                true => value.extend_from_slice(&self.random.next().to_le_bytes()),
                false => {
                    let inner = self.random.skewed(20);
                    let record = format!("*3\r\n$3\r\nSET\r\n$8\r\n{inner:08}\r\n$2\r\nhi\r\n");
                    value.extend_from_slice(record.as_bytes());
                }
            }
        }
        self.command(&[b"SET", key.as_bytes(), &value]);
    }
}

/// A name of five to nine letters: another one for another number.
fn word(number: u64) -> String {
    const SOUNDS: [&str; 16] = [
        "ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "ri", "so", "tu",
        "va",
    ];
    let mut word = String::new();
    let mut rest = number;
    for _ in 0..3 {
        word.push_str(SOUNDS[(rest & 15) as usize]);
        rest >>= 4;
    }
    while rest > 0 {
        word.push((b'a' + (rest % 26) as u8) as char);
        rest /= 26;
    }
    word
}
