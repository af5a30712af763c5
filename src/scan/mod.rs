//! One pass over a set, fed to observers.
//!
//! Knows sets and events; keeps what every observer needs to know of the place it is at. Never judges.

mod around;
mod drive;
mod filter;
mod filtered;
mod pieces;

pub use crate::aof::context::{Context, selected};
pub use crate::aof::observer::{Again, Depth, Merge, Observer, Wants};
pub use around::Around;
pub(crate) use drive::{Meter, in_flight};
pub use drive::{Pace, scan, scan_in_pieces, scan_some};
pub use filter::{Filter, Position};
pub use filtered::{Filtered, Selected};
pub use pieces::{Pieces, Split};
