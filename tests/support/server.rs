//! Real servers and their check tools, run on copies, and what became of it in exact terms.
//!
//! Both write to what they are pointed at (a check tool opens read-write, a loader truncates,
//! creates and unlinks), so nothing here ever sees an original.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::copy_tree;

/// The append directory's name in every recorded set, and its manifest's path.
pub const APPEND_DIR: &str = "aof";
/// The manifest of every recorded multi-part set, seen from the data directory.
pub const MANIFEST: &str = "aof/appendonly.aof.manifest";
/// The pre-7.0 file of every recorded single-file set.
pub const SINGLE_FILE: &str = "appendonly.aof";

/// Longest time a start or a check of these small sets may take; a real one takes some 50 ms.
const PATIENCE: Duration = Duration::from_secs(30);

/// One installed server.
#[derive(Clone, Debug)]
pub struct Server {
    /// Family and series, as in `redis-8.2`.
    pub name: String,
    home: PathBuf,
}

/// One `AOF analyzed:` line of a check tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Analyzed {
    /// The file as the tool names it.
    pub file: String,
    /// Its size.
    pub size: u64,
    /// Up to where the tool finds nothing wrong.
    pub ok_up_to: u64,
}

/// What a check tool said.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Exit code; `None` when a signal ended it.
    pub exit: Option<i32>,
    /// A row per file that it got to the end of, sound or not.
    pub analyzed: Vec<Analyzed>,
    /// All of its standard output.
    pub output: String,
}

/// What became of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Loaded at least one file, and changed none of them.
    Loaded,
    /// Up, but nothing was loaded.
    StartedEmpty,
    /// Up, and a data file is shorter than before.
    StartedAfterTruncation,
    /// Ended by itself with this code before it was ready.
    Refused(i32),
    /// Ended by this signal before it was ready.
    Crashed(i32),
    /// Neither ready nor gone when patience ran out.
    Hung,
}

/// A start: its outcome, what was printed, and what is on disk afterwards.
#[derive(Clone, Debug)]
pub struct Start {
    /// What became of it.
    pub outcome: Outcome,
    /// The log up to then.
    pub log: String,
    /// Where data files were cut, by file name without directory.
    pub cut: BTreeMap<String, u64>,
}

/// Where the servers are: `$AOFKIT_SERVERS`, else the cache that `tests/servers/fetch` fills.
pub fn servers_dir() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("AOFKIT_SERVERS") {
        return Some(PathBuf::from(named));
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    Some(cache.or(home)?.join("aofkit/servers"))
}

/// Every server that `tests/servers/fetch` brings.
pub const ALL: [&str; 9] = [
    "redis-6.2",
    "redis-7.0",
    "redis-7.4",
    "redis-8.0",
    "redis-8.2",
    "redis-8.6",
    "valkey-8.1",
    "valkey-9.0",
    "valkey-9.1",
];

impl Server {
    /// The installed server of that name, `None` when there is none.
    pub fn find(name: &str) -> Option<Server> {
        let home = servers_dir()?.join(name);
        let complete = home.join("server").is_file() && home.join("check-aof").is_file();
        complete.then(|| Server { name: name.to_owned(), home })
    }

    /// All of `names`, or `None` when one is missing.
    pub fn find_all(names: &[&str]) -> Option<Vec<Server>> {
        names.iter().map(|name| Server::find(name)).collect()
    }

    /// All of `names`, or none, which is told.
    pub fn all_or_none(names: &[&str]) -> Vec<Server> {
        Self::find_all(names).unwrap_or_else(|| {
            println!("did not run: not all servers were found");
            Vec::new()
        })
    }

    /// Points the check tool at `subject`, a path inside a copy of `data_dir`.
    pub fn check_aof(&self, data_dir: &Path, subject: &str) -> Checked {
        let copy = tempfile::tempdir().expect("make a temporary directory");
        copy_tree(data_dir, copy.path());
        let mut command = Command::new(self.home.join("check-aof"));
        command.arg(subject).current_dir(copy.path()).stdin(Stdio::null());
        let run = run_for_at_most(PATIENCE, &mut command, |_| false);
        let output = run.lines.join("\n");
        let analyzed = run.lines.iter().filter_map(|line| analyzed(line)).collect();
        Checked { exit: run.status.and_then(|status| status.code()), analyzed, output }
    }

