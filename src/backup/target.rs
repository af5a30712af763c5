//! The place that a snapshot is restored to: what is there, who uses it, and how something new takes it.

use std::collections::{BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::entry::{Entry, FileEntry};
use super::repository::{Listed, Repository};
use crate::disk::{self, Attributes, Bytes, Dir, FrozenFile, Kind};
use crate::error::{Error, ErrorKind, Result};
use crate::limits;

/// Lies in a directory that is being built, so that nobody takes it for a set, and the next run may remove it.
pub(super) const MARK: &str = "restore-not-finished";

/// Where files beside the set are built.
pub(super) const EXTRAS: &str = "extra";

/// Permission bits of a directory that replaces none, as servers make theirs.
const DIR_MODE: u32 = 0o755;

/// A name in a directory that is held.
pub(super) struct Place {
    parent: Dir,
    name: OsString,
}

impl Place {
    /// The place that a person named. Only what leads to it may be a link.
    pub(super) fn of(target: &Path) -> Result<Self> {
        let named = match target.file_name() {
            Some(_) => target.to_owned(),
            None => disk::real_path(target)?,
        };
        let Some(name) = named.file_name() else {
            let why = "it names no directory".to_owned();
            return Err(Error::new(ErrorKind::Refused(why.into()), target));
        };
        let parent = Dir::open(&disk::real_path(disk::parent(&named))?)?;
        Ok(Self { parent, name: name.to_owned() })
    }

    pub(super) fn path(&self) -> PathBuf {
        self.parent.at(&self.name)
    }

    /// Whether the repository neither lies there, nor holds the place.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] when it would be put aside, or written into.
    pub(super) fn is_apart_from(&self, repository: &Repository) -> Result<()> {
        // What has no path lies nowhere.
        let Ok(repository) = disk::real_path(repository.store().name()) else { return Ok(()) };
        let path = self.path();
        if !path.starts_with(&repository) && !repository.starts_with(&path) {
            return Ok(());
        }
        let why = "the repository lies there, or it lies in the repository: name another directory";
        Err(Error::new(ErrorKind::Refused(why.to_owned().into()), &path))
    }

    /// Whether something else can take its name.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] when the system would not let it go.
    pub(super) fn may_change_hands(&self) -> Result<()> {
        let held = [self.parent.fixed(&self.name)?, self.parent.fixed_itself()?];
        match held.into_iter().flatten().next() {
            None => Ok(()),
            Some(fixed) => {
                let why = format!(
                    "it, or the directory it lies in, is {}: nothing can take its place. Restore into a new directory in it or \
                     beside it, and tell the server by `dir` and `appenddirname` (--print-config)",
                    fixed.name()
                );
                Err(Error::new(ErrorKind::Refused(why.into()), &self.path()))
            }
        }
    }

    /// `appendonlydir` becomes `appendonlydir.what`.
    fn beside(&self, what: &str) -> OsString {
        let mut name = self.name.clone();
        name.push(".");
        name.push(what);
        name
    }

    /// A name beside it that nothing has.
    fn free(&self, what: &str, id: &str) -> Result<OsString> {
        let first = self.beside(&format!("{what}-{id}"));
        let numbered = (2_u64..).map(|n| self.beside(&format!("{what}-{id}-{n}")));
        for name in std::iter::once(first).chain(numbered) {
            if self.parent.look(&name)?.is_none() {
                return Ok(name);
            }
        }
        Ok(self.beside(what))
    }

    pub(super) fn must_be_free(&self, what: &str, why: &str) -> Result<()> {
        let name = self.beside(what);
        match self.parent.look(&name)? {
            None => Ok(()),
            Some(_) => {
                Err(Error::new(ErrorKind::Refused(why.to_owned().into()), &self.parent.at(&name)))
            }
        }
    }

    pub(super) fn has_room_for(&self, entry: &Entry) -> Result<()> {
        let needed = entry.all_files().map(|file| file.size).sum();
        self.parent.may_hold(needed, Bytes::New)
    }

    /// The error, after what a run that it ends has written is gone; with what is left all the same, and for what it holds.
    pub(super) fn with_what_is_left(
        &self,
        (staging, dir): (&str, &Dir),
        entry: &Entry,
        extras_at: Option<&Path>,
        error: Error,
    ) -> Error {
        let is_marked = || dir.look(MARK).is_ok_and(|mark| mark.is_some());
        if is_marked() || dir.names().is_ok_and(|names| names.is_empty()) {
            // The first error is the one to tell.
            let _ = self.remove_unfinished(staging, dir, &[entry]);
        }
        let shown = |path: &Path| crate::text::name(path.as_os_str().as_encoded_bytes());
        let identity = |look: disk::Look| look.stamp.identity;
        let there = |name: &OsStr| self.parent.look(name).ok().flatten().map(identity);
        let ours = dir.look_at_itself().ok().map(identity);
        let name = self.beside(staging);
        let path = shown(&self.parent.at(&name));
        let mut told: Vec<_> = extras_at
            .map(|extras| format!("files that lay beside the set are in {}", shown(extras)))
            .into_iter()
            .collect();
        told.extend(match there(&name) {
            Some(one) if Some(one) == ours && is_marked() => Some(format!(
                "{path} is left, and not whole: the next restore of this snapshot removes it"
            )),
            Some(one) if Some(one) == ours => {
                Some(format!("what was restored lies whole in {path}"))
            }
            Some(_) => Some(format!(
                "the snapshot is in its place, and the directory that it replaced lies in {path}"
            )),
            None if ours.is_some() && there(&self.name) == ours => Some(
                "the snapshot is in its place; whether it outlasts a power cut is not known"
                    .to_owned(),
            ),
            None => None,
        });
        if told.is_empty() { error } else { error.hint(told.join("; ")) }
    }

    /// A new directory beside it.
    pub(super) fn make(&self, staging: &str) -> Result<Dir> {
        self.parent.make_dir(self.beside(staging), 0o700)
    }

    /// Makes way: removes what a run that was killed left half done. Without the mark it is a whole directory: the one
    /// that was replaced, or one that was not put in its place yet. It is kept beside, named for what it holds.
    pub(super) fn make_way(
        &self,
        staging: &str,
        repository: &Repository,
        entry: &Entry,
    ) -> Result<()> {
        let name = self.beside(staging);
        let Some(dir) = self.parent.dir_if_there(&name)? else { return Ok(()) };
        let is_marked = dir.look(MARK)?.is_some_and(|mark| mark.kind == Kind::File);
        if is_marked || dir.list()?.is_empty() {
            // What is restored now may be cut at a moment, and the run before was not.
            let Entry { source, seq, id, .. } = entry.clone();
            let whole = repository.entry(&Listed { source, seq, id });
            let entries: Vec<_> = whole.iter().chain([entry]).collect();
            return self.remove_unfinished(staging, &dir, &entries);
        }
        let what = if holds(&dir, entry)? { "restored" } else { "before" };
        let free = self.free(what, &entry.id)?;
        self.parent.rename_new(&name, &self.parent, free).map(drop)
    }

    /// Removes a directory that is not finished, as far as a run has written it: files that these entries name. If
    /// anything else is there, nothing is removed.
    pub(super) fn remove_unfinished(
        &self,
        staging: &str,
        dir: &Dir,
        entries: &[&Entry],
    ) -> Result<()> {
        let names = |files: fn(&Entry) -> &Vec<FileEntry>| {
            let files = entries.iter().flat_map(move |entry| files(entry));
            files.filter_map(|file| file.name.bytes()).collect::<BTreeSet<_>>()
        };
        let (mut set, extra) = (names(|entry| &entry.files), names(|entry| &entry.extras));
        let manifests = entries.iter().filter_map(|entry| entry.manifest.as_ref()?.name.bytes());
        set.extend(manifests);
        let inner = dir.look(EXTRAS)?.filter(|look| look.kind == Kind::Directory);
        let inner = inner.map(|_| dir.dir(EXTRAS)).transpose()?;
        let but = if inner.is_some() { &[MARK, EXTRAS][..] } else { &[MARK] };
        let of_set = ours(dir, &set, but)?;
        if let Some(inner) = &inner {
            for name in ours(inner, &extra, &[])? {
                inner.remove_file(name)?;
            }
            dir.remove_dir(EXTRAS)?;
        }
        for name in of_set {
            dir.remove_file(name)?;
        }
        dir.remove_file(MARK)?;
        self.parent.remove_dir(self.beside(staging)).map(drop)
    }

    /// Gives the files beside the set their place; what was there keeps lying beside.
    pub(super) fn publish_extras(&self, entry: &Entry, staging: &Dir) -> Result<Option<PathBuf>> {
        if entry.extras.is_empty() {
            return Ok(None);
        }
        let name = self.beside(EXTRAS);
        let mut kept = None;
        if self.parent.look(&name)?.is_some() {
            let before = self.free(&format!("{EXTRAS}.before"), &entry.id)?;
            self.parent.rename_new(&name, &self.parent, &before)?;
            kept = Some(before);
        }
        let placed = match staging.rename_new(EXTRAS, &self.parent, &name) {
            Ok(true) => Ok(()),
            Ok(false) => Err(appeared(&self.parent.at(&name))),
            Err(e) => Err(e),
        };
        if let Err(e) = placed {
            // What was there goes back to its name; the first error is the one to tell.
            let _ = kept.map(|kept| self.parent.rename_new(kept, &self.parent, &name));
            return Err(e);
        }
        self.parent.sync()?;
        Ok(Some(self.parent.at(&name)))
    }

    /// Puts the built directory into its place by one step; answers where the old one is now.
    pub(super) fn publish(
        &self,
        staging: &str,
        dir: &Dir,
        old: &Old,
        entry: &Entry,
    ) -> Result<Option<PathBuf>> {
        let (parent, name, staging) = (&self.parent, &self.name, self.beside(staging));
        dir.remove_file(MARK)?;
        dir.sync()?;
        if old.dir.is_none() {
            if !parent.rename_new(&staging, parent, name)? {
                return Err(appeared(&self.path()));
            }
            parent.sync()?;
            return Ok(None);
        }
        if old.is_empty {
            parent.rename(&staging, parent, name)?;
            parent.sync()?;
            return Ok(None);
        }
        parent.exchange(&staging, parent, name)?;
        parent.sync()?;
        let kept = self.free("before", &entry.id)?;
        parent.rename_new(&staging, parent, &kept)?;
        let kept = parent.at(&kept);
        let shown = crate::text::name(kept.as_os_str().as_encoded_bytes());
        parent
            .sync()
            .map_err(|e| e.hint(format!("the directory that was there lies in {shown}")))?;
        Ok(Some(kept))
    }
}

fn appeared(path: &Path) -> Error {
    Error::new(ErrorKind::Refused("it has appeared meanwhile".to_owned().into()), path)
}

/// The names in a directory but these, if all are regular files of `known`.
fn ours(dir: &Dir, known: &BTreeSet<Vec<u8>>, but: &[&str]) -> Result<Vec<OsString>> {
    let mut found = dir.list()?;
    found.retain(|one| !but.iter().any(|name| *name == one.name));
    let is_ours = |one: &disk::Found| {
        one.look.kind == Kind::File && known.contains(one.name.as_encoded_bytes())
    };
    if let Some(one) = found.iter().find(|one| !is_ours(one)) {
        let why = "no restore wrote it, and it lies in a directory that one left unfinished; move it away";
        return Err(Error::new(ErrorKind::Refused(why.to_owned().into()), &dir.at(&one.name)));
    }
    Ok(found.into_iter().map(|one| one.name).collect())
}

/// Whether a directory holds just what a snapshot does, by names, sizes and the manifest.
fn holds(dir: &Dir, entry: &Entry) -> Result<bool> {
    let mut expected = entry.files.len();
    for file in &entry.files {
        let look = dir.look(OsStr::from_bytes(&file.name.bytes().unwrap_or_default()))?;
        if look.is_none_or(|look| look.kind != Kind::File || look.stamp.len != file.size) {
            return Ok(false);
        }
    }
    if let Some(manifest) = &entry.manifest {
        let name = manifest.name.bytes().unwrap_or_default();
        let there = dir.read_small_if_there(OsStr::from_bytes(&name), limits::MANIFEST)?;
        if there != manifest.text.bytes() {
            return Ok(false);
        }
        expected += 1;
    }
    Ok(dir.list()?.len() == expected)
}

/// What is there before.
pub(super) struct Old {
    dir: Option<Dir>,
    is_empty: bool,
    /// By name: a set may have very many.
    files: HashMap<Vec<u8>, FrozenFile>,
    /// Whom the new one shall belong to; only root gives files away.
    pub(super) owner: Attributes,
    pub(super) mode: u32,
}

impl Old {
    pub(super) fn look(place: &Place, entry: &Entry, may_replace: bool) -> Result<Self> {
        let (parent, path) = (&place.parent, place.path());
        let refused = |why: &str| Err(Error::new(ErrorKind::Refused(why.to_owned().into()), &path));
        let Some(look) = parent.look(&place.name)? else {
            // To whom the place belongs.
            let owner = parent.look_at_itself()?.attributes;
            let files = HashMap::new();
            return Ok(Self { dir: None, is_empty: true, files, owner, mode: DIR_MODE });
        };
        match look.kind {
            Kind::Directory => {}
            Kind::Link => {
                return refused("it is a symbolic link; name the directory that it leads to");
            }
            Kind::File | Kind::Special => return refused("it is there, and is no directory"),
        }
        let dir = parent.dir(&place.name)?;
        let listed = dir.list()?;
        if !listed.is_empty() && !may_replace {
            return refused(
                "it is not empty; --replace puts the snapshot in its place and keeps it beside",
            );
        }
        let mut files = HashMap::new();
        for file in &entry.files {
            let bytes = file.name.bytes().unwrap_or_default();
            let name = OsStr::from_bytes(&bytes);
            if dir.look(name)?.is_some_and(|look| look.kind == Kind::File) {
                let there = dir.file_if_there(name)?;
                files.extend(there.map(|there| (bytes, there)));
            }
        }
        let (owner, mode) = (look.attributes, look.attributes.mode);
        let old = Self { is_empty: listed.is_empty(), dir: Some(dir), files, owner, mode };
        old.refuse_when_used(place)?;
        Ok(old)
    }

    /// A server that goes on in a directory that was moved away would write where nobody looks.
    pub(super) fn refuse_when_used(&self, place: &Place) -> Result<()> {
        let Some(dir) = &self.dir else { return Ok(()) };
        let path = place.path();
        let Some(user) = disk::user_of(dir, &path)? else { return Ok(()) };
        let (pid, what) = (user.pid, crate::text::name(user.what.as_os_str().as_encoded_bytes()));
        let why = match user.works_there {
            false => format!("process {pid} has {what} open for writing; stop the server first"),
            true => {
                format!("process {pid} works in {what}; stop the server first, or have it leave")
            }
        };
        Err(Error::new(ErrorKind::InUse(why), &path))
    }

    /// The file of this name that was there.
    pub(super) fn file(&self, name: &[u8]) -> Option<&FrozenFile> {
        self.files.get(name)
    }
}
