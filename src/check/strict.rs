//! redis-check-aof 8.2 reading one file, token by token, up to the first thing it refuses; in its words.
//!
//! [`super::Check`] tells what that program says of a whole set; this is how it gets there, for those who
//! have to answer in its place: which token it stops at, how many lines it counted, what its buffer holds.
//! Source: what the program printed for the recorded byte sequences and for every prefix of a record.

use std::io::Write;

use crate::disk::Source;
use crate::error::Result;
use crate::format::annotation::annotation;
use crate::format::resp::{self, lenient};
use crate::limits::{CHECKER_LINE, LOADER_LINE};

/// Longest argument it tries to read: two bytes less than a `long` counts.
const LONGEST: i64 = i64::MAX - 2;

/// Reads files one after the other: lines are counted across the files of a set, and the buffer keeps what
/// the last line left in it.
#[derive(Clone, Debug)]
pub struct Strict {
    lines: u64,
    buffer: [u8; CHECKER_LINE + 2],
    until: Option<i64>,
}

/// What became of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// End of the last thing outside a transaction.
    pub ok_up_to: u64,
    /// Lines counted so far, those of earlier files included; the first has number 1.
    pub lines: u64,
    /// What it stopped at; `None` at the end of the file.
    pub refused: Option<Refused>,
}

/// Where it stops in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The file ends where a line should begin. Nothing is said.
    End,
    /// A byte that begins neither a record nor an annotation.
    Format,
    /// Something is wrong with the token at the offset.
    Token {
        /// Offset of the token.
        at: u64,
        /// What is wrong with it.
        wrong: Wrong,
    },
    /// The first annotation of a later second than was asked for, at this offset.
    Later(u64),
    /// A `#TS:` whose number it cannot read, when it was asked for a second.
    Annotation,
}

/// What is wrong with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// Another marker than this one.
    Prefix {
        /// The marker that should stand there.
        wanted: u8,
        /// What does.
        found: u8,
    },
    /// Other bytes than CR and LF.
    LineEnd([u8; 2]),
    /// A length it does not try to read.
    Length(i64),
    /// Fewer bytes than the length says, CR and LF included.
    Short {
        /// Bytes there should be.
        wanted: u64,
        /// Bytes there are.
        got: u64,
    },
    /// MULTI inside MULTI.
    NestedMulti,
    /// EXEC without MULTI.
    StrayExec,
    /// The file ends before EXEC.
    OpenMulti,
}

impl Wrong {
    /// The sentence it prints, about a file of this name.
    pub fn sentence(&self, file: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        // Writing to memory cannot fail.
        let _ = match *self {
            Self::Prefix { wanted, found } => {
                let _ = write!(text, "Expected prefix '{}', got: '", char::from(wanted));
                // A NUL ends the text for a program in C.
                text.extend_from_slice(if found == 0 { b"" } else { std::slice::from_ref(&found) });
                text.write_all(if found == 0 { b"" } else { b"'" })
            }
            Self::LineEnd([a, b]) => {
                // A `char` has a sign there.
                let (a, b) = (i32::from(a as i8), i32::from(b as i8));
                write!(text, "Expected \\r\\n, got: {a:02x}{b:02x}")
            }
            Self::Length(length) => write!(
                text,
                "Expected to read string of {length} bytes, which is not in the suitable range"
            ),
            Self::Short { wanted, got } => {
                write!(text, "Expected to read {wanted} bytes, got {got} bytes")
            }
            Self::NestedMulti => text.write_all(&[b"Unexpected MULTI in AOF ", file].concat()),
            Self::StrayExec => text.write_all(&[b"Unexpected EXEC in AOF ", file].concat()),
            Self::OpenMulti => text.write_all(b"Reached EOF before reading EXEC for MULTI"),
        };
        text
    }
}

/// One file being read.
struct File<'s> {
    source: &'s mut dyn Source,
    at: u64,
    /// The last token it tried to read.
    token: u64,
    in_transaction: bool,
    ok_up_to: u64,
    /// The last record, when it was passed over as a whole: its tokens were not looked at.
    passed: Option<u64>,
}