    /// Has the check tool cut what it finds wrong, in `data_dir` itself; whether it was content then.
    pub fn fix(&self, data_dir: &Path, subject: &str) -> bool {
        let mut child = Command::new(self.home.join("check-aof"))
            .args(["--fix", subject])
            .current_dir(data_dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("start a check tool");
        // It may be gone before it asks.
        let _ = child.stdin.take().expect("a pipe").write_all(b"y\n");
        child.wait().expect("wait for a check tool").success()
    }

    /// The server program.
    pub fn program(&self) -> PathBuf {
        self.home.join("server")
    }

    /// The same to be started. Some servers do not start in a locale that the machine does not have.
    pub fn command(&self) -> Command {
        let mut command = Command::new(self.program());
        command.env("LC_ALL", "C");
        command
    }

    /// What redis-check-rdb says of a file, which it only reads: its exit code (`None` when a signal
    /// ended it) and its output.
    pub fn check_rdb(&self, file: &Path) -> (Option<i32>, String) {
        let mut command = Command::new(self.home.join("check-rdb"));
        command.arg(file).stdin(Stdio::null());
        let run = run_for_at_most(PATIENCE, &mut command, |_| false);
        (run.status.and_then(|status| status.code()), run.lines.join("\n"))
    }

    /// The modules that came with it, as options that load them.
    pub fn modules(&self) -> Vec<PathBuf> {
        let listed = fs::read_dir(self.home.join("modules"));
        let mut all: Vec<_> =
            listed.into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        all.retain(|path| path.extension() == Some("so".as_ref()));
        all.sort();
        all.into_iter().flat_map(|path| [PathBuf::from("--loadmodule"), path]).collect()
    }

    /// Starts the server on a copy of `data_dir`, and ends it as soon as it is up.
    pub fn load(&self, data_dir: &Path) -> Start {
        self.start(data_dir, None, &[])
    }

    /// The same with these lines of a configuration, which say how many databases there are.
    pub fn load_by(&self, data_dir: &Path, lines: &str) -> Start {
        if !lines.contains("cluster-enabled yes") {
            return self.start(data_dir, Some(lines), &[]);
        }
        // A node without a port of its own takes port 10000 for its bus, and there is one of that.
        static BUS: Mutex<()> = Mutex::new(());
        let _alone = BUS.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..100 {
            let start = self.start(data_dir, Some(lines), &[]);
            if !start.log.contains("Address already in use") {
                return start;
            }
            thread::sleep(Duration::from_millis(100));
        }
        panic!("{}: port 10000 is taken by something else", self.name);
    }

    /// The same with options of its own.
    pub fn load_with(&self, data_dir: &Path, options: &[PathBuf]) -> Start {
        self.start(data_dir, None, options)
    }

    fn start(&self, data_dir: &Path, lines: Option<&str>, options: &[PathBuf]) -> Start {
        let copy = tempfile::tempdir().expect("make a temporary directory");
        copy_tree(data_dir, copy.path());
        let before = sizes(copy.path());
        let sockets = tempfile::tempdir().expect("make a temporary directory");
        let mut command = self.command();
        match lines {
            Some(lines) => {
                let conf = sockets.path().join("conf");
                fs::write(&conf, lines).expect("write a configuration");
                command.arg(conf);
            }
            None => {
                command.args(["--databases", "16"]);
            }
        }
        command
            .args(["--port", "0", "--save", "", "--logfile", "", "--daemonize", "no"])
            .args(["--appendonly", "yes", "--appendfilename", SINGLE_FILE])
            .args(["--aof-load-truncated", "yes", "--auto-aof-rewrite-percentage", "0"])
            // A crash is reported by its signal; the reports themselves take seconds.
            .args(["--crash-log-enabled", "no", "--crash-memcheck-enabled", "no"])
            .arg("--dir")
            .arg(copy.path())
            .arg("--unixsocket")
            .arg(sockets.path().join("s"))
            .current_dir(copy.path())
            .stdin(Stdio::null());
        if self.name != "redis-6.2" {
            command.args(["--appenddirname", APPEND_DIR]);
        }
        command.args(options);
        let ready = |line: &str| line.contains("eady to accept connections");
        let run = run_for_at_most(PATIENCE, &mut command, ready);
        let log = run.lines.join("\n");
        let cut = cuts(&log, &before, &sizes(copy.path()));
        let outcome = match run.status {
            None if run.stopped_at_line => started(&log, &cut),
            None => Outcome::Hung,
            Some(status) => match status.signal() {
                Some(signal) => Outcome::Crashed(signal),
                None => Outcome::Refused(status.code().unwrap_or(-1)),
            },
        };
        Start { outcome, log, cut }
    }
}

fn started(log: &str, cut: &BTreeMap<String, u64>) -> Outcome {
    if log.contains("Truncating the AOF") || !cut.is_empty() {
        Outcome::StartedAfterTruncation
    } else if log.contains("DB loaded from base file")
        || log.contains("DB loaded from incr file")
        // Redis 6.2 knows of one file only.
        || log.contains("DB loaded from append only file")
    {
        Outcome::Loaded
    } else {
        Outcome::StartedEmpty
    }
}

/// Reads `AOF analyzed: filename=F, size=N, ok_up_to=N, …`; Redis 6.2 prints no name.
fn analyzed(line: &str) -> Option<Analyzed> {
    let rest = line.strip_prefix("AOF analyzed: ")?;
    let (file, rest) = match rest.strip_prefix("filename=") {
        // The name itself may hold a comma.
        Some(named) => {
            let end = named.rfind(", size=")?;
            (&named[..end], &named[end + 2..])
        }
        None => ("", rest),
    };
    let number = |key: &str| {
        let field = rest.split(", ").find_map(|field| field.strip_prefix(key))?;
        field.parse().ok()
    };
    Some(Analyzed { file: file.to_owned(), size: number("size=")?, ok_up_to: number("ok_up_to=")? })
}

/// Sizes of all files but manifests, which servers rewrite for reasons of their own.
fn sizes(dir: &Path) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    let mut pending = vec![dir.to_path_buf()];
    while let Some(at) = pending.pop() {
        for entry in fs::read_dir(&at).expect("list a directory").flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            let path = entry.path();
            if metadata.is_dir() {
                pending.push(path);
            } else if metadata.is_file() && path.extension() != Some("manifest".as_ref()) {
                let name =
                    path.strip_prefix(dir).expect("below dir").to_string_lossy().into_owned();
                found.insert(name, metadata.len());
            }
        }
    }
    found
}

