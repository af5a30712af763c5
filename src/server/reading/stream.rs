//! A stream: its entries in pieces, then what belongs to all of it, its groups with their consumers and what they owe.
//!
//! Left out are what follows from the rest (`lag`, the first entry), how it is stored (`radix-tree-…`), and when a
//! consumer was last seen or active, which a server sets to now when it runs a log. The pending entries of all groups come
//! in one answer, and with it as many entries as the group with the most of them has.

use redis::{Cmd, Value, cmd};

use super::replies::{bytes, items, pairs};
use super::seen::{Seen, add_all};
use crate::server::contents::Hash;

/// What belongs to all of a stream; servers before 7.0 tell less.
const OF_STREAM: [&[u8]; 4] =
    [b"length", b"last-generated-id", b"max-deleted-entry-id", b"entries-added"];

/// What belongs to a group. The pending entries name their consumers, how often and when they were delivered.
const OF_GROUP: [&[u8]; 5] =
    [b"name", b"last-delivered-id", b"entries-read", b"pel-count", b"pending"];

/// What belongs to a consumer.
const OF_CONSUMER: [&[u8]; 2] = [b"name", b"pel-count"];

/// A stream that is being read.
pub(super) enum Stream {
    /// Its entries, from the one behind this on.
    Entries { last: Option<Vec<u8>> },
    /// The rest, with at most so many pending entries of a group.
    Rest { pending: u64 },
}

impl Default for Stream {
    fn default() -> Self {
        Self::Entries { last: None }
    }
}

impl Stream {
    pub fn ask(&self, name: &[u8], count: u64) -> Cmd {
        match self {
            Self::Entries { last } => {
                let from = match last {
                    None => b"-".to_vec(),
                    Some(last) => [b"(", &last[..]].concat(),
                };
                cmd("XRANGE").arg(name).arg(from).arg("+").arg("COUNT").arg(count).take()
            }
            Self::Rest { pending } => {
                cmd("XINFO").arg("STREAM").arg(name).arg("FULL").arg("COUNT").arg(*pending).take()
            }
        }
    }

    /// Takes the answer. Answers whether that was all; `None` when it makes no sense.
    pub fn take(&mut self, answer: &Value, hash: &mut Hash, seen: &mut Seen) -> Option<bool> {
        match self {
            Self::Entries { last } => {
                let (entries, wanted) = (items(answer), seen.next());
                for entry in entries {
                    seen.add(entry);
                    add_all(hash, entry);
                    *last = Some(bytes(items(entry).first()?).to_vec());
                }
                if (entries.len() as u64) < wanted {
                    *self = Self::Rest { pending: 1 };
                }
                Some(false)
            }
            Self::Rest { pending } => {
                let most = most_pending(answer);
                if most > *pending {
                    *pending = most;
                    return Some(false);
                }
                add_some(hash, answer, &OF_STREAM);
                for group in groups(answer) {
                    add_some(hash, group, &OF_GROUP);
                    for consumer in named(group, b"consumers").into_iter().flat_map(items) {
                        add_some(hash, consumer, &OF_CONSUMER);
                    }
                }
                Some(true)
            }
        }
    }
}

fn named<'v>(value: &'v Value, name: &[u8]) -> Option<&'v Value> {
    pairs(value).find(|(word, _)| *word == name).map(|(_, value)| value)
}

fn groups(stream: &Value) -> &[Value] {
    named(stream, b"groups").map_or(&[], items)
}

fn most_pending(stream: &Value) -> u64 {
    let of = |group| match named(group, b"pel-count") {
        Some(Value::Int(count)) => u64::try_from(*count).unwrap_or(0),
        _ => 0,
    };
    groups(stream).iter().map(of).max().unwrap_or(0)
}

fn add_some(hash: &mut Hash, value: &Value, names: &[&[u8]]) {
    for name in names {
        match named(value, name) {
            Some(value) => add_all(hash, value),
            None => hash.add(b"not told"),
        }
    }
}
