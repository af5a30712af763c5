//! A changed copy of a set in a directory of its own. The original stays as it is.
//!
//! Bytes are shared where the file system can do that, else copied; no file of the copy is a file of the original under
//! another name. The directory appears as a whole.

use super::control::Control;
use super::not_ours::NotOurs;
use super::recorded::attributes;
use super::refusal::Refusal;
use crate::disk::{self, Attributes, Bytes, Dir, Durable, FrozenFile, Kind, Parents};
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::rc::Rc;

use super::alike::Alike;
use super::apply::{Options, like_a_file_in, new_bytes, os_name};
use super::pieces::{NewBytes, write};
use super::place::Place;
use super::plan::{Action, Piece, Plan, Verb};
use crate::error::{Error, Result};
use crate::format::manifest::{self, Dialect};
use crate::limits;
use crate::progress::Progress;

/// What the name of a copy ends with while it is not whole. Behind it stands the number of its inode, which no directory
/// of somebody else has in its name: so a copy that was cut short is known to be ours.
const PARTIAL: &str = ".aofkit-partial";

/// Whether the copy can take this name when it is whole.
fn may_take(parent: &Dir, name: &OsStr) -> Result<()> {
    let held = [parent.fixed(name)?, parent.fixed_itself()?];
    match held.into_iter().flatten().next() {
        None => Ok(()),
        Some(fixed) => Err(Error::refused(Refusal::FixedPlace(fixed), &parent.at(name))),
    }
}

/// A file of the copy.
struct Copy<'a> {
    name: Vec<u8>,
    pieces: Box<dyn Iterator<Item = Result<NewBytes>> + 'a>,
    len: u64,
    like: Attributes,
    alike: Alike,
}

impl Plan {
    /// Writes the set as it would be into `dir`, which must not exist or be empty. An empty plan gives a plain
    /// copy. Answers in words what files have in the set, and the system does not let us give to the copy.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Refused`] when there is something in `dir`, [`crate::error::ErrorKind::Stale`] when the set is not the
    /// one the plan was made for, or when the system refuses. `dir` is as before then.
    pub(super) fn write_to(
        &self,
        dir: &Path,
        disk: &dyn Durable,
        options: &Options<'_>,
        progress: &dyn Progress,
    ) -> Result<Vec<String>> {
        // Of a set that is one file its name alone may be a link that leads elsewhere.
        let is_one = self.manifest.is_none() && self.files.len() == 1;
        let subject = if is_one { self.subject() } else { self.dir.clone() };
        let place = Place::open(&subject, &self.dir)?;
        self.ensure_fresh(&place)?;
        let Some(name) = dir.file_name() else {
            return Err(Error::refused(Refusal::NoNewName, dir));
        };
        let parents = Parents::make(dir, Parents::OPEN)?;
        let parent = Dir::open(disk::parent(dir))?;
        let is_inside = disk::real_path(parent.path())?.starts_with(disk::real_path(&self.dir)?);
        if is_inside && self.is_of_a_set() {
            return Err(Error::refused(Refusal::InOwnDirectory, dir));
        }
        if let Some(there) = parent.dir_if_there(name)?
            && !there.names()?.is_empty()
        {
            return Err(Error::refused(Refusal::NotEmpty, dir));
        }
        may_take(&parent, name)?;
        clear(&parent, name, disk)?;
        let (partial, partial_name) = begin(&parent, name, disk, &place)?;
        let control = Control { stop: options.stop, progress };
        let done = self.fill(&place, &partial, disk, &control).and_then(|left| {
            self.ensure_fresh(&place)?;
            disk.sync_dir(&partial)?;
            disk.rename((&parent, &partial_name), (&parent, name))?;
            disk.sync_dir(&parent)?;
            Ok(left)
        });
        progress.finish();
        match &done {
            Ok(_) => parents.stay(),
            // The first error is the one to be told.
            Err(_) => drop(clear(&parent, name, disk)),
        }
        done
    }

    /// Whether the directory it reads from is that of a set, and not one in which a single file lies beside others.
    fn is_of_a_set(&self) -> bool {
        let makes_one = |action: &Action| matches!(action, Action::Manifest { before: None, .. });
        let wraps_a_file = self.verb == Verb::Convert && self.actions.iter().any(makes_one);
        self.manifest.is_some() && !wraps_a_file
    }

