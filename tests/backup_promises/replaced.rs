//! `restore --replace`: takes what is right in the old directory, keeps it, and leaves servers alone.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use super::home::{Home, INCREMENT, files_in, set};
use super::support::live::Live;
use super::support::server::Server;
use super::trace::{Act, Tracer};
use super::{Random, aofkit, expect};

const BASE: &str = "appendonly.aof.1.base.aof";

/// The directories beside `target` whose names begin with its name.
fn beside(target: &Path) -> Vec<PathBuf> {
    let name = target.file_name().unwrap().to_str().unwrap().to_owned() + ".";
    let all = fs::read_dir(target.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    all.filter(|p| p.file_name().unwrap().to_str().unwrap().starts_with(&name)).collect()
}

#[test]
fn what_is_right_in_the_old_directory_is_not_read_from_the_repository() {
    let Some(tracer) = Tracer::find() else { return };
    let home = Home::in_memory();
    home.fill(&set("a", &Random(1).bytes(300_000)));
    home.put(BASE, &set("base", &Random(2).bytes(4 << 20)));
    home.backup();
    home.append(&set("b", &Random(3).bytes(100_000)));
    let made = home.backup();
    let wanted = files_in(&home.set());
    // The base and the first piece are right; the second is not what it was, and is longer.
    home.put(INCREMENT, &wanted[INCREMENT][..350_000]);
    home.append(&Random(4).bytes(200_000));
    let (set_dir, repo) = (home.set(), home.repo());
    let from = format!("{}::latest", repo.display());
    let words = ["restore", &from, set_dir.to_str().unwrap(), "--replace"];
    let act = Act { what: "answers", at: 0, calls: "read,pread64,mmap" };
    let traced = tracer.run(act, &[&repo.join("objects")], &words);
    assert_eq!(traced.code, 0, "{}", traced.stderr);
    let read: i64 = traced
        .listed
        .iter()
        .map(|line| line.strip_prefix("answer ").unwrap().split_once(' ').unwrap().0)
        .map(|bytes| bytes.parse::<i64>().unwrap().max(0))
        .sum();
    let needed = made.entry.files[1].segments[1].stored as i64;
    assert!(
        read >= needed && read < needed + 4096,
        "{read} bytes of objects read, {needed} needed"
    );
    assert_eq!(files_in(&home.set()), wanted);
    println!("{read} bytes of objects read of {} bytes of files", made.entry.logical_bytes());
    let old = beside(&home.set());
    assert_eq!(old.len(), 1, "{old:?}");
    assert_eq!(fs::metadata(old[0].join(INCREMENT)).unwrap().len(), 550_000);
}

#[test]
fn owner_and_modes_are_those_that_were_there() {
    let home = Home::in_memory();
    home.fill(&set("a", b"1"));
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(&home.set().join(INCREMENT), 0o640);
    mode(&home.set().join(BASE), 0o600);
    mode(&home.set().join("appendonly.aof.manifest"), 0o644);
    home.backup();
    let target = home.root.path().join("t");
    fs::create_dir(&target).unwrap();
    fs::write(target.join("old"), b"").unwrap();
    mode(&target, 0o750);
    if chown(&target, Some(1234), Some(2345)).is_err() {
        println!("did not run: only root gives files away");
        return;
    }
    let from = format!("{}::latest", home.repo().display());
    expect(0, &["restore", &from, target.to_str().unwrap(), "--replace"]);
    let owner = |path: &Path| {
        let meta = fs::metadata(path).unwrap();
        (meta.uid(), meta.gid(), meta.mode() & 0o7777)
    };
    assert_eq!(owner(&target), (1234, 2345, 0o750));
    assert_eq!(owner(&target.join(INCREMENT)), (1234, 2345, 0o640));
    assert_eq!(owner(&target.join(BASE)), (1234, 2345, 0o600));
    assert_eq!(owner(&target.join("appendonly.aof.manifest")), (1234, 2345, 0o644));
    // A new directory belongs to whom the place belongs.
    let place = home.root.path().join("place");
    fs::create_dir(&place).unwrap();
    chown(&place, Some(77), Some(78)).unwrap();
    let fresh = place.join("t");
    expect(0, &["restore", &from, fresh.to_str().unwrap()]);
    // As the mask of this process has it.
    let as_made = fs::metadata(&place).unwrap().mode() & 0o7777;
    assert_eq!(owner(&fresh), (77, 78, as_made));
    assert_eq!(owner(&fresh.join(BASE)), (77, 78, 0o600));
}

const SERVERS: [&str; 3] = ["redis-7.0", "redis-8.2", "valkey-9.1"];

/// A repository's place, and a directory for a server.
fn with_data() -> (Home, PathBuf) {
    let home = Home::new();
    let data = home.root.path().join("data");
    fs::create_dir(&data).unwrap();
    (home, data)
}

fn start(server: &Server, dir: &Path) -> Live {
    Live::start_with(server, dir, &["--appendonly", "yes", "--appendfsync", "always"])
}

#[test]
fn a_directory_that_a_server_holds_is_left_alone() {
    for server in Server::all_or_none(&SERVERS) {
        let (home, data) = with_data();
        let mut live = start(&server, &data);
        live.must("SET a 1");
        let (dir, repo) = (data.join("appendonlydir"), home.repo());
        let (dir_text, repo) = (dir.to_str().unwrap(), repo.to_str().unwrap());
        expect(0, &["backup", dir_text, "--repo", repo, "--min-free", "0"]);
        live.must("SET a 2");
        let before = files_in(&dir);
        let from = format!("{repo}::latest");
        let refused = expect(11, &["restore", &from, dir_text, "--replace"]);
        assert!(refused.contains("stop the server"), "{refused}");
        assert_eq!(files_in(&dir), before, "{}", server.name);
        assert_eq!(beside(&dir), Vec::<PathBuf>::new(), "{}", server.name);
        live.shut_down();
        // It writes down where it ended.
        let before = files_in(&dir);
        expect(0, &["restore", &from, dir_text, "--replace"]);
        assert_eq!(files_in(&beside(&dir)[0]), before, "{}", server.name);
        let mut live = start(&server, &data);
        assert_eq!(live.must("GET a").number(), 1, "{}", server.name);
    }
}

#[test]
fn a_server_starts_from_the_lines_of_print_config_alone() {
    for server in Server::all_or_none(&SERVERS) {
        let (home, data) = with_data();
        let names = ["--appenddirname", "its own dir", "--appendfilename", "of-its-own.aof"];
        let settings = [&["--appendonly", "yes", "--appendfsync", "always"], &names[..]].concat();
        let mut live = Live::start_with(&server, &data, &settings);
        live.must("SET a 17");
        live.shut_down();
        let (set_dir, repo) = (data.join("its own dir"), home.repo());
        let repo = repo.to_str().unwrap();
        expect(0, &["backup", set_dir.to_str().unwrap(), "--repo", repo, "--min-free", "0"]);
        let target = home.root.path().join("another place's \"set\"");
        let from = format!("{repo}::latest");
        let words = ["restore", &from, target.to_str().unwrap(), "--print-config", "-q"];
        let output = aofkit(&words);
        let output = String::from_utf8(output.stdout).unwrap();
        let from = output.find("appendonly yes").unwrap_or_else(|| panic!("{output}"));
        let conf = home.root.path().join("redis.conf");
        fs::write(&conf, &output[from..]).unwrap();
        let elsewhere = home.root.path().join("run");
        fs::create_dir(&elsewhere).unwrap();
        let mut live = Live::start_by(&server, &elsewhere, &conf);
        assert_eq!(live.must("GET a").number(), 17, "{}: {output}", server.name);
    }
}