/// Files that are shorter than before, and what the log tells of cutting. The log has the last word:
/// the server may have written again since, for a key that expired.
fn cuts(
    log: &str,
    before: &BTreeMap<String, u64>,
    after: &BTreeMap<String, u64>,
) -> BTreeMap<String, u64> {
    let base = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    // An upgrade moves the single file, so it is looked up in both places.
    let now = |name: &str| after.get(name).or_else(|| after.get(&format!("{APPEND_DIR}/{name}")));
    let mut found = BTreeMap::new();
    for (name, size) in before {
        if let Some(left) = now(name).filter(|left| *left < size) {
            found.insert(base(name), *left);
        }
    }
    for line in log.lines() {
        let told = line.split_once("Truncating the AOF ").map(|(_, told)| told);
        if let Some((name, offset)) = told.and_then(|told| told.split_once(" at offset "))
            && let Ok(offset) = offset.trim_end_matches(['!', ' ']).parse()
        {
            found.insert(base(name), offset);
        }
    }
    found
}

/// A program's lines of output, and how it ended.
pub struct Run {
    /// Standard output, line by line.
    pub lines: Vec<String>,
    /// How it ended by itself; `None` when it was stopped.
    pub status: Option<ExitStatus>,
    /// It was stopped because of the line waited for, rather than for being slow.
    pub stopped_at_line: bool,
}

/// Runs a program until it ends, prints a line that `enough` accepts, or `patience` is over; it is
/// gone afterwards in any case. Standard error is dropped.
pub fn run_for_at_most(
    patience: Duration,
    command: &mut Command,
    enough: impl Fn(&str) -> bool,
) -> Run {
    let deadline = Instant::now() + patience;
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("start a program");
    let lines = lines_of(&mut child);
    let mut run = Run { lines: Vec::new(), status: None, stopped_at_line: false };
    let mut ended = false;
    while !ended && !run.stopped_at_line {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                run.stopped_at_line = enough(&line);
                run.lines.push(line);
            }
            Err(RecvTimeoutError::Disconnected) => ended = true,
            Err(RecvTimeoutError::Timeout) => break,
        }
    }
    // Output may end a moment before the process does.
    while ended && Instant::now() < deadline {
        run.status = child.try_wait().expect("wait for a program");
        if run.status.is_some() {
            return run;
        }
        thread::sleep(Duration::from_millis(1));
    }
    child.kill().expect("kill a program of our own");
    child.wait().expect("wait for a killed program");
    run
}

fn lines_of(child: &mut Child) -> Receiver<String> {
    let output = BufReader::new(child.stdout.take().expect("standard output is a pipe"));
    let (send, receive) = channel();
    thread::spawn(move || {
        for line in output.split(b'\n').map_while(Result::ok) {
            if send.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                break;
            }
        }
    });
    receive
}
