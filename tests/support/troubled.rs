//! Real servers in states in which their log is not, or not yet, what they would load, or is not rewritten.

use std::path::Path;

use super::live::{Live, Reply};
use super::server::Server;
use super::small_disk::SmallDisk;

/// Settings of a server that keeps a log, and saves nothing for its size.
const ON: [&str; 8] = [
    "--appendonly",
    "yes",
    "--appendfsync",
    "everysec",
    "--rdbcompression",
    "no",
    "--auto-aof-rewrite-percentage",
    "0",
];

fn keeping_a_log(server: &Server, dir: &Path) -> Live {
    Live::start_with(server, dir, &ON)
}

/// Writes so many keys of a thousand bytes.
fn fill(live: &mut Live, keys: usize) {
    let command = |n| format!("*3\r\n$3\r\nSET\r\n$8\r\nkey:{n:04}\r\n$1000\r\n{n:01000}\r\n");
    let (replies, errors) = live.pipe((0..keys).map(command).collect::<String>().as_bytes());
    assert_eq!((replies, errors), (keys as u64, Vec::new()));
}

/// A server that takes most of a minute to load what lies in its directory, and answers meanwhile.
pub fn loading(server: &Server, dir: &Path) -> Live {
    let mut live = keeping_a_log(server, dir);
    fill(&mut live, 4000);
    live.must("BGREWRITEAOF");
    live.until_it_says("aof_rewrites:1");
    live.until_it_says("aof_rewrite_in_progress:0");
    live.shut_down();
    let slow = ["--key-load-delay", "10000", "--loading-process-events-interval-bytes", "1024"];
    Live::start_without_waiting(server, dir, &[&ON[..], &slow].concat())
}

/// A server on a full disk, whose last write to its log failed.
pub fn unwritable(server: &Server, disk: &SmallDisk) -> Live {
    let mut live = keeping_a_log(server, disk.path());
    live.must("SET a 1");
    disk.fill_but(0);
    let value = "v".repeat(1000);
    // The last page of its file has some room still.
    let refused =
        (0..100).any(|n| matches!(live.run(&format!("SET key:{n} {value}")), Reply::Error(_)));
    assert!(refused, "{}: a full disk takes a hundred keys", server.name);
    live.until_it_says("aof_last_write_status:err");
    live
}

/// A server whose disk has room for what is appended and none for a new base: two rewrites failed.
pub fn failing_to_rewrite(server: &Server, disk: &SmallDisk) -> Live {
    let mut live = keeping_a_log(server, disk.path());
    fill(&mut live, 1000);
    disk.fill_but(256 << 10);
    for failures in 1..=2 {
        live.must("BGREWRITEAOF");
        live.until_it_says(&format!("aof_rewrites_consecutive_failures:{failures}"));
    }
    live.must("SET after 2");
    live
}

/// A server whose log was switched off and on again, and that has not written its first base since: every key takes
/// its child 20 ms, so that two seconds remain.
pub fn switched_on_again(server: &Server, dir: &Path) -> Live {
    let mut live = switched_off(server, dir);
    live.must("CONFIG SET appendonly yes");
    live
}

/// The same, with the first rewrite waiting for the end of a save.
pub fn switched_on_during_a_save(server: &Server, dir: &Path) -> Live {
    let mut live = switched_off(server, dir);
    live.must("BGSAVE");
    live.must("CONFIG SET appendonly yes");
    live
}

/// A server that has a key more than its log, and whose children take their time.
fn switched_off(server: &Server, dir: &Path) -> Live {
    let mut live = keeping_a_log(server, dir);
    fill(&mut live, 100);
    live.must("CONFIG SET appendonly no");
    live.must("SET late 1");
    live.must("CONFIG SET rdb-key-save-delay 20000");
    live
}
