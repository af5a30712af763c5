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

fn loads(server: &Server, data: &Path) -> bool {
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
            let aof = Aof::open(&set, &OpenOptions { target, conf: None }).unwrap();
            let last = aof.segments[aof.last_live().unwrap()].path.clone();
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
