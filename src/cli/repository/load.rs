//! `verify --load`: the newest snapshot of each source, restored aside and loaded by a real server that takes
//! no torn end.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aofkit::backup::{Entry, Listed, Repository, RestoreOptions, restore};
use aofkit::disk;
use aofkit::error::{Error, ErrorKind, Result};
use aofkit::progress::Progress;

/// What a server made of a snapshot.
pub struct Loaded {
    pub id: String,
    pub source: String,
    /// Keys in all databases.
    pub keys: u64,
    /// The server's digest of all keys and values, where it has the command.
    pub digest: Option<String>,
    /// Why it does not load; `None` when it does.
    pub why: Option<String>,
}

/// Loads the newest snapshot of each source.
pub fn load(
    repository: &Repository,
    server: &Path,
    source: Option<&str>,
    threads: usize,
    progress: &dyn Progress,
) -> Result<Vec<Loaded>> {
    let mut newest: Vec<Listed> = Vec::new();
    for listed in repository.list()? {
        if source.is_some_and(|source| source != listed.source) {
            continue;
        }
        match newest.last_mut() {
            Some(last) if last.source == listed.source => *last = listed,
            _ => newest.push(listed),
        }
    }
    newest.iter().map(|listed| load_one(repository, server, listed, threads, progress)).collect()
}

fn load_one(
    repository: &Repository,
    server: &Path,
    listed: &Listed,
    threads: usize,
    progress: &dyn Progress,
) -> Result<Loaded> {
    let entry = repository.entry(listed)?;
    let scratch = Scratch::new(&listed.id)?;
    let target = scratch.0.join("aof");
    let options = RestoreOptions { replace: false, threads };
    restore(repository, &entry, &target, options, progress)?;
    let mut loaded = Loaded {
        id: listed.id.clone(),
        source: listed.source.clone(),
        keys: 0,
        digest: None,
        why: None,
    };
    match started(server, &entry, &scratch.0) {
        Ok((_running, mut client)) => {
            let told = client.ask(&["INFO", "keyspace"])?;
            let count =
                |line: &str| line.split_once(":keys=")?.1.split(',').next()?.parse::<u64>().ok();
            loaded.keys = told.lines().filter_map(count).sum::<u64>();
            let digest = client.ask(&["DEBUG", "DIGEST"])?;
            loaded.digest = Some(digest).filter(|digest| digest.len() == 40);
        }
        Err(why) => loaded.why = Some(why),
    }
    Ok(loaded)
}

/// A directory that is gone when this is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(id: &str) -> Result<Self> {
        // Short: the path of a socket has 107 bytes at most.
        let number = id.rsplit('-').next().unwrap_or(id);
        let path = std::env::temp_dir().join(format!("aofkit-{number}-{}", std::process::id()));
        disk::make_dir(&path, 0o700)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed lies in a directory for temporary files.
        let _ = disk::remove_tree(&self.0);
    }
}

/// A server that is gone when this is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a server on the files and waits until it has loaded them, or tells why it has not.
fn started(server: &Path, entry: &Entry, home: &Path) -> Result<(Running, Client), String> {
    let socket = home.join("s");
    let mut command = Command::new(server);
    command.args(["--port", "0", "--save", "", "--daemonize", "no", "--logfile", ""]);
    command.args(["--aof-load-truncated", "no", "--enable-debug-command", "local"]);
    let plain = |words: &aofkit::backup::Words| {
        String::from_utf8_lossy(&words.bytes().unwrap_or_default()).into_owned()
    };
    match (&entry.manifest, entry.files.first()) {
        (Some(manifest), _) => {
            let name = plain(&manifest.name);
            let stem = name.strip_suffix(".manifest").unwrap_or(&name).to_owned();
            command.args([
                "--appendonly",
                "yes",
                "--appenddirname",
                "aof",
                "--appendfilename",
                &stem,
            ]);
            command.arg("--dir").arg(home);
        }
        (None, Some(file)) => {
            let name = plain(&file.name);
            let is_log = file.commands > 0 || name.ends_with(".aof");
            let (switch, key) =
                if is_log { ("yes", "--appendfilename") } else { ("no", "--dbfilename") };
            command.args(["--appendonly", switch, key, &name]).arg("--dir").arg(home.join("aof"));
        }
        (None, None) => return Err("it has no files".to_owned()),
    }
    command.arg("--unixsocket").arg(&socket);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut running = Running(child.map_err(|e| format!("{}: {e}", server.display()))?);
    let Some(log) = running.0.stdout.take() else { return Err("it has no output".to_owned()) };
    let mut lines = BufReader::new(log).lines().map_while(std::result::Result::ok);
    // Its own words: the loaders of all versions say them when they are done, or leave.
    let mut last = String::new();
    for line in &mut lines {
        if line.contains("eady to accept connections") {
            // Read on, or the server would wait for us one day.
            std::thread::spawn(move || lines.for_each(drop));
            let client = Client::connect(&socket).map_err(|e| e.to_string())?;
            return Ok((running, client));
        }
        if !line.trim().is_empty() {
            last = line;
        }
    }
    Err(format!("the server does not start: {}", aofkit::text::escape(last.trim().as_bytes())))
}

struct Client(BufReader<UnixStream>);

impl Client {
    fn connect(socket: &Path) -> Result<Self> {
        let failed = |e| Error::io(socket, e);
        let stream = UnixStream::connect(socket).map_err(failed)?;
        stream.set_read_timeout(Some(Duration::from_secs(600))).map_err(failed)?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Asks, and takes a text as the answer: of a bulk string its content, of anything else its line.
    fn ask(&mut self, words: &[&str]) -> Result<String> {
        let failed = |e| Error::io(Path::new("socket"), e);
        let mut line = words.join(" ");
        line.push_str("\r\n");
        self.0.get_mut().write_all(line.as_bytes()).map_err(failed)?;
        let mut answer = String::new();
        self.0.read_line(&mut answer).map_err(failed)?;
        let Some(length) = answer.strip_prefix('$') else {
            return Ok(answer.trim_start_matches(['+', ':']).trim_end().to_owned());
        };
        let length: u16 = length.trim().parse().map_err(|_| {
            let why = "the server's answer cannot be understood".to_owned();
            Error::new(ErrorKind::Refused(why), Path::new("socket"))
        })?;
        let mut bytes = vec![0; usize::from(length) + 2];
        self.0.read_exact(&mut bytes).map_err(failed)?;
        Ok(String::from_utf8_lossy(&bytes[..usize::from(length)]).into_owned())
    }
}
