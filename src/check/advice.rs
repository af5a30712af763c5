//! The exact next command for a shell.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::unknown::Unknown;
use crate::aof::{Aof, Layout};
use crate::command;
use crate::format::rdb::{Family, Header};
use crate::rules::Target;
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
        true => format!(" --target {}", aof.target()),
        false => String::new(),
    };
    Some(format!("aofkit repair{by}{target}{} {}", conf(aof)?, word(&aof.path)?))
}

/// Names in one command of a shell; nobody wants to read more of them.
const MOST_NAMES: usize = 20;

/// Plans to leave out the records of all commands that the target is known to refuse: one plan, because leaving out some
/// of them makes no server load the set. The plan says what is lost by that. `None` where nobody has named the target:
/// then the set is another server's.
pub(super) fn drop_commands(aof: &Aof, refused: &[Unknown]) -> Option<String> {
    let can_go = |one: &&Unknown| {
        let name = one.what.split(|&byte| byte == b'|').next().unwrap_or(&one.what);
        one.is_command && one.is_learnt && !aof.names.has_taken(name)
    };
    let mut options = String::new();
    for one in refused.iter().filter(can_go).take(MOST_NAMES) {
        let is_plain = |byte: &u8| byte.is_ascii_graphic() && !b"|\\".contains(byte);
        let word = shell_word(&one.what).filter(|_| one.what.iter().all(is_plain))?;
        options += &format!(" --drop-command={word}");
    }
    if !aof.target_given || options.is_empty() {
        return None;
    }
    repair(aof, &options)
}

/// Judges the set by another server.
pub(super) fn other_target(aof: &Aof, target: Target) -> Option<String> {
    Some(format!("aofkit check --target {target}{} {}", conf(aof)?, word(&aof.path)?))
}

/// The configuration that was named, as it is typed; `None` where a shell cannot be given its name.
fn conf(aof: &Aof) -> Option<String> {
    let Some(configuration) = &aof.configuration else { return Some(String::new()) };
    Some(format!(" --conf {}", word(&configuration.path)?))
}

/// A server that knows the command, of this family where there is one: the oldest of them, for the set
/// may have been written by it.
pub(super) fn target_that_knows(name: &[u8], family: Family) -> Option<Target> {
    let id = command::lookup(name)?;
    let mut all = Target::recorded().to_vec();
    all.extend(Target::read_about());
    first_of(&all, family, |target| target.rules.arity_of(id).is_some())
}

/// A server that reads such an RDB, likewise.
pub(super) fn target_that_reads(header: Header, family: Family) -> Option<Target> {
    let mut all = Target::recorded().to_vec();
    all.extend(Target::read_about());
    first_of(&all, family, |target| target.rules.loads_rdb(header))
}

fn first_of(all: &[Target], family: Family, is: impl Fn(&Target) -> bool) -> Option<Target> {
    let own = all.iter().filter(|target| target.family == family).find(|target| is(target));
    own.or_else(|| all.iter().find(|target| is(target))).copied()
}
