//! `cat` for scripts: one JSON object per line, in the words of `docs/schemas/cat.json`.
//!
//! Written by hand, because an argument can be larger than memory and is never held as a whole.

use std::io::Write;

use aofkit::aof::Damage;
use aofkit::command::{self, CommandId};
use aofkit::error::Result;
use aofkit::format::resp::Record;
use aofkit::print::{Arguments, Form, Key, Library, Out, Part};
use aofkit::redact::hidden;
use aofkit::scan::Context;
use aofkit::text::{count, escape_json_to, is_obeyed};
use base64::prelude::BASE64_STANDARD;
use base64::write::EncoderWriter;

use crate::cli::common::json::pure;
use crate::cli::common::members::text;
use crate::cli::common::units::time_ms;

/// Writes objects of four kinds: `command`, `key`, `function`, `damage`.
pub struct Ndjson {
    /// Per segment: its name as two members of an object.
    files: Vec<String>,
    redact: bool,
}

impl Ndjson {
    /// Lines about segments of these names.
    pub fn new(names: &[Vec<u8>], redact: bool) -> Self {
        Self { files: names.iter().map(|name| twins("file", name)).collect(), redact }
    }

    fn begin(&self, kind: &str, at: &Context, offset: u64, bytes: u64, out: &mut Out<'_>) {
        out.put(b"{\"kind\":\"");
        out.put(kind.as_bytes());
        out.put(b"\",");
        out.put(self.files.get(at.segment).map_or(&b""[..], |file| file.as_bytes()));
        out.put(b",\"offset\":");
        out.put_number(offset);
        out.put(b",\"bytes\":");
        out.put_number(bytes);
    }

    fn hidden(&self, head: &[u8], len: u64, is_key: bool) -> String {
        if is_key { hidden(head) } else { format!("({})", count(len, "byte")) }
    }

    fn put_redacted(&self, record: &Record<'_>, id: Option<CommandId>, out: &mut Out<'_>) {
        let keys: Vec<usize> = match id {
            Some(id) => command::keys(id, record).map(|key| key.position).collect(),
            None => Vec::new(),
        };
        let is_container = id.is_some_and(|id| id.command().container);
        out.put(b"[");
        for (place, arg) in record.args().enumerate() {
            if place > 0 {
                out.put(b",");
            }
            let hidden = match place {
                // The name of no known command may be anything.
                0 if id.is_some() => String::from_utf8_lossy(arg.head).into_owned(),
                1 if is_container => String::from_utf8_lossy(arg.head).into_owned(),
                _ => self.hidden(arg.head, arg.len, keys.contains(&place)),
            };
            put_string(hidden.as_bytes(), out);
        }
        out.put(b"],\"args_b64\":null");
    }
}

/// `"NAME":"text","NAME_b64":null`, or the other way round when it is no text.
fn twins(member: &str, bytes: &[u8]) -> String {
    let text = text(bytes);
    // Strings and null: this cannot fail.
    let json = |value: &Option<String>| pure(serde_json::to_string(value).unwrap_or_default());
    format!("\"{member}\":{},\"{member}_b64\":{}", json(&text.plain), json(&text.b64))
}

fn number(number: Option<impl ToString>) -> String {
    number.map_or_else(|| "null".to_owned(), |number| number.to_string())
}

fn put_string(text: &[u8], out: &mut Out<'_>) {
    out.put(b"\"");
    let mut writer = Text::default();
    writer.put(text, out);
    writer.end(out);
    out.put(b"\"");
}

/// Writes a string that is valid UTF-8 as a whole, in pieces that may end inside of a character.
#[derive(Default)]
struct Text {
    /// The beginning of a character of which it hangs on the rest whether it is escaped.
    open: ([u8; 3], usize),
}

impl Text {
    fn put(&mut self, text: &[u8], out: &mut Out<'_>) {
        let is_open = self.open.1 > 0;
        if !is_open && !text.iter().any(|byte| OBEYED.contains(byte)) {
            return put_escaped(text, out);
        }
        let mut from = 0;
        for (at, &byte) in text.iter().enumerate() {
            let begins = self.open.1 == 0 && OBEYED.contains(&byte);
            if begins {
                put_escaped(&text[from..at], out);
            } else if self.open.1 == 0 {
                continue;
            }
            let (bytes, len) = &mut self.open;
            bytes[*len] = byte;
            *len += 1;
            from = at + 1;
            let whole =
                std::str::from_utf8(&bytes[..*len]).ok().and_then(|text| text.chars().next());
            if whole.is_some() || *len == bytes.len() {
                self.close(whole, out);
            }
        }
        put_escaped(&text[from..], out);
    }

