//! What hands, editors and copies do to a set, as people report it: each is told for what it is, and what is said next is
//! carried out and gives the keys back.

use std::fs;

use super::*;

/// A set that a server wrote, with `keys` keys in its base and five more in the increment; the server is gone.
fn written(server: &Server, keys: usize) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("make a directory");
    let mut live = logging(server, dir.path());
    fill(&mut live, "user", keys);
    rewrite(&mut live);
    fill(&mut live, "late", 5);
    drop(live);
    let set = dir.path().join("appendonlydir");
    (dir, set)
}

fn one(dir: &Path, end: &str) -> PathBuf {
    let all = names(dir, end);
    assert_eq!(all.len(), 1, "{all:?}");
    all[0].clone()
}

/// Keys that a server has after it was started here.
fn keys(server: &Server, dir: &Path) -> u64 {
    logging(server, dir).must("DBSIZE").number()
}

/// The first error or warning of a kind: the exit status of `check`, the message, and the command that is said next.
fn told(dir: &Path, kind: &str) -> (Option<i32>, String, Option<String>) {
    let (status, report) = json("check", dir, &[]);
    let all = report["problems"].as_array().expect("problems");
    let one = all.iter().find(|one| one["kind"] == kind).unwrap_or_else(|| panic!("{report:#}"));
    let next = one["next"].as_str().map(str::to_owned);
    (status, one["message"].as_str().expect("a message").to_owned(), next)
}

/// Runs the command that `check` said, with `--apply`.
fn carry_out(next: &str) {
    let words: Vec<_> = next.split(' ').skip(1).chain(["--apply"]).collect();
    let output = Command::new(env!("CARGO_BIN_EXE_aofkit")).args(words).output().expect("run");
    assert_eq!(output.status.code(), Some(0), "{next}: {output:?}");
}

#[test]
fn a_segment_that_was_renamed_is_named_and_with_its_name_back_all_keys_are_there() {
    for server in servers() {
        for suffix in [".bak", ".1", "~", ".2026-11-30"] {
            let (dir, set) = written(&server, 30);
            let file = one(&set, ".incr.aof");
            let other = PathBuf::from(format!("{}{suffix}", file.display()));
            fs::rename(&file, &other).expect("rename");
            let (status, message, _) = told(dir.path(), "segment-missing");
            let name = other.file_name().unwrap().to_string_lossy().into_owned();
            assert_eq!(status, Some(22), "{message}");
            assert!(message.contains(&format!("{name} (")), "{suffix}: {message}");
            assert!(message.contains("give it its name back"), "{suffix}: {message}");
            fs::rename(&other, &file).expect("rename");
            assert_eq!(keys(&server, dir.path()), 35, "{}", server.name);
        }
    }
}

/// A log is renamed under its server, as programs that rotate logs do: the server goes on writing to it.
#[test]
fn a_segment_that_is_renamed_under_its_server_is_named() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let mut live = logging(&server, dir.path());
        fill(&mut live, "user", 30);
        let set = dir.path().join("appendonlydir");
        let file = one(&set, ".incr.aof");
        let other = PathBuf::from(format!("{}.1", file.display()));
        fs::rename(&file, &other).expect("rename");
        fill(&mut live, "late", 5);
        let (status, message, _) = told(dir.path(), "segment-missing");
        assert_eq!(status, Some(22), "{message}");
        assert!(message.contains(".incr.aof.1 ("), "{message}");
        fs::rename(&other, &file).expect("rename");
        drop(live);
        assert_eq!(keys(&server, dir.path()), 35, "{}", server.name);
    }
}

/// After a power loss a file may have its name and none of its bytes.
#[test]
fn a_base_without_a_byte_is_told_though_servers_load_the_rest() {
    for server in servers() {
        let (dir, set) = written(&server, 30);
        fs::write(one(&set, ".base.rdb"), "").expect("empty it");
        let (status, message, _) = told(dir.path(), "rdb-truncated");
        assert_eq!(status, Some(0), "servers load it: {message}");
        assert!(message.contains("its keys are lost"), "{message}");
        let mut check = Command::new(env!("CARGO_BIN_EXE_aofkit"));
        let output = check.arg("check").arg(dir.path()).output().expect("run");
        let text = String::from_utf8(output.stdout).expect("text");
        assert!(text.contains("healthy, but its base has no bytes"), "{text}");
        assert_eq!(keys(&server, dir.path()), 5, "{}", server.name);
    }
}

