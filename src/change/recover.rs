//! Finishes or clears what a change that was cut short left behind, and what every change leaves to be cleared up.
//!
//! A change is ready once its journal says so; from then on its step may have been taken. Whether it has is read
//! off the files: so before anything that was written beside is removed, the journal must say "ready" no more.
//!
//! A journal is believed only as far as it is proven. Whatever it says, nothing is removed here but files with the names that
//! we give to what is written beside, and old files that no manifest names and that are the very ones the change
//! looked at: the time at which a file was last changed in any way can be given to no file from elsewhere.

use super::not_ours::NotOurs;
use super::refusal::{Linked, Refusal};
use std::path::Path;

use super::journal::{Format, Gone, Journal, MadeFile, Stage, Step};
use super::keep::{Entry, Keep, KeepDir, State, find};
use super::place::{Place, is_staged, is_staged_by};
use super::staged::put_in_place;
use crate::aof::{KeptId, segment_name};
use crate::disk::{Durable, Kind, Look, is_link};
use crate::error::{Error, ErrorKind, Result};

/// What remains to be done once the step is taken.
pub(super) fn finish(
    keep: &KeepDir<'_>,
    place: &Place,
    entry: &Entry,
    journal: &Journal,
) -> Result<()> {
    remove_gone(keep, place, journal)?;
    if let Some(id) = journal.undoes.as_ref().and_then(|id| KeptId::parse(id.as_bytes()))
        && let Some(undone) = keep.dir.dir_if_there(id.as_str())?
        && undone.look(State::Done.file())?.is_some()
    {
        keep.advance(&undone, State::Done, State::Undone)?;
    }
    let dir = entry.dir(&keep.dir)?;
    if journal.unkept {
        // What is begun and not ready would be cleared, with the files that count by now.
        if keep.drop_name(&dir, State::Begun)? {
            keep.disk.sync_dir(&dir)?;
        }
        keep.forget(entry)?;
        return Ok(());
    }
    keep.advance(&dir, State::Ready, State::Done)?;
    keep.drop_name(&dir, State::Begun)?;
    Ok(())
}

/// Old files that are not needed any more go.
fn remove_gone(keep: &KeepDir<'_>, place: &Place, journal: &Journal) -> Result<()> {
    if journal.gone.is_empty() {
        return Ok(());
    }
    let live = place.live()?;
    let device = place.here.look_at_itself()?.stamp.identity.device;
    for Gone { name, seen } in &journal.gone {
        let Some(look) = place.look(name)?.filter(|_| !live.may_name(name)) else { continue };
        let stamp = look.stamp;
        let now = (stamp.identity.inode, stamp.changed_ns());
        // A file that is not the old one any more is somebody else's by now.
        if look.kind == Kind::File && stamp.identity.device == device && *seen == Some(now) {
            let (dir, bare) = place.at(name)?;
            keep.disk.remove_exactly(dir, bare, stamp)?;
        }
    }
    for dir in place.dirs(journal.gone.iter().map(|gone| &gone.name)) {
        keep.disk.sync_dir(dir)?;
    }
    Ok(())
}

/// Removes what was written beside. Answers whether all of the change is gone; something else may lie with it.
pub(super) fn roll_back(
    keep: &KeepDir<'_>,
    place: &Place,
    entry: &Entry,
    journal: &Journal,
) -> Result<bool> {
    let dir = entry.dir(&keep.dir)?;
    if journal.format == Format::First {
        return roll_back_first(keep, place, entry, journal);
    }
    for Stage { staged, name } in &journal.stages {
        if place.look(staged)?.is_none() && is_placed(place, journal, name)? {
            keep.disk.rename_new(place.at(name)?, place.at(staged)?)?;
        }
    }
    // Ready and without its files it would look as if it had been published.
    if keep.drop_name(&dir, State::Ready)? {
        keep.disk.sync_dir(&dir)?;
    }
    for Stage { staged, .. } in &journal.stages {
        if place.look_at_file(staged)?.is_some() {
            let (dir, bare) = place.at(staged)?;
            keep.disk.remove_file(dir, bare)?;
        }
    }
    for dir in place.dirs(journal.stages.iter().map(|stage| &stage.staged)) {
        keep.disk.sync_dir(dir)?;
    }
    keep.forget(entry)
}

