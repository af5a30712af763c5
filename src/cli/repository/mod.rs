//! What the verbs that work on backup repositories share.

pub mod json;
pub mod text;
