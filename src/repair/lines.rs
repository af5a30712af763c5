//! A manifest no server reads, line by line: what can be told of each, and what cannot.

use crate::format::manifest::{self, Dialect, Entry, Role};

/// One line of a broken manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// It says what a line must say.
    Whole(Entry),
    /// It says so with the help of the file's name; what was wrong.
    Mended(Entry, String),
    /// It names nothing; what it is.
    Void(&'static str),
    /// It cannot be understood.
    Lost(String),
}

/// Takes the lines apart. `exists` tells whether a file is there.
pub(super) fn lines(bytes: &[u8], exists: &dyn Fn(&[u8]) -> bool) -> Vec<Line> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut lines: Vec<&[u8]> = bytes.split(|&b| b == b'\n').collect();
    if lines.last().is_some_and(|last| last.is_empty()) {
        lines.pop();
    }
    lines.into_iter().map(|text| line(text, exists)).collect()
}

fn line(text: &[u8], exists: &dyn Fn(&[u8]) -> bool) -> Line {
    let text = text.trim_ascii();
    if text.is_empty() {
        return Line::Void("a blank line");
    }
    if text.starts_with(b"#") {
        return Line::Void("a comment");
    }
    let without_zeros: Vec<u8> = text.iter().copied().filter(|&b| b != 0).collect();
    if without_zeros.trim_ascii().is_empty() {
        return Line::Void("NUL bytes");
    }
    if let Some(entry) = parsed(text) {
        return Line::Whole(entry);
    }
    if without_zeros.len() < text.len()
        && let Some(entry) = parsed(without_zeros.trim_ascii()).filter(|e| exists(&e.name))
    {
        return Line::Mended(entry, "NUL bytes in it".to_owned());
    }
    match by_name(&without_zeros, exists) {
        Some((entry, what)) => Line::Mended(entry, what),
        None => Line::Lost(format!("\"{}\"", shown(text))),
    }
}

fn shown(text: &[u8]) -> String {
    let mut shown = text[..text.len().min(60)].escape_ascii().to_string();
    if text.len() > 60 {
        shown.push('…');
    }
    shown
}

/// A line that a server reads when it stands alone.
fn parsed(text: &[u8]) -> Option<Entry> {
    let alone = [text, b"\n"].concat();
    let read = manifest::parse(&alone, Dialect::Strict);
    let read = read.or_else(|_| manifest::parse(&alone, Dialect::Concatenating)).ok()?;
    let mut entries = read.entries.into_iter();
    entries.next().filter(|_| entries.len() == 0)
}

/// What the name of a file that is there tells, where the rest of the line is wrong.
fn by_name(text: &[u8], exists: &dyn Fn(&[u8]) -> bool) -> Option<(Entry, String)> {
    let start = text.windows(5).position(|w| w.eq_ignore_ascii_case(b"file ")).map(|at| at + 5);
    let rest = text[start.unwrap_or(0)..].trim_ascii_start();
    let end = rest.windows(5).position(|w| w.eq_ignore_ascii_case(b" seq ")).unwrap_or(rest.len());
    let raw = rest[..end].trim_ascii();
    let word = raw.split(|b| b.is_ascii_whitespace()).next().unwrap_or_default();
    let bare = |name: &[u8]| name.rsplit(|&b| b == b'/' || b == b'\\').next().map(<[u8]>::to_vec);
    let unquoted = |name: &[u8]| -> Vec<u8> {
        name.iter().copied().filter(|b| !matches!(b, b'"' | b'\'')).collect()
    };
    let candidates =
        [raw.to_vec(), bare(raw)?, unquoted(raw), word.to_vec(), bare(word)?, unquoted(word)];
    let is_path = |name: &[u8]| name.iter().any(|b| matches!(b, b'/' | b'\\'));
    let mut names = candidates.into_iter().filter(|name| !name.is_empty() && !is_path(name));
    let name = names.find(|name| exists(name))?;
    let (number, role) = numbered(&name)?;
    let what = format!("\"{}\" is no such line; the name tells what it is", shown(text));
    Some((Entry::new(name, number, role), what))
}

/// The number and role in a name that servers give.
pub(super) fn numbered(name: &[u8]) -> Option<(i64, Role)> {
    let named = crate::aof::segment_name(name)?;
    let role = if named.is_base { Role::Base } else { Role::Increment };
    (named.number > 0).then_some((named.number, role))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &[u8]) -> Vec<String> {
        const THERE: [&[u8]; 5] = [
            b"a.1.base.rdb",
            b"a.2.incr.aof",
            b"a.3.incr.aof",
            b"it's.3.incr.aof",
            b"a b.3.incr.aof",
        ];
        let exists = |name: &[u8]| THERE.contains(&name);
        let describe = |line| match line {
            Line::Whole(e) => format!("{} {} {}", e.name.escape_ascii(), e.seq, e.role),
            Line::Mended(e, _) => format!("mended {} {} {}", e.name.escape_ascii(), e.seq, e.role),
            Line::Void(what) => what.to_owned(),
            Line::Lost(_) => "lost".to_owned(),
        };
        lines(text, &exists).into_iter().map(describe).collect()
    }

    #[test]
    fn what_stands_in_the_way_is_told_from_what_says_something() {
        assert_eq!(
            told(b"\xef\xbb\xbffile a.1.base.rdb seq 1 type b\r\n\n # x\n\0\0\0\nfile a.2.incr.aof seq 2 type i"),
            ["a.1.base.rdb 1 base", "a blank line", "a comment", "NUL bytes", "a.2.incr.aof 2 increment"]
        );
    }

    #[test]
    fn a_name_that_is_there_tells_what_its_line_does_not() {
        for (line, wanted) in [
            ("file a.3.incr.aof seq 0 type i", "mended a.3.incr.aof 3 increment"),
            ("file a.3.incr.aof se", "mended a.3.incr.aof 3 increment"),
            ("file a.3.incr.aof seq 3 type I", "mended a.3.incr.aof 3 increment"),
            ("file it's.3.incr.aof seq 3 type i", "mended it\\'s.3.incr.aof 3 increment"),
            ("file /data/a.1.base.rdb seq 1 type b", "mended a.1.base.rdb 1 base"),
            ("file \"a b.3.incr.aof seq 3 type i", "mended a b.3.incr.aof 3 increment"),
            ("file gone seq 0 type i", "lost"),
            ("file", "lost"),
        ] {
            assert_eq!(told(line.as_bytes()), [wanted], "{line}");
        }
    }
}
