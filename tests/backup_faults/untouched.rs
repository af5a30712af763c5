//! Verbs that only read make no call that could change the set, work where nothing can be written, and for whoever
//! may read.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::home::{EXEC, Home, INCREMENT, MULTI, set, tree};
use super::support::put_program;
use super::trace::{Act, Tracer};
use super::{backup_words, four_files, strs};

/// How a run ended.
pub struct Run {
    pub code: i32,
    pub stderr: String,
}

/// Runs the binary.
pub fn run(words: &[&str]) -> Run {
    finish(Command::new(env!("CARGO_BIN_EXE_aofkit")).args(words))
}

fn finish(command: &mut Command) -> Run {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Run { code: output.status.code().unwrap_or(-1), stderr: text(output.stderr) }
}

/// Sets in various states of health: whole, with a torn end, with an open transaction, without a manifest.
fn sets() -> Vec<(&'static str, Home)> {
    let whole = Home::in_memory();
    four_files(&whole);
    let torn = Home::in_memory();
    torn.fill(&[&set("a", b"1")[..], b"*3\r\n$3\r\nSE"].concat());
    let open = Home::in_memory();
    open.fill(&[&set("a", b"1")[..], MULTI, &set("b", b"2")].concat());
    let closed = Home::in_memory();
    closed.fill(&[MULTI, &set("b", b"2"), EXEC].concat());
    fs::remove_file(closed.set().join(super::MANIFEST)).unwrap();
    vec![("whole", whole), ("torn", torn), ("open", open), ("without manifest", closed)]
}

fn reading(home: &Home) -> Vec<Vec<String>> {
    let set = home.set().to_str().unwrap().to_owned();
    let plain = ["inspect", "check", "stats", "growth", "cat", "repair", "clean"];
    let mut all: Vec<_> = plain.iter().map(|verb| vec![(*verb).to_owned(), set.clone()]).collect();
    all.push(backup_words(home));
    all.push(backup_words(home));
    all
}

#[test]
fn no_verb_that_reads_makes_a_call_that_could_change_the_set() {
    let Some(tracer) = Tracer::find() else { return };
    let mut looked = 0;
    for (health, home) in sets() {
        let before = tree(&home.set());
        for words in reading(&home) {
            let act = Act { what: "count", at: 0, calls: "list" };
            // With what lies beside it: a sibling directory would be a change, too.
            let traced = tracer.run(act, &[&home.set()], &strs(&words));
            assert!(traced.calls > 0, "{words:?}: it did not look at the set");
            looked += traced.calls;
            let act = Act { calls: "change", ..act };
            let changing = tracer.run(act, &[&home.set()], &strs(&words));
            assert_eq!(changing.calls, 0, "{health}: {words:?}: {:?}", traced.listed);
        }
        assert_eq!(tree(&home.set()), before, "{health}");
    }
    println!("{looked} calls of reading verbs concern the set, none could change it");
}

#[test]
fn what_does_change_a_set_is_seen_by_the_same_eyes() {
    let Some(tracer) = Tracer::find() else { return };
    let home = Home::in_memory();
    home.fill(&[&set("a", b"1")[..], b"*3\r\n$3\r\nSE"].concat());
    let set_dir = home.set();
    let words = ["repair", set_dir.to_str().unwrap(), "--apply"];
    let traced = tracer.run(Act { what: "count", at: 0, calls: "change" }, &[&home.set()], &words);
    assert!(traced.code == 0 && traced.calls > 3, "{traced:?}");
}

#[test]
fn no_verb_that_reads_a_repository_changes_it() {
    let Some(tracer) = Tracer::find() else { return };
    let home = Home::in_memory();
    four_files(&home);
    home.backup();
    let before = tree(&home.repo());
    let repo = home.repo();
    let repo = repo.to_str().unwrap();
    let snapshot = format!("{repo}::latest");
    let target = home.root.path().join("target");
    let target = target.to_str().unwrap();
    let all: [&[&str]; 7] = [
        &["verify", "--repo", repo],
        &["verify", "--repo", repo, "--data"],
        &["snapshots", "--repo", repo],
        &["check", &snapshot],
        &["cat", &snapshot],
        &["prune", "--repo", repo, "--keep-last", "1"],
        &["restore", &snapshot, target],
    ];
    for words in all {
        let act = Act { what: "count", at: 0, calls: "list" };
        let traced = tracer.run(act, &[&home.repo()], words);
        assert_eq!(traced.code, 0, "{words:?}: {}", traced.stderr);
        assert!(traced.calls > 0);
        // Locks are taken on files that are opened for reading.
        let changes = "write,pwrite64,writev,ftruncate,truncate,fallocate,unlink,unlinkat,rename,renameat,\
                       renameat2,link,linkat,mkdir,mkdirat,rmdir,fchmod,chmod,fchmodat,fchown,utimensat,fsync";
        let changing = tracer.run(Act { calls: changes, ..act }, &[&home.repo()], words);
        assert_eq!(changing.calls, 0, "{words:?}: {:?}", traced.listed);
    }
    assert_eq!(tree(&home.repo()), before);
}

