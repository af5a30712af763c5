//! The door to the screen: the last wall behind the escapes of whoever prints.

use std::borrow::Cow;
use std::io::{self, Write};

use aofkit::text::{is_obeyed, tame, tame_lines};
use serde::Serialize;

use super::json;
use super::outcome::Outcome;
use super::units::Style;

/// What a verb has to say, said piece by piece: a set may have very many files.
pub type Saying<'v> = Box<dyn FnOnce(&mut Paper<'_>) -> io::Result<()> + 'v>;

/// What a result is written on.
pub struct Paper<'o> {
    out: &'o mut dyn Write,
    style: Style,
}

impl<'o> Paper<'o> {
    pub fn new(out: &'o mut dyn Write, style: Style) -> Self {
        Self { out, style }
    }

    /// Whole lines for people.
    pub fn text(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(screen(text, self.style).as_bytes())
    }

    /// A value for scripts, which is never in memory as a whole.
    pub fn json(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer_pretty(Pure(&mut *self.out), value)?;
        self.out.write_all(b"\n")
    }
}

/// Lets JSON through as [`json::pure`] does.
struct Pure<'o>(&'o mut dyn Write);

impl Write for Pure<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // The pieces that come are cut at characters that ASCII has.
        match std::str::from_utf8(bytes) {
            Ok(text) => self.0.write_all(json::pure(text).as_bytes())?,
            Err(_) => self.0.write_all(bytes)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Text for people. Nothing that a terminal obeys gets through, except line ends and, where there is colour, the few
/// marks that [`Style`] makes.
pub fn screen(text: &str, style: Style) -> Cow<'_, str> {
    match style.drawn(text) {
        Cow::Borrowed(text) => obeyed_by_none(text, style),
        Cow::Owned(text) => Cow::Owned(obeyed_by_none(&text, style).into_owned()),
    }
}

fn obeyed_by_none(text: &str, style: Style) -> Cow<'_, str> {
    if !text.contains(|c: char| c != '\n' && is_obeyed(c)) {
        return Cow::Borrowed(text);
    }
    let marks = style.marks();
    let mut shown = String::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some(at) = rest.find('\x1b').filter(|_| !marks.is_empty()) {
        shown += &tame_lines(&rest[..at]);
        rest = &rest[at..];
        let mark = marks.iter().find(|mark| rest.starts_with(**mark)).copied();
        let taken = mark.unwrap_or("\x1b");
        if mark.is_some() {
            shown += taken
        } else {
            shown += &tame_lines(taken)
        }
        rest = &rest[taken.len()..];
    }
    Cow::Owned(shown + &tame_lines(rest))
}

/// Whether JSON was asked for on a command line that could not be read as a whole.
pub fn asks_for_json() -> bool {
    let words: Vec<_> = std::env::args_os().take_while(|word| word != "--").collect();
    let is_json = |word: &std::ffi::OsString| word == "json" || word == "ndjson";
    let pair = |two: &[std::ffi::OsString]| two[0] == "--format" && is_json(&two[1]);
    let one = ["--json", "--format=json", "--format=ndjson"];
    let by_words = words.iter().any(|word| one.iter().any(|one| word == one));
    by_words || words.windows(2).any(pair)
}

pub fn usage(why: &str, json: bool) -> Outcome {
    let text = if json { json::usage(why) } else { format!("aofkit: {why}") };
    complain(&text);
    Outcome::Usage
}

/// Prints a result that cannot be bad news.
pub fn done(text: &[u8]) -> Outcome {
    print(text).unwrap_or(Outcome::Done)
}

/// Tells people on standard error, without the control bytes that a path may hold. Where standard error
/// is closed there is nobody left to tell.
pub fn complain(text: &str) {
    let mut err = std::io::stderr().lock();
    for line in text.lines() {
        let _ = writeln!(err, "{}", tame(line));
    }
}

/// Writes the result. `Some` when that changes the outcome.
pub fn print(text: &[u8]) -> Option<Outcome> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Ok(()) => None,
        Err(e) => Some(unwritten(&e)),
    }
}

/// How a run ends whose result could not be written: a reader that went away is content.
pub fn unwritten(error: &std::io::Error) -> Outcome {
    if error.kind() == std::io::ErrorKind::BrokenPipe {
        return Outcome::Done;
    }
    let why = format!("standard output: {error}");
    match asks_for_json() {
        true => complain(&json::unwritten(&why)),
        false => complain(&format!("aofkit: {why}")),
    }
    Outcome::CouldNot
}
