//! A set in another form: wrapped as a multi-part set, with its increments merged, or as one file; and of its
//! commands those that a filter takes.
//!
//! Knows what a check found; writes nothing itself: what comes out is a [`Proposal`] to be written into a directory
//! of its own. An RDB keeps every byte, or every byte of the keys that are
//! taken. What cannot be done rightly is refused, with the place.

mod filter;
mod refusal;
mod sieve;
mod weave;

pub use filter::Picks;
pub use refusal::{OfCommand, Refusal};

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use crate::aof::{Aof, ManifestState, Role};
use crate::change::{Action, Loss, Piece, Plan, Proposal, Sieve, SourceFile, Verb};
use crate::check::{Loads, RdbFacts, Report, Verdict};
use crate::disk;
use crate::error::{Error, Result};
use crate::format::manifest::{self, Entry, Manifest};
use crate::limits;
use crate::progress::Progress;
use crate::scan::{Pace, scan};
use crate::text;
use weave::{Weave, Woven};

/// What a set is to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A multi-part set: a base and one increment.
    Set,
    /// One file, as servers before 7.0 have it; later ones take it over at their next start.
    File,
    /// An RDB alone: the base of a set whose increments hold no command.
    Rdb,
}

/// Names of the files that are made.
const STEM: &str = "appendonly.aof";
const DUMP: &str = "dump.rdb";

/// A plan that makes the set into that form, with the commands that `picks` takes.
///
/// # Errors
/// [`crate::error::ErrorKind::Refused`] when the set is not sound, or when the result could not be right; or when it cannot
/// be read.
pub fn plan(
    aof: &Aof,
    report: &Report,
    form: Form,
    picks: &Picks,
    pace: &Pace,
    progress: &dyn Progress,
) -> Result<Proposal> {
    ensure_sound(aof, report)?;
    let rdb_end = base_rdb(report);
    let woven = scan(aof, Weave::new(aof, picks.clone()), pace, progress)?;
    if let Some((segment, offset, why)) = &woven.refusal {
        let path = aof.segments[*segment].path();
        return Err(Error::refused(why.clone(), &path).at(*offset));
    }
    let mut made = Made { aof, files: Vec::new(), notes: Vec::new() };
    let rdb = rdb_end.map(|to| made.base(to, picks)).transpose()?;
    match form {
        Form::Set => made.set(rdb, &woven),
        Form::File => made.file(rdb, woven.pieces()),
        Form::Rdb => made.rdb(rdb, &woven)?,
    }
    if report.is_rdb && report.size_bytes > rdb_end.unwrap_or(0) {
        made.notes.push("the bytes behind the end of the RDB are left out".to_owned());
    }
    made.plan(form, woven.dropped)
}

fn ensure_sound(aof: &Aof, report: &Report) -> Result<()> {
    let refuse = |why| Err(Error::refused(why, &aof.path));
    let valid = matches!(
        aof.manifest.as_ref().map(|manifest| &manifest.state),
        None | Some(ManifestState::Valid(_))
    );
    if valid && report.verdict == Verdict::Unsupported {
        return refuse(Refusal::NotTaken);
    }
    if !valid || report.has_own_errors() || report.loads == Loads::No {
        return refuse(Refusal::NotSound);
    }
    if aof.upgrade_pending {
        return refuse(Refusal::UpgradePending);
    }
    if aof.live().any(|(_, segment)| !segment.is_plain()) {
        return refuse(Refusal::NotPlain);
    }
    Ok(())
}

/// Where the RDB that the set begins with ends.
fn base_rdb(report: &Report) -> Option<u64> {
    let first = report.segments.first().filter(|segment| segment.role != Role::Increment)?;
    match first.facts.as_ref()?.rdb.as_ref()? {
        RdbFacts::Whole(walked) => Some(walked.outcome.end),
        RdbFacts::Broken(_) => None,
    }
}

/// The files of the new form.
struct Made<'a> {
    aof: &'a Aof,
    files: Vec<(Vec<u8>, Vec<Piece>)>,
    notes: Vec<String>,
}

