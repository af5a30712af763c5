//! `cat` for people: one line per record or key, with its place, its time and its database.

use aofkit::aof::Damage;
use aofkit::command::{self, CommandId};
use aofkit::error::Result;
use aofkit::format::resp::Record;
use aofkit::print::{Arguments, Form, Key, Library, Out, Part};
use aofkit::redact::hidden;
use aofkit::scan::Context;
use aofkit::text::{count, escape_to, name};

use crate::cli::common::units::{Style, time, time_ms};

/// Writes lines such as `appendonly.aof.1.incr.aof:27 2026-11-24T03:00:00Z db0 SET "user:42" "value"`.
pub struct Lines {
    names: Vec<String>,
    redact: bool,
    style: Style,
    /// The last time there was, and how it looks.
    time: (Option<i64>, String),
    /// Places of keys among the arguments of the record at hand.
    keys: Vec<u32>,
}

impl Lines {
    /// Lines about segments of these names.
    pub fn new(names: &[Vec<u8>], redact: bool, style: Style) -> Self {
        let names = names.iter().map(|bytes| name(bytes)).collect();
        Self { names, redact, style, time: (None, "-".to_owned()), keys: Vec::new() }
    }

    /// Where it is, and when it was.
    fn place(&mut self, at: &Context, offset: u64, when: Option<&str>, db: u64, out: &mut Out<'_>) {
        if when.is_none() && self.time.0 != at.time {
            self.time = (at.time, at.time.map_or_else(|| "-".to_owned(), time));
        }
        let (before, after) = self.style.dim_marks();
        out.put(before.as_bytes());
        out.put(self.names.get(at.segment).map_or(&b"-"[..], |name| name.as_bytes()));
        out.put(b":");
        out.put_number(offset);
        out.put(b" ");
        out.put(when.unwrap_or(&self.time.1).as_bytes());
        out.put(b" db");
        out.put_number(db);
        out.put(after.as_bytes());
    }

    fn hidden(&self, head: &[u8], len: u64, is_key: bool) -> String {
        if is_key { hidden(head) } else { format!("({})", count(len, "byte")) }
    }

    /// A record of which nothing may be read but its name and its subcommand.
    fn put_redacted(&mut self, record: &Record<'_>, id: Option<CommandId>, out: &mut Out<'_>) {
        let keys = &mut self.keys;
        keys.clear();
        if let Some(id) = id {
            keys.extend(command::keys(id, record).map(|key| key.position as u32));
        }
        let is_container = id.is_some_and(|id| id.command().container);
        for (place, arg) in (0..).zip(record.args()) {
            if place == 0 || place == 1 && is_container {
                put_word(place, arg.head, out);
            } else {
                let hidden = self.hidden(arg.head, arg.len, self.keys.contains(&place));
                out.put(b" ");
                out.put(hidden.as_bytes());
            }
        }
        let shown = record.args().count() as u64;
        if shown < u64::from(record.argc) {
            out.put(format!(" ({} more)", u64::from(record.argc) - shown).as_bytes());
        }
    }
}

/// An argument; a name that is a plain word needs no quotes.
fn put_word(place: u32, bytes: &[u8], out: &mut Out<'_>) {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-|".contains(byte);
    out.put(b" ");
    if place == 0 && !bytes.is_empty() && bytes.iter().all(plain) {
        return out.put(bytes);
    }
    out.put(b"\"");
    escape_to(bytes, &mut |piece| out.put(piece));
    out.put(b"\"");
}

impl Form for Lines {
    fn record(
        &mut self,
        at: &Context,
        record: &Record<'_>,
        id: Option<CommandId>,
        mut arguments: Arguments<'_>,
        out: &mut Out<'_>,
    ) -> Result<()> {
        self.place(at, record.start, None, at.db, out);
        if self.redact {
            self.put_redacted(record, id, out);
            out.put(b"\n");
            return Ok(());
        }
        if record.bytes().is_some() {
            (0..).zip(record.args()).for_each(|(place, arg)| put_word(place, arg.head, out));
        } else {
            arguments.show(&mut |part| match part {
                Part::Begin { .. } => out.put(b" \""),
                Part::Bytes(bytes) => escape_to(bytes, &mut |piece| out.put(piece)),
                Part::End => out.put(b"\""),
            })?;
        }
        out.put(b"\n");
        Ok(())
    }

    fn key(&mut self, at: &Context, key: Key<'_>, out: &mut Out<'_>) -> Result<bool> {
        let entry = &key.entry;
        self.place(at, entry.start, Some("base"), entry.db, out);
        if self.redact {
            out.put(format!(" {}", hidden(entry.key)).as_bytes());
        } else {
            put_word(1, entry.key, out);
        }
        let mut about = format!(" {} ({})", entry.type_label(), entry.encoding());
        if let Some(elements) = entry.elements.filter(|_| entry.type_name() != "string") {
            about += &format!(", {}", count(elements, "element"));
        }
        about += &format!(", {}", count(entry.value_bytes, "byte"));
        if let Some(at) = entry.expire_ms {
            about += &format!(", expires {}", time_ms(at));
        }
        out.put(about.as_bytes());
        out.put(b"\n");
        Ok(true)
    }

    fn library(&mut self, at: &Context, library: &Library<'_>, out: &mut Out<'_>) {
        self.place(at, library.at, Some("base"), 0, out);
        out.put(b" FUNCTION");
        put_word(1, b"LOAD", out);
        if self.redact {
            let hidden = self.hidden(&[], library.code.len() as u64, false);
            out.put(format!(" {hidden}").as_bytes());
        } else {
            put_word(2, library.code, out);
        }
        out.put(b"\n");
    }

    fn gap(&mut self, at: &Context, damage: &Damage, out: &mut Out<'_>) {
        self.place(at, damage.start, None, at.db, out);
        let bytes = count(damage.end - damage.start, "byte");
        let what = if damage.is_not_understood() { "that are not understood" } else { "of damage" };
        let text = format!("({bytes} {what} left out: {})", damage.fault.reason);
        out.put(format!(" {}\n", self.style.bad(&text)).as_bytes());
    }
}
