//! Back to a moment: everything behind it leaves the set, across segments, manifest included.
//!
//! Or one command leaves it, and all that came after stays ([`omit()`]). Finds the moment by [`crate::moment`], says what would go, and answers a [`crate::change::Proposal`]; carries nothing
//! out itself. What the base holds is one state without a history: an older moment is out of reach.

mod cut;
mod omit;
mod reach;
mod way;

pub use cut::rewind;
pub use omit::{
    Conflict, Dependent, Dependents, Hindrance, Later, Omission, Omitted, Returning, omit,
};
pub use reach::{Reach, Why, reach};
pub use way::{Answer, Rewind};
