//! `status` beside running servers.

use std::fs;

use super::support::live::Live;
use super::support::server::Server;
use super::world::*;

const SERVERS: [&str; 3] = ["redis-7.0", "redis-8.6", "valkey-9.1"];

#[test]
fn what_the_server_of_a_set_says_stands_in_its_row_and_in_no_other() {
    for name in SERVERS {
        let Some(server) = Server::find(name) else {
            eprintln!("{name} is not there: skipped");
            continue;
        };
        let dir = tempfile::tempdir().unwrap();
        fleet(dir.path(), 3);
        let own = dir.path().join("own");
        fs::create_dir(&own).unwrap();
        let mut live = Live::start_with(&server, &own, &["--appendonly", "yes"]);
        for n in 0..50 {
            live.must(&format!("SET key:{n} value"));
        }
        live.until_it_says("aof_rewrite_in_progress:0");
        let url = format!("unix://{}", own.join("s").display());
        let run = aofkit(dir.path(), &format!("status --server {url} ."));
        assert!(run.code == 0, "{name}: {run:#?}");
        let text = run.out.replace("\n  ", " ");
        assert!(
            text.contains("own: server at") && text.contains("last write ok"),
            "{name}: {}",
            run.out
        );
        let told = aofkit(dir.path(), &format!("status --json --server {url} .")).json("status");
        for set in told["sets"].as_array().unwrap() {
            let is_own = set["name"] == "own";
            assert_eq!(set["server"].is_object(), is_own, "{name}: {set}");
            if is_own {
                assert_eq!(set["server"]["role"], "primary", "{name}");
                assert_eq!(set["server"]["write_last_ok"], true, "{name}");
                assert_eq!(set["trigger"]["source"], "server", "{name}");
                assert_eq!(number(&set["commands"]), 51, "{name}: SELECT and the SETs");
            }
        }
        // A server that has none of the sets is told of, and stands in no row.
        let run = aofkit(dir.path(), &format!("status --server {url} node-001"));
        assert!(run.err.contains("of none of these sets"), "{name}: {run:#?}");
        live.shut_down();
        aofkit(dir.path(), &format!("status --server {url} .")).expect(1);
    }
}
