//! What is wrong with a set beyond the bytes of its segments: manifest, missing files, leftovers.

use std::collections::{HashMap, HashSet};
use std::os::unix::ffi::OsStrExt;

use super::advice;
use super::finding::{Kind, Problem, Severity, bytes};
use crate::aof::{Aof, Leftover, LeftoverKind, ManifestState, OpenedManifest, Role, Segment};
use crate::disk::{self, FrozenFile, Listed};
use crate::format::foreign::{self, Extent};
use crate::format::manifest::{self, HazardKind, Level, Manifest};
use crate::neighbours::Neighbours;
use crate::{limits, text};

/// Everything of that kind.
pub(super) fn problems(aof: &Aof, neighbours: &Neighbours) -> Vec<Problem> {
    let mut listed = Tally::default();
    let mut found = Vec::new();
    if let Some(manifest) = &aof.manifest {
        manifest_problems(aof, manifest, &mut listed, &mut found);
    }
    let beside = listed_beside(aof);
    found.extend(listed.few(aof.segments.iter(), |segment| absent(aof, segment, &beside)));
    found.extend(listed.few(aof.live().map(|(_, segment)| segment), hollow));
    found.extend(listed.few(aof.segments.iter().filter(|s| s.is_link), |segment| {
        let message =
            "is a symbolic link; followed, because it stays inside the directory".to_owned();
        Some(Problem::of_file(Kind::ManifestHazard, Severity::Info, &segment.name, message))
    }));
    let needed: HashSet<_> =
        neighbours.found.iter().filter(|one| one.is_needed()).flat_map(|one| &one.files).collect();
    let leftovers = aof.leftovers.iter().map(|left| (left, needed.contains(&left.path)));
    found.extend(listed.few(leftovers, leftover));
    found.extend(listed.more());
    if aof.upgrade_pending {
        let message = "an upgrade from a single file was interrupted; a server completes it at its \
                       next start, by moving the file into the set";
        found.push(Problem::of_set(Kind::ManifestHazard, Severity::Info, message.to_owned()));
    }
    found
}

/// How many problems of each kind there are: a manifest may have as many lines as it likes, and a directory as many
/// files.
#[derive(Default)]
struct Tally(HashMap<(Kind, Severity), u64>);

impl Tally {
    /// The problems of many things, no more of a kind than are listed.
    fn few<T>(
        &mut self,
        all: impl Iterator<Item = T>,
        problem: impl Fn(T) -> Option<Problem>,
    ) -> Vec<Problem> {
        all.filter_map(problem).filter(|problem| self.takes(problem)).collect()
    }

    fn takes(&mut self, problem: &Problem) -> bool {
        let number = self.0.entry((problem.kind, problem.severity)).or_default();
        *number += 1;
        *number <= limits::SET_PROBLEMS
    }

    /// What is said of those that are not listed.
    fn more(self) -> Vec<Problem> {
        let mut more: Vec<_> =
            self.0.into_iter().filter(|(_, number)| *number > limits::SET_PROBLEMS).collect();
        more.sort_by_key(|((kind, severity), _)| (*kind, std::cmp::Reverse(*severity)));
        let told = more.into_iter().map(|((kind, _), number)| {
            let more = text::thousands(number - limits::SET_PROBLEMS);
            let message = format!("{more} more of {} are not listed", kind.as_str());
            Problem::of_set(Kind::LimitExceeded, Severity::Info, message)
        });
        told.collect()
    }
}

/// Whether a server that is started here does not read a snapshot: it is told to keep an append-only file, or has begun to
/// make one. The file is not one itself.
pub(super) fn reads_no_dump(aof: &Aof) -> bool {
    let name = aof.segments.first().map(|segment| &*segment.name);
    let says_no = aof.settings.append_only == Some(false);
    let keeps_log = aof.settings.append_only == Some(true) || aof.has_empty_append_dir && !says_no;
    keeps_log && name != Some(aof.settings.append_file_name())
}

