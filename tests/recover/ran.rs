//! The verb as it is run, and what it answered.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

pub struct Run {
    pub code: i32,
    pub out: Vec<u8>,
    pub err: String,
}

impl Run {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.out).into_owned()
    }

    pub fn json(&self) -> Value {
        let value = serde_json::from_slice(&self.out)
            .unwrap_or_else(|e| panic!("{e}: {}{}", self.text(), self.err));
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schemas/recover.json");
        let schema = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(crate::schema::faults(&schema, &value), Vec::<String>::new(), "{}", self.text());
        value
    }
}

pub fn command<S: AsRef<OsStr>>(words: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("AOFKIT_")) {
            command.env_remove(name);
        }
    }
    command.args(words).stdin(Stdio::null());
    command
}

pub fn ran(mut command: Command) -> Run {
    let output = command.output().unwrap();
    Run {
        code: output.status.code().unwrap_or(-1),
        out: output.stdout,
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

pub fn aofkit<S: AsRef<OsStr>>(words: &[S]) -> Run {
    ran(command(words))
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub fn record(words: &[&str]) -> String {
    let head = format!("*{}\r\n", words.len());
    head + &words.iter().map(|w| format!("${}\r\n{w}\r\n", w.len())).collect::<String>()
}
