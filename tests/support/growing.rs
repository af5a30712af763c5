//! A real server that writes an append-only file, in a directory of its own, and is gone when it is dropped.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::live::{Process, up};
use crate::support::server::Server;

const PATIENCE: Duration = Duration::from_secs(30);

/// A running server.
pub struct Growing {
    program: PathBuf,
    arguments: Vec<String>,
    dir: tempfile::TempDir,
    process: Process,
    stream: BufReader<UnixStream>,
    queued: Vec<u8>,
    waiting: usize,
}

fn start(program: &Path, arguments: &[String], dir: &Path) -> (Process, BufReader<UnixStream>) {
    let socket = dir.join("s");
    let mut command = Command::new(program);
    command.env("LC_ALL", "C");
    command
        .args(["--port", "0", "--save", "", "--appendonly", "yes", "--daemonize", "no"])
        .args(["--appendfsync", "no", "--databases", "16", "--logfile", "", "--dir"])
        .arg(dir)
        .arg("--unixsocket")
        .arg(&socket)
        .args(arguments);
    up("the server", command, dir, &socket)
}

impl Growing {
    /// Starts it with these arguments.
    pub fn start(server: &Server, arguments: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("make a temporary directory");
        let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
        let (process, stream) = start(&server.program(), &arguments, dir.path());
        let program = server.program();
        let mut growing =
            Self { program, arguments, dir, process, stream, queued: Vec::new(), waiting: 0 };
        growing.until_loaded();
        growing
    }

    /// Ends it, and starts it again on what it left.
    pub fn restart(&mut self) {
        self.must("CONFIG SET appendfsync always");
        self.process.0.kill().expect("kill a program of our own");
        self.process.0.wait().expect("wait for a killed program");
        fs::remove_file(self.dir.path().join("s")).expect("remove its socket");
        (self.process, self.stream) = start(&self.program, &self.arguments, self.dir.path());
        self.until_loaded();
    }

    fn until_loaded(&mut self) {
        let started = Instant::now();
        while self.run("PING").starts_with('-') {
            assert!(started.elapsed() < PATIENCE, "it does not finish loading");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Where its manifest lies.
    pub fn append_dir(&self) -> PathBuf {
        self.dir.path().join("appendonlydir")
    }

    /// A configuration that says what it was told, as its arguments.
    pub fn conf(&self) -> PathBuf {
        let path = self.dir.path().join("server.conf");
        let lines = self.arguments.chunks(2).map(|pair| pair.join(" ")[2..].to_owned() + "\n");
        fs::write(&path, lines.collect::<String>()).expect("write a configuration");
        path
    }

    /// Bytes of the queue.
    pub fn queued_bytes(&self) -> u64 {
        self.queued.len() as u64
    }

    /// Puts a command into the queue.
    pub fn queue(&mut self, words: &[&str]) {
        self.queued.extend(format!("*{}\r\n", words.len()).into_bytes());
        for word in words {
            self.queued.extend(format!("${}\r\n{word}\r\n", word.len()).into_bytes());
        }
        self.waiting += 1;
        if self.queued.len() > 1 << 16 {
            self.send();
        }
    }

    /// Sends the queue and reads all answers.
    pub fn send(&mut self) {
        let queued = std::mem::take(&mut self.queued);
        self.stream.get_mut().write_all(&queued).expect("write to a server");
        for _ in 0..std::mem::take(&mut self.waiting) {
            let answer = self.answer();
            // A number below zero is no error.
            let is_error = answer.starts_with('-') && answer[1..].starts_with(char::is_alphabetic);
            assert!(!is_error, "{answer}");
        }
    }

    /// Runs a command given as words; the answer's text, `-` in front of an error.
    pub fn run(&mut self, words: &str) -> String {
        self.queue(&words.split(' ').collect::<Vec<_>>());
        let queued = std::mem::take(&mut self.queued);
        self.stream.get_mut().write_all(&queued).expect("write to a server");
        self.waiting = 0;
        self.answer()
    }

    /// The same, for a command that must work.
    pub fn must(&mut self, words: &str) -> String {
        let answer = self.run(words);
        assert!(!answer.starts_with('-'), "{words}: {answer}");
        answer
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("read from a server");
        let line = line.trim_end();
        let (kind, rest) = line.split_at(1);
        match (kind, rest) {
            ("$", "-1") | ("*", "-1") | ("_", _) => String::new(),
            ("$", _) => {
                let mut bytes = vec![0; rest.parse::<usize>().expect("a length") + 2];
                self.stream.read_exact(&mut bytes).expect("read from a server");
                bytes.truncate(bytes.len() - 2);
                String::from_utf8_lossy(&bytes).into_owned()
            }
            ("*", _) => {
                let count = rest.parse::<usize>().expect("a count");
                (0..count).map(|_| self.answer()).collect::<Vec<_>>().join(" ")
            }
            ("-", _) => line.to_owned(),
            _ => rest.to_owned(),
        }
    }

    /// A field of INFO persistence.
    pub fn info(&mut self, field: &str) -> u64 {
        self.info_of("persistence", field)
    }

    /// A field of a section of INFO.
    pub fn info_of(&mut self, section: &str, field: &str) -> u64 {
        let info = self.must(&format!("INFO {section}"));
        let value = info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        value.and_then(|value| value.trim().parse().ok()).unwrap_or_else(|| panic!("no {field}"))
    }

    /// Has it rewrite, and answers how many bytes the new base has.
    pub fn rewrite(&mut self) -> u64 {
        self.must("BGREWRITEAOF");
        self.until_rewritten();
        self.base_bytes()
    }

    /// Waits for the end of a rewrite.
    pub fn until_rewritten(&mut self) {
        let started = Instant::now();
        while self.info("aof_rewrite_in_progress") + self.info("aof_rewrite_scheduled") > 0 {
            assert!(started.elapsed() < PATIENCE, "the rewrite does not end");
            thread::sleep(Duration::from_millis(5));
        }
        // The old files go in the background.
        while self.files(".base.").len() > 1 {
            assert!(started.elapsed() < PATIENCE, "the old base does not go");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// What it writes: the directory of its set, or the file of servers before 7.0.
    #[allow(dead_code, reason = "only those who run such servers ask")]
    pub fn log(&self) -> PathBuf {
        let single = self.dir.path().join("appendonly.aof");
        if single.is_file() { single } else { self.append_dir() }
    }

    /// Names and sizes of the files whose name has this in it.
    pub fn files(&self, part: &str) -> Vec<(String, u64)> {
        let single = self.dir.path().join("appendonly.aof");
        if let Ok(metadata) = single.metadata() {
            return vec![("appendonly.aof".to_owned(), metadata.len())];
        }
        let listed = fs::read_dir(self.append_dir()).expect("list a directory").flatten();
        let mut files: Vec<_> = listed
            .filter_map(|entry| {
                let name = entry.file_name().to_string_lossy().into_owned();
                let len = entry.metadata().ok()?.len();
                (name.contains(part) && !name.starts_with("temp-")).then_some((name, len))
            })
            .collect();
        files.sort();
        files
    }

    /// Bytes of its base.
    pub fn base_bytes(&self) -> u64 {
        self.files(".base.").iter().map(|(_, len)| len).sum()
    }

    /// Waits until what has expired is deleted.
    pub fn settle_expiry(&mut self) {
        let started = Instant::now();
        let mut before = String::new();
        loop {
            thread::sleep(Duration::from_millis(250));
            let now = self.must("DBSIZE");
            if now == before || started.elapsed() > PATIENCE {
                return;
            }
            before = now;
        }
    }
}

/// Numbers that are the same for the same seed.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}
