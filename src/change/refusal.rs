//! Why a proposal is not carried out.

use std::fmt;
use std::path::PathBuf;

use super::loss::Loss;
use crate::check::{Report, Severity};
use crate::text::{count, name, shell_word};

/// The most that may be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Most {
    /// So many whole commands.
    Commands(u64),
    /// So many bytes.
    Bytes(u64),
}

/// Why a proposal is not carried out. In words by `Display`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// More would be lost than is allowed.
    TooMuchLost {
        /// Whole commands.
        commands: u64,
        /// Bytes.
        bytes: u64,
        /// What is allowed.
        most: Most,
    },
    /// The moment to go back to lies behind damage: what is left would not load up to it.
    BehindDamage {
        /// The file with the first damage, and the offset there.
        place: Option<(Vec<u8>, u64)>,
        /// The set.
        path: PathBuf,
    },
}

impl Refusal {
    /// That a loss is too large, if it is.
    pub(super) fn of_loss(loss: &Loss, most: Most) -> Option<Self> {
        let too_much = match most {
            Most::Commands(most) => loss.commands > most,
            Most::Bytes(most) => loss.bytes > most,
        };
        let (commands, bytes) = (loss.commands, loss.bytes);
        too_much.then_some(Self::TooMuchLost { commands, bytes, most })
    }

    /// That a moment lies behind the damage that would be left.
    pub(crate) fn behind_damage(after: &Report, path: PathBuf) -> Self {
        let mut errors = after.problems.iter().filter(|p| p.severity == Severity::Error);
        let first = errors.find(|problem| problem.offset.is_some());
        let place =
            first.and_then(|problem| Some((problem.file.as_ref()?.to_vec(), problem.offset?)));
        Self::BehindDamage { place, path }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMuchLost { commands, most: Most::Commands(most), .. } => write!(
                f,
                "{} would be lost, more than --max-loss {most}",
                count(*commands, "whole command")
            ),
            Self::TooMuchLost { bytes, most: Most::Bytes(most), .. } => write!(
                f,
                "{} would be lost, more than --max-loss allows ({most})",
                count(*bytes, "byte")
            ),
            Self::BehindDamage { place, path } => {
                let place = place.as_ref().map_or_else(String::new, |(file, offset)| {
                    format!(" at byte {offset} of {}", name(file))
                });
                let path = shell_word(path.as_os_str().as_encoded_bytes());
                let repair = path.map_or_else(
                    || "aofkit repair".to_owned(),
                    |path| format!("aofkit repair {path}"),
                );
                write!(
                    f,
                    "that moment lies behind damage{place}: repair the set first (`{repair}` says how), then rewind it"
                )
            }
        }
    }
}
