//! The audit as a script asks for it.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::process::Command;

use serde_json::Value;

/// What a run printed, and how it ended.
pub struct Answer {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// `aofkit audit` with these arguments.
pub fn audit<S: AsRef<OsStr>>(args: &[S]) -> Answer {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
    let output = command.arg("audit").args(args).output().unwrap();
    Answer {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The same with `--json`.
pub fn report<S: AsRef<OsStr>>(args: &[S]) -> Value {
    let args: Vec<_> = args.iter().map(AsRef::as_ref).chain([OsStr::new("--json")]).collect();
    let answer = audit(&args);
    assert_eq!(answer.code, 0, "{}{}", answer.err, answer.out);
    serde_json::from_str(&answer.out).unwrap()
}

/// The findings of a report.
pub fn findings(report: &Value) -> &[Value] {
    report["findings"].as_array().unwrap()
}

/// The numbers of the rules that are broken.
pub fn broken(report: &Value) -> BTreeSet<String> {
    findings(report).iter().map(|one| one["rule"].as_str().unwrap().to_owned()).collect()
}
