//! Bytes that a plan puts into a file, as they are shown.

use aofkit::format::resp::{Record, records};
use aofkit::redact::hidden;
use aofkit::text::{count, escape};

/// Keys of equal commands that are named.
const KEYS: usize = 3;

/// Different commands that are shown.
const COMMANDS: usize = 4;

/// Bytes of a word, or of what is no command, that are shown.
const SHOWN: usize = 60;

/// Commands as somebody would type them, those of one name and one key each together: `DEL a:1, a:3, a:5, ... (8 keys)`.
pub fn inserted(bytes: &[u8], redact: bool) -> String {
    let mut runs: Vec<Run<'_>> = Vec::new();
    let mut more = 0;
    for record in records(bytes, 0) {
        // The end of an RDB part, or a record's header alone.
        let Ok(record) = record else { return quoted(bytes) };
        if let Some(run) = runs.last_mut().filter(|run| more == 0 && run.goes_on(&record)) {
            run.add(&record, redact);
        } else if runs.len() < COMMANDS {
            runs.push(Run::new(&record, redact));
        } else {
            more += 1;
        }
    }
    let mut shown: Vec<_> = runs.iter().map(Run::text).collect();
    if more > 0 {
        shown.push(format!("and {}", count(more, "more command")));
    }
    shown.join("; ")
}

/// Commands in a row that have the same name, and one key each.
struct Run<'a> {
    name: &'a [u8],
    /// The key of each, of the first ones; else all words of the only one.
    words: Vec<String>,
    is_of_keys: bool,
    commands: u64,
}

impl<'a> Run<'a> {
    fn new(record: &Record<'a>, redact: bool) -> Self {
        // The number of a database is nobody's secret.
        let hides = redact && !record.name.eq_ignore_ascii_case(b"SELECT");
        let words = record.args().skip(1).map(|arg| word(arg.head, hides)).collect();
        Self { name: record.name, words, is_of_keys: record.argc == 2, commands: 1 }
    }

    fn goes_on(&self, record: &Record<'_>) -> bool {
        self.is_of_keys && record.argc == 2 && self.name == record.name
    }

    fn add(&mut self, record: &Record<'_>, redact: bool) {
        self.commands += 1;
        if self.words.len() < KEYS {
            self.words.extend(record.args().skip(1).map(|arg| word(arg.head, redact)));
        }
    }

    fn text(&self) -> String {
        let name = escape(self.name);
        let words = self.words.join(if self.is_of_keys { ", " } else { " " });
        match self.commands > self.words.len() as u64 && self.is_of_keys {
            true => format!("{name} {words}, ... ({})", count(self.commands, "key")),
            false => format!("{name} {words}").trim_end().to_owned(),
        }
    }
}

fn word(bytes: &[u8], redact: bool) -> String {
    if redact {
        return hidden(bytes);
    }
    let is_plain = bytes.iter().all(|byte| byte.is_ascii_graphic() && !b"\",".contains(byte));
    match is_plain && (1..=SHOWN).contains(&bytes.len()) {
        true => escape(bytes),
        false => quoted(bytes),
    }
}

fn quoted(bytes: &[u8]) -> String {
    let cut = if bytes.len() > SHOWN { "..." } else { "" };
    format!("\"{}\"{cut}", escape(&bytes[..bytes.len().min(SHOWN)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn removals(keys: &[&str]) -> Vec<u8> {
        let one = |key: &&str| format!("*2\r\n$3\r\nDEL\r\n${}\r\n{key}\r\n", key.len());
        keys.iter().map(one).collect::<String>().into_bytes()
    }

    #[test]
    fn commands_are_shown_as_commands() {
        let shown = |bytes: &[u8]| inserted(bytes, false);
        assert_eq!(shown(&removals(&["a:1"])), "DEL a:1");
        assert_eq!(shown(&removals(&["a:1", "b c", "d"])), "DEL a:1, \"b c\", d");
        let many = removals(&["a", "b", "c", "d", "e"]);
        assert_eq!(shown(&many), "DEL a, b, c, ... (5 keys)");
        let select = b"*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n".to_vec();
        assert_eq!(shown(&[select.clone(), many].concat()), "SELECT 3; DEL a, b, c, ... (5 keys)");
        let alternating = [select, removals(&["k"])].concat().repeat(3);
        assert_eq!(shown(&alternating), "SELECT 3; DEL k; SELECT 3; DEL k; and 2 more commands");
        let set = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n";
        assert_eq!(shown(set), "SET k v");
    }

    #[test]
    fn what_is_no_command_is_quoted() {
        assert_eq!(inserted(b"*1\r\n", false), "\"*1\\r\\n\"");
        assert_eq!(inserted(b"*2\r\n$3\r\nDEL", false), "\"*2\\r\\n$3\\r\\nDEL\"");
    }

    #[test]
    fn keys_are_hidden_where_that_is_asked_for() {
        let shown = inserted(&removals(&["secret", "secret"]), true);
        assert!(shown.starts_with("DEL ") && !shown.contains("secret"), "{shown}");
        let select = inserted(b"*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n", true);
        assert_eq!(select, "SELECT 3");
    }
}
