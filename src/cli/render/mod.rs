//! Results as text for people and as JSON for programs.

pub mod backup_json;
pub mod backup_text;
mod chart;
pub mod clean;
pub mod csv;
mod deletes;
mod deletes_json;
pub mod folded;
pub mod growth_json;
pub mod growth_rewrite;
pub mod growth_sets;
pub mod growth_text;
mod growth_wire;
pub mod human;
pub mod json;
mod key_space;
mod key_space_json;
pub mod lines;
mod modules;
pub mod ndjson;
mod plan_inner;
pub mod plan_json;
pub mod plan_text;
pub mod rewind_json;
pub mod rewind_text;
mod screen;
mod sets;
pub mod stats_json;
pub mod stats_text;
mod units;
mod wire;
mod written;

pub use units::{Style, time};
