//! The canonical grammar as nom parsers that never allocate. Only this file knows nom.

use nom::error::{ErrorKind, ParseError};
use nom::sequence::{delimited, terminated};
use nom::{Err, IResult, Needed, Parser};

use super::Reason;

/// Digits of the largest number a header may have: 19 decimal digits hold 2^63 - 1.
const MAX_DIGITS: usize = 19;

/// A parser's complaint: bytes left where it arose (from which the offset follows), and why.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Complaint {
    pub(super) left: usize,
    pub(super) reason: Reason,
}

impl ParseError<&[u8]> for Complaint {
    fn from_error_kind(input: &[u8], _: ErrorKind) -> Self {
        Self { left: input.len(), reason: Reason::Torn }
    }

    fn append(_: &[u8], _: ErrorKind, other: Self) -> Self {
        other
    }
}

pub(super) type Parsed<'a, T> = IResult<&'a [u8], T, Complaint>;

const SHORT: Err<Complaint> = Err::Incomplete(Needed::Unknown);

#[cold]
fn complain(input: &[u8], reason: Reason) -> Err<Complaint> {
    Err::Error(Complaint { left: input.len(), reason })
}

/// Exactly this byte.
#[inline(always)]
fn byte<'a>(wanted: u8) -> impl Parser<&'a [u8], Output = (), Error = Complaint> {
    move |input: &'a [u8]| match input.split_first() {
        Some((&found, rest)) if found == wanted => Ok((rest, ())),
        Some((&found, _)) => Err(complain(input, Reason::Expected { wanted, found })),
        None => Err(SHORT),
    }
}

/// A canonical decimal number: no sign, no leading zero.
#[inline(always)]
fn number(input: &[u8]) -> Parsed<'_, u64> {
    let mut value = 0_u64;
    let mut digits = 0;
    for &b in input {
        let digit = b.wrapping_sub(b'0');
        if digit > 9 {
            return match digits {
                0 => Err(complain(input, Reason::BadNumber { found: b })),
                _ if digits > 1 && input[0] == b'0' => {
                    Err(complain(input, Reason::BadNumber { found: b'0' }))
                }
                _ => Ok((&input[digits..], value)),
            };
        }
        digits += 1;
        if digits > MAX_DIGITS {
            return Err(complain(input, Reason::OutOfRange));
        }
        value = value * 10 + u64::from(digit);
    }
    Err(SHORT)
}

#[inline(always)]
fn crlf(input: &[u8]) -> Parsed<'_, ()> {
    terminated(byte(b'\r'), byte(b'\n')).parse(input)
}

/// A header of up to four digits, which nearly all are: its number and its length in bytes. Whatever is
/// not plainly one is left to the grammar, which knows what to say about it.
#[inline(always)]
fn plain_header(marker: u8, input: &[u8]) -> Option<(u64, usize)> {
    let word = input.first_chunk::<8>()?;
    let digit = |at: usize| u64::from(word[at].wrapping_sub(b'0'));
    let ends = |at: usize| word[at] == b'\r' && word[at + 1] == b'\n';
    let first = digit(1);
    if word[0] != marker || first > 9 {
        return None;
    }
    if ends(2) {
        return Some((first, 4));
    }
    let second = digit(2);
    if first == 0 || second > 9 {
        return None;
    }
    let value = first * 10 + second;
    if ends(3) {
        return Some((value, 5));
    }
    let third = digit(3);
    let value = value * 10 + third;
    if third > 9 || ends(4) {
        return (third <= 9).then_some((value, 6));
    }
    let fourth = digit(4);
    (fourth <= 9 && ends(5)).then_some((value * 10 + fourth, 7))
}

/// `*<argc>\r\n`: how many arguments follow, at least 1.
#[inline(always)]
pub(super) fn array_header(input: &[u8]) -> Parsed<'_, u64> {
    match plain_header(b'*', input) {
        Some((count, len)) if count > 0 => Ok((&input[len..], count)),
        _ => any_array_header(input),
    }
}

#[inline(never)]
fn any_array_header(input: &[u8]) -> Parsed<'_, u64> {
    let (rest, count) = delimited(byte(b'*'), number, crlf).parse(input)?;
    // Loaders keep the count in 32 bits.
    if count == 0 || count > i32::MAX as u64 {
        return Err(complain(&input[1..], Reason::OutOfRange));
    }
    Ok((rest, count))
}

/// `$<len>\r\n`: how many bytes follow before the next CRLF.
#[inline(always)]
pub(super) fn bulk_header(input: &[u8]) -> Parsed<'_, u64> {
    match plain_header(b'$', input) {
        Some((len, taken)) => Ok((&input[taken..], len)),
        None => any_bulk_header(input),
    }
}

#[inline(never)]
fn any_bulk_header(input: &[u8]) -> Parsed<'_, u64> {
    delimited(byte(b'$'), number, crlf).parse(input)
}

/// `<len bytes>\r\n`, the bytes borrowed.
#[inline(always)]
pub(super) fn payload(len: u64, input: &[u8]) -> Parsed<'_, &[u8]> {
    let available = input.len() as u64;
    // Written so that no declared length can overflow.
    if available < 2 || available - 2 < len {
        return Err(SHORT);
    }
    let (bytes, rest) = input.split_at(len as usize);
    match rest.first_chunk::<2>() {
        Some(b"\r\n") => Ok((&rest[2..], bytes)),
        Some(&found) => Err(complain(rest, Reason::BadTerminator { found })),
        None => Err(SHORT),
    }
}
