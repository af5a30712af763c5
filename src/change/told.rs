//! A journal read back, line by line. It is input from outside: whatever does not have the form that we write is an error,
//! never an empty journal, and no name in it is believed before all of it was read.

use super::content::Content;
use super::lines::{Lines, NOT_OURS, Told, bad, content, number, refs};
use crate::disk::{Attributes, FrozenFile};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::journal::{Format, Gone, Journal, MadeFile, OldFile, Stage, Step};
use super::place::{is_name, is_staged};
use super::recipe::Recipe;
use crate::aof::KeptId;
use crate::error::{Error, Result};
use crate::limits;

impl Journal {
    /// Reads a journal. Pieces of old files are not held: they are read again when they are needed.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Refused`] when it is not a journal, not whole, of a format that this version does not know, or speaks of
    /// what it must not; or when it cannot be read.
    pub fn read(file: FrozenFile) -> Result<Self> {
        let mut reading = Reading::default();
        {
            let mut lines = Lines::new(&file, 0, file.len());
            loop {
                let from = lines.at;
                let words = match lines.next().map_err(|e| Error::io(&file.path(), e))? {
                    Some(words) => words,
                    None => return Err(bad(&file, lines.number, "the journal is not whole")),
                };
                let number = lines.number;
                let done = words.and_then(|words| reading.line(&refs(&words), from, lines.at));
                match done {
                    Ok(false) => {}
                    Ok(true) if lines.at < file.len() => {
                        return Err(bad(&file, number, "something stands behind its end"));
                    }
                    Ok(true) => break,
                    Err(why) => return Err(bad(&file, number, why)),
                }
            }
            reading.fits().map_err(|why| bad(&file, lines.number, why))?;
        }
        reading.journal.source = Some(Arc::new(file));
        Ok(reading.journal)
    }

    /// Whether it says of every old file all that it consisted of.
    pub(super) fn is_complete(&self) -> bool {
        let is_whole = |old: &OldFile| old.content.len() == old.len;
        self.is_made_of_what_is_made && !self.unkept && self.old.iter().all(is_whole)
    }
}

/// A journal as far as it was read.
#[derive(Default)]
struct Reading {
    journal: Journal,
    has_begun: bool,
    /// Pieces of the last old file may follow.
    in_old: bool,
    /// How far pieces reach into files, by their names.
    reach: HashMap<Vec<u8>, u64>,
}

impl Reading {
    /// Takes in a line; answers whether it is the last one.
    fn line(&mut self, words: &[&[u8]], from: u64, to: u64) -> Told<bool> {
        if !self.has_begun {
            self.has_begun = true;
            self.journal.format = match *words {
                [b"aofkit-journal", b"1"] => Format::First,
                [b"aofkit-journal", b"2"] => Format::Second,
                [b"aofkit-journal", _] => return Err("a later version of aofkit wrote this"),
                _ => return Err("this is no journal of aofkit"),
            };
            return Ok(false);
        }
        if let Some(content) = content(words)? {
            self.content(&content, from, to)?;
            return Ok(false);
        }
        self.in_old = false;
        if words == [b"end"] {
            return Ok(true);
        }
        self.head(words).or_else(|| self.file(words)).unwrap_or(Err(NOT_OURS))?;
        Ok(false)
    }

    fn content(&mut self, content: &Content, from: u64, to: u64) -> Told<()> {
        let old = self.journal.old.last_mut().filter(|_| self.in_old).ok_or(NOT_OURS)?;
        let (len, kept) = match content {
            Content::From { name, start, end } => {
                match self.reach.get_mut(&name[..]) {
                    Some(reach) => *reach = (*reach).max(*end),
                    None => {
                        self.reach.insert(name.to_vec(), *end);
                        few(self.reach.len())?;
                    }
                }
                (end - start, 0)
            }
            Content::These(bytes) => (bytes.len() as u64, 0),
            Content::Kept(n) => (*n, *n),
        };
        let (begun, had) = match old.content {
            Recipe::Told { from, kept, sum, .. } => (from, (kept, sum)),
            _ => (from, (0, 0)),
        };
        let kept = had.0.checked_add(kept).ok_or("more bytes than there can be")?;
        let sum = had.1.checked_add(len).ok_or("more bytes than there can be")?;
        old.content = Recipe::Told { from: begun, to, kept, sum };
        Ok(())
    }

    /// A line that says what kind of change it was.
    fn head(&mut self, words: &[&[u8]]) -> Option<Told<()>> {
        let journal = &mut self.journal;
        let put = |into: &mut String, what: &[u8]| {
            *into = word(what)?;
            Ok(())
        };
        Some(match *words {
            [b"verb", verb] => put(&mut journal.verb, verb),
            [b"at", at] => number(at).map(|at| journal.at = at),
            [b"tool", _] => Ok(()),
            [b"target", target] => put(&mut journal.target, target),
            [b"verdict"] => Ok(()),
            [b"verdict", verdict] => put(&mut journal.verdict, verdict),
            [b"loss", bytes, commands, transactions] => {
                let loss = || Ok([number(bytes)?, number(commands)?, number(transactions)?]);
                loss().map(|loss| journal.loss = loss)
            }
            [b"undoes", id] => match KeptId::parse(id) {
                Some(id) => {
                    journal.undoes = Some(id.as_str().to_owned());
                    Ok(())
                }
                None => Err("this is no change that it could take back"),
            },
            [b"unkept"] => {
                journal.unkept = true;
                Ok(())
            }
            _ => return None,
        })
    }

