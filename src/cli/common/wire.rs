//! The shapes of the JSON: wire types apart from the library's, fields in the order of the contract.
//!
//! A field is never left out: what is unknown is `null`. Every field is described in `docs/schemas/`, and
//! a test holds the two against each other.

use serde::{Serialize, Serializer};

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
    pub path: Option<String>,
    pub path_b64: Option<String>,
    pub layout: &'static str,
    pub manifest: Option<String>,
    pub manifest_b64: Option<String>,
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
    pub path: Option<String>,
    pub path_b64: Option<String>,
    pub layout: &'static str,
    pub manifest: Option<String>,
}

#[derive(Serialize)]
pub struct ErrorJson {
    pub error: ErrorBody,
}

#[derive(Serialize)]
pub struct ErrorBody {
    pub kind: &'static str,
    pub path: Option<String>,
    pub path_b64: Option<String>,
    pub offset: Option<u64>,
    pub message: String,
}
