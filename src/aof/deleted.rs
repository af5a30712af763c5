//! What is said where no set is left, and a server still has one open.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::disk;
use crate::text;

/// The sentence about the server, where there is one that had segments in this directory or one below it.
pub(super) fn told(dir: &Path, processes: &disk::LookOnce) -> Option<String> {
    let all = processes.get().deleted_below(dir);
    let of_set = |one: &&disk::HeldFile| {
        let name = one.name.as_bytes();
        name.ends_with(b".aof") && !name.starts_with(b"temp-")
    };
    // A server is told before a process that only happens to have such a file open.
    let one = all.iter().filter(of_set).max_by_key(|one| one.holder.is_server)?;
    let (pid, name) = (one.holder.pid, text::name(one.name.as_bytes()));
    let size = text::count(one.len, "byte");
    let copy = format!("`cp {} FILE` copies that file", text::path(&one.path));
    if !one.holder.is_server {
        return Some(format!("process {pid} has {name} open, which is deleted ({size}). {copy}"));
    }
    let lost = format!(
        "THE SERVER STILL RUNS: process {pid} has {name} open, which is deleted ({size}). Do not stop it: only it may still \
         have this data"
    );
    let place = text::path(&one.dir);
    let above = one.dir.parent().and_then(|above| disk::stamp(above).ok());
    let works_there = above.is_some_and(|above| one.holder.works_in == Some(above.identity));
    let has_room = disk::room(dir).is_ok_and(|room| room.free >= one.len);
    Some(match (works_there, has_room) {
        (false, _) => {
            format!(
                "{lost}. {copy}; its working directory is gone or is another one now, so it rewrites nothing here"
            )
        }
        (true, false) => format!("{lost}. {copy}; there is no room here for a rewrite"),
        (true, true) if disk::is_dir(&one.dir).unwrap_or(false) => {
            format!("{lost}. {copy}; BGREWRITEAOF then saves all")
        }
        (true, true) => format!(
            "{lost}. {copy}; make the directory {place} again, as the server's user, and BGREWRITEAOF then saves all"
        ),
    })
}
