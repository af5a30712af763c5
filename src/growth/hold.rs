//! Why nothing is rewritten.

use std::fmt;
use std::time::UNIX_EPOCH;

use crate::aof::{Aof, Role};
use crate::text::{count, name, thousands};

use super::outlook::is_rewrite;
use super::trigger::Trigger;

/// A rewrite writes to its file all the time; one that has not for so many seconds is not running.
const QUIET: i64 = 60;

/// Increments from which on rewrites must have failed: one is written to, and one more during a rewrite.
const INCREMENTS: usize = 3;

/// Something that keeps rewrites from happening, or delays them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hold {
    /// The percentage is 0.
    Off,
    /// The set has grown enough, but is still smaller than the minimum.
    BelowMinimum,
    /// A child is writing a base right now, or another process writes its files.
    Running {
        /// The file that is written.
        file: String,
        /// Bytes so far.
        bytes: u64,
    },
    /// A child's file lies there, and nobody has written to it for a long time.
    Abandoned {
        /// The file that was written.
        file: String,
        /// Unix seconds of the last write.
        since: i64,
    },
    /// So many increments: every rewrite that fails leaves one more.
    Failing {
        /// How many there are.
        increments: usize,
    },
}

impl Hold {
    /// Its name for scripts.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::BelowMinimum => "below-minimum",
            Self::Running { .. } => "running",
            Self::Abandoned { .. } => "abandoned",
            Self::Failing { .. } => "failing",
        }
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("auto-aof-rewrite-percentage is 0: no server rewrites it by itself"),
            Self::BelowMinimum => f.write_str(
                "it has grown enough, and is still below auto-aof-rewrite-min-size: nothing happens until then",
            ),
            Self::Running { file, bytes } => write!(
                f,
                "a rewrite is running: {file} has {} so far, and no other begins before it ends",
                count(*bytes, "byte")
            ),
            Self::Abandoned { file, .. } => write!(
                f,
                "a rewrite never ended: {file} has not been written to for long; a child that hangs keeps \
                 all others from beginning, one that is gone left a file to clean away"
            ),
            Self::Failing { increments } => write!(
                f,
                "{} increments: every rewrite that fails leaves one more, and after three failures a server \
                 waits up to an hour before it tries again; see its log",
                thousands(*increments as u64)
            ),
        }
    }
}

/// What keeps this set from being rewritten, as of a time in Unix seconds.
pub(super) fn holds(aof: &Aof, trigger: &Trigger, now: i64) -> Vec<Hold> {
    let mut holds = Vec::new();
    if trigger.percentage == 0 {
        holds.push(Hold::Off);
    }
    if trigger.waits_for_minimum() {
        holds.push(Hold::BelowMinimum);
    }
    for leftover in aof.leftovers.iter().filter(|leftover| is_rewrite(leftover)) {
        let file = leftover.path.file_name().unwrap_or(leftover.path.as_os_str());
        let file = name(file.as_encoded_bytes());
        let since = leftover.modified.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let since = since.and_then(|since| i64::try_from(since.as_secs()).ok()).unwrap_or(0);
        holds.push(match now.saturating_sub(since) > QUIET {
            true => Hold::Abandoned { file, since },
            false => Hold::Running { file, bytes: leftover.len },
        });
    }
    let increments = aof.live().filter(|(_, segment)| segment.role == Role::Increment).count();
    if increments >= INCREMENTS {
        holds.push(Hold::Failing { increments });
    }
    holds
}
