//! What is said of the files beside a set that may be the only copy of something.

use std::path::Path;

use jiff::Timestamp;

use super::advice;
use super::finding::{Kind, Problem, Severity, bytes, commands};
use crate::aof::Aof;
use crate::neighbours::{Closed, Lacks, Neighbour, Neighbours, Place, Rights, Standing, Stray};
use crate::{limits, text};

/// One problem for files that belong together.
pub(super) fn problems(aof: &Aof, neighbours: &Neighbours) -> Vec<Problem> {
    let needed = neighbours.found.iter().filter(|one| one.is_needed());
    let needed = needed.filter_map(|one| problem(aof, one, neighbours.keys_of_set));
    let needed = needed.chain(rights(aof, &neighbours.rights));
    let needed = needed.chain(neighbours.read_instead.as_deref().map(instead));
    let strays = &neighbours.strays;
    let mut found: Vec<_> =
        needed.chain(strays.iter().take(limits::SET_PROBLEMS as usize).map(stray)).collect();
    if let Some(more) = (strays.len() as u64).checked_sub(limits::SET_PROBLEMS).filter(|&n| n > 0) {
        let message = format!(
            "{} more of {} are not listed",
            text::thousands(more),
            Kind::ForeignFile.as_str()
        );
        found.push(Problem::of_set(Kind::LimitExceeded, Severity::Info, message));
    }
    found
}

/// A set below this one that a server reads which works here.
fn instead(manifest: &Path) -> Problem {
    let message = format!(
        "a server that works in this directory reads the set of {}, and not this one: this one lies a level too high, as files \
         do that were restored into the directory above the right one. Name that set as PATH to look at it",
        text::path(manifest)
    );
    let dir = manifest.parent().and_then(Path::file_name).unwrap_or_default();
    Problem::of_file(Kind::NeighbourData, Severity::Warning, dir.as_encoded_bytes(), message)
}

/// What stands in the server's way.
fn rights(aof: &Aof, rights: &Rights) -> Vec<Problem> {
    let mut found = Vec::new();
    if rights.is_elsewhere {
        let message = "the directory lies on another file system than the one above, where a server writes the base of a \
                       rewrite: it cannot move it here, so every rewrite fails and the set grows for ever. Put both on \
                       one file system"
            .to_owned();
        let name = text::name(aof.dir().file_name().unwrap_or_default().as_encoded_bytes());
        let problem =
            Problem::of_file(Kind::OtherFilesystem, Severity::Warning, name.as_bytes(), message);
        found.push(problem);
    }
    let severity = if rights.is_seen { Severity::Error } else { Severity::Warning };
    for Closed { name, lacks } in rights.closed.iter().take(TOLD) {
        let what = match lacks {
            Lacks::Reading => "read",
            Lacks::Appending => "append to",
        };
        let message = match rights.is_seen {
            true => format!(
                "its server runs as user {} and may not {what} it: the server does not start again. Give it back with \
                 chown",
                rights.user
            ),
            false => format!(
                "user {}, who owns the directory, may not {what} it: a server that runs as this user does not start. \
                 Give it back with chown, as the directory has it",
                rights.user
            ),
        };
        found.push(Problem::of_file(Kind::NotReadable, severity, name, message));
    }
    if let Some(more) = (rights.closed.len().checked_sub(TOLD)).filter(|&more| more > 0) {
        let message =
            format!("{} that this user may not read", text::count(more as u64, "more file"));
        found.push(Problem::of_set(Kind::NotReadable, severity, message));
    }
    found
}

/// Files with wrong rights that are told one by one: where one has them, most often all have.
const TOLD: usize = 5;

/// What no server made there.
fn stray(one: &Stray) -> Problem {
    let name = one.path.file_name().unwrap_or_default().as_encoded_bytes();
    let message = match &one.what {
        Some(foreign) => format!("{}, {}; no server reads it", foreign.what(), bytes(one.len)),
        None => format!(
            "a copy, by its name, {}; it was not opened, and no server reads it",
            bytes(one.len)
        ),
    };
    let problem = Problem::of_file(Kind::ForeignFile, Severity::Info, name, message);
    Problem { len: Some(one.len), ..problem }
}

fn problem(aof: &Aof, one: &Neighbour, keys_of_set: Option<u64>) -> Option<Problem> {
    let first = one.files.first()?;
    let (kind, severity, message) = match &one.standing {
        Standing::Fuller => (Kind::StartedEmpty, Severity::Error, fuller(aof, one, keys_of_set)),
        Standing::Holds => (Kind::NeighbourData, Severity::Warning, holds(aof, one)),
        Standing::Unknown(why) => (Kind::NeighbourData, Severity::Warning, unknown(why)),
        Standing::Empty | Standing::Covered => return None,
    };
    let name = first.file_name().unwrap_or_default().as_encoded_bytes();
    let problem = Problem::of_file(kind, severity, name, message);
    let word = text::shell_word(name).filter(|_| can_be_adopted(one));
    let next = word.and_then(|word| advice::repair(aof, &format!(" --adopt={word}")));
    Some(Problem { len: Some(one.len), next, ..problem })
}

