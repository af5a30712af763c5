//! What must not outlive a run, and the directories that servers work in.
//!
//! Neither a server nor a directory outlives the run, however it ends: each has a process beside it that waits for us to
//! close a pipe, and the system closes it when we are killed. That process ends its server, or removes its directory. When
//! we are asked to stop, we close them all.

use std::io::Write;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use crate::disk::Scratch;
use crate::error::{Error, ErrorKind, Result};
use std::os::unix::process::CommandExt;

/// Removes the directory when the pipe closes. A server that is about to end may be putting files there.
const REMOVE: &str = r#"trap '' INT TERM
read _
for try in 1 2 3 4 5 6 7 8 9; do rm -rf -- "$0" && exit; sleep 1; done"#;

/// How often it is looked whether somebody asked to stop.
const LOOK: Duration = Duration::from_millis(20);

/// What must not outlive a run, however it ends.
#[derive(Clone, Default)]
pub struct Leash(Arc<Mutex<Held>>);

#[derive(Default)]
struct Held {
    is_over: bool,
    wards: Vec<Ward>,
}

/// A process with something that it ends as soon as it is told so, or we are gone.
#[derive(Clone)]
pub(super) struct Ward(Arc<Mutex<Child>>);

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Ward {
    /// Waits until what it has is gone, and answers its status.
    pub(super) fn end(&self) -> Option<i32> {
        let mut process = locked(&self.0);
        drop(process.stdin.take());
        process.wait().ok()?.code()
    }

    /// Tells its keeper something.
    pub(super) fn tell(&self, word: &[u8]) {
        // One that is gone has nothing to be told.
        let _ = locked(&self.0).stdin.as_mut().map(|line| line.write_all(word));
    }

    pub(super) fn output(&self) -> Option<ChildStdout> {
        locked(&self.0).stdout.take()
    }
}

impl Leash {
    /// A directory for copies, below `dir` or else below the system's temporary one.
    pub fn scratch(&self, dir: Option<&Path>) -> Result<OwnDir> {
        let scratch = Scratch::below(dir)?;
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(REMOVE).arg(scratch.path()).stdout(Stdio::null());
        let ward = self.ward(shell.stderr(Stdio::null()));
        let ward = ward.map_err(|e| Error::io(Path::new("sh"), e))?;
        Ok(OwnDir { scratch, ward })
    }

    /// Does a piece of work, which is broken off when `stop` is set.
    ///
    /// # Errors
    /// [`ErrorKind::Interrupted`] on `path`, or what went wrong.
    pub fn work<T: Send + 'static>(
        &self,
        stop: &AtomicBool,
        path: &Path,
        work: impl FnOnce(&Self) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let held = self.clone();
        let worker = thread::Builder::new().spawn(move || work(&held));
        let worker = worker.map_err(|e| Error::io(path, e))?;
        while !worker.is_finished() {
            if stop.load(Ordering::Relaxed) {
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
        for ward in held.wards.iter().rev() {
            let _ = ward.end();
        }
    }

    pub(super) fn ward(&self, command: &mut Command) -> std::io::Result<Ward> {
        let mut held = locked(&self.0);
        if held.is_over {
            return Err(std::io::ErrorKind::Interrupted.into());
        }
        // Ctrl-C on a terminal is for us.
        let ward = command.stdin(Stdio::piped()).process_group(0).spawn()?;
        let ward = Ward(Arc::new(Mutex::new(ward)));
        held.wards.push(ward.clone());
        Ok(ward)
    }
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
