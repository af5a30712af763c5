//! What a configuration makes of a log, held against real servers that are started with it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::server::{ALL, Outcome, Server, Start};
use crate::support::spelled::record;
use crate::support::{in_parallel, number_from_env};
use serde_json::Value;
use tempfile::TempDir;

/// A data directory with one log, as the server has it.
fn data_dir(server: &str, base: Option<&[u8]>, log: &[u8]) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    if server == "redis-6.2" {
        let file = dir.path().join("appendonly.aof");
        fs::write(&file, [base.unwrap_or_default(), log].concat()).unwrap();
        return (dir, file);
    }
    let set = dir.path().join("aof");
    fs::create_dir(&set).unwrap();
    let mut manifest = String::new();
    if let Some(base) = base {
        fs::write(set.join("appendonly.aof.1.base.rdb"), base).unwrap();
        manifest += "file appendonly.aof.1.base.rdb seq 1 type b\n";
    }
    fs::write(set.join("appendonly.aof.1.incr.aof"), log).unwrap();
    manifest += "file appendonly.aof.1.incr.aof seq 1 type i\n";
    fs::write(set.join("appendonly.aof.manifest"), manifest).unwrap();
    (dir, set)
}

/// `check --json` by these lines.
fn judged(set: &Path, server: &str, lines: &str) -> Value {
    let conf = set.with_file_name("lines.conf");
    fs::write(&conf, lines).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
    command.args(["check", "--json", "--target", server, "--conf"]).arg(conf).arg(set);
    let output = command.output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn problems<'v>(report: &'v Value, kind: &str) -> Vec<&'v Value> {
    report["problems"].as_array().unwrap().iter().filter(|p| p["kind"] == kind).collect()
}

/// Numbers of the lines that the target is said not to start with.
fn refused_lines(report: &Value) -> Vec<u64> {
    problems(report, "server-trap").iter().filter_map(|p| p["line"].as_u64()).collect()
}

/// Whether a server ended over its configuration, before it looked at any data: it says why on standard error, or
/// that no module wanted the line.
fn ended_over_lines(start: &Start) -> bool {
    let got_going = start.log.contains("Running mode=");
    matches!(start.outcome, Outcome::Refused(_))
        && (!got_going || start.log.contains("Module Configuration detected"))
}

fn log(calls: &[&str]) -> Vec<u8> {
    let words = |call: &&str| record(&call.split(' ').map(str::as_bytes).collect::<Vec<_>>());
    calls.iter().flat_map(words).collect()
}

const RENAMES: [&str; 12] = [
    "",
    "rename-command SET MYSET",
    "rename-command set \"\"",
    "rename-command SET get",
    "rename-command SET sEt",
    "rename-command SET A\nrename-command A B",
    "rename-command SET A\nrename-command SET B",
    "rename-command SET X\nrename-command GET SET\nrename-command X GET",
    "rename-command MULTI BEGIN\nrename-command EXEC COMMIT",
    "rename-command SELECT MYSELECT",
    "rename-command GET \"\"\nrename-command SET get",
    "rename-command XGROUP xg\nrename-command DEL \"\"",
];

const LOGS: [&[&str]; 11] = [
    &["SELECT 0", "SET a 1", "APPEND a 2"],
    &["SELECT 0", "MYSET a 1", "myset b 2"],
    &["SELECT 0", "B a 1"],
    &["SELECT 0", "A a 1"],
    &["SELECT 0", "GET a 1"],
    &["SELECT 0", "GET a", "SET a"],
    &["SELECT 0", "MULTI", "SET a 1", "SET b 1", "EXEC", "APPEND a 1"],
    &["SELECT 0", "BEGIN", "APPEND a 1", "COMMIT", "APPEND a 1"],
    &["MYSELECT 0", "APPEND a 1"],
    &["XG CREATE s g 0 MKSTREAM", "APPEND a 1"],
    &["XGROUP CREATE s g 0 MKSTREAM", "DEL s"],
];

