//! From a path to the sets it leads to. Content decides; a name only breaks ties.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::{deleted, sealed};
use crate::disk::{self, FrozenFile, Identity, Listed, LookOnce};
use crate::error::{Error, ErrorKind, Result};
use crate::format::foreign::{self, Extent};
use crate::format::{manifest, rdb};
use crate::{limits, text};

/// A set that was found but not opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A manifest.
    Manifest(PathBuf),
    /// A directory in the place of a manifest, beside segments.
    ManifestDirectory(PathBuf),
    /// A directory with segments whose manifest is lost; the stem of their names.
    Lost(PathBuf, Vec<u8>),
    /// A file by itself.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

/// What was found at a path.
#[derive(Debug, Default)]
pub(super) struct Located {
    /// The sets.
    pub(super) sets: Vec<Found>,
    /// Why a directory, or a file named as a log is, could not be looked at: a set may lie there.
    pub(super) unreadable: Vec<Error>,
}

impl From<Found> for Located {
    fn from(only: Found) -> Self {
        Self { sets: vec![only], unreadable: Vec::new() }
    }
}

/// The sets at `path`.
pub(super) fn locate(path: &Path, processes: &LookOnce) -> Result<Located> {
    if path.as_os_str() == "-" {
        return Ok(Found::Stdin.into());
    }
    if !disk::is_dir(path)? {
        return Ok(file(path)?.into());
    }
    if stands_for_manifest(path) {
        return Ok(Found::ManifestDirectory(path.to_owned()).into());
    }
    let identity = disk::stamp(path)?.identity;
    let (seen, top) = (HashSet::from([identity]), path.to_owned());
    let mut search = Search { top, unreadable: Vec::new(), seen, own: None };
    let sets = search.in_directory(path, identity, &mut Vec::new())?;
    let mut unreadable = search.unreadable;
    if !sets.is_empty() {
        unreadable.retain(|one| one.may_hide_a_set);
        let unreadable = unreadable.into_iter().map(|one| one.why).collect();
        return Ok(Located { sets, unreadable });
    }
    match unreadable.into_iter().next() {
        // Where nothing is found, what could not be looked at may be all there is.
        Some(first) => Err(first.why),
        None => {
            let why = match deleted::told(path, processes) {
                Some(told) => format!("{NONE}. {told}"),
                None => NONE.to_owned(),
            };
            let none = Error::io(path, std::io::Error::new(std::io::ErrorKind::NotFound, why));
            let levels = limits::SET_DEPTH;
            Err(none
                .hint(format!("it was searched, and directories up to {levels} levels below it")))
        }
    }
}

/// Of a directory without a set, as of any that a server never wrote into.
const NONE: &str = "no AOF set, segment or RDB file here; a server with appendonly yes starts empty in such a directory";

/// A file named by the user: a manifest or a segment.
fn file(path: &Path) -> Result<Found> {
    let named = manifest::stem(path.as_os_str().as_bytes()).is_some();
    let file = FrozenFile::open(path)?;
    let mut head = file.head(limits::PEEK)?;
    if disk::zstd_magic(&head) {
        head = disk::open_zstd(&file)?.window(0, limits::PEEK)?.to_vec();
    }
    if named || manifest::looks_like(&head) {
        return Ok(Found::Manifest(path.to_owned()));
    }
    Ok(Found::File(path.to_owned()))
}

/// Refuses a file, or a stream, that is something else by its first bytes, of which so many were asked.
pub(super) fn refuse_foreign(path: &Path, head: &[u8], asked: usize) -> Result<()> {
    let name = path.file_name().unwrap_or(path.as_os_str()).as_bytes();
    let extent = Extent::of(head, asked);
    let Some(foreign) = foreign::recognise(head, extent, name) else { return Ok(()) };
    let word = match path.as_os_str().as_bytes() {
        b"-" => "FILE".to_owned(),
        path => text::shell_word(path).unwrap_or_else(|| "FILE".to_owned()),
    };
    let told = format!("{}, not an append-only file: {}", foreign.what(), foreign.help(&word));
    let is_product = foreign.is_product();
    Err(Error::new(ErrorKind::Foreign { told, is_product }, path))
}

/// Whether this directory has the name of a manifest, and segments that go with that name lie beside it.
fn stands_for_manifest(path: &Path) -> bool {
    let Some(name) = path.file_name().filter(|name| is_manifest_name(name)) else { return false };
    let stem = manifest::stem(name.as_bytes()).unwrap_or_default();
    let dir = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let ours = |l: &Listed| segment_name(l.name.as_bytes()).is_some_and(|n| n.stem == stem);
    disk::list_dir(dir).is_ok_and(|listed| listed.iter().any(ours))
}

/// What could not be looked at.
struct Unreadable {
    why: Error,
    /// A set may lie there, whatever else is found.
    may_hide_a_set: bool,
}

