//! Fleets of small sets, and the binary run on them.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::schema::faults;
use super::support::spelled::record;

/// What a run of the binary left behind.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Run {
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// Standard output as JSON that fits the schema of the verb.
    pub fn json(&self, verb: &str) -> Value {
        let value = serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:#?}"));
        let schema =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/schemas/{verb}.json"));
        let schema = serde_json::from_str(&fs::read_to_string(schema).unwrap()).unwrap();
        let faults = faults(&schema, &value);
        assert!(faults.is_empty(), "{verb}: {faults:#?}");
        value
    }
}

/// The binary on a screen of 80 columns, with these words.
pub fn aofkit(dir: &Path, words: &str) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("AOFKIT_")) {
            command.env_remove(name);
        }
    }
    let output = command.args(words.split(' ')).current_dir(dir).env("COLUMNS", "80").output();
    let output = output.unwrap();
    Run {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Numbers from a seed.
pub struct Numbers(pub u64);

impl Numbers {
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// What a node's files hold.
pub struct Node {
    pub base: Vec<u8>,
    pub log: Vec<u8>,
}

impl Node {
    /// A usual one: users with sessions, some deletions.
    pub fn usual(numbers: &mut Numbers) -> Self {
        let mut base = record(&[b"SELECT", b"0"]);
        for user in 0..20 + numbers.below(4) {
            base.extend(set(&format!("user:{user}"), 40));
        }
        let mut log = record(&[b"SELECT", b"0"]);
        for _ in 0..30 + numbers.below(6) {
            let user = numbers.below(50);
            log.extend(match numbers.below(4) {
                0 => record(&[b"DEL", format!("session:{user}").as_bytes()]),
                1 => set(&format!("session:{user}"), 60),
                _ => set(&format!("user:{user}"), 40),
            });
        }
        Self { base, log }
    }

    /// Writes it as the data directory of a server.
    pub fn put(&self, dir: &Path) {
        let append = dir.join("appendonlydir");
        fs::create_dir_all(&append).unwrap();
        fs::write(append.join("appendonly.aof.1.base.aof"), &self.base).unwrap();
        fs::write(append.join("appendonly.aof.1.incr.aof"), &self.log).unwrap();
        let manifest = "file appendonly.aof.1.base.aof seq 1 type b\n\
                        file appendonly.aof.1.incr.aof seq 1 type i\n";
        fs::write(append.join("appendonly.aof.manifest"), manifest).unwrap();
    }
}

pub fn set(key: &str, value: usize) -> Vec<u8> {
    record(&[b"SET", key.as_bytes(), "v".repeat(value).as_bytes()])
}

/// A fleet of so many usual nodes, `node-001` and on.
pub fn fleet(dir: &Path, nodes: usize) {
    let mut numbers = Numbers(7);
    for n in 1..=nodes {
        Node::usual(&mut numbers).put(&dir.join(format!("node-{n:03}/data")));
    }
}

pub fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("no number: {value}"))
}

/// The sum of a member of all rows.
pub fn sum(rows: &Value, name: &str) -> u64 {
    rows.as_array().unwrap().iter().map(|row| number(&row[name])).sum()
}
