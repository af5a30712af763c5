//! The verb as it is typed: plans, refusals, files, what is shown, and what is told to nobody.

use std::fs;
use std::path::{Path, PathBuf};

use crate::ran::{Run, aofkit, command, ran, record, text};
use crate::support::live::{Live, Reply};
use crate::support::server::Server;

struct Place {
    server: Server,
    home: tempfile::TempDir,
    there: tempfile::TempDir,
    program: PathBuf,
}

impl Place {
    fn new() -> Option<(Self, Live)> {
        Self::with(&["--appendonly", "no"])
    }

    fn with(settings: &[&str]) -> Option<(Self, Live)> {
        let Some(server) = Server::find("redis-8.2") else {
            println!("did not run: redis-8.2 was not found");
            return None;
        };
        let [home, there] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let live = Live::start_with(&server, there.path(), settings);
        let program = server.program();
        Some((Self { server, home, there, program }, live))
    }

    fn url(&self) -> String {
        format!("unix://{}/s", self.there.path().display())
    }

    /// A log of these records.
    fn log(&self, records: &[&[&str]]) -> PathBuf {
        let path = self.home.path().join("appendonly.aof");
        let records: String = records.iter().map(|words| record(words)).collect();
        fs::write(&path, record(&["SELECT", "0"]) + &records).unwrap();
        path
    }

    fn recover(&self, set: &Path, words: &[&str]) -> Run {
        let start = ["recover", text(set), "--load", text(&self.program)];
        aofkit(&[&start[..], words].concat())
    }

    fn brought(&self, set: &Path, words: &[&str]) -> Run {
        let url = self.url();
        self.recover(set, &[&["--into", &url], words].concat())
    }
}

#[test]
fn a_plan_says_first_that_nothing_was_changed_and_names_the_very_server() {
    let Some((place, mut live)) = Place::new() else { return };
    let set = place.log(&[&["SET", "a", "1"], &["RPUSH", "b", "x"], &["FLUSHALL"]]);
    live.must("SET b other");
    let words = ["--key", "*", "--before-command", "FLUSHALL"];
    let run = place.brought(&set, &words);
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{}", run.text());
    assert!(run.text().lines().next().unwrap().contains("nothing was changed"), "{}", run.text());
    assert!(run.text().contains("new        1 key"), "{}", run.text());
    assert!(run.text().contains("different  1 key"), "{}", run.text());
    assert_eq!(live.must("DBSIZE").number(), 1);

    let plan = place.brought(&set, &[&words[..], &["--json"]].concat());
    let id = plan.json()["target"]["nodes"][0]["run_id"].as_str().unwrap().to_owned();
    assert!(run.text().contains(&id), "{}", run.text());
    let other = place.brought(&set, &[&words[..], &["--apply", "--run-id", "0123"]].concat());
    assert_eq!(other.code, 1, "{}", other.text());
    assert!(other.text().contains("another server"), "{}", other.text());
    assert_eq!(live.must("DBSIZE").number(), 1);
    let run = place.brought(&set, &[&words[..], &["--apply", "--run-id", &id]].concat());
    assert_eq!(run.code, 0, "{}{}", run.text(), run.err);
    assert_eq!(live.must("GET a").text(), "1");
    assert_eq!(live.must("GET b").text(), "other", "it was not to be replaced");
}

#[test]
fn a_target_that_takes_no_writes_or_has_no_room_is_told_and_left() {
    let Some((place, mut live)) = Place::new() else { return };
    let value = "v".repeat(1 << 20);
    let set = place.log(&[&["SET", "a", &value], &["SET", "b", &value]]);
    let words = ["--key", "*", "--apply"];
    let used = live.must("INFO memory").text();
    let used = used.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap();
    let most = used.trim().parse::<u64>().unwrap() + (1 << 20);
    live.must(&format!("CONFIG SET maxmemory {most}"));
    let run = place.brought(&set, &words);
    assert_eq!(run.code, 1, "{}", run.text());
    assert!(run.text().contains("maxmemory"), "{}", run.text());
    live.must("CONFIG SET maxmemory 0");
    live.must("REPLICAOF 127.0.0.1 1");
    let run = place.brought(&set, &words);
    assert_eq!(run.code, 1, "{}", run.text());
    assert!(run.text().contains("it is a replica"), "{}", run.text());
    live.must("REPLICAOF NO ONE");
    assert_eq!(live.must("DBSIZE").number(), 0);
    let set = place.log(&[&["SELECT", "20"], &["SET", "a", "1"]]);
    let run = place.brought(&set, &words);
    assert_eq!(run.code, 1, "{}", run.text());
    assert!(run.text().contains("it has no database 20"), "{}", run.text());
}

