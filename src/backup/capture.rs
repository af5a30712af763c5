//! Captures the files of an opened set: takes over from the parent what is the same, stores the rest.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::alive::Alive;
use super::blocks::Blocks;
use super::compress::Placed;
use super::entry::{Divergence, Entry, FileEntry, FileType, SegmentEntry, Stamps, Words};
use super::eyes::{Seen, joined};
use super::growing::Origin;
use super::hash;
use super::keys::Before;
use super::options::BackupOptions;
use super::pass::{pass, unwalked};
use super::pool::{Done, Outlet, Packing, with_packers};
use super::prefix::{self, Prefix};
use super::repository::Repository;
use super::trust::Trust;
use crate::aof::{Aof, Role, Segment};
use crate::disk::FrozenFile;
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Progress;
use crate::rules::Needs;
use crate::scan::Meter;
use crate::text;

/// What a set's files have become.
pub(super) struct Captured {
    pub(super) files: Vec<FileEntry>,
    pub(super) extras: Vec<FileEntry>,
    pub(super) diverged: Vec<Divergence>,
    /// Bytes of objects that were not in the repository before.
    pub(super) new_bytes: u64,
    /// Bytes of files that are taken over from the parent.
    pub(super) reused_bytes: u64,
    /// The set is as the parent has it: nothing of it was walked over.
    pub(super) is_still: bool,
    /// They tell that it is the parent's set.
    pub(super) is_akin: bool,
    /// Files beside the set that the parent has, whose objects are missing or damaged.
    pub(super) lost_extras: Vec<FileEntry>,
    /// What the bytes that were read need of modules.
    pub(super) needs: Needs,
    /// The keys that are there after all of them, where that is known.
    pub(super) alive: Option<Alive>,
}

/// A file on its way into a snapshot.
struct Capture<'a> {
    file: &'a FrozenFile,
    name: Words,
    seq: Option<i64>,
    kind: FileType,
    closed: bool,
    /// It is kept as it is: nobody walks over it.
    is_raw: bool,
    /// Taken over from the parent.
    reused: Vec<Arc<SegmentEntry>>,
    /// Where in the parent's list of files it stands, when all that the parent has of it is taken over.
    continues: Option<usize>,
    walk_from: u64,
    /// Of what lies before `walk_from`.
    commands: u64,
    stamps: Option<Stamps>,
    created: Option<i64>,
    seen: Seen,
}

/// Everything a capture needs beside the set.
pub(super) struct Means<'a> {
    pub(super) repository: &'a Repository,
    pub(super) source: &'a str,
    pub(super) options: &'a BackupOptions,
    pub(super) parent: Option<&'a Entry>,
    /// The keys after the parent.
    pub(super) before: &'a Before<'a>,
    pub(super) trust: &'a Trust<'a>,
    pub(super) progress: &'a dyn Progress,
}

/// Captures all live files of a set, and those that were asked for beside it.
pub(super) fn capture(aof: &Aof, means: &Means<'_>) -> Result<Captured> {
    let mut diverged = Vec::new();
    let last = aof.last_live();
    let in_parent = in_parent(aof, means.parent);
    let extras = means.parent.into_iter().flat_map(|parent| &parent.extras);
    means.trust.take_turn(in_parent.iter().flatten().copied().chain(extras))?;
    let mut captures = Vec::new();
    for ((position, segment), in_parent) in aof.live().zip(in_parent) {
        let is_last = Some(position) == last;
        captures.push(begin(segment, is_last, in_parent, means, &mut diverged)?);
    }
    let opened = opened(&means.options.includes)?;
    for file in &opened {
        captures.push(begin_extra(file, means)?);
    }
    let is_still = is_still(&captures, means.parent);
    let alive = if is_still { None } else { keys_before(&mut captures, means) };
    let is_akin = means.parent.is_none_or(|parent| is_akin(&captures, parent));
    let mut captured = store(captures, alive, diverged, means)?;
    let (kept, lost) = kept_extras(&captured.extras, means)?;
    captured.extras.extend(kept);
    Ok(Captured { is_still, is_akin, lost_extras: lost, ..captured })
}

/// Captures the files of a set as they lie there, and `others` with those that were asked for beside it.
pub(super) fn capture_as_is(
    aof: &Aof,
    others: &[FrozenFile],
    means: &Means<'_>,
) -> Result<Captured> {
    let mut captures = Vec::new();
    for (_, segment) in aof.live() {
        let Some(file) = segment.file() else { continue };
        let (name, kind) = (Words::new(&segment.name), type_of(segment.role));
        let one = Capture::new(file, name, kind, segment.seq, true);
        captures.push(Capture { is_raw: true, ..one });
    }
    let opened = opened(&means.options.includes)?;
    for file in others.iter().chain(&opened) {
        captures.push(begin_extra(file, means)?);
    }
    store(captures, None, Vec::new(), means)
}