#[test]
fn a_log_and_its_renames_load_where_a_server_with_them_loads_it() {
    let servers = Server::all_or_none(&ALL);
    // All combinations are many starts; some are tried each time, all where that is asked for.
    let every = usize::try_from(number_from_env("AOFKIT_TEST_EVERY", 5)).unwrap();
    let count = servers.len() * RENAMES.len() * LOGS.len();
    let tried: Vec<usize> = (0..count).filter(|n| n % every == 0).collect();
    let wrong = in_parallel(tried.len(), |i| {
        let (server, rest) = (&servers[tried[i] % servers.len()], tried[i] / servers.len());
        let (renames, calls) = (RENAMES[rest % RENAMES.len()], LOGS[rest / RENAMES.len()]);
        let lines = format!("appendonly yes\n{renames}\n");
        let (dir, set) = data_dir(&server.name, None, &log(calls));
        let start = server.load_by(dir.path(), &lines);
        let report = judged(&set, &server.name, &lines);
        let told = refused_lines(&report);
        let right = match ended_over_lines(&start) {
            true => !told.is_empty(),
            false => {
                let loaded = start.outcome == Outcome::Loaded;
                told.is_empty() && (report["loads"] == "yes") == loaded
            }
        };
        let (name, loads) = (&server.name, &report["loads"]);
        (!right).then(|| {
            format!("{name} {lines:?} {calls:?}: {:?}, said {loads} {told:?}", start.outcome)
        })
    });
    let wrong: Vec<_> = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Lines of every kind, and wrong ones; what a server finds out only when it acts on them is not among them.
const LINES: [&str; 79] = [
    "no-such-directive 1",
    "a.b 1",
    "a.b",
    "appendonly YES",
    "appendonly \"no\"",
    "appendonly true",
    "appendonly",
    "appendonly yes # on",
    "databases 002",
    "databases 2k",
    "databases 0",
    "databases 4",
    "maxmemory 1gb",
    "maxmemory 1 gb",
    "maxmemory 5%",
    "maxmemory-clients 5%",
    "maxmemory-clients 101%",
    "maxmemory-policy LRU",
    "maxmemory-policy AllKeys-LRU",
    "maxmemory-policy volatile-lrm",
    "aof-load-corrupt-tail-max-size 4096",
    "aof-load-corrupt-tail-max-size 4k",
    "rdb-version-check relaxed",
    "save 3600 1 300 100",
    "save \"\"",
    "save a b",
    "bind",
    "notify-keyspace-events KEA",
    "notify-keyspace-events xyz!",
    "unixsocketperm 0770",
    "timeout +1",
    "hz 10",
    "hz 10 # tick",
    "appendfilename a/b",
    "dbfilename \"\"",
    "rename-command SET",
    "rename-command SET a b",
    "rename-command SET \"a b\"",
    "rename-command VADD x",
    "rename-command MSETEX x",
    "loadmodule",
    "list-max-ziplist-entries 3",
    "cluster-databases 4",
    "enable-debug-command local",
    "requirepass \"open",
    "appendfsync foo",
    "client-output-buffer-limit normal 0 0 0",
    "client-output-buffer-limit Replica 1mb 64m 60",
    "client-output-buffer-limit master 0 0 0",
    "client-output-buffer-limit normal x 0 0",
    "client-output-buffer-limit normal 0 0 -1",
    "client-output-buffer-limit normal 0 0 1.5",
    "client-output-buffer-limit normal 1mb 0 0 pubsub 1mb 0 0",
    "client-output-buffer-limit normal 0 0",
    "client-output-buffer-limit normal 0 0 0 # all",
    "oom-score-adj-values 0 200 800",
    "oom-score-adj-values 0 0 2001",
    "oom-score-adj-values x 1 2",
    "replicaof h 65536",
    "replicaof no x",
    "slaveof h 63x",
    "latency-tracking-info-percentiles 50 99 99.9",
    "latency-tracking-info-percentiles 50 x",
    "latency-tracking-info-percentiles 101",
    "bind 127.0.0.1 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
    "user x on >pw ~a &* +get -@all",
    "user x foo",
    "user x on # comment",
    "user x %R~a",
    "user x (+get ~a) on",
    "user x (+get ~a",
    "user x allkeys ~a",
    "user x allkeys resetkeys ~a",
    "user x &* &a",
    "user x db=1",
    "user x clearselectors",
    "user x #abc",
    "user default nocommand",
    "user x \"~a b\"",
];

#[test]
fn a_line_is_told_of_where_a_server_does_not_start_with_it() {
    let servers = Server::all_or_none(&ALL);
    let every = usize::try_from(number_from_env("AOFKIT_TEST_EVERY", 3)).unwrap();
    let count = servers.len() * LINES.len();
    let tried: Vec<usize> = (0..count).filter(|n| n % every == 0).collect();
    let wrong = in_parallel(tried.len(), |i| {
        let (server, line) = (&servers[tried[i] % servers.len()], LINES[tried[i] / servers.len()]);
        let (dir, set) = data_dir(&server.name, None, &log(&["SELECT 0", "RPUSH a 1"]));
        let start = server.load_by(dir.path(), &format!("{line}\n"));
        let refuses = ended_over_lines(&start);
        let report = judged(&set, &server.name, &format!("{line}\n"));
        let told = refused_lines(&report) == [1];
        (refuses != told).then(|| format!("{} {line}: {:?}", server.name, start.outcome))
    });
    let wrong: Vec<_> = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// An RDB with a key in this database, without a checksum.
fn rdb(db: u8) -> Vec<u8> {
    [&b"REDIS0009\xfe"[..], &[db], b"\x00\x01k\x01v\xff", &[0; 8]].concat()
}

#[test]
fn what_has_too_few_databases_for_a_base_refuses_it_and_for_a_log_goes_on_in_another() {
    let servers = Server::all_or_none(&ALL);
    let lines = [
        "databases 2",
        "databases 6",
        "",
        "cluster-enabled yes",
        "cluster-enabled yes\ndatabases 16",
    ];
    in_parallel(servers.len() * lines.len(), |i| {
        let (server, lines) = (&servers[i / lines.len()], lines[i % lines.len()]);
        let is_enough = lines == "databases 6" || lines.is_empty();
        let (dir, set) = data_dir(&server.name, Some(&rdb(5)), b"");
        let start = server.load_by(dir.path(), &format!("{lines}\n"));
        let report = judged(&set, &server.name, lines);
        let told = format!("{} {lines:?}: {:?} {report:#}", server.name, start.outcome);
        assert_eq!(start.outcome == Outcome::Loaded, is_enough, "{told}");
        assert_eq!(report["loads"], if is_enough { "yes" } else { "no" }, "{told}");
        assert_eq!(problems(&report, "refused-by-configuration").is_empty(), is_enough, "{told}");

        let (dir, set) = data_dir(&server.name, None, &log(&["SELECT 5", "SET a 1"]));
        let start = server.load_by(dir.path(), &format!("{lines}\n"));
        let report = judged(&set, &server.name, lines);
        let told = format!("{} {lines:?}: {} {report:#}", server.name, start.log);
        // The server is up, and its key lies where it does not belong.
        assert_eq!(start.outcome, Outcome::Loaded, "{told}");
        assert_eq!(start.log.contains("is sending an error to its AOF"), !is_enough, "{told}");
        assert_eq!(report["loads"], if is_enough { "yes" } else { "no" }, "{told}");
    });
}

#[test]
fn a_directory_without_a_set_is_none_and_a_server_starts_empty_in_it() {
    let servers = Server::all_or_none(&ALL);
    let kinds = ["nothing", "an empty append directory", "other files", "a temporary base"];
    in_parallel(servers.len() * kinds.len(), |i| {
        let (server, kind) = (&servers[i / kinds.len()], kinds[i % kinds.len()]);
        let dir = tempfile::tempdir().unwrap();
        match kind {
            "an empty append directory" => fs::create_dir(dir.path().join("aof")).unwrap(),
            "other files" => fs::write(dir.path().join("server.log"), "ready\n").unwrap(),
            "a temporary base" => fs::write(dir.path().join("temp-1.rdb"), rdb(0)).unwrap(),
            _ => {}
        }
        let start = server.load(dir.path());
        let told = format!("{} {kind}: {:?} {}", server.name, start.outcome, start.log);
        assert_eq!(start.outcome, Outcome::StartedEmpty, "{told}");
        let conf = tempfile::tempdir().unwrap().keep().join("redis.conf");
        let lines = format!("dir {}\nappendonly yes\nappenddirname aof\n", dir.path().display());
        fs::write(&conf, lines).unwrap();
        let alone = [OsStr::new("--conf"), conf.as_os_str()];
        for words in [&[dir.path().as_os_str()][..], &alone] {
            let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
            let output = command.arg("check").args(words).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(10), "{told}: {said}");
            assert!(said.contains("starts empty"), "{told}: {said}");
        }
        fs::remove_dir_all(conf.parent().unwrap()).unwrap();
    });
}

#[test]
fn what_salvage_and_convert_write_loads_where_select_and_others_have_another_name() {
    let names = [("SELECT", "PICK"), ("MULTI", "BEGIN"), ("EXEC", "COMMIT"), ("SET", "PUT")];
    let lines: String =
        names.iter().map(|(from, to)| format!("rename-command {from} {to}\n")).collect();
    let lines = format!("appendonly yes\n{lines}");
    let damaged = [
        log(&["PICK 0", "PUT a 1"]),
        [&b"\0\0\0\0"[..], &log(&["SELECT 3"]), b"\0\0\0"].concat(),
        log(&["PUT b 2", "PUT c 3", "PICK 0", "BEGIN", "PUT d 4", "PUT e 5", "COMMIT"]),
    ];
    let servers = Server::all_or_none(&ALL);
    in_parallel(servers.len(), |i| {
        let server = &servers[i];
        let (dir, set) = data_dir(&server.name, None, &damaged.concat());
        let conf = dir.path().join("lines.conf");
        fs::write(&conf, &lines).unwrap();
        let written = |words: &[&str], from: &Path| {
            let home = tempfile::tempdir().unwrap();
            let to = if server.name == "redis-6.2" { "" } else { "aof" };
            let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
            command.args(words).args(["--target", &server.name, "--conf"]).arg(&conf).arg(from);
            let output = command.arg("--output").arg(home.path().join(to)).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(0), "{}: {said}", server.name);
            let start = server.load_by(home.path(), &lines);
            assert_eq!(start.outcome, Outcome::Loaded, "{}: {}", server.name, start.log);
            let file = if to.is_empty() { "appendonly.aof" } else { to };
            (home.path().join(file), home)
        };
        let (salvaged, _salvaged_home) = written(&["repair", "--salvage"], &set);
        let form = if server.name == "redis-6.2" { "file" } else { "set" };
        written(&["convert", "--to", form, "--key", "[ce]"], &salvaged);
    });
}