    fn close(&mut self, whole: Option<char>, out: &mut Out<'_>) {
        let (bytes, len) = std::mem::take(&mut self.open);
        match whole {
            Some(c) if is_obeyed(c) => out.put(format!("\\u{:04x}", u32::from(c)).as_bytes()),
            _ => out.put(&bytes[..len]),
        }
    }

    fn end(&mut self, out: &mut Out<'_>) {
        self.close(None, out);
    }
}

/// First bytes of characters that a terminal obeys and that JSON leaves as they are: DEL, C1, and those that turn
/// the direction of writing or separate lines.
const OBEYED: [u8; 4] = [0x7f, 0xc2, 0xd8, 0xe2];

/// Part of a string that is valid UTF-8 as a whole.
fn put_escaped(text: &[u8], out: &mut Out<'_>) {
    escape_json_to(text, &mut |piece| out.put(piece));
}

/// Tells whether texts that come in pieces are UTF-8.
#[derive(Default)]
struct Utf8 {
    /// The beginning of a character whose end is still to come.
    open: Vec<u8>,
    is_broken: bool,
}

impl Utf8 {
    fn take(&mut self, piece: &[u8]) {
        if self.is_broken {
            return;
        }
        let mut rest = piece;
        while !self.open.is_empty() && !rest.is_empty() {
            self.open.push(rest[0]);
            rest = &rest[1..];
            match std::str::from_utf8(&self.open) {
                Ok(_) => self.open.clear(),
                Err(e) if e.error_len().is_some() => {
                    self.is_broken = true;
                    return;
                }
                Err(_) => {}
            }
        }
        match std::str::from_utf8(rest) {
            Ok(_) => {}
            Err(e) if e.error_len().is_some() => self.is_broken = true,
            Err(e) => self.open.extend_from_slice(&rest[e.valid_up_to()..]),
        }
    }

    /// The text ends here, and another one may begin.
    fn end(&mut self) {
        self.is_broken |= !self.open.is_empty();
        self.open.clear();
    }
}

/// All arguments as strings when all of them are text, else all of them in base64.
fn put_arguments(mut arguments: Arguments<'_>, out: &mut Out<'_>) -> Result<()> {
    let mut utf8 = Utf8::default();
    arguments.show(&mut |part| match part {
        Part::Begin { .. } => {}
        Part::Bytes(bytes) => utf8.take(bytes),
        Part::End => utf8.end(),
    })?;
    if !utf8.is_broken {
        out.put(b"[");
        let mut text = Text::default();
        arguments.show(&mut |part| match part {
            Part::Begin { place, .. } => out.put(if place > 0 { b",\"" } else { b"\"" }),
            Part::Bytes(bytes) => text.put(bytes, out),
            Part::End => {
                text.end(out);
                out.put(b"\"");
            }
        })?;
        out.put(b"],\"args_b64\":null");
        return Ok(());
    }
    out.put(b"null,\"args_b64\":[");
    // Bytes that do not fill a group of three yet.
    let mut rest: Vec<u8> = Vec::with_capacity(3);
    arguments.show(&mut |part| match part {
        Part::Begin { place, .. } => out.put(if place > 0 { b",\"" } else { b"\"" }),
        Part::Bytes(bytes) => {
            let missing = if rest.is_empty() { 0 } else { (3 - rest.len()).min(bytes.len()) };
            rest.extend_from_slice(&bytes[..missing]);
            if rest.len() == 3 {
                put_base64(&rest, out);
                rest.clear();
            }
            let bytes = &bytes[missing..];
            let whole = bytes.len() / 3 * 3;
            put_base64(&bytes[..whole], out);
            rest.extend_from_slice(&bytes[whole..]);
        }
        Part::End => {
            put_base64(&rest, out);
            rest.clear();
            out.put(b"\"");
        }
    })?;
    out.put(b"]");
    Ok(())
}

fn put_base64(bytes: &[u8], out: &mut Out<'_>) {
    // An `Out` takes everything, and keeps its error for later.
    let mut encoder = EncoderWriter::new(out, &BASE64_STANDARD);
    let _ = encoder.write_all(bytes);
    let _ = encoder.finish();
}