type Step<T> = std::result::Result<T, Refused>;

impl Strict {
    /// A reader; with `until`, one that stops at the first annotation of a later second.
    pub fn new(until: Option<i64>) -> Self {
        Self { lines: 1, buffer: [0; CHECKER_LINE + 2], until }
    }

    /// Reads the records from offset `start` on.
    ///
    /// # Errors
    /// When the bytes cannot be read.
    pub fn read(&mut self, source: &mut dyn Source, start: u64) -> Result<Reading> {
        let passed = None;
        let (in_transaction, ok_up_to) = (false, start);
        let mut file = File { source, at: start, token: start, in_transaction, ok_up_to, passed };
        let refused = self.stop(&mut file)?;
        file.source.settle()?;
        Ok(Reading { ok_up_to: file.ok_up_to, lines: self.lines, refused })
    }

    /// Where it stops.
    fn stop(&mut self, file: &mut File<'_>) -> Result<Option<Refused>> {
        loop {
            self.pass_over(file)?;
            let step = match file.source.window(file.at, 1)?.first() {
                None => break,
                Some(b'#') => self.annotation(file)?,
                Some(b'*') => {
                    self.look_back(file)?;
                    self.record(file)?
                }
                Some(_) => Err(Refused::Format),
            };
            if let Err(refused) = step {
                return Ok(Some(refused));
            }
            if !file.in_transaction {
                file.ok_up_to = file.at;
            }
        }
        self.look_back(file)?;
        if !file.in_transaction {
            return Ok(None);
        }
        Ok(Some(Refused::Token { at: file.token, wrong: Wrong::OpenMulti }))
    }

    /// Passes over canonical records that neither begin nor end a transaction, without a look inside.
    fn pass_over(&mut self, file: &mut File<'_>) -> Result<()> {
        let window = file.source.window(file.at, 1)?;
        let mut used = 0;
        while let Ok(shape) = resp::record(&window[used..]) {
            if is_named(shape.name, b"multi") || is_named(shape.name, b"exec") {
                break;
            }
            self.lines += 1 + 2 * u64::from(shape.argc);
            file.passed = Some(file.at + used as u64);
            used += shape.len;
        }
        file.at += used as u64;
        if used > 0 && !file.in_transaction {
            file.ok_up_to = file.at;
        }
        Ok(())
    }

    /// Reads the last record that was passed over, for what its tokens leave behind.
    fn look_back(&mut self, file: &mut File<'_>) -> Result<()> {
        if let Some(start) = file.passed.take() {
            let (lines, at) = (self.lines, file.at);
            file.at = start;
            let _ = self.record(file)?;
            (self.lines, file.at) = (lines, at);
        }
        Ok(())
    }

    fn record(&mut self, file: &mut File<'_>) -> Result<Step<()>> {
        let argc = match self.number(file, b'*')? {
            Ok(argc) => argc,
            Err(refused) => return Ok(Err(refused)),
        };
        for argument in 0..argc {
            let name = match self.argument(file)? {
                Ok(start) => start,
                Err(refused) => return Ok(Err(refused)),
            };
            if argument == 0
                && let Err(wrong) = file.transaction(&name)
            {
                return Ok(Err(Refused::Token { at: file.token, wrong }));
            }
        }
        Ok(Ok(()))
    }

    /// One argument; answers its first bytes.
    fn argument(&mut self, file: &mut File<'_>) -> Result<Step<Vec<u8>>> {
        let header = file.at;
        let len = match self.number(file, b'$')? {
            Ok(len) => len,
            Err(refused) => return Ok(Err(refused)),
        };
        let wrong = |at, wrong| Ok(Err(Refused::Token { at, wrong }));
        let Some(len) = u64::try_from(len).ok().filter(|_| len <= LONGEST) else {
            return wrong(header, Wrong::Length(len));
        };
        file.token = file.at;
        let wanted = len + 2;
        let got = file.source.length().unwrap_or(u64::MAX).saturating_sub(file.at);
        if got < wanted {
            return wrong(file.at, Wrong::Short { wanted, got });
        }
        let head = file.source.peek(file.at, NAME)?;
        let name = head[..head.len().min(NAME).min(len as usize)].to_vec();
        let end = file.source.peek(file.at + len, 2)?.first_chunk::<2>().copied();
        match end {
            Some([b'\r', b'\n']) => {}
            found => return wrong(file.at, Wrong::LineEnd(found.unwrap_or_default())),
        }
        file.at += wanted;
        self.lines += 1;
        Ok(Ok(name))
    }

