//! Runs of the program, and pages that it wrote.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A run of aofkit in a directory.
pub fn aofkit(dir: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_aofkit")).args(words).current_dir(dir).output().unwrap()
}

/// What a verb says in JSON of a set, however the set is.
pub fn told(dir: &Path, words: &[&str]) -> Value {
    let run = aofkit(dir, words);
    serde_json::from_slice(&run.stdout)
        .unwrap_or_else(|e| panic!("{words:?}: {e}: {}", String::from_utf8_lossy(&run.stderr)))
}

/// The page of these arguments.
pub fn page(dir: &Path, words: &[&str]) -> String {
    let file = dir.join("page.html");
    let run = aofkit(dir, &[&["report", "-o", "page.html"], words].concat());
    let errors = String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(0), "{words:?}: {errors}");
    fs::read_to_string(file).unwrap()
}

/// One record.
pub fn record(words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend(format!("${}\r\n", word.len()).bytes());
        bytes.extend(*word);
        bytes.extend(b"\r\n");
    }
    bytes
}

/// A set of one increment below `dir`.
pub fn set(dir: &Path, name: &str, log: &[u8]) -> PathBuf {
    let own = dir.join(name).join("appendonlydir");
    fs::create_dir_all(&own).unwrap();
    fs::write(own.join("appendonly.aof.1.base.aof"), b"").unwrap();
    fs::write(own.join("appendonly.aof.1.incr.aof"), log).unwrap();
    let manifest = "file appendonly.aof.1.base.aof seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n";
    fs::write(own.join("appendonly.aof.manifest"), manifest).unwrap();
    dir.join(name)
}

/// An hour of a shop: sessions, orders, a counter that is written again and again, and a FLUSHALL where one is wanted.
pub fn shop(commands: u64, has_flush: bool) -> Vec<u8> {
    let mut log = record(&[b"SELECT", b"0"]);
    for n in 0..commands {
        let at = 1_700_000_000 + n * 3600 / commands.max(1);
        log.extend(format!("#TS:{at}\r\n").bytes());
        let value = vec![b'v'; 40 + (n % 7) as usize * 30];
        let session = format!("session:{}", n % 400);
        let order = format!("order:{n}");
        log.extend(record(&[b"SET", session.as_bytes(), &value]));
        log.extend(record(&[b"HSET", order.as_bytes(), b"state", b"new"]));
        log.extend(record(&[b"INCR", b"visits"]));
        if n % 5 == 0 {
            log.extend(record(&[b"DEL", session.as_bytes()]));
        }
        if has_flush && n == commands / 2 {
            log.extend(record(&[b"FLUSHALL"]));
        }
    }
    log
}

/// Names of keys that want to be something else on a page.
pub const HOSTILE: [&[u8]; 6] = [
    b"<script>alert(1)</script>:1",
    b"\"><img src=http://example.invalid/x onerror=alert(1)>:2",
    b"</style><style>*{display:none}</style>:3",
    b"{{ version }}{% include \"page.html\" %}:4",
    b"\xff\xfe\x00\x1b[31m:5",
    "\u{202e}evil\u{2066}:6".as_bytes(),
];

/// A log that writes to them.
pub fn hostile() -> Vec<u8> {
    let mut log = record(&[b"SELECT", b"0"]);
    for (key, n) in HOSTILE.iter().zip(1..) {
        for _ in 0..n {
            log.extend(record(&[b"SET", key, b"<b>value</b>"]));
        }
    }
    let long = vec![b'<'; 5000];
    log.extend(record(&[b"SET", &long, b"1"]));
    log.extend(record(&[b"<script>", b"x"]));
    log
}
