//! How the log is written and read again.

use std::fs;
use std::path::Path;

use crate::cases::{Case, Given};
use crate::sets::{Args, by_conf, recorded, set_at};

const OFF: &str = "aof-use-rdb-preamble no";
const ON: &str = "aof-use-rdb-preamble yes";

pub const CASES: &[Case] = &[
    Case::lines("appendonly-off", "appendonly no", "appendonly YES"),
    Case::lines("no-persistence", "appendonly no\nsave \"\"", "appendonly no"),
    Case::lines("appendfsync", "appendfsync no", "appendfsync everysec"),
    Case::lines(
        "no-fsync-on-rewrite",
        "no-appendfsync-on-rewrite yes",
        "no-appendfsync-on-rewrite no",
    ),
    Case::lines("log-names", "appendfilename \"my log.aof\"", "appendfilename my-log.aof"),
    Case::lines("dump-named-as-log", "dbfilename appendonly.aof", "dbfilename \"\""),
    Case::lines("save-too-often", "save 3600 1\nsave 5 1", "save 1 1\nsave \"\"\nsave 3600 1"),
    Case::lines("load-truncated-off", "aof-load-truncated no", "aof-load-truncated yes"),
    Case {
        rule: "corrupt-tail-limit",
        breaks: Given::Made(|dir| Some(of_8_6(dir, "aof-load-corrupt-tail-max-size 4096"))),
        holds: Given::Made(|dir| Some(of_8_6(dir, "aof-load-corrupt-tail-max-size 0"))),
    },
    Case::lines("base-without-rdb", OFF, ON),
    Case {
        rule: "base-without-rdb-with-modules",
        breaks: Given::Made(|dir| Some(vectors(dir, OFF))),
        holds: Given::Made(|dir| Some(vectors(dir, ON))),
    },
    Case::lines("timestamps-off", "aof-timestamp-enabled no", "aof-timestamp-enabled yes"),
    Case::lines("rdbchecksum-off", "rdbchecksum no", "rdbchecksum yes"),
    Case::lines("history-kept", "aof-disable-auto-gc yes", "aof-disable-auto-gc no"),
    Case::lines(
        "rewrite-synced-at-once",
        "aof-rewrite-incremental-fsync no",
        "aof-rewrite-incremental-fsync yes",
    ),
    Case {
        rule: "set-unsound",
        breaks: Given::Made(|dir| {
            let set = set_at(dir, &["SET a 1"]);
            fs::write(set.join("appendonly.aof.1.incr.aof"), "*3\r\n$3\r\nSET\r\n$1").unwrap();
            Some(vec![set.into()])
        }),
        holds: Given::Made(|dir| Some(vec![set_at(dir, &["SET a 1"]).into()])),
    },
];

fn of_8_6(dir: &Path, lines: &str) -> Args {
    let mut args = by_conf(dir, lines);
    args.extend(["--target".into(), "redis-8.6".into()]);
    args
}

/// A set that holds a vector set, by these lines.
fn vectors(dir: &Path, lines: &str) -> Args {
    let set = recorded(dir, "redis-8.2.3/rdb-base");
    let log = set.join("appendonly.aof.2.incr.aof");
    let mut bytes = fs::read(&log).unwrap();
    bytes.extend(crate::sets::log(&["SELECT 0", "VADD v VALUES 2 1 2 a"]));
    fs::write(&log, bytes).unwrap();
    let mut args = by_conf(dir, &format!("appenddirname aof\n{lines}"));
    args.push(set.into());
    args
}
