//! What `cat --format resp` prints of a log may be sent by a client, and makes an empty server of the same version hold
//! what the server holds that loads the log: all commands that write, on nine servers.
#![cfg(feature = "server")]

use std::path::Path;
use std::process::{Command, Output};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::live::{Live, Reply};
use crate::support::server::{ALL, Server};
use aofkit::server::{Access, Address, Contents, Server as Asked};

/// Commands that write, by all the forms in which servers log them. What a server does not know it refuses.
const COMMANDS: &str = include_str!("clients.txt");

fn path(name: &str, dir: &Path) -> std::path::PathBuf {
    dir.join(if name == "redis-6.2" { "appendonly.aof" } else { "appendonlydir" })
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

fn contents(dir: &Path) -> Contents {
    let address = Address::of_path(&dir.join("s"));
    Asked::connect(&address, &Access::default()).unwrap().contents().unwrap()
}

fn cat(path: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
    command.arg("cat").args(words).args(["--format", "resp"]).arg(path).output().unwrap()
}

/// Writes a log; answers how many of these commands the server took.
fn written(server: &Server, dir: &Path, commands: &[&str]) -> usize {
    let mut live = Live::start_with(server, dir, &["--appendonly", "yes", "--appendfsync", "no"]);
    let taken = |command: &&&str| !matches!(live.run(command), Reply::Error(_));
    let taken = commands.iter().filter(taken).count();
    live.shut_down();
    taken
}

#[test]
fn a_client_may_send_what_is_printed_of_every_log() {
    let commands: Vec<_> = COMMANDS.lines().filter(|line| !line.starts_with('#')).collect();
    crate::support::in_parallel(ALL.len(), |at| {
        let name = ALL[at];
        let Some(server) = Server::find(name) else {
            println!("no {name} found: nothing was sent to it");
            return;
        };
        let (wrote, empty) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let taken = written(&server, wrote.path(), &commands);
        assert!(taken > commands.len() / 2, "{name}: only {taken} of {} commands", commands.len());
        let printed = cat(&path(name, wrote.path()), &["--with-base"]);
        assert_eq!(String::from_utf8_lossy(&printed.stderr), "", "{name}");
        let loaded = Live::start_with(&server, wrote.path(), &["--appendonly", "yes"]);
        let mut fed = Live::start(&server, empty.path());
        let (replies, errors) = fed.pipe(&printed.stdout);
        assert_eq!(errors, [""; 0], "{name}");
        assert!(replies as usize > taken / 2, "{name}: {replies}");
        let differences = contents(wrote.path()).differences(&contents(empty.path()), now());
        assert!(differences.is_empty(), "{name}: {differences:?}");
        drop(loaded);
    });
}

/// As the log has it, a client may not send it; a loader takes it.
#[test]
fn as_logged_is_for_loaders() {
    let name = "redis-8.6";
    let Some(server) = Server::find(name) else {
        println!("no {name} found: what it logs was not seen");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let commands = ["XADD x MAXLEN ~ 3 LIMIT 10 1-1 f v", "XADD x IDMP p i * f v"];
    assert_eq!(written(&server, dir.path(), &commands), 2);
    let set = path(name, dir.path());
    let log = std::fs::read(set.join("appendonly.aof.1.incr.aof")).unwrap();
    assert_eq!(cat(&set, &["--as-logged"]).stdout, log);
    let for_clients = cat(&set, &[]).stdout;
    let has = |text: &[u8], word: &str| memchr::memmem::find(text, word.as_bytes()).is_some();
    assert!(has(&log, "LIMIT") && has(&log, "IDMP") && !has(&log, "XIDMPRECORD"));
    assert!(!has(&for_clients, "LIMIT") && has(&for_clients, "XIDMPRECORD"));
    let refused =
        Command::new(env!("CARGO_BIN_EXE_aofkit")).arg("cat").arg("--as-logged").arg(&set).output();
    assert_eq!(refused.unwrap().status.code(), Some(2));

    let dir = tempfile::tempdir().unwrap();
    written(&server, dir.path(), &["XADD x IDMPAUTO p * f v", "XADD x IDMPAUTO p * f v"]);
    let printed = cat(&path(name, dir.path()), &[]);
    let said = String::from_utf8_lossy(&printed.stderr).into_owned();
    assert!(said.contains("1 XADD printed without the hash"), "{said}");
    assert!(has(&printed.stdout, "XADD") && !has(&printed.stdout, "IDMPAUTO"));
}
