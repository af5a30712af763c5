//! What to do about a set's growth.

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advice {
    /// Nothing, for this reason.
    Nothing(String),
    /// `BGREWRITEAOF`, for this reason.
    Rewrite(String),
    /// Another `auto-aof-rewrite-percentage`, for this reason.
    Percentage(u32, String),
    /// Room must be made first, for this reason.
    MakeRoom(String),
    /// What keeps rewrites from happening must be found first.
    FindFault(String),
    /// A rewrite should have begun by the rule, and has not, for this reason.
    Overdue(String),
    /// The set itself must be mended first.
    Mend(String),
}

impl Advice {
    /// Its name for scripts.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Nothing(_) => "nothing",
            Self::Rewrite(_) => "rewrite",
            Self::Percentage(..) => "percentage",
            Self::MakeRoom(_) => "make-room",
            Self::FindFault(_) => "find-fault",
            Self::Overdue(_) => "overdue",
            Self::Mend(_) => "mend",
        }
    }

    /// Why.
    pub fn reason(&self) -> &str {
        match self {
            Self::Nothing(why)
            | Self::Rewrite(why)
            | Self::Percentage(_, why)
            | Self::MakeRoom(why)
            | Self::FindFault(why)
            | Self::Overdue(why)
            | Self::Mend(why) => why,
        }
    }
}
