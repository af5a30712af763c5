//! What a restart would change: a setting of the running server against its file.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::settings::{Seen, Value};
use super::subject::Subject;
use crate::disk;
use crate::format::conf::parse_size;

/// A setting that the file and the running server have different values of.
pub(super) struct Difference {
    pub(super) in_file: Seen,
    pub(super) running: Seen,
}

/// File descriptors that a server keeps for itself where it lowers `maxclients` to what the system lets it have.
const RESERVED: u64 = 32;

/// The difference in a setting, where there is one for certain.
pub(super) fn differing(subject: &Subject, name: &str) -> Option<Difference> {
    match name {
        // A server makes it up at each start.
        "hash-seed" => None,
        "dir" => dir(subject),
        "maxclients" => clients(subject),
        "client-output-buffer-limit" => buffers(subject),
        _ => {
            let running = subject.running(name)?;
            let in_file = in_file(subject, name, &running.name)?;
            let is_same = is_same(name, &in_file.value, &running.value);
            (!is_same).then_some(Difference { in_file, running })
        }
    }
}

/// What the file says, or leaves to the default.
fn in_file(subject: &Subject, name: &str, running: &str) -> Option<Seen> {
    let lines = subject.lines(name);
    match lines.last() {
        Some(last) => Some(Seen { value: together(name, &lines, last), ..last.clone() }),
        None => subject.unset(running),
    }
}

/// Directories, as they are on this machine where they are there. Where a relative one leads, whoever starts the server decides.
fn dir(subject: &Subject) -> Option<Difference> {
    let (running, in_file) = (subject.running("dir")?, in_file(subject, "dir", "dir")?);
    let path = |seen: &Seen| {
        let word = seen.words().first().filter(|word| word.starts_with(b"/"))?.clone();
        let path = std::path::PathBuf::from(OsStr::from_bytes(&word));
        // Without the slashes at its end, as a server tells it.
        Some(disk::real_path(&path).unwrap_or_else(|_| path.components().collect()))
    };
    let (one, other) = (path(&in_file)?, path(&running)?);
    (one != other).then_some(Difference { in_file, running })
}

/// A server that may not open so many files lowers its number itself, at each start.
fn clients(subject: &Subject) -> Option<Difference> {
    let (running, in_file) =
        (subject.running("maxclients")?, in_file(subject, "maxclients", "maxclients")?);
    let (is, said) = (running.number()?, in_file.number()?);
    let is_lower = is < said;
    let limit = subject.machine.as_ref().and_then(|machine| machine.open_files);
    let explained = match limit {
        Some(limit) => u64::try_from(is).is_ok_and(|is| is.saturating_add(RESERVED) >= limit),
        // Of another machine nobody knows its limit.
        None => true,
    };
    (is != said && !(is_lower && explained)).then_some(Difference { in_file, running })
}

/// The limits of a class of clients: two sizes, and seconds.
type Limits = (u64, u64, u64);

/// Limits by class of clients: a line is about one class, or about several, and what it does not name is as by default.
fn buffers(subject: &Subject) -> Option<Difference> {
    const NAME: &str = "client-output-buffer-limit";
    let running = subject.running(NAME)?;
    let mut said = classes(subject.unset(NAME)?.words())?;
    let lines = subject.lines(NAME);
    for line in &lines {
        said.extend(classes(line.words())?);
    }
    let is = classes(running.words())?;
    let differing: Vec<_> =
        is.iter().filter(|(class, limits)| said.get(*class) != Some(limits)).collect();
    if differing.is_empty() {
        return None;
    }
    let words = |of: &dyn Fn(&str) -> Option<Limits>| {
        let each = differing.iter().filter_map(|(class, _)| Some((*class, of(class)?)));
        let words = each.flat_map(|(class, (hard, soft, seconds))| {
            [(*class).to_string(), hard.to_string(), soft.to_string(), seconds.to_string()]
        });
        Value::Plain(words.map(String::into_bytes).collect())
    };
    let (of_file, of_server) =
        (words(&|class| said.get(class).copied()), words(&|class| is.get(class).copied()));
    let place = lines.last().cloned().or_else(|| subject.unset(NAME))?;
    Some(Difference {
        in_file: Seen { value: of_file, ..place },
        running: Seen { value: of_server, ..running },
    })
}

/// The classes of a value; `None` where it is none.
fn classes(words: &[Vec<u8>]) -> Option<BTreeMap<&'static str, Limits>> {
    let mut classes = BTreeMap::new();
    for four in words.chunks(4) {
        let [class, hard, soft, seconds] = four else { return None };
        let class = match &class.to_ascii_lowercase()[..] {
            b"normal" => "normal",
            b"slave" | b"replica" => "replica",
            b"pubsub" => "pubsub",
            _ => return None,
        };
        let seconds = std::str::from_utf8(seconds).ok()?.parse().ok()?;
        classes.insert(class, (parse_size(hard)?, parse_size(soft)?, seconds));
    }
    Some(classes)
}

/// The value of all lines about a setting: of most the last counts, those of `save` add up.
fn together(name: &str, lines: &[Seen], last: &Seen) -> Value {
    if name != "save" {
        return last.value.clone();
    }
    let is_empty = |seen: &Seen| seen.words().iter().all(Vec::is_empty);
    let from = lines.iter().rposition(is_empty).map_or(0, |place| place + 1);
    Value::Plain(lines[from..].iter().flat_map(|seen| seen.words().to_vec()).collect())
}

/// Whether a server makes the same of both.
pub(super) fn is_same(name: &str, one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Secret(one), Value::Secret(other)) => one.is(|one| other.is(|other| one == other)),
        (Value::Plain(one), Value::Plain(other)) => {
            let (one, other) = (one.join(&b' '), other.join(&b' '));
            let size = |text: &[u8]| parse_size(text);
            one.eq_ignore_ascii_case(&other)
                || size(&one).is_some_and(|bytes| size(&other) == Some(bytes))
                || name == "notify-keyspace-events" && flags(&one) == flags(&other)
                || name == "replicaof" && other.is_empty() && one.eq_ignore_ascii_case(b"no one")
        }
        _ => true,
    }
}

/// Letters in any order; `A` stands for all classes.
fn flags(text: &[u8]) -> BTreeSet<u8> {
    let spelled = text.iter().flat_map(|letter| match letter {
        b'A' => b"g$lshzxetd".to_vec(),
        other => vec![*other],
    });
    spelled.collect()
}
