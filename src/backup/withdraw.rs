//! A repository that was made for a backup that then did not come about: it goes again, with the directories above it that were
//! made for it.

use super::repository::{FORMAT, LOCK, README, Repository, SOURCES, TMP};
use crate::disk::Hold;
use crate::error::Result;

impl Repository {
    /// Takes the repository away where this run made it, nobody else works in it, and nothing was stored in it.
    ///
    /// # Errors
    /// When it cannot be looked through, or its own files cannot be removed.
    pub fn withdraw(&self) -> Result<()> {
        if !self.is_new {
            return Ok(());
        }
        let store = self.store();
        // Who works in it is no reason to complain.
        let Ok(alone) = self.lock(Hold::Alone) else { return Ok(()) };
        let own = |key: &str| {
            let is_lock = key.starts_with(SOURCES) && key.ends_with("/lock");
            [FORMAT, README, LOCK].contains(&key) || is_lock
        };
        let found = store.list("")?;
        if !found.iter().all(|one| own(&one.key)) {
            return Ok(());
        }
        // Without it the rest is no repository.
        store.delete(FORMAT)?;
        for one in found.iter().filter(|one| one.key != FORMAT) {
            store.delete(&one.key)?;
        }
        drop(alone);
        store.clear_up(&[TMP, SOURCES])
    }
}