    /// A line with a number, read into the buffer as `fgets` does.
    fn number(&mut self, file: &mut File<'_>, wanted: u8) -> Result<Step<i64>> {
        file.token = file.at;
        let window = file.source.peek(file.at, CHECKER_LINE)?;
        let reach = &window[..window.len().min(CHECKER_LINE)];
        let len = memchr::memchr(b'\n', reach).map_or(reach.len(), |newline| newline + 1);
        if len == 0 {
            return Ok(Err(Refused::End));
        }
        self.buffer[..len].copy_from_slice(&reach[..len]);
        self.buffer[len] = 0;
        let wrong = |wrong| Ok(Err(Refused::Token { at: file.token, wrong }));
        if self.buffer[0] != wanted {
            return wrong(Wrong::Prefix { wanted, found: self.buffer[0] });
        }
        let number = lenient::number(&self.buffer[1..=len]);
        let found = [self.buffer[1 + number.end], self.buffer[2 + number.end]];
        if found != *b"\r\n" {
            return wrong(Wrong::LineEnd(found));
        }
        file.at += len as u64;
        self.lines += 1;
        Ok(Ok(number.value))
    }

    fn annotation(&mut self, file: &mut File<'_>) -> Result<Step<()>> {
        self.look_back(file)?;
        let start = file.at;
        let window = file.source.window(start, LOADER_LINE)?;
        let Some(line) = annotation(window, true) else { return Ok(Ok(())) };
        let bytes = &window[..line.len];
        let step = match (self.until, bytes.strip_prefix(b"#TS:")) {
            (Some(until), Some(text)) => match stamp(text) {
                None => Err(Refused::Annotation),
                Some(seconds) if seconds > until => Err(Refused::Later(start)),
                Some(_) => Ok(()),
            },
            _ => Ok(()),
        };
        file.at += line.len as u64;
        file.token = start;
        Ok(step)
    }
}

/// The seconds that someone asks for, if the text is a number that can be read as a whole.
pub fn seconds(text: &[u8]) -> Option<i64> {
    let number = lenient::number(text);
    (number.end == text.len() && !number.is_clamped).then_some(number.value)
}

/// Bytes of a command's name that tell MULTI and EXEC from everything else.
const NAME: usize = 6;

/// Whether C would call this the name: it ends at a NUL, and case does not matter.
fn is_named(bytes: &[u8], name: &[u8]) -> bool {
    let reach = &bytes[..bytes.len().min(NAME)];
    let end = memchr::memchr(0, reach).unwrap_or(reach.len());
    reach[..end].eq_ignore_ascii_case(name)
}

/// The seconds of a `#TS:`, from the byte behind the colon on: what `strtol` reads, if CR follows.
fn stamp(text: &[u8]) -> Option<i64> {
    let number = lenient::number(text);
    let in_range = !number.is_clamped;
    (text.get(number.end) == Some(&b'\r') && in_range).then_some(number.value)
}

impl File<'_> {
    /// Begins or ends a transaction, if that is what the name says.
    fn transaction(&mut self, name: &[u8]) -> std::result::Result<(), Wrong> {
        if is_named(name, b"multi") {
            if self.in_transaction {
                return Err(Wrong::NestedMulti);
            }
            self.in_transaction = true;
        } else if is_named(name, b"exec") {
            if !self.in_transaction {
                return Err(Wrong::StrayExec);
            }
            self.in_transaction = false;
        }
        Ok(())
    }
}
