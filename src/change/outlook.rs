//! What a set will be once a plan is carried out: looked at, not guessed, before anything is written.

use super::plan::{Action, Piece, Plan};
use super::refusal::Refusal;
use crate::aof::{Aof, Changes};
use crate::check::{self, Check, Loads, Verdict, Wording};
use crate::disk::Part;
use crate::error::{Error, ErrorKind, Result};
use crate::progress::{Progress, Silent};
use crate::rules::Target;
use crate::scan::{Pace, scan_in_pieces};

/// A known server, by its name, and what it does with a set.
type ByServer = (&'static str, Loads);

/// With what a set is looked at.
#[derive(Clone, Copy)]
pub struct Looking<'a> {
    /// How problems are worded.
    pub wording: Wording,
    /// How fast it may be read.
    pub pace: Pace,
    /// Who is told how far it is.
    pub progress: &'a dyn Progress,
}

impl Default for Looking<'_> {
    fn default() -> Self {
        Self { wording: Wording::default(), pace: Pace::default(), progress: &Silent }
    }
}

/// How the set will be.
#[derive(Clone, Debug)]
pub struct Outlook {
    /// The judgement by the rules of the plan's target.
    pub report: check::Report,
    /// What each known server would do with it, by name.
    pub servers: Vec<(&'static str, Loads)>,
    /// What those of them that would not simply load it do with the set as it is: the same is no news.
    pub servers_before: Vec<(&'static str, Loads)>,
}

impl Outlook {
    /// What becomes of a set: how it will be, and how known servers see it now, as far as that matters.
    ///
    /// # Errors
    /// When a set cannot be read.
    pub fn new(
        before: &Aof,
        after: Aof,
        wording: &Wording,
        pace: &Pace,
        progress: &dyn Progress,
    ) -> Result<Self> {
        let known = || Target::recorded().iter().copied();
        let targets = std::iter::once(after.target()).chain(known()).collect();
        let unnamed = (!after.target_given).then_some(0);
        let (report, servers) = judged_by(after, targets, unnamed, wording, pace, progress)?;
        let refuses = |target: &Target| {
            servers.iter().any(|(name, loads)| *name == target.rules.name && *loads != Loads::Yes)
        };
        let refusing: Vec<_> = known().filter(refuses).collect();
        // What is packed or a stream cannot be read again.
        let can_be_read = before.live().all(|(_, s)| s.is_plain() || s.is_missing());
        let servers_before = match refusing.is_empty() || !can_be_read {
            true => Vec::new(),
            false => {
                let before = before.preview(&Changes::default())?;
                let (first, others) = judged_by(before, refusing, None, wording, pace, progress)?;
                [vec![by_name(&first)], others].concat()
            }
        };
        Ok(Self { report, servers, servers_before })
    }

    /// What a server does with the set as it is; `None` where that was not looked at.
    pub fn before(&self, server: &str) -> Option<Loads> {
        let told = self.servers_before.iter().find(|(name, _)| *name == server);
        told.map(|(_, loads)| *loads)
    }

    /// The verdict the set will have.
    pub fn verdict(&self) -> Verdict {
        self.report.verdict
    }

    /// What the target will do with it.
    pub fn loads(&self) -> Loads {
        self.report.loads
    }
}

impl Plan {
    /// The set as it would be. `aof` is the set the plan was made for.
    ///
    /// # Errors
    /// When a file cannot be opened, or the plan has a sieve.
    pub fn preview(&self, aof: &Aof) -> Result<Aof> {
        let mut changes = Changes::default();
        for action in &self.actions {
            match action {
                Action::Cut { file, to_bytes, .. } => {
                    let kept = Part::Range { file: *file, from: 0, to: *to_bytes };
                    changes.files.push((self.files[*file].name.to_vec(), vec![kept]));
                }
                Action::Rewrite { file, new_name, pieces, .. } => {
                    let parts = pieces
                        .iter()
                        .map(part)
                        .collect::<Option<_>>()
                        .ok_or_else(|| Error::refused(Refusal::NoPreview, &self.path))?;
                    changes.files.push((new_name.clone(), parts));
                    let old = file.map(|file| self.files[file].name.to_vec());
                    changes.gone.extend(old.filter(|old| old != new_name));
                }
                Action::Manifest { after, .. } => changes.manifest = Some(after.clone()),
                Action::Remove { file, .. } => {
                    changes.gone.insert(self.files[*file].name.to_vec());
                }
            }
        }
        aof.preview(&changes)
    }

    /// Looks at the set as it would be, through the eyes of the target and of every known server.
    ///
    /// # Errors
    /// When its bytes cannot be read.
    pub fn outlook(
        &self,
        aof: &Aof,
        wording: &Wording,
        pace: &Pace,
        progress: &dyn Progress,
    ) -> Result<Outlook> {
        let after = self.preview(aof)?;
        after.settle(self.target);
        Outlook::new(aof, after, wording, pace, progress)
    }
}

/// The judgement on a set by the rules of the first of several servers, and in a word what the others do with it; in one
/// pass, and never with two judgements in memory.
fn judged_by(
    aof: Aof,
    targets: Vec<Target>,
    unnamed: Option<usize>,
    wording: &Wording,
    pace: &Pace,
    progress: &dyn Progress,
) -> Result<(check::Report, Vec<ByServer>)> {
    let facts = scan_in_pieces(&aof, Check::by(&aof, targets), pace, progress)?;
    let mut each = facts.each(unnamed).map(|facts| check::judge(&aof, facts, wording));
    let none = || Error::new(ErrorKind::NotFound, &aof.path);
    let first = each.next().ok_or_else(none)??;
    let others = each.map(|report| Ok(by_name(&report?))).collect::<Result<_>>()?;
    Ok((first, others))
}

fn by_name(report: &check::Report) -> ByServer {
    (report.target.rules.name, report.loads)
}

/// `None` for what can be looked at only once it is written.
fn part(piece: &Piece) -> Option<Part> {
    Some(match piece {
        Piece::Keep { file, from, to } => Part::Range { file: *file, from: *from, to: *to },
        Piece::Insert(bytes) => Part::Bytes(bytes.clone()),
        Piece::Sifted { .. } => return None,
    })
}
