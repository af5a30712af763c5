//! The second wall: a log that nobody has looked at, given to a server in the same surroundings.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::support::live::Process;
use super::support::processes::{is_alive, is_root, unshares, working_in};
use super::support::server::Server;
use super::support::spelled::record;
use super::support::{copy_tree, put_program};
use super::{SERVERS, Set, library, set};

/// A user who has nothing; ourselves, where we cannot become another.
fn who() -> &'static str {
    if is_root() { "61234" } else { "same" }
}

/// A directory that he owns.
pub fn home(files: &[(&str, &[u8])]) -> TempDir {
    let home = TempDir::new().unwrap();
    for (name, bytes) in files {
        fs::write(home.path().join(name), bytes).unwrap();
    }
    if is_root() {
        for path in files.iter().map(|(name, _)| home.path().join(name)).chain([home.path().into()])
        {
            std::os::unix::fs::chown(path, Some(61234), Some(61234)).unwrap();
        }
    }
    home
}

/// Runs a program as a trial does, without anybody having looked, and answers what it says until it ends or is ready.
fn run(home: &Path, program: &Path, args: &[&str]) -> String {
    let socket = home.join("s");
    let args = [args, &["--port", "0", "--unixsocket", socket.to_str().unwrap()]].concat();
    let mut keeper = keeper_of(home, BOUNDS, program, &args);
    let (mut said, mut lines) = (String::new(), Vec::new());
    let mut output = std::io::BufReader::new(keeper.stdout.take().unwrap());
    while std::io::BufRead::read_until(&mut output, b'\n', &mut lines).unwrap() > 0 {
        said += &String::from_utf8_lossy(&lines);
        lines.clear();
        if said.contains("eady to accept connections") {
            break;
        }
    }
    // What waits for us sees us go.
    drop(keeper.stdin.take());
    keeper.wait().unwrap();
    said
}