    /// Answers in words what the system does not let us give to a copy.
    fn fill(
        &self,
        place: &Place,
        into: &Dir,
        disk: &dyn Durable,
        control: &Control<'_>,
    ) -> Result<Vec<String>> {
        let mut files = Vec::with_capacity(self.files.len());
        let mut places = Vec::with_capacity(self.files.len());
        for (position, file) in self.files.iter().enumerate() {
            places.push(files.len());
            let Some(stamp) = file.stamp else { continue };
            files.push(match file.is_held {
                true => disk::open_held(&file.at.path(), stamp.identity)?,
                false => place.open_source(&self.relative(position))?,
            });
        }
        let copies = self.copies(place, &places.into(), &files)?;
        let total = copies.iter().map(|copy| copy.len).sum();
        into.may_hold(total, Bytes::Copied)?;
        control.progress.begin(Some(total));
        let mut left = Vec::new();
        for mut copy in copies {
            let name = os_name(&copy.name);
            let mut output = disk.create(into, name)?;
            write(&mut *output, &into.at(name), &mut copy.pieces, &files, None, control)?;
            copy.alike.hand_on(&mut *output, &copy.name, &files, &mut left)?;
            output.seal(Attributes { mode: copy.like.mode & 0o777, ..copy.like })?;
        }
        Ok(left)
    }

    /// The files of the copy.
    fn copies<'a>(
        &'a self,
        place: &Place,
        places: &Rc<[usize]>,
        files: &[FrozenFile],
    ) -> Result<Vec<Copy<'a>>> {
        let mut copies = Vec::new();
        let mut names: Option<Vec<Vec<u8>>> = None;
        if let Some(name) = &self.manifest {
            let (bytes, like, alike) = match self.new_manifest() {
                Some(new) => (new.to_vec(), like_a_file_in(place)?, Alike::Nothing),
                None => {
                    let file = place.open_to_read(name)?;
                    let bytes = file.read_small(limits::MANIFEST)?;
                    (bytes, attributes_behind(place, name)?, Alike::Of(Box::new(file)))
                }
            };
            let read = manifest::parse(&bytes, Dialect::Strict)
                .or_else(|_| manifest::parse(&bytes, Dialect::Concatenating));
            names = read.ok().map(|m| m.live().map(|e| e.name.to_vec()).collect());
            let len = bytes.len() as u64;
            let pieces = Box::new(std::iter::once(Ok(NewBytes::These(bytes))));
            copies.push(Copy { name: name.clone(), pieces, len, like, alike });
        }
        let old = || self.files.iter().filter(|f| f.stamp.is_some()).map(|f| f.name.to_vec());
        let new = || {
            self.actions.iter().filter_map(|action| match action {
                Action::Rewrite { file: None, new_name, .. } => Some(new_name.clone()),
                _ => None,
            })
        };
        // Without a manifest: the files as they are, or those that take the place of them all.
        let is_new = self.manifest.is_none() && new().next().is_some();
        let names = names.unwrap_or_else(|| if is_new { new().collect() } else { old().collect() });
        let changed = self.new_contents();
        let there: HashMap<&[u8], usize> = self
            .files
            .iter()
            .enumerate()
            .rev()
            .filter(|(_, file)| file.stamp.is_some())
            .map(|(position, file)| (&file.name[..], position))
            .collect();
        for name in names {
            if let Some(action) = changed.get(&name[..]) {
                copies.push(self.new_content(place, name, action, places)?);
            } else if let Some(&file) = there.get(&name[..]) {
                let like = match &self.files[file] {
                    held if held.is_held => like_a_file_in(place)?,
                    _ => attributes_behind(place, &self.relative(file))?,
                };
                let (file, len) = (places[file], files[places[file]].len());
                let whole = NewBytes::Range { file, from: 0, to: len };
                let pieces = Box::new(std::iter::once(Ok(whole)));
                copies.push(Copy { name, pieces, len, like, alike: Alike::File(file) });
            }
        }
        Ok(copies)
    }

    fn new_manifest(&self) -> Option<&[u8]> {
        self.actions.iter().find_map(|action| match action {
            Action::Manifest { after, .. } => Some(after.as_slice()),
            _ => None,
        })
    }

    /// Files that have new content, by their names.
    fn new_contents(&self) -> HashMap<&[u8], &Action> {
        let named = self.actions.iter().filter_map(|action| match action {
            Action::Cut { file, .. } => Some((&self.files[*file].name[..], action)),
            Action::Rewrite { new_name, .. } => Some((&new_name[..], action)),
            Action::Manifest { .. } | Action::Remove { .. } => None,
        });
        named.collect()
    }

    /// What an action makes of the file of this name.
    fn new_content<'a>(
        &'a self,
        place: &Place,
        name: Vec<u8>,
        action: &'a Action,
        places: &Rc<[usize]>,
    ) -> Result<Copy<'a>> {
        let len = action.lengths().1;
        let (file, pieces): (_, Box<dyn Iterator<Item = _>>) = match action {
            Action::Rewrite { file, pieces, .. } => {
                let places = places.clone();
                (*file, Box::new(pieces.iter().map(move |p| Ok(new_bytes(p, &places)))))
            }
            Action::Cut { file, to_bytes, .. } => {
                let kept = Piece::Keep { file: *file, from: 0, to: *to_bytes };
                (Some(*file), Box::new(std::iter::once(Ok(new_bytes(&kept, places)))))
            }
            Action::Manifest { .. } | Action::Remove { .. } => (None, Box::new(std::iter::empty())),
        };
        let like = match file {
            Some(file) => attributes_behind(place, &self.relative(file))?,
            None => like_a_file_in(place)?,
        };
        let alike = file.filter(|file| self.files[*file].stamp.is_some());
        let alike = alike.map_or(Alike::Nothing, |file| Alike::File(places[file]));
        Ok(Copy { name, pieces, len, like, alike })
    }
}

