//! Why nothing is rewritten.

use crate::aof::{Aof, LeftoverKind, Role};
use std::fmt;
use std::time::UNIX_EPOCH;

use crate::server::ServerState;
use crate::text::{count, name, thousands};

use super::running::is_its_log;
use super::trigger::Trigger;

/// A rewrite writes to its file all the time; one that has not for so many seconds is not running.
const QUIET: i64 = 60;

/// Increments from which on rewrites must have failed: one is written to, and one more during a rewrite.
const INCREMENTS: usize = 3;

/// Something that keeps rewrites from happening, or delays them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hold {
    /// A file that the manifest names is not there: what is counted here is not the set.
    Missing {
        /// Its name.
        file: String,
        /// How many more are missing.
        others: u64,
    },
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
    /// The running server keeps no log.
    NoLog,
    /// The running server loads its data.
    Loading,
    /// The running server says that a child rewrites.
    Child {
        /// Seconds so far.
        seconds: Option<u64>,
    },
    /// The running server's child saves an RDB, and a rewrite waits for that.
    Saving {
        /// A rewrite is to follow at once.
        is_scheduled: bool,
    },
    /// The running server says that its last rewrite failed.
    Failed {
        /// How many failed in a row.
        in_a_row: Option<u64>,
    },
    /// The running server could not write to its log the last time it tried.
    Unwritable,
}

impl Hold {
    /// Its name for scripts.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "missing-file",
            Self::Off => "off",
            Self::BelowMinimum => "below-minimum",
            Self::Running { .. } => "running",
            Self::Abandoned { .. } => "abandoned",
            Self::Failing { .. } => "failing",
            Self::NoLog => "no-log",
            Self::Loading => "loading",
            Self::Child { .. } => "running",
            Self::Saving { .. } => "saving",
            Self::Failed { .. } => "failed",
            Self::Unwritable => "unwritable",
        }
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { file, others } => {
                write!(f, "{file}")?;
                if *others > 0 {
                    write!(f, " and {}", count(*others, "more file"))?;
                }
                f.write_str(
                    " is missing, which the manifest names: no server loads this set, and the figures do not count that file",
                )
            }
            Self::Off => f.write_str("auto-aof-rewrite-percentage is 0: no server rewrites it by itself"),
            Self::BelowMinimum => f.write_str(
                "it has grown by enough percent, but is smaller than auto-aof-rewrite-min-size: no rewrite before it reaches that size",
            ),
            Self::Running { file, bytes } => write!(
                f,
                "a rewrite is running: {file} has {} so far, and no other begins before it ends",
                count(*bytes, "byte")
            ),
            Self::Abandoned { file, .. } => write!(
                f,
                "a rewrite never ended: {file} has not been written to for a long time. A child that hangs keeps \
                 all others from beginning; one that is gone left a file to clean away"
            ),
            Self::Failing { increments } => write!(
                f,
                "{} increments: every rewrite that fails leaves one more, and after three failures a server \
                 waits up to an hour before it tries again; see its log",
                thousands(*increments as u64)
            ),
            Self::NoLog => f.write_str("the server keeps no log (appendonly no): it rewrites none"),
            Self::Loading => f.write_str("the server loads its data, and rewrites nothing before that is done"),
            Self::Child { seconds } => {
                f.write_str("the server rewrites right now")?;
                if let Some(seconds) = seconds {
                    write!(f, ", for {} so far", count(*seconds, "second"))?;
                }
                f.write_str("; no other begins before it ends")
            }
            Self::Saving { is_scheduled } => f.write_str(match is_scheduled {
                true => "the server saves an RDB, and rewrites as soon as that is done",
                false => "the server saves an RDB, and rewrites nothing before that is done",
            }),
            Self::Failed { in_a_row } => {
                f.write_str("the server's last rewrite failed")?;
                if let Some(times) = in_a_row.filter(|times| *times > 1) {
                    write!(f, ", {} in a row", count(times, "time"))?;
                }
                f.write_str("; after three failures it waits up to an hour before it tries again; see its log")
            }
            Self::Unwritable => f.write_str(
                "the server could not write to its log: it refuses writes of clients until it can; see its log",
            ),
        }
    }
}

/// What keeps this set from being rewritten, as of a time in Unix seconds.
pub(super) fn holds(
    aof: &Aof,
    trigger: &Trigger,
    now: i64,
    server: Option<&ServerState>,
) -> Vec<Hold> {
    let mut holds: Vec<_> = missing(aof).into_iter().collect();
    holds.extend(server.map_or_else(Vec::new, told));
    // It knows of its own children; of a file that lies here only when this is its log.
    let has_no_child = server.is_some_and(|server| {
        server.rewrite_in_progress == Some(false) && is_its_log(aof, server) == Some(true)
    });
    let has_child = holds.iter().any(|hold| matches!(hold, Hold::Child { .. }));
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
        match now.saturating_sub(since) > QUIET || has_no_child {
            true => holds.push(Hold::Abandoned { file, since }),
            false if has_child => {}
            false => holds.push(Hold::Running { file, bytes: leftover.len }),
        }
    }
    let increments = aof.live().filter(|(_, segment)| segment.role == Role::Increment).count();
    if increments >= INCREMENTS {
        holds.push(Hold::Failing { increments });
    }
    holds
}

/// What the manifest names and is not there.
fn missing(aof: &Aof) -> Option<Hold> {
    let mut missing = aof.live().filter(|(_, segment)| segment.is_missing());
    let (_, first) = missing.next()?;
    Some(Hold::Missing { file: name(&first.name), others: missing.count() as u64 })
}

/// What the running server says of itself.
fn told(server: &ServerState) -> Vec<Hold> {
    let mut holds = Vec::new();
    let is = |flag: Option<bool>| flag == Some(true);
    let is_not = |flag: Option<bool>| flag == Some(false);
    if is_not(server.aof_enabled) {
        holds.push(Hold::NoLog);
    }
    if is(server.loading) {
        holds.push(Hold::Loading);
    }
    if is(server.rewrite_in_progress) {
        holds.push(Hold::Child { seconds: server.rewrite_running_seconds });
    } else if is(server.save_in_progress) {
        holds.push(Hold::Saving { is_scheduled: is(server.rewrite_scheduled) });
    }
    if is_not(server.rewrite_last_ok) {
        holds.push(Hold::Failed { in_a_row: server.rewrites_failed });
    }
    if is_not(server.write_last_ok) {
        holds.push(Hold::Unwritable);
    }
    holds
}

/// Whether a leftover is what a rewrite writes before it is done.
pub(super) fn is_rewrite(leftover: &crate::aof::Leftover) -> bool {
    let name = leftover.path.file_name().map(|name| name.as_encoded_bytes().to_vec());
    leftover.kind == LeftoverKind::Temporary
        && name.is_some_and(|name| name.starts_with(b"temp-rewriteaof-"))
}
