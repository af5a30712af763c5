//! Where a set stood at a moment: a second, a place or a command, as a boundary between records that lies in no
//! transaction.
//!
//! Two observers: [`Cutter`] finds the boundary that is asked for, [`Places`] those somebody may want. They know
//! events and where these stand; they never decide what becomes of what lies behind, and never change anything.

mod cutter;
mod places;

pub use cutter::{Boundary, Cutter, Found, Inside, Moment, Which};
pub use places::{Candidate, Places, What};
