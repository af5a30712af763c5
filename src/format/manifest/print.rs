//! Writes a manifest as a server does, and more carefully where a server could not read its own line.
//!
//! Order: base, history, increments. No comments. A name stands in double quotes where a server
//! puts them, and also where it has an apostrophe or no byte at all: servers leave those bare and
//! then refuse to start. Source: `sdscatrepr`, `sdsneedsrepr` and `aofInfoFormat` in Redis and
//! Valkey.

use super::{Entry, LINE_MAX, Manifest, Role};

/// The lines of `manifest` in the servers' own form.
///
/// Both dialects read them back to the same meaning, as long as no name has a `/`, `\` or NUL,
/// unknown words are not keys, and a line fits in [`LINE_MAX`]. A line too long for that is written
/// with as few escapes as its words allow; one that is still too long cannot be read: parse what
/// was printed to find out.
pub fn print(manifest: &Manifest) -> Vec<u8> {
    let mut out = Vec::new();
    for role in [Role::Base, Role::History, Role::Increment] {
        for entry in manifest.entries.iter().filter(|entry| entry.role == role) {
            let as_server = line(entry, Quoting::Server);
            if as_server.len() <= LINE_MAX {
                out.extend(as_server);
            } else {
                out.extend(line(entry, Quoting::Shortest));
            }
        }
    }
    out
}

/// Bytes of the line a server would write for `entry`, unknown words dropped, its LF included.
pub(super) fn server_line_bytes(entry: &Entry) -> usize {
    if entry.extra.is_empty() {
        return line(entry, Quoting::Server).len();
    }
    let mut read = entry.clone();
    read.extra.clear();
    line(&read, Quoting::Server).len()
}

/// Whether a server puts `word` in quotes: it has a byte that is not printable, a blank, `"` or `\`.
pub(super) fn server_quotes(word: &[u8]) -> bool {
    word.iter().any(|byte| !byte.is_ascii_graphic() || matches!(byte, b'"' | b'\\'))
}

#[derive(Clone, Copy)]
enum Quoting {
    /// As servers do: every byte that is not printable is escaped.
    Server,
    /// As few bytes as can be read.
    Shortest,
}

fn line(entry: &Entry, quoting: Quoting) -> Vec<u8> {
    let mut out = b"file ".to_vec();
    put_word(&mut out, &entry.name, quoting);
    out.extend_from_slice(format!(" seq {} type ", entry.seq).as_bytes());
    out.push(entry.role.letter());
    for (key, value) in [("startoffset", entry.start_offset), ("endoffset", entry.end_offset)] {
        if let Some(value) = value {
            out.extend_from_slice(format!(" {key} {value}").as_bytes());
        }
    }
    for (key, value) in &entry.extra {
        for word in [key, value] {
            out.push(b' ');
            put_word(&mut out, word, quoting);
        }
    }
    out.push(b'\n');
    out
}

fn put_word(out: &mut Vec<u8>, word: &[u8], quoting: Quoting) {
    match quoting {
        Quoting::Server if word.is_empty() || word.contains(&b'\'') || server_quotes(word) => {
            put_quoted(out, word, |byte| !matches!(byte, b' '..=b'~'));
        }
        Quoting::Server => out.extend_from_slice(word),
        Quoting::Shortest => put_shortest(out, word),
    }
}

fn put_shortest(out: &mut Vec<u8>, word: &[u8]) {
    let special = |byte: &u8| matches!(byte, 0 | b'\t'..=b'\r' | b' ' | b'"' | b'\'' | 0xff);
    if !word.is_empty() && !word.iter().any(special) {
        out.extend_from_slice(word);
        return;
    }
    let mut quoted = Vec::new();
    put_quoted(&mut quoted, word, |byte| matches!(byte, 0 | b'\n' | 0xff));
    let plain = |byte: &u8| !matches!(byte, 0 | b'\n' | b'\'' | 0xff);
    if word.iter().all(plain) && !word.ends_with(b"\\") && word.len() + 2 < quoted.len() {
        out.push(b'\'');
        out.extend_from_slice(word);
        out.push(b'\'');
    } else {
        out.extend(quoted);
    }
}

