//! Records that a person named to be dropped: by their command's name, or by where they stand. Only what the target
//! does not take is dropped, whatever is named; by a name only what it is known to refuse.

use std::collections::HashSet;

use super::inner::refusal::Refusal;
use crate::aof::Aof;
use crate::change::Draft;
use crate::check::{Certainty, Opinion};
use crate::command::{CommandId, Kind};
use crate::format::resp::Record;
use crate::text;

/// A record by its place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The file's name as the manifest has it.
    pub file: Vec<u8>,
    /// Offset of its first byte.
    pub offset: u64,
}

impl Place {
    /// Reads `FILE:OFFSET`, the offset in decimal or after `0x`.
    ///
    /// # Errors
    /// Why it is no place.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || "write FILE:OFFSET, such as appendonly.aof.2.incr.aof:1996".to_owned();
        let (file, offset) = text.rsplit_once(':').ok_or_else(wrong)?;
        let offset = match offset.strip_prefix("0x") {
            Some(hex) => u64::from_str_radix(hex, 16),
            None => offset.parse(),
        };
        let offset = offset.map_err(|_| wrong())?;
        if file.is_empty() { Err(wrong()) } else { Ok(Self { file: file.into(), offset }) }
    }
}

/// What was named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drops {
    /// Names of commands, in any case; with a subcommand as `XGROUP|CREATE`.
    pub commands: Vec<Vec<u8>>,
    /// Places of single records.
    pub places: Vec<Place>,
}

impl Drops {
    /// Whether nothing was named.
    pub fn is_empty(&self) -> bool {
        self.commands.is_empty() && self.places.is_empty()
    }

    /// Reads a command's name as it is typed: `\xHH` is a byte, so a backslash is `\x5C`.
    ///
    /// # Errors
    /// Why it is no name.
    pub fn name(text: &str) -> Result<Vec<u8>, String> {
        let mut name = Vec::with_capacity(text.len());
        let mut rest = text.as_bytes();
        while let [first, tail @ ..] = rest {
            rest = tail;
            if *first != b'\\' {
                name.push(*first);
                continue;
            }
            let digits = tail.strip_prefix(b"x").and_then(|tail| tail.get(..2));
            let digits = digits.filter(|d| d.iter().all(u8::is_ascii_hexdigit));
            let byte =
                digits.and_then(|d| u8::from_str_radix(std::str::from_utf8(d).ok()?, 16).ok());
            name.push(byte.ok_or("a backslash begins \\xHH; one of its own is \\x5C")?);
            rest = &tail[3..];
        }
        if name.is_empty() { Err("a command has a name".to_owned()) } else { Ok(name) }
    }

    pub(super) fn count(&self) -> Count<'_> {
        let doubtful = vec![0; self.commands.len()];
        let (found, named) = (HashSet::new(), HashSet::new());
        Count { drops: self, found, named, doubtful, dropped: 0, inside: 0 }
    }
}

/// A name as it has to be typed.
pub(super) fn spelled(name: &[u8]) -> String {
    let mut text = String::with_capacity(name.len());
    for (at, &byte) in name.iter().enumerate() {
        match byte {
            b'\\' => text += "\\x5C",
            // It would be taken for an option.
            b'-' if at == 0 => text += "\\x2D",
            b'!'..=b'~' => text.push(char::from(byte)),
            _ => text += &format!("\\x{byte:02X}"),
        }
    }
    text
}

/// Counts what was found of what was named.
#[derive(Debug)]
pub(super) struct Count<'a> {
    drops: &'a Drops,
    /// Places at which a record stands that goes, by their position in the list.
    found: HashSet<usize>,
    /// The same of names.
    named: HashSet<usize>,
    /// By name: records that stay, since the target may take them.
    doubtful: Vec<u64>,
    dropped: u64,
    /// Those of them that stood in a transaction, whose rest stays.
    inside: u64,
}

/// What was named, for one file.
pub(super) struct InFile<'a, 'd> {
    pub(super) file: &'a [u8],
    pub(super) count: &'a mut Count<'d>,
    pub(super) certainty: Certainty,
}