/// The sets in and below a directory. What cannot be looked at below it is no reason to give up on the
/// rest; it is kept, to be told. Each directory is looked at once, however many links lead to it: by its own name
/// where it has one below the first directory, else by the first link.
struct Search {
    top: PathBuf,
    unreadable: Vec<Unreadable>,
    seen: HashSet<Identity>,
    /// The directories below the first one that are reached without a link; looked for when there is the first link.
    own: Option<HashSet<Identity>>,
}

impl Search {
    fn in_directory(
        &mut self,
        dir: &Path,
        identity: Identity,
        above: &mut Vec<Identity>,
    ) -> Result<Vec<Found>> {
        let mut listed = disk::list_dir(dir)?;
        listed.retain(|l| !is_hidden(&l.name));
        let files = || listed.iter().filter(|l| !l.is_dir);
        let manifests = || files().filter(|l| is_manifest_name(&l.name));
        // A manifest that has several names here is one set.
        let mut told: HashSet<_> = manifests().filter(|l| !l.is_link).map(|l| l.identity).collect();
        let manifests: Vec<_> = manifests()
            .filter(|l| !l.is_link || told.insert(l.identity))
            .map(|l| Found::Manifest(dir.join(&l.name)))
            .collect();
        if !manifests.is_empty() {
            return Ok(manifests);
        }
        let in_its_place = |l: &&Listed| l.is_dir && stands_for_manifest(&dir.join(&l.name));
        if let Some(directory) = listed.iter().find(in_its_place) {
            return Ok(vec![Found::ManifestDirectory(dir.join(&directory.name))]);
        }
        above.push(identity);
        let below = self.below(dir, &listed, above);
        above.pop();
        let (found, elsewhere) = below?;
        let found = without_backups(dir, found);
        if !found.is_empty() || elsewhere {
            return Ok(found);
        }
        if let Some(stem) = files().find_map(|l| segment_name(l.name.as_bytes()).map(|n| n.stem)) {
            return Ok(vec![Found::Lost(dir.to_owned(), stem.to_vec())]);
        }
        Ok(single_files(dir, &listed, &mut self.unreadable))
    }

    /// The sets in the directories of this one, and whether some of them were told already.
    fn below(
        &mut self,
        dir: &Path,
        listed: &[Listed],
        above: &mut Vec<Identity>,
    ) -> Result<(Vec<Found>, bool)> {
        let (mut found, mut elsewhere) = (Vec::new(), false);
        if above.len() > limits::SET_DEPTH {
            return Ok((found, elsewhere));
        }
        // Links last: what they lead to may be a neighbour.
        let subs = || listed.iter().filter(|l| l.is_dir);
        for sub in subs().filter(|l| !l.is_link).chain(subs().filter(|l| l.is_link)) {
            if above.contains(&sub.identity) {
                continue;
            }
            let is_told = sub.is_link && self.own().contains(&sub.identity);
            if is_told || !self.seen.insert(sub.identity) {
                elsewhere = true;
                continue;
            }
            match self.in_directory(&dir.join(&sub.name), sub.identity, above) {
                Ok(more) => found.extend(more),
                Err(why) => {
                    // A directory that was removed meanwhile hides nothing.
                    let may_hide_a_set = *why.kind() != ErrorKind::NotFound;
                    self.unreadable.push(Unreadable { why, may_hide_a_set });
                }
            }
            if found.len() > limits::SETS {
                return Err(Error::new(ErrorKind::TooLarge { limit: limits::SETS as u64 }, dir));
            }
        }
        Ok((found, elsewhere))
    }

    fn own(&mut self) -> &HashSet<Identity> {
        let top = &self.top;
        self.own.get_or_insert_with(|| {
            let mut own = HashSet::new();
            own_directories(top, 0, &mut own);
            own
        })
    }
}

/// The directories that are reached without a link, as deep as sets are looked for.
fn own_directories(dir: &Path, depth: usize, into: &mut HashSet<Identity>) {
    if depth >= limits::SET_DEPTH {
        return;
    }
    let listed = disk::list_dir(dir).unwrap_or_default();
    // Below a set no other one is looked for.
    if listed.iter().any(|l| !l.is_dir && is_manifest_name(&l.name)) {
        return;
    }
    for sub in listed {
        if sub.is_dir && !sub.is_link && !is_hidden(&sub.name) && into.insert(sub.identity) {
            own_directories(&dir.join(&sub.name), depth + 1, into);
        }
    }
}