/// Puts `word` in double quotes; bytes for which `escapes` holds are escaped, and `"` and `\` in
/// any case.
fn put_quoted(out: &mut Vec<u8>, word: &[u8], escapes: fn(u8) -> bool) {
    out.push(b'"');
    for &byte in word {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            byte if !escapes(byte) => out.push(byte),
            b'\n' => out.extend(br"\n"),
            b'\r' => out.extend(br"\r"),
            b'\t' => out.extend(br"\t"),
            0x07 => out.extend(br"\a"),
            0x08 => out.extend(br"\b"),
            other => out.extend_from_slice(format!("\\x{other:02x}").as_bytes()),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::super::{Dialect, Key, More, parse};
    use super::*;
    use proptest::prelude::*;

    fn printed(name: &[u8]) -> String {
        let entry = Entry::new(name.to_vec(), 1, Role::Base);
        String::from_utf8(print(&Manifest::new(vec![entry]))).unwrap()
    }

    #[test]
    fn names_are_quoted_as_servers_quote_them() {
        assert_eq!(printed(b"a.1.base.rdb"), "file a.1.base.rdb seq 1 type b\n");
        assert_eq!(printed(b"my file"), "file \"my file\" seq 1 type b\n");
        assert_eq!(printed("é.aof".as_bytes()), "file \"\\xc3\\xa9.aof\" seq 1 type b\n");
        assert_eq!(
            printed(b"\"\n\r\t\x07\x08\x0b\x7f"),
            "file \"\\\"\\n\\r\\t\\a\\b\\x0b\\x7f\" seq 1 type b\n"
        );
    }

    #[test]
    fn names_a_server_cannot_read_back_are_quoted_too() {
        assert_eq!(printed(b"it's.aof"), "file \"it's.aof\" seq 1 type b\n");
        assert_eq!(printed(b""), "file \"\" seq 1 type b\n");
    }

    #[test]
    fn what_a_server_wrote_is_printed_byte_for_byte() {
        for text in [
            "file appendonly.aof.7.base.rdb seq 7 type b\nfile appendonly.aof.6.base.rdb seq 6 type h\n\
             file appendonly.aof.8.incr.aof seq 8 type i\nfile appendonly.aof.9.incr.aof seq 9 type i\n",
            "file a.1.base.rdb seq 1 type b\nfile a.1.incr.aof seq 1 type i startoffset 0 endoffset 214\n",
            "file \"\\xc3\\xa9.aof.1.incr.aof\" seq 1 type i startoffset 4611686018427387904\n",
        ] {
            let manifest = parse(text.as_bytes(), Dialect::Strict).unwrap();
            assert_eq!(String::from_utf8(print(&manifest)).unwrap(), text);
        }
    }

    #[test]
    fn a_line_that_escapes_would_make_too_long_has_fewer_of_them() {
        for name in ["é".repeat(126), "é ".repeat(85), "it's é\n".repeat(30)] {
            let text = printed(name.as_bytes());
            assert!(text.len() <= LINE_MAX || name.len() > LINE_MAX);
        }
        let (key, value) = (b"k".to_vec(), "é \"\\d".repeat(160).into_bytes());
        let mut entry = Entry::new(b"a".to_vec(), 1, Role::Base);
        entry.extra.push((key, value));
        let manifest = Manifest::new(vec![entry]);
        let again = parse(&print(&manifest), Dialect::Strict).unwrap();
        assert!(again.same_meaning(&manifest));
    }

    fn entry() -> impl Strategy<Value = Entry> {
        let byte =
            prop_oneof![any::<u8>(), Just(b'\''), Just(b'"'), Just(b' '), Just(b'\\'), Just(b'x')];
        let name_byte =
            byte.clone().prop_filter("a name", |byte| !matches!(byte, 0 | b'/' | b'\\'));
        let word = proptest::collection::vec(byte, 0..12);
        let key = word.clone().prop_filter("unknown", |word| Key::of(word).is_none());
        let role = prop_oneof![Just(Role::History), Just(Role::Increment)];
        (
            proptest::collection::vec(name_byte, 0..40),
            role,
            any::<i64>().prop_filter("not 0", |&seq| seq != 0),
            any::<Option<i64>>(),
            any::<Option<i64>>(),
            proptest::collection::vec((key, word), 0..4),
        )
            .prop_map(|(name, role, seq, start_offset, end_offset, extra)| {
                let more = More { start_offset, end_offset, extra, oddities: Vec::new() };
                Entry::new(name, seq, role).with(more)
            })
    }

    proptest! {
        #[test]
        fn printing_and_parsing_keeps_the_meaning(mut entries in proptest::collection::vec(entry(), 1..6), base: bool) {
            if base {
                entries[0].role = Role::Base;
            }
            for (at, entry) in entries.iter_mut().enumerate() {
                if entry.role == Role::Increment {
                    entry.seq = at as i64 * 3 + 1;
                }
            }
            let manifest = Manifest::new(entries);
            for dialect in [Dialect::Strict, Dialect::Concatenating] {
                let text = print(&manifest);
                let again = parse(&text, dialect).unwrap();
                prop_assert!(again.same_meaning(&manifest));
                prop_assert!(again.entries.iter().all(|entry| entry.oddities.is_empty()));
                prop_assert_eq!(print(&again), text);
            }
        }

        #[test]
        fn whatever_is_read_is_printed_with_the_same_meaning(
            words in proptest::collection::vec("[ -~]{0,3}|file|seq|type|[bhi]|[0-9]{1,3}|[\"'\\\\]|\\PC{1,4}", 0..12),
            tail in "file [a-z'\"]{1,5} seq 99[0-9] type [bhi]x?( [a-z]{1,2} [^/\n]{0,9})?\n",
        ) {
            let text = format!("{}\n{tail}", words.join(" "));
            for text in [text.as_str(), tail.as_str()] {
                for dialect in [Dialect::Strict, Dialect::Concatenating] {
                    if let Ok(manifest) = parse(text.as_bytes(), dialect) {
                        let again = parse(&print(&manifest), dialect).unwrap();
                        prop_assert!(again.same_meaning(&manifest));
                    }
                }
            }
        }
    }
}
