//! The door to the screen: the last wall behind the escapes of whoever prints.

use std::borrow::Cow;
use std::io::{self, Write};

use aofkit::text::{is_obeyed, tame_lines};

use serde::Serialize;

use crate::cli::common::json;
use crate::cli::common::units::Style;

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
