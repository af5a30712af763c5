//! The keys of a base that is no RDB: a rewrite writes all records of a key one after the other.

use crate::aof::Event;
use crate::command::{self, CommandId};
use crate::format::resp::Record;
use crate::limits;
use crate::scan::Context;

/// What a base that is no RDB says about one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BaseRun {
    pub(super) db: u64,
    /// The key, or its beginning.
    pub(super) key: Vec<u8>,
    /// The length of the whole key.
    pub(super) key_len: u64,
    /// Its type, as TYPE names it, as far as the commands tell.
    pub(super) type_name: &'static str,
    /// Bytes of its records.
    pub(super) bytes: u64,
    /// Members, fields, entries that its records add.
    pub(super) elements: u64,
    /// When it expires, Unix milliseconds.
    pub(super) expire_ms: Option<i64>,
    /// Position of its segment in the set.
    pub(super) segment: usize,
    /// Offset of its first record.
    pub(super) at: u64,
}

/// Finds them. The first and the last one seen may go on beyond what was seen, so they are told only when
/// all was: work that was split anywhere then tells the same.
#[derive(Clone, Debug, Default)]
pub(super) struct BaseRuns {
    first: Option<BaseRun>,
    last: Option<BaseRun>,
}

impl BaseRuns {
    /// Sees an event; answers a key of which all was seen.
    #[inline]
    pub(super) fn observe(&mut self, at: &Context, event: &Event<'_>) -> Option<BaseRun> {
        match event {
            Event::Record(record, Some(id)) if at.in_base => self.record(at, record, *id),
            _ => None,
        }
    }

    fn record(&mut self, at: &Context, record: &Record<'_>, id: CommandId) -> Option<BaseRun> {
        let key = command::first_key(id, record)?;
        let head = &key.head[..key.head.len().min(limits::OUTLINE_HEAD)];
        let (type_name, elements) = added(&id.command().name, record.argc);
        let expire_ms = expiry(&id.command().name, record);
        let current = if self.last.is_some() { &mut self.last } else { &mut self.first };
        match current {
            Some(run)
                if (run.db, run.segment, run.key_len) == (at.db, at.segment, key.len)
                    && run.key == head =>
            {
                run.bytes += record.len;
                run.elements += elements;
                run.expire_ms = expire_ms.or(run.expire_ms);
                None
            }
            _ => self.begin(BaseRun {
                db: at.db,
                key: head.to_vec(),
                key_len: key.len,
                type_name: type_name.unwrap_or("other"),
                bytes: record.len,
                elements,
                expire_ms,
                segment: at.segment,
                at: record.start,
            }),
        }
    }

    fn begin(&mut self, run: BaseRun) -> Option<BaseRun> {
        if self.first.is_none() {
            self.first = Some(run);
            return None;
        }
        self.last.replace(run)
    }

    /// Takes over what `later` saw; answers keys of which all was seen.
    pub(super) fn merge(&mut self, later: Self) -> impl Iterator<Item = BaseRun> + use<> {
        let mut whole = [None, None];
        if let Some(next) = later.first {
            let current = if self.last.is_some() { &mut self.last } else { &mut self.first };
            match current {
                Some(run) if run.is_same_key(&next) => {
                    run.bytes += next.bytes;
                    run.elements += next.elements;
                    run.expire_ms = next.expire_ms.or(run.expire_ms);
                }
                _ => whole[0] = self.begin(next),
            }
        }
        if let Some(last) = later.last {
            whole[1] = self.begin(last);
        }
        whole.into_iter().flatten()
    }

    /// What was held back.
    pub(super) fn take(&mut self) -> impl Iterator<Item = BaseRun> + use<> {
        [self.first.take(), self.last.take()].into_iter().flatten()
    }
}

impl BaseRun {
    fn is_same_key(&self, other: &Self) -> bool {
        (self.db, self.segment, self.key_len, &self.key)
            == (other.db, other.segment, other.key_len, &other.key)
    }
}

/// The type of value that a command of a rewrite makes, and how many elements it adds with `argc` arguments.
fn added(name: &str, argc: u32) -> (Option<&'static str>, u64) {
    let values = u64::from(argc.saturating_sub(2));
    match name {
        "SET" => (Some("string"), 1),
        "RPUSH" | "LPUSH" => (Some("list"), values),
        "SADD" => (Some("set"), values),
        "ZADD" => (Some("zset"), values / 2),
        "HMSET" | "HSET" => (Some("hash"), values / 2),
        "XADD" => (Some("stream"), 1),
        "XSETID" | "XGROUP" | "XCLAIM" => (Some("stream"), 0),
        _ => (None, 0),
    }
}

fn expiry(name: &str, record: &Record<'_>) -> Option<i64> {
    if name != "PEXPIREAT" {
        return None;
    }
    std::str::from_utf8(record.args().nth(2)?.head).ok()?.parse().ok()
}

/// The encoding of values that commands make.
pub(super) const COMMANDS: &str = "commands";

/// Types that commands make.
pub(super) const TYPES: [&str; 7] = ["string", "list", "set", "zset", "hash", "stream", "other"];
