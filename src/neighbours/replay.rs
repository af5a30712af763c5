//! What is alive after the files of a set or beside it: keys by their names, not their values.

use crate::aof::{Depth, Event};
use crate::command::{self, CommandId, Effect};
use crate::format::rdb;
use crate::format::resp::Record;
use crate::scan::{Context, Observer};

use super::sample::{Names, Sample};

/// A key that does not expire.
const FOR_EVER: i64 = i64::MAX;

/// What a record does, as far as it matters here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Deed {
    /// It changes no key.
    #[default]
    Reads,
    Writes,
    Removes,
    Renames,
    Expires,
    Flushes,
}

/// Follows which keys are alive.
#[derive(Clone, Debug)]
pub(super) struct Replay {
    names: Names,
    deeds: Vec<Deed>,
    /// When each of them expires, Unix milliseconds.
    pub(super) alive: Sample<i64>,
    /// Names that are looked for: each that is met is taken out.
    pub(super) wanted: Sample<()>,
    /// Keys of RDB parts.
    pub(super) rdb_keys: u64,
    /// Records that write.
    pub(super) writes: u64,
    /// Whether there was an RDB part, whole or not.
    pub(super) has_rdb: bool,
    /// When the first RDB part was begun, Unix seconds.
    pub(super) saved_at: Option<i64>,
    /// Bytes that belong to nothing: a file that ends in the middle of something has none of them.
    pub(super) unread_bytes: u64,
}

impl Replay {
    pub(super) fn new(names: &Names) -> Self {
        Self {
            names: names.clone(),
            deeds: command::all().iter().map(deed).collect(),
            alive: Sample::default(),
            wanted: Sample::default(),
            rdb_keys: 0,
            writes: 0,
            has_rdb: false,
            saved_at: None,
            unread_bytes: 0,
        }
    }

    /// Keys alive at `now_ms`, as a sample of their names.
    pub(super) fn alive_at(&self, now_ms: i64) -> impl Iterator<Item = u64> + '_ {
        self.alive.iter().filter(move |(_, until)| **until > now_ms).map(|(name, _)| name)
    }

    fn record(&mut self, record: &Record<'_>, id: CommandId) {
        let deed = self.deeds[id.index()];
        self.writes += u64::from(deed != Deed::Reads);
        if deed == Deed::Flushes {
            // Of one database, or of all: what is left of others is told too rarely, never too often.
            self.alive.clear();
            return;
        }
        let until = deadline(record, id, deed);
        for (place, key) in command::keys(id, record).enumerate() {
            let name = self.names.of(key.arg.head, key.arg.len);
            self.wanted.remove(name);
            match deed {
                Deed::Reads => {}
                Deed::Removes => self.alive.remove(name),
                Deed::Renames if place == 0 => self.alive.remove(name),
                Deed::Expires => {
                    if let (Some(known), Some(until)) = (self.alive.get_mut(name), until) {
                        *known = until;
                    }
                }
                Deed::Writes | Deed::Renames | Deed::Flushes => {
                    self.alive.put(name, until.unwrap_or(FOR_EVER));
                }
            }
        }
    }

    fn rdb(&mut self, fields: &rdb::Fields) {
        self.has_rdb = true;
        self.saved_at = self.saved_at.or(fields.created_s());
    }
}

fn deed(command: &command::Command) -> Deed {
    match (command.name.as_str(), command.effect) {
        ("DEL" | "UNLINK", _) => Deed::Removes,
        ("RENAME" | "RENAMENX", _) => Deed::Renames,
        ("EXPIREAT" | "PEXPIREAT", _) => Deed::Expires,
        (_, Effect::Flushes) => Deed::Flushes,
        _ if command.writes => Deed::Writes,
        _ => Deed::Reads,
    }
}

/// When the key of this record expires, Unix milliseconds, where the record says it by itself.
fn deadline(record: &Record<'_>, id: CommandId, deed: Deed) -> Option<i64> {
    let number = |bytes: &[u8]| std::str::from_utf8(bytes).ok()?.parse::<i64>().ok();
    let seconds = |bytes: &[u8]| number(bytes)?.checked_mul(1000);
    let name = &id.command().name;
    if deed == Deed::Expires {
        let at = record.args().nth(2)?;
        return if name == "EXPIREAT" { seconds(at.head) } else { number(at.head) };
    }
    if name != "SET" || record.argc < 5 {
        return None;
    }
    let mut options = record.args().skip(3);
    while let Some(option) = options.next() {
        match option.head {
            head if head.eq_ignore_ascii_case(b"PXAT") => return number(options.next()?.head),
            head if head.eq_ignore_ascii_case(b"EXAT") => return seconds(options.next()?.head),
            _ => {}
        }
    }
    None
}

impl Observer for Replay {
    type Report = Self;

    fn observe(&mut self, _: &Context, event: &Event<'_>) {
        match event {
            Event::Record(record, Some(id)) => self.record(record, *id),
            // Nobody knows what it does: it is taken for a write.
            Event::Record(_, None) => self.writes += 1,
            Event::Rdb(part) => self.rdb(&part.walked.outcome.fields),
            Event::Damage(damage) => {
                if let Some(stop) = &damage.rdb {
                    self.rdb(&stop.fields);
                }
                self.unread_bytes += damage.end - damage.start;
            }
            Event::Hollow { .. } | Event::Annotation { .. } => {}
        }
    }

    fn depth(&self) -> Depth {
        Depth::Entries
    }

    fn entry(&mut self, _: &Context, entry: &rdb::Entry<'_>) {
        self.rdb_keys += 1;
        let name = self.names.of(entry.key, entry.key_len);
        self.wanted.remove(name);
        self.alive.put(name, entry.expire_ms.unwrap_or(FOR_EVER));
    }

    fn finish(self) -> Self {
        self
    }
}
