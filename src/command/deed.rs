//! What a record does to the keys that it names: whether they are there after it, and until when.

use super::table::{Command, CommandId, Effect};
use crate::format::resp::Record;

/// What a record does, as far as it matters for which keys are there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Deed {
    /// It changes no key.
    #[default]
    Reads,
    Writes,
    Removes,
    Renames,
    Expires,
    Flushes,
    /// One database alone.
    FlushesOne,
}

/// What records of a command do.
pub(crate) fn deed(command: &Command) -> Deed {
    match (command.name.as_str(), command.effect) {
        ("DEL" | "UNLINK", _) => Deed::Removes,
        ("RENAME" | "RENAMENX", _) => Deed::Renames,
        ("EXPIREAT" | "PEXPIREAT", _) => Deed::Expires,
        ("FLUSHDB", _) => Deed::FlushesOne,
        (_, Effect::Flushes) => Deed::Flushes,
        _ if command.writes => Deed::Writes,
        _ => Deed::Reads,
    }
}

/// When the key of this record expires, Unix milliseconds, where the record says it by itself.
pub(crate) fn deadline(record: &Record<'_>, id: CommandId, deed: Deed) -> Option<i64> {
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