fn opened(paths: &[PathBuf]) -> Result<Vec<FrozenFile>> {
    paths.iter().map(|path| FrozenFile::open(path)).collect()
}

/// Walks over what is new in these files and stores it. `alive` has the keys that are there before.
fn store(
    mut captures: Vec<Capture<'_>>,
    mut alive: Option<Alive>,
    diverged: Vec<Divergence>,
    means: &Means<'_>,
) -> Result<Captured> {
    let total = captures.iter().map(|c| c.file.len().saturating_sub(c.walk_from)).sum();
    means.progress.begin(Some(total));
    let mut meter = Meter::new(means.progress, &means.options.pace);
    let &Means { repository, source, options, .. } = means;
    let packing = Packing { repository, source, threads: options.threads, level: options.level };
    let (captures, done) = with_packers(packing, repository.unfinished(source)?, |outlet| {
        for (number, one) in captures.iter_mut().enumerate() {
            meter.begin_at(one.walk_from);
            walk(number, one, &mut alive, &mut meter, outlet)?;
        }
        Ok(captures)
    })?;
    means.progress.finish();
    let mut captured = assemble(captures, done, diverged)?;
    captured.alive = alive;
    Ok(captured)
}

/// Whether the parent has all files of the set, with every byte of them.
fn is_still(captures: &[Capture<'_>], parent: Option<&Entry>) -> bool {
    let set = || captures.iter().filter(|one| one.kind != FileType::Extra);
    let is_same = |(at, one): (usize, &Capture<'_>)| {
        one.continues == Some(at) && one.walk_from == one.file.len()
    };
    parent.is_some_and(|parent| parent.files.len() == set().count())
        && set().enumerate().all(is_same)
}

/// The keys that are there before anything is read: none where everything is read, those after the parent where only what
/// follows it is; else that is not known. After a rewrite, files that the parent has are read again for that: nobody has
/// counted them from this base on.
fn keys_before(captures: &mut [Capture<'_>], means: &Means<'_>) -> Option<Alive> {
    let set = || captures.iter().filter(|one| one.kind != FileType::Extra);
    let parent = means.parent.map_or(0, |parent| parent.files.len());
    let continues = set().take(parent).enumerate().all(|(at, one)| one.continues == Some(at));
    let is_new = set().skip(parent).all(|one| one.walk_from == 0);
    if continues && is_new && set().count() >= parent && means.before.alive().is_some() {
        return means.before.alive().cloned();
    }
    if set().next().is_some_and(|base| base.continues.is_some()) {
        return None;
    }
    let of_set = captures.iter_mut().filter(|one| one.kind != FileType::Extra);
    of_set.for_each(Capture::walk_again);
    Some(Alive::default())
}

/// Bytes that two sets may have in common by accident: the selection of a database, and whatever else a log begins with.
const TELLING: u64 = 4096;

/// Whether what is taken over tells that it is the parent's set: the first file that has anything, or enough of another.
fn is_akin(captures: &[Capture<'_>], parent: &Entry) -> bool {
    let Some(first) = parent.files.iter().find(|file| file.size > 0) else { return true };
    let is_first = |one: &Capture<'_>| (&one.name, one.kind) == (&first.name, first.kind);
    let shares = |one: &Capture<'_>| {
        one.reused_bytes() >= TELLING || one.continues.is_some() && is_first(one)
    };
    captures.iter().filter(|one| one.kind != FileType::Extra).any(shares)
}

/// Files beside the set that the parent has and this run was not given: they stay as they were. Answers also those that
/// cannot.
fn kept_extras(given: &[FileEntry], means: &Means<'_>) -> Result<(Vec<FileEntry>, Vec<FileEntry>)> {
    let (mut kept, mut lost) = (Vec::new(), Vec::new());
    let Some(parent) = means.parent.filter(|_| !means.options.drops_includes) else {
        return Ok((kept, lost));
    };
    for file in parent.extras.iter().filter(|file| given.iter().all(|one| one.name != file.name)) {
        if means.trust.holds(file)? {
            let read = file.read.clone().or(Some(parent.taken.clone()));
            kept.push(FileEntry { read, ..file.clone() });
        } else {
            lost.push(file.clone());
        }
    }
    Ok((kept, lost))
}

fn type_of(role: Role) -> FileType {
    match role {
        Role::Base => FileType::Base,
        Role::Increment => FileType::Increment,
        _ => FileType::Single,
    }
}

/// What the parent has under the names of the live files, in their order.
fn in_parent<'p>(aof: &Aof, parent: Option<&'p Entry>) -> Vec<Option<&'p FileEntry>> {
    let files = parent.into_iter().flat_map(|parent| &parent.files);
    let files: HashMap<_, _> = files.map(|file| ((&file.name, file.kind), file)).collect();
    let found = |segment: &Segment| {
        files.get(&(&Words::new(&segment.name), type_of(segment.role))).copied()
    };
    aof.live().map(|(_, segment)| found(segment)).collect()
}