/// A module that runs after all has its own number, cannot write elsewhere and reaches nobody.
#[test]
fn code_that_a_log_brings_in_finds_nothing_to_act_on() {
    let servers = Server::all_or_none(&["redis-6.2", "redis-7.0", "valkey-9.1"]);
    let open = TempDir::new().unwrap();
    fs::set_permissions(open.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let marker = open.path().join("marker");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let code = format!(
        "FILE *told = fopen(\"told\", \"w\"); if (!told) return;
         fprintf(told, \"uid %d\\n\", (int)geteuid());
         fprintf(told, \"marker %d\\n\", creat(\"{}\", 0644));
         fprintf(told, \"root again %d\\n\", setuid(0));
         struct sockaddr_in to; memset(&to, 0, sizeof to); to.sin_family = AF_INET;
         to.sin_port = htons({port}); to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
         int s = socket(AF_INET, SOCK_STREAM, 0);
         fprintf(told, \"connect %d\\n\", connect(s, (struct sockaddr *)&to, sizeof to));
         fclose(told);",
        marker.display()
    );
    let Some(module) = library(open.path(), &code) else { return };
    let load = record(&[b"MODULE", b"LOAD", module.to_str().unwrap().as_bytes()]);
    for server in servers {
        let home = home(&[("appendonly.aof", &[set("a"), load.clone()].concat())]);
        let said = run(home.path(), &server.program(), &["--appendonly", "yes"]);
        let told = fs::read_to_string(home.path().join("told"));
        let told =
            told.unwrap_or_else(|e| panic!("{}: the module did not run: {e}: {said}", server.name));
        assert_eq!(told.contains("uid 61234\n"), is_root(), "{told}");
        assert!(!told.contains("uid 0\n"), "{told}");
        // Of these two one alone stands where the kernel has not both.
        assert!(
            said.contains("\u{1}without files") || told.contains("marker -1\n"),
            "{told} {said}"
        );
        assert!(told.contains("root again -1\n"), "{told}");
        let walls = ["\u{1}without files", "\u{1}without a network"];
        assert!(
            walls.iter().all(|wall| said.contains(wall)) || told.contains("connect -1\n"),
            "{told}"
        );
    }
    assert!(listener.accept().is_err(), "somebody called");
}

/// Servers do not look at `enable-module-command` while they load.
#[test]
fn a_command_without_a_name_ends_the_load() {
    for server in Server::all_or_none(&SERVERS) {
        for words in [&[&b"MODULE"[..], b"LIST"][..], &[b"CONFIG", b"SET", b"maxmemory", b"0"]] {
            let home = home(&[("appendonly.aof", &[set("a"), record(words)].concat())]);
            let name = std::str::from_utf8(words[0]).unwrap();
            let args = ["--appendonly", "yes"];
            let said = run(home.path(), &server.program(), &args);
            assert!(said.contains("eady to accept"), "{}: {said}", server.name);
            let home = self::home(&[("appendonly.aof", &[set("a"), record(words)].concat())]);
            let args = [&args[..], &["--rename-command", name, ""]].concat();
            let said = run(home.path(), &server.program(), &args);
            assert!(!said.contains("eady to accept"), "{}: {said}", server.name);
            assert!(said.contains("nknown command"), "{}: {said}", server.name);
        }
    }
}

/// What `name` says of a process.
fn status(pid: &str, name: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_default().trim().to_owned()
}

#[test]
fn a_server_on_trial_is_nobody_has_no_network_and_dies_with_aofkit() {
    let Some(real) = Server::find("redis-8.2") else {
        println!("no redis-8.2: nothing was tried");
        return;
    };
    // It says that it is ready, and is not heard: so it stays.
    let dir = TempDir::new().unwrap();
    copy_tree(real.program().parent().unwrap(), &dir.path().join("real"));
    let program = dir.path().join("server");
    let text = "#!/bin/sh\ncase $1 in --version) exec \"${0%/*}/real/server\" --version;; esac\nexec \"${0%/*}/real/server\" \"$@\" >/dev/null\n";
    put_program(&program, text.as_bytes());
    let (one, temporary) = (Set::new(&set("a"), &set("b")), TempDir::new().unwrap());
    let child = Command::new("sh")
        .args([
            "-c",
            "exec \"$@\" 4</dev/null",
            "sh",
            env!("CARGO_BIN_EXE_aofkit"),
            "growth",
            "--calibrate",
        ])
        .arg(&program)
        .arg(one.dir())
        .env("TMPDIR", temporary.path())
        .env("SECRET", "x")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let child = Process(child);
    let started = Instant::now();
    let server = loop {
        assert!(started.elapsed() < Duration::from_secs(30), "the server was not started");
        let mut all = working_in(temporary.path()).into_iter();
        let found = all.find(|pid| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains("redis-server") && status(pid, "Threads") != "1"
        });
        match found {
            Some(pid) => break pid,
            None => thread::sleep(Duration::from_millis(10)),
        }
    };
    let link = |name: &str| fs::read_link(format!("/proc/{server}/ns/{name}")).unwrap();
    let ours = |name: &str| fs::read_link(format!("/proc/self/ns/{name}")).unwrap();
    if unshares("-n") {
        assert_ne!(link("net"), ours("net"));
        let devices = fs::read_to_string(format!("/proc/{server}/net/dev")).unwrap();
        assert_eq!(devices.lines().skip(2).count(), 1, "{devices}");
    }
    if unshares("-p") {
        assert_ne!(link("pid"), ours("pid"));
    }
    // Where it lies nobody but us can go; a way there takes mounts of its own.
    if is_root() && unshares("-m") {
        let uids = status(&server, "Uid");
        let is_nobody = |uid: &str| (61_184..65_520).contains(&uid.parse().unwrap_or(0));
        assert!(uids.split_whitespace().all(is_nobody), "{uids}");
        assert_eq!(status(&server, "Groups"), "", "it is in no group");
    }
    assert_eq!(status(&server, "CapEff"), "0".repeat(16));
    assert_eq!(status(&server, "CapPrm"), "0".repeat(16));
    assert_eq!(status(&server, "NoNewPrivs"), "1");
    let limits = fs::read_to_string(format!("/proc/{server}/limits")).unwrap();
    let cores = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert!(cores.contains(" 0 "), "{cores}");
    let environment = fs::read(format!("/proc/{server}/environ")).unwrap();
    assert!(!String::from_utf8_lossy(&environment).contains("SECRET"));
    // The fourth descriptor of ours was given to us, and led to /dev/null.
    let opened = fs::read_dir(format!("/proc/{server}/fd")).unwrap().flatten();
    let targets = opened.filter(|fd| fd.file_name() != "0" && fd.file_name() != "1");
    assert!(
        !targets.map(|fd| fs::read_link(fd.path()).unwrap()).any(|to| to == Path::new("/dev/null"))
    );
    // By SIGKILL.
    drop(child);
    let killed = Instant::now();
    while is_alive(&server) || fs::read_dir(temporary.path()).unwrap().count() > 0 {
        assert!(killed.elapsed() < Duration::from_secs(10), "something is left");
        thread::sleep(Duration::from_millis(10));
    }
}

/// The process between aofkit and the server is no way to keep a server either, however early it goes.
#[test]
fn a_server_dies_with_its_keeper() {
    let home = home(&[]);
    for wait in (0..40).map(|half| Duration::from_micros(500 * half)) {
        let mut keeper = keeper(home.path());
        thread::sleep(wait);
        keeper.kill().unwrap();
        keeper.wait().unwrap();
    }
    let killed = Instant::now();
    while trials_in(home.path()) > 0 {
        assert!(killed.elapsed() < Duration::from_secs(10), "something is left");
        thread::sleep(Duration::from_millis(10));
    }
    let mut keeper = keeper(home.path());
    let started = Instant::now();
    while working_in(home.path()).is_empty() {
        assert!(started.elapsed() < Duration::from_secs(30), "it was not started");
        thread::sleep(Duration::from_millis(10));
    }
    let sleepers = working_in(home.path());
    keeper.kill().unwrap();
    keeper.wait().unwrap();
    let killed = Instant::now();
    while sleepers.iter().any(|pid| is_alive(pid)) || trials_in(home.path()) > 0 {
        assert!(killed.elapsed() < Duration::from_secs(10), "something is left");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Keepers, founders and sleepers of a directory.
fn trials_in(home: &Path) -> usize {
    let home = home.to_str().unwrap();
    let all = fs::read_dir("/proc").unwrap().flatten();
    let lines = all.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
    lines.filter(|line| String::from_utf8_lossy(line).contains(home)).count()
}

fn keeper(home: &Path) -> Child {
    keeper_of(home, BOUNDS, Path::new("/bin/sleep"), &["60"])
}

/// Bytes of a file, seconds until it is ready, memory that stays free.
const BOUNDS: [u64; 3] = [1_000_000, 600, 0];

/// What runs a program as a trial does.
pub fn keeper_of(home: &Path, bounds: [u64; 3], program: &Path, args: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_aofkit"))
        .args(["--inside-a-trial", "keeper", who()])
        .arg(home)
        .args(bounds.map(|bound| bound.to_string()))
        .arg(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}
