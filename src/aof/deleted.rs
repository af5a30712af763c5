//! What is said where no set is left, and a server still has one open.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::disk;
use crate::text;

/// The sentence about the server, where there is one that had segments in this directory or one below it.
pub(super) fn told(dir: &Path) -> Option<String> {
    let all = disk::deleted_below(dir);
    let of_set = |one: &&disk::HeldFile| {
        let name = one.name.as_bytes();
        name.ends_with(b".aof") && !name.starts_with(b"temp-")
    };
    let one = all.iter().find(of_set)?;
    let name = text::name(one.name.as_bytes());
    let lost = format!(
        "THE SERVER STILL RUNS: process {} has {name} open, which is deleted ({}). Do not stop it: with it goes all that it has",
        one.pid,
        text::count(one.len, "byte")
    );
    let copy = format!("`cp {} FILE` copies that file", text::path(&one.path));
    let place = text::path(&one.dir);
    let has_room = disk::room(dir).is_ok_and(|room| room.free >= one.len);
    Some(match (disk::is_dir(&one.dir).unwrap_or(false), has_room) {
        (true, true) => format!("{lost}. {copy}; BGREWRITEAOF then saves all"),
        (false, true) => format!(
            "{lost}. {copy}; make the directory {place} again, as the server's user, and BGREWRITEAOF then saves all"
        ),
        (_, false) => format!("{lost}. {copy}; there is no room here for a rewrite"),
    })
}
