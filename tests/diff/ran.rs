//! Runs of `aofkit diff`.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::schema;

/// How a run ended.
pub struct Run {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// Compares two sets.
pub fn diff(a: &str, b: &str, options: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
    command.args(["diff", a, b]).args(options).stdin(Stdio::null());
    let output = command.output().unwrap();
    Run {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The same in JSON, held against the schema, with this exit status.
pub fn told(a: &str, b: &str, options: &[&str], code: i32) -> Value {
    let all = [options, &["--json", "--top", "40000", "--fail-on-difference"]].concat();
    let run = diff(a, b, &all);
    assert_eq!(run.code, Some(code), "{}{}", run.out, run.err);
    let value = serde_json::from_str(&run.out).unwrap();
    // A reader of the text meets the name of the schema first, and the ends of a stretch behind its beginning.
    assert!(
        run.out.starts_with("{\n  \"schema\": \"aofkit.diff/1\",\n  \"tool_version\""),
        "{}",
        run.out
    );
    let document = include_str!("../../docs/schemas/diff.json");
    let faults = schema::faults(&serde_json::from_str(document).unwrap(), &value);
    assert!(faults.is_empty(), "{faults:?}");
    value
}

/// A path as text.
pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The keys of a table whose rows `fit`.
pub fn keys(rows: &Value, fit: impl Fn(&Value) -> bool) -> Vec<String> {
    let rows = rows.as_array().unwrap().iter().filter(|row| fit(row));
    let mut keys: Vec<_> = rows.map(|row| row["key"].as_str().unwrap().to_owned()).collect();
    keys.sort();
    keys
}
