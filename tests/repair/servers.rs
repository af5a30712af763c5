//! Real servers load what was repaired for them, with exactly what was promised.

use std::fs;
use std::path::Path;

use aofkit::aof::{Aof, OpenOptions};
use aofkit::disk::LocalDisk;

use super::library::{apply, plan};
use super::support::live::Live;
use super::support::mutate::Random;
use super::support::server::{APPEND_DIR, SINGLE_FILE, Server};
use super::support::{copy_tree, number_from_env, recorded_sets};
use super::world::{Set, aofkit, finish, sets};

/// Keys and a digest of all of them.
fn contents(server: &Server, data: &Path) -> (u64, String) {
    let copy = tempfile::tempdir().unwrap();
    copy_tree(data, copy.path());
    let settings = [
        "--appendonly",
        "yes",
        "--appendfilename",
        SINGLE_FILE,
        "--appenddirname",
        APPEND_DIR,
        "--auto-aof-rewrite-percentage",
        "0",
        "--enable-debug-command",
        "yes",
        "--aof-load-truncated",
        "yes",
    ];
    let mut live = Live::start_with(server, copy.path(), &settings);
    while !live.must("INFO persistence").text().contains("\nloading:0") {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let digest = live.must("DEBUG DIGEST").text();
    let keys = live.must("INFO keyspace").text();
    let count =
        keys.split("keys=").skip(1).filter_map(|rest| rest.split(',').next()?.parse::<u64>().ok());
    (count.sum(), digest)
}

/// Recorded sets that this server loads as they are.
fn parents(server: &Server) -> Vec<std::path::PathBuf> {
    let below = |dir: std::path::PathBuf| fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
    let mut all: Vec<_> = below(recorded_sets()).flat_map(below).filter(|p| p.is_dir()).collect();
    all.sort();
    all.retain(|data| data.join(APPEND_DIR).is_dir() && loads(server, data));
    all
}

pub fn loads(server: &Server, data: &Path) -> bool {
    server.load(data).outcome == super::support::server::Outcome::Loaded
}

#[test]
fn a_repaired_set_is_loaded_with_what_the_server_itself_would_have_kept_or_more() {
    let names = ["redis-7.0", "redis-8.2", "valkey-9.1"];
    let Some(servers) = Server::find_all(&names) else {
        eprintln!("not run: real servers are missing (tests/servers/fetch)");
        return;
    };
    let per_server = number_from_env("AOFKIT_REPAIRS", 6);
    for server in &servers {
        let parents = parents(server);
        assert!(parents.len() >= 2, "{} loads hardly anything", server.name);
        for seed in 0..per_server {
            let mut random = Random::new(seed, 6);
            let parent = random.pick(&parents);
            let copy = tempfile::tempdir().unwrap();
            copy_tree(parent, copy.path());
            let set = copy.path().join(APPEND_DIR);
            let target = Some(server.name.parse().unwrap());
            let aof = Aof::open(&set, &OpenOptions { target, ..OpenOptions::default() }).unwrap();
            let last = aof.segments[aof.last_live().unwrap()].path();
            let whole = fs::read(&last).unwrap();
            let what = seed % 3;
            // Cut anywhere, or with something behind the end.
            let damaged = match what {
                0 if !whole.is_empty() => whole[..random.below(whole.len())].to_vec(),
                1 => [&whole[..], &[0; 700]].concat(),
                _ => [&whole[..], b"*3\r\n$3\r\nSET\r\n$5\r\nnever\r\n$9\r\nwr"].concat(),
            };
            fs::write(&last, &damaged).unwrap();
            fs::File::options()
                .write(true)
                .open(&last)
                .unwrap()
                .set_modified(std::time::UNIX_EPOCH)
                .unwrap();
            let at = format!("{} {} seed {seed}", server.name, parent.display());
            // What is there without what was torn: for a cut, as the server itself would take it.
            let wanted = match what {
                0 => contents(server, copy.path()),
                _ => contents(server, parent),
            };
            let plan = plan(&set);
            if let Err(e) = apply(&plan, &LocalDisk) {
                panic!("{at}: {e}");
            }
            assert!(loads(server, copy.path()) || damaged.is_empty(), "{at}: not loaded");
            assert_eq!(contents(server, copy.path()), wanted, "{at}");
        }
    }
}

#[test]
fn after_a_clean_shutdown_of_redis_8_a_torn_end_is_cut_in_place_and_the_old_end_offset_harms_nobody()
 {
    let names = ["redis-7.0", "redis-8.2", "valkey-9.1"];
    let Some(servers) = Server::find_all(&names) else {
        eprintln!("not run: real servers are missing (tests/servers/fetch)");
        return;
    };
    let from = tempfile::tempdir().unwrap();
    let settings = [
        ["--appendonly", "yes"],
        ["--appendfilename", SINGLE_FILE],
        ["--appenddirname", APPEND_DIR],
        ["--aof-use-rdb-preamble", "no"],
    ];
    let mut live = Live::start_with(&servers[1], from.path(), &settings.concat());
    for i in 0..50 {
        live.must(&format!("SET key:{i} value"));
    }
    live.shut_down();
    let set = from.path().join(APPEND_DIR);
    let manifest = set.join("appendonly.aof.manifest");
    let text = fs::read_to_string(&manifest).unwrap();
    assert!(text.contains(" endoffset "), "{text}");
    let log = set.join("appendonly.aof.1.incr.aof");
    let whole = fs::read(&log).unwrap();
    // A torn record behind what was whole, and a record that was whole and is torn.
    for (bytes, keys) in [
        ([&whole[..], b"*3\r\n$3\r\nSET\r\n$1"].concat(), 50),
        (whole[..whole.len() - 5].to_vec(), 49),
    ] {
        fs::write(&log, &bytes).unwrap();
        fs::File::options()
            .write(true)
            .open(&log)
            .unwrap()
            .set_modified(std::time::UNIX_EPOCH)
            .unwrap();
        let plan = plan(&set);
        assert!(matches!(plan.actions[..], [aofkit::change::Action::Cut { .. }]), "{plan:?}");
        apply(&plan, &LocalDisk).unwrap();
        assert_eq!(fs::read_to_string(&manifest).unwrap(), text);
        for server in &servers {
            assert_eq!(contents(server, from.path()).0, keys, "{}", server.name);
        }
        // It goes on writing, and loads that again.
        let copy = tempfile::tempdir().unwrap();
        copy_tree(from.path(), copy.path());
        let mut live = Live::start_with(&servers[1], copy.path(), &settings.concat());
        while !live.must("INFO persistence").text().contains("\nloading:0") {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let now = fs::read_to_string(copy.path().join(APPEND_DIR).join("appendonly.aof.manifest"));
        assert!(!now.unwrap().contains("endoffset"), "removed at the start");
        live.must("SET more value");
        live.shut_down();
        assert_eq!(contents(&servers[1], copy.path()).0, keys + 1);
    }
}

/// `repair --apply` of a set that a server at this socket may use.
fn asked(server_dir: &Path, set: &Path, more: &[&str]) -> super::world::Run {
    let url = format!("unix://{}", server_dir.join("s").display());
    finish(aofkit().args(["repair", "--apply", "--server", &url]).args(more).arg(set))
}

#[test]
fn a_server_that_answers_is_asked_whether_the_set_is_its_own() {
    if !cfg!(feature = "server") {
        eprintln!("not run: built without the feature `server`");
        return;
    }
    let Some(server) = Server::find("redis-8.2") else {
        eprintln!("not run: redis-8.2 is missing (tests/servers/fetch)");
        return;
    };
    let own = tempfile::tempdir().unwrap();
    let settings = ["--appendonly", "yes", "--appenddirname", APPEND_DIR];
    let mut live = Live::start_with(&server, own.path(), &settings);
    live.must("SET key value");
    let torn = [sets(5), b"*3\r\n$3".to_vec()].concat();
    let other = Set::of(&torn);
    // Its own set, behind which nobody holds the torn copy of the log open.
    let set = own.path().join(APPEND_DIR);
    let log = set.join("appendonly.aof.1.incr.aof");
    let whole = fs::read(&log).unwrap();
    fs::remove_file(&log).unwrap();
    fs::write(&log, [&whole[..], b"*3\r\n$3"].concat()).unwrap();
    let refused = asked(own.path(), &set, &[]).expect(11);
    assert!(refused.err.contains("this set is its own"), "{}", refused.err);
    assert_eq!(fs::read(&log).unwrap().len(), whole.len() + 6);
    // The plan alone asks nobody. The server still has the whole log open, which is gone from the directory.
    let url = format!("unix://{}", own.path().join("s").display());
    finish(aofkit().args(["repair", "--server", &url]).arg(&set)).expect(22);
    // A set elsewhere is no concern of that server.
    let done = asked(own.path(), &other.dir(), &[]).expect(0);
    assert!(done.err.contains("works in"), "{}", done.err);
    finish(aofkit().args(["repair", "--undo", "--apply"]).arg(other.dir())).expect(20);
    // Where it does not say where it works nobody knows.
    live.must("ACL SETUSER default -config");
    let refused = asked(own.path(), &other.dir(), &[]).expect(11);
    assert!(refused.err.contains("may be its own"), "{}", refused.err);
    asked(own.path(), &other.dir(), &["--force"]).expect(0);
    let undo = asked(own.path(), &other.dir(), &["--undo"]).expect(11);
    assert!(undo.err.contains("may be its own"), "{}", undo.err);
    live.shut_down();
    let done = asked(own.path(), &set, &[]).expect(0);
    assert!(done.err.contains("taken for stopped"), "{}", done.err);
    assert_eq!(fs::read(&log).unwrap(), whole);
}
