//! The shapes of the JSON: wire types apart from the library's, fields in the order of the contract.
//!
//! A field is never left out: what is unknown is `null`. Every field is described in `docs/schemas/`, and
//! a test holds the two against each other.

use serde::{Serialize, Serializer};

use crate::cli::common::members::{ManifestText, PathText};

/// Many of a kind, each made when it is written.
pub struct Each<'a, T, W> {
    pub all: &'a [T],
    pub one: fn(&T) -> W,
}

impl<T, W: Serialize> Serialize for Each<'_, T, W> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.all.iter().map(self.one))
    }
}

#[derive(Serialize)]
pub struct Source {
    #[serde(flatten)]
    pub path: PathText,
    pub layout: &'static str,
    #[serde(flatten)]
    pub manifest: ManifestText,
}

#[derive(Serialize)]
pub struct NeededJson {
    pub name: String,
    pub need: &'static str,
    pub count: u64,
}

#[derive(Serialize)]
pub struct ModuleJson {
    pub name: String,
    pub by: &'static str,
}

#[derive(Serialize)]
pub struct SourceOfSeveral {
    #[serde(flatten)]
    pub path: PathText,
    pub layout: &'static str,
    pub manifest: Option<String>,
}

/// Several sets, and what they make together.
#[derive(Serialize)]
pub struct Several<T, S> {
    pub schema: &'static str,
    pub tool_version: &'static str,
    pub source: SourceOfSeveral,
    pub sets: Vec<T>,
    pub total: S,
}

/// The rule by which a server rewrites, and what it says of the sizes.
#[derive(Serialize)]
pub struct RuleJson {
    pub percentage: u32,
    pub min_size_bytes: u64,
    pub rewrite_at_bytes: Option<u64>,
    pub remaining_bytes: Option<u64>,
    pub due: bool,
    pub source: &'static str,
}

#[derive(Serialize)]
pub struct ErrorJson {
    pub error: ErrorBody,
}

#[derive(Serialize)]
pub struct ErrorBody {
    pub kind: &'static str,
    #[serde(flatten)]
    pub path: PathText,
    pub offset: Option<u64>,
    pub message: String,
}
