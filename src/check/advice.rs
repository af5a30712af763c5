//! The exact next command: what can be run today, in a POSIX shell with GNU coreutils, and keeps a copy.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::command;
use crate::format::rdb::Family;
use crate::rules::{KNOWN, Rules};
use crate::text::shell_word;

fn word(path: &Path) -> Option<String> {
    shell_word(path.as_os_str().as_bytes())
}

/// A path with something appended, as a shell word.
fn beside(path: &Path, suffix: &str) -> Option<String> {
    shell_word(&[path.as_os_str().as_bytes(), suffix.as_bytes()].concat())
}

/// Keeps a copy, then cuts.
pub(super) fn cut(path: &Path, to: u64) -> Option<String> {
    let (file, copy) = (word(path)?, beside(path, ".before")?);
    Some(format!("cp -p {file} {copy} && truncate -s {to} {file}"))
}

/// Writes a file without the range beside the damaged one.
pub(super) fn without_range(path: &Path, from: u64, to: u64) -> Option<String> {
    let (file, new) = (word(path)?, beside(path, ".salvaged")?);
    Some(format!("(head -c {from} {file}; tail -c +{} {file}) > {new}", to + 1))
}

/// Keeps everything as it lies, before any server is started.
pub(super) fn copy_all(dir: &Path) -> Option<String> {
    Some(format!("cp -a {} {}", word(dir)?, beside(dir, ".before")?))
}

/// Adds the newline a manifest's last line lacks.
pub(super) fn add_newline(path: &Path) -> Option<String> {
    let (file, copy) = (word(path)?, beside(path, ".before")?);
    Some(format!("cp -p {file} {copy} && echo >> {file}"))
}

/// Judges the set by another server.
pub(super) fn other_target(path: &Path, target: &str) -> Option<String> {
    Some(format!("aofkit check --target {target} {}", word(path)?))
}

/// A server that knows the command, of this family where there is one: the oldest of them, for the set
/// may have been written by it.
pub(super) fn target_that_knows(name: &[u8], family: Family) -> Option<&'static str> {
    let id = command::lookup(name)?;
    let knows = |rules: &&&Rules| id.command().arity(rules.server).is_some();
    let of_family = |rules: &&&Rules| rules.name.starts_with(family.name());
    let own = KNOWN.iter().filter(of_family).find(knows);
    own.or_else(|| KNOWN.iter().find(knows)).map(|rules| rules.name)
}
