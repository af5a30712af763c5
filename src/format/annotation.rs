//! Annotation lines: what may stand between records beside records.
//!
//! | bytes | meaning |
//! |---|---|
//! | `#TS:<unix seconds>\r\n` | the records that follow were written at this second or later |
//! | `#<anything>\n` | unknown; every loader skips the line |
//!
//! A loader reads a line of at most [`crate::limits::LOADER_LINE`] bytes; the rest of a longer line is
//! read as if it were the next record. A line may end with the file instead of a newline.
//! Source: what servers 6.2 to 9.1 did with such lines, byte by byte.

use crate::limits::LOADER_LINE;

/// One annotation line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// Bytes it takes, newline included.
    pub len: usize,
    /// What it says.
    pub kind: Kind,
}

/// What an annotation says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Unix seconds of `#TS:`.
    Timestamp(i64),
    /// A `#TS:` line whose number cannot be read: loaders skip it, point-in-time tools refuse it.
    BadTimestamp,
    /// A kind aofkit does not know.
    Unknown,
}

/// The annotation that begins at `input[0]`, which is `#`. `None` when the window ends before the line
/// does and `at_end` says that the file goes on.
pub fn annotation(input: &[u8], at_end: bool) -> Option<Annotation> {
    let reach = &input[..input.len().min(LOADER_LINE)];
    let len = match memchr::memchr(b'\n', reach) {
        Some(newline) => newline + 1,
        None if reach.len() == LOADER_LINE || at_end => reach.len(),
        None => return None,
    };
    Some(Annotation { len, kind: kind(&reach[..len]) })
}

fn kind(line: &[u8]) -> Kind {
    let Some(rest) = line.strip_prefix(b"#TS:") else { return Kind::Unknown };
    // Point-in-time tools read a number that must be followed by CR.
    let number = rest.iter().position(|&b| b == b'\r').map(|end| &rest[..end]);
    match number.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok()) {
        Some(seconds) => Kind::Timestamp(seconds),
        None => Kind::BadTimestamp,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_read_and_anything_else_is_skipped() {
        let read = |line: &[u8]| annotation(line, true).unwrap();
        let stamp = Annotation { len: 9, kind: Kind::Timestamp(123) };
        assert_eq!(read(b"#TS:123\r\n*1"), stamp);
        assert_eq!(read(b"#TS:abc\r\n").kind, Kind::BadTimestamp);
        assert_eq!(read(b"#TS:12"), Annotation { len: 6, kind: Kind::BadTimestamp });
        assert_eq!(read(b"#hello\n*"), Annotation { len: 7, kind: Kind::Unknown });
    }

    #[test]
    fn a_line_longer_than_the_loaders_buffer_is_cut_where_the_loader_cuts_it() {
        let long = [b'#'; 2000];
        assert_eq!(annotation(&long, false).unwrap().len, LOADER_LINE);
        assert_eq!(annotation(&long[..1000], false), None);
    }
}