/// A snapshot that a server which keeps an append-only file passes over.
pub(super) fn ignored_dump(aof: &Aof, is_dump: bool) -> Option<Problem> {
    let dump = aof.segments.first().filter(|_| is_dump && reads_no_dump(aof))?;
    let (name, target) = (text::name(&dump.name), aof.target());
    let why = match aof.settings.append_only {
        Some(true) => "the configuration says appendonly yes".to_owned(),
        _ => format!(
            "{} lies beside it, so a server with appendonly yes was about to make an append-only file",
            text::name(aof.settings.append_dir_name())
        ),
    };
    let message = format!(
        "{name} is a snapshot, and there is no append-only file: {why}. {target} then ignores {name} and starts \
         EMPTY. Start it with appendonly no, and switch appendonly on (CONFIG SET appendonly yes) once it has \
         loaded {name}"
    );
    Some(Problem::of_file(Kind::ManifestMissing, Severity::Error, &dump.name, message))
}

fn manifest_problems(
    aof: &Aof,
    opened: &OpenedManifest,
    listed: &mut Tally,
    found: &mut Vec<Problem>,
) {
    let name = opened.path.file_name().unwrap_or_default().as_encoded_bytes();
    if aof.target().rules.manifest.is_none() && !matches!(opened.state, ManifestState::Missing) {
        let message = format!(
            "{} reads no manifest and no directory of a set: it would start empty beside this one",
            aof.target()
        );
        found.push(Problem::of_file(Kind::ManifestHazard, Severity::Error, name, message));
        return;
    }
    match &opened.state {
        ManifestState::Missing => found.push(lost(aof, opened)),
        ManifestState::Invalid(fault) => {
            let message = format!(
                "{}; {} stops with: {}",
                fault.reason,
                aof.target(),
                fault.reason.kind.server_message()
            );
            let mut problem =
                Problem::of_file(Kind::ManifestInvalid, Severity::Error, name, message);
            problem.offset = Some(fault.at);
            problem.line = Some(fault.reason.line).filter(|&line| line > 0);
            found.push(problem.next(advice::repair(aof, "")));
        }
        ManifestState::Valid(manifest) => hazards(aof, manifest, name, listed, found),
    }
}

fn lost(aof: &Aof, opened: &OpenedManifest) -> Problem {
    let total: u64 = aof.segments.iter().filter_map(Segment::len).sum();
    let message = format!(
        "{} is missing beside {} of {}: DO NOT START A SERVER HERE. It would start empty, number its \
         files from 1 again{} and append to any increment that has its number",
        text::path(&opened.path),
        text::count(aof.segments.len() as u64, "segment"),
        bytes(total),
        first_base(aof).map_or_else(String::new, |base| format!(", overwrite {base}"))
    );
    Problem::of_set(Kind::ManifestMissing, Severity::Error, message).next(advice::repair(aof, ""))
}

/// The base a server that starts empty would overwrite.
fn first_base(aof: &Aof) -> Option<String> {
    let base = aof.segments.iter().find(|s| s.role == Role::Base && s.seq == Some(1))?;
    Some(text::name(&base.name))
}

fn hazards(
    aof: &Aof,
    manifest: &Manifest,
    name: &[u8],
    listed: &mut Tally,
    found: &mut Vec<Problem>,
) {
    for hazard in manifest::hazards(manifest) {
        if aof.upgrade_pending && matches!(hazard.kind, HazardKind::NothingToLoad { .. }) {
            continue;
        }
        let kind = match hazard.kind {
            HazardKind::SeqGap { .. } => Kind::SequenceGap,
            _ => Kind::ManifestHazard,
        };
        let severity = match hazard.level() {
            Level::Info => Severity::Info,
            Level::Warning => Severity::Warning,
            Level::Danger => Severity::Error,
        };
        let mut problem = Problem::of_file(kind, severity, name, hazard.kind.to_string());
        if hazard.line > 0 {
            problem.line = Some(hazard.line);
            problem.offset = Some(hazard.at);
        }
        if severity == Severity::Error {
            problem = problem.next(advice::repair(aof, ""));
        }
        if listed.takes(&problem) {
            found.push(problem);
        }
    }
}

fn absent(aof: &Aof, segment: &Segment, beside: &[Listed]) -> Option<Problem> {
    if !segment.is_live() || !(segment.is_missing() || segment.is_directory()) {
        return None;
    }
    let what = if segment.is_missing() { "is not there" } else { "is a directory" };
    let renamed = renamed(aof, beside, &segment.name);
    let message =
        format!("the manifest names it, and it {what}; {} does not start{renamed}", aof.target());
    Some(Problem::of_file(Kind::SegmentMissing, Severity::Error, &segment.name, message))
}

