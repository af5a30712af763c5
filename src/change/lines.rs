//! Reads the lines of a journal, and the pieces of old files that they tell.

use super::not_ours::NotOurs;
use std::io::{BufRead, BufReader, Read};

use super::content::Content;
use super::place::is_name;
use crate::disk::FrozenFile;
use crate::error::{Error, Result};
use crate::format::words::{self, Dialect};
use crate::limits;

/// What a line does not say.
pub(super) type Told<T> = std::result::Result<T, &'static str>;

pub(super) const NOT_OURS: &str = "this is no line of a journal";

/// The lines of a part of a journal.
pub(super) struct Lines<'f> {
    pub(super) reader: BufReader<Box<dyn Read + 'f>>,
    /// Offset of the next line.
    pub(super) at: u64,
    pub(super) number: u64,
    pub(super) line: Vec<u8>,
}

impl<'f> Lines<'f> {
    pub(super) fn new(file: &'f FrozenFile, from: u64, to: u64) -> Self {
        let reader = file.reader_from(from).take(to.saturating_sub(from));
        Self { reader: BufReader::new(Box::new(reader)), at: from, number: 0, line: Vec::new() }
    }

    /// The words of the next line; `None` behind the last.
    pub(super) fn next(&mut self) -> std::io::Result<Option<Told<Vec<Vec<u8>>>>> {
        self.line.clear();
        let mut limited = (&mut self.reader).take(limits::JOURNAL_LINE);
        let n = limited.read_until(b'\n', &mut self.line)?;
        if n == 0 {
            return Ok(None);
        }
        self.at += n as u64;
        self.number += 1;
        let Some(line) = self.line.strip_suffix(b"\n") else {
            return Ok(Some(Err("this line is cut off, or longer than any that we write")));
        };
        let is_text = line.iter().all(|&b| (b' '..=b'~').contains(&b));
        let words = words::split(line, Dialect::Strict).filter(|words| is_text && !words.joined);
        Ok(Some(words.map(|words| words.words).ok_or(NOT_OURS)))
    }
}

/// The pieces that the lines of a journal from one offset to another tell.
pub(super) fn contents(
    file: &FrozenFile,
    from: u64,
    to: u64,
) -> impl Iterator<Item = Result<Content>> + '_ {
    let mut lines = Lines::new(file, from, to);
    std::iter::from_fn(move || match lines.next() {
        Ok(None) => None,
        Ok(Some(words)) => {
            let content = words.and_then(|words| content(&refs(&words))?.ok_or(NOT_OURS));
            Some(content.map_err(|why| bad(file, lines.number, why)))
        }
        Err(e) => Some(Err(Error::io(&file.path(), e))),
    })
}

pub(super) fn refs(words: &[Vec<u8>]) -> Vec<&[u8]> {
    words.iter().map(Vec::as_slice).collect()
}

#[cold]
pub(super) fn bad(file: &FrozenFile, line: u64, why: &'static str) -> Error {
    Error::refused(NotOurs::Line { line, why }, &file.path())
}

/// A piece of an old file; `None` when the line says something else.
pub(super) fn content(words: &[&[u8]]) -> Told<Option<Content>> {
    Ok(Some(match *words {
        [b"from", name, start, end] => {
            let (start, end) = (number(start)?, number(end)?);
            if !is_name(name) || start > end {
                return Err("this is no range of a file of the set");
            }
            Content::From { name: name.into(), start, end }
        }
        [b"bytes", bytes] => Content::These(bytes.to_vec()),
        [b"kept", bytes] => Content::Kept(number(bytes)?),
        _ => return Ok(None),
    }))
}

pub(super) fn number<N: std::str::FromStr>(word: &[u8]) -> Told<N> {
    std::str::from_utf8(word).ok().and_then(|word| word.parse().ok()).ok_or("this is no number")
}
