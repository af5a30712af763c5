//! What the integration tests share: real servers, and ways to damage what they wrote.

// Each test file is a crate of its own and uses a part of this.
#![allow(dead_code)]

pub mod certificates;
pub mod fill;
pub mod kill;
pub mod live;
pub mod mutate;
pub mod processes;
pub mod recorded;
pub mod server;
pub mod small_disk;
pub mod spelled;
pub mod timed;
pub mod trace;
pub mod troubled;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The directory of recorded sets.
pub fn recorded_sets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/servers")
}

/// Copies a directory tree; `into` exists afterwards.
pub fn copy_tree(from: &Path, into: &Path) {
    fs::create_dir_all(into).expect("create the copy's directory");
    for entry in fs::read_dir(from).expect("list a directory") {
        let entry = entry.expect("read a directory entry");
        let target = into.join(entry.file_name());
        if entry.file_type().expect("tell files from directories").is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).expect("copy a file");
        }
    }
}

/// Puts a program there. Another process writes it: what a test starts meanwhile in this one would have the file
/// open for writing for a moment, and a program that is open for writing cannot be run.
pub fn put_program(path: &Path, bytes: &[u8]) {
    let mut shell = Command::new("sh");
    shell.args(["-c", "cat >\"$0\" && chmod 755 \"$0\""]).arg(path).stdin(Stdio::piped());
    let mut writer = shell.spawn().expect("start a shell");
    writer.stdin.take().expect("its input").write_all(bytes).expect("write a program");
    assert!(writer.wait().expect("wait for the shell").success(), "{}", path.display());
}

/// A number from the environment, or the default.
pub fn number_from_env(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")),
        Err(_) => default,
    }
}

/// Calls `work` for every index below `count` on all cores; results come back in order.
pub fn in_parallel<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let done = std::sync::Mutex::new(Vec::with_capacity(count));
    // Most of the work is to wait for servers and disks.
    let workers = 2 * std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if index >= count {
                        break;
                    }
                    let result = work(index);
                    done.lock().expect("no worker panicked").push((index, result));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("no worker panicked");
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}
