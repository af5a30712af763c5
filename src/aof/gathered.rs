//! Names of commands that stand in whole records of the other files of a set: gathered in a pass of its own, once, and only when
//! damage raises the question.

use super::context::Context;
use super::event::Event;
use super::names::{Elsewhere, Heard, Names};
use super::observer::{Each, Observer};
use super::pulse::Pulse;
use super::set::{Aof, Segment};
use super::walker::{self, Start};
use crate::error::Result;

impl Elsewhere for Aof {
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

impl Aof {
    /// Walks the file at this position, as [`super::walk`] does: of commands that no server is known to have, those
    /// count as known where damage ends that stand in a whole record anywhere in the set. Answers its length in bytes.
    ///
    /// # Errors
    /// When the bytes cannot be read. Whatever the bytes are is told by events.
    pub fn walk(
        &self,
        position: usize,
        pulse: &mut impl Pulse,
        each: &mut impl FnMut(Event<'_>),
    ) -> Result<u64> {
        self.show(position, pulse, &mut Context::default(), &mut Each(each))
    }

    /// As [`Self::walk`], for an observer, in the state `at`, which becomes that at the end of the file.
    pub(crate) fn show(
        &self,
        position: usize,
        pulse: &mut impl Pulse,
        at: &mut Context,
        observer: &mut impl Observer,
    ) -> Result<u64> {
        self.show_from(position, Start::default(), pulse, at, observer)
    }

    /// As [`Self::show`], from a place in the middle of the file at which the state is `at`.
    pub(crate) fn show_from(
        &self,
        position: usize,
        from: Start,
        pulse: &mut impl Pulse,
        at: &mut Context,
        observer: &mut impl Observer,
    ) -> Result<u64> {
        let mut source = self.segments[position].source()?;
        let names = Names::of(self, self.names.clone());
        walker::walk_on(&mut *source, from, names, pulse, at, observer)
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