#[test]
fn keys_whose_time_has_passed_are_listed_and_not_written() {
    let Some((place, mut live)) = Place::new() else { return };
    let future = "99999999999999";
    let set = place.log(&[
        &["SET", "gone:1", "v", "PXAT", "1600000000000"],
        &["SET", "gone:2", "v"],
        &["PEXPIREAT", "gone:2", "1600000000000"],
        &["SET", "deleted", "v", "PXAT", "1600000000000"],
        &["DEL", "deleted"],
        &["SET", "stays", "v", "PXAT", future],
        &["SET", "again", "v", "PXAT", "1600000000000"],
        &["SET", "again", "v"],
        &["RPUSH", "other", "v"],
        &["PEXPIREAT", "other", "1600000000000"],
    ]);
    let run = place.brought(&set, &["--key", "[gsda]*", "--apply", "--json"]);
    assert_eq!(run.code, 0, "{}{}", run.text(), run.err);
    let json = run.json();
    let passed = json["passed"]["first"].as_array().unwrap();
    let passed: Vec<_> = passed.iter().map(|key| key["key"].as_str().unwrap()).collect();
    assert_eq!(passed, ["gone:1", "gone:2"], "{}", run.text());
    assert_eq!(json["written"]["new"], 2, "{}", run.text());
    assert_eq!(live.must("PEXPIRETIME stays").text(), future);
    assert_eq!(live.must("PTTL again").text(), "-1");
    assert_eq!(live.must("DBSIZE").number(), 2);
}

#[test]
fn an_rdb_and_commands_hold_what_a_server_would_be_given() {
    let Some((place, mut live)) = Place::new() else { return };
    let set = place.log(&[
        &["SET", "a", "1", "PXAT", "99999999999999"],
        &["HSET", "h", "f", "v"],
        &["SELECT", "3"],
        &["ZADD", "z", "1.5", "m"],
        &["XADD", "x", "1-1", "f", "v"],
    ]);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("keys.rdb");
    let run = place.recover(&set, &["--key", "*", "--output", text(&file)]);
    assert_eq!(run.code, 0, "{}{}", run.text(), run.err);
    assert!(run.text().contains("4 keys written"), "{}", run.text());
    let (code, said) = place.server.check_rdb(&file);
    assert_eq!(code, Some(0), "{said}");
    let settings = ["--appendonly", "no", "--dbfilename", "keys.rdb"];
    let mut loaded = Live::start_with(&place.server, dir.path(), &settings);
    let commands = place.recover(&set, &["--key", "*", "--format", "resp"]);
    assert_eq!((commands.code, commands.err.as_str()), (0, ""));
    let (replies, errors) = live.pipe(&commands.out);
    assert_eq!((replies, errors), (5, Vec::new()));
    for live in [&mut live, &mut loaded] {
        let held = crate::state::state(live);
        assert_eq!(held.len(), 4, "{held:?}");
        assert_eq!(held[&(0, "a".to_owned())], "string 99999999999999 Text([49])");
        assert!(held[&(3, "z".to_owned())].starts_with("zset -1"), "{held:?}");
    }
    // A second time every key is there, and stays.
    let (_, errors) = live.pipe(&commands.out);
    assert_eq!(errors.len(), 4);
    let again = place.recover(&set, &["--key", "*", "--output", text(&file)]);
    assert_eq!(again.code, 1, "a file that is there is not replaced: {}", again.text());
}

