//! Room, file systems, owners and modes.

use std::path::{Path, PathBuf};

use super::written::on_path;
use crate::aof::{Layout, LeftoverKind};
use crate::audit::finding::{Finding, Fix, Place};
use crate::audit::rule::{Group, Rule};
use crate::audit::subject::{SetSeen, Subject};
use crate::check::Severity::{self, Error, Info, Warning};
use crate::disk;
use crate::format::conf::is_secret;
use crate::text::{self, count, size};

const fn of(severity: Severity) -> (Group, Severity) {
    (Group::Capacity, severity)
}

static NO_ROOM_FOR_A_COPY: Rule = Rule::new(
    "AOF-030",
    "no-room-for-a-copy",
    of(Warning),
    "The file system has less room left than the set takes.",
    "A rewrite of data that are all alive, a repair or a restore beside the set needs as much again.",
);
static NO_ROOM_FOR_A_BACKUP: Rule = Rule::new(
    "AOF-031",
    "no-room-for-a-backup",
    of(Warning),
    "The backup repository has less room left than the set takes.",
    "The next backup after a rewrite stores a whole new base, and may not fit.",
);
static BACKUP_ON_SAME_DISK: Rule = Rule::new(
    "AOF-032",
    "backup-on-same-disk",
    of(Warning),
    "The backup repository lies on the same file system as the set.",
    "What destroys the disk destroys both.",
);
static OTHER_FILE_SYSTEM: Rule = Rule::new(
    "AOF-033",
    "append-directory-elsewhere",
    of(Error),
    "The append directory lies on another file system than the directory above it.",
    "A rewrite writes its base in `dir` and renames it into the append directory, which fails between file systems: no rewrite ever ends well.",
);
static DATA_READABLE: Rule = Rule::new(
    "AOF-034",
    "data-readable-by-others",
    of(Warning),
    "Any user of this machine can read the data.",
    "The log holds every key and value, whatever passwords the server asks for.",
);
static DATA_WRITABLE: Rule = Rule::new(
    "AOF-035",
    "data-writable-by-others",
    of(Error),
    "Any user of this machine can change the data.",
    "A log is a list of commands that the server carries out without asking who wrote it.",
);
static OWNERS_DIFFER: Rule = Rule::new(
    "AOF-036",
    "owners-differ",
    of(Warning),
    "Files of the set belong to another user than their directory.",
    "A server that runs as the directory's owner may not read or append to them; files that root has copied are the usual cause.",
);
static SECRET_READABLE: Rule = Rule::new(
    "AOF-037",
    "secret-readable-by-others",
    of(Error),
    "Any user of this machine can read a file with passwords or a private key.",
    "Whoever reads it can log in to the server, or stand in for it.",
);
static LEFTOVERS: Rule = Rule::new(
    "AOF-038",
    "leftovers",
    of(Info),
    "Files lie beside the set that no server will ever load or delete.",
    "They take room that the next rewrite may need.",
);

pub(super) static RULES: [&Rule; 9] = [
    &NO_ROOM_FOR_A_COPY,
    &NO_ROOM_FOR_A_BACKUP,
    &BACKUP_ON_SAME_DISK,
    &OTHER_FILE_SYSTEM,
    &DATA_READABLE,
    &DATA_WRITABLE,
    &OWNERS_DIFFER,
    &SECRET_READABLE,
    &LEFTOVERS,
];

/// Leftovers of so many bytes matter where they are half of the set or more.
const MANY_BYTES: u64 = 64 << 20;

pub(super) fn judge(subject: &Subject, findings: &mut Vec<Finding>) {
    for set in &subject.sets {
        let places = Places::of(set);
        findings.extend(no_room(set));
        findings.extend(leftovers(set));
        findings.extend(elsewhere(set));
        findings.extend(open_to_others(&places));
        findings.extend(owners(&places));
        if let Some(repository) = &subject.repository {
            backup(set, repository, findings);
        }
    }
    for (path, is_in_use) in secrets(subject) {
        if let Some(mode) = open_mode(&path, READABLE) {
            let seen = format!("its mode is {mode:03o}");
            let (seen, severity) = match is_in_use {
                true => (seen, Error),
                false => {
                    (format!("{seen} here; whether a server reads this copy is not known"), Info)
                }
            };
            let fix = on_path("chmod o=", &path);
            let finding = Finding::new(&SECRET_READABLE, Place::Path(path), seen);
            findings.push(finding.as_severe_as(severity).with(fix));
        }
    }
}

