//! Kills a program at its Nth call of a kind, for every kind that changes files and every N.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

/// System calls by which a program changes what others see. A file that was just made is there when the next of
/// them comes; opening and closing as such would mostly be the look at other processes, of which there are
/// more or fewer.
const CALLS: &[&str] = &[
    "write",
    "pwrite64",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "rmdir",
    "mkdir",
    "mkdirat",
    "link",
    "linkat",
    "fsync",
    "fdatasync",
    "ftruncate",
    "copy_file_range",
    "sendfile",
    "ioctl",
    "fchmod",
    "fchown",
    "utimensat",
    "flock",
];

/// Where a program is killed: a call and its how-many-eth.
#[derive(Clone, Debug)]
pub struct Place {
    pub call: String,
    pub nth: usize,
}

/// Whether programs can be traced here.
pub fn is_possible() -> bool {
    let run =
        Command::new("strace").args(["-o", "/dev/null", "true"]).stderr(Stdio::null()).status();
    run.is_ok_and(|status| status.success())
}

/// Every place where `words` can be killed on its way to success.
pub fn places(words: &[OsString]) -> Vec<Place> {
    let log = tempfile::NamedTempFile::new().expect("make a temporary file");
    let status = Command::new("strace")
        .args(["-f", "-qq", "-o"])
        .arg(log.path())
        .args(["-e", &format!("trace={}", CALLS.join(","))])
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("run strace");
    assert!(status.success(), "{words:?}: {status}");
    let text = std::fs::read_to_string(log.path()).expect("read what strace saw");
    let mut counts = BTreeMap::new();
    for line in text.lines() {
        let call = line.split_once(' ').map_or("", |(_, rest)| rest.trim_start());
        if let Some(call) = call.split('(').next().filter(|call| CALLS.contains(call)) {
            *counts.entry(call.to_owned()).or_insert(0) += 1;
        }
    }
    let each = |(call, count): (String, usize)| {
        (1..=count).map(move |nth| Place { call: call.clone(), nth })
    };
    counts.into_iter().flat_map(each).collect()
}

/// Runs `words` and kills it there. Answers whether it came to that.
pub fn kill_at(place: &Place, words: &[OsString], dir: &Path) -> bool {
    let status = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null"])
        .args(["-e", &format!("trace={}", place.call)])
        .args(["-e", &format!("inject={}:signal=KILL:when={}", place.call, place.nth)])
        .args(words)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("run strace");
    !status.success()
}
