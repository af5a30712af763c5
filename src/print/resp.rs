//! RESP that another server can be fed with by a client: records byte for byte, but for those that no client may send
//! ([`super::clients`]), and what it takes to keep their sense.
//!
//! | put in | where |
//! |---|---|
//! | `SELECT` | before a record or key of another database than the one before: each file begins in 0 |
//! | `MULTI` | before the first selected record of a transaction whose own MULTI is not selected |
//! | `EXEC` | at the end of a transaction of which a part was written |
//! | `DISCARD` | where a transaction breaks off: no server runs it |
//! | `RESTORE`, `FUNCTION LOAD` | for the keys and libraries of a base; commands that stand among them go with them |
//!
//! What is put in goes by the names that the configuration of the set's server gives to these commands, as the records do.
//!
//! Records that are not canonical are written canonically, for what a loader takes a connection may not.

use super::base::{Key, Library};
use super::clients::{Rewritten, rewritten};
use super::out::Out;
use super::printer::Form;
use crate::aof::{Arguments, Damage, Event, Part};
use crate::command::{CommandId, Kind, Renames};
use crate::error::Result;
use crate::format::resp::Record;
use crate::scan::Context;

/// What the receiver of what was written so far would be in.
#[derive(Clone, Debug, Default)]
pub struct Resp {
    /// By which names the receiver has its commands.
    names: Renames,
    db: u64,
    in_transaction: bool,
    /// A transaction was broken off, and its EXEC may still come.
    broken_off: bool,
    /// Records are written as they stand, for a loader.
    as_logged: bool,
    /// Entries whose hash no client can have remembered.
    forgotten: u64,
}

impl Resp {
    /// For a server that has its commands by these names, as the one has that wrote the records.
    pub fn of(names: &Renames) -> Self {
        Self { names: names.clone(), ..Self::default() }
    }

    /// Writes records as they stand, for a loader, where `as_logged`: a client may not send all of them.
    #[must_use]
    pub fn logged(self, as_logged: bool) -> Self {
        Self { as_logged, ..self }
    }

    /// Writes a record as a client may send it.
    #[cold]
    fn for_client(
        &mut self,
        rewritten: &Rewritten<'_>,
        argc: u32,
        mut arguments: Arguments<'_>,
        out: &mut Out<'_>,
    ) -> Result<()> {
        self.forgotten += u64::from(rewritten.forgets);
        if rewritten.is_nothing {
            return Ok(());
        }
        put_head(b'*', (argc - rewritten.fewer()).into(), out);
        let mut is_dropped = false;
        arguments.show(&mut |part| match part {
            Part::Begin { place, len } => {
                is_dropped = rewritten.drops(place);
                if !is_dropped {
                    put_head(b'$', len, out);
                }
            }
            _ if is_dropped => {}
            Part::Bytes(bytes) => out.put(bytes),
            Part::End => out.put(b"\r\n"),
        })?;
        if let Some([key, producer, iid, id]) = rewritten.remembers {
            put_words(&[b"XIDMPRECORD", key, producer, iid, id], out);
        }
        Ok(())
    }

    #[inline]
    fn enter(&mut self, at: &Context, out: &mut Out<'_>) {
        if at.transaction.is_some() && !self.in_transaction {
            put_words(&[self.names.called(b"MULTI")], out);
            self.in_transaction = true;
        }
    }

    #[inline]
    fn select(&mut self, db: u64, out: &mut Out<'_>) {
        if self.db != db {
            put_words(&[self.names.called(b"SELECT"), db.to_string().as_bytes()], out);
            self.db = db;
        }
    }

    fn leave(&mut self, word: &[u8], out: &mut Out<'_>) -> bool {
        let was_in = std::mem::take(&mut self.in_transaction);
        if was_in {
            put_words(&[self.names.called(word)], out);
        }
        was_in
    }
}

impl Form for Resp {
    const FEEDS: bool = true;

