//! The rules, by what they are about: a list of each, and who judges by it.

mod persistence;

use super::finding::Finding;
use super::rule::Rule;
use super::subject::Subject;

/// Rules that are judged together.
pub(super) struct Family {
    /// The rules, by number.
    pub(super) rules: &'static [&'static Rule],
    /// Adds what breaks them.
    pub(super) judge: fn(&Subject, &mut Vec<Finding>),
}

/// All families, in the order of their rules' numbers.
pub(super) const FAMILIES: &[Family] =
    &[Family { rules: &persistence::RULES, judge: persistence::judge }];

/// Every rule there is, by number.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    FAMILIES.iter().flat_map(|family| family.rules.iter().copied())
}
