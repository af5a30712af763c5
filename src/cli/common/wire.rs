//! The shapes of the JSON: wire types apart from the library's, fields in the order of the contract.
//!
//! A field is never left out: what is unknown is `null`. Every field is described in `docs/schemas/`, and
//! a test holds the two against each other.

use aofkit::fleet::{Coverage, Outlier, SlotsOfNode, Stretch, Vacant};
use serde::{Serialize, Serializer};

use crate::cli::common::members::{ManifestText, PathText, path_text};

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
    pub without_set: Vec<VacantJson>,
    pub total: S,
}

/// A directory beside those of servers, with no set in it.
#[derive(Serialize)]
pub struct VacantJson {
    #[serde(flatten)]
    pub path: PathText,
    pub is_of_server: bool,
}

impl VacantJson {
    pub fn all(found: &[Vacant]) -> Vec<Self> {
        let json = |one: &Vacant| Self {
            path: path_text(&one.path).into(),
            is_of_server: one.is_of_server,
        };
        found.iter().map(json).collect()
    }
}

impl<T, S> Several<T, S> {
    /// The same with another total.
    pub fn with_total<U>(self, total: impl FnOnce(S) -> U) -> Several<T, U> {
        let Self { schema, tool_version, source, sets, without_set, total: own } = self;
        Several { schema, tool_version, source, sets, without_set, total: total(own) }
    }
}

/// Something that has a name for scripts and words for people.
#[derive(Serialize)]
pub struct KindJson {
    pub kind: String,
    pub message: String,
}

impl KindJson {
    pub fn new(kind: &str, message: &impl ToString) -> Self {
        Self { kind: kind.to_owned(), message: message.to_string() }
    }
}

/// A set that stands out.
#[derive(Serialize)]
pub struct OutlierJson {
    pub name: String,
    pub why: Vec<KindJson>,
}

impl OutlierJson {
    /// All of them, by the names of the sets that were compared.
    pub fn all(found: &[Outlier], names: &[String]) -> Vec<Self> {
        let row = |one: &Outlier| Self {
            name: names.get(one.place).cloned().unwrap_or_default(),
            why: one.why.iter().map(|why| KindJson::new(why.as_str(), why)).collect(),
        };
        found.iter().map(row).collect()
    }
}

/// A stretch of slots, and the sets that both take it for their own.
#[derive(Serialize)]
pub struct StretchJson {
    pub first: u16,
    pub last: u16,
    pub sets: Vec<String>,
}

/// The slots of a cluster.
#[derive(Serialize)]
pub struct CoverageJson {
    pub missing_slots: u32,
    pub holes: Vec<StretchJson>,
    pub overlaps: Vec<StretchJson>,
    pub absent_nodes: Vec<String>,
}

impl CoverageJson {
    /// By the names of the sets.
    pub fn new(coverage: &Coverage, names: &[String]) -> Self {
        let name = |place: usize| names.get(place).cloned().unwrap_or_default();
        let stretch = |(first, last): Stretch, sets| StretchJson { first, last, sets };
        let overlaps = coverage.overlaps.iter();
        Self {
            missing_slots: coverage.missing(),
            holes: coverage.holes.iter().map(|hole| stretch(*hole, Vec::new())).collect(),
            overlaps: overlaps
                .map(|(at, one, other)| stretch(*at, vec![name(*one), name(*other)]))
                .collect(),
            absent_nodes: coverage.absent.clone(),
        }
    }
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

/// Slots that a log has keys of, against those of its node.
#[derive(Serialize)]
pub struct SlotsJson {
    pub in_use: u64,
    pub owned: Option<u32>,
    pub outside: Option<u64>,
    pub outside_bytes: Option<u64>,
}

impl SlotsJson {
    pub fn new(slots: &SlotsOfNode) -> Self {
        let known = slots.owned.is_some();
        Self {
            in_use: slots.in_use,
            owned: slots.owned,
            outside: known.then_some(slots.outside),
            outside_bytes: known.then_some(slots.outside_bytes),
        }
    }
}
