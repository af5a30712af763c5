//! Files that were written beside get their names.

use super::journal::{Journal, Stage, Step};
use super::keep::KeepDir;
use super::place::Place;
use crate::error::{Error, ErrorKind, Result};

/// Files that were written beside get their names, save the one that the step renames. None is ever replaced.
pub(super) fn put_in_place(keep: &KeepDir<'_>, place: &Place, journal: &Journal) -> Result<()> {
    let is_of_step = |stage: &&Stage| matches!(&journal.step, Step::Rename { from, .. } if *from == stage.staged);
    let mut placed = Vec::new();
    for stage in journal.stages.iter().filter(|stage| !is_of_step(stage)) {
        // 0.1.0 wrote them under their own names.
        if stage.staged == stage.name || place.look(&stage.staged)?.is_none() {
            continue;
        }
        if !keep.disk.rename_new(place.at(&stage.staged)?, place.at(&stage.name)?)? {
            let why = "a file with the name of a new one has appeared".to_owned();
            return Err(Error::new(ErrorKind::Stale(why), &place.path(&stage.name)));
        }
        placed.push(&stage.name);
    }
    for dir in place.dirs(placed.into_iter()) {
        keep.disk.sync_dir(dir)?;
    }
    Ok(())
}
