//! The journal of one change: what was done, and how every old file is put together again. Text, a line for
//! each thing, words separated by blanks, names in double quotes with `\xHH` for what is not printable.
//!
//! | line | says |
//! |---|---|
//! | `aofkit-journal 1` | what this is |
//! | `verb V` `at SECONDS` `tool VERSION` `target SERVER` `verdict V` | whose change, when, and how the set was judged before |
//! | `loss BYTES COMMANDS TRANSACTIONS` | what it cost |
//! | `undoes ID` | the change that this one takes back |
//! | `unkept` | what was removed is not kept |
//! | `stage NAME` | a file that was written before the change was published |
//! | `step truncation NAME FROM TO MODIFIED`, `step rename FROM TO`, `step unlink NAME`, `step removal` | what published it |
//! | `gone NAME` | an old file that was removed afterwards |
//! | `old NAME LENGTH MODE UID GID MODIFIED` | an old file; the lines that follow say what it consisted of, in order |
//! | `from NAME START END` | bytes that are in this file now |
//! | `bytes BYTES` | these bytes |
//! | `kept BYTES` | bytes that are kept, the next ones of the old file's object |
//! | `made NAME LENGTH MODIFIED CRC` | a file as the change left it; the CRC-64 of its last 4 KiB |
//! | `end` | without it the journal is not whole |
//!
//! Names are relative to the directory of the set; `MODIFIED` is in nanoseconds of Unix time. The object of
//! the N-th `old` line is `N.zst`, a zstd frame. Pure: text in, values out.

use crate::disk::Attributes;
use crate::format::words::{self, Dialect};
use crate::text::escape;

/// A change as its journal tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Journal {
    /// `repair`, `rewind`, `clean`, `undo`.
    pub verb: String,
    /// When, in Unix seconds.
    pub at: i64,
    /// The server it was made for.
    pub target: String,
    /// The verdict before, by its name in JSON.
    pub verdict: String,
    /// Bytes, commands and transactions it cost.
    pub loss: [u64; 3],
    /// The change that this one takes back.
    pub(super) undoes: Option<String>,
    /// What was removed is not kept: there is no way back.
    pub(super) unkept: bool,
    pub(super) stages: Vec<Vec<u8>>,
    pub(super) step: Step,
    pub(super) gone: Vec<Vec<u8>>,
    pub(super) old: Vec<OldFile>,
    pub(super) made: Vec<MadeFile>,
}

/// The one step that publishes a change. Names are relative to the set's directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Step {
    /// The file is cut from one length to another.
    Truncation { name: Vec<u8>, from: u64, to: u64, modified_ns: i128 },
    /// A file that was written beside gets a name that counts.
    Rename { from: Vec<u8>, to: Vec<u8> },
    /// A name that counts is taken away.
    Unlink { name: Vec<u8> },
    /// There is nothing to publish: files only go, or only come back.
    #[default]
    Removal,
}

/// A file as it was before the change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OldFile {
    pub(super) name: Vec<u8>,
    pub(super) len: u64,
    pub(super) attributes: Attributes,
    pub(super) content: Vec<Content>,
}

/// Where bytes of an old file are now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// In a file of the set.
    From { name: Vec<u8>, start: u64, end: u64 },
    /// Here: a manifest is small.
    These(Vec<u8>),
    /// In the object, behind those of the kept pieces before.
    Kept(u64),
}

impl OldFile {
    /// Bytes of it that are kept.
    pub(super) fn kept_bytes(&self) -> u64 {
        let kept = |content: &Content| match content {
            Content::Kept(n) => *n,
            Content::From { .. } | Content::These(_) => 0,
        };
        self.content.iter().map(kept).sum()
    }
}

/// A file as the change left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MadeFile {
    pub(super) name: Vec<u8>,
    pub(super) len: u64,
    pub(super) modified_ns: i128,
    pub(super) crc: u64,
}

impl Journal {
    /// Bytes that are kept.
    pub fn kept_bytes(&self) -> u64 {
        self.old.iter().map(OldFile::kept_bytes).sum()
    }

    /// Names of the files that it brings back.
    pub fn files(&self) -> impl Iterator<Item = (&[u8], u64)> {
        self.old.iter().map(|old| (old.name.as_slice(), old.len))
    }

    pub(super) fn print(&self) -> String {
        let mut text = format!(
            "aofkit-journal 1\nverb {}\nat {}\ntool {}\ntarget {}\nverdict {}\nloss {} {} {}\n",
            self.verb,
            self.at,
            env!("CARGO_PKG_VERSION"),
            self.target,
            self.verdict,
            self.loss[0],
            self.loss[1],
            self.loss[2],
        );
        if let Some(id) = &self.undoes {
            text += &format!("undoes {}\n", quoted(id.as_bytes()));
        }
        if self.unkept {
            text += "unkept\n";
        }
        for name in &self.stages {
            text += &format!("stage {}\n", quoted(name));
        }
        text += &match &self.step {
            Step::Truncation { name, from, to, modified_ns } => {
                format!("step truncation {} {from} {to} {modified_ns}\n", quoted(name))
            }
            Step::Rename { from, to } => format!("step rename {} {}\n", quoted(from), quoted(to)),
            Step::Unlink { name } => format!("step unlink {}\n", quoted(name)),
            Step::Removal => "step removal\n".to_owned(),
        };
        for name in &self.gone {
            text += &format!("gone {}\n", quoted(name));
        }
        for old in &self.old {
            let Attributes { mode, uid, gid, modified_ns } = old.attributes;
            let modified = modified_ns.unwrap_or(0);
            text +=
                &format!("old {} {} {mode:o} {uid} {gid} {modified}\n", quoted(&old.name), old.len);
            for content in &old.content {
                text += &match content {
                    Content::From { name, start, end } => {
                        format!("from {} {start} {end}\n", quoted(name))
                    }
                    Content::These(bytes) => format!("bytes {}\n", quoted(bytes)),
                    Content::Kept(bytes) => format!("kept {bytes}\n"),
                };
            }
        }
        for made in &self.made {
            let (len, modified) = (made.len, made.modified_ns);
            text += &format!("made {} {len} {modified} {:016x}\n", quoted(&made.name), made.crc);
        }
        text + "end\n"
    }

