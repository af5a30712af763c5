//! Prometheus's own tool, which says whether it takes what was written.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Whether the tool is there; where not, that is said.
pub fn is_there() -> bool {
    let there = Command::new("promtool").arg("--version").output().is_ok();
    if !there {
        println!("did not run: no promtool");
    }
    there
}

/// Runs it. Panics with what it says where it is not content.
pub fn must(words: &[&str], dir: &Path, input: &str) -> String {
    let mut command = Command::new("promtool");
    command.args(words).current_dir(dir);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // It may end without reading all.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "{words:?}: {said}\n{input}");
    said
}

/// Whether it takes this for metrics, without any remark.
pub fn check_metrics(text: &str) {
    let said = must(&["check", "metrics"], Path::new("."), text);
    assert_eq!(said, "", "{text}");
}