impl Made<'_> {
    fn put(&mut self, name: &str, pieces: Vec<Piece>) {
        self.files.push((name.as_bytes().to_vec(), pieces));
    }

    /// The RDB that the set begins with, `to` bytes long: all of it, or what is taken.
    fn base(&mut self, to: u64, picks: &Picks) -> Result<Piece> {
        let file = self.aof.segments.first().and_then(|segment| segment.file());
        let Some(file) = file.filter(|_| !picks.is_all()) else {
            return Ok(Piece::Keep { file: 0, from: 0, to });
        };
        let sifted = sieve::plan(file, picks)?;
        let keys = text::count(sifted.keys, "key");
        let kept = text::thousands(sifted.kept);
        self.notes.push(format!("the RDB keeps {kept} of {keys}"));
        if sifted.has_libraries {
            self.notes.push("its function libraries stay: they belong to no key".to_owned());
        }
        if sifted.has_module_data {
            self.notes
                .push("data that modules keep beside keys stays, whatever the filter".to_owned());
        }
        let sieve = Sieve(Arc::new(sifted.sieve));
        Ok(Piece::Sifted { file: 0, len: sifted.len, sieve })
    }

    fn set(&mut self, rdb: Option<Piece>, woven: &Woven) {
        match rdb {
            Some(rdb) => {
                self.put("appendonly.aof.1.base.rdb", vec![rdb]);
                self.put("appendonly.aof.1.incr.aof", woven.pieces());
            }
            None => {
                self.put("appendonly.aof.1.base.aof", woven.base.clone());
                self.put("appendonly.aof.1.incr.aof", woven.rest.clone());
            }
        }
    }

    fn file(&mut self, rdb: Option<Piece>, mut pieces: Vec<Piece>) {
        if let Some(rdb) = rdb {
            pieces.insert(0, rdb);
        }
        self.put(STEM, pieces);
    }

    fn rdb(&mut self, rdb: Option<Piece>, woven: &Woven) -> Result<()> {
        let refuse = |why| Err(Error::refused(why, &self.aof.path));
        let Some(rdb) = rdb else { return refuse(Refusal::BaseIsNoRdb) };
        if woven.kept > 0 {
            return refuse(Refusal::HoldsCommands);
        }
        self.put(DUMP, vec![rdb]);
        Ok(())
    }

    fn plan(self, form: Form, dropped: u64) -> Result<Proposal> {
        let stamped = |segment: &crate::aof::Segment| SourceFile {
            name: Arc::clone(&segment.name),
            at: segment.file_path(),
            stamp: segment.file().map(|file| file.stamp()),
            is_held: false,
        };
        let name = format!("{STEM}.manifest").into_bytes();
        let mut actions = Vec::new();
        if form == Form::Set {
            let role =
                |at: usize| if at == 0 { manifest::Role::Base } else { manifest::Role::Increment };
            let entry =
                |(at, (name, _)): (usize, &(Vec<u8>, _))| Entry::new(name.clone(), 1, role(at));
            let entries = self.files.iter().enumerate().map(entry).collect();
            let after = manifest::print(&Manifest::new(entries));
            let there = self.aof.dir().join(OsStr::from_bytes(&name));
            let before = match disk::exists(&there) {
                true => Some(disk::read_small(&there, limits::MANIFEST)?),
                false => None,
            };
            actions.push(Action::Manifest { name: name.clone(), before, after });
        }
        for (new_name, pieces) in self.files {
            actions.push(Action::Rewrite { file: None, new_name, from_bytes: 0, pieces });
        }
        Ok(Proposal::new(Plan {
            verb: Verb::Convert,
            dir: self.aof.dir(),
            manifest: (form == Form::Set).then_some(name),
            path: self.aof.path.clone(),
            target: self.aof.target(),
            files: self.aof.segments.iter().map(stamped).collect(),
            actions,
            loss: Loss { commands: dropped, ..Loss::default() },
            notes: self.notes,
        }))
    }
}