/// Pre-7.0 files in a directory; snapshots only when there is no such file.
fn single_files(dir: &Path, listed: &[Listed], unreadable: &mut Vec<Unreadable>) -> Vec<Found> {
    let (mut logs, mut snapshots, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for entry in listed.iter().filter(|l| !l.is_dir && !is_temporary(l.name.as_bytes())) {
        let path = dir.join(&entry.name);
        let named_aof = entry.name.as_bytes().ends_with(b".aof");
        let head = match FrozenFile::open(&path).and_then(|f| f.head(foreign::HEAD)) {
            Ok(head) => head,
            Err(why) => {
                // A server's socket may lie beside its files.
                if disk::is_file(&path) {
                    unreadable.push(Unreadable { why, may_hide_a_set: named_aof });
                }
                continue;
            }
        };
        let is_foreign = || {
            let extent = Extent::of(&head, foreign::HEAD);
            foreign::recognise(&head, extent, entry.name.as_bytes()).is_some()
        };
        match (rdb::is_one(&head), looks_like_resp(&head)) {
            (_, true) => logs.push(Found::File(path)),
            (true, _) if named_aof => logs.push(Found::File(path)),
            (true, _) => snapshots.push(Found::File(path)),
            _ if named_aof && is_foreign() => others.push(Found::File(path)),
            _ if named_aof => logs.push(Found::File(path)),
            _ => {}
        }
    }
    [logs, snapshots, others].into_iter().find(|found| !found.is_empty()).unwrap_or_default()
}

/// A record's header or a timestamp; a mere `#` would take any configuration file.
fn looks_like_resp(head: &[u8]) -> bool {
    head.starts_with(b"#TS:")
        || head.first() == Some(&b'*') && head.get(1).is_some_and(u8::is_ascii_digit)
}

/// What is passed over where sets are looked for: names that begin with a dot (`.nfs…` of a deleted file and `.snapshot`
/// among them), what file systems keep at their root, and what changes have put aside.
fn is_hidden(name: &OsStr) -> bool {
    let name = name.as_bytes();
    name.starts_with(b".") || name == b"lost+found" || name.ends_with(b".aofkit")
}

fn is_manifest_name(name: &OsStr) -> bool {
    manifest::is_name(name.as_bytes())
}

pub(super) fn is_temporary(name: &[u8]) -> bool {
    name.starts_with(b"temp-")
}

/// What the name of a segment says: `<stem>.<number>.base.rdb`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentName<'n> {
    /// What the names of a set begin with.
    pub stem: &'n [u8],
    /// Its number; zeros before it do not count.
    pub number: i64,
    /// Whether it is the name of a base.
    pub is_base: bool,
}

/// Takes apart a name that a server gives to segments.
pub fn segment_name(name: &[u8]) -> Option<SegmentName<'_>> {
    let (rest, is_base) = None
        .or_else(|| Some((name.strip_suffix(b".base.rdb")?, true)))
        .or_else(|| Some((name.strip_suffix(b".base.aof")?, true)))
        .or_else(|| Some((name.strip_suffix(b".incr.aof")?, false)))?;
    let dot = rest.iter().rposition(|&b| b == b'.')?;
    let number = std::str::from_utf8(&rest[dot + 1..]).ok()?.parse().ok()?;
    Some(SegmentName { stem: &rest[..dot], number, is_base })
}

/// Of what was found in a directory and below it, the sets of the server that works in it, without the backup that it made of
/// one of them or is making.
fn without_backups(dir: &Path, mut found: Vec<Found>) -> Vec<Found> {
    let backup = dir.join(OsStr::from_bytes(sealed::DIRECTORY));
    let is_backup = |one: &Found| match one {
        Found::Manifest(path) => path.parent() == Some(&backup) && sealed::is_sealed_at(path),
        Found::Lost(at, _) => *at == backup && has_one_base(at),
        _ => false,
    };
    let is_beside = |one: &Found| match one {
        Found::Manifest(path) => {
            path.parent().is_some_and(|at| at != backup && at.parent() == Some(dir))
        }
        _ => false,
    };
    if found.iter().any(is_beside) {
        found.retain(|one| !is_backup(one));
    }
    found
}

/// Whether a base and nothing else was linked there so far.
fn has_one_base(dir: &Path) -> bool {
    let is_segment = |name: &OsStr| segment_name(name.as_bytes()).is_some();
    let listed = disk::list_some(dir, is_segment).unwrap_or_default();
    let is_base =
        |one: &disk::Listed| segment_name(one.name.as_bytes()).is_some_and(|name| name.is_base);
    matches!(&listed[..], [one] if is_base(one))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segment_names_are_taken_apart_from_the_right() {
        let name = segment_name(b"my.app.aof.12.incr.aof").unwrap();
        assert_eq!((name.stem, name.number, name.is_base), (&b"my.app.aof"[..], 12, false));
        assert!(segment_name(b"appendonly.aof.1.base.rdb").unwrap().is_base);
        assert!(segment_name(b"appendonly.aof").is_none());
        assert!(segment_name(b"appendonly.aof.x.base.rdb").is_none());
    }
}
