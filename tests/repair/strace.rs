//! Kills the program at its Nth call of a kind, for every kind that changes files and every N; or sends it a signal
//! there, or has the call fail.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

/// System calls by which a program changes what others see. A file that was just made is there when the next of
/// them comes; opening and closing as such would mostly be the look at other processes, of which there are
/// more or fewer. A kill between two of them leaves the same as a kill at the second, so that all of them are all
/// states a kill can leave behind.
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

/// Only the calls asked for stop the program.
const OPTIONS: [&str; 3] = ["-f", "-qq", "--seccomp-bpf"];

/// Where a program is killed: a call and its how-many-eth.
#[derive(Clone, Debug)]
pub struct Place {
    pub call: String,
    pub nth: usize,
}

/// Whether programs can be traced here.
pub fn is_possible() -> bool {
    let run = Command::new("strace")
        .args(OPTIONS)
        .args(["-o", "/dev/null", "true"])
        .stderr(Stdio::null())
        .status();
    run.is_ok_and(|status| status.success())
}

/// Every place where `words` can be killed on its way to success.
pub fn places(words: &[OsString]) -> Vec<Place> {
    let log = tempfile::NamedTempFile::new().expect("make a temporary file");
    let status = Command::new("strace")
        .args(OPTIONS)
        .arg("-o")
        .arg(log.path())
        .args(["-e", &format!("trace={}", CALLS.join(","))])
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("run strace");
    // Neither killed nor failed; a verdict is no failure.
    assert!(status.code().is_some_and(|code| code != 1 && code != 2), "{words:?}: {status}");
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
    let inject = format!("{}:signal=KILL:when={}", place.call, place.nth);
    // strace ends as the program did that it ran.
    with_injected(&inject, words, dir).code().is_none()
}

/// Runs `words` with something injected into its calls, as in `fsync:error=EIO:when=2+`.
pub fn with_injected(what: &str, words: &[OsString], dir: &Path) -> ExitStatus {
    let call = what.split(':').next().unwrap_or(what);
    // With a filter no signal is ever sent (strace 6.1).
    let options = if what.contains("signal") { &OPTIONS[..2] } else { &OPTIONS[..] };
    Command::new("strace")
        .args(options)
        .args(["-o", "/dev/null", "-e", &format!("trace={call}"), "-e", &format!("inject={what}")])
        .args(words)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("run strace")
}
