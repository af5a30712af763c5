//! The server a set is judged for, where nobody named one.
//!
//! Who wrote the base is a lower bound: a server may have been upgraded since. The oldest server that was run,
//! is not older than that, and knows every command and type of the set is the one; which that is shows only
//! when the set has been read. Until then the first candidate stands for it.

use super::set::{Aof, Writer};
use crate::command::Version;
use crate::format::manifest::{self, Dialect};
use crate::format::rdb::Family;
use crate::rules::Target;

impl Writer {
    /// Family, major and minor version.
    pub fn release(&self) -> Option<(Family, Version)> {
        let mut parts = self.version.split('.').map(|part| part.parse().ok());
        Some((self.family, (parts.next()??, parts.next().flatten().unwrap_or(0))))
    }
}

impl Aof {
    /// The server whose loader's rules apply: the one asked for, or the likeliest one as far as is known.
    pub fn target(&self) -> Target {
        self.target.get()
    }

    /// Whether somebody named that server.
    pub fn is_target_named(&self) -> bool {
        self.target_given && !self.stands_in
    }

    /// The set has been read, and this is the server.
    pub(crate) fn settle(&self, target: Target) {
        self.target.set(target);
    }

    /// The servers that may be the one to judge by where none is asked for, the likeliest first: those of the
    /// writer's family from the writer on, then those of the other.
    pub fn candidates(&self) -> Vec<Target> {
        let mut all = self.by_writer();
        let Some(opened) = &self.manifest else { return all };
        // Where the quotes of a manifest decide, only servers that read them alike can stand for each other.
        let may_differ = opened.bytes.iter().any(|byte| matches!(byte, b'"' | b'\'' | 0xff));
        let read = |dialect| manifest::parse(&opened.bytes, dialect);
        if may_differ && read(Dialect::Strict) != read(Dialect::Concatenating) {
            let first = all[0].rules.dialect();
            all.retain(|target| target.rules.dialect() == first);
        }
        all
    }

    fn by_writer(&self) -> Vec<Target> {
        let reads_set =
            |target: &Target| self.manifest.is_none() || target.rules.manifest.is_some();
        let run = || Target::recorded().iter().copied().filter(reads_set);
        let release = self.writer.as_ref().and_then(Writer::release);
        let (family, least) = match release {
            Some((family, version)) => (family, version),
            None => (Target::default().family, Target::default().version),
        };
        let is_own = |target: &Target| target.family == family;
        let is_late = |target: &Target| is_own(target) && target.version >= least;
        let mut all: Vec<_> = run().filter(is_late).collect();
        if all.is_empty()
            && let Some((family, version)) = release
        {
            all.push(Target::new(family, version));
        }
        if release.is_none() {
            all.extend(run().filter(|target| is_own(target) && target.version < least));
        }
        all.extend(Target::read_about().into_iter().filter(is_late));
        all.extend(run().filter(|target| !is_own(target)));
        all.dedup();
        all
    }
}
