//! Which lines of a configuration file a server takes, and how it reads their values.
//!
//! | form | values |
//! |---|---|
//! | `yes-no` | one word, yes or no in any case |
//! | `number LEAST MOST` | one whole number; no unit, no plus, no zero in front |
//! | `memory LEAST MOST` | one size, with or without a unit |
//! | `memory-or-percent` | one size, or a percentage up to 100% |
//! | `octal LEAST MOST` | one number in octal digits |
//! | `one-of A\|B`, `some-of A\|B` | one of these words in any case, or several |
//! | `letters ABC` | one word of these letters |
//! | `points`, `loose-points` | pairs of numbers, or one empty word; where it is loose, one number may be left alone |
//! | `text`, `filled-text` | one word, which may not be empty where it is filled |
//! | `name`, `filled-name` | the same, and no path |
//! | `words LEAST MOST` | so many words, `-` for no end |
//! | `address`, `numbers`, `percentages`, `buffer-limits`, `acl` ... | several words with meanings of their own: [`super::worded`] |
//! | `refused` | none: no such server takes the line |
//!
//! What a server finds out only when it acts on a value (a directory that is not there, a port in use) is not told.
//! Source: the programs' own complaints, recorded in `servers.txt`.

use crate::format::conf::parse_size;
use crate::format::words::{Dialect, split};

/// What becomes of a line with a name that a server does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownLines {
    /// It does not start.
    #[default]
    Refused,
    /// One with a dot is left for the modules it loads: it does not start when none of them wants it.
    DottedForModules,
    /// The same of every such line.
    ForModules,
}

/// Forms of several words, save those of lines that are no settings.
const SEVERAL: [&str; 7] =
    ["points", "loose-points", "percentages", "numbers", "buffer-limits", "address", "some-of"];

/// What a size is taken for whose digits are beyond 64 bits. A unit multiplies that, and what is beyond 64 bits then is
/// lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LargeSizes {
    /// The largest number.
    #[default]
    Largest,
    /// The largest signed one; a product that is negative is refused.
    Signed,
    /// It is refused.
    Refused,
}

impl LargeSizes {
    /// A size as such a server reads it.
    pub(super) fn read(self, text: &[u8]) -> Option<u64> {
        let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, unit) = text.split_at(count);
        let factor = parse_size(&[b"1", unit].concat())?;
        let digits = std::str::from_utf8(digits).ok()?;
        let number: Option<u64> = if digits.is_empty() { Some(0) } else { digits.parse().ok() };
        match self {
            Self::Largest => Some(number.unwrap_or(u64::MAX).wrapping_mul(factor)),
            Self::Refused => Some(number?.wrapping_mul(factor)),
            Self::Signed => {
                let number = number.unwrap_or(u64::MAX).min(i64::MAX as u64);
                Some(number.wrapping_mul(factor)).filter(|size| i64::try_from(*size).is_ok())
            }
        }
    }
}

/// The lines a server knows.
#[derive(Clone, Debug, Default)]
pub struct Directives {
    /// Name and form.
    known: Vec<(&'static str, &'static str)>,
    pub(super) unknown: UnknownLines,
    /// The one word of a line that takes several is cut into words again.
    pub(super) splits_one: bool,
    pub(super) large_sizes: LargeSizes,
}

impl Directives {
    /// Whether there is nothing recorded.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// The names of all lines it knows.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.known.iter().map(|(name, _)| *name)
    }

    /// Whether it knows a line of this name, in lower case.
    pub fn has(&self, name: &[u8]) -> bool {
        self.form(name).is_some()
    }

    /// The form of a line of this name; `None` where it knows none.
    pub fn form(&self, name: &[u8]) -> Option<&'static str> {
        // What was read about a later server has the last word.
        self.known.iter().rev().find(|(known, _)| known.as_bytes() == name).map(|(_, form)| *form)
    }

    /// Takes a row of a table: name and form.
    pub(super) fn take(&mut self, row: &'static str) {
        if let Some((name, form)) = row.split_once('\t') {
            self.known.push((name, form));
        }
    }

    /// The words of a line as the server takes them, where these are not those that were written.
    pub(super) fn parted(&self, form: &str, args: &[Vec<u8>]) -> Option<Vec<Vec<u8>>> {
        let takes_several = match form.split_once(' ') {
            Some(("words", counts)) => !counts.ends_with(" 1"),
            Some((kind, _)) => SEVERAL.contains(&kind),
            None => SEVERAL.contains(&form),
        };
        let [one] = args else { return None };
        if !self.splits_one || !takes_several || one.is_empty() {
            return None;
        }
        Some(split(one, Dialect::Strict)?.words)
    }

    pub(super) fn take_large_sizes(&mut self, value: &str) {
        self.large_sizes = match value {
            "signed" => LargeSizes::Signed,
            "refused" => LargeSizes::Refused,
            _ => LargeSizes::Largest,
        };
    }

    pub(super) fn take_unknown(&mut self, value: &str) {
        self.unknown = match value {
            "any" => UnknownLines::ForModules,
            "dotted" => UnknownLines::DottedForModules,
            _ => UnknownLines::Refused,
        };
    }
}
