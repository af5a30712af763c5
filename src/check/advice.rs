//! The exact next command for a shell.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::aof::{Aof, Layout};
use crate::command;
use crate::format::rdb::Family;
use crate::rules::{KNOWN, Rules};
use crate::text::shell_word;

fn word(path: &Path) -> Option<String> {
    shell_word(path.as_os_str().as_bytes())
}

/// Plans a repair of the set, by this word where it takes one. It prints what it would do and changes nothing.
pub(super) fn repair(aof: &Aof, by: &str) -> Option<String> {
    if aof.layout == Layout::Stream {
        return None;
    }
    let target = match aof.target_given {
        true => format!(" --target {}", aof.target),
        false => String::new(),
    };
    Some(format!("aofkit repair{by}{target} {}", word(&aof.path)?))
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