/// Removes what 0.1.0 wrote beside, by names that it gave and servers do not, as long as a manifest tells that it is not
/// live.
fn roll_back_first(
    keep: &KeepDir<'_>,
    place: &Place,
    entry: &Entry,
    journal: &Journal,
) -> Result<bool> {
    let dir = entry.dir(&keep.dir)?;
    if keep.drop_name(&dir, State::Ready)? {
        keep.disk.sync_dir(&dir)?;
    }
    let live = place.live()?;
    for Stage { staged, .. } in &journal.stages {
        let is_left = live.is_told() && !live.may_name(staged);
        let is_ours = is_staged(staged) || (is_left && has_our_number(staged));
        if is_ours && place.look_at_file(staged)?.is_some() {
            let (dir, bare) = place.at(staged)?;
            keep.disk.remove_file(dir, bare)?;
        }
    }
    for dir in place.dirs(journal.stages.iter().map(|stage| &stage.staged)) {
        keep.disk.sync_dir(dir)?;
    }
    keep.forget(entry)
}

/// Whether it is the name of a segment with a zero before its number.
fn has_our_number(name: &[u8]) -> bool {
    let digits = segment_name(name).and_then(|segment| name.get(segment.stem.len() + 1..));
    digits.is_some_and(|digits| digits.starts_with(b"0") && digits.get(1) != Some(&b'.'))
}

/// Whether the file of this name is the one that the change wrote.
fn is_placed(place: &Place, journal: &Journal, name: &[u8]) -> Result<bool> {
    let Some(look) = place.look(name)? else { return Ok(false) };
    Ok(journal.made_as(name).is_some_and(|made| is_made(&look, made)))
}

fn is_made(look: &Look, made: &MadeFile) -> bool {
    let stamp = look.stamp;
    look.kind == Kind::File
        && made.inode == Some(stamp.identity.inode)
        && (made.len, made.modified_ns) == (stamp.len, stamp.modified_ns())
}

/// What became of a change that was not finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recovered {
    /// It had been published; what remained is done.
    Completed(String),
    /// It had not; what was written beside is removed, and the set is the old one.
    Cleared(String),
    /// The same, but its directory stays, for something that we did not write lies in it.
    Left(String),
}

/// Clears or finishes what a killed run left for the set at `subject` (see [`Keep::dir`]), whose files lie in
/// `base`.
///
/// # Errors
/// When another run works on the set, when something there cannot be read or is not ours to touch, or the system refuses.
pub fn clear_up(
    subject: &Path,
    base: &Path,
    keep: &Keep,
    disk: &dyn Durable,
) -> Result<Vec<Recovered>> {
    // A file behind a link is not changed by the link's name.
    if find(keep, subject)?.is_none() || (subject != base && is_link(subject)) {
        return Ok(Vec::new());
    }
    let place = Place::open(subject, base)?;
    let keep = KeepDir::open(keep, subject, &place, disk)?;
    let recovered = recover(&keep, &place)?;
    keep.close();
    Ok(recovered)
}

/// Finishes or clears every change in `keep` that was cut short.
pub(super) fn recover(keep: &KeepDir<'_>, place: &Place) -> Result<Vec<Recovered>> {
    let mut recovered = Vec::new();
    for entry in keep.listed()? {
        let id = entry.id();
        let cleared = match entry.state {
            State::Done | State::Undone => continue,
            State::Ready => {
                let journal = entry.read(&keep.dir)?;
                admit(place, &entry, &journal)?;
                if is_published(place, &journal)? {
                    put_in_place(keep, place, &journal)?;
                    make_last(keep, place, &journal)?;
                    finish(keep, place, &entry, &journal)?;
                    recovered.push(Recovered::Completed(id));
                    continue;
                }
                roll_back(keep, place, &entry, &journal)?
            }
            State::Begun => {
                let is_unborn = entry.dir(&keep.dir)?.look(State::Begun.file())?.is_none();
                let journal = if is_unborn { Journal::default() } else { entry.read(&keep.dir)? };
                admit(place, &entry, &journal)?;
                roll_back(keep, place, &entry, &journal)?
            }
        };
        recovered.push(if cleared { Recovered::Cleared(id) } else { Recovered::Left(id) });
    }
    Ok(recovered)
}

