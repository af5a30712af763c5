//! Names of commands that no table has, seen in whole records of a set: they count as known where a sound place is looked
//! for, so that damage in a log of such commands does not make the records around it unsound.
//!
//! A walk learns names as it comes along. The others of the set, those of later files and behind the damage among
//! them, are gathered in a pass of their own, once, and only when damage raises the question.

use std::collections::HashSet;

use super::event::Event;
use super::set::{Aof, Segment};
use super::walker;
use crate::command::Renames;
use crate::error::Result;
use crate::limits;

/// Names in capitals.
#[derive(Debug, Default)]
pub(super) struct Heard(HashSet<Box<[u8]>>);

impl Heard {
    #[cold]
    fn hear(&mut self, name: &[u8]) {
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

    fn has(&self, name: &[u8]) -> bool {
        !self.0.is_empty() && self.0.contains(&*name.to_ascii_uppercase())
    }
}

/// The names that a walk may count on.
#[derive(Debug, Default)]
pub(super) struct Names<'s> {
    seen: Heard,
    set: Option<&'s Aof>,
    /// What the set's configuration renames.
    pub(super) renames: Renames,
}

impl<'s> Names<'s> {
    /// Those of a set.
    pub(super) fn of(set: &'s Aof) -> Self {
        Self { seen: Heard::default(), set: Some(set), renames: set.names.clone() }
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
        is_known || self.set.is_some_and(|set| set.heard().has(name))
    }
}

impl Aof {
    /// Names in whole records of all files, by a pass over them when first asked.
    fn heard(&self) -> &Heard {
        self.heard.get_or_init(|| {
            let mut heard = Heard::default();
            for (_, segment) in self.live().filter(|(_, segment)| segment.can_be_read_again()) {
                // What cannot be read is told by whoever has to read it.
                let _ = gather(segment, &mut heard);
            }
            heard
        })
    }
}

fn gather(segment: &Segment, heard: &mut Heard) -> Result<()> {
    let mut source = segment.source()?;
    walker::walk(&mut *source, &mut (), &mut |event: Event<'_>| {
        if let Event::Record(record, None) = event
            && !record.oddities.any()
        {
            heard.hear(record.name);
        }
    })?;
    Ok(())
}

/// Whether a record of this name may be one that a server wrote, although nobody has heard of it: the name has the form
/// of one.
pub(super) fn has_form(name: &[u8]) -> bool {
    name.first().is_some_and(u8::is_ascii_alphabetic)
        && name.len() <= 64
        && name.iter().all(|b| b.is_ascii_alphanumeric() || b"._-:|".contains(b))
}
