//! What a server answers to one command.

use crate::error::Result;

/// Takes the names of some keys of one database, and the connection on which that is selected; answers whether to go on.
pub type EachBatch<'e, S> = &'e mut dyn FnMut(&mut S, u64, Vec<Vec<u8>>) -> Result<bool>;

/// What a server answers to one command.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// There is nothing.
    Nil,
    /// A number.
    Int(i64),
    /// Bytes, or a word such as `OK`.
    Text(Vec<u8>),
    /// Several answers.
    List(Vec<Answer>),
    /// The command was refused, in the server's words, such as `BUSYKEY Target key name already exists.`
    Refused(String),
}

impl Answer {
    /// Its bytes; empty where it is none.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(bytes) => bytes,
            _ => b"",
        }
    }

    /// Its number, also where that comes as text.
    pub fn number(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Text(bytes) => std::str::from_utf8(bytes).ok()?.trim().parse().ok(),
            _ => None,
        }
    }

    /// The answers in it.
    pub fn items(&self) -> &[Self] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }

    /// Why the command was refused, if it was.
    pub fn refusal(&self) -> Option<&str> {
        match self {
            Self::Refused(why) => Some(why),
            _ => None,
        }
    }
}

/// A key as a server has it: nothing of it that is not the same in every server that holds the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySeen {
    /// Its type, as TYPE answers.
    pub kind: String,
    /// When it expires, Unix milliseconds.
    pub expires_ms: Option<i64>,
    /// By how much that may be wrong: servers before 7.0 tell only what is left.
    pub slack_ms: i64,
    /// A hash over its value, whose order counts only where it does for the type; `None` where it was not asked for, or the
    /// name is too long to ask for it.
    pub value: Option<u128>,
}

impl KeySeen {
    /// Whether both are known to be the same: type, value and expiry.
    pub fn equals(&self, other: &Self) -> bool {
        let slack = self.slack_ms.max(other.slack_ms).unsigned_abs();
        let same_expiry = match (self.expires_ms, other.expires_ms) {
            (Some(one), Some(two)) => one.abs_diff(two) <= slack,
            (one, two) => one == two,
        };
        self.kind == other.kind && same_expiry && self.value.is_some() && self.value == other.value
    }
}