/// Whether all names that a journal speaks of may be spoken of.
///
/// # Errors
/// [`ErrorKind::Refused`] when one of them may not.
pub(super) fn admit(place: &Place, entry: &Entry, journal: &Journal) -> Result<()> {
    for Stage { staged, name } in &journal.stages {
        if journal.format != Format::First && !is_staged_by(entry.id.number(), staged) {
            return Err(Error::refused(NotOurs::OfAnother, &place.path(staged)));
        }
        place.admit(staged)?;
        place.admit(name)?;
    }
    let old = journal.old.iter().map(|old| &old.name);
    let made = journal.made.iter().map(|made| &made.name);
    let taken_from = journal.taken_from.iter();
    for name in journal.gone.iter().map(|g| &g.name).chain(old).chain(made).chain(taken_from) {
        place.admit(name)?;
    }
    match &journal.step {
        Step::Truncation { name, .. } | Step::Unlink { name } => place.admit(name),
        Step::Rename { from, to } => place.admit(from).and_then(|()| place.admit(to)),
        Step::Removal => Ok(()),
    }
}

/// Whether the step of a change that was ready has been taken.
fn is_published(place: &Place, journal: &Journal) -> Result<bool> {
    Ok(match &journal.step {
        Step::Truncation { name, from, modified_ns, .. } => {
            let Some(now) = place.look_at_file(name)?.map(|look| look.stamp) else {
                let why = "a run was interrupted while it cut this file, which is gone; the kept bytes stay";
                let why = ErrorKind::Stale(why.to_owned());
                return Err(Error::new(why, &place.path(name)));
            };
            now.len != *from || now.modified_ns() != *modified_ns
        }
        // It was there when the change became ready.
        Step::Rename { from, .. } => place.look(from)?.is_none(),
        Step::Unlink { name } => place.look(name)?.is_none(),
        // All that goes is kept: going on is as good as going back, as long as all that comes is there.
        Step::Removal => {
            let mut is_whole = true;
            for Stage { staged, name } in &journal.stages {
                let made = journal.made_as(name);
                let look = place.look(staged)?;
                let is_beside = made.is_some_and(|m| look.is_some_and(|look| is_made(&look, m)));
                is_whole &= match journal.format {
                    Format::First => look.is_some(),
                    Format::Second if is_beside => place.look(name)?.is_none(),
                    Format::Second => is_placed(place, journal, name)?,
                };
            }
            is_whole
        }
    })
}

/// The step may have been taken without being on the disk yet.
fn make_last(keep: &KeepDir<'_>, place: &Place, journal: &Journal) -> Result<()> {
    match &journal.step {
        Step::Truncation { name, to, modified_ns, .. } => {
            let look = place.look_at_file(name)?;
            let made = journal.made_as(name).and_then(|made| made.inode);
            // Only the file that was cut, and only as long as nobody has written to it since.
            let is_it = |look: &Look| {
                look.stamp.len == *to
                    && look.links == 1
                    && (made.is_none() || made == Some(look.stamp.identity.inode))
            };
            if let Some(look) = look.filter(is_it) {
                let (dir, bare) = place.at(name)?;
                // For its time and its sync, which the step may not have come to.
                match keep.disk.cut(dir, bare, look.stamp, *to, *modified_ns) {
                    Err(e) if matches!(e.kind(), ErrorKind::Stale(_)) => {}
                    other => other?,
                }
            }
            Ok(())
        }
        Step::Rename { to, .. } => keep.disk.sync_dir(place.at(to)?.0),
        Step::Unlink { name } => keep.disk.sync_dir(place.at(name)?.0),
        Step::Removal => Ok(()),
    }
}

/// The error of a set that is a link, or whose manifest is one.
#[cold]
pub(super) fn linked(path: &Path, what: Linked) -> Error {
    Error::refused(Refusal::Link { what, has_output: false }, path)
}
