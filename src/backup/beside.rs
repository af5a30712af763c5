//! A backup beside a server that is asked: whether what lies on the disk is what it writes to, and that this
//! stayed so while the files were read.
//!
//! Nothing is set on the server: a run that is killed leaves nothing switched off.

use std::path::Path;
use std::time::{Duration, Instant};

use super::entry::{RunningServer, ServerEntry};
use crate::aof::{Aof, LeftoverKind, Role};
use crate::disk::{self, FrozenFile, Writes};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::server::{RoleOfServer, Server, ServerState};

/// How long to wait before asking again whether everything is written.
const PAUSE: Duration = Duration::from_millis(5);

/// A server that is asked.
pub struct Beside<'s> {
    /// The connection to it.
    pub server: &'s mut Server,
    /// Wait at most so long until everything that was acknowledged is in its files; do not wait when not
    /// given.
    pub exact: Option<Duration>,
}

/// What it said before the set was opened.
pub(super) struct Before {
    state: ServerState,
}

impl Beside<'_> {
    /// Asks before the set is opened.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] when what lies there is not, or not yet, what the server would load.
    pub(super) fn before(&mut self, path: &Path) -> Result<Before> {
        let mut state = self.server.state()?;
        let refused = |why: &str| Err(Error::new(ErrorKind::Refused(why.to_owned().into()), path));
        if let Some(why) = unfit(&state) {
            return refused(why);
        }
        let Some(patience) = self.exact else { return Ok(Before { state }) };
        // Answers are sent after what they answer is handed to write(2), or put off together with it. So with
        // nothing put off, everything that was acknowledged before is in the file.
        let started = Instant::now();
        loop {
            match state.aof_buffer_bytes {
                Some(0) => return Ok(Before { state }),
                None => {
                    return refused("--exact: the server does not tell what waits to be written");
                }
                Some(_) if started.elapsed() > patience => {
                    return refused(
                        "--exact: the server always has something that waits to be written to its \
                         log (a slow disk, or one long sync); without --exact up to two seconds may \
                         be missing",
                    );
                }
                Some(_) => std::thread::sleep(PAUSE),
            }
            state = self.server.state()?;
        }
    }

    /// Asks again, when the files have been opened and when all have been read: the set must be the one that the server
    /// writes to now. With [`Self::exact`] that must be proven, else nothing may speak against it.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] when it is not the same server any more, or not fit any more; [`ErrorKind::KeepsChanging`]
    /// when it writes to another set, or that is not proven.
    pub(super) fn must_write_here(&mut self, before: &Before, aof: &Aof) -> Result<()> {
        let now = self.server.state()?;
        self.must_be_fit(before, &now, &aof.path)?;
        match (proof(before, &now, aof)?, self.exact) {
            (Proof::Given, _) | (Proof::None, None) => Ok(()),
            (Proof::None, Some(_)) | (Proof::Against, _) => {
                Err(Error::new(ErrorKind::KeepsChanging, &aof.path))
            }
        }
    }

    fn must_be_fit(&self, before: &Before, now: &ServerState, path: &Path) -> Result<()> {
        let why = match unfit(now) {
            Some(why) => why,
            None if now.run_id != before.state.run_id => "the server was started anew meanwhile",
            None if now.replication_id != before.state.replication_id
                && now.role != before.state.role =>
            {
                "the server changed its role meanwhile"
            }
            None => return Ok(()),
        };
        Err(Error::new(ErrorKind::Refused(format!("{why}; nothing was published").into()), path))
    }
}

/// Why what lies on the disk is not what a server would load.
fn unfit(state: &ServerState) -> Option<&'static str> {
    match state {
        ServerState { aof_enabled: Some(false), .. } => {
            Some("the server keeps no log now (appendonly no): what lies here is from before")
        }
        ServerState { loading: Some(true), .. } => Some("the server is still loading"),
        ServerState { write_last_ok: Some(false), .. } => {
            Some("the server's last write to its log failed (aof_last_write_status)")
        }
        ServerState { sync_in_progress: Some(true), .. } => {
            Some("the server is taking over a copy of its primary: its log is of before")
        }
        ServerState { role: Some(RoleOfServer::Replica), primary_link_up: Some(false), .. } => {
            Some("the server is a replica that has lost its primary: its log lags behind")
        }
        _ => None,
    }
}

/// What speaks for it that a server writes to the set that was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    Given,
    None,
    Against,
}

