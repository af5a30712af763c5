//! Why bytes are not a canonical record.

use std::fmt;

/// Why bytes are not a canonical record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The bytes end inside a record.
    Torn,
    /// Another byte was expected.
    Expected {
        /// The byte the format asks for here.
        wanted: u8,
        /// The byte that is there.
        found: u8,
    },
    /// A digit was expected in a number.
    BadNumber {
        /// The byte that is there.
        found: u8,
    },
    /// A number larger than any loader takes, or (argument count) smaller than 1.
    OutOfRange,
    /// The two bytes after an argument are not `\r\n`, and what follows them is not sound either.
    BadTerminator {
        /// The bytes that are there.
        found: [u8; 2],
    },
    /// A header line longer than the loaders' buffer.
    LongLine,
    /// A negative argument length: loaders crash on it.
    NegativeLength,
    /// An argument length that no loader can allocate.
    HugeLength,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Torn => f.write_str("the data ends inside a record"),
            Self::Expected { wanted, found } => {
                write!(f, "expected '{}', found {}", wanted.escape_ascii(), Shown(found))
            }
            Self::BadNumber { found } => write!(f, "expected a number, found {}", Shown(found)),
            Self::OutOfRange => f.write_str("number out of range"),
            Self::BadTerminator { found } => write!(
                f,
                "expected \"\\r\\n\" after the argument, found \"{}\"",
                found.as_slice().escape_ascii()
            ),
            Self::LongLine => f.write_str("header line too long"),
            Self::NegativeLength => f.write_str("negative argument length"),
            Self::HugeLength => f.write_str("argument length beyond any memory"),
        }
    }
}

struct Shown(u8);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("a NUL byte"),
            byte => write!(f, "'{}'", byte.escape_ascii()),
        }
    }
}
