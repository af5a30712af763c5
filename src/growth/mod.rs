//! Where a set is going: when it will be rewritten, how it grew, what a rewrite would give back.
//!
//! [`Growth`] sees a set in one pass; the rest is arithmetic on what it saw. Knows events and settings; reads
//! neither files nor clocks.

mod advice;
mod advise;
mod families;
mod forecast;
mod foresee;
mod hold;
mod live;
mod load;
mod observe;
mod outlook;
mod recorder;
mod running;
mod simulate;
mod timeline;
mod trigger;

pub use advice::Advice;
pub use families::FamilyLine;
pub use forecast::{Forecast, Measured, RateSource, Unforeseen};
pub use foresee::REWRITE_SPEED;
pub use hold::Hold;
pub use live::{BUDGET, Compression, LiveEstimate, Memory, Size, Unfollowed};
pub use load::{ASSUMED, Load, Speed};
pub use observe::{Growth, GrowthOptions, GrowthReport};
pub use outlook::{Outlook, Rewrite, Surroundings};
pub use recorder::{Clock, Rate};
pub use simulate::{Simulation, simulate};
pub use timeline::{Axis, Bucket, Peak, Timeline};
pub use trigger::{Since, Trigger};