impl InFile<'_, '_> {
    /// Whether this record, which the target thinks so of, is to go.
    pub(super) fn takes(
        &mut self,
        record: &Record<'_>,
        id: Option<CommandId>,
        opinion: Opinion,
        in_transaction: bool,
    ) -> bool {
        let drops = self.count.drops;
        if drops.is_empty() || opinion.goes_on() {
            return false;
        }
        // What holds a transaction together is no single record.
        if id.is_some_and(|id| matches!(id.kind(), Kind::Multi | Kind::Exec)) {
            return false;
        }
        let place = drops
            .places
            .iter()
            .position(|place| place.offset == record.start && place.file == self.file);
        let mut name = drops.commands.iter().position(|name| is_name(name, record, id));
        if let Some(named) = name.filter(|_| !self.certainty.refuses(opinion)) {
            self.count.doubtful[named] += u64::from(place.is_none());
            name = None;
        }
        self.count.found.extend(place);
        self.count.named.extend(name);
        let takes = place.is_some() || name.is_some();
        self.count.dropped += u64::from(takes);
        self.count.inside += u64::from(takes && in_transaction);
        takes
    }
}

/// Whether a record is of that name: its own, or with the subcommand.
fn is_name(name: &[u8], record: &Record<'_>, id: Option<CommandId>) -> bool {
    if name.eq_ignore_ascii_case(record.name) {
        return true;
    }
    let Some(sub) = name
        .get(..record.name.len())
        .filter(|first| first.eq_ignore_ascii_case(record.name))
        .and_then(|_| name[record.name.len()..].strip_prefix(b"|"))
    else {
        return false;
    };
    let is_container = id.is_some_and(|id| id.command().container);
    is_container && record.args().nth(1).is_some_and(|arg| arg.head.eq_ignore_ascii_case(sub))
}

impl Count<'_> {
    /// Tells what was dropped; or why nothing should be, for something was named wrongly.
    pub(super) fn tell(&self, aof: &Aof, draft: &mut Draft<'_>) -> Option<Refusal> {
        let missed = (0..self.drops.places.len()).find(|place| !self.found.contains(place));
        if let Some(place) = missed.map(|missed| &self.drops.places[missed]) {
            let (file, offset) = (place.file.clone(), place.offset);
            return Some(Refusal::NoSuchRecord { file, offset, target: aof.target() });
        }
        for (at, name) in self.drops.commands.iter().enumerate() {
            let doubtful = self.doubtful[at];
            if doubtful > 0 {
                draft.note(format!(
                    "\"{}\": {} not dropped, for aofkit does not know whether {} takes that command: --target \
                     names the server that is meant, --drop-at drops a record by its place",
                    text::escape(name),
                    match doubtful {
                        1 => "a record of that name is".to_owned(),
                        _ => format!("{} records of that name are", text::thousands(doubtful)),
                    },
                    aof.target()
                ));
            } else if !self.named.contains(&at) {
                draft.note(format!(
                    "\"{}\": {} refuses no record of that name here, so none is dropped",
                    text::escape(name),
                    aof.target()
                ));
            }
        }
        if self.dropped > 0 {
            draft.note(format!("{} dropped by name", text::count(self.dropped, "whole record")));
        }
        if self.inside > 0 {
            draft.note(format!(
                "{} of them stood inside a transaction, whose other commands stay and are run without it",
                text::thousands(self.inside)
            ));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_comes_back_as_it_is_typed() {
        for name in [&b"SET"[..], b"a\\b", b"-x", b"\xff\0 ", b"XGROUP|CREATE", b"\\x5C"] {
            assert_eq!(Drops::name(&spelled(name)).as_deref(), Ok(name));
        }
        assert_eq!(spelled(b"a\\ b"), "a\\x5C\\x20b");
        for wrong in ["", "\\", "\\n", "a\\x5", "\\xg0", "\\x+1"] {
            assert!(Drops::name(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_place_is_a_file_and_an_offset() {
        let place = |file: &[u8], offset| Ok(Place { file: file.to_vec(), offset });
        assert_eq!(Place::parse("a.aof:12"), place(b"a.aof", 12));
        assert_eq!(Place::parse("a:b:0x1f"), place(b"a:b", 31));
        for wrong in ["a.aof", ":3", "a:", "a:-1", "a:1k"] {
            assert!(Place::parse(wrong).is_err(), "{wrong}");
        }
    }
}
