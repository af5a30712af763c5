//! What every document of a repository begins with.

use std::path::Path;

use serde::Serialize;

use crate::cli::common::json::VERSION;
use crate::cli::common::members::{ManifestText, PathText, path_text};

#[derive(Serialize)]
pub(super) struct Head {
    pub(super) schema: &'static str,
    pub(super) tool_version: &'static str,
    pub(super) source: Source,
}

#[derive(Serialize)]
pub(super) struct Source {
    #[serde(flatten)]
    pub(super) path: PathText,
    pub(super) layout: &'static str,
    #[serde(flatten)]
    pub(super) manifest: ManifestText,
}

pub(super) fn head(schema: &'static str, repository: &Path) -> Head {
    let path = path_text(repository);
    let layout = "repository";
    let source = Source { path: path.into(), layout, manifest: None.into() };
    Head { schema, tool_version: VERSION, source }
}