/// Whether the set is the one that the server wrote to when it gave its last answer.
///
/// A server goes over to another set in two steps: it begins a rewrite, and when that ends it gives the manifest new
/// content. Until then it writes to a file that no manifest names. So it is proven by the process itself, if it is seen
/// to have the last increment open; or by two answers that no rewrite is under way or waits, with the same
/// manifest and the same last file still there after the second: a rewrite that began and ended in between would have
/// changed them.
fn proof(before: &Before, now: &ServerState, aof: &Aof) -> Result<Proof> {
    let last = aof.live().filter(|(_, segment)| segment.role != Role::Base).last();
    let Some((segment, file)) = last.and_then(|(_, one)| Some((one, one.file()?))) else {
        return Ok(Proof::None);
    };
    if !is_as_opened(aof, &segment.path(), file)? {
        return Ok(Proof::None);
    }
    // Before 7.0 the file stays open while the first rewrite is under way.
    if let Some(pid) = now.process_id.filter(|_| segment.role == Role::Increment) {
        let dir = disk::real_path(disk::parent(&segment.path()))?;
        match disk::writes_to(pid, file.identity(), &dir) {
            Writes::Here => return Ok(Proof::Given),
            Writes::ToAnother => return Ok(Proof::Against),
            Writes::Unknown => {}
        }
    }
    let is_idle = |state: &ServerState| {
        let flags = [state.aof_enabled, state.rewrite_in_progress, state.rewrite_scheduled];
        flags == [Some(true), Some(false), Some(false)]
    };
    let is_proven = is_idle(&before.state) && is_idle(now) && before.state.rewrites == now.rewrites;
    Ok(if is_proven { Proof::Given } else { Proof::None })
}

/// Whether the manifest and the last file are still those that were opened.
fn is_as_opened(aof: &Aof, path: &Path, file: &FrozenFile) -> Result<bool> {
    let gone = |e: Error| if *e.kind() == ErrorKind::NotFound { Ok(false) } else { Err(e) };
    if let Some(opened) = &aof.manifest {
        match disk::read_small(&opened.path, limits::MANIFEST) {
            Ok(bytes) if bytes == opened.bytes => {}
            Ok(_) => return Ok(false),
            Err(e) => return gone(e),
        }
    }
    match disk::stamp(path) {
        Ok(now) => Ok(now.identity == file.identity()),
        Err(e) => gone(e),
    }
}

/// Whether a process of this machine is seen that has the last increment open for writing.
fn is_written_to(aof: &Aof) -> bool {
    let increments = aof.live().filter(|(_, segment)| segment.role == Role::Increment);
    let last = increments.filter_map(|(_, segment)| segment.file()).last();
    last.is_some_and(|file| disk::held_for_writing(file.identity()) == Some(true))
}

impl Before {
    /// Whether the set is the one that the server writes to.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] when the server is writing to a log that no manifest names yet.
    pub(super) fn fits(&self, aof: &Aof) -> Result<()> {
        let is = |flag: Option<bool>| flag == Some(true);
        let (is_running, is_scheduled) =
            (is(self.state.rewrite_in_progress), is(self.state.rewrite_scheduled));
        let is_first = |name: &[u8]| name.starts_with(b"temp-") && name.ends_with(b".incr");
        let temporary = aof.leftovers.iter().filter(|l| l.kind == LeftoverKind::Temporary);
        let mut names = temporary.filter_map(|l| l.path.file_name());
        let refused =
            |why: &str| Err(Error::new(ErrorKind::Refused(why.to_owned().into()), &aof.path));
        if (is_running || is_scheduled) && names.any(|n| is_first(n.as_encoded_bytes())) {
            return refused(
                "the server's first rewrite since its log was switched on, or since it took over a copy, is under \
                 way: until that ends the manifest names the files of before",
            );
        }
        // A first rewrite that waits for another child has no file yet by which it could be told from any other.
        if is_scheduled && !is_running && !is_written_to(aof) {
            return refused(
                "a rewrite waits on the server, and no process is seen that writes to this log: if it was only just \
                 switched on, the manifest names the files of before; try again when that rewrite has begun",
            );
        }
        Ok(())
    }

    /// What goes into the entry.
    pub(super) fn entry(&self) -> ServerEntry {
        let state = &self.state;
        let role = state.role.map(|role| match role {
            RoleOfServer::Primary => "primary".to_owned(),
            RoleOfServer::Replica => "replica".to_owned(),
        });
        ServerEntry {
            kind: state.family.to_owned(),
            version: state.version.clone().unwrap_or_default(),
            running: Some(RunningServer {
                run_id: state.run_id.clone().unwrap_or_default(),
                replid: state.replication_id.clone(),
                repl_offset: state.replication_offset,
                role,
            }),
        }
    }

    /// Where the server says its log is, when that is not here.
    pub(super) fn elsewhere(&self, aof: &Aof) -> Option<String> {
        let is_here = self.state.keeps_log_at(&aof.path)?;
        let at = self.state.log_path().filter(|_| !is_here)?;
        Some(crate::text::name(at.as_os_str().as_encoded_bytes()))
    }
}
