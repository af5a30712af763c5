//! Who has files open that are to be changed, or runs on the directories that they lie in.

use std::path::Path;
use std::time::Duration;

use super::place::Place;
use crate::disk::{self, FrozenFile, Haunt, Identity, Processes, Writers};
use crate::error::{Error, ErrorKind, Result};

/// Who may have files of a set open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InUse {
    /// Processes that have them open for writing.
    pub pids: Vec<u32>,
    /// Why there may be others that cannot be seen; `None` when there cannot.
    pub unsure: Option<&'static str>,
}

/// Where a server of the set at `subject` (see [`super::Keep::dir`]) would be seen, whose files lie in `base`.
///
/// # Errors
/// When there is no such set.
pub fn haunt(subject: &Path, base: &Path) -> Result<Haunt> {
    Place::open(subject, base)?.haunt()
}

/// Looks for processes that have one of these files open for writing, or run on their directory.
pub fn in_use(files: &[&FrozenFile], haunt: Option<&Haunt>) -> InUse {
    let identities: Vec<Identity> = files.iter().map(|f| f.identity()).collect();
    let writers = users(&identities, haunt);
    let unsure = if files.iter().any(|f| f.is_remote()) {
        Some("the files lie on a network file system: a server on another host cannot be seen")
    } else if !writers.all_seen {
        Some("the processes of other users cannot be looked at")
    } else if !disk::sees_all_processes() {
        Some("this runs in a container: a server outside of it cannot be seen")
    } else {
        None
    };
    InUse { pids: writers.pids, unsure }
}

fn users(files: &[Identity], haunt: Option<&Haunt>) -> Writers {
    let processes = Processes::look();
    let mut found = processes.writers(files);
    if let Some(haunt) = haunt {
        found.pids.extend(processes.servers(haunt).pids);
        found.pids.sort_unstable();
        found.pids.dedup();
    }
    found
}

/// An error when a process has one of the files open for writing, or a server runs on the set's directories.
pub(super) fn refuse_writers(files: &[Identity], place: &Place, path: &Path) -> Result<()> {
    let haunt = place.haunt()?;
    // Most often there is nobody, and one look says so.
    let processes = Processes::look();
    let (open, near) = (processes.writers(files), processes.servers(&haunt));
    let open = in_earnest(open, &|| disk::writers(files));
    refuse(&open, "has it open for writing", path)?;
    let near = in_earnest(near, &|| Processes::look().servers(&haunt));
    refuse(&near, "is a server that works in its directory", path)
}

/// How often is looked again for processes that were not there the time before.
const LOOKS: usize = 20;

/// The processes that have files open, now and a moment later: one that was only just forked holds what its
/// parent had open, until it becomes another program. Whoever is seen for the first time in a later look is looked at
/// once more, too.
pub(super) fn in_earnest(seen: Writers, look: &dyn Fn() -> Writers) -> Vec<u32> {
    let mut seen = seen.pids;
    for _ in 0..LOOKS {
        if seen.is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
        let now = look().pids;
        let all_known = now.iter().all(|pid| seen.contains(pid));
        seen = now;
        if all_known {
            break;
        }
    }
    seen
}

pub(super) fn refuse(pids: &[u32], what: &str, path: &Path) -> Result<()> {
    if pids.is_empty() {
        return Ok(());
    }
    let pids: Vec<_> = pids.iter().map(u32::to_string).collect();
    let why = format!(
        "process {} {what}: stop the server first (--force skips this question)",
        pids.join(", ")
    );
    Err(Error::new(ErrorKind::InUse(why), path))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn writers(pids: &[u32]) -> Writers {
        Writers { pids: pids.to_vec(), all_seen: true }
    }

    fn after(first: &[u32], later: &[&[u32]]) -> Vec<u32> {
        let later = RefCell::new(later.iter());
        in_earnest(writers(first), &|| {
            writers(later.borrow_mut().next().expect("no more looks than needed"))
        })
    }

    #[test]
    fn only_who_is_seen_twice_is_in_the_way() {
        assert!(after(&[], &[]).is_empty());
        assert!(after(&[7], &[&[]]).is_empty());
        assert_eq!(after(&[7], &[&[7]]), [7]);
        // One child after the other is forked: none of them stays.
        assert!(after(&[7], &[&[8], &[9], &[]]).is_empty());
        assert_eq!(after(&[7], &[&[8, 9], &[9]]), [9]);
    }
}
