//! A real server of ours for the length of a piece of work.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::thread;

use super::guard::Guard;
use super::inside::{CANNOT, WITHOUT};
use super::leash::{Leash, OwnDir, Ward};
use super::names::Looked;

/// Lines of a server's log that are told when it does not start.
const LAST_LINES: usize = 3;

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

impl OwnServer {
    /// Starts a server on what `settings` say, with a socket and no port, and waits until it has loaded that.
    /// Every line of its log is shown to `hear`.
    ///
    /// # Errors
    /// Says why it has not, in the words of its log.
    pub fn start(
        guard: &Guard,
        load: &Load<'_>,
        leash: &Leash,
        hear: &mut dyn FnMut(&str),
    ) -> Result<Self, String> {
        guard.give(load.home, Path::new(load.name)).map_err(|e| e.to_string())?;
        loop {
            let mut refused = None;
            let settings = || guard.settings.lock().unwrap_or_else(PoisonError::into_inner);
            let mut listen = |line: &str| {
                refused = settings().iter().position(|one| one.is_meant(line)).or(refused);
                hear(line);
            };
            match Self::once(guard, load, leash, &mut listen) {
                // What it does not know it cannot be led to do; it had not begun to load.
                Err(_) if let Some(at) = refused => drop(settings().remove(at)),
                other => return other,
            }
        }
    }

    fn once(
        guard: &Guard,
        load: &Load<'_>,
        leash: &Leash,
        hear: &mut dyn FnMut(&str),
    ) -> Result<Self, String> {
        let given = load.home.path().join(load.name);
        let socket = given.join("s");
        let mut args = words(["--port", "0", "--save", "", "--daemonize", "no"]);
        args.extend(words(["--logfile", "", "--auto-aof-rewrite-percentage", "0"]));
        args.extend_from_slice(load.settings);
        let taken = guard.settings.lock().unwrap_or_else(PoisonError::into_inner).clone();
        args.extend(taken.iter().flat_map(|setting| setting.words()));
        args.extend(words([OsStr::new("--dir"), load.dir.as_os_str()]));
        args.extend(words([OsStr::new("--unixsocket"), socket.as_os_str()]));
        let mut command = guard.command(&given, load.looked.bytes, args);
        let program = aofkit::text::path(&guard.program);
        let ward = leash.ward(&mut command).map_err(|e| format!("{program}: {e}"))?;
        let log = ward.output();
        let server = Self { ward, socket };
        // Should it not get ready, it is ended on the way out.
        ready(BufReader::new(log.ok_or("the server has no output")?), hear).map(|()| server)
    }
}

/// Waits for its own words: the loaders of all versions say them when they are done, or leave.
fn ready(
    log: BufReader<impl Read + Send + 'static>,
    hear: &mut dyn FnMut(&str),
) -> Result<(), String> {
    let mut lines = log.split(b'\n').map_while(std::result::Result::ok);
    let mut last: Vec<String> = Vec::new();
    for line in &mut lines {
        let line = String::from_utf8_lossy(line.trim_ascii()).into_owned();
        if let Some((_, why)) = line.strip_prefix(CANNOT).and_then(|line| line.split_once(' ')) {
            return Err(why.to_owned());
        }
        // That was told when the program was asked for its version.
        if line.starts_with(WITHOUT) {
            continue;
        }
        hear(&line);
        if line.contains("eady to accept connections") {
            // Read on, or the server would wait for us one day.
            thread::spawn(move || lines.for_each(drop));
            return Ok(());
        }
        if !line.is_empty() {
            last.push(aofkit::text::escape(line.as_bytes()));
            last.drain(..last.len().saturating_sub(LAST_LINES));
        }
    }
    Err(format!("the server does not start: {}", last.join("; ")))
}

/// Settings as a server takes them.
pub fn words<const N: usize>(words: [impl AsRef<OsStr>; N]) -> Vec<OsString> {
    words.into_iter().map(|word| word.as_ref().to_owned()).collect()
}

/// The number after `v=` in what `--version` prints.
pub(super) fn major(told: &str) -> u32 {
    let version = told.split(" v=").nth(1).unwrap_or_default();
    version.split('.').next().and_then(|number| number.parse().ok()).unwrap_or(0)
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