impl Form for Ndjson {
    fn record(
        &mut self,
        at: &Context,
        record: &Record<'_>,
        id: Option<CommandId>,
        arguments: Arguments<'_>,
        out: &mut Out<'_>,
    ) -> Result<()> {
        self.begin("command", at, record.start, record.len, out);
        out.put(b",\"db\":");
        out.put_number(at.db);
        out.put(b",\"ts\":");
        match at.time {
            Some(time) => {
                out.put(if time < 0 { b"-" } else { b"" });
                out.put_number(time.unsigned_abs());
            }
            None => out.put(b"null"),
        }
        out.put(b",\"transaction\":");
        match at.transaction {
            Some(start) => out.put_number(start),
            None => out.put(b"null"),
        }
        out.put(b",\"command\":");
        match id.map(|id| command::full(id, record)) {
            Some(id) => put_string(id.command().name.as_bytes(), out),
            None => out.put(b"null"),
        }
        out.put(b",\"args\":");
        if self.redact {
            self.put_redacted(record, id, out);
        } else {
            put_arguments(arguments, out)?;
        }
        out.put(b"}\n");
        Ok(())
    }

    fn key(&mut self, at: &Context, key: Key<'_>, out: &mut Out<'_>) -> Result<bool> {
        let entry = &key.entry;
        self.begin("key", at, entry.start, entry.bytes(), out);
        let shown = match self.redact {
            true => twins("key", hidden(entry.key).as_bytes()),
            false => twins("key", entry.key),
        };
        let expires_at = entry.expire_ms.map(|at| format!("\"{}\"", time_ms(at)));
        let members = format!(
            ",\"db\":{},{shown},\"type\":\"{}\",\"encoding\":\"{}\",\"elements\":{},\
             \"expires_at\":{},\"idle_seconds\":{},\"frequency\":{}}}\n",
            entry.db,
            entry.type_label(),
            entry.encoding(),
            number(entry.elements),
            number(expires_at),
            number(entry.idle_s),
            number(entry.frequency),
        );
        out.put(members.as_bytes());
        Ok(true)
    }

    fn library(&mut self, at: &Context, library: &Library<'_>, out: &mut Out<'_>) {
        self.begin("function", at, library.at, library.bytes, out);
        let code = match self.redact {
            true => twins("code", self.hidden(&[], library.code.len() as u64, false).as_bytes()),
            false => twins("code", library.code),
        };
        out.put(format!(",{code}}}\n").as_bytes());
    }

    fn gap(&mut self, at: &Context, damage: &Damage, out: &mut Out<'_>) {
        self.begin("damage", at, damage.start, damage.end - damage.start, out);
        out.put(b",\"why\":");
        put_string(damage.fault.reason.to_string().as_bytes(), out);
        out.put(b"}\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_escaped_however_it_is_cut() {
        let hostile = "a\u{9b}1m\u{7f}\u{202e}\u{a0}\u{e9}\u{2028}\u{61c}\u{2713}\u{1b}\"\u{c2}";
        for cut in 0..=hostile.len() {
            let mut written = Vec::new();
            let mut out = Out::new(&mut written);
            let mut text = Text::default();
            text.put(&hostile.as_bytes()[..cut], &mut out);
            text.put(&hostile.as_bytes()[cut..], &mut out);
            text.end(&mut out);
            out.finish().unwrap();
            let written = String::from_utf8(written).unwrap();
            assert!(!written.contains(is_obeyed), "{cut}: {written:?}");
            assert!(written.contains("\u{e9}") && written.contains('\u{2713}'), "{cut}");
            let read: String = serde_json::from_str(&format!("\"{written}\"")).unwrap();
            assert_eq!(read, hostile, "{cut}");
        }
    }

    #[test]
    fn text_is_text_however_it_is_cut() {
        let words = ["plain", "h\u{e9}llo \u{1f600}", "\u{7ff}\u{800}"];
        for word in words {
            for cut in 0..=word.len() {
                for again in cut..=word.len() {
                    let mut utf8 = Utf8::default();
                    let bytes = word.as_bytes();
                    [&bytes[..cut], &bytes[cut..again], &bytes[again..]]
                        .iter()
                        .for_each(|piece| utf8.take(piece));
                    utf8.end();
                    assert!(!utf8.is_broken, "{word} {cut} {again}");
                }
            }
        }
        for broken in [&b"\xff"[..], b"a\xc3", b"\xc3a", b"\xed\xa0\x80"] {
            for cut in 0..=broken.len() {
                let mut utf8 = Utf8::default();
                utf8.take(&broken[..cut]);
                utf8.take(&broken[cut..]);
                utf8.end();
                assert!(utf8.is_broken, "{broken:?} {cut}");
            }
        }
    }
}
