//! Answers about more keys than memory holds, each with its error. Know nothing of logs.

mod hyperloglog;
mod sample;
mod space_saving;

pub use hyperloglog::HyperLogLog;
pub use sample::Sample;
pub use space_saving::{Row, SpaceSaving};
