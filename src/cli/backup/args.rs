//! What `aofkit backup` takes.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use clap::builder::FalseyValueParser;
use jiff::SignedDuration;

use crate::cli::common::context::Context;
use crate::cli::common::manual::Manual;
use crate::cli::common::outcome::Outcome;
use crate::cli::common::reading::Reading;
use crate::cli::common::repository::Place;
use crate::cli::common::sizes::parse_bytes;
use crate::cli::common::times;

#[derive(Debug, ClapArgs)]
pub struct BackupArgs {
    #[command(flatten)]
    pub reading: Reading,
    /// With --all: further sets, or directories with sets
    #[arg(value_name = "PATH", requires = "all")]
    pub more: Vec<PathBuf>,
    #[command(flatten)]
    pub place: Place,
    /// Take every set at the paths, each as a source of its own; one that fails stops no other
    #[arg(long)]
    pub all: bool,
    /// A label for the snapshot; may be given several times
    #[arg(long, value_name = "LABEL", env = "AOFKIT_TAG", value_delimiter = ',')]
    pub tag: Vec<String>,
    /// zstd's level: higher is smaller and slower
    #[arg(long, value_name = "N", default_value_t = 1, env = "AOFKIT_LEVEL",
        value_parser = clap::value_parser!(i32).range(1..=19))]
    pub level: i32,
    /// Leave this much of the repository's file system free [default: a tenth, at most 2 GiB]
    #[arg(long, value_name = "SIZE", env = "AOFKIT_MIN_FREE", value_parser = parse_bytes)]
    pub min_free: Option<u64>,
    /// Also store these files, such as redis.conf and users.acl
    #[arg(long, value_name = "FILE", num_args = 1.., env = "AOFKIT_INCLUDE", value_delimiter = ',')]
    pub include: Vec<PathBuf>,
    /// Leave out files that earlier runs stored with --include and this run does not name; else they stay as last read
    #[arg(long, hide_short_help = true, env = "AOFKIT_DROP_INCLUDES",
        value_parser = FalseyValueParser::new())]
    pub drop_includes: bool,
    /// Keep the files as they lie there, damaged or not, in the source SOURCE.as-is; nothing is verified.
    ///
    /// For a damaged set, before anybody touches it. No `latest` leads there unless --source names it
    #[arg(long)]
    pub as_is: bool,
    /// End with exit status 30 when the set has lost PERCENT of its keys or bytes since the last snapshot, has another
    /// history, or was begun anew by a server.
    ///
    /// The snapshot is taken all the same
    #[arg(long, value_name = "PERCENT", env = "AOFKIT_FAIL_ON_SHRINK",
        value_parser = clap::value_parser!(u64).range(1..=100))]
    pub fail_on_shrink: Option<u64>,
    /// Accept that the set has nothing in common with the last snapshot of this source
    #[arg(long)]
    pub new_history: bool,
    /// Make a snapshot although nothing has changed since the last one
    #[arg(long, env = "AOFKIT_ALWAYS", value_parser = FalseyValueParser::new())]
    pub always: bool,
    /// Compare all bytes with the last snapshot, not only the ends of files
    #[arg(long, hide_short_help = true, env = "AOFKIT_PARANOID",
        value_parser = FalseyValueParser::new())]
    pub paranoid: bool,
    /// Wait until all writes that --server has acknowledged are in its files, at most SECONDS [default: 10].
    ///
    /// Without --exact, up to two seconds may be missing with appendfsync everysec
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true,
        default_missing_value = "10", env = "AOFKIT_EXACT")]
    pub exact: Option<u64>,
    /// Warn when nothing was written to the set for this long: 2h, 7d
    #[arg(long, value_name = "TIME", default_value = "1d", env = "AOFKIT_STALE_AFTER",
        value_parser = stale_after)]
    pub stale_after: SignedDuration,
}

pub fn stale_after(text: &str) -> std::result::Result<SignedDuration, String> {
    times::duration(text).ok_or_else(|| format!("'{text}' is not a time such as 90m, 2h or 7d"))
}

impl BackupArgs {
    /// All paths that were named; an empty one where a configuration says where the set is.
    pub fn paths(&self) -> Vec<PathBuf> {
        let first = self.reading.path().to_owned();
        std::iter::once(first).chain(self.more.iter().cloned()).collect()
    }

    /// Whether it can be done, or why not.
    pub fn can_run(&self, context: &Context) -> std::result::Result<(), String> {
        if self.all && context.source.is_some() {
            return Err("--all gives each set a source of its own: leave out --source".to_owned());
        }
        if self.all && context.server.is_some() {
            return Err("--server is the server of one set: leave it out with --all".to_owned());
        }
        match self.exact {
            Some(_) if context.server.is_none() => {
                Err("--exact asks the server: give --server URL, too".to_owned())
            }
            Some(_) if self.as_is => Err(
                "--exact is about a set that a server goes on writing, --as-is about a damaged one"
                    .to_owned(),
            ),
            _ => Ok(()),
        }
    }
}

pub const MANUAL: Manual = Manual {
    examples: &[
        ("aofkit backup --repo /backup/redis /var/lib/redis", "one incremental snapshot"),
        ("aofkit backup --repo R --tag daily --include redis.conf .", "with a label and a file"),
        (
            "aofkit backup --repo R --server redis://localhost --exact .",
            "with every acknowledged write",
        ),
        ("aofkit backup --repo R --as-is .", "a damaged set, before anybody touches it"),
        ("aofkit backup --repo R --all /srv/redis", "every set below a directory"),
    ],
    remark: "\
With --all the exit status is the worst of all sets: one that could not be taken before what was
found in one that was.",
    exits: &[
        (Outcome::Done, "a snapshot was stored, or nothing had changed"),
        (Outcome::CouldNot, "failed; the repository has no new snapshot"),
        (Outcome::Usage, "the arguments are wrong"),
        (Outcome::NotFound, "no such path, or no set there"),
        (Outcome::InUse, "another run holds the repository"),
        (Outcome::BadBackup, "the set, or what the repository holds, is damaged"),
        (Outcome::Findings, "stored, and the set shrank (--fail-on-shrink)"),
        (Outcome::Interrupted, "interrupted; the repository has no new snapshot"),
    ],
};