    /// `None` when it is not a journal, not whole, or of a kind this version does not know.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let mut lines = text.split(|&b| b == b'\n');
        if lines.next()? != b"aofkit-journal 1" {
            return None;
        }
        let mut journal = Self::default();
        for line in lines {
            let words = words::split(line, Dialect::Strict)?.words;
            let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
            match words[..] {
                [b"end"] => return Some(journal),
                [] => return None,
                _ => journal.line(&words)?,
            }
        }
        None
    }

    fn line(&mut self, words: &[&[u8]]) -> Option<()> {
        match *words {
            [b"verb", verb] => self.verb = text(verb)?,
            [b"at", at] => self.at = number(at)?,
            [b"target", target] => self.target = text(target)?,
            [b"verdict", verdict] => self.verdict = text(verdict)?,
            [b"loss", bytes, commands, transactions] => {
                self.loss = [number(bytes)?, number(commands)?, number(transactions)?];
            }
            [b"undoes", id] => self.undoes = Some(text(id)?),
            [b"unkept"] => self.unkept = true,
            [b"stage", name] => self.stages.push(name.to_vec()),
            [b"gone", name] => self.gone.push(name.to_vec()),
            [b"step", b"truncation", name, from, to, modified] => {
                self.step = Step::Truncation {
                    name: name.to_vec(),
                    from: number(from)?,
                    to: number(to)?,
                    modified_ns: number(modified)?,
                };
            }
            [b"step", b"rename", from, to] => {
                self.step = Step::Rename { from: from.to_vec(), to: to.to_vec() };
            }
            [b"step", b"unlink", name] => self.step = Step::Unlink { name: name.to_vec() },
            [b"step", b"removal"] => self.step = Step::Removal,
            [b"old", name, len, mode, uid, gid, modified] => self.old.push(OldFile {
                name: name.to_vec(),
                len: number(len)?,
                attributes: Attributes {
                    mode: u32::from_str_radix(std::str::from_utf8(mode).ok()?, 8).ok()?,
                    uid: number(uid)?,
                    gid: number(gid)?,
                    modified_ns: Some(number(modified)?),
                },
                content: Vec::new(),
            }),
            [b"from", name, start, end] => {
                let (start, end) = (number(start)?, number(end)?);
                let content = Content::From { name: name.to_vec(), start, end };
                self.old.last_mut()?.content.push(content);
            }
            [b"bytes", bytes] => {
                self.old.last_mut()?.content.push(Content::These(bytes.to_vec()));
            }
            [b"kept", bytes] => {
                self.old.last_mut()?.content.push(Content::Kept(number(bytes)?));
            }
            [b"made", name, len, modified, crc] => self.made.push(MadeFile {
                name: name.to_vec(),
                len: number(len)?,
                modified_ns: number(modified)?,
                crc: u64::from_str_radix(std::str::from_utf8(crc).ok()?, 16).ok()?,
            }),
            // The version of the tool, and what later versions may add.
            _ => {}
        }
        Some(())
    }
}

fn quoted(name: &[u8]) -> String {
    format!("\"{}\"", escape(name))
}

fn text(word: &[u8]) -> Option<String> {
    String::from_utf8(word.to_vec()).ok()
}

fn number<N: std::str::FromStr>(word: &[u8]) -> Option<N> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_is_read_back_as_it_was_printed_and_not_when_it_is_cut() {
        let attributes = Attributes { mode: 0o640, uid: 7, gid: 8, modified_ns: Some(-5) };
        let name = b"a \"b\"\\\n\x00\xff'.aof".to_vec();
        let journal = Journal {
            verb: "repair".to_owned(),
            at: 1_764_000_000,
            target: "redis-8.2".to_owned(),
            verdict: "tail-damage".to_owned(),
            loss: [1, 2, 3],
            undoes: Some("x".to_owned()),
            unkept: true,
            stages: vec![b"temp-x".to_vec(), name.clone()],
            step: Step::Rename { from: b"temp-x".to_vec(), to: b"x".to_vec() },
            gone: vec![name.clone()],
            old: vec![OldFile {
                name: name.clone(),
                len: 9,
                attributes,
                content: vec![
                    Content::From { name: b"x".to_vec(), start: 0, end: 4 },
                    Content::These(b"\nx".to_vec()),
                    Content::Kept(3),
                ],
            }],
            made: vec![MadeFile { name, len: 4, modified_ns: 12, crc: 0xDEAD }],
        };
        let text = journal.print();
        assert_eq!(Journal::parse(text.as_bytes()), Some(journal));
        for end in 0..text.len() - 1 {
            assert_eq!(Journal::parse(&text.as_bytes()[..end]), None, "{end}");
        }
        assert_eq!(Journal::parse(b"nothing"), None);
    }
}
