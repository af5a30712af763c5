//! A real server for the length of a verification, and a client that speaks to it.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use aofkit::disk;
use aofkit::error::{Error, ErrorKind, Result};

/// How long a server may be silent.
const PATIENCE: Duration = Duration::from_secs(600);

/// More databases than anybody has: a set does not tell how many its server had.
const DATABASES: &str = "1024";

/// How often it is tried to remove a directory in which a thread is still at work.
const TRIES: usize = 200;

/// What must not outlive a run, however it ends.
#[derive(Clone, Default)]
pub struct Leash(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    is_over: bool,
    servers: Vec<Arc<Mutex<Child>>>,
    dirs: Vec<PathBuf>,
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn ended(server: &Mutex<Child>) {
    let mut server = locked(server);
    let _ = server.kill();
    let _ = server.wait();
}

impl Leash {
    /// Takes a directory along.
    pub fn hold(&self, dir: &Path) {
        locked(&self.0).dirs.push(dir.to_owned());
    }

    /// Ends all servers, lets none start any more, and removes the directories.
    pub fn end(&self) {
        let mut held = locked(&self.0);
        held.is_over = true;
        for server in &held.servers {
            ended(server);
        }
        for dir in &held.dirs {
            // Another thread may be putting files there; without the directory it fails.
            for _ in 0..TRIES {
                let _ = disk::remove_tree(dir);
                if !disk::exists(dir) {
                    break;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    }

    fn spawn(&self, command: &mut Command) -> std::io::Result<Arc<Mutex<Child>>> {
        let mut held = locked(&self.0);
        if held.is_over {
            return Err(std::io::ErrorKind::Interrupted.into());
        }
        let server = Arc::new(Mutex::new(command.spawn()?));
        held.servers.push(Arc::clone(&server));
        Ok(server)
    }
}

/// A server that is gone when this is dropped.
pub struct Running {
    child: Arc<Mutex<Child>>,
    pub client: Client,
}

impl Drop for Running {
    fn drop(&mut self) {
        ended(&self.child);
    }
}

/// A server program.
pub struct Program {
    pub path: PathBuf,
    /// The first number of its version; 0 when it does not tell.
    major: u32,
}

impl Program {
    /// Asks the program which version it is of.
    pub fn new(path: &Path) -> Result<Self> {
        let told = Command::new(path).arg("--version").stdin(Stdio::null()).output();
        let told = told.map_err(|e| Error::io(path, e))?;
        Ok(Self { path: path.to_owned(), major: major(&String::from_utf8_lossy(&told.stdout)) })
    }

    /// Whether it knows sets of several files, which came with 7.0.
    pub fn knows_sets(&self) -> bool {
        self.major == 0 || self.major >= 7
    }

    /// Starts it on what `settings` say and waits until it has loaded that, or tells why it has not.
    pub fn start(
        &self,
        dir: &Path,
        socket: &Path,
        settings: &[OsString],
        leash: &Leash,
    ) -> Result<Running, String> {
        let mut command = Command::new(&self.path);
        command.args(["--port", "0", "--save", "", "--daemonize", "no", "--logfile", ""]);
        command.args(["--databases", DATABASES, "--auto-aof-rewrite-percentage", "0"]);
        command.args(["--aof-load-truncated", "no", "--appendfsync", "no"]);
        if self.knows_sets() {
            command.args(["--enable-debug-command", "local"]);
        }
        command.args(settings).arg("--dir").arg(dir).arg("--unixsocket").arg(socket);
        command.current_dir(dir).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        // Ctrl-C on a terminal is for us; we end it.
        command.process_group(0);
        let child = leash.spawn(&mut command);
        let child = child.map_err(|e| format!("{}: {e}", self.path.display()))?;
        let Some(log) = locked(&child).stdout.take() else {
            return Err("the server has no output".to_owned());
        };
        match ready(BufReader::new(log)).and_then(|()| connected(socket)) {
            Ok(client) => Ok(Running { child, client }),
            Err(why) => {
                ended(&child);
                Err(why)
            }
        }
    }
}

fn connected(socket: &Path) -> Result<Client, String> {
    Client::connect(socket).map_err(|e| e.to_string())
}

/// Waits for its own words: the loaders of all versions say them when they are done, or leave.
fn ready(log: impl BufRead + Send + 'static) -> Result<(), String> {
    let mut lines = log.split(b'\n').map_while(std::result::Result::ok);
    let mut last = Vec::new();
    for line in &mut lines {
        if String::from_utf8_lossy(&line).contains("eady to accept connections") {
            // Read on, or the server would wait for us one day.
            std::thread::spawn(move || lines.for_each(drop));
            return Ok(());
        }
        if !line.trim_ascii().is_empty() {
            last = line;
        }
    }
    Err(format!("the server does not start: {}", aofkit::text::escape(last.trim_ascii())))
}

/// The number after `v=` in what `--version` prints.
fn major(told: &str) -> u32 {
    let version = told.split(" v=").nth(1).unwrap_or_default();
    version.split('.').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Settings as a server takes them.
pub fn settings<const N: usize>(words: [&OsStr; N]) -> Vec<OsString> {
    words.into_iter().map(OsStr::to_owned).collect()
}

/// What a server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    Text(Vec<u8>),
    Number(i64),
    List(Vec<Reply>),
    Nothing,
    Refused(String),
}

impl Reply {
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => String::from_utf8_lossy(text).into_owned(),
            Self::Number(number) => number.to_string(),
            Self::Refused(why) => why.clone(),
            Self::List(_) | Self::Nothing => String::new(),
        }
    }

    pub fn list(self) -> Vec<Reply> {
        match self {
            Self::List(list) => list,
            _ => Vec::new(),
        }
    }
}

/// A connection to a server.
pub struct Client(BufReader<UnixStream>);

/// Items in one answer at most, and bytes of a text: ours are smaller.
const MOST: usize = 1 << 30;

impl Client {
    fn connect(socket: &Path) -> Result<Self> {
        let failed = |e| Error::io(socket, e);
        let stream = UnixStream::connect(socket).map_err(failed)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Runs one command.
    pub fn run(&mut self, words: &[&[u8]]) -> Result<Reply> {
        let mut asked = Asked::default();
        asked.command(words);
        self.send(&asked)?;
        self.reply()
    }

    /// Sends commands whose answers are then to be read.
    pub fn send(&mut self, asked: &Asked) -> Result<()> {
        self.0.get_mut().write_all(&asked.0).map_err(lost)
    }

    /// The next answer.
    pub fn reply(&mut self) -> Result<Reply> {
        let mut line = Vec::new();
        self.0.read_until(b'\n', &mut line).map_err(lost)?;
        let text = String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
        let number = || text.get(1..).and_then(|rest| rest.parse::<i64>().ok());
        let length = || number().and_then(|n| usize::try_from(n).ok()).filter(|n| *n <= MOST);
        match (line.first(), length()) {
            (Some(b'+'), _) => Ok(Reply::Text(text.as_bytes()[1..].to_vec())),
            (Some(b'-'), _) => Ok(Reply::Refused(text)),
            (Some(b':'), _) => number().map(Reply::Number).ok_or_else(|| unclear(&text)),
            (Some(b'$' | b'*'), None) if number() == Some(-1) => Ok(Reply::Nothing),
            (Some(b'$'), Some(length)) => {
                let mut bytes = vec![0; length + 2];
                self.0.read_exact(&mut bytes).map_err(lost)?;
                bytes.truncate(length);
                Ok(Reply::Text(bytes))
            }
            (Some(b'*'), Some(count)) => {
                (0..count).map(|_| self.reply()).collect::<Result<_>>().map(Reply::List)
            }
            _ => Err(unclear(&text)),
        }
    }
}

fn lost(e: std::io::Error) -> Error {
    Error::io(Path::new("the server's socket"), e)
}

fn unclear(answer: &str) -> Error {
    let why =
        format!("its answer cannot be understood: {}", aofkit::text::escape(answer.as_bytes()));
    Error::new(ErrorKind::Refused(why), Path::new("the server's socket"))
}

/// Commands on their way to a server.
#[derive(Default)]
pub struct Asked(Vec<u8>);

impl Asked {
    pub fn command(&mut self, words: &[&[u8]]) {
        self.0.extend(format!("*{}\r\n", words.len()).into_bytes());
        for word in words {
            self.0.extend(format!("${}\r\n", word.len()).into_bytes());
            self.0.extend_from_slice(word);
            self.0.extend_from_slice(b"\r\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_number_of_a_version_is_taken_from_what_servers_print() {
        assert_eq!(major("Redis server v=6.2.14 sha=00000000:0 malloc=jemalloc bits=64"), 6);
        assert_eq!(major("Valkey server v=9.1.2 sha=00000000:0"), 9);
        assert_eq!(major("something else"), 0);
    }
}
