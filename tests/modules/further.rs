//! A further module is one more section of a table: nothing of the program knows the modules by name.

use std::fs;
use std::path::Path;

use aofkit::aof::{Aof, OpenOptions};
use aofkit::check::{Check, Loads, Report, Verdict, Wording, judge};
use aofkit::command;
use aofkit::progress::Silent;
use aofkit::rules::{By, Modules};
use aofkit::scan::{Pace, scan};

/// As `tests/servers/record --modules` writes it.
const TABLE: &str = "\
module melting 10203 redis-8.2 8.2.3
file melt.so
type melting-1 2
aux melting-x 0
dies MELT.DOWN
command\tMELT.SET\t-3\tmodule\t-\tmodule,write\tRW,update@2+0/1/0
command\tMELT.DOWN\t2\tmodule\t-\tmodule,write\tRW,update@1+0/1/0
";

fn record(words: &[&str]) -> Vec<u8> {
    let mut record = format!("*{}\r\n", words.len());
    words.iter().for_each(|word| record += &format!("${}\r\n{word}\r\n", word.len()));
    record.into_bytes()
}

/// A number of an RDB in 64 bits.
fn long(number: u64) -> Vec<u8> {
    [&[0x81][..], &number.to_be_bytes()].concat()
}

/// The name of a type of values, with a version, as a number.
fn identifier(name: &str, version: u64) -> u64 {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let place = |c: u8| ALPHABET.iter().position(|known| *known == c).unwrap() as u64;
    name.bytes().fold(0, |number, c| number << 6 | place(c)) << 10 | version
}

/// A base of Redis 8.2 with a value of such a type, in this version, and something that is kept beside keys.
fn base(version: u64) -> Vec<u8> {
    let value = [&[7, 1, b'k'][..], &long(identifier("melting-1", version)), &[2, 5, 0]].concat();
    let beside = [&[0xf7][..], &long(identifier("melting-x", 0)), &[2, 1, 0]].concat();
    let head = b"REDIS0012\xfa\x09redis-ver\x058.2.3";
    [&head[..], &beside, &[0xfe, 0], &value, &[0xff], &[0; 8]].concat()
}

fn put(dir: &Path, base: &[u8], log: &[u8]) {
    fs::write(dir.join("a.1.base.rdb"), base).unwrap();
    fs::write(dir.join("a.1.incr.aof"), log).unwrap();
    let manifest = "file a.1.base.rdb seq 1 type b\nfile a.1.incr.aof seq 1 type i\n";
    fs::write(dir.join("a.manifest"), manifest).unwrap();
}

/// What `check` says by a list of modules; `None`: nobody names any.
fn report(dir: &Path, target: &str, list: Option<&str>) -> Report {
    let named = |list: &str| list.split(',').map(str::to_owned).collect::<Vec<_>>();
    let modules = list.map(|list| Modules::complete(named(list), By::Option)).unwrap_or_default();
    let target = Some(target.parse().unwrap());
    let options = OpenOptions { target, modules, ..OpenOptions::default() };
    let aof = Aof::open(dir, &options).unwrap();
    let facts = scan(&aof, Check::new(&aof), &Pace::default(), &Silent).unwrap();
    judge(&aof, facts, &Wording::default()).unwrap()
}

fn said(report: &Report) -> (Verdict, Loads) {
    (report.verdict, report.loads)
}

#[test]
fn a_made_up_module_is_judged_by_its_table_alone() {
    // Before anything else asks for a table; one test, one process.
    command::add_table(TABLE).unwrap();
    assert_eq!(command::module_named("melt").unwrap().name(), "melting", "by its library");
    assert_eq!(command::module_of_kind("melting-x").unwrap().name(), "melting");

    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), &base(2), &record(&["MELT.SET", "x", "k"]));
    let healthy = (Verdict::Healthy, Loads::Yes);
    for list in [None, Some("melting"), Some("melt"), Some("melting,bf")] {
        let report = report(dir.path(), "redis-8.2", list);
        assert_eq!(said(&report), healthy, "{list:?} {:?}", report.problems);
        let needs: Vec<_> = report.needs_modules.iter().map(|need| need.name.as_str()).collect();
        assert!(!needs.is_empty() && needs.iter().all(|name| *name == "melting"), "{needs:?}");
    }
    let missing = (Verdict::Unsupported, Loads::No);
    for list in ["none", "bf"] {
        let report = report(dir.path(), "redis-8.2", Some(list));
        assert_eq!(said(&report), missing, "{list}");
        let errors = report.problems.iter().filter(|p| p.kind.as_str() == "module-missing");
        assert!(errors.count() > 0, "{list}: {:?}", report.problems);
    }
    // Another server without a word: nobody knows. With one it is there.
    let unknown = (Verdict::Unsupported, Loads::Unknown);
    assert_eq!(said(&report(dir.path(), "redis-7.4", None)), unknown);
    assert_eq!(said(&report(dir.path(), "redis-8.6", Some("melting"))), healthy);

    // Its argument counts, what ends a server, and a version of a value that it was not seen to write.
    put(dir.path(), &base(2), &record(&["MELT.SET", "x"]));
    let short = report(dir.path(), "redis-8.2", None);
    assert!(
        short.problems.iter().any(|p| p.kind.as_str() == "wrong-arity"),
        "{:?}",
        short.problems
    );
    put(dir.path(), &base(2), &record(&["MELT.DOWN", "k"]));
    assert_eq!(report(dir.path(), "redis-8.2", None).loads, Loads::No);
    put(dir.path(), &base(3), &record(&["MELT.SET", "x", "k"]));
    assert_eq!(said(&report(dir.path(), "redis-8.2", Some("melting"))), unknown);

    // Its keys.
    let bytes = record(&["MELT.SET", "x", "k"]);
    let shape = aofkit::format::resp::record(&bytes).unwrap();
    let record = aofkit::format::resp::Record::canonical(shape, &bytes, 0);
    let key = command::first_key(command::lookup(b"melt.set").unwrap(), &record).unwrap();
    assert_eq!(key.head, b"k");
}