/// Paths of a set that lie on this machine's disks.
struct Places {
    dir: Option<PathBuf>,
    files: Vec<PathBuf>,
}

impl Places {
    fn of(set: &SetSeen) -> Self {
        let manifest = set.aof.manifest.iter().map(|manifest| manifest.path.clone());
        let segments = set.aof.segments.iter().map(|segment| segment.path());
        // A stream and a snapshot have names that are none of a file.
        let files = manifest.chain(segments).filter(|path| disk::is_file(path)).collect();
        let dir = set.aof.dir();
        Self { dir: disk::is_dir(&dir).unwrap_or(false).then_some(dir), files }
    }
}

fn no_room(set: &SetSeen) -> Option<Finding> {
    let (needed, free) = (set.outlook.current_bytes(), set.outlook.disk?.free);
    // Where not even the rewrite fits, that is told.
    if free >= needed || super::rewrite::lacks_room(set) {
        return None;
    }
    let seen = format!("the set takes {}, and {} are left", size(needed), size(free));
    let path = set.aof.path.clone();
    let fix = on_path("aofkit clean", &path);
    Some(Finding::new(&NO_ROOM_FOR_A_COPY, Place::Path(path), seen).with(fix))
}

fn backup(set: &SetSeen, repository: &Path, findings: &mut Vec<Finding>) {
    // One that is still to be made lies where its parent is.
    let Some(there) = repository.ancestors().find(|path| disk::exists(path)) else { return };
    let device = |path: &Path| disk::stamp(path).ok().map(|stamp| stamp.identity.device);
    let place = || Place::Path(repository.to_owned());
    let both = device(there).zip(device(&set.aof.dir()));
    if both.is_some_and(|(repository, set)| repository == set) {
        let seen = format!("{} lies on the same one", text::path(&set.aof.path));
        findings.push(Finding::new(&BACKUP_ON_SAME_DISK, place(), seen).with(Fix::text(
            "Keep the repository on another disk, or copy it to another machine after each backup.",
        )));
        return;
    }
    let needed = set.outlook.current_bytes();
    let free = disk::room(there).ok().map(|room| room.free);
    if let Some(free) = free.filter(|free| *free < needed) {
        let seen = format!("the set takes {}, and {} are left", size(needed), size(free));
        findings.push(
            Finding::new(&NO_ROOM_FOR_A_BACKUP, place(), seen)
                .with(on_path("aofkit prune --repo", repository)),
        );
    }
}

fn elsewhere(set: &SetSeen) -> Option<Finding> {
    if set.aof.layout != Layout::MultiPart {
        return None;
    }
    let dir = set.aof.dir();
    let above = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => dir.join(".."),
    };
    let device = |path: &Path| disk::stamp(path).ok().map(|stamp| stamp.identity.device);
    let (inner, outer) = device(&dir).zip(device(&above))?;
    if inner == outer {
        return None;
    }
    let seen = format!("{} lies on another one", text::path(&above));
    Some(Finding::new(&OTHER_FILE_SYSTEM, Place::Path(dir), seen).with(Fix::text(
        "Mount the file system at `dir` itself, so that the append directory lies inside it.",
    )))
}

const READABLE: u32 = 0o004;
const WRITABLE: u32 = 0o002;

/// A directory in which everybody may write, but nobody remove what is another's.
const STICKY: u32 = 0o1000;

/// The mode of a file or directory that any user can reach, and then read or write.
fn open_mode(path: &Path, bit: u32) -> Option<u32> {
    let path = disk::real_path(path).ok()?;
    let mode = |path: &Path| disk::attributes(path).ok().map(|attributes| attributes.mode);
    let own = mode(&path).filter(|mode| mode & bit != 0)?;
    let is_closed = |dir: &Path| mode(dir).is_none_or(|mode| mode & 0o001 == 0);
    (!path.ancestors().skip(1).any(is_closed)).then_some(own)
}

