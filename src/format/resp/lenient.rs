//! Header lines as the servers' C code reads them: `fgets`, then `strtol`.
//!
//! Loaders take a line of at most 1023 bytes (a longer one is read as two), skip blanks, take an
//! optional sign and digits, and ignore the rest of the line, whatever it is; LF alone ends it.
//! redis-check-aof takes 127 bytes and wants CRLF right after the digits.
//! Source: what servers 7.0 to 9.1 and their tools did, byte by byte.

use super::Oddities;
use crate::limits::{CHECKER_LINE, LOADER_LINE};

/// A header line after its marker byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Bytes it takes, marker and newline included.
    pub len: usize,
    /// The number, clamped as `strtol` clamps it; 0 when there is no digit.
    pub value: i64,
    /// Whether there was any digit.
    pub digits: bool,
    /// What is not canonical about it.
    pub oddities: Oddities,
}

/// First bytes and length of one argument of a record that is not read in one piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Length of the argument in bytes.
    pub len: u64,
    /// Its first bytes, at most [`crate::limits::OUTLINE_HEAD`].
    pub bytes: Box<[u8]>,
}

/// Reads the line at `input[0]`, whose first byte is the marker (`*` or `$`). `input` must hold
/// [`LOADER_LINE`] bytes or end with the file.
pub fn line(input: &[u8]) -> Line {
    let reach = &input[..input.len().min(LOADER_LINE)];
    let len = memchr::memchr(b'\n', reach).map_or(reach.len(), |newline| newline + 1);
    let text = &reach[1.min(len)..len];
    let number = number(text);
    let after = &text[number.end..];
    Line {
        len,
        value: number.value,
        digits: number.digits,
        oddities: Oddities {
            loose_number: number.loose,
            loose_line: after != b"\r\n",
            long_line: len > CHECKER_LINE,
            wrapped_count: false,
            bad_terminator: false,
        },
    }
}

/// What C's `strtol` makes of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    /// The number; 0 when there is none.
    pub value: i64,
    /// Whether there was any digit.
    pub digits: bool,
    /// Bytes used up, from the first one on; 0 when there is no number.
    pub end: usize,
    /// Not the canonical spelling of `value`.
    pub loose: bool,
    /// The number is beyond what `value` can hold.
    pub is_clamped: bool,
}

/// C's `strtol` in base 10.
pub fn number(text: &[u8]) -> Number {
    let blanks = text.iter().take_while(|b| matches!(b, b' ' | 9..=13)).count();
    let signed = matches!(text.get(blanks), Some(b'+' | b'-'));
    let negative = text.get(blanks) == Some(&b'-');
    let start = blanks + usize::from(signed);
    let digits = text[start..].iter().take_while(|b| b.is_ascii_digit()).count();
    if digits == 0 {
        // No conversion: nothing is used up, not even the blanks.
        return Number { value: 0, digits: false, end: 0, loose: true, is_clamped: false };
    }
    let digit = &text[start..start + digits];
    let exact = digit.iter().try_fold(0_i64, |value, b| {
        let (value, step) = (value.checked_mul(10)?, i64::from(b - b'0'));
        if negative { value.checked_sub(step) } else { value.checked_add(step) }
    });
    let value = exact.unwrap_or(if negative { i64::MIN } else { i64::MAX });
    let padded = digits > 1 && digit[0] == b'0';
    let loose = start > 0 || padded;
    Number { value, digits: true, end: start + digits, loose, is_clamped: exact.is_none() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_strtol_reads_them() {
        let value = |text: &[u8]| (line(text).value, line(text).oddities.refused_by_checker());
        assert_eq!(value(b"*3\r\n"), (3, false));
        assert_eq!(value(b"* +03\r\n"), (3, false));
        assert_eq!(value(b"*3\n"), (3, true));
        assert_eq!(value(b"*3abc\r\n"), (3, true));
        assert_eq!(value(b"*\r\n"), (0, false));
        assert_eq!(value(b"*-5\r\n"), (-5, false));
        assert_eq!(value(b"*99999999999999999999\r\n"), (i64::MAX, false));
    }

    #[test]
    fn a_line_without_newline_ends_at_the_loaders_buffer() {
        assert_eq!(line(&[b'0'; 2000]).len, LOADER_LINE);
        assert_eq!(line(b"*3").len, 2);
    }
}