    /// A line that speaks of a file.
    fn file(&mut self, words: &[&[u8]]) -> Option<Told<()>> {
        let is_first = self.journal.format == Format::First;
        Some(match *words {
            [b"stage", name] if is_first => self.stage(name, name),
            [b"stage", staged, name] if !is_first && is_staged(staged) => self.stage(staged, name),
            [b"step", ..] => step(&words[1..]).map(|step| self.journal.step = step),
            [b"gone", name] if is_first => self.gone(name, Ok(None)),
            [b"gone", name, inode, changed] if !is_first => {
                let seen = number(inode).and_then(|inode| Ok(Some((inode, number(changed)?))));
                self.gone(name, seen)
            }
            [b"old", name, ..] if words.len() == 7 => self.old(name, &words[2..]),
            [b"made", name, ..] if words.len() == if is_first { 5 } else { 6 } => {
                self.made(name, &words[2..])
            }
            _ => return None,
        })
    }

    fn stage(&mut self, staged: &[u8], name: &[u8]) -> Told<()> {
        let stage = Stage { staged: file_name(staged)?, name: file_name(name)? };
        self.journal.stages.push(stage);
        few(self.journal.stages.len())
    }

    fn gone(&mut self, name: &[u8], seen: Told<Option<(u64, i128)>>) -> Told<()> {
        self.journal.gone.push(Gone { name: file_name(name)?, seen: seen? });
        few(self.journal.gone.len())
    }

    fn old(&mut self, name: &[u8], words: &[&[u8]]) -> Told<()> {
        let [len, mode, uid, gid, modified] = *words else { return Err(NOT_OURS) };
        let mode = std::str::from_utf8(mode).ok().and_then(|m| u32::from_str_radix(m, 8).ok());
        let Some(mode) = mode.filter(|mode| *mode <= 0o777) else {
            return Err("no file of a set has such a mode");
        };
        let attributes = Attributes {
            mode,
            uid: number(uid)?,
            gid: number(gid)?,
            modified_ns: Some(time(modified)?),
        };
        let (name, len) = (file_name(name)?, number(len)?);
        self.journal.old.push(OldFile { name, len, attributes, content: Recipe::Nothing });
        self.in_old = true;
        few(self.journal.old.len())
    }

    fn made(&mut self, name: &[u8], words: &[&[u8]]) -> Told<()> {
        let [len, modified, crc, ref inode @ ..] = *words else { return Err(NOT_OURS) };
        let crc = std::str::from_utf8(crc).ok().and_then(|crc| u64::from_str_radix(crc, 16).ok());
        self.journal.made.push(MadeFile {
            name: file_name(name)?,
            len: number(len)?,
            modified_ns: time(modified)?,
            crc: crc.ok_or(NOT_OURS)?,
            inode: inode.first().map(|inode| number(inode)).transpose()?,
        });
        few(self.journal.made.len())
    }

    /// Whether its lines fit each other.
    fn fits(&mut self) -> Told<()> {
        let journal = &self.journal;
        is_each_once(journal.stages.iter().map(|stage| &stage.staged))?;
        is_each_once(journal.stages.iter().map(|stage| &stage.name))?;
        is_each_once(journal.gone.iter().map(|gone| &gone.name))?;
        is_each_once(journal.old.iter().map(|old| &old.name))?;
        is_each_once(journal.made.iter().map(|made| &made.name))?;
        let made: HashMap<_, _> = journal.made.iter().map(|m| (&m.name, m.len)).collect();
        let mut reach = self.reach.iter();
        let is_made_of_what_is_made =
            reach.all(|(name, reach)| made.get(name).is_some_and(|len| reach <= len));
        if let (Step::Rename { from, to }, Format::Second) = (&journal.step, journal.format) {
            let is_stage = |stage: &Stage| stage.staged == *from && stage.name == *to;
            if !journal.stages.iter().any(is_stage) {
                return Err("its step renames what was not written for it");
            }
        }
        self.journal.is_made_of_what_is_made = is_made_of_what_is_made;
        self.journal.taken_from = self.reach.keys().cloned().collect();
        Ok(())
    }
}

fn step(words: &[&[u8]]) -> Told<Step> {
    Ok(match *words {
        [b"truncation", name, from, to, modified] => Step::Truncation {
            name: file_name(name)?,
            from: number(from)?,
            to: number(to)?,
            modified_ns: time(modified)?,
        },
        [b"rename", from, to] if is_staged(from) => {
            Step::Rename { from: file_name(from)?, to: file_name(to)? }
        }
        [b"unlink", name] => Step::Unlink { name: file_name(name)? },
        [b"removal"] => Step::Removal,
        _ => return Err("there is no such step"),
    })
}

fn is_each_once<'n>(mut names: impl Iterator<Item = &'n Vec<u8>>) -> Told<()> {
    let mut seen = HashSet::new();
    match names.all(|name| seen.insert(name)) {
        true => Ok(()),
        false => Err("it speaks twice of one file"),
    }
}

fn few(n: usize) -> Told<()> {
    if n > limits::JOURNAL_FILES { Err("it speaks of more files than a set has") } else { Ok(()) }
}

fn file_name(name: &[u8]) -> Told<Vec<u8>> {
    match is_name(name) {
        true => Ok(name.to_vec()),
        false => Err("this is not the name of a file of the set"),
    }
}

/// A short word that can be shown as it is.
fn word(word: &[u8]) -> Told<String> {
    let is_plain = word.len() <= 64 && word.iter().all(u8::is_ascii_graphic);
    std::str::from_utf8(word).ok().filter(|_| is_plain).map(str::to_owned).ok_or(NOT_OURS)
}

/// A time of a file, as far from today as the kernel takes it.
fn time(word: &[u8]) -> Told<i128> {
    const SECOND: i128 = 1_000_000_000;
    let ns: i128 = number(word)?;
    let fits = i64::try_from(ns.div_euclid(SECOND)).is_ok();
    if fits { Ok(ns) } else { Err("this is no time") }
}