    #[inline]
    fn record(
        &mut self,
        at: &Context,
        record: &Record<'_>,
        id: Option<CommandId>,
        arguments: Arguments<'_>,
        out: &mut Out<'_>,
    ) -> Result<()> {
        match id.map_or(Kind::Plain, CommandId::kind) {
            Kind::Plain | Kind::Discard => {
                self.enter(at, out);
                self.select(at.db, out);
            }
            Kind::Multi => (self.in_transaction, self.broken_off) = (true, false),
            Kind::Exec => {
                let was_in = std::mem::take(&mut self.in_transaction);
                let broken_off = std::mem::take(&mut self.broken_off);
                if !was_in && (broken_off || at.transaction.is_some()) {
                    return Ok(());
                }
            }
            Kind::Select => {
                self.enter(at, out);
                let mut after = *at;
                after.follow(&Event::Record(*record, id));
                self.db = after.db;
            }
        }
        if let Some(rewritten) = rewritten(record, id).filter(|_| !self.as_logged) {
            return self.for_client(&rewritten, record.argc, arguments, out);
        }
        match record.bytes() {
            Some(bytes) => out.put(bytes),
            None => return put_arguments(record.argc, arguments, out),
        }
        Ok(())
    }

    fn key(&mut self, _: &Context, key: Key<'_>, out: &mut Out<'_>) -> Result<bool> {
        let Key { entry, mut value } = key;
        let Some(dump_len) = value.dump_len() else { return Ok(false) };
        self.select(entry.db, out);
        let usage = match (entry.idle_s, entry.frequency) {
            (Some(idle), _) => Some(("IDLETIME", idle.min(i64::MAX as u64))),
            (None, Some(frequency)) => Some(("FREQ", frequency.into())),
            (None, None) => None,
        };
        put_head(b'*', if usage.is_some() { 8 } else { 6 }, out);
        put_word(self.names.called(b"RESTORE"), out);
        put_word(entry.key, out);
        // 0 would be no expiry at all, and less is refused: both are long past.
        let expiry = entry.expire_ms.map_or(0, |at| at.max(1));
        put_word(expiry.to_string().as_bytes(), out);
        put_head(b'$', dump_len, out);
        value.dump(out)?;
        out.put(b"\r\n");
        put_word(b"ABSTTL", out);
        put_word(b"REPLACE", out);
        if let Some((word, number)) = usage {
            put_word(word.as_bytes(), out);
            put_word(number.to_string().as_bytes(), out);
        }
        Ok(true)
    }

    fn library(&mut self, _: &Context, library: &Library<'_>, out: &mut Out<'_>) {
        let function = self.names.called(b"FUNCTION");
        put_words(&[function, b"LOAD", b"REPLACE", library.code], out);
    }

    #[inline]
    fn left(&mut self, id: Option<CommandId>, out: &mut Out<'_>) {
        if self.in_transaction && id.is_some_and(|id| id.kind() == Kind::Exec) {
            self.leave(b"EXEC", out);
        }
    }

    fn gap(&mut self, _: &Context, _: &Damage, out: &mut Out<'_>) {
        self.broken_off |= self.leave(b"DISCARD", out);
    }

    fn end(&mut self, out: &mut Out<'_>) {
        self.leave(b"DISCARD", out);
        self.broken_off = false;
    }

    fn cut(&mut self, out: &mut Out<'_>) {
        self.leave(b"EXEC", out);
    }

    fn forgotten(&self) -> u64 {
        self.forgotten
    }
}

fn put_words(words: &[&[u8]], out: &mut Out<'_>) {
    put_head(b'*', words.len() as u64, out);
    for word in words {
        put_word(word, out);
    }
}

fn put_head(marker: u8, number: u64, out: &mut Out<'_>) {
    out.put(&[marker]);
    out.put_number(number);
    out.put(b"\r\n");
}

fn put_word(word: &[u8], out: &mut Out<'_>) {
    put_head(b'$', word.len() as u64, out);
    out.put(word);
    out.put(b"\r\n");
}

/// A record, canonically.
#[cold]
fn put_arguments(argc: u32, mut arguments: Arguments<'_>, out: &mut Out<'_>) -> Result<()> {
    put_head(b'*', argc.into(), out);
    arguments.show(&mut |part| match part {
        Part::Begin { len, .. } => put_head(b'$', len, out),
        Part::Bytes(bytes) => out.put(bytes),
        Part::End => out.put(b"\r\n"),
    })
}
