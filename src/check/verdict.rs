//! What a check answers in a word: how a set is, what the target does with it, and what redis-check-aof says.

/// How a set is, taken as a whole. The order is that of how much a verdict says: of several, the largest holds for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Every byte is accounted for.
    Healthy,
    /// Nothing is damaged, but the target does not take it, or whether it does is not known.
    Unsupported,
    /// Damage at the very end of the last file only.
    TailDamage,
    /// Damage elsewhere.
    InnerDamage,
    /// The manifest is invalid or missing, a file is missing, or a server would harm the set.
    SetInconsistent,
}

impl Verdict {
    /// Its name in JSON and in journals.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::TailDamage => "tail-damage",
            Self::InnerDamage => "inner-damage",
            Self::SetInconsistent => "set-inconsistent",
            Self::Unsupported => "unsupported",
        }
    }
}

/// What the target's loader does with a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loads {
    /// It starts with all of it.
    Yes,
    /// It starts with nothing.
    StartsEmpty,
    /// It cuts the last file and starts.
    AfterTruncation,
    /// It does not start.
    No,
    /// What it does was not learnt.
    Unknown,
}

impl Loads {
    /// Its name in JSON; `None`, which is null there, where it was not learnt.
    pub const fn as_str(self) -> Option<&'static str> {
        Some(match self {
            Self::Yes => "yes",
            Self::StartsEmpty => "starts-empty",
            Self::AfterTruncation => "after-truncation",
            Self::No => "no",
            Self::Unknown => return None,
        })
    }
}

/// What redis-check-aof 8.2 says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckAof {
    /// It exits with 0.
    pub valid: bool,
    /// Why not.
    pub why: Option<String>,
    /// It does not know the RDB that the set begins with, so that its word says nothing about the set.
    pub is_blind: bool,
}
