//! The journal of one change: what was done, and how every old file is put together again. Text, a line for
//! each thing, words separated by blanks, names in double quotes with `\xHH` for what is not printable.
//!
//! | line | says |
//! |---|---|
//! | `aofkit-journal 2` | what this is; 1: what 0.1.0 wrote |
//! | `verb V` `at SECONDS` `tool VERSION` `target SERVER` `verdict V` | whose change, when, and how the set was judged before |
//! | `loss BYTES COMMANDS TRANSACTIONS` | what it cost |
//! | `undoes ID` | the change that this one takes back |
//! | `unkept` | what was removed is not kept |
//! | `stage STAGED NAME` | a file that is written before the change is published, and what it is called then (1: `stage NAME`) |
//! | `step truncation NAME FROM TO MODIFIED`, `step rename FROM TO`, `step unlink NAME`, `step removal` | what published it |
//! | `gone NAME INODE CHANGED` | an old file that was removed afterwards, and which file that was (1: `gone NAME`) |
//! | `old NAME LENGTH MODE UID GID MODIFIED` | an old file; the lines that follow say what it consisted of, in order |
//! | `from NAME START END` | bytes that are in this file now |
//! | `bytes BYTES` | these bytes |
//! | `kept BYTES` | bytes that are kept, the next ones of the old file's object |
//! | `made NAME LENGTH MODIFIED CRC INODE` | a file as the change left it; the CRC-64 of all of it (1: of its last 4 KiB, and no inode) |
//! | `end` | without it the journal is not whole |
//!
//! Names are relative to the directory of the set; `MODIFIED` and `CHANGED` are in nanoseconds of Unix time. The object of
//! the N-th `old` line is `N.zst`, a zstd frame. Reading is [`super::told`]'s.

use super::content::Content;
use crate::disk::{Attributes, FrozenFile};
use std::io::{self, Write};
use std::sync::Arc;

use super::recipe::Recipe;
use crate::text::escape;

/// A change as its journal tells it.
#[derive(Clone, Debug, Default)]
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
    pub(super) format: Format,
    /// The change that this one takes back.
    pub(super) undoes: Option<String>,
    /// What was removed is not kept: there is no way back.
    pub(super) unkept: bool,
    pub(super) stages: Vec<Stage>,
    pub(super) step: Step,
    pub(super) gone: Vec<Gone>,
    pub(super) old: Vec<OldFile>,
    pub(super) made: Vec<MadeFile>,
    /// Where it was read: the files that pieces of old ones are in.
    pub(super) taken_from: Vec<Vec<u8>>,
    /// Where it was read: old files consist of nothing else of the set but what the change made.
    pub(super) is_made_of_what_is_made: bool,
    /// Where it was read from.
    pub(super) source: Option<Arc<FrozenFile>>,
}

/// Which lines a journal has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Format {
    /// As 0.1.0 wrote it.
    First,
    #[default]
    Second,
}

/// A file that is written beside, and what it is called once the change is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stage {
    pub(super) staged: Vec<u8>,
    pub(super) name: Vec<u8>,
}

/// A file that goes, and which one that is: no file from elsewhere has the time of its change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gone {
    pub(super) name: Vec<u8>,
    /// Inode, and time of the last change of anything.
    pub(super) seen: Option<(u64, i128)>,
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
    pub(super) content: Recipe,
}

/// A file as the change left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MadeFile {
    pub(super) name: Vec<u8>,
    pub(super) len: u64,
    pub(super) modified_ns: i128,
    pub(super) crc: u64,
    pub(super) inode: Option<u64>,
}

/// Bytes of a manifest that one line holds.
const PIECE: usize = 4096;

impl Journal {
    /// Bytes that are kept.
    pub fn kept_bytes(&self) -> u64 {
        self.old.iter().fold(0, |sum: u64, old| sum.saturating_add(old.content.kept_bytes()))
    }

    /// Names of the files that it brings back.
    pub fn files(&self) -> impl Iterator<Item = (&[u8], u64)> {
        self.old.iter().map(|old| (old.name.as_slice(), old.len))
    }

    /// The file of this name, as the change left it.
    pub(super) fn made_as(&self, name: &[u8]) -> Option<&MadeFile> {
        self.made.iter().find(|made| made.name == name)
    }

    /// Prints what must be known while files are written beside: which these are.
    pub(super) fn print_beginning(&self, out: &mut dyn Write) -> io::Result<()> {
        self.print_head(out)?;
        self.print_stages(out)?;
        out.write_all(b"end\n")
    }

    /// Prints all of it.
    pub(super) fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        self.print_head(out)?;
        self.print_stages(out)?;
        match &self.step {
            Step::Truncation { name, from, to, modified_ns } => {
                writeln!(out, "step truncation {} {from} {to} {modified_ns}", quoted(name))
            }
            Step::Rename { from, to } => {
                writeln!(out, "step rename {} {}", quoted(from), quoted(to))
            }
            Step::Unlink { name } => writeln!(out, "step unlink {}", quoted(name)),
            Step::Removal => writeln!(out, "step removal"),
        }?;
        for Gone { name, seen } in &self.gone {
            let (inode, changed) = seen.unwrap_or_default();
            writeln!(out, "gone {} {inode} {changed}", quoted(name))?;
        }
        for old in &self.old {
            let Attributes { mode, uid, gid, modified_ns } = old.attributes;
            let modified = modified_ns.unwrap_or(0);
            let name = quoted(&old.name);
            writeln!(out, "old {name} {} {mode:o} {uid} {gid} {modified}", old.len)?;
            for content in old.content.contents(self.source.as_deref()) {
                print_content(out, &content.map_err(io::Error::other)?)?;
            }
        }
        for made in &self.made {
            let (len, modified, crc) = (made.len, made.modified_ns, made.crc);
            let inode = made.inode.unwrap_or(0);
            writeln!(out, "made {} {len} {modified} {crc:016x} {inode}", quoted(&made.name))?;
        }
        out.write_all(b"end\n")
    }

    fn print_head(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "aofkit-journal 2\nverb {}\nat {}", self.verb, self.at)?;
        writeln!(out, "tool {}\ntarget {}", env!("CARGO_PKG_VERSION"), self.target)?;
        if !self.verdict.is_empty() {
            writeln!(out, "verdict {}", self.verdict)?;
        }
        let [bytes, commands, transactions] = self.loss;
        writeln!(out, "loss {bytes} {commands} {transactions}")?;
        if let Some(id) = &self.undoes {
            writeln!(out, "undoes {}", quoted(id.as_bytes()))?;
        }
        if self.unkept {
            writeln!(out, "unkept")?;
        }
        Ok(())
    }

    fn print_stages(&self, out: &mut dyn Write) -> io::Result<()> {
        for Stage { staged, name } in &self.stages {
            writeln!(out, "stage {} {}", quoted(staged), quoted(name))?;
        }
        Ok(())
    }
}

fn print_content(out: &mut dyn Write, content: &Content) -> io::Result<()> {
    match content {
        Content::From { name, start, end } => writeln!(out, "from {} {start} {end}", quoted(name)),
        Content::These(bytes) => {
            bytes.chunks(PIECE).try_for_each(|piece| writeln!(out, "bytes {}", quoted(piece)))
        }
        Content::Kept(bytes) => writeln!(out, "kept {bytes}"),
    }
}

fn quoted(name: &[u8]) -> String {
    format!("\"{}\"", escape(name))
}
