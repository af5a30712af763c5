//! Commands that no server logs, in logs: `check` names them wherever they stand, and knows which of them end
//! the server that loads them, as recorded and, where servers are installed, as they do it again.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::recorded::rows;
use crate::support::server::{Outcome, Server};
use crate::support::spelled::record;
use crate::support::{in_parallel, recorded_sets};
use serde_json::Value;

/// What commands of the table are no traps: they only ask, change keys, or say something to nobody.
const HARMLESS: [&str; 46] = [
    "ASKING",
    "BLMOVE",
    "BLMPOP",
    "BLPOP",
    "BRPOP",
    "BRPOPLPUSH",
    "BZPOPMIN",
    "CLIENT INFO",
    "CLIENT LIST",
    "CLIENT SETNAME",
    "CLUSTER INFO",
    "COMMAND",
    "ECHO",
    "FUNCTION FLUSH",
    "FUNCTION KILL",
    "FUNCTION STATS",
    "GET",
    "INFO",
    "KEYS",
    "LASTSAVE",
    "LOLWUT",
    "MEMORY DOCTOR",
    "OBJECT",
    "PFDEBUG",
    "PFSELFTEST",
    "PING",
    "PUBLISH",
    "PUBSUB",
    "RANDOMKEY",
    "READONLY",
    "RESTORE-ASKING",
    "ROLE",
    "SCRIPT FLUSH",
    "SORT",
    "SPUBLISH",
    "SWAPDB",
    "TIME",
    "UNSUBSCRIBE",
    "UNWATCH",
    "WATCH",
    "XREAD",
    "XREADGROUP",
    "EVAL",
    "FCALL",
    "SCRIPT LOAD",
    "FUNCTION LOAD",
];

/// Targets that the table has a column for.
const TARGETS: [(&str, &str); 4] = [
    ("7.0.15", "redis-7.0"),
    ("8.2.3", "redis-8.2"),
    ("V8.1.8", "valkey-8.1"),
    ("V9.1.2", "valkey-9.1"),
];

fn spelled_out(words: &str) -> Vec<u8> {
    record(&words.split(' ').map(str::as_bytes).collect::<Vec<_>>())
}

fn is_harmless(words: &str) -> bool {
    HARMLESS.iter().any(|known| {
        words.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    })
}

/// A log with the record in its middle, and where it stands.
fn log(words: &str, in_transaction: bool) -> (Vec<u8>, usize) {
    let set = |key: &[u8]| record(&[b"SET", key, b"1"]);
    let mut bytes = [record(&[b"SELECT", b"0"]), set(b"a")].concat();
    if in_transaction {
        bytes.extend(record(&[b"MULTI"]));
    }
    let at = bytes.len();
    bytes.extend(spelled_out(words));
    if in_transaction {
        bytes.extend(record(&[b"EXEC"]));
    }
    bytes.extend(set(b"b"));
    (bytes, at)
}

/// A data directory with one increment.
fn data_dir(bytes: &[u8]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let set = dir.path().join("aof");
    fs::create_dir(&set).unwrap();
    fs::write(set.join("appendonly.aof.1.incr.aof"), bytes).unwrap();
    let manifest = "file appendonly.aof.1.incr.aof seq 1 type i\n";
    fs::write(set.join("appendonly.aof.manifest"), manifest).unwrap();
    dir
}

fn check(path: &Path, more: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
    let output = command.arg("check").arg(path).args(more).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{said}");
    (output.status.code().unwrap(), said)
}

fn json(path: &Path, more: &[&str]) -> (i32, Value) {
    let (exit, said) = check(path, &[&["--json"], more].concat());
    (exit, serde_json::from_str(&said).unwrap())
}

/// The traps among the problems: whether they are errors, file, offset, and what is told of them.
fn traps(report: &Value) -> Vec<(bool, String, u64, String)> {
    let problems = report["problems"].as_array().unwrap().iter();
    let traps = problems.filter(|p| p["kind"] == "server-trap").map(|p| {
        (
            p["severity"] == "error",
            p["file"].as_str().unwrap().to_owned(),
            p["offset"].as_u64().unwrap(),
            p["message"].as_str().unwrap().to_owned(),
        )
    });
    traps.collect()
}