#[test]
fn what_a_key_held_is_shown_escaped_and_bounded() {
    let Some((place, _live)) = Place::new() else { return };
    let long = "x".repeat(5000);
    let mut records: Vec<Vec<String>> =
        (0..50).map(|n| ["RPUSH", "list", &format!("e{n}")].map(str::to_owned).to_vec()).collect();
    records.push(["SET", "text", "\u{1b}[31m"].map(str::to_owned).to_vec());
    records.push(["SET", "long", &long].map(str::to_owned).to_vec());
    let records: Vec<Vec<&str>> =
        records.iter().map(|words| words.iter().map(String::as_str).collect()).collect();
    let set = place.log(&records.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let run = place.recover(&set, &["--key", "*", "--show"]);
    assert_eq!(run.code, 0, "{}{}", run.text(), run.err);
    assert!(run.text().contains(r#""\x1b[31m""#), "{}", run.text());
    assert!(run.text().contains("\"e0\"") && !run.text().contains("\"e20\""), "{}", run.text());
    assert!(!run.text().contains(&"x".repeat(300)), "{}", run.text());
    let hidden = place.recover(&set, &["--key", "*", "--show", "--redact", "--json"]);
    let json = hidden.json();
    assert!(json["shown"].as_array().unwrap().iter().all(|one| one["rows"].is_null()));
    assert!(!hidden.text().contains("\"text\""), "{}", hidden.text());
}

#[test]
fn a_password_is_in_no_output_and_on_no_command_line() {
    let Some((place, mut live)) = Place::with(&["--appendonly", "no", "--requirepass", "s3cret"])
    else {
        return;
    };
    let set = place.log(&[&["SET", "a", "1"], &["SET", "b", "1"]]);
    let url = format!("redis://:s3cret@{}", "127.0.0.1:1");
    let run = place.recover(&set, &["--key", "*", "--into", &url]);
    assert_eq!(run.code, 2, "{}", run.text());
    assert!(!run.err.contains("s3cret") && run.err.contains("--into"), "{}", run.err);
    assert_eq!(live.must("AUTH s3cret").text(), "OK");
    live.must("SET b 2");
    let (url, keep) = (place.url(), tempfile::tempdir().unwrap());
    let start = ["recover", text(&set), "--load", text(&place.program), "--into", &url];
    let words = ["--key", "*", "--replace", "--apply", "--json", "--keep-in", text(keep.path())];
    let refused = aofkit(&[&start[..], &words].concat());
    assert_eq!(refused.code, 1, "{}{}", refused.text(), refused.err);
    let mut allowed = command(&[&start[..], &words].concat());
    allowed.env("AOFKIT_SERVER_PASSWORD", "s3cret");
    let run = ran(allowed);
    assert_eq!(run.code, 0, "{}{}", run.text(), run.err);
    assert_eq!(live.must("MGET a b"), Reply::List(vec![Reply::Text(b"1".to_vec()); 2]));
    let kept = fs::read(run.json()["kept_at"].as_str().unwrap()).unwrap();
    for said in [run.out, refused.out, run.err.into_bytes(), refused.err.into_bytes(), kept] {
        assert!(!said.windows(6).any(|bytes| bytes == b"s3cret"), "{}", said.escape_ascii());
    }
}

#[test]
fn a_snapshot_tells_its_keys_without_being_restored() {
    let Some((place, mut live)) = Place::with(&["--appendonly", "yes", "--appenddirname", "aof"])
    else {
        return;
    };
    live.must("SET a old");
    live.must("SELECT 3");
    live.must("SADD b m");
    let repo = place.home.path().join("repo");
    let backup = aofkit(&["backup", text(place.there.path()), "--repo", text(&repo)]);
    assert_eq!(backup.code, 0, "{}{}", backup.text(), backup.err);
    live.must("FLUSHALL");
    let snapshot = PathBuf::from(format!("{}::latest", repo.display()));
    let run = place.brought(&snapshot, &["--key", "*", "--apply"]);
    assert_eq!(run.code, 0, "{}{}", run.text(), run.err);
    assert_eq!(live.must("SISMEMBER b m").number(), 1);
    let run = place.recover(&snapshot, &["--key", "*", "--db", "0", "--show"]);
    assert!(run.text().contains("\"old\"") && !run.text().contains("\"m\""), "{}", run.text());
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let Some((place, _live)) = Place::new() else { return };
    let set = place.log(&[&["SET", "a", "1"]]);
    let url = place.url();
    for (words, why) in [
        (&["--key", "*"][..], "where to?"),
        (&["--show"], "--key"),
        (&["--key", "*", "--show", "--into", &url], "cannot be used with"),
        (&["--key", "*", "--into", &url, "--format", "resp"], "goes with none"),
        (&["--key", "*", "--format", "resp", "--redact"], "hides values"),
        (&["--key", "*", "--show", "--apply"], "cannot be used with"),
        (&["--key", "*", "--show", "--at", "nobody:1"], "no file 'nobody'"),
    ] {
        let run = place.recover(&set, words);
        assert_eq!(run.code, 2, "{words:?}: {}{}", run.text(), run.err);
        assert!(run.err.contains(why), "{words:?}: {}", run.err);
    }
    let run = place.recover(&set, &["--key", "*", "--show", "--until", "1h"]);
    assert_eq!(run.code, 1, "{}", run.text());
    assert!(run.err.contains("aof-timestamp-enabled"), "{}", run.err);
    let trapped = place.log(&[&["SET", "a", "1"], &["CONFIG", "SET", "dir", "/"]]);
    let run = place.recover(&trapped, &["--key", "*", "--show"]);
    assert_eq!(run.code, 24, "{}{}", run.text(), run.err);
}
