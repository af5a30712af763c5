//! A rule, and what it is called.

use crate::check::Severity;

/// What a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// How the log is written and read again.
    Persistence,
    /// When the log is rewritten.
    Rewrite,
    /// Room, owners and modes.
    Capacity,
    /// Memory and the kernel.
    Memory,
    /// Nodes of a cluster.
    Cluster,
    /// Sentinels.
    Sentinel,
    /// Who may do what.
    Security,
    /// Managed servers of that cloud.
    ElastiCache,
    /// What a server makes of the lines of its file.
    Syntax,
    /// Versions, and what is known of them.
    Versions,
}

impl Group {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 10] = [
        Self::Persistence,
        Self::Rewrite,
        Self::Capacity,
        Self::Memory,
        Self::Cluster,
        Self::Sentinel,
        Self::Security,
        Self::ElastiCache,
        Self::Syntax,
        Self::Versions,
    ];

    /// The name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Persistence => "persistence",
            Self::Rewrite => "rewrite",
            Self::Capacity => "capacity",
            Self::Memory => "memory",
            Self::Cluster => "cluster",
            Self::Sentinel => "sentinel",
            Self::Security => "security",
            Self::ElastiCache => "elasticache",
            Self::Syntax => "syntax",
            Self::Versions => "versions",
        }
    }
}

/// A rule that production is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its number: `AOF-001`. Never given to another rule.
    pub id: &'static str,
    /// Its name: `appendonly-off`.
    pub name: &'static str,
    /// What it is about.
    pub group: Group,
    /// How much it matters where it is broken; a finding may weigh less or more.
    pub severity: Severity,
    /// What is wrong where it is broken, in one sentence.
    pub title: &'static str,
    /// Why that matters, in one sentence.
    pub why: &'static str,
}

impl Rule {
    pub(super) const fn new(
        id: &'static str,
        name: &'static str,
        (group, severity): (Group, Severity),
        title: &'static str,
        why: &'static str,
    ) -> Self {
        Self { id, name, group, severity, title, why }
    }
}

/// The rule of that number or name, in any case.
pub fn named(text: &str) -> Option<&'static Rule> {
    super::rules().find(|rule| {
        [rule.id, rule.name].iter().any(|known| known.eq_ignore_ascii_case(text.trim()))
    })
}
