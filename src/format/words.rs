//! The servers' way of cutting a line into words, shared by manifests and configuration files.
//!
//! | written | read as |
//! |---|---|
//! | `abc` | up to a blank, TAB, LF, CR or NUL; a backslash is an ordinary byte |
//! | `"…"` | `\xHH`, `\n` `\r` `\t` `\b` `\a`; before anything else a backslash is dropped |
//! | `'…'` | only `\'` is an escape |
//!
//! A quote may open in the middle of a word. What may follow a closing quote is one point where
//! servers differ: see [`Dialect`]; the other is the raw byte 0xff, which Valkey loses wherever it
//! stands (written as `\xff` in double quotes it stays).
//!
//! Source: `sdssplitargs` in `sds.c` of Redis and Valkey, and runs of Redis 7.0, 8.2 and Valkey
//! 8.1, 9.1. Knows nothing but bytes; never fails other than by saying that quotes do not balance.

/// How a server reads what follows a closing quote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Redis: only whitespace or the end of the line may follow. Valkey 8 is the same but for a raw
    /// 0xff, which it loses.
    #[default]
    Strict,
    /// Valkey 9.1: the word goes on, as in a shell, and a raw 0xff is lost.
    Concatenating,
}

/// The words of one line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// The words, unquoted, in the order of the line.
    pub words: Vec<Vec<u8>>,
    /// Something stood directly after a closing quote: a [`Dialect::Strict`] reader refuses the line
    /// or cuts it elsewhere.
    pub joined: bool,
    /// A raw byte 0xff stands in a word: Redis keeps it, Valkey does not.
    pub raw_ff: bool,
}

/// Cuts `line` into words; `None` when a quote is not closed or not followed by what `dialect` wants.
///
/// Bytes from the first NUL on do not exist for the servers, nor do they here.
pub fn split(line: &[u8], dialect: Dialect) -> Option<Words> {
    let end = line.iter().position(|&byte| byte == 0).unwrap_or(line.len());
    let mut rest = Rest { bytes: &line[..end], dialect, joined: false, raw_ff: false };
    let mut words = Vec::new();
    loop {
        while rest.peek(0).is_some_and(is_space) {
            rest.skip(1);
        }
        if rest.bytes.is_empty() {
            return Some(Words { words, joined: rest.joined, raw_ff: rest.raw_ff });
        }
        words.push(rest.word()?);
    }
}

/// Whether C's `isspace` holds for `byte` in the "C" locale, which the servers keep for characters.
pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// Whether `byte` ends a word outside quotes: fewer than [`is_space`].
const fn ends_word(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

/// What is left of a line.
struct Rest<'a> {
    bytes: &'a [u8],
    dialect: Dialect,
    joined: bool,
    raw_ff: bool,
}

impl Rest<'_> {
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(ahead).copied()
    }

    fn skip(&mut self, count: usize) {
        self.bytes = self.bytes.get(count..).unwrap_or_default();
    }

    /// Reads one word; `None` when its quotes are wrong.
    fn word(&mut self) -> Option<Vec<u8>> {
        let mut word = Vec::new();
        while let Some(byte) = self.peek(0).filter(|&byte| !ends_word(byte)) {
            self.skip(1);
            match byte {
                b'"' => self.double_quoted(&mut word)?,
                b'\'' => self.single_quoted(&mut word)?,
                other => {
                    self.put(&mut word, other);
                    continue;
                }
            }
            match (self.dialect, self.peek(0)) {
                (Dialect::Strict, None) => break,
                (Dialect::Strict, Some(next)) if is_space(next) => break,
                (Dialect::Strict, Some(_)) => return None,
                (Dialect::Concatenating, next) => {
                    self.joined |= next.is_some_and(|next| !ends_word(next));
                }
            }
        }
        Some(word)
    }

    /// Reads up to and with the closing `"`; `None` when there is none.
    fn double_quoted(&mut self, word: &mut Vec<u8>) -> Option<()> {
        loop {
            let byte = self.peek(0)?;
            self.skip(1);
            match (byte, self.peek(0)) {
                (b'"', _) => return Some(()),
                (b'\\', Some(b'x')) => match (self.hex(1), self.hex(2)) {
                    (Some(high), Some(low)) => {
                        word.push(high << 4 | low);
                        self.skip(3);
                    }
                    _ => {
                        word.push(b'x');
                        self.skip(1);
                    }
                },
                (b'\\', Some(escaped)) => {
                    self.put(word, unescape(escaped));
                    self.skip(1);
                }
                (other, _) => self.put(word, other),
            }
        }
    }

    /// Reads up to and with the closing `'`; `None` when there is none.
    fn single_quoted(&mut self, word: &mut Vec<u8>) -> Option<()> {
        loop {
            let byte = self.peek(0)?;
            self.skip(1);
            match (byte, self.peek(0)) {
                (b'\'', _) => return Some(()),
                (b'\\', Some(b'\'')) => {
                    word.push(b'\'');
                    self.skip(1);
                }
                (other, _) => self.put(word, other),
            }
        }
    }

    /// Adds a byte as it stands in the line. Valkey marks "no byte" with -1, which a signed 0xff is too.
    fn put(&mut self, word: &mut Vec<u8>, byte: u8) {
        self.raw_ff |= byte == 0xff;
        if byte != 0xff || self.dialect == Dialect::Strict {
            word.push(byte);
        }
    }

    fn hex(&self, ahead: usize) -> Option<u8> {
        match self.peek(ahead)? {
            digit @ b'0'..=b'9' => Some(digit - b'0'),
            digit @ b'a'..=b'f' => Some(digit - b'a' + 10),
            digit @ b'A'..=b'F' => Some(digit - b'A' + 10),
            _ => None,
        }
    }
}

