//! The server a judgement is made for.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, OnceLock, PoisonError};

use super::of_server::Rules;
use super::read;
use crate::command::{self, Release, Tables, Version};
use crate::format::rdb::Family;

/// A server version, and the rules it is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Redis or Valkey.
    pub family: Family,
    /// Major and minor version.
    pub version: Version,
    /// The patch, where a later one of the same version brought a command that this one lacks.
    pub patch: Option<u32>,
    /// The rules that apply.
    pub rules: &'static Rules,
    /// What they stand on.
    pub knowledge: Knowledge,
}

impl PartialEq for Target {
    fn eq(&self, other: &Self) -> bool {
        (self.family, self.version, self.patch) == (other.family, other.version, other.patch)
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
    /// The server of this family and version, whatever its patch.
    pub fn new(family: Family, version: Version) -> Self {
        Self::made(family, version, None)
    }

    /// The server of this family and release. Its patch counts where a later one brought a command.
    pub fn release(family: Family, release: Release) -> Self {
        let is_early = read::is_early_patch(command::tables(), family, release);
        Self::made(family, (release.0, release.1), Some(release.2).filter(|_| is_early))
    }

    fn made(family: Family, version: Version, patch: Option<u32>) -> Self {
        type Made = BTreeMap<(&'static str, Version, Option<u32>), Target>;
        static MADE: OnceLock<Mutex<Made>> = OnceLock::new();
        let mut made =
            MADE.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
        *made
            .entry((family.name(), version, patch))
            .or_insert_with(|| Self::of(command::tables(), family, version, patch))
    }

    /// The same by other tables than those in use. The rules live as long as the process.
    pub fn by(tables: &Tables, family: Family, version: Version) -> Self {
        Self::of(tables, family, version, None)
    }

    fn of(tables: &Tables, family: Family, version: Version, patch: Option<u32>) -> Self {
        let rules = read::rules(tables, family, version, patch)
            .or_else(|| read::rules(tables, Family::Redis, version, None))
            .unwrap_or_else(|| read::none("none"));
        let knowledge = match (knowledge(tables, family, version), patch) {
            // The table is that of a later patch.
            (Knowledge::Recorded, Some(_)) => Knowledge::Between,
            (knowledge, _) => knowledge,
        };
        Self { family, version, patch, rules: Box::leak(Box::new(rules)), knowledge }
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

    /// `redis-8.2`, `valkey-9.1.2`: family and version. A patch counts where a later one of the same version brought a
    /// command; what else follows the minor number does not.
    fn from_str(text: &str) -> Result<Self, TargetError> {
        let lower = text.to_ascii_lowercase();
        let named = lower.split_once('-').and_then(|(name, number)| {
            let parts: Vec<_> = number.splitn(3, '.').collect();
            let version = command::version(&parts[..parts.len().min(2)].join("."))?;
            let patch = parts.get(2).and_then(|patch| patch.parse().ok());
            Some((family(name)?, version, patch))
        });
        let (family, version, patch) = named.ok_or_else(|| TargetError(text.to_owned()))?;
        Ok(match patch {
            Some(patch) => Self::release(family, (version.0, version.1, patch)),
            None => Self::new(family, version),
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let family = self.family.name();
        write!(f, "{family}-{}.{}", self.version.0, self.version.1)?;
        self.patch.map_or(Ok(()), |patch| write!(f, ".{patch}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::rdb::Header;
    use crate::rules::Arity;

    fn target(text: &str) -> Target {
        text.parse().unwrap()
    }

    fn arity(text: &str, name: &[u8]) -> Option<i16> {
        target(text).rules.arity_of(command::lookup(name).unwrap())
    }

    #[test]
    fn a_version_without_a_table_behaves_as_the_next_older_one() {
        let stands = |text: &str| (target(text).rules.name, target(text).knowledge);
        use Knowledge::{Between, Documented, Newer, Recorded};
        assert_eq!(stands("redis-6.0"), ("redis-6.2", Documented));
        assert_eq!(stands("redis-6.2"), ("redis-6.2", Recorded));
        assert_eq!(stands("redis-7.0.15"), ("redis-7.0", Recorded));
        assert_eq!(stands("redis-7.2"), ("redis-7.0", Between));
        assert_eq!(stands("redis-8.4"), ("redis-8.2", Between));
        assert_eq!(stands("redis-8.8"), ("redis-8.6", Documented));
        assert_eq!(stands("redis-8.12"), ("redis-8.6", Documented));
        assert_eq!(stands("redis-9.9"), ("redis-8.6", Newer));
        assert_eq!(stands("valkey-7.2"), ("valkey-8.1", Documented));
        assert_eq!(stands("valkey-9.0"), ("valkey-9.0", Recorded));
        assert_eq!(stands("valkey-10"), ("valkey-9.1", Newer));
        assert_eq!(target("Redis-6.2.14").to_string(), "redis-6.2");
        for wrong in ["keydb-6", "redis", "redis-", "redis-8.x", "redis-8-6"] {
            assert!(wrong.parse::<Target>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn between_two_tables_a_command_is_there_from_its_own_version_on() {
        assert_eq!(arity("redis-8.2", b"MSETEX"), None);
        assert_eq!(arity("redis-8.4", b"MSETEX"), Some(-4));
        assert_eq!(arity("redis-8.4", b"XCFGSET"), None);
        assert_eq!(arity("redis-8.6", b"XCFGSET"), Some(-2));
        assert_eq!(arity("redis-7.4", b"HSETEX"), None);
        assert_eq!(arity("redis-8.0", b"HSETEX"), Some(-6));
        assert_eq!(arity("redis-8.0", b"XDELEX"), None);
        assert_eq!(arity("redis-8.2", b"DELIFEQ"), None);
        assert_eq!(arity("valkey-9.0", b"DELIFEQ"), Some(3));
        assert_eq!(arity("redis-7.0", b"ZRANK"), Some(3));
        assert_eq!(arity("redis-8.2", b"ZRANK"), Some(-3));
        assert_eq!(arity("redis-8.6", b"ARSET"), None);
        assert_eq!(arity("redis-8.8", b"ARSET"), Some(-4));
        assert_eq!(arity("redis-9.9", b"SEXPIRE"), Some(-6));
        assert_eq!(arity("redis-6.0", b"GETEX"), None);
        assert_eq!(arity("redis-6.0", b"SET"), Some(-3));
    }

    #[test]
    fn a_patch_before_the_one_that_brought_a_command_lacks_it() {
        let xidmprecord = |text: &str| arity(text, b"XIDMPRECORD");
        assert_eq!(xidmprecord("redis-8.6"), Some(5));
        assert_eq!(xidmprecord("redis-8.6.2"), Some(5));
        assert_eq!(xidmprecord("redis-8.6.1"), None);
        assert_eq!(xidmprecord("redis-8.4.9"), None);
        assert_eq!(xidmprecord("redis-8.8.0"), Some(5));
        assert_eq!(arity("redis-8.6.1", b"XCFGSET"), Some(-2));
        assert_eq!(arity("redis-6.0.5", b"LPOS"), None);
        assert_eq!(arity("redis-6.0.6", b"LPOS"), Some(-3));
        let early = target("redis-8.6.0");
        assert_eq!((early.rules.name, early.knowledge), ("redis-8.6", Knowledge::Between));
        assert!(early.has_corrupt_tail_option());
        assert!(early != target("redis-8.6") && early != target("redis-8.6.1"));
        // Where no command hangs on it, a patch makes no other server.
        assert_eq!(target("redis-8.6.5"), target("redis-8.6"));
        let shown = ["redis-8.6.1", "redis-8.6.2", "redis-8.2.0", "redis-6.0.1"];
        let spelled = ["redis-8.6.1", "redis-8.6", "redis-8.2", "redis-6.0.1"];
        assert_eq!(shown.map(|text| target(text).to_string()), spelled);
    }

    #[test]
    fn a_recorded_server_has_the_commands_it_listed() {
        let count = |text: &str| target(text).rules.commands();
        // Subcommands included, which Redis 6.2 does not list.
        assert_eq!(["redis-6.2", "redis-7.0", "redis-7.4"].map(count), [224, 366, 379]);
        assert_eq!(["redis-8.0", "redis-8.2", "redis-8.6"].map(count), [394, 397, 412]);
        assert_eq!(["valkey-8.1", "valkey-9.0", "valkey-9.1"].map(count), [379, 396, 399]);
        assert_eq!(Target::recorded().len(), 9);
    }

    #[test]
    fn rdb_versions_and_options_come_with_their_version() {
        let newest = |text: &str| {
            let reads =
                |version| target(text).rules.loads_rdb(Header { family: Family::Redis, version });
            (1..100).filter(|version| reads(*version)).max()
        };
        let of = ["redis-6.2", "redis-7.0", "redis-7.2", "redis-7.4", "redis-8.4", "redis-8.6"];
        assert_eq!(of.map(newest), [9, 10, 11, 12, 12, 13].map(Some));
        assert_eq!(["redis-8.8", "redis-8.10", "redis-8.12"].map(newest), [14, 15, 17].map(Some));
        let option = |text: &str| target(text).has_corrupt_tail_option();
        assert!(!option("redis-8.2") && option("redis-8.4") && option("redis-9.9"));
        assert!(!option("valkey-9.1"));
        assert!(target("redis-6.2").rules.manifest.is_none());
        assert_eq!(target("valkey-9.0").rules.arity, Arity::Refused);
    }

    #[test]
    fn a_tenth_server_is_one_more_text() {
        const TENTH: &str = "server redis-9.8 9.8.7\nmanifest strict\nannotations yes\narity refused\n\
            rdb redis 1-20\nnumbers redis 0-40,246-255\n\
            command\tSET\t-3\tstring\t1.0.0\twrite\tRW@1+0/1/0\n\
            command\tMELT\t3\tstring\t9.6.0\twrite\tRW@1+0/1/0\n";
        let tables = Tables::read(&[include_str!("servers.txt"), TENTH]).unwrap();
        let by = |version| Target::by(&tables, Family::Redis, version);
        let melt = tables.find("MELT").unwrap();
        let (new, between, older) = (by((9, 8)), by((9, 7)), by((9, 5)));
        assert_eq!((new.rules.name, new.knowledge), ("redis-9.8", Knowledge::Recorded));
        assert_eq!((between.rules.name, between.knowledge), ("redis-8.6", Knowledge::Between));
        assert_eq!(new.rules.arity_of(melt), Some(3));
        assert_eq!(between.rules.arity_of(melt), Some(3));
        assert_eq!(older.rules.arity_of(melt), None);
        assert!(new.rules.loads_rdb(Header { family: Family::Redis, version: 20 }));
        assert!(!between.rules.loads_rdb(Header { family: Family::Redis, version: 20 }));
    }
}
