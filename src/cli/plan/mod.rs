//! How a change to a set is told: what the verbs that change one share.

pub mod inner;
mod inserted;
pub mod json;
pub mod key;
pub mod text;
