//! Results as text for people and as JSON for programs.

pub mod human;
pub mod json;
mod key_space;
mod key_space_json;
mod screen;
mod sets;
mod units;
mod wire;

pub use units::Style;
