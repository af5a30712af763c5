//! What `aofkit status` takes.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use jiff::SignedDuration;

use crate::cli::common::manual::Manual;
use crate::cli::common::outcome::Outcome;
use crate::cli::common::repository::directory;
use crate::cli::common::times;

#[derive(Debug, ClapArgs)]
pub struct StatusArgs {
    /// Sets, or directories with one or many of them; may be left out where --conf or --repo says what to look at
    pub paths: Vec<PathBuf>,
    /// Also tell of the backups in this repository: of every source, and which of them each set is
    #[arg(long, value_name = "DIR", env = "AOFKIT_REPO", value_parser = directory())]
    pub repo: Option<PathBuf>,
    /// Exit with 30 when the last snapshot of a set or source is older than this (90m, 25h, 7d), or there is none.
    ///
    /// Sources that keep files as they were found (--as-is) are not judged; --source picks one source
    #[arg(long, value_name = "TIME", env = "AOFKIT_MAX_AGE", requires = "repo", value_parser = age)]
    pub max_age: Option<SignedDuration>,
}

pub fn age(text: &str) -> std::result::Result<SignedDuration, String> {
    times::duration(text).ok_or_else(|| format!("'{text}' is not a time such as 90m, 25h or 7d"))
}

pub const MANUAL: Manual = Manual {
    examples: &[
        ("aofkit status /var/lib/redis", "is the set well, and when is the next rewrite?"),
        (
            "aofkit status /srv/redis --repo /backup/redis --max-age 25h",
            "all sets, and their backups",
        ),
        ("aofkit status --repo /backup/redis --json", "the sources of a repository, for a script"),
    ],
    remark: "\
Sets are read side by side, on at most --threads threads. The worst come first; where there are
many, the rest is counted, and -v shows all. When a source was verified is known where
`aofkit verify --record` has written it down.",
    exits: &[
        (Outcome::Done, "all sets are healthy, and no backup is too old"),
        (Outcome::CouldNot, "a set could not be read, or its running server may not read it"),
        (Outcome::Usage, "the arguments are wrong"),
        (Outcome::NotFound, "no such path or repository, or no set there"),
        (Outcome::TailDamage, "of the worst set: damage at the very end of the last file only"),
        (Outcome::InnerDamage, "of the worst set: damage elsewhere"),
        (Outcome::SetInconsistent, "of the worst set: manifest or files do not fit each other"),
        (Outcome::Unsupported, "of the worst set: not supported, or aofkit does not know"),
        (
            Outcome::BadBackup,
            "the newest snapshot of a source, or what a verification found, is damaged",
        ),
        (Outcome::Findings, "a backup is older than --max-age"),
    ],
};