/// What a backslash and `letter` stand for inside double quotes.
const fn unescape(letter: u8) -> u8 {
    match letter {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strict(line: &str) -> Option<Vec<Vec<u8>>> {
        split(line.as_bytes(), Dialect::Strict).map(|words| words.words)
    }

    fn joining(line: &str) -> Option<(Vec<Vec<u8>>, bool)> {
        split(line.as_bytes(), Dialect::Concatenating).map(|words| (words.words, words.joined))
    }

    fn words(list: &[&str]) -> Vec<Vec<u8>> {
        list.iter().map(|word| word.as_bytes().to_vec()).collect()
    }

    #[test]
    fn blanks_of_every_kind_separate_words() {
        assert_eq!(strict(" \x0ba\tb \r c\x0c "), Some(words(&["a", "b", "c\x0c"])));
        assert_eq!(strict(""), Some(vec![]));
        assert_eq!(strict(" \t\x0b"), Some(vec![]));
    }

    #[test]
    fn double_quotes_know_their_escapes() {
        let line = r#""\x41\x6a\n\r\t\b\a\\\"\q\xg1 ""#;
        assert_eq!(strict(line), Some(words(&["Aj\n\r\t\x08\x07\\\"qxg1 "])));
    }

    #[test]
    fn single_quotes_know_one_escape() {
        assert_eq!(strict(r"'it\'s \n'"), Some(words(&[r"it's \n"])));
    }

    #[test]
    fn an_unclosed_quote_is_no_line() {
        for line in ["\"a", "'a", "a\"", "\"a\\", "\"a\\\"", "'a\\'", "it's"] {
            assert_eq!(strict(line), None, "{line}");
            assert_eq!(joining(line), None, "{line}");
        }
    }

    #[test]
    fn only_one_dialect_reads_on_after_a_closing_quote() {
        assert_eq!(strict(r#"a"b"c"#), None);
        assert_eq!(joining(r#"a"b"c'd' e"#), Some((words(&["abcd", "e"]), true)));
        assert_eq!(strict(r#"a"b" c"#), Some(words(&["ab", "c"])));
        assert_eq!(joining(r#"a"b" c"#), Some((words(&["ab", "c"]), false)));
        assert_eq!(joining(r#""""#), Some((words(&[""]), false)));
    }

    #[test]
    fn a_raw_ff_is_lost_in_one_dialect_and_told_in_both() {
        let line = b"a\xffb \"\xff\\\xff\\xff\" '\xff' \xff";
        let strict = split(line, Dialect::Strict).unwrap();
        assert_eq!(strict.words, [&b"a\xffb"[..], b"\xff\xff\xff", b"\xff", b"\xff"]);
        let joining = split(line, Dialect::Concatenating).unwrap();
        assert_eq!(joining.words, [&b"ab"[..], b"\xff", b"", b""]);
        assert!(strict.raw_ff && joining.raw_ff);
        assert!(!split(br#"a "\xff""#, Dialect::Strict).unwrap().raw_ff);
    }

    #[test]
    fn a_nul_ends_the_line() {
        assert_eq!(strict("a b\0 c\""), Some(words(&["a", "b"])));
        assert_eq!(strict("\"a\0\""), None);
    }
}