/// A directory mounted a second time, where nothing can be written.
struct ReadOnly(PathBuf);

impl ReadOnly {
    fn of(dir: &Path, at: &Path) -> Option<Self> {
        fs::create_dir(at).unwrap();
        let mount = |words: &[&str], paths: &[&Path]| {
            let run = Command::new("mount").args(words).args(paths).stderr(Stdio::null()).status();
            run.is_ok_and(|status| status.success())
        };
        if !mount(&["--bind"], &[dir, at]) {
            println!("did not run: nothing can be mounted here");
            return None;
        }
        let mounted = Self(at.to_owned());
        assert!(mount(&["-o", "remount,ro,bind"], &[at]));
        Some(mounted)
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_set_and_a_repository_are_read_where_nothing_can_be_written() {
    let home = Home::in_memory();
    four_files(&home);
    let at = home.root.path().join("read-only");
    let Some(mounted) = ReadOnly::of(&home.set(), &at) else { return };
    assert!(fs::write(at.join("x"), b"").is_err(), "it can be written");
    let (set_dir, repo) = (at.to_str().unwrap(), home.repo());
    let repo = repo.to_str().unwrap();
    for verb in ["inspect", "check", "stats", "growth", "cat"] {
        let ran = run(&[verb, set_dir]);
        assert_eq!(ran.code, 0, "{verb}: {}", ran.stderr);
    }
    let ran = run(&["backup", set_dir, "--repo", repo, "--min-free", "0"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    drop(mounted);
    let at = home.root.path().join("read-only-repo");
    let Some(_mounted) = ReadOnly::of(&home.repo(), &at) else { return };
    let repo = at.to_str().unwrap();
    let snapshot = format!("{repo}::latest");
    let target = home.root.path().join("target");
    let all: [&[&str]; 5] = [
        &["verify", "--repo", repo, "--data"],
        &["snapshots", "--repo", repo],
        &["check", &snapshot],
        &["prune", "--repo", repo, "--keep-last", "1"],
        &["restore", &snapshot, target.to_str().unwrap()],
    ];
    for words in all {
        let ran = run(words);
        assert_eq!(ran.code, 0, "{words:?}: {}", ran.stderr);
    }
}

#[test]
fn whoever_may_only_read_the_set_can_back_it_up() {
    const NOBODY: u32 = 65534;
    let home = Home::in_memory();
    four_files(&home);
    // The binary may lie where nobody else can reach it.
    let binary = home.root.path().join("aofkit");
    put_program(&binary, &fs::read(env!("CARGO_BIN_EXE_aofkit")).unwrap());
    let places = home.root.path().join("places");
    fs::create_dir(&places).unwrap();
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(home.root.path(), 0o755);
    mode(&home.set(), 0o555);
    for file in fs::read_dir(home.set()).unwrap() {
        mode(&file.unwrap().path(), 0o444);
    }
    if std::os::unix::fs::chown(&places, Some(NOBODY), Some(NOBODY)).is_err() {
        println!("did not run: only root can be somebody else");
        return;
    }
    let set_dir = home.set();
    let (set_dir, repo) = (set_dir.to_str().unwrap(), places.join("repo"));
    let (repo, target) = (repo.to_str().unwrap(), places.join("target"));
    let as_nobody = |words: &[&str]| {
        let ran = finish(Command::new(&binary).args(words).uid(NOBODY).gid(NOBODY));
        assert_eq!(ran.code, 0, "{words:?}: {}", ran.stderr);
    };
    as_nobody(&["check", set_dir]);
    as_nobody(&["backup", set_dir, "--repo", repo, "--min-free", "0"]);
    as_nobody(&["verify", "--repo", repo, "--data"]);
    as_nobody(&["restore", &format!("{repo}::latest"), target.to_str().unwrap()]);
    let name = target.join(INCREMENT);
    assert_eq!(fs::read(name).unwrap(), fs::read(home.set().join(INCREMENT)).unwrap());
}
