//! Names of commands that no table has, seen in whole records of a set: they count as known where a sound place is looked
//! for, so that damage in a log of such commands does not make the records around it unsound.
//!
//! A walk learns names as it comes along. The others of the set, those of later files and behind the damage among
//! them, are gathered in a pass of their own, once, and only when damage raises the question.

use std::collections::HashSet;

use crate::command::Renames;
use crate::limits;

/// Names in capitals.
#[derive(Debug, Default)]
pub(crate) struct Heard(HashSet<Box<[u8]>>);

impl Heard {
    #[cold]
    pub(super) fn hear(&mut self, name: &[u8]) {
        if name.len() > limits::NAME || self.0.len() >= limits::NAMES {
            return;
        }
        let mut folded = [0; limits::NAME];
        let folded = &mut folded[..name.len()];
        folded.copy_from_slice(name);
        folded.make_ascii_uppercase();
        if !self.0.contains(&*folded) {
            self.0.insert((&*folded).into());
        }
    }

    /// Whether there is room for all of these as well.
    pub(super) fn has_room_for(&self, more: &Self) -> bool {
        self.0.len() + more.0.len() < limits::NAMES
    }

    /// Takes over all of these.
    pub(super) fn take_over(&mut self, more: Self) {
        if self.0.is_empty() {
            self.0 = more.0;
        } else {
            self.0.extend(more.0);
        }
    }

    fn has(&self, name: &[u8]) -> bool {
        !self.0.is_empty() && self.0.contains(&*name.to_ascii_uppercase())
    }
}

/// The rest of the set that a walk is in.
pub(super) trait Elsewhere {
    /// Names in whole records of all files, gathered when first asked.
    fn heard(&self) -> &Heard;
}

/// The names that a walk may count on.
#[derive(Default)]
pub(super) struct Names<'s> {
    pub(super) seen: Heard,
    elsewhere: Option<&'s dyn Elsewhere>,
    /// What the set's configuration renames.
    pub(super) renames: Renames,
}

impl<'s> Names<'s> {
    /// Those of a set.
    pub(super) fn of(set: &'s dyn Elsewhere, renames: Renames) -> Self {
        Self { seen: Heard::default(), elsewhere: Some(set), renames }
    }

    /// Those of a piece of a file, of which no other is known.
    pub(super) fn of_piece(renames: Renames) -> Self {
        Self { renames, ..Self::default() }
    }

    /// A whole record has this name, which no table has.
    #[cold]
    pub(super) fn saw(&mut self, name: &[u8]) {
        self.seen.hear(name);
    }

    /// Whether a recorded server or module has a command of this name, the configuration gives it to one, or a whole record
    /// had it.
    pub(super) fn knows(&self, name: &[u8]) -> bool {
        let is_known = self.renames.lookup(name).is_some() || self.seen.has(name);
        is_known || self.elsewhere.is_some_and(|set| set.heard().has(name))
    }
}

/// Whether a record of this name may be one that a server wrote, although nobody has heard of it: the name has the form
/// of one.
pub(super) fn has_form(name: &[u8]) -> bool {
    name.first().is_some_and(u8::is_ascii_alphabetic)
        && name.len() <= 64
        && name.iter().all(|b| b.is_ascii_alphanumeric() || b"._-:|".contains(b))
}
