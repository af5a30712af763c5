//! One record: found without touching its payloads, its arguments read only when asked for.

use super::oddities::Oddities;
use nom::Err;

use super::grammar::{self, Parsed};
use super::{Reason, lenient};
use crate::format::fault::Fault;

/// What a whole canonical record at the start of a window looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape<'a> {
    /// Bytes it takes.
    pub len: usize,
    /// How many arguments it has, its name included; at least 1.
    pub argc: u32,
    /// Its first argument: the command's name as the client wrote it.
    pub name: &'a [u8],
    /// Its second argument, empty when it has none.
    operand: &'a [u8],
    /// Bytes of all its arguments.
    payload: usize,
}

/// Why there is no whole canonical record at the start of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The window ends first; so far everything is canonical.
    Short,
    /// Not canonical; the offset counts from the start of the window.
    Wrong(Fault<Reason>),
}

/// Parses one canonical record at `input[0]`, without allocating and without reading payloads.
///
/// # Errors
/// [`Stop::Short`] when `input` ends before the record does, [`Stop::Wrong`] at the first token that is
/// not canonical.
#[inline]
pub fn record(input: &[u8]) -> Result<Shape<'_>, Stop> {
    let stop = |e| stopped(input.len(), e);
    let (rest, argc) = grammar::array_header(input).map_err(stop)?;
    let (mut rest, name) = argument(rest).map_err(stop)?;
    let (mut operand, mut payload) = (&input[..0], name.len());
    if argc > 1 {
        (rest, operand) = argument(rest).map_err(stop)?;
        // What lies in one slice cannot overflow.
        payload = payload.wrapping_add(operand.len());
        for _ in 2..argc {
            let more;
            (rest, more) = argument(rest).map_err(stop)?;
            payload = payload.wrapping_add(more.len());
        }
    }
    Ok(Shape { len: input.len() - rest.len(), argc: argc as u32, name, operand, payload })
}

#[inline(always)]
fn argument(input: &[u8]) -> Parsed<'_, &[u8]> {
    let (rest, len) = grammar::bulk_header(input)?;
    grammar::payload(len, rest)
}

#[cold]
fn stopped(total: usize, error: Err<grammar::Complaint>) -> Stop {
    match error {
        Err::Incomplete(_) => Stop::Short,
        Err::Error(c) | Err::Failure(c) => {
            Stop::Wrong(Fault::new((total - c.left) as u64, c.reason))
        }
    }
}

/// A whole record, its arguments unread.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Offset of its first byte in the file.
    pub start: u64,
    /// Bytes it takes.
    pub len: u64,
    /// How many arguments it has, its name included; at least 1.
    pub argc: u32,
    /// The command's name as it stands in the file (cut to the first
    /// [`crate::limits::OUTLINE_HEAD`] bytes when the record is larger than a window).
    pub name: &'a [u8],
    /// Bytes of all its arguments. What it takes beside them is framing: counts, lengths and line ends.
    pub payload: u64,
    /// What is not canonical about it.
    pub oddities: Oddities,
    body: Body<'a>,
    /// Its second argument in [`Body::Whole`].
    operand: &'a [u8],
}

/// A record that is not canonical or larger than a window, kept.
#[derive(Clone, Debug)]
pub struct Outline {
    start: u64,
    len: u64,
    argc: u32,
    payload: u64,
    oddities: Oddities,
    heads: Vec<lenient::Head>,
}

impl Outline {
    /// The record.
    pub fn record(&self) -> Record<'_> {
        let span = self.start..self.start + self.len;
        Record::outlined(span, (self.argc, self.payload), self.oddities, &self.heads)
    }
}