fn open_to_others(places: &Places) -> Option<Finding> {
    let dir = places.dir.iter().filter_map(|dir| {
        let mode = open_mode(dir, WRITABLE).filter(|mode| mode & STICKY == 0)?;
        Some((dir.clone(), mode))
    });
    let file = |bit| move |path: &PathBuf| Some((path.clone(), open_mode(path, bit)?));
    let writable: Vec<_> = dir.chain(places.files.iter().filter_map(file(WRITABLE))).collect();
    let (rule, found, command) = match writable.is_empty() {
        false => (&DATA_WRITABLE, writable, "chmod o-rw"),
        true => {
            let readable = places.files.iter().filter_map(file(READABLE)).collect();
            (&DATA_READABLE, readable, "chmod o-rx")
        }
    };
    let ((path, mode), others) = found.split_first()?;
    let mut seen = format!("its mode is {mode:03o}");
    if !others.is_empty() {
        seen += &format!(", and so on for {}", count(others.len() as u64, "more file"));
    }
    // Who cannot enter the directory reaches none of them.
    let closed = match rule.id == DATA_READABLE.id {
        true => places.dir.as_ref().unwrap_or(path),
        false => path,
    };
    Some(Finding::new(rule, Place::Path(path.clone()), seen).with(on_path(command, closed)))
}

fn owners(places: &Places) -> Option<Finding> {
    let owner = |path: &Path| disk::attributes(path).ok().map(|attributes| attributes.uid);
    let dir = places.dir.as_ref()?;
    let of_dir = owner(dir)?;
    let others = |path: &&PathBuf| owner(path).is_some_and(|uid| uid != of_dir);
    let found: Vec<_> = places.files.iter().filter(others).collect();
    let (first, more) = found.split_first()?;
    let mut seen = format!(
        "it belongs to user {}, its directory to user {of_dir}",
        owner(first).unwrap_or_default()
    );
    if !more.is_empty() {
        seen += &format!("; so do {}", count(more.len() as u64, "more file"));
    }
    let fix = on_path(&format!("chown -R {of_dir}"), dir);
    Some(Finding::new(&OWNERS_DIFFER, Place::Path((*first).clone()), seen).with(fix))
}

/// Whether a running server of this machine is seen to use the very configuration that was looked at: a file that was
/// named may be a copy, closed where it is used.
fn is_in_use(subject: &Subject) -> bool {
    let told = subject.server.as_ref().filter(|_| subject.machine.is_some());
    let told =
        told.and_then(|server| disk::real_path(server.state.config_file.as_ref()?.as_ref()).ok());
    let own = subject.conf.as_ref().and_then(|conf| disk::real_path(&conf.path).ok());
    told.is_some() && told == own
}

/// Files that hold secrets, as far as they can be found here, and whether they are what a server uses.
fn secrets(subject: &Subject) -> Vec<(PathBuf, bool)> {
    let mut found = Vec::new();
    let is_in_use = is_in_use(subject);
    for line in subject.conf.iter().flat_map(|conf| &conf.lines) {
        let Some(directive) = &line.directive else { continue };
        let name = String::from_utf8_lossy(&directive.name);
        let is_filled = match name.as_ref() {
            "user" => directive.args.iter().any(|rule| rule.starts_with(b">")),
            _ => directive.args.iter().any(|arg| !arg.is_empty()),
        };
        if is_secret(&name) && is_filled {
            found.push((line.file.to_path_buf(), is_in_use));
        }
    }
    for name in ["aclfile", "tls-key-file", "tls-client-key-file"] {
        let seen = subject.setting(name);
        let Some(path) = seen.as_ref().and_then(|seen| seen.text()).map(Path::new) else {
            continue;
        };
        // A relative one counts from where the server is.
        if path.is_absolute() {
            found.push((path.to_owned(), true));
        }
    }
    found.sort();
    found.dedup();
    found.retain(|(path, _)| disk::is_file(path));
    found
}

fn leftovers(set: &SetSeen) -> Option<Finding> {
    let is_one = |kind: LeftoverKind| kind != LeftoverKind::Kept;
    let found: Vec<_> = set.aof.leftovers.iter().filter(|one| is_one(one.kind)).collect();
    let bytes: u64 = found.iter().map(|one| one.len).sum();
    let first = found.first()?;
    let seen = format!(
        "{} of {}, such as {}",
        count(found.len() as u64, "file"),
        size(bytes),
        text::path(&first.path)
    );
    let is_much = bytes >= MANY_BYTES && bytes >= set.outlook.current_bytes() / 2;
    let finding = Finding::new(&LEFTOVERS, Place::Path(set.aof.path.clone()), seen)
        .as_severe_as(if is_much { Warning } else { Info })
        .with(on_path("aofkit clean", &set.aof.path));
    Some(finding.with(Fix::text(
        "`clean` prints first what each file holds, and keeps what may be the only copy of a command.",
    )))
}
