//! What several verbs share. Nothing here knows a verb.

pub mod beside;
pub mod context;
pub mod filters;
pub mod global;
pub mod in_use;
pub mod interrupt;
pub mod json;
pub mod layout;
pub mod modules;
pub mod moments;
pub mod needs;
pub mod outcome;
pub mod output;
pub mod progress;
pub mod reading;
pub mod repository;
pub mod server;
pub mod sets;
pub mod sizes;
pub mod threshold;
pub mod times;
pub mod trial;
pub mod troubles;
pub mod units;
pub mod verdict;
pub mod wire;
