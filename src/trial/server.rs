//! A real server of ours for the length of a piece of work.

use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::thread;

use super::bounds::{Bounds, most_words, too_much_said};
use super::guard::Guard;
use super::inside::{CANNOT, ENDED, READY, WITHOUT};
use super::leash::{Leash, OwnDir, Ward};
use super::names::Looked;
use super::said::Said;
use crate::error::Result;
use crate::server::{Access, Address, Server, ServerState};

/// Lines of a server's log that are told when it does not start.
const LAST_LINES: usize = 3;

/// Bytes of each.
const LAST_BYTES: usize = 4000;

/// A server that is gone when this is dropped.
pub struct OwnServer {
    ward: Ward,
    /// What to connect to.
    pub socket: PathBuf,
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        self.ward.end();
    }
}

impl OwnServer {
    /// What it says of itself.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn state(&self) -> Result<ServerState> {
        let access = Access { patience: super::PATIENCE, ..Access::default() };
        Server::connect(&Address::of_path(&self.socket), &access)?.state()
    }
}

/// What to load.
pub struct Load<'a> {
    /// The directory that all lies in.
    pub home: &'a OwnDir,
    /// The one in it that the server is given, with the copy.
    pub name: &'static str,
    /// Proof that the copy was looked at.
    pub looked: Looked,
    /// Where in that directory the server runs.
    pub dir: &'a Path,
    pub settings: &'a [OsString],
}

/// Why a server is not there.
#[derive(Debug)]
pub struct Failure {
    /// In the words of its log, or in ours.
    pub why: String,
    /// Whether it was not begun, or ended from outside: then nobody knows whether it would have loaded that.
    pub is_unknown: bool,
}

impl Failure {
    fn refused(why: String) -> Self {
        Self { why, is_unknown: false }
    }

    fn unknown(why: impl ToString) -> Self {
        Self { why: why.to_string(), is_unknown: true }
    }

    fn ended(why: &str) -> Self {
        Self::unknown(format!("the server was ended before it was ready: {why}"))
    }
}

/// What a process answers that was ended by SIGKILL.
const KILLED: i32 = 128 + 9;

impl OwnServer {
    /// Starts a server on what `settings` say, with a socket and no port, and waits until it has loaded that.
    /// Every line of its log is shown to `hear`.
    ///
    /// # Errors
    /// Says why it has not, in the words of its log; or that this is not known.
    pub fn start(
        guard: &Guard,
        load: &Load<'_>,
        leash: &Leash,
        hear: &mut dyn FnMut(&str),
    ) -> Result<Self, Failure> {
        let bounds = Bounds::of_load(load.looked.bytes);
        if let Some(why) = bounds.forbid(load.looked.base_bytes) {
            return Err(Failure::unknown(why));
        }
        guard.give(load.home, Path::new(load.name)).map_err(Failure::unknown)?;
        loop {
            let mut refused = None;
            let settings = || guard.settings.lock().unwrap_or_else(PoisonError::into_inner);
            let mut listen = |line: &str| {
                refused = settings().iter().position(|one| one.is_meant(line)).or(refused);
                hear(line);
            };
            match Self::once(guard, load, bounds, leash, &mut listen) {
                // What it does not know it cannot be led to do; it had not begun to load.
                Err(_) if let Some(at) = refused => drop(settings().remove(at)),
                other => return other,
            }
        }
    }

    fn once(
        guard: &Guard,
        load: &Load<'_>,
        bounds: Bounds,
        leash: &Leash,
        hear: &mut dyn FnMut(&str),
    ) -> Result<Self, Failure> {
        let given = load.home.path().join(load.name);
        let socket = given.join("s");
        let mut args = words(["--port", "0", "--save", "", "--daemonize", "no"]);
        args.extend(words(["--logfile", "", "--auto-aof-rewrite-percentage", "0"]));
        args.extend_from_slice(load.settings);
        let taken = guard.settings.lock().unwrap_or_else(PoisonError::into_inner).clone();
        args.extend(taken.iter().flat_map(|setting| setting.words()));
        args.extend(words([OsStr::new("--dir"), load.dir.as_os_str()]));
        args.extend(words([OsStr::new("--unixsocket"), socket.as_os_str()]));
        let mut command = guard.command(&given, bounds, args);
        let program = crate::text::path(&guard.program);
        let ward = leash.ward(&mut command);
        let ward = ward.map_err(|e| Failure::unknown(format!("{program}: {e}")))?;
        let log = ward.output();
        let server = Self { ward, socket };
        let log = log.ok_or_else(|| Failure::unknown("the server has no output"))?;
        // Should it not get ready, it is ended on the way out.
        match ready(Said::new(log), most_words(load.looked.bytes), hear) {
            Ok(()) => {
                server.ward.tell(READY);
                Ok(server)
            }
            Err(failure) if !failure.is_unknown && server.ward.end() == Some(KILLED) => {
                Err(Failure::ended("somebody killed it, maybe the kernel for want of memory"))
            }
            Err(failure) => Err(failure),
        }
    }
}

/// Waits for its own words: the loaders of all versions say them when they are done, or leave.
fn ready(
    mut said: Said<impl Read + Send + 'static>,
    most_bytes: u64,
    hear: &mut dyn FnMut(&str),
) -> Result<(), Failure> {
    let mut last: Vec<String> = Vec::new();
    while let Some(line) = said.next() {
        if let Some((_, why)) = line.strip_prefix(CANNOT).and_then(|line| line.split_once(' ')) {
            return Err(Failure::unknown(why));
        }
        if let Some(why) = line.strip_prefix(ENDED) {
            return Err(Failure::ended(why));
        }
        // That was told when the program was asked for its version.
        if line.starts_with(WITHOUT) {
            continue;
        }
        hear(&line);
        if line.contains("eady to accept connections") {
            // Read on, or the server would wait for us one day.
            let reads_on = thread::Builder::new().spawn(move || said.for_each(drop));
            return reads_on.map(drop).map_err(Failure::unknown);
        }
        if let Some(why) = too_much_said(said.lines, said.bytes, most_bytes) {
            return Err(Failure::ended(&why));
        }
        let line = line.trim_ascii();
        if !line.is_empty() {
            last.push(crate::text::escape(&line.as_bytes()[..line.len().min(LAST_BYTES)]));
            last.drain(..last.len().saturating_sub(LAST_LINES));
        }
    }
    Err(Failure::refused(format!("the server does not start: {}", last.join("; "))))
}

/// Settings as a server takes them.
pub fn words<const N: usize>(words: [impl AsRef<OsStr>; N]) -> Vec<OsString> {
    words.into_iter().map(|word| word.as_ref().to_owned()).collect()
}