#[test]
fn a_base_that_a_copy_cut_short_is_kept_up_to_the_last_whole_key() {
    for server in servers() {
        let (dir, set) = written(&server, 3000);
        let base = one(&set, ".base.rdb");
        let bytes = fs::read(&base).expect("read");
        fs::write(&base, &bytes[..bytes.len() / 2]).expect("cut");
        let (status, message, next) = told(dir.path(), "rdb-truncated");
        assert_eq!(status, Some(21), "{message}");
        let whole = message.split(" whole key").next().and_then(|left| left.rsplit(' ').next());
        let whole: u64 = whole.expect("keys").replace(',', "").parse().expect("a number");
        carry_out(&next.expect("what to do"));
        assert_eq!(keys(&server, dir.path()), whole + 5, "{}", server.name);
    }
}

/// A power loss leaves a length without the bytes: all of the increment is NUL. How many commands it held nobody can tell.
#[test]
fn an_increment_of_nul_bytes_alone_is_cut_and_no_number_of_commands_is_made_up() {
    for server in servers() {
        let (dir, set) = written(&server, 30);
        let increment = one(&set, ".incr.aof");
        let len = fs::metadata(&increment).expect("look").len();
        fs::write(&increment, vec![0; usize::try_from(len).unwrap()]).expect("write");
        let (status, report) = json("check", dir.path(), &[]);
        assert_eq!(status, Some(20), "{report:#}");
        assert_eq!(report["problems"][0]["lost"]["likely_commands"], Value::Null, "{report:#}");
        let (_, plan) = json("repair", dir.path(), &[]);
        assert_eq!(plan["loss"]["likely_commands"], Value::Null, "{plan:#}");
        carry_out(report["problems"][0]["next"].as_str().expect("what to do"));
        assert_eq!(keys(&server, dir.path()), 30, "{}", server.name);
    }
}

#[test]
fn the_line_feed_that_an_editor_adds_at_the_end_goes_and_is_no_command() {
    for server in servers() {
        let (dir, set) = written(&server, 30);
        let increment = one(&set, ".incr.aof");
        let bytes = fs::read(&increment).expect("read");
        fs::write(&increment, [&bytes[..], b"\n"].concat()).expect("write");
        let (status, report) = json("check", dir.path(), &[]);
        assert_eq!(status, Some(20), "{report:#}");
        assert_eq!(report["problems"][0]["lost"]["likely_commands"], 0, "{report:#}");
        carry_out(report["problems"][0]["next"].as_str().expect("what to do"));
        assert_eq!(fs::read(&increment).expect("read"), bytes);
        assert_eq!(keys(&server, dir.path()), 35, "{}", server.name);
    }
}

/// An editor or a copy in text mode takes every CR away: no record is left that a server reads, and a cut would take all.
#[test]
fn a_log_that_was_taken_for_text_is_told_and_not_cut() {
    for server in servers() {
        let (dir, set) = written(&server, 30);
        let increment = one(&set, ".incr.aof");
        let bytes = fs::read(&increment).expect("read");
        let text = String::from_utf8(bytes).expect("text").replace("\r\n", "\n");
        fs::write(&increment, text).expect("write");
        let (status, message, next) = told(dir.path(), "garbage-tail");
        assert_eq!((status, next), (Some(20), None), "{message}");
        assert!(message.contains("Its lines end in LF alone"), "{message}");
        let (_, plan) = json("repair", dir.path(), &[]);
        assert_eq!(plan["actions"], Value::Array(Vec::new()), "{plan:#}");
        assert!(plan["left"].to_string().contains("LF alone"), "{plan:#}");
        let (_, plan) = json("repair", dir.path(), &["--truncate"]);
        assert_ne!(plan["actions"], Value::Array(Vec::new()), "who asks for it has it: {plan:#}");
    }
}

/// A value of many lines whose length is wrong is no log that was taken for text.
#[test]
fn lines_in_a_value_are_not_taken_for_lines_of_the_log() {
    for server in servers() {
        let (dir, set) = written(&server, 30);
        let increment = one(&set, ".incr.aof");
        let mut bytes = fs::read(&increment).expect("read");
        let value = "one\ntwo\nthree\n".repeat(40);
        let wrong = value.len() / 2;
        let record = format!("*3\r\n$3\r\nSET\r\n$4\r\ntext\r\n${wrong}\r\n{value}\r\n");
        bytes.extend(record.as_bytes());
        fs::write(&increment, bytes).expect("write");
        let (_, report) = json("check", dir.path(), &[]);
        assert_ne!(report["verdict"], "healthy", "{report:#}");
        assert!(!report.to_string().contains("LF alone"), "{}: {report:#}", server.name);
    }
}

