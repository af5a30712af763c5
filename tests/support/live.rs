//! A real server that runs for the length of a test, and a client that speaks to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::server::Server;
use super::spelled::record;

/// How long a server may take to open its socket, or to do what it was told.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    Text(Vec<u8>),
    Number(i64),
    List(Vec<Reply>),
    Nothing,
    Error(String),
}

impl Reply {
    /// As text, whatever it is.
    pub fn text(&self) -> String {
        match self {
            Reply::Text(text) => String::from_utf8_lossy(text).into_owned(),
            Reply::Number(number) => number.to_string(),
            Reply::Error(why) => why.clone(),
            other => format!("{other:?}"),
        }
    }

    /// As a number.
    pub fn number(&self) -> u64 {
        self.text().parse().unwrap_or_else(|_| panic!("not a number: {self:?}"))
    }

    /// The answers it consists of.
    pub fn list(self) -> Vec<Reply> {
        match self {
            Reply::List(list) => list,
            other => panic!("not a list: {other:?}"),
        }
    }
}

/// A process that is gone when this is dropped.
pub struct Process(pub Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a server in `dir`, and connects to it as soon as its socket is there.
pub fn up(
    name: &str,
    mut command: Command,
    dir: &Path,
    socket: &Path,
) -> (Process, BufReader<UnixStream>) {
    let child = command
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("start a server");
    let process = Process(child);
    let started = Instant::now();
    loop {
        if let Ok(stream) = UnixStream::connect(socket) {
            return (process, BufReader::new(stream));
        }
        assert!(started.elapsed() < PATIENCE, "{name} opens no socket");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A running server and a connection to it; it is gone when this is dropped.
pub struct Live {
    process: Process,
    stream: BufReader<UnixStream>,
}

impl Live {
    /// Starts the server in `dir`, without persistence of its own.
    pub fn start(server: &Server, dir: &Path) -> Live {
        Self::start_with(server, dir, &["--appendonly", "no"])
    }

    /// Starts the server by a configuration that says where its files are; its socket lies in `dir`.
    pub fn start_by(server: &Server, dir: &Path, conf: &Path) -> Live {
        let socket = dir.join("s");
        let mut command = server.command();
        command.arg(conf).args(["--port", "0", "--save", "", "--daemonize", "no", "--logfile", ""]);
        command.arg("--unixsocket").arg(&socket);
        let mut live = Self::spawn(server, command, dir, &socket);
        live.until_loaded();
        live
    }

    /// Starts the server in `dir` with these settings. What it has to load is loaded before it answers.
    pub fn start_with(server: &Server, dir: &Path, settings: &[&str]) -> Live {
        let mut live = Self::start_without_waiting(server, dir, settings);
        live.until_loaded();
        live
    }

    /// The same, and does not wait until what it has to load is loaded.
    pub fn start_without_waiting(server: &Server, dir: &Path, settings: &[&str]) -> Live {
        let socket = dir.join("s");
        let mut command = server.command();
        command
            .args(["--port", "0", "--save", "", "--daemonize", "no"])
            .args(["--databases", "16", "--logfile", ""])
            .args(settings)
            .arg("--dir")
            .arg(dir)
            .arg("--unixsocket")
            .arg(&socket);
        Self::spawn(server, command, dir, &socket)
    }

    /// Starts this command, and connects to it.
    pub fn spawn(server: &Server, command: Command, dir: &Path, socket: &Path) -> Live {
        let (process, stream) = up(&server.name, command, dir, socket);
        Live { process, stream }
    }

    /// It answers while it loads, but not much.
    fn until_loaded(&mut self) {
        while self.run("PING").text().starts_with("LOADING") {
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until `INFO` has this line, such as `loading:0`.
    pub fn until_it_says(&mut self, line: &str) {
        let started = Instant::now();
        while !self.must("INFO").text().lines().any(|said| said == line) {
            assert!(started.elapsed() < PATIENCE, "it never says {line}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Has it end as it does on a clean shutdown, and waits for that.
    pub fn shut_down(mut self) {
        let _ = self.stream.get_mut().write_all(b"SHUTDOWN NOSAVE\r\n");
        let _ = self.process.0.wait();
    }

    /// Runs a command given as words.
    pub fn run(&mut self, words: &str) -> Reply {
        let words: Vec<&[u8]> = words.split(' ').map(str::as_bytes).collect();
        self.call(&words)
    }

    /// The same, for a command that must work.
    pub fn must(&mut self, words: &str) -> Reply {
        let reply = self.run(words);
        assert!(!matches!(reply, Reply::Error(_)), "{words}: {reply:?}");
        reply
    }

    /// Runs a command given as arguments.
    pub fn call(&mut self, arguments: &[&[u8]]) -> Reply {
        let bytes = record(arguments);
        self.stream.get_mut().write_all(&bytes).expect("write to a server");
        self.reply()
    }

    /// Sends what is to be loaded, as `redis-cli --pipe` does, and waits until all of it is done. Answers
    /// how many replies came, and those that are errors.
    pub fn pipe(&mut self, bytes: &[u8]) -> (u64, Vec<String>) {
        const LAST: &[u8] = b"all of it is done";
        let mut writer = self.stream.get_ref().try_clone().expect("a second handle");
        let echo = [b"*2\r\n$4\r\nECHO\r\n$17\r\n", LAST, b"\r\n"].concat();
        thread::scope(|scope| {
            scope.spawn(move || {
                writer.write_all(bytes).and_then(|()| writer.write_all(&echo)).expect("write");
            });
            let (mut replies, mut errors) = (0, Vec::new());
            loop {
                match self.reply() {
                    Reply::Text(text) if text == LAST => return (replies, errors),
                    Reply::Error(why) => errors.push(why),
                    _ => {}
                }
                replies += 1;
            }
        })
    }

    fn reply(&mut self) -> Reply {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("read from a server");
        let (kind, rest) = line.trim_end().split_at(1);
        match kind {
            "+" => Reply::Text(rest.as_bytes().to_vec()),
            "-" => Reply::Error(rest.to_owned()),
            ":" => Reply::Number(rest.parse().expect("a number")),
            "$" if rest == "-1" => Reply::Nothing,
            "$" => {
                let mut bytes = vec![0; rest.parse::<usize>().expect("a length") + 2];
                self.stream.read_exact(&mut bytes).expect("read from a server");
                bytes.truncate(bytes.len() - 2);
                Reply::Text(bytes)
            }
            "*" if rest == "-1" => Reply::Nothing,
            "*" => {
                let count = rest.parse::<usize>().expect("a count");
                Reply::List((0..count).map(|_| self.reply()).collect())
            }
            other => panic!("an unknown kind of reply: {other}"),
        }
    }
}
