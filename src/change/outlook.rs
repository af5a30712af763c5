//! What a set will be once a plan is carried out: looked at, not guessed, before anything is written.

use super::plan::{Action, Piece, Plan};
use crate::aof::{Aof, Changes};
use crate::check::{self, Check, Loads, Verdict, Wording};
use crate::disk::Part;
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Progress;
use crate::rules::{KNOWN, Target};
use crate::scan::{Pace, scan};

/// How the set will be.
#[derive(Clone, Debug)]
pub struct Outlook {
    /// The judgement by the rules of the plan's target.
    pub report: check::Report,
    /// What each known server would do with it, by name.
    pub servers: Vec<(&'static str, Loads)>,
}

impl Outlook {
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
                    changes.files.push((self.files[*file].name.clone(), vec![kept]));
                }
                Action::Rewrite { file, new_name, pieces, .. } => {
                    let parts =
                        pieces.iter().map(part).collect::<Option<_>>().ok_or_else(|| {
                            let why = "what is sifted is known once it is written".to_owned();
                            Error::new(ErrorKind::Refused(why), &self.path)
                        })?;
                    changes.files.push((new_name.clone(), parts));
                    let old = file.map(|file| self.files[file].name.clone());
                    changes.gone.extend(old.filter(|old| old != new_name));
                }
                Action::Manifest { after, .. } => changes.manifest = Some(after.clone()),
                Action::Remove { file, .. } => {
                    changes.gone.insert(self.files[*file].name.clone());
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
        let mut after = self.preview(aof)?;
        let known = KNOWN.iter().filter_map(|rules| rules.name.parse::<Target>().ok());
        let targets: Vec<Target> = std::iter::once(self.target).chain(known).collect();
        let mut observers = Vec::with_capacity(targets.len());
        for &target in &targets {
            after.target = target;
            observers.push(Check::new(&after));
        }
        let facts = scan(&after, observers, pace, progress)?;
        let mut reports = Vec::with_capacity(targets.len());
        for (&target, facts) in targets.iter().zip(facts) {
            after.target = target;
            reports.push(check::judge(&after, facts, wording)?);
        }
        let report = reports.remove(0);
        let servers = reports.iter().map(|r| (r.target.rules.name, r.loads)).collect();
        Ok(Outlook { report, servers })
    }
}

/// `None` for what can be looked at only once it is written.
fn part(piece: &Piece) -> Option<Part> {
    Some(match piece {
        Piece::Keep { file, from, to } => Part::Range { file: *file, from: *from, to: *to },
        Piece::Insert(bytes) => Part::Bytes(bytes.clone()),
        Piece::Sifted { .. } => return None,
    })
}
