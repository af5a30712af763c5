//! What a check of a whole set did not look at, by name.

use super::facts::Facts;
use super::unseen::Unseen;

/// Something that may not have been looked at.
type Is = fn(&Unseen) -> bool;

/// The names of what was not looked at in a set, as JSON has them.
pub(super) fn names(facts: &Facts) -> Vec<&'static str> {
    let any = |is: Is| facts.segments.iter().any(|segment| is(&segment.unseen));
    let all: [(&str, Is); 6] = [
        ("values", |unseen| unseen.values),
        ("duplicate-keys", |unseen| unseen.duplicate_keys),
        ("large-values", |unseen| unseen.large > 0),
        ("slots-of-long-keys", |unseen| unseen.slots > 0),
        ("restore-payloads", |unseen| unseen.payloads > 0),
        ("restore-values", |unseen| unseen.payload_values > 0),
    ];
    let inside = all.into_iter().filter(|(_, is)| any(*is)).map(|(name, _)| name);
    inside.chain(facts.neighbours.is_unlisted.then_some("directory")).collect()
}