/// Files of the set's directory, sorted by name; none where no file of the set is missing, which is all they are for.
fn listed_beside(aof: &Aof) -> Vec<Listed> {
    if !aof.live().any(|(_, segment)| segment.is_missing()) {
        return Vec::new();
    }
    // Where the directory cannot be listed, no name can be told.
    // Names as servers give them stand beside a set of many files, and none of them is a longer one.
    let is_longer = |name: &std::ffi::OsStr| {
        let ends = |end: &[u8]| name.as_bytes().ends_with(end);
        !ends(b".aof") && !ends(b".rdb")
    };
    let mut all = disk::list_some(&aof.dir(), is_longer).unwrap_or_default();
    all.retain(|file| !file.is_dir && !file.is_link);
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all
}

/// A file that may be the missing one under a longer name, as a hand or a rotation of logs gives it: `NAME.bak`, `NAME.1`.
fn renamed(aof: &Aof, beside: &[Listed], name: &[u8]) -> String {
    let from = beside.partition_point(|file| file.name.as_bytes() < name);
    let longer = beside[from..]
        .iter()
        .map_while(|file| file.name.as_bytes().strip_prefix(name).map(|rest| (file, rest)));
    let found = longer.into_iter().find(|(_, rest)| rest.starts_with(b".") || *rest == b"~");
    found.map_or_else(String::new, |(file, _)| {
        let told =
            format!(". {} ({}) lies beside it", text::name(file.name.as_bytes()), bytes(file.len));
        match packed(&aof.dir().join(&file.name)) {
            Some(what) => {
                format!("{told}, {what}: if it is that file, unpack it under its old name")
            }
            None => format!("{told}: if it is that file, give it its name back"),
        }
    })
}

/// What a file is that is none of a server's, as a rotation of logs packs it.
fn packed(path: &std::path::Path) -> Option<&'static str> {
    let head = FrozenFile::open(path).and_then(|file| file.head(foreign::HEAD)).ok()?;
    if disk::zstd_magic(&head) {
        return Some("packed by zstd");
    }
    let extent = Extent::of(&head, foreign::HEAD);
    let name = path.file_name().unwrap_or_default().as_bytes();
    Some(foreign::recognise(&head, extent, name)?.what())
}

/// A base that lost all its bytes: servers load the rest of the set without a word.
fn hollow(segment: &Segment) -> Option<Problem> {
    let is_rdb = segment.role == Role::Base && segment.name.ends_with(b".rdb");
    if !is_rdb || segment.len() != Some(0) {
        return None;
    }
    let message = "it has no bytes. Servers write no RDB without bytes, so its keys are lost. Servers that keep a manifest \
                   pass over it and load the rest"
        .to_owned();
    Some(Problem::of_file(Kind::RdbTruncated, Severity::Warning, &segment.name, message))
}

fn leftover((leftover, is_needed): (&Leftover, bool)) -> Option<Problem> {
    let (kind, what) = match leftover.kind {
        LeftoverKind::Orphan => {
            (Kind::OrphanSegment, "no manifest line names it; servers ignore it")
        }
        LeftoverKind::History => {
            (Kind::HistoryFile, "history: the server deletes it at its next start")
        }
        LeftoverKind::Temporary => {
            (Kind::TempFile, "left by a rewrite that never finished, or part of one that runs now")
        }
        LeftoverKind::OldSingleFile => {
            (Kind::OrphanSegment, "a pre-7.0 file beside a set of its own; servers ignore it")
        }
        // Nothing that anybody forgot.
        LeftoverKind::Kept => return None,
    };
    let name = leftover.path.file_name().unwrap_or_default().as_encoded_bytes();
    let len = bytes(leftover.len);
    let message = match is_needed {
        true => format!("{what}; {len}, and it may be the only copy of its data"),
        false => format!("{what}; {len} could be given back"),
    };
    let problem = Problem::of_file(kind, Severity::Info, name, message);
    Some(Problem { len: Some(leftover.len), ..problem })
}
