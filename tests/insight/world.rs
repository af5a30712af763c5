//! Logs of a test's own, and the program run on them.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// One record, as a server writes it.
pub fn record(words: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend(format!("${}\r\n{word}\r\n", word.len()).into_bytes());
    }
    bytes
}

/// An annotation that tells the time.
pub fn told(seconds: i64) -> Vec<u8> {
    format!("#TS:{seconds}\r\n").into_bytes()
}

/// A set of a base of commands and one increment.
pub fn set(base: &[u8], increment: &[u8]) -> TempDir {
    let dir = TempDir::new().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(dir.path().join(name), bytes).unwrap();
    write("appendonly.aof.1.base.aof", base);
    write("appendonly.aof.1.incr.aof", increment);
    let manifest = b"file appendonly.aof.1.base.aof seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n";
    write("appendonly.aof.manifest", manifest);
    dir
}

/// What the program prints, as it is.
pub fn text(words: &[&str], path: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
    command.env("COLUMNS", "80").args(words).arg(path);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What the program answers, which its schema describes.
pub fn json(words: &[&str], path: &Path) -> Value {
    let words: Vec<&str> = words.iter().copied().chain(["--json"]).collect();
    let answer: Value = serde_json::from_str(&text(&words, path)).unwrap();
    let of_verb = fs::read(format!("docs/schemas/{}.json", words[0])).unwrap();
    let faults = super::schema::faults(&serde_json::from_slice(&of_verb).unwrap(), &answer);
    assert!(faults.is_empty(), "{faults:#?}");
    answer
}

/// The row with this name.
pub fn row<'v>(rows: &'v Value, field: &str, name: &str) -> &'v Value {
    let found = rows.as_array().unwrap().iter().find(|row| row[field] == name);
    found.unwrap_or_else(|| panic!("no {name} in {rows:#}"))
}

/// The sum of a field of rows.
pub fn sum(rows: &Value, field: &str) -> u64 {
    rows.as_array().unwrap().iter().map(|row| row[field].as_u64().unwrap()).sum()
}
