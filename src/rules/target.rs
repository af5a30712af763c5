//! The server a judgement is made for.

use std::fmt;
use std::str::FromStr;

use super::{KNOWN, Rules};
use crate::format::rdb::Family;

/// A server version, and the rules it is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Redis or Valkey.
    pub family: Family,
    /// Major and minor version.
    pub version: (u32, u32),
    /// The rules that apply: its own, or those of the next newer version that has some, or the newest.
    pub rules: &'static Rules,
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
    pub fn new(family: Family, version: (u32, u32)) -> Self {
        let mut own =
            KNOWN.iter().filter(|rules| parse(rules.name).is_some_and(|(f, _)| f == family));
        let newer = own.clone().find(|rules| parse(rules.name).is_some_and(|(_, v)| v >= version));
        let rules = newer.or_else(|| own.next_back()).unwrap_or(&KNOWN[1]);
        Self { family, version, rules }
    }

    /// Whether the rules that apply are its own: all its commands are known.
    pub fn is_recorded(&self) -> bool {
        parse(self.rules.name) == Some((self.family, self.version))
    }

    /// Whether this server can cut a corrupt tail by itself (`aof-load-corrupt-tail-max-size`).
    /// Source: Redis 8.6.2, run; release notes of Redis 8.4.
    pub fn has_corrupt_tail_option(&self) -> bool {
        self.family == Family::Redis && self.version >= (8, 4)
    }
}

impl Default for Target {
    fn default() -> Self {
        Self::new(Family::Redis, (8, 2))
    }
}

/// `redis-8.2`, `valkey-9.1.2`: family and version.
fn parse(text: &str) -> Option<(Family, (u32, u32))> {
    let (family, version) = text.split_once('-')?;
    let family = match family {
        "redis" => Family::Redis,
        "valkey" => Family::Valkey,
        _ => return None,
    };
    let mut parts = version.split('.').map(|part| part.parse().ok());
    Some((family, (parts.next()??, parts.next().unwrap_or(Some(0))?)))
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let (family, version) =
            parse(&text.to_ascii_lowercase()).ok_or_else(|| TargetError(text.to_owned()))?;
        Ok(Self::new(family, version))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let family = self.family.name();
        write!(f, "{family}-{}.{}", self.version.0, self.version.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_without_rules_is_judged_by_the_next_newer_one_else_the_newest() {
        let rules = |text: &str| text.parse::<Target>().unwrap().rules.name;
        assert_eq!(rules("redis-6.2"), "redis-7.0");
        assert_eq!(rules("redis-7.0.15"), "redis-7.0");
        assert_eq!(rules("redis-7.2"), "redis-8.2");
        assert_eq!(rules("redis-8.10"), "redis-8.2");
        assert_eq!(rules("valkey-7.2"), "valkey-8.1");
        assert_eq!(rules("valkey-9.0"), "valkey-9.1");
        assert_eq!(rules("valkey-10"), "valkey-9.1");
        assert!("keydb-6".parse::<Target>().is_err());
        assert!("redis".parse::<Target>().is_err());
        assert_eq!("Redis-6.2.14".parse::<Target>().unwrap().to_string(), "redis-6.2");
    }
}
