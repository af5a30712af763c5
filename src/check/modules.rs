//! What a whole set needs of modules, and which of them the target has.

use super::facts::Facts;
use crate::aof::Aof;
use crate::rules::{By, Needed, Needs, Presence, Presences};

/// What all its files need of modules.
pub(super) fn needed(facts: &Facts) -> Vec<Needed> {
    let mut needs = Needs::default();
    facts.segments.iter().for_each(|segment| needs.merge(&segment.needs));
    needs.sorted()
}

/// The modules that somebody named, and those that the set needs and has.
pub(super) fn there(aof: &Aof, facts: &Facts, needs: &[Needed]) -> Vec<(String, By)> {
    let mut all: Vec<_> = aof.modules.iter().map(|(name, by)| (name.to_owned(), by)).collect();
    let presences = Presences::of(&aof.target(), &aof.modules, facts.origin(aof));
    for needed in needs {
        if let Presence::There(by) = presences.needed(needed)
            && !all.iter().any(|(name, _)| *name == needed.name)
        {
            all.push((needed.name.clone(), by));
        }
    }
    all
}
