//! A server's configuration file: `redis.conf`, `valkey.conf`.
//!
//! | line | meaning |
//! |---|---|
//! | blank, or `#` after any blanks | nothing; a `#` further on is an argument like any other |
//! | `name argument…` | a directive; its name in any case, words quoted as in a manifest |
//! | `include pattern` | the files the pattern names stand here, in order |
//!
//! Of several lines for one directive the last counts. [`lines()`] gives the lines in order,
//! includes among them; who may read files puts each included file's directives in their place and
//! feeds all to [`Settings::apply`]. A line that no server takes is a fault of its own: those around it are read all the
//! same. Source: `loadServerConfigFromString` and the tables in
//! `config.c`, `memtoull` and `string2ll` in `util.c`.
//!
//! Pure: bytes in, values out. Never follows an include, and passes over directives it has no use for.

use super::fault::Fault;
use super::words::{Dialect, split};

mod packed;
mod secrets;
mod settings;
mod spelled;
mod units;
mod values;

pub use packed::PackedLimits;
pub use secrets::is_secret;
pub use settings::Settings;
pub use spelled::quoted;
pub use units::{parse_percentage, parse_size};
pub use values::RdbVersionCheck;

/// One line that says something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// The line, counted from 1.
    pub line: u64,
    /// Byte offset in the file where the line begins.
    pub at: u64,
    /// The first word, in lower case.
    pub name: Vec<u8>,
    /// The other words, unquoted.
    pub args: Vec<Vec<u8>>,
    /// Something stands directly behind a closing quote, which only some servers read.
    pub joined: bool,
}

impl Directive {
    /// The pattern of an `include`: a path or a glob, relative to the directory the server is in at
    /// this line, which a `dir` above has changed. A glob may name no file; a path that is no glob
    /// must exist.
    pub fn include(&self) -> Option<&[u8]> {
        match self.args.as_slice() {
            [pattern] if self.name == b"include" => Some(pattern),
            _ => None,
        }
    }

    fn fault(&self, kind: Kind) -> Fault<Reason> {
        Fault::new(self.at, Reason { line: self.line, kind })
    }
}

/// Why a server would not start with a configuration file, and on which line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {kind}")]
pub struct Reason {
    /// The line, counted from 1.
    pub line: u64,
    /// What is wrong with it.
    pub kind: Kind,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Kind {
    /// A quote is not closed.
    #[error("the quotes do not balance")]
    Quotes,
    /// A NUL, from which on servers lose a part of the file, line feeds included.
    #[error("the line contains a NUL byte")]
    Nul,
    /// Not one argument.
    #[error("{name} takes one argument, not {given}; a comment cannot follow on the same line")]
    Arguments {
        /// The directive.
        name: &'static str,
        /// How many there are.
        given: usize,
    },
    /// An argument a server refuses.
    #[error("{name} must be {expected}")]
    Value {
        /// The directive.
        name: &'static str,
        /// What it may be.
        expected: &'static str,
    },
}

/// The lines of one file that say something, includes unread and in their place.
///
/// Words are cut as by Valkey 9.1, which reads all that others read: this room finds out what is
/// configured, and does not judge for which server.
pub fn lines(bytes: &[u8]) -> impl Iterator<Item = Result<Directive, Fault<Reason>>> {
    let mut at = 0;
    let numbered = (1..).zip(bytes.split(|&byte| byte == b'\n'));
    numbered.filter_map(move |(number, line)| {
        let read = directive(number, at, line).transpose();
        at += line.len() as u64 + 1;
        read
    })
}

fn directive(line: u64, at: u64, bytes: &[u8]) -> Result<Option<Directive>, Fault<Reason>> {
    let fault = |kind| Fault::new(at, Reason { line, kind });
    if bytes.contains(&0) {
        return Err(fault(Kind::Nul));
    }
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r');
    let text = &bytes[bytes.iter().take_while(|byte| blank(byte)).count()..];
    if text.starts_with(b"#") {
        return Ok(None);
    }
    let split = split(text, Dialect::Concatenating).ok_or(fault(Kind::Quotes))?;
    let (mut words, joined) = (split.words.into_iter(), split.joined);
    let Some(name) = words.next() else { return Ok(None) };
    let (name, args) = (name.to_ascii_lowercase(), words.collect());
    let directive = Directive { line, at, name, args, joined };
    if directive.name == b"include" && directive.args.len() != 1 {
        return Err(fault(Kind::Arguments { name: "include", given: directive.args.len() }));
    }
    Ok(Some(directive))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Vec<(u64, u64, String, Vec<String>)> {
        let string = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        lines(text.as_bytes())
            .map(|found| {
                let found = found.unwrap();
                let args = found.args.into_iter().map(string).collect();
                (found.line, found.at, string(found.name), args)
            })
            .collect()
    }

    #[test]
    fn comments_and_blank_lines_say_nothing() {
        assert_eq!(parsed(""), []);
        assert_eq!(parsed("# a \"\n \t# b\n\n \r\n\x0b\n"), []);
    }

    #[test]
    fn words_are_unquoted_and_names_are_lower_case() {
        let line = r#"  AppendFileName "my\x20\"log\"" 'it\'s' # x"#;
        let args = ["my \"log\"", "it's", "#", "x"].map(str::to_owned).to_vec();
        assert_eq!(parsed(&format!("#\n{line}\r\n")), [(2, 2, "appendfilename".to_owned(), args)]);
    }

    #[test]
    fn an_include_keeps_its_place() {
        let directives = lines(b"dir /a\nINCLUDE /etc/redis/*.conf\ndir /b").map(Result::unwrap);
        let includes: Vec<_> = directives.map(|one| one.include().map(<[u8]>::to_vec)).collect();
        assert_eq!(includes, [None, Some(b"/etc/redis/*.conf".to_vec()), None]);
    }

    #[test]
    fn a_malformed_line_is_named_with_its_offset() {
        let first = |text: &[u8]| lines(text).find_map(Result::err).unwrap();
        let fault = |text: &[u8]| {
            let fault = first(text);
            (fault.at, fault.reason.line, fault.reason.kind)
        };
        assert_eq!(fault(b"port 1\n\ndir \"/a"), (8, 3, Kind::Quotes));
        assert_eq!(fault(b"port 1\ndir /a\0\n"), (7, 2, Kind::Nul));
        assert_eq!(fault(b"include a b"), (0, 1, Kind::Arguments { name: "include", given: 2 }));
        assert_eq!(fault(b"include"), (0, 1, Kind::Arguments { name: "include", given: 0 }));
        let text = first(b"x\ny 'z").to_string();
        assert_eq!(text, "byte 2 (0x2): line 2: the quotes do not balance");
    }

    #[test]
    fn lines_around_a_malformed_one_are_read() {
        let all = lines(b"a 1\n\nb \"\nc 2\n");
        let found: Vec<_> = all.map(|one| one.map(|d| d.line).map_err(|f| f.at)).collect();
        assert_eq!(found, [Ok(1), Err(5), Ok(4)]);
    }
}
