//! Keys of two sides, compared: a row of fixed size a key, in as many passes as memory asks for.

use std::cmp::Ordering::{Equal, Greater, Less};
use std::collections::HashMap;

use crate::limits;

/// What is known of a key's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A string.
    String,
    /// A list.
    List,
    /// A set.
    Set,
    /// A sorted set.
    Zset,
    /// A hash.
    Hash,
    /// A stream.
    Stream,
    /// Of a module, or a type that is not learnt.
    Other,
}

impl Kind {
    pub(super) fn of(name: &str) -> Self {
        match name {
            "string" => Self::String,
            "list" => Self::List,
            "set" => Self::Set,
            "zset" => Self::Zset,
            "hash" => Self::Hash,
            "stream" => Self::Stream,
            _ => Self::Other,
        }
    }

    /// Its name as TYPE answers it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::List => "list",
            Self::Set => "set",
            Self::Zset => "zset",
            Self::Hash => "hash",
            Self::Stream => "stream",
            Self::Other => "other",
        }
    }
}

/// A key of one side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// The hash of its database and name.
    pub key: u128,
    /// The hash of its value; 0 where it could not be read.
    pub value: u128,
    /// When it expires, Unix milliseconds; [`NEVER`].
    pub expires: i64,
    pub kind: Kind,
}

/// Without an expiry.
pub(super) const NEVER: i64 = -1;

/// A key as one side has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its type.
    pub kind: Kind,
    /// When it expires, Unix milliseconds.
    pub expires_ms: Option<i64>,
}

impl From<&Row> for Seen {
    fn from(row: &Row) -> Self {
        Self { kind: row.kind, expires_ms: Some(row.expires).filter(|at| *at != NEVER) }
    }
}

/// A key that the two sides do not have alike.
#[derive(Clone, Debug)]
pub struct Different {
    pub(super) hash: u128,
    /// Its database and name, as far as they were found again.
    pub key: Option<(u64, Vec<u8>)>,
    /// As the first has it; `None`: it has it not.
    pub a: Option<Seen>,
    /// As the second has it.
    pub b: Option<Seen>,
    /// Whether its value differs, where both have it; `None` where it could not be compared.
    pub value_differs: Option<bool>,
}

/// How the keys of two sides differ.
#[derive(Clone, Debug, Default)]
pub struct Differences {
    /// Keys that only the first has.
    pub only_a: u64,
    /// Keys that only the second has.
    pub only_b: u64,
    /// Keys of which type or value differ.
    pub different: u64,
    /// Keys of which the expiry alone differs.
    pub expiry: u64,
    /// Keys that both have alike, and whose values could not be compared.
    pub not_compared: u64,
    /// Keys that are the same.
    pub same: u64,
    /// Some of those that are not.
    pub rows: Vec<Different>,
    most: usize,
}

impl Differences {
    pub(super) fn new(most: usize) -> Self {
        Self { most, ..Self::default() }
    }

    /// How many keys are not alike.
    pub fn total(&self) -> u64 {
        self.only_a + self.only_b + self.different + self.expiry
    }

    /// Whether all keys are proven to be equal; `None` where not all could be compared.
    pub fn is_equal(&self) -> Option<bool> {
        match (self.total(), self.not_compared) {
            (0, 0) => Some(true),
            (0, _) => None,
            _ => Some(false),
        }
    }

    /// Compares one partition of both sides; expiries may be so far apart, milliseconds.
    pub(super) fn add(&mut self, mut a: Vec<Row>, mut b: Vec<Row>, slack: u64) {
        for rows in [&mut a, &mut b] {
            rows.sort_unstable_by_key(|row| row.key);
            rows.dedup_by_key(|row| row.key);
        }
        let (mut ours, mut theirs) = (a.iter().peekable(), b.iter().peekable());
        loop {
            let order = match (ours.peek(), theirs.peek()) {
                (None, None) => return,
                (Some(one), Some(two)) => one.key.cmp(&two.key),
                (Some(_), None) => Less,
                (None, Some(_)) => Greater,
            };
            match order {
                Less => self.pair(ours.next(), None, slack),
                Equal => self.pair(ours.next(), theirs.next(), slack),
                Greater => self.pair(None, theirs.next(), slack),
            }
        }
    }

    fn pair(&mut self, a: Option<&Row>, b: Option<&Row>, slack: u64) {
        let Some(one) = a.or(b) else { return };
        let (mut value_differs, mut is_alike) = (None, false);
        let count = match (a, b) {
            (Some(a), Some(b)) => {
                if a.kind != b.kind {
                    value_differs = Some(true);
                } else if a.value != 0 && b.value != 0 {
                    value_differs = Some(a.value != b.value);
                }
                is_alike = value_differs != Some(true) && expire_alike(a, b, slack);
                match value_differs {
                    Some(true) => &mut self.different,
                    _ if !is_alike => &mut self.expiry,
                    Some(false) => &mut self.same,
                    None => &mut self.not_compared,
                }
            }
            (Some(_), None) => &mut self.only_a,
            (None, _) => &mut self.only_b,
        };
        *count += 1;
        if !is_alike && self.rows.len() < self.most {
            let (a, b) = (a.map(Seen::from), b.map(Seen::from));
            self.rows.push(Different { hash: one.key, key: None, a, b, value_differs });
        }
    }

    /// Puts names to the keys that differ, and in order.
    pub(super) fn name(&mut self, names: &HashMap<u128, (u64, Vec<u8>)>) {
        for row in &mut self.rows {
            row.key = names.get(&row.hash).cloned();
        }
        self.rows.sort_by(|one, two| one.key.cmp(&two.key));
    }
}

fn expire_alike(a: &Row, b: &Row, slack: u64) -> bool {
    match (a.expires, b.expires) {
        (NEVER, NEVER) => true,
        (NEVER, _) | (_, NEVER) => false,
        (a, b) => a.abs_diff(b) <= slack,
    }
}

/// In how many passes so many keys are compared.
pub(super) fn passes(keys: u64) -> u64 {
    keys.div_ceil(limits::DIFF_ROWS).max(1)
}

/// Whether a key is compared in this pass.
pub(super) fn is_in(key: u128, pass: u64, passes: u64) -> bool {
    (key >> 64) as u64 % passes == pass
}
