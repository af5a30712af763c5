//! A real server of ours for the length of a piece of work, and the directories it works in.
//!
//! Neither outlives the run, however it ends: each has a shell that waits for us to close a pipe, and the system closes
//! it when we are killed. That shell ends its server, or removes its directory. On Ctrl-C we close them all.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use aofkit::disk::Scratch;
use aofkit::error::{Error, ErrorKind, Result};

use super::interrupt::Interrupt;

/// Runs the server, and ends it when the pipe closes. TERM is for what the program started in its turn, should it be
/// a script; the shell itself has to stay until the server is gone.
const SERVE: &str = r#""$0" "$@" 2>&1 & server=$!
exec >&- 2>&-
trap '' TERM
read _
kill -9 $server
kill 0
wait"#;

/// Removes the directory when the pipe closes. A server that is about to end may be putting files there.
const REMOVE: &str = r#"trap '' INT TERM
read _
for try in 1 2 3 4 5 6 7 8 9; do rm -rf -- "$0" && exit; sleep 1; done"#;

/// Lines of a server's log that are told when it does not start.
const LAST_LINES: usize = 3;

/// How often it is looked whether somebody pressed Ctrl-C.
const LOOK: Duration = Duration::from_millis(20);

/// What must not outlive a run, however it ends.
#[derive(Clone, Default)]
pub struct Leash(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    is_over: bool,
    wards: Vec<Ward>,
}

/// A shell with something that it ends as soon as it is told so, or we are gone.
#[derive(Clone)]
struct Ward(Arc<Mutex<Child>>);

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Ward {
    /// Waits until what it has is gone.
    fn end(&self) {
        let mut shell = locked(&self.0);
        drop(shell.stdin.take());
        let _ = shell.wait();
    }
}

impl Leash {
    /// A directory for copies.
    pub fn scratch(&self) -> Result<OwnDir> {
        let scratch = Scratch::new()?;
        let ward = self.ward(shell(REMOVE).arg(scratch.path()).stdout(Stdio::null()));
        let ward = ward.map_err(|e| Error::io(Path::new("sh"), e))?;
        Ok(OwnDir { scratch, ward })
    }

    /// Does a piece of work, which Ctrl-C breaks off.
    ///
    /// # Errors
    /// [`ErrorKind::Interrupted`] on `path`, or what went wrong.
    pub fn work<T: Send + 'static>(
        &self,
        interrupt: &Interrupt,
        path: &Path,
        work: impl FnOnce(&Self) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let held = self.clone();
        let worker = thread::spawn(move || work(&held));
        while !worker.is_finished() {
            if interrupt.came() {
                self.end();
                return Err(Error::new(ErrorKind::Interrupted, path));
            }
            thread::sleep(LOOK);
        }
        worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// Ends all servers, lets none start any more, and removes the directories.
    fn end(&self) {
        let mut held = locked(&self.0);
        held.is_over = true;
        // A server was started after its directory was made.
        held.wards.iter().rev().for_each(Ward::end);
    }

    fn ward(&self, command: &mut Command) -> std::io::Result<Ward> {
        let mut held = locked(&self.0);
        if held.is_over {
            return Err(std::io::ErrorKind::Interrupted.into());
        }
        let ward = Ward(Arc::new(Mutex::new(command.spawn()?)));
        held.wards.push(ward.clone());
        Ok(ward)
    }
}

/// A shell that waits for us.
fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).stdin(Stdio::piped()).stderr(Stdio::null());
    // Ctrl-C on a terminal is for us.
    command.process_group(0);
    command
}

/// A directory that is gone when this is dropped.
pub struct OwnDir {
    scratch: Scratch,
    ward: Ward,
}

impl OwnDir {
    pub fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    pub fn path(&self) -> &Path {
        self.scratch.path()
    }
}

impl Drop for OwnDir {
    fn drop(&mut self) {
        self.ward.end();
    }
}

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
    /// Starts a program in `dir` on what `settings` say, with a socket and no port, and waits until it has loaded that.
    /// Every line of its log is shown to `hear`.
    ///
    /// # Errors
    /// Says why it has not, in the words of its log.
    pub fn start(
        program: &Path,
        dir: &Path,
        socket: &Path,
        settings: &[OsString],
        leash: &Leash,
        hear: &mut dyn FnMut(&str),
    ) -> Result<Self, String> {
        let mut command = shell(SERVE);
        // It does not run where we do; a mere name is looked for in PATH.
        let is_path = program.components().count() > 1;
        let program = if is_path { std::path::absolute(program) } else { Ok(program.to_owned()) };
        let program = program.map_err(|e| e.to_string())?;
        command.arg(&program).args(["--port", "0", "--save", "", "--daemonize", "no"]);
        command.args(["--logfile", "", "--auto-aof-rewrite-percentage", "0"]);
        command.args(settings).arg("--dir").arg(dir).arg("--unixsocket").arg(socket);
        command.current_dir(dir).stdout(Stdio::piped());
        let ward = leash
            .ward(&mut command)
            .map_err(|e| format!("{}: {e}", aofkit::text::path(&program)))?;
        let log = locked(&ward.0).stdout.take();
        let server = Self { ward, socket: socket.to_owned() };
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

/// The first number of the version of a server program; 0 when it does not tell.
///
/// # Errors
/// When the program cannot be run.
pub fn major_version(program: &Path) -> Result<u32> {
    let told = Command::new(program).arg("--version").stdin(Stdio::null()).output();
    let told = told.map_err(|e| Error::io(program, e))?;
    Ok(major(&String::from_utf8_lossy(&told.stdout)))
}

/// The number after `v=` in what `--version` prints.
fn major(told: &str) -> u32 {
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