/// A file of the set, compared with what the parent has of it.
fn begin<'a>(
    segment: &'a Segment,
    is_last: bool,
    in_parent: Option<&FileEntry>,
    means: &Means<'_>,
    diverged: &mut Vec<Divergence>,
) -> Result<Capture<'a>> {
    let Some(file) = segment.file().filter(|_| segment.is_plain()) else {
        let why = match segment.is_missing() {
            true => "the set's manifest names this file, and it is not there; see `aofkit check`",
            false => "only plain files can be backed up",
        };
        return Err(Error::new(ErrorKind::Refused(why.to_owned().into()), &segment.path()));
    };
    let kind = type_of(segment.role);
    // A server appends to the last increment, and before 7.0 to its only file.
    let closed = !is_last || kind == FileType::Base;
    let name = Words::new(&segment.name);
    let mut one = Capture::new(file, name, kind, segment.seq, closed);
    let Some(in_parent) = in_parent else { return Ok(one) };
    if !means.trust.holds(in_parent)? {
        return Ok(one);
    }
    match prefix::compare(file, in_parent, means.options.paranoid)? {
        Prefix::Whole => {
            one.take_over(in_parent);
            let files = means.parent.into_iter().flat_map(|parent| &parent.files);
            one.continues =
                files.enumerate().find(|(_, f)| std::ptr::eq(*f, in_parent)).map(|f| f.0);
        }
        Prefix::Part(same, how) => {
            one.reused = same;
            // A single file is replaced under its own name by every rewrite.
            if kind != FileType::Single {
                diverged.push(how);
            }
        }
    }
    Ok(one)
}

fn begin_extra<'a>(file: &'a FrozenFile, means: &Means<'_>) -> Result<Capture<'a>> {
    let path = file.path();
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    let mut one = Capture::new(file, Words::new(name), FileType::Extra, None, true);
    let in_parent = means.parent.and_then(|p| p.extras.iter().find(|f| f.name == one.name));
    if let Some(in_parent) = in_parent
        && means.trust.holds(in_parent)?
        && let Prefix::Whole = prefix::compare(file, in_parent, false)?
        && in_parent.size == file.len()
        && whole_is_same(file, in_parent)?
    {
        one.take_over(in_parent);
    }
    Ok(one)
}

/// Small files that are edited in the middle: all bytes are compared.
fn whole_is_same(file: &FrozenFile, parent: &FileEntry) -> Result<bool> {
    let mut all = parent.segments.iter();
    all.try_fold(true, |same, segment| {
        let hash = super::compress::hash_of_range(file, segment.offset, segment.size)?;
        Ok(same && hash == segment.sha256)
    })
}

impl<'a> Capture<'a> {
    fn new(
        file: &'a FrozenFile,
        name: Words,
        kind: FileType,
        seq: Option<i64>,
        closed: bool,
    ) -> Self {
        Self {
            file,
            name,
            seq,
            kind,
            closed,
            is_raw: kind == FileType::Extra,
            reused: Vec::new(),
            continues: None,
            walk_from: 0,
            commands: 0,
            stamps: None,
            created: None,
            seen: Seen::default(),
        }
    }

    /// The parent has the beginning of it; a record begins where that ends.
    fn take_over(&mut self, parent: &FileEntry) {
        self.reused.clone_from(&parent.segments);
        self.walk_from = parent.size;
        self.commands = parent.commands;
        self.stamps = parent.ts;
        self.created = parent.created;
    }

    /// All of it is walked over, also what is taken over.
    fn walk_again(&mut self) {
        self.walk_from = 0;
        self.commands = 0;
        self.stamps = None;
        self.created = None;
    }

    fn reused_bytes(&self) -> u64 {
        self.reused.iter().map(|segment| segment.size).sum()
    }
}

