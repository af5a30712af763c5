//! Keys of a moment whose time has passed since: a server holds them, and shows them to nobody.

use std::collections::BTreeSet;

use super::listed::{KeyNamed, List};
use super::source::Wish;
use crate::aof::{Aof, Event, RdbItem};
use crate::command::{self, CommandId};
use crate::error::Result;
use crate::format::resp::Record;
use crate::progress::Progress;
use crate::scan::{Context, Depth, Filter, Observer, Pace, Wants, scan};
use crate::trial::Held;

/// Bytes of names that are kept; of further ones nothing is told.
const NAMES: usize = 32 << 20;

/// Names asked for at a time.
const BATCH: usize = 500;

/// Commands that give a key a time to expire, or bring a key that has one.
const TIMED: [&str; 16] = [
    "COPY",
    "EXPIRE",
    "EXPIREAT",
    "GETEX",
    "HSETEX",
    "MOVE",
    "MSETEX",
    "PEXPIRE",
    "PEXPIREAT",
    "PSETEX",
    "RENAME",
    "RENAMENX",
    "RESTORE",
    "RESTORE-ASKING",
    "SET",
    "SETEX",
];

/// The wanted keys of a moment whose time has passed since. `None` where the server that holds the moment does not keep
/// such keys, or there may be more of them than are looked for.
///
/// # Errors
/// When the set cannot be read, or the server does not answer.
pub fn passed(
    aof: &Aof,
    held: &Held,
    wish: &Wish<'_>,
    progress: &dyn Progress,
) -> Result<Option<List>> {
    if !held.keeps_passed {
        return Ok(None);
    }
    let timed = Timed { filter: wish.filter.clone(), ..Timed::default() };
    let timed = scan(aof, timed, &Pace::default(), progress)?;
    if timed.has_more {
        return Ok(None);
    }
    let mut list = List::default();
    let mut server = held.connect()?;
    let asking = server.asking()?;
    for db in held.keys.keys() {
        server.select(*db)?;
        let wanted = timed.names.iter().filter(|name| wish.filter.takes_base_key(*db, name));
        let names: Vec<_> = wanted.cloned().collect();
        for names in names.chunks(BATCH) {
            let there = server.memory_of(names)?;
            let shown = server.heads(asking, names)?;
            for ((name, there), shown) in names.iter().zip(there).zip(shown) {
                if there.is_some() && shown.is_none() {
                    list.add(|| KeyNamed::new(*db, name));
                }
            }
        }
    }
    Ok(Some(list))
}

/// Names of keys that may have had a time to expire. Which of them are there, the server says.
#[derive(Default)]
struct Timed {
    filter: Filter,
    names: BTreeSet<Vec<u8>>,
    bytes: usize,
    has_more: bool,
}

impl Timed {
    fn add(&mut self, name: &[u8]) {
        if self.names.contains(name) {
            return;
        }
        self.has_more |= self.bytes + name.len() > NAMES;
        if !self.has_more {
            self.bytes += name.len() + 64;
            self.names.insert(name.to_vec());
        }
    }

    fn record(&mut self, record: &Record<'_>, id: CommandId) {
        let name = id.command().name.as_str();
        // SET without a time has three words.
        if !TIMED.contains(&name) || name == "SET" && record.args().count() == 3 {
            return;
        }
        for key in command::keys(id, record) {
            match key.arg.is_whole() {
                true => self.add(key.arg.head),
                false => self.has_more = true,
            }
        }
    }
}

impl Observer for Timed {
    type Report = Self;

    fn observe(&mut self, _: &Context, event: &Event<'_>) {
        if let Event::Record(record, Some(id)) = event {
            self.record(record, *id);
        }
    }

    fn wants(&self) -> Wants {
        Depth::Entries.into()
    }

    fn item(&mut self, _: &Context, item: &RdbItem<'_>) {
        let RdbItem::Key(entry) = item else { return };
        if entry.expire_ms.is_some() && self.filter.takes_entry(entry) {
            match entry.key.len() as u64 == entry.key_len {
                true => self.add(entry.key),
                false => self.has_more = true,
            }
        }
    }

    fn is_done(&self) -> bool {
        self.has_more
    }

    fn finish(self) -> Self {
        self
    }
}
