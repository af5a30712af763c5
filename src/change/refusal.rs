//! Why a proposal is not carried out.

use std::fmt;
use std::path::PathBuf;

use super::loss::Loss;
use crate::check::{Report, Severity};
use crate::disk::{Fixed, Kind};
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
    /// The plan filters a file while it writes it, so that nothing can be looked at before.
    NoPreview,
    /// What a process alone still has open can only be written to another directory.
    OnlyElsewhere,
    /// There is no room for a new file, and a cut in place would cut what else has this file under another name.
    NoRoomAndLinked,
    /// Two files of the set are one under two names.
    TwoNames,
    /// It is a symbolic link, which would be replaced.
    Link {
        /// What it is of the set.
        what: Linked,
        /// Whether the result could be written to another directory.
        has_output: bool,
    },
    /// The manifest has to be repaired first.
    ManifestFirst,
    /// It is no file.
    NoFile(Kind),
    /// It must be a regular file.
    NoRegularFile(Kind),
    /// An undo gives no such bits to a file.
    Mode(u32),
    /// The system would refuse to replace it or take it away.
    Fixed(Fixed),
    /// A new directory could not take this place.
    FixedPlace(Fixed),
    /// No new directory can have this name.
    NoNewName,
    /// The new directory would lie in the set's own.
    InOwnDirectory,
    /// Something is in the directory that the result is to be written to.
    NotEmpty,
    /// Something is in the directory that a copy would be written to first.
    CopyNotEmpty,
    /// The name of the set is too long for a directory beside it.
    NameTooLong,
    /// No further change can be numbered.
    NoNumbers,
}

/// What of a set is a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linked {
    /// The file itself.
    Itself,
    /// The manifest.
    Manifest,
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
            Self::NoFile(kind) => write!(f, "it is {}, and no file", kind.name()),
            Self::NoRegularFile(kind) => {
                write!(f, "it is {}, and must be a regular file here", kind.name())
            }
            Self::Mode(mode) => write!(
                f,
                "its mode is {mode:o}, and an undo gives no such bits to a file: take them away first (chmod)"
            ),
            Self::FixedPlace(fixed) => write!(
                f,
                "it, or the directory it lies in, is {}: nothing can take its place. Name a new directory in it or beside it",
                fixed.name()
            ),
            Self::Fixed(fixed) => write!(
                f,
                "it is {}, so the change could not be carried out to its end",
                fixed.name()
            ),
            Self::Link { what, has_output } => {
                let (what, or) = (what.as_str(), if *has_output { OR_OUTPUT } else { "" });
                write!(
                    f,
                    "{what} is a symbolic link, which would be replaced: name the file itself{or}"
                )
            }
            Self::TwoNames => {
                write!(f, "two files of the set are the same file under two names{OR_OUTPUT}")
            }
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
            other => f.write_str(other.always()),
        }
    }
}

/// The way out where a file of the set may not be replaced.
const OR_OUTPUT: &str = ", or use --output DIR";

impl Refusal {
    /// The words of those that say the same whatever they are about.
    const fn always(&self) -> &'static str {
        match self {
            Self::NoPreview => {
                "this plan filters a file while it writes it: its result cannot be previewed"
            }
            Self::OnlyElsewhere => "a copy of what only a process still has needs a new directory",
            Self::NoRoomAndLinked => {
                "there is no room for a new file, and this one has other names (hard links) that a cut in place would cut \
                 as well: write the result elsewhere with --output DIR"
            }
            Self::ManifestFirst => {
                "first repair the manifest: run `aofkit repair` without --salvage or --truncate"
            }
            Self::NoNewName => "this cannot be the name of a new directory",
            Self::InOwnDirectory => "it lies in the set's own directory, which stays as it is",
            Self::NotEmpty => "it must not exist, or be empty",
            Self::CopyNotEmpty => {
                "a copy would be written here, and there is something in it: move it away"
            }
            Self::NameTooLong => {
                "its name is too long for a directory of that name that keeps what is removed: write the result \
                 elsewhere with --output DIR"
            }
            Self::NoNumbers => "its changes cannot be numbered any further: move it away",
            _ => "",
        }
    }
}

impl Linked {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Itself => "it",
            Self::Manifest => "the manifest",
        }
    }
}
