//! `backup --server` beside real servers whose log is not, or not yet, what they would load, or that do not say so:
//! refused with the reason, and nothing is published.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use super::beside::{Beside, Run, ended, finish, run, servers, strs};
use super::support::live::Live;
use super::support::server::Server;
use super::support::small_disk::SmallDisk;
use super::support::troubled;

/// A log that is written to at once.
const ON: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];

impl Beside {
    fn assert_refused(&self, data: &Path, why: &str) {
        self.assert_is_refusal(&run(&strs(&self.words(data))), why);
    }

    fn assert_is_refusal(&self, made: &Run, why: &str) {
        assert_eq!(made.code, Some(1), "{why}: {}", made.err);
        assert!(made.err.contains(why), "{why}: {}", made.err);
        let listed = run(&["snapshots", "--json", "--repo", self.repo().to_str().unwrap()]);
        let published = listed.json["snapshots"].as_array().map_or(0, Vec::len);
        assert_eq!(
            (published, listed.code == Some(0) || !self.repo().exists()),
            (0, true),
            "{why}"
        );
    }

    /// A backup succeeds, and this server reads this number as `key` from what it restores.
    fn assert_taken(&self, server: &Server, data: &Path, key: &str, number: u64) {
        let made = run(&strs(&self.words(data)));
        assert_eq!(made.code, Some(0), "{}: {}", server.name, made.err);
        let (latest, to) =
            (format!("{}::latest", self.repo().display()), self.repo().join("../run"));
        fs::create_dir(&to).unwrap();
        let set = to.join("appendonlydir");
        let back = run(&["restore", &latest, set.to_str().unwrap()]);
        assert_eq!(back.code, Some(0), "{}: {}", server.name, back.err);
        let mut live = Live::start_with(server, &to, &ON);
        assert_eq!(live.must(&format!("GET {key}")).number(), number, "{}", server.name);
    }
}

/// A port that was free a moment ago.
fn free_port() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string()
}

/// Directories of two servers.
fn two_in(place: &Beside, names: [&str; 2]) -> [PathBuf; 2] {
    names.map(|name| {
        let dir = place.data.path().join(name);
        fs::create_dir(&dir).unwrap();
        dir
    })
}

fn until_rewritten(live: &mut Live) {
    live.until_it_says("aof_rewrite_scheduled:0");
    live.until_it_says("aof_rewrite_in_progress:0");
}

#[test]
fn a_server_that_keeps_no_log_now() {
    for server in servers() {
        let place = Beside::new();
        let mut live = Live::start_with(&server, place.data.path(), &ON);
        live.must("SET a 1");
        live.must("CONFIG SET appendonly no");
        place.assert_refused(place.data.path(), "keeps no log now");
    }
}

#[test]
fn a_server_that_is_gone_or_was_never_there() {
    for server in servers() {
        let place = Beside::new();
        drop(Live::start_with(&server, place.data.path(), &ON));
        place.assert_refused(place.data.path(), "no connection to the server");
    }
}

#[test]
fn a_server_that_loads() {
    for server in servers() {
        let place = Beside::new();
        let _live = troubled::loading(&server, place.data.path());
        place.assert_refused(place.data.path(), "is still loading");
    }
}

#[test]
fn a_server_that_cannot_write_to_its_log() {
    for server in servers() {
        let place = Beside::new();
        let disk = place.data.path().join("disk");
        let Some(disk) = SmallDisk::at(&disk, "size=2m") else { return };
        let mut live = troubled::unwritable(&server, &disk);
        place.assert_refused(disk.path(), "last write to its log failed");
        disk.empty();
        live.until_it_says("aof_last_write_status:ok");
        place.assert_taken(&server, disk.path(), "a", 1);
    }
}

#[test]
fn a_rewrite_that_failed_is_no_obstacle() {
    for server in servers() {
        let place = Beside::new();
        let disk = place.data.path().join("disk");
        let Some(disk) = SmallDisk::at(&disk, "size=4m") else { return };
        let _live = troubled::failing_to_rewrite(&server, &disk);
        place.assert_taken(&server, disk.path(), "after", 2);
    }
}

