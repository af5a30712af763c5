//! One pass over a set, fed to observers.
//!
//! Knows sets and events; keeps what every observer needs to know of the place it is at. Never judges.

mod around;
mod context;
mod drive;
mod filter;
mod filtered;
mod observer;

pub use around::Around;
pub use context::{Context, selected};
pub(crate) use drive::{Meter, in_flight};
pub use drive::{Pace, scan, scan_some};
pub use filter::{Filter, Position};
pub use filtered::{Filtered, Selected};
pub use observer::{Merge, Observer};
