//! When a source was last verified, and what came of it: written where `verify` is asked to (`--record`), and by nobody else.
//!
//! A document for each source keeps the last look of each depth. It says nothing of what is in the repository now: that
//! is for the next look to tell.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::flaw::{Flaw, Verified};
use super::moment::Moment;
use super::repository::Repository;
use super::{hash, name};
use crate::disk;
use crate::error::Result;
use crate::limits;

/// Directory of these documents.
const LOOKED: &str = "verified/";

/// The document of one source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Document {
    source: String,
    looks: Vec<Look>,
}

/// One look at a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// When it began, RFC 3339 in UTC.
    pub at: String,
    /// How deep it went.
    pub depth: DepthOfLook,
    /// Which part of the data was looked at, and of how many; of [`DepthOfLook::Data`] alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<(u64, u64)>,
    /// The newest snapshot that was there.
    pub newest: String,
    /// Whether every snapshot of the source was found as it was written.
    pub good: bool,
    /// The machine that looked.
    pub host: String,
    /// Version of the program that looked.
    pub tool: String,
}

/// How deep a look went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DepthOfLook {
    /// Names against hashes, entries against objects.
    Objects,
    /// Also the data, decompressed and parsed.
    Data,
    /// Also loaded into a server and compared key by key.
    Load,
}

impl DepthOfLook {
    /// Its name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Objects => "objects",
            Self::Data => "data",
            Self::Load => "load",
        }
    }
}

fn key_of(source: &str) -> String {
    format!("{LOOKED}{source}.json")
}

/// The source whose document this is.
pub(super) fn source_of(key: &str) -> Option<&str> {
    let source = key.strip_prefix(LOOKED)?.strip_suffix(".json")?;
    name::source_name(source).is_ok().then_some(source)
}

fn read(bytes: &[u8], source: &str) -> Option<Vec<Look>> {
    let document: Document = hash::unsealed(bytes).ok()?;
    (document.source == source).then_some(document.looks)
}

/// Whether these bytes are such a document.
pub(super) fn is_document(bytes: &[u8], source: &str) -> bool {
    read(bytes, source).is_some()
}

/// What a look found that is to be written down.
pub struct Found<'a> {
    /// When it began.
    pub began: Moment,
    /// Which part of the data was looked at as well, and of how many; `None` of objects alone.
    pub data: Option<(u64, u64)>,
    /// What it found there.
    pub verified: &'a Verified,
    /// Newest snapshots that a server has loaded as well, by source, and whether it held what they have.
    pub loaded: BTreeMap<String, bool>,
}

impl Repository {
    /// The looks at a source that were written down, the latest first. A document that is damaged tells of none.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub fn looks(&self, source: &str) -> Result<Vec<Look>> {
        let key = key_of(source);
        if self.store().head(&key)?.is_none() {
            return Ok(Vec::new());
        }
        let bytes = self.store().get(&key, limits::CATALOG_DOCUMENT)?;
        let mut looks = read(&bytes, source).unwrap_or_default();
        let at = |look: &Look| Moment::parse(&look.at);
        looks.sort_by_key(|look| (std::cmp::Reverse(at(look)), std::cmp::Reverse(look.depth)));
        Ok(looks)
    }

    /// Writes down what was found, for every source that has snapshots.
    ///
    /// # Errors
    /// When the repository cannot be written to.
    pub fn record(&self, found: &Found<'_>) -> Result<()> {
        let listed = self.list()?;
        for all in listed.chunk_by(|one, next| one.source == next.source) {
            let Some(newest) = all.last() else { continue };
            let concerns = |flaw: &&Flaw| {
                let is_of = |id: &String| all.iter().any(|one| one.id == *id);
                !flaw.harmless && (flaw.snapshots.is_empty() || flaw.snapshots.iter().any(is_of))
            };
            let good = !found.verified.flaws.iter().any(|flaw| concerns(&flaw));
            let look = |depth, part, good| Look {
                at: found.began.text(),
                depth,
                part,
                newest: newest.id.clone(),
                good,
                host: disk::host_name(),
                tool: env!("CARGO_PKG_VERSION").to_owned(),
            };
            let part = found.data;
            let depth = part.map_or(DepthOfLook::Objects, |_| DepthOfLook::Data);
            let mut new = vec![look(depth, part, good)];
            if let Some(loads) = found.loaded.get(&newest.source) {
                new.push(look(DepthOfLook::Load, None, good && *loads));
            }
            let mut looks = self.looks(&newest.source)?;
            looks
                .retain(|old| new.iter().all(|new| new.depth != old.depth || new.part != old.part));
            looks.retain(|old| {
                old.part.map(|(_, of)| of) == part.map(|(_, of)| of) || old.part.is_none()
            });
            looks.extend(new);
            let document = Document { source: newest.source.clone(), looks };
            self.store().put(&key_of(&newest.source), &hash::sealed(&document))?;
        }
        self.store().sync()
    }

    /// Forgets the looks at a source that has no snapshots any more.
    pub(super) fn forget_looks(&self, source: &str) -> Result<()> {
        self.store().delete(&key_of(source))
    }
}
