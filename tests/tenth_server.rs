//! A further server is one more table: nothing of the program knows the servers by name.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use aofkit::aof::{Aof, OpenOptions};
use aofkit::check::{Check, Loads, Report, Verdict, Wording, judge};
use aofkit::command;
use aofkit::progress::Silent;
use aofkit::rules::{Knowledge, Target};
use aofkit::scan::{Pace, scan};

/// As `tests/servers/record --table` writes it.
const TABLE: &str = "\
server redis-9.8 9.8.7
manifest strict
annotations yes
arity refused
open-transaction cut
rdb-before-torn-command kept
allocation reserves
rdb redis 1-20
rdb valkey none
numbers redis 0-7,9-40,241-255
command\tMULTI\t1\ttransactions\t1.2.0\t-\t-
command\tEXEC\t1\ttransactions\t1.2.0\t-\t-
command\tSELECT\t2\tconnection\t1.0.0\t-\t-
command\tSET\t-3\tstring\t1.0.0\tdenyoom,write\tRW,update@1+0/1/0
command\tMELT\t3\tstring\t9.7.0\twrite\tRW,update@1+0/1/0
";

fn report(dir: &Path, target: Option<&str>) -> Report {
    let target = target.map(|name| name.parse().unwrap());
    let aof = Aof::open(dir, &OpenOptions { target, ..OpenOptions::default() }).unwrap();
    let facts = scan(&aof, Check::new(&aof), &Pace::default(), &Silent).unwrap();
    judge(&aof, facts, &Wording::default()).unwrap()
}

#[test]
fn a_made_up_server_is_judged_by_its_table_alone() {
    // Before anything else asks for a table; one test, one process.
    command::add_table(TABLE).unwrap();
    assert!(command::add_table(TABLE).is_err(), "tables are in use");
    let names: Vec<_> = Target::recorded().iter().map(ToString::to_string).collect();
    assert!(names.contains(&"redis-9.8".to_owned()), "{names:?}");

    let dir = tempfile::tempdir().unwrap();
    let melt = b"*3\r\n$4\r\nMELT\r\n$1\r\nk\r\n$1\r\n1\r\n";
    let rdb = [&b"REDIS0020\xfe\x00\x00\x01k\x01v\xff"[..], &[0; 8]].concat();
    fs::write(dir.path().join("a.1.base.rdb"), rdb).unwrap();
    fs::write(dir.path().join("a.1.incr.aof"), melt).unwrap();
    let manifest = "file a.1.base.rdb seq 1 type b\nfile a.1.incr.aof seq 1 type i\n";
    fs::write(dir.path().join("a.manifest"), manifest).unwrap();

    let own = report(dir.path(), None);
    assert_eq!(own.target.to_string(), "redis-9.8", "it alone knows MELT and that RDB");
    assert_eq!(own.target.knowledge, Knowledge::Recorded);
    assert_eq!((own.verdict, own.loads), (Verdict::Healthy, Loads::Yes), "{:?}", own.problems);
    let older = report(dir.path(), Some("redis-8.6"));
    assert_eq!((older.verdict, older.loads), (Verdict::Unsupported, Loads::No));
    let between = report(dir.path(), Some("redis-9.7"));
    assert_eq!(between.target.knowledge, Knowledge::Between);
    let unknown = |report: &Report| {
        report.problems.iter().any(|problem| problem.kind.as_str() == "unknown-command")
    };
    assert!(!unknown(&between) && unknown(&report(dir.path(), Some("redis-9.6"))));

    // Its own way with argument counts, and its keys.
    fs::write(dir.path().join("a.1.incr.aof"), b"*2\r\n$4\r\nMELT\r\n$1\r\nk\r\n").unwrap();
    assert_eq!(report(dir.path(), Some("redis-9.8")).loads, Loads::No);
    let bytes = melt.as_slice();
    let shape = aofkit::format::resp::record(bytes).unwrap();
    let record = aofkit::format::resp::Record::canonical(shape, bytes, 0);
    let key = command::first_key(command::lookup(b"melt").unwrap(), &record).unwrap();
    assert_eq!(key.head, b"k");
}
