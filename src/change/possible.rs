//! What a system will refuse however often it is tried is found before anything is begun: a change that stops after its
//! step is complete only when somebody has mended that.

use super::journal::Step;
use super::place::Place;
use super::refusal::Refusal;
use super::work::Work;
use crate::error::{Error, Result};

/// Modes of files beyond these bits are given to no file by an undo.
pub(super) const MODES: u32 = 0o777;

impl Work<'_> {
    /// Whether all that the journal says can be done, and taken back.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Refused`] that names the file.
    pub(super) fn ensure_possible(&self) -> Result<()> {
        let (place, journal) = (self.place, &self.journal);
        if let Some(old) = journal.old.iter().find(|old| old.attributes.mode & !MODES != 0) {
            let why = Refusal::Mode(old.attributes.mode);
            return Err(Error::refused(why, &place.path(&old.name)));
        }
        match &journal.step {
            // What is mounted there has another name elsewhere, and a cut is taken back by a new file.
            Step::Truncation { name, .. }
            | Step::Rename { to: name, .. }
            | Step::Unlink { name } => ensure_free(place, name)?,
            Step::Removal => {}
        }
        let goes = journal.gone.iter().map(|gone| &gone.name);
        goes.clone().try_for_each(|name| ensure_free(place, name))?;
        let comes = journal.stages.iter().map(|stage| &stage.name);
        for dir in place.dirs(goes.chain(comes)) {
            if let Some(fixed) = dir.fixed_itself()? {
                return Err(Error::refused(Refusal::Fixed(fixed), dir.path()));
            }
        }
        Ok(())
    }
}

fn ensure_free(place: &Place, name: &[u8]) -> Result<()> {
    let (dir, bare) = place.at(name)?;
    match dir.fixed(bare)? {
        Some(fixed) => Err(Error::refused(Refusal::Fixed(fixed), &place.path(name))),
        None => Ok(()),
    }
}