#[test]
fn a_first_rewrite_that_is_under_way() {
    for server in servers() {
        let place = Beside::new();
        let mut live = troubled::switched_on_again(&server, place.data.path());
        place.assert_refused(place.data.path(), "first rewrite");
        live.until_it_says("aof_rewrite_in_progress:0");
        place.assert_taken(&server, place.data.path(), "late", 1);
    }
}

/// While another child runs, a server whose log was switched on again has only a rewrite scheduled, writes nothing
/// anywhere, and says so nowhere. The old log was once taken for its own then, without a word.
#[test]
fn a_first_rewrite_that_waits_for_a_save() {
    for server in servers() {
        let place = Beside::new();
        let mut live = troubled::switched_on_during_a_save(&server, place.data.path());
        place.assert_refused(place.data.path(), "a rewrite waits on the server");
        live.until_it_says("rdb_bgsave_in_progress:0");
        until_rewritten(&mut live);
        place.assert_taken(&server, place.data.path(), "late", 1);
    }
}

#[test]
fn any_other_rewrite_that_waits_for_a_save_is_no_obstacle() {
    for server in servers() {
        let place = Beside::new();
        let mut live = Live::start_with(&server, place.data.path(), &ON);
        (0..100).for_each(|n| drop(live.must(&format!("SET key:{n} {n}"))));
        live.must("CONFIG SET rdb-key-save-delay 20000");
        live.must("BGSAVE");
        live.must("BGREWRITEAOF");
        live.until_it_says("aof_rewrite_scheduled:1");
        place.assert_taken(&server, place.data.path(), "key:99", 99);
    }
}

/// A server with a hundred keys that others copy, and its port. Every key takes its child 20 ms.
fn slow_primary(server: &Server, dir: &Path) -> (Live, String) {
    let port = free_port();
    let settings = ["--port", &port, "--repl-diskless-sync-delay", "0"];
    let mut live = Live::start_with(server, dir, &settings);
    (0..100).for_each(|n| drop(live.must(&format!("SET key:{n} {n}"))));
    live.must("CONFIG SET rdb-key-save-delay 20000");
    (live, port)
}

#[test]
fn a_replica_without_its_primary_and_one_that_takes_over_a_copy() {
    for server in servers() {
        let place = Beside::new();
        let [at, data] = two_in(&place, ["primary", "replica"]);
        let mut live = Live::start_with(&server, &data, &ON);
        live.must("SET a 1");
        live.must("REPLICAOF 127.0.0.1 1");
        place.assert_refused(&data, "has lost its primary");
        let (_primary, port) = slow_primary(&server, &at);
        live.must(&format!("REPLICAOF 127.0.0.1 {port}"));
        live.until_it_says("master_sync_in_progress:1");
        place.assert_refused(&data, "taking over a copy of its primary");
        live.until_it_says("master_link_status:up");
        until_rewritten(&mut live);
        place.assert_taken(&server, &data, "key:99", 99);
    }
}

