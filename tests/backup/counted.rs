//! The number of keys that a backup tells, beside what a server says that it holds.

use super::home::Home;
use super::support::live::Live;
use super::support::server::Server;
use aofkit::aof::OpenOptions;
use aofkit::backup::{BackupOptions, backup};
use aofkit::progress::Silent;

/// Keys are made, overwritten, renamed, let expire, taken away and flushed, in two databases, with rewrites in between.
#[test]
fn a_backup_counts_the_keys_that_a_server_holds() {
    for name in ["redis-7.0", "redis-8.2", "valkey-9.1"] {
        let Some(server) = Server::find(name) else {
            println!("no {name}: nothing was counted");
            continue;
        };
        let home = Home::new();
        let data = home.root.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let mut live =
            Live::start_with(&server, &data, &["--appendonly", "yes", "--appendfsync", "always"]);
        for round in 0..6_u64 {
            for n in 0..60 {
                let at = round * 40 + n;
                live.must(&format!("SET a:{at} {n}"));
                live.must(&format!("HSET h:{} f {n}", at / 3));
                match n % 6 {
                    0 => drop(live.must(&format!("DEL a:{}", at / 2))),
                    1 => drop(live.run(&format!("RENAME a:{at} r:{at}"))),
                    2 => drop(live.must(&format!("SET a:{at} {n} PX 1"))),
                    3 => drop(live.must(&format!("PEXPIRE a:{at} 3600000"))),
                    4 => drop(live.must(&format!("INCR n:{at}"))),
                    _ => drop(live.must(&format!("EXPIRE h:{} 3600", at / 3))),
                }
            }
            match round {
                2 => drop(live.must("SELECT 1")),
                3 => drop(live.must("FLUSHDB")),
                4 => drop(live.must("SWAPDB 0 1")),
                _ => {}
            }
            if round % 2 == 1 {
                live.must("BGREWRITEAOF");
                while live.must("INFO persistence").text().contains("aof_rewrite_in_progress:1") {}
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
            let made = backup(
                &data,
                &OpenOptions::default(),
                &home.repository(),
                &BackupOptions::default(),
                &Silent,
            );
            let counted = made.unwrap().entry.keys.expect("everything was followed");
            let mut held = 0;
            for db in [0, 1] {
                live.must(&format!("SELECT {db}"));
                // DBSIZE counts keys that have expired until a server meets them.
                held += live.must("KEYS *").list().len() as u64;
            }
            live.must(&format!("SELECT {}", u64::from(round >= 2)));
            assert_eq!(
                (counted.alive, counted.is_estimate()),
                (held, false),
                "{name}, round {round}"
            );
        }
    }
}