#[test]
fn every_recorded_record_is_judged_as_servers_took_it() {
    let table = rows("log-traps.tsv");
    assert!(table.len() > 150, "rows are missing");
    let wrong = in_parallel(table.len(), |i| {
        let row = &table[i];
        let (words, inside) = (&row["record"], row["in_transaction"] == "yes");
        let (bytes, at) = log(words, inside);
        let dir = data_dir(&bytes);
        let mut wrong = Vec::new();
        for (column, target) in TARGETS {
            let (exit, report) = json(&dir.path().join("aof"), &["--target", target]);
            let found = traps(&report);
            let ends = ["dies", "again"].contains(&row[column].as_str());
            let expected = !is_harmless(words);
            let named = found.iter().map(|(fatal, _, offset, _)| (*fatal, *offset as usize));
            let right = match expected {
                true => named.eq([(ends, at)]),
                false => found.is_empty() && !ends,
            };
            let refuses = row[column] == "refuses";
            let exit_is_right = match (ends, refuses) {
                (true, _) => exit == 21 && report["loads"] == "no",
                (false, true) => exit != 0,
                (false, false) => exit == 0 && report["loads"] == "yes",
            };
            if !right || !exit_is_right {
                wrong.push(format!("{words} (inside: {inside}) {target}: {exit} {found:?}"));
            }
        }
        wrong
    });
    let wrong = wrong.concat();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn servers_take_them_as_they_did() {
    let table = rows("log-traps.tsv");
    let asked = [
        "DEBUG SEGFAULT",
        "SHUTDOWN NOW FORCE",
        "SHUTDOWN",
        "WAIT 1 0",
        "RESET",
        "PSYNC ? -1",
        "SAVE",
    ];
    let table: Vec<&BTreeMap<String, String>> =
        table.iter().filter(|row| asked.contains(&row["record"].as_str())).collect();
    assert_eq!(table.len(), 2 * asked.len());
    let names = TARGETS.map(|(_, name)| name);
    for (server, (column, _)) in Server::all_or_none(&names).iter().zip(TARGETS) {
        let wrong = in_parallel(table.len(), |i| {
            let row = table[i];
            let dir = data_dir(&log(&row["record"], row["in_transaction"] == "yes").0);
            let outcome = server.load(dir.path()).outcome;
            let ended = matches!(outcome, Outcome::Crashed(_) | Outcome::Refused(0));
            let right = ended == (row[column] == "dies");
            (!right).then(|| format!("{}: {row:?}: {outcome:?}", server.name))
        });
        let wrong: Vec<String> = wrong.into_iter().flatten().collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

/// Loads a module: in lower case, twice, in one place after the other.
#[test]
fn it_is_named_wherever_it_stands_and_healthy_is_not_said_without_it() {
    let module = spelled_out("module Load /tmp/x.so");
    let set = record(&[b"SET", b"a", b"1"]);
    let (base, incr) = ("appendonly.aof.1.base.aof", "appendonly.aof.1.incr.aof");
    let rdb = recorded_sets().join("redis-7.0.15/rdb-base/aof/appendonly.aof.2.base.rdb");
    let rdb = fs::read(rdb).unwrap();
    let multi = [record(&[b"MULTI"]), module.clone(), record(&[b"EXEC"])].concat();
    let places = [
        ([&set[..], &module, &module].concat(), set.clone(), base, set.len(), 2),
        (set.clone(), [&set[..], &module].concat(), incr, set.len(), 1),
        ([&rdb[..], &module].concat(), set.clone(), base, rdb.len(), 1),
        (
            set.clone(),
            [&set[..], &multi].concat(),
            incr,
            set.len() + multi.len() - 14 - module.len(),
            1,
        ),
    ];
    for (first, second, file, offset, count) in places {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(base), first).unwrap();
        fs::write(dir.path().join(incr), second).unwrap();
        let manifest = format!("file {base} seq 1 type b\nfile {incr} seq 1 type i\n");
        fs::write(dir.path().join("appendonly.aof.manifest"), manifest).unwrap();
        let (exit, report) = json(dir.path(), &[]);
        assert_eq!(
            (exit, &report["loads"], &report["verdict"]),
            (0, &"yes".into(), &"healthy".into())
        );
        let found = traps(&report);
        assert_eq!(found.len(), 1, "{found:?}");
        let (fatal, in_file, at, message) = &found[0];
        assert_eq!((*fatal, in_file.as_str(), *at as usize), (false, file, offset));
        assert!(message.contains("MODULE LOAD"), "{message}");
        assert_eq!(message.contains("2 times"), count == 2, "{message}");
        let named = format!("healthy, but the log holds MODULE LOAD at {file}:{offset}");
        for verb in [&["--quiet"][..], &[]] {
            let said = check(dir.path(), verb).1.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(said.contains(&named), "{said}");
        }
    }
}

#[test]
fn nothing_crowds_it_out() {
    let mut bytes = record(&[b"SELECT", b"0"]);
    // More odd things than are listed, all of which servers take.
    let rules = "redis-7.0".parse::<aofkit::rules::Target>().unwrap().rules;
    let arity = |name: &str| rules.arity_of(aofkit::command::lookup(name.as_bytes())?);
    let names = aofkit::command::all()
        .iter()
        .filter(|c| !c.name.contains('|') && arity(&c.name).is_some_and(|n| n > 0));
    for command in names.filter(|c| aofkit::command::trap(c.name.as_bytes(), None).is_none()) {
        if ["MULTI", "EXEC", "DISCARD", "SELECT", "QUIT"].contains(&command.name.as_str()) {
            continue;
        }
        bytes.extend(record(&[&[command.name.as_bytes()][..], &[&b"x"[..]; 30][..]].concat()));
    }
    let at = bytes.len() as u64;
    bytes.extend(spelled_out("REPLICAOF 192.0.2.1 6379"));
    let dir = data_dir(&bytes);
    let (_, report) = json(&dir.path().join("aof"), &["--target", "redis-7.0"]);
    let found = traps(&report);
    assert_eq!(found.iter().map(|(_, _, at, _)| *at).collect::<Vec<_>>(), [at]);
    // Where it would dial to is no business of a reader with --redact, nor of a table.
    assert!(!found[0].3.contains("192.0.2.1"), "{found:?}");
}
