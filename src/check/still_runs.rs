//! What is said of files that are gone or have lost bytes while their server still runs, and of two processes that write to one set.

use std::os::unix::ffi::OsStrExt;

use super::advice;
use super::finding::{Kind, Problem, Severity, bytes};
use super::shortened;
use crate::aof::Aof;
use crate::neighbours::{Running, Writing};
use crate::text;

/// Files that are gone, or have lost bytes, while a process, or a server that was asked, may still have what was in them: what it is, and what
/// to do. It comes before anything else that is said of the set.
pub fn deleted_but_open(aof: &Aof, running: &Running) -> Option<Problem> {
    let is_known = !running.held.is_empty() || !running.servers.is_empty();
    if !is_known && running.answer.is_none() {
        return None;
    }
    let message = match (running.replaced.first(), shortened::told(running)) {
        (Some(name), _) => two_histories(running, name),
        (None, Some(told)) if running.missing.is_empty() => {
            format!("{}: {told}. {}{}", headline(running), keys(running), advise(aof, running))
        }
        (None, _) => {
            let first = text::name(running.missing.first()?);
            let lost = match running.missing.len() as u64 - 1 {
                0 => format!("{first} is gone"),
                more => format!("{first} and {} more are gone", text::count(more, "file")),
            };
            format!("{}: {lost}, {}. {}", headline(running), who(running), advise(aof, running))
        }
    };
    let problem = Problem::of_set(Kind::DeletedButOpen, Severity::Error, message);
    let can_copy = !running.held.is_empty() && running.holds_all();
    Some(problem.next(match can_copy {
        true => advice::repair(aof, " --adopt --output NEW-DIRECTORY"),
        false => None,
    }))
}

/// What the server has and what is left, where it was asked.
fn keys(running: &Running) -> String {
    let Some(answer) = &running.answer else { return String::new() };
    format!(
        "The server at {} has {}; what is left of the set holds {}. ",
        answer.address,
        text::count(answer.keys, "key"),
        text::thousands(answer.keys_left)
    )
}

fn headline(running: &Running) -> &'static str {
    match running.servers.is_empty() && running.answer.is_none() {
        true => "A PROCESS STILL HAS IT OPEN",
        false => "THE SERVER STILL RUNS",
    }
}

/// Another file took the place of the one that a process has open: nobody knows which of both is wanted.
fn two_histories(running: &Running, name: &[u8]) -> String {
    let has = running.held.iter().find(|one| one.name.as_bytes() == name);
    let (who, copy) = match has {
        Some(one) => (
            format!("process {} has {} of it open", one.holder.pid, bytes(one.len)),
            format!("; `cp {} FILE` copies its file", text::path(&one.path)),
        ),
        None => ("a process has it open".to_owned(), String::new()),
    };
    format!(
        "{}: another file lies in the place of {}, and {who} as it was. There are two histories: that of the files here, and \
         that of this process. Copy both first{copy}. A rewrite of that server would write over what lies here, and \
         with the process may go what only it has",
        headline(running),
        text::name(name)
    )
}

fn processes(pids: &[u32]) -> String {
    let all: Vec<_> = pids.iter().map(u32::to_string).collect();
    let noun = if pids.len() == 1 { "process" } else { "processes" };
    format!("{noun} {}", all.join(", "))
}

/// Who may have what is gone, as far as it was seen.
fn who(running: &Running) -> String {
    let mut told = Vec::new();
    if !running.held.is_empty() {
        let mut pids: Vec<_> = running.held.iter().map(|one| one.holder.pid).collect();
        pids.dedup();
        let len = running.held.iter().map(|one| one.len).sum();
        let all = if running.holds_all() { "it" } else { "some of it" };
        let has = if pids.len() == 1 { "has" } else { "have" };
        told.push(format!("and {} still {has} {all} open ({})", processes(&pids), bytes(len)));
    } else if !running.servers.is_empty() {
        let pids: Vec<_> = running.servers.iter().map(|server| server.pid).collect();
        told.push(format!("while {} works on this set", processes(&pids)));
    }
    if let Some(answer) = &running.answer {
        told.push(format!(
            "the server at {} works here with {}; what is left of the set holds {}",
            answer.address,
            text::count(answer.keys, "key"),
            text::thousands(answer.keys_left)
        ));
    }
    told.join("; ")
}

/// What to do, in order.
fn advise(aof: &Aof, running: &Running) -> String {
    let counted = running.counted_bytes().unwrap_or(0);
    let why_not = match running.room {
        _ if running.servers.is_empty() => {
            Some("no server was seen that has files of this set open".to_owned())
        }
        _ if !running.has_all() => Some(
            "whether it has all of the set in memory is not known (--server asks it for its keys)"
                .to_owned(),
        ),
        _ if !running.works_here() => Some(
            "its working directory is gone, or another than the one above this set: a rewrite does not come here"
                .to_owned(),
        ),
        Some((wanted, free)) if free < wanted.max(counted) => Some(format!(
            "a rewrite may want {} here, and {} are free",
            bytes(wanted.max(counted)),
            text::thousands(free)
        )),
        None => Some("aofkit cannot tell how much room a rewrite has".to_owned()),
        Some(_) if aof.settings.append_only == Some(false) => {
            Some("the configuration says appendonly no".to_owned())
        }
        Some(_) => None,
    };
    match why_not {
        None => "BGREWRITEAOF saves all: send it now, and do not stop the server before INFO says \
                 aof_last_bgrewrite_status:ok"
            .to_owned(),
        Some(why) => format!(
            "Do not stop it: only it may still have this data. Copy first, do not rewrite: {why}"
        ),
    }
}

/// What is said of who writes to the set.
pub(super) fn problems(aof: &Aof, writing: &Writing) -> Vec<Problem> {
    let mut found = Vec::new();
    found.extend(writing.running.as_ref().and_then(|running| deleted_but_open(aof, running)));
    if let Some(manifest) = aof.manifest.as_ref().filter(|_| !writing.several.is_empty()) {
        let message = format!(
            "{} write to this set, and none of them has started the other: their commands mix, and the next rewrite \
             of one deletes the files of the other. Stop all but the one whose data is wanted, after a copy",
            processes(&writing.several)
        );
        let name = manifest.path.file_name().unwrap_or_default().as_bytes();
        found.push(Problem::of_file(Kind::TwoWriters, Severity::Warning, name, message));
    }
    found
}