/// Mode, owner and times of a file, behind a link where it is one.
fn attributes_behind(place: &Place, name: &[u8]) -> Result<Attributes> {
    match place.look(name)? {
        Some(look) if look.kind == Kind::Link => disk::attributes(&place.path(name)),
        _ => attributes(place, name),
    }
}

fn begun(name: &OsStr) -> OsString {
    let mut begun = name.to_owned();
    begun.push(PARTIAL);
    begun
}

/// A new directory for a copy, and its name.
fn begin(parent: &Dir, name: &OsStr, disk: &dyn Durable, place: &Place) -> Result<(Dir, OsString)> {
    let of_set = place.here.look_at_itself()?.attributes;
    let like = Attributes { modified_ns: None, mode: of_set.mode & 0o777, ..of_set };
    let begun = begun(name);
    let made = disk.make_dir(parent, &begun, like)?;
    let mut own = begun.clone();
    own.push(format!("-{}", made.look_at_itself()?.stamp.identity.inode));
    disk.rename((parent, &begun), (parent, &own))?;
    Ok((parent.dir(&own)?, own))
}

/// Removes what a killed run left of a copy of this name: directories that have their own inode's number in the name, and
/// nothing but files in them; and one without a number that is empty.
fn clear(parent: &Dir, name: &OsStr, disk: &dyn Durable) -> Result<()> {
    let begun = begun(name);
    for found in parent.names()? {
        let Some(rest) = found.as_encoded_bytes().strip_prefix(begun.as_encoded_bytes()) else {
            continue;
        };
        let Some(look) = parent.look(&found)?.filter(|look| look.kind == Kind::Directory) else {
            continue;
        };
        let number = format!("-{}", look.stamp.identity.inode);
        if !rest.is_empty() && rest != number.as_bytes() {
            continue;
        }
        let dir = parent.dir(&found)?;
        let files = dir.list()?;
        if rest.is_empty() && !files.is_empty() {
            return Err(Error::refused(Refusal::CopyNotEmpty, dir.path()));
        }
        if let Some(other) = files.iter().find(|file| file.look.kind != Kind::File) {
            let why = NotOurs::InCopy(other.look.kind);
            return Err(Error::refused(why, &dir.at(&other.name)));
        }
        for file in files {
            disk.remove_file(&dir, &file.name)?;
        }
        disk.remove_dir(parent, &found)?;
    }
    Ok(())
}
