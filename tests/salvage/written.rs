//! Sets written by real servers that did a bit of everything, most of all what is hard to bring back: several
//! databases, transactions, commands that build on each other, values that look like logs.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::live::Live;
use crate::support::mutate::Random;
use crate::support::server::{APPEND_DIR, Server};
use crate::support::spelled::record;

/// A set that a server wrote, and the server.
pub struct Written {
    pub server: Server,
    _dir: tempfile::TempDir,
    /// The data directory.
    pub data: PathBuf,
}

impl Written {
    /// The append directory.
    pub fn set(&self) -> PathBuf {
        self.data.join(APPEND_DIR)
    }

    /// Names of the data files, base first.
    pub fn files(&self) -> Vec<String> {
        let manifest = fs::read_to_string(self.set().join("appendonly.aof.manifest")).unwrap();
        let names = manifest.lines().filter(|line| !line.contains(" type h"));
        names.map(|line| line.split(' ').nth(1).unwrap().to_owned()).collect()
    }

    pub fn bytes(&self, file: &str) -> Vec<u8> {
        fs::read(self.set().join(file)).unwrap()
    }

    /// Has `server` write a set of several increments, each of some `steps` steps.
    pub fn by(server: &Server, seed: u64, steps: usize, has_rdb_base: bool) -> Written {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("d");
        fs::create_dir(&data).unwrap();
        let preamble = if has_rdb_base { "yes" } else { "no" };
        let start = || persistent(server, &data, &["--aof-use-rdb-preamble", preamble]);
        let mut random = Random::new(seed, 1);
        let mut live = start();
        work(&mut live, &mut random, steps);
        live.must("BGREWRITEAOF");
        while !live.must("INFO persistence").text().contains("aof_rewrite_in_progress:0") {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        work(&mut live, &mut random, steps);
        // A rewrite that never ends leaves another increment behind.
        live.must("CONFIG SET rdb-key-save-delay 10000000");
        live.must("BGREWRITEAOF");
        work(&mut live, &mut random, steps / 2);
        live.shut_down();
        let mut live = start();
        work(&mut live, &mut random, steps);
        live.shut_down();
        Written { server: server.clone(), _dir: dir, data }
    }
}

/// A server that appends to a set in `data`.
pub fn persistent(server: &Server, data: &Path, more: &[&str]) -> Live {
    let fixed = [
        "--appendonly",
        "yes",
        "--appendfilename",
        "appendonly.aof",
        "--appenddirname",
        APPEND_DIR,
    ];
    let calm =
        ["--auto-aof-rewrite-percentage", "0", "--appendfsync", "no", "--aof-load-truncated", "no"];
    let mut live = Live::start_with(server, data, &[&fixed[..], &calm, more].concat());
    while live.run("PING").text().contains("LOADING") {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    live
}

/// Writes this many times.
pub fn work(live: &mut Live, random: &mut Random, steps: usize) {
    let mut inner = Vec::new();
    for i in 0..12 {
        inner.extend(record(&[b"SET", format!("inner:{i}").as_bytes(), b"look-alike"]));
    }
    live.must("SELECT 0");
    for step in 0..steps {
        let user = random.below(60);
        match random.below(22) {
            0 => {
                let db = [0, 0, 1, 5][random.below(4)];
                live.must(&format!("SELECT {db}"));
            }
            1 | 2 => {
                live.must("MULTI");
                for _ in 0..1 + random.below(4) {
                    live.run(&format!("INCRBY balance:{} {}", random.below(20), random.below(100)));
                }
                live.must(&format!("RPUSH ledger:{user} t{step}"));
                live.must("EXEC");
            }
            3 | 4 => drop(live.must(&format!("INCR hits:{user}"))),
            5 | 6 => drop(live.must(&format!("LPUSH queue:{} job{step}", random.below(5)))),
            7 => drop(live.must(&format!("APPEND log:{} line{step};", random.below(5)))),
            8 => drop(live.must(&format!("SADD tags:{user} t{} t{}", step % 7, step % 11))),
            9 => drop(live.must(&format!("ZADD rank {} user:{user}", random.below(1000)))),
            10 | 11 => drop(live.must(&format!("HSET user:{user} name n{step} age {}", step % 90))),
            12 => drop(live.must(&format!("DEL user:{user}"))),
            13 => drop(live.must(&format!("EXPIREAT user:{user} 4102444800"))),
            14 => {
                let from = random.below(6) * 20;
                let value = [&inner[from..], b"rest".get(..random.below(5)).unwrap()].concat();
                live.call(&[b"SET", format!("backup:{user}").as_bytes(), &value]);
            }
            15 => {
                let value: Vec<u8> = (0..random.below(300)).map(|_| random.next() as u8).collect();
                live.call(&[b"SET", format!("blob:{user}").as_bytes(), &value]);
            }
            16 => {
                live.call(&[b"HSET", b"pages", format!("p{user}").as_bytes(), &inner, b"n", b"1"]);
            }
            17 => drop(live.must(&format!("LPOP queue:{}", random.below(5)))),
            _ => drop(live.must(&format!("SET session:{} value-{step}", random.below(200)))),
        }
    }
}
