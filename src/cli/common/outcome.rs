//! Exit status, one enum.

use std::process::ExitCode;

use aofkit::check::Verdict;
use aofkit::error::{Error, ErrorKind};

/// How a run ended. The numbers are part of the contract with scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing wrong.
    Done = 0,
    /// It could not be done.
    CouldNot = 1,
    /// The arguments make no sense.
    Usage = 2,
    /// No such path, or no set there.
    NotFound = 10,
    /// A server has the files open, or another run works on them or holds the repository.
    InUse = 11,
    /// Damage at the very end of the last file only.
    TailDamage = 20,
    /// Damage elsewhere.
    InnerDamage = 21,
    /// Manifest invalid or missing, file missing, or a manifest that does harm.
    SetInconsistent = 22,
    /// More would be lost than `--max-loss` allows.
    TooMuchLost = 23,
    /// Not supported by the target, or a question that cannot be answered.
    Unsupported = 24,
    /// A backup failed verification.
    BadBackup = 25,
    /// A threshold was exceeded.
    Findings = 30,
    /// Interrupted; a change that had begun was finished or taken back.
    Interrupted = 130,
}

impl Outcome {
    /// The exit status for an error of the library.
    pub fn of_error(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::Foreign { is_product: false, .. } => Self::NotFound,
            ErrorKind::InUse(_) => Self::InUse,
            ErrorKind::Interrupted => Self::Interrupted,
            ErrorKind::BadBackup(_) => Self::BadBackup,
            ErrorKind::NotTried(_) | ErrorKind::Foreign { is_product: true, .. } => {
                Self::Unsupported
            }
            _ => Self::CouldNot,
        }
    }

    /// The exit status for a verdict.
    pub fn of_verdict(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Healthy => Self::Done,
            Verdict::TailDamage => Self::TailDamage,
            Verdict::InnerDamage => Self::InnerDamage,
            Verdict::SetInconsistent => Self::SetInconsistent,
            Verdict::Unsupported => Self::Unsupported,
        }
    }

    /// Of several sets, the one that says most, by the order of [`Verdict`]: 22 over 21 over 20 over 24.
    pub fn worst(all: impl Iterator<Item = Self>) -> Self {
        // Where no verdict was reached, that outranks all of them.
        let rank = |outcome: &Self| (outcome.verdict().is_none(), outcome.verdict());
        all.max_by_key(rank).unwrap_or(Self::Done)
    }

    /// The verdict that it tells; `None` of an error.
    const fn verdict(self) -> Option<Verdict> {
        Some(match self {
            Self::Done => Verdict::Healthy,
            Self::TailDamage => Verdict::TailDamage,
            Self::InnerDamage => Verdict::InnerDamage,
            Self::SetInconsistent => Verdict::SetInconsistent,
            Self::Unsupported => Verdict::Unsupported,
            _ => return None,
        })
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(outcome as u8)
    }
}