#[test]
fn the_mark_that_an_editor_puts_in_front_goes_alone() {
    for server in servers() {
        let (dir, set) = written(&server, 30);
        let increment = one(&set, ".incr.aof");
        let bytes = fs::read(&increment).expect("read");
        fs::write(&increment, [b"\xef\xbb\xbf", &bytes[..]].concat()).expect("write");
        let (status, _, next) = told(dir.path(), "corrupt-range");
        assert_eq!(status, Some(21));
        carry_out(&next.expect("what to do"));
        assert_eq!(keys(&server, dir.path()), 35, "{}", server.name);
    }
}

/// FLUSHALL, and a rewrite after it: the log has nothing left to go back to. A dump from before has the keys.
#[test]
fn after_a_flush_and_a_rewrite_the_dump_from_before_is_named() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let mut live = logging(&server, dir.path());
        fill(&mut live, "user", 50);
        live.must("SAVE");
        live.must("FLUSHALL");
        rewrite(&mut live);
        live.must("SET new 1");
        drop(live);
        let (status, message, _) = told(dir.path(), "neighbour-data");
        assert_eq!(status, Some(0), "{message}");
        assert!(message.contains("50 keys"), "{message}");
        let out = dir.path().join("out");
        let convert = Command::new(env!("CARGO_BIN_EXE_aofkit"))
            .args(["convert", "--output"])
            .args([out.join("appendonlydir"), dir.path().join("dump.rdb")])
            .output()
            .expect("run");
        assert_eq!(convert.status.code(), Some(0), "{convert:?}");
        assert_eq!(keys(&server, &out), 50, "{}", server.name);
    }
}

/// A backup of before is copied over a set that a rewrite has taken on: manifest and files of before, files of after.
#[test]
fn an_older_copy_over_newer_files_is_told_and_the_newer_files_are_adopted() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let mut live = logging(&server, dir.path());
        let set = dir.path().join("appendonlydir");
        fill(&mut live, "user", 30);
        let kept: Vec<_> =
            names(&set, "").into_iter().map(|p| (p.clone(), fs::read(p).unwrap())).collect();
        fill(&mut live, "newer", 30);
        rewrite(&mut live);
        fill(&mut live, "more", 5);
        drop(live);
        for (path, bytes) in kept {
            fs::write(path, bytes).expect("write");
        }
        let (status, message, next) = told(dir.path(), "started-empty");
        assert_eq!(status, Some(22), "{message}");
        assert!(message.contains("65 keys after replay, the set holds 30"), "{message}");
        carry_out(&next.expect("what to do"));
        assert_eq!(keys(&server, dir.path()), 65, "{}", server.name);
    }
}

/// Power loss and copies: the manifest is empty, or was not copied along.
#[test]
fn a_set_whose_manifest_is_empty_or_was_left_behind_comes_back_whole() {
    for server in servers() {
        for is_there in [true, false] {
            let (dir, set) = written(&server, 30);
            let manifest = one(&set, ".manifest");
            let kind = match is_there {
                true => fs::write(&manifest, "").map(|()| "manifest-invalid"),
                false => fs::remove_file(&manifest).map(|()| "manifest-missing"),
            };
            let (status, _, next) = told(dir.path(), kind.expect("change it"));
            assert_eq!(status, Some(22));
            carry_out(&next.expect("what to do"));
            assert_eq!(keys(&server, dir.path()), 35, "{}", server.name);
        }
    }
}

/// What is healthy stays silent: the log switched off and on, and a rewrite that failed and raised the increment's number.
#[test]
fn a_log_that_was_switched_off_and_on_is_nothing_to_tell_of() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let mut live = logging(&server, dir.path());
        fill(&mut live, "user", 30);
        live.must("CONFIG SET appendonly no");
        fill(&mut live, "between", 10);
        live.must("CONFIG SET appendonly yes");
        live.until_it_says("aof_rewrite_in_progress:0");
        live.until_it_says("aof_rewrite_scheduled:0");
        fill(&mut live, "late", 5);
        drop(live);
        assert_silent(dir.path(), &server.name);
        assert_eq!(keys(&server, dir.path()), 45, "{}", server.name);
    }
}
