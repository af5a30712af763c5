//! The server a judgement is made for.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, OnceLock, PoisonError};

use super::{Rules, read};
use crate::command::{self, Tables, Version};
use crate::format::rdb::Family;

/// A server version, and the rules it is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Redis or Valkey.
    pub family: Family,
    /// Major and minor version.
    pub version: Version,
    /// The rules that apply.
    pub rules: &'static Rules,
    /// What they stand on.
    pub knowledge: Knowledge,
}

impl PartialEq for Target {
    fn eq(&self, other: &Self) -> bool {
        (self.family, self.version) == (other.family, other.version)
    }
}

impl Eq for Target {}

/// What a judgement stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Knowledge {
    /// That version was run, and its table recorded.
    Recorded,
    /// It lies between two versions that were run.
    Between,
    /// It was only read about.
    Documented,
    /// It is newer than all that is known.
    Newer,
    /// The server itself was asked.
    Asked,
}

impl Knowledge {
    /// The name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Between => "between",
            Self::Documented => "documented",
            Self::Newer => "newer",
            Self::Asked => "asked",
        }
    }
}

/// A text that does not name a server version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetError(String);

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' is not a server version: write redis-8.2 or valkey-9.1", self.0)
    }
}

impl std::error::Error for TargetError {}

impl Target {
    /// The server of this family and version.
    pub fn new(family: Family, version: Version) -> Self {
        static MADE: OnceLock<Mutex<BTreeMap<(&str, Version), Target>>> = OnceLock::new();
        let mut made =
            MADE.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
        *made
            .entry((family.name(), version))
            .or_insert_with(|| Self::by(command::tables(), family, version))
    }

    /// The same by other tables than those in use. The rules live as long as the process.
    pub fn by(tables: &Tables, family: Family, version: Version) -> Self {
        let rules = read::rules(tables, family, version)
            .or_else(|| read::rules(tables, Family::Redis, version))
            .unwrap_or_else(|| read::none("none"));
        let knowledge = knowledge(tables, family, version);
        Self { family, version, rules: Box::leak(Box::new(rules)), knowledge }
    }

    /// The servers that were run, each family's oldest first.
    pub fn recorded() -> &'static [Self] {
        static RECORDED: OnceLock<Vec<Target>> = OnceLock::new();
        RECORDED.get_or_init(|| {
            let tables = command::tables();
            let run = tables.sections.iter().filter(|section| section.run.is_some());
            let mut all: Vec<_> =
                run.filter_map(|s| Some(Self::new(family(s.family)?, s.version))).collect();
            all.sort_by_key(|target| (target.family.name(), target.version));
            all.dedup();
            all
        })
    }

    /// The servers that were only read about and are newer than all of their family that were run, oldest
    /// first.
    pub fn read_about() -> Vec<Self> {
        let read = command::tables().sections.iter().filter(|section| section.run.is_none());
        let mut all: Vec<_> =
            read.filter_map(|s| Some(Self::new(family(s.family)?, s.version))).collect();
        all.retain(|target| target.knowledge == Knowledge::Documented);
        all.sort_by_key(|target| (target.family.name(), target.version));
        all
    }

    /// Whether this server can cut a corrupt tail by itself (`aof-load-corrupt-tail-max-size`).
    pub fn has_corrupt_tail_option(&self) -> bool {
        self.rules.has_corrupt_tail_option
    }
}

fn knowledge(tables: &Tables, family: Family, version: Version) -> Knowledge {
    let own = || tables.sections.iter().filter(|section| section.family == family.name());
    let versions = |was_run: bool| {
        own().filter(move |section| section.run.is_some() == was_run).map(|s| s.version)
    };
    let (oldest, newest) = (versions(true).min(), versions(true).max());
    if versions(true).any(|recorded| recorded == version) {
        Knowledge::Recorded
    } else if oldest.is_some_and(|oldest| version < oldest) {
        Knowledge::Documented
    } else if newest.is_some_and(|newest| version < newest) {
        Knowledge::Between
    } else if versions(false).max().is_some_and(|read| version <= read) {
        Knowledge::Documented
    } else {
        Knowledge::Newer
    }
}

impl Default for Target {
    /// What a set is judged by that does not say who wrote it: most such sets are of this server or older.
    fn default() -> Self {
        Self::new(Family::Redis, (8, 2))
    }
}

fn family(name: &str) -> Option<Family> {
    [Family::Redis, Family::Valkey].into_iter().find(|family| family.name() == name)
}

impl FromStr for Target {
    type Err = TargetError;

    /// `redis-8.2`, `valkey-9.1.2`: family and version; what follows the minor number does not count.
    fn from_str(text: &str) -> Result<Self, TargetError> {
        let lower = text.to_ascii_lowercase();
        let named = lower.split_once('-').and_then(|(name, number)| {
            let number: Vec<_> = number.splitn(3, '.').take(2).collect();
            Some((family(name)?, command::version(&number.join("."))?))
        });
        named
            .map(|(family, version)| Self::new(family, version))
            .ok_or_else(|| TargetError(text.to_owned()))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let family = self.family.name();
        write!(f, "{family}-{}.{}", self.version.0, self.version.1)
    }
}