/// Where the arguments are.
#[derive(Clone, Copy, Debug)]
enum Body<'a> {
    /// The whole canonical record.
    Whole(&'a [u8]),
    /// First bytes and lengths of the first arguments.
    Outline(&'a [lenient::Head]),
}

impl<'a> Record<'a> {
    /// A canonical record found by [`record`] at `bytes[0]`, which lies at offset `start` of the file.
    #[inline]
    pub fn canonical(shape: Shape<'a>, bytes: &'a [u8], start: u64) -> Self {
        Self {
            start,
            len: shape.len as u64,
            argc: shape.argc,
            name: shape.name,
            payload: shape.payload as u64,
            oddities: Oddities::default(),
            body: Body::Whole(&bytes[..shape.len]),
            operand: shape.operand,
        }
    }

    /// A record that was read token by token; it has so many arguments, of so many bytes.
    pub(crate) fn outlined(
        span: std::ops::Range<u64>,
        (argc, payload): (u32, u64),
        oddities: Oddities,
        heads: &'a [lenient::Head],
    ) -> Self {
        let name = heads.first().map_or(&[][..], |head| &head.bytes);
        let len = span.end - span.start;
        let body = Body::Outline(heads);
        Self { start: span.start, len, argc, name, payload, oddities, body, operand: &[] }
    }

    /// All its bytes, when they lie in one window: then it is canonical.
    #[inline]
    pub fn bytes(&self) -> Option<&'a [u8]> {
        match self.body {
            Body::Whole(bytes) => Some(bytes),
            Body::Outline(_) => None,
        }
    }

    /// What is known of it, to be kept, when its bytes do not lie in one window.
    pub fn outline(&self) -> Option<Outline> {
        let Body::Outline(heads) = self.body else { return None };
        let heads = heads.to_vec();
        Some(Outline {
            start: self.start,
            len: self.len,
            argc: self.argc,
            payload: self.payload,
            oddities: self.oddities,
            heads,
        })
    }

    /// Offset of the first byte after it.
    #[inline]
    pub fn end(&self) -> u64 {
        self.start + self.len
    }

    /// Its arguments from the name on, read as they are asked for. Of a record larger than a window only
    /// the first [`crate::limits::OUTLINE_ARGUMENTS`] come, each with its first bytes.
    #[inline]
    pub fn args(&self) -> Args<'a> {
        let rest = match self.body {
            Body::Whole(bytes) => grammar::array_header(bytes)
                .map_or(Body::Outline(&[]), |(rest, _)| Body::Whole(rest)),
            outline @ Body::Outline(_) => outline,
        };
        Args(rest)
    }

    /// Its second argument, which mostly is its key; quicker than to look for it among [`Record::args`].
    #[inline]
    pub fn operand(&self) -> Option<Arg<'a>> {
        match self.body {
            Body::Whole(_) => {
                let (len, head) = (self.operand.len() as u64, self.operand);
                (self.argc > 1).then_some(Arg { len, head })
            }
            Body::Outline(heads) => {
                heads.get(1).map(|head| Arg { len: head.len, head: &head.bytes })
            }
        }
    }
}

/// One argument of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arg<'a> {
    /// Its length in bytes.
    pub len: u64,
    /// Its bytes; of a record larger than a window, only the first of them.
    pub head: &'a [u8],
}

impl Arg<'_> {
    /// Whether all its bytes are here.
    pub fn is_whole(&self) -> bool {
        self.len == self.head.len() as u64
    }
}

/// Iterator over the arguments of a [`Record`].
#[derive(Clone, Debug)]
pub struct Args<'a>(Body<'a>);

impl Args<'_> {
    /// No arguments at all.
    pub(crate) fn empty() -> Self {
        Self(Body::Outline(&[]))
    }
}

impl<'a> Iterator for Args<'a> {
    type Item = Arg<'a>;

    #[inline]
    fn next(&mut self) -> Option<Arg<'a>> {
        match &mut self.0 {
            Body::Whole(bytes) => {
                let (rest, head) = argument(bytes).ok()?;
                *bytes = rest;
                Some(Arg { len: head.len() as u64, head })
            }
            Body::Outline(heads) => {
                let (first, rest) = heads.split_first()?;
                *heads = rest;
                Some(Arg { len: first.len, head: &first.bytes })
            }
        }
    }
}