/// Walks over what is new in a file and stores it. `alive` has the keys before and gets those after it.
fn walk<'f>(
    number: usize,
    one: &mut Capture<'f>,
    alive: &mut Option<Alive>,
    meter: &mut Meter<'_>,
    outlet: &Outlet<'_, 'f>,
) -> Result<()> {
    one.seen.boundary = one.walk_from;
    let file = one.file;
    if file.len() == one.walk_from {
        return Ok(());
    }
    let origin = Origin { number, file, name: one.name.clone() };
    if one.is_raw {
        one.reused.clear();
        one.seen.boundary = file.len();
        return unwalked(file, Blocks::new(outlet, origin, 0));
    }
    loop {
        let blocks = Blocks::new(outlet, origin.clone(), one.reused_bytes());
        one.seen = pass(file, one.walk_from, one.closed, alive.clone(), blocks, meter)?;
        if let Some(error) = trouble(one) {
            return Err(error);
        }
        let boundary = one.seen.boundary;
        if boundary >= one.reused_bytes() {
            *alive = one.seen.alive.take();
            return Ok(());
        }
        // It was cut, and what is there now ends inside a segment that the parent has.
        one.reused.retain(|segment| segment.offset + segment.size <= boundary);
    }
}

/// Why the file cannot be part of a proven backup, when it cannot.
fn trouble(one: &Capture<'_>) -> Option<Error> {
    let whole = one.seen.boundary == one.file.len();
    let (at, what) = match &one.seen.trouble {
        Some((at, what)) => (*at, what.clone()),
        None if one.closed && !whole => {
            (one.seen.boundary, "it ends inside a record or a transaction".to_owned())
        }
        None => return None,
    };
    let why = format!("damaged: {what}; not backed up, see `aofkit check`");
    Some(Error::new(ErrorKind::BadBackup(why), &one.file.path()).at(at))
}

fn assemble(
    captures: Vec<Capture<'_>>,
    done: Vec<Done>,
    diverged: Vec<Divergence>,
) -> Result<Captured> {
    let mut new_bytes = 0;
    let mut placed: Vec<Vec<SegmentEntry>> = vec![Vec::new(); captures.len()];
    for (number, Placed { segment, is_new }) in done {
        // More than a segment may follow the last place to cut: it is stored before that is known.
        if segment.offset < captures[number].seen.boundary {
            new_bytes += if is_new { segment.stored } else { 0 };
            placed[number].push(segment);
        }
    }
    let mut needs = Needs::default();
    captures.iter().for_each(|one| needs.merge(&one.seen.needs));
    let mut captured = Captured {
        files: Vec::new(),
        extras: Vec::new(),
        diverged,
        new_bytes,
        reused_bytes: captures.iter().map(Capture::reused_bytes).sum(),
        is_still: false,
        is_akin: true,
        lost_extras: Vec::new(),
        needs,
        alive: None,
    };
    for (one, mut placed) in captures.into_iter().zip(placed) {
        placed.sort_by_key(|segment| segment.offset);
        let is_extra = one.kind == FileType::Extra;
        let file = file_entry(one, placed)?;
        if is_extra { captured.extras.push(file) } else { captured.files.push(file) }
    }
    Ok(captured)
}

fn file_entry(one: Capture<'_>, placed: Vec<SegmentEntry>) -> Result<FileEntry> {
    let size = one.seen.boundary;
    let mut segments = one.reused;
    segments.extend(placed.into_iter().map(Arc::new));
    let up_to = segments.iter().try_fold(0, |at, s| (s.offset == at).then_some(s.offset + s.size));
    if up_to != Some(size) {
        return Err(Error::new(ErrorKind::KeepsChanging, &one.file.path()).at(size));
    }
    let sha256 = match &segments[..] {
        [] => Some(hash::hex_of(b"")),
        [only] => Some(only.sha256.clone()),
        _ => None,
    };
    Ok(FileEntry {
        name: one.name,
        seq: one.seq,
        kind: one.kind,
        size,
        sha256,
        closed: one.closed,
        mode: one.file.mode()? & 0o777,
        head: prefix::head(one.file, size)?,
        tail: prefix::tail(one.file, size)?,
        torn_bytes_dropped: one.file.len() - size,
        commands: one.commands + one.seen.commands,
        ts: joined(one.stamps, one.seen.stamps),
        created: one.created.or(one.seen.created),
        read: None,
        lists: Vec::new(),
        segments,
    })
}

/// Where a set lies, the same for every way to name it.
///
/// # Errors
/// When it lies in no directory, as a stream and a snapshot do.
pub fn place_of(aof: &Aof) -> Result<PathBuf> {
    let path = match &aof.manifest {
        Some(manifest) => manifest.path.clone(),
        None => match aof.live().next() {
            Some((_, segment)) => segment.path(),
            None => aof.path.clone(),
        },
    };
    let dir = crate::disk::real_path(crate::disk::parent(&path))?;
    Ok(dir.join(path.file_name().unwrap_or_default()))
}

/// A path as entries have it: no two paths are written alike. One with a backslash is escaped as a whole, for an escaped one has it
/// too.
pub(super) fn path_text(path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes();
    if bytes.contains(&b'\\') { text::escape(bytes) } else { text::name(bytes) }
}
