//! Names of commands that no table has, seen in whole records of a segment: they count as known from then on, so that
//! damage in a log of such commands does not make the records behind it unsound.

use std::collections::HashSet;

use crate::command::Renames;
use crate::limits;

/// The names, in capitals.
#[derive(Debug, Default)]
pub(super) struct Names {
    seen: HashSet<Box<[u8]>>,
    /// What a configuration renames.
    pub(super) renames: Renames,
}

impl Names {
    /// None were seen so far.
    pub(super) fn with(renames: Renames) -> Self {
        Self { seen: HashSet::new(), renames }
    }

    /// A whole record has this name, which no table has.
    #[cold]
    pub(super) fn saw(&mut self, name: &[u8]) {
        if name.len() > limits::NAME || self.seen.len() >= limits::NAMES {
            return;
        }
        let mut folded = [0; limits::NAME];
        let folded = &mut folded[..name.len()];
        folded.copy_from_slice(name);
        folded.make_ascii_uppercase();
        if !self.seen.contains(&*folded) {
            self.seen.insert((&*folded).into());
        }
    }

    /// Whether a recorded server or module has a command of this name, the configuration gives it to one, or a whole record
    /// had it.
    pub(super) fn knows(&self, name: &[u8]) -> bool {
        self.renames.lookup(name).is_some()
            || !self.seen.is_empty() && self.seen.contains(&*name.to_ascii_uppercase())
    }
}

/// Whether a record of this name may be one that a server wrote, although nobody has heard of it: the name has the form
/// of one.
pub(super) fn has_form(name: &[u8]) -> bool {
    name.first().is_some_and(u8::is_ascii_alphabetic)
        && name.len() <= 64
        && name.iter().all(|b| b.is_ascii_alphanumeric() || b"._-:|".contains(b))
}