/// A backup that takes seconds; `happens` when it has the server's answer and reads the files.
fn slow_backup(place: &Beside, data: &Path, happens: impl FnOnce()) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
    command.args(place.words(data)).args(["--limit-rate", "1mb"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let handles = format!("/proc/{}/fd", child.id());
    let is_reading = (0..1000).any(|_| {
        thread::sleep(Duration::from_millis(10));
        let links = fs::read_dir(&handles).unwrap().flatten();
        let mut paths = links.filter_map(|link| fs::read_link(link.path()).ok());
        paths.any(|path| path.to_string_lossy().ends_with(".incr.aof"))
    });
    // It asks the server as soon as it has opened them, and reads for seconds.
    thread::sleep(Duration::from_millis(250));
    happens();
    let run = ended(child.wait_with_output().unwrap());
    assert!(is_reading, "it opened no file: {}", run.err);
    run
}

#[test]
fn a_server_that_became_unfit_while_its_files_were_read() {
    // Nothing that a base could keep in fewer bytes.
    let digit = |n: u32| char::from(b'!' + (n.wrapping_mul(2_654_435_761) >> 16) as u8 % 90);
    let value: String = (0..30_000).map(digit).collect();
    for server in servers() {
        let place = Beside::new();
        let [at, data] = two_in(&place, ["primary", "replica"]);
        let mut live = Live::start_with(&server, &data, &ON);
        (0..100).for_each(|n| drop(live.must(&format!("SET key:{n} {value}"))));
        let off = || drop(live.must("CONFIG SET appendonly no"));
        let made = slow_backup(&place, &data, off);
        place.assert_is_refusal(&made, "keeps no log now (appendonly no): what lies here is from before; nothing was published");
        live.must("CONFIG SET appendonly yes");
        let (mut primary, port) = slow_primary(&server, &at);
        primary.must("CONFIG SET rdb-key-save-delay 0");
        (0..100).for_each(|n| drop(primary.must(&format!("SET key:{n} {value}"))));
        live.must(&format!("REPLICAOF 127.0.0.1 {port}"));
        live.until_it_says("master_link_status:up");
        until_rewritten(&mut live);
        let promoted = || drop(live.must("REPLICAOF NO ONE"));
        let made = slow_backup(&place, &data, promoted);
        place.assert_is_refusal(&made, "changed its role meanwhile; nothing was published");
    }
}

#[test]
fn another_servers_log_is_told_and_taken() {
    for server in servers() {
        let place = Beside::new();
        let [ours, theirs] = two_in(&place, ["ours", "theirs"]);
        let mut live = Live::start_with(&server, &ours, &ON);
        let _other = Live::start_with(&server, &theirs, &ON);
        live.must("SET a 1");
        let mut words = place.words(&theirs);
        *words.last_mut().unwrap() = ours.to_str().unwrap().to_owned();
        let for_scripts = run(&strs(&words)).json;
        let log = for_scripts["log_elsewhere"].as_str().unwrap();
        assert!(Path::new(log).starts_with(&theirs), "{}: {log}", server.name);
        // Notes are for people.
        words.retain(|word| word != "--json");
        let made = run(&strs(&words));
        assert_eq!(made.code, Some(0), "{}: {}", server.name, made.err);
        let says = format!("the server says that its log is {}", theirs.display());
        assert!(made.err.contains(&says), "{}: {}", server.name, made.err);
    }
}

#[test]
fn a_server_that_does_not_let_this_client_in_or_lets_it_ask_little() {
    for server in servers() {
        let place = Beside::new();
        let data = place.data.path();
        let users = ["--user", "ann", "on", ">secret", "+info"];
        let locked = [&ON[..], &["--requirepass", "secret"], &users].concat();
        let mut live = Live::start_with(&server, data, &locked);
        live.must("AUTH secret");
        live.must("SET a 1");
        let ask = |user: &str, password: &str| {
            let mut words = place.words(data);
            words[2] = format!("{}{user}", words[2]);
            let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
            finish(command.args(words).env("AOFKIT_SERVER_PASSWORD", password))
        };
        place.assert_is_refusal(&ask("", ""), "wants a password");
        place.assert_is_refusal(&ask("", "wrong"), "does not let this client in");
        place.assert_is_refusal(&ask("?user=bob", "secret"), "does not let this client in");
        live.must("ACL SETUSER ann -info +config");
        place.assert_is_refusal(&ask("?user=ann", "secret"), "may not ask INFO");
        // Without the settings it cannot tell where its log is, and nothing else is missing.
        live.must("ACL SETUSER ann +info -config");
        let made = ask("?user=ann", "secret");
        assert_eq!(made.code, Some(0), "{}: {}", server.name, made.err);
    }
}