fn can_be_adopted(one: &Neighbour) -> bool {
    !one.place.is_set() && !one.is_doubtful && !matches!(one.standing, Standing::Unknown(_))
}

fn unknown(why: &str) -> String {
    format!("whether it holds data that the set lacks is not known: {why}")
}

/// Files with their number where there are several: `x.2.base.rdb and 1 more file`.
fn files(one: &Neighbour) -> String {
    let name = |path: &Path| text::name(path.file_name().unwrap_or_default().as_encoded_bytes());
    match &one.files[..] {
        [] => String::new(),
        [first] => name(first),
        [first, rest @ ..] => {
            format!("{} and {} more", name(first), text::count(rest.len() as u64, "file"))
        }
    }
}

fn about(one: &Neighbour) -> &'static str {
    if one.is_estimate { "about " } else { "" }
}

/// `3 commands, 2 keys that the set does not name`.
fn contents(one: &Neighbour) -> String {
    let mut parts = Vec::new();
    if one.commands > 0 {
        parts.push(commands(one.commands));
    }
    if one.missing_keys > 0 {
        let (about, missing) = (about(one), text::thousands(one.missing_keys));
        let keys = text::count(one.keys, "key");
        parts.push(format!("{about}{keys}, {missing} of them not named anywhere in the set"));
    } else if one.keys > 0 {
        parts.push(format!("{}{}", about(one), text::count(one.keys, "key")));
    }
    parts.join(", ")
}

/// When it was saved, or last written to.
fn times(one: &Neighbour) -> String {
    let saved = one.saved_at.and_then(|at| Timestamp::from_second(at).ok());
    let written = one.written_at.and_then(|at| Timestamp::try_from(at).ok());
    let written = written.and_then(|at| Timestamp::from_second(at.as_second()).ok());
    match (saved, written) {
        (Some(at), _) => format!("saved at {at}"),
        (None, Some(at)) => format!("last written to at {at}"),
        (None, None) => "of unknown time".to_owned(),
    }
}

fn holds(aof: &Aof, one: &Neighbour) -> String {
    let is_hole = aof.live().any(|(_, segment)| segment.is_missing());
    let why = match one.place {
        Place::Orphans if is_hole => {
            "no manifest line names them, while files that it names are gone: these may be the set"
        }
        Place::TemporaryIncrement => {
            "a server was told to keep a log and ended before its first rewrite was done: what it \
             acknowledged meanwhile is in this file, and no server reads it"
        }
        Place::Orphans => "no manifest line names them, so no server reads them",
        Place::TemporaryBase => "a rewrite or a save did not finish, and no server reads it",
        Place::SingleFile => "a server that has a set of its own does not read it",
        Place::Dump => "a server that keeps a log does not read it",
        Place::OtherSet | Place::Inside | Place::SealedBackup => &one.way_back(),
    };
    let hole = one.hole().map_or_else(String::new, |hole| format!(" {hole}."));
    format!(
        "{} ({}, {}): {why}.{hole} It may be the only copy: keep it, `clean` leaves it alone",
        contents(one),
        bytes(one.len),
        times(one)
    )
}

fn fuller(aof: &Aof, one: &Neighbour, keys_of_set: Option<u64>) -> String {
    let mut steps = vec![
        "DO NOT LET THIS SERVER REWRITE: CONFIG SET auto-aof-rewrite-percentage 0, no BGREWRITEAOF",
        "copy the whole directory",
        "stop the server",
    ];
    let way_back = one.way_back();
    if one.place.is_set() {
        steps.push(&way_back);
    } else {
        steps.push("adopt them");
    }
    format!(
        "beside the set lie {} ({}, {}), as when a server starts empty: they hold {}{} after replay, the \
         set holds {}. {} Steps: {}",
        files(one),
        bytes(one.len),
        times(one),
        about(one),
        text::count(one.keys, "key"),
        keys_of_set.map_or_else(|| "fewer".to_owned(), text::thousands),
        harm(aof, one),
        steps.join("; ")
    )
}

/// What the running server does to them.
fn harm(aof: &Aof, one: &Neighbour) -> String {
    match one.place {
        Place::OtherSet | Place::Inside | Place::SealedBackup => {
            "No server of these settings reads them.".to_owned()
        }
        Place::Orphans => {
            format!("Rewrites come to their numbers, and {} then writes over them.", aof.target())
        }
        _ => "No server reads them while the set is there, and the next save overwrites them."
            .to_owned(),
    }
}
