//! The only room that alters a set: what is going to happen as a value ([`Plan`]), and how it happens.
//!
//! A verb looks at a set and says what each segment shall become, in a `Draft`; `Draft::finish` decides
//! how that is published by one step. A plan can be printed, judged before anything is written, carried out, and
//! undone. Nothing here decides what is damaged: that is for the verbs above.

mod alike;
mod applied;
mod apply;
mod content;
mod control;
mod draft;
mod in_use;
mod journal;
mod keep;
mod lines;
mod loss;
mod not_ours;
mod outlook;
mod output;
mod pieces;
mod place;
mod plan;
mod possible;
mod proposal;
mod recipe;
mod recorded;
mod recover;
mod refusal;
mod session;
mod staged;
mod told;
mod undo;
mod work;

pub use applied::Applied;
pub use apply::Options;
pub(crate) use draft::Draft;
pub use in_use::{InUse, haunt, in_use};
pub use journal::Journal;
pub use keep::{Entry, Keep, SUFFIX, State, entries, subject};
pub(crate) use loss::Broken;
pub use loss::{Loss, LostKey};
pub use not_ours::NotOurs;
pub use outlook::{Looking, Outlook};
pub use plan::{Action, Piece, Plan, Publication, Sieve, Sift, SourceFile, Verb};
pub use proposal::Proposal;
pub use recover::{Recovered, clear_up};
pub use refusal::{Linked, Most, Refusal};
pub use session::{Outcome, Session};
pub use undo::Undo;
