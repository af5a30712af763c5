//! What `aofkit backup` takes.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use clap::builder::FalseyValueParser;
use jiff::SignedDuration;

use crate::cli::common::context::Context;
use crate::cli::common::reading::Reading;
use crate::cli::common::repository::Place;
use crate::cli::common::sizes::parse_bytes;
use crate::cli::common::times;

#[derive(Debug, ClapArgs)]
pub struct BackupArgs {
    #[command(flatten)]
    pub reading: Reading,
    #[command(flatten)]
    pub place: Place,
    /// A label for the snapshot; may be given several times
    #[arg(long, value_name = "LABEL", env = "AOFKIT_TAG", value_delimiter = ',')]
    pub tag: Vec<String>,
    /// zstd's level: higher is smaller and slower
    #[arg(long, value_name = "N", default_value_t = 1, env = "AOFKIT_LEVEL",
        value_parser = clap::value_parser!(i32).range(1..=19))]
    pub level: i32,
    /// Leave so much of the repository's file system free [default: a tenth of it, at most 2 GiB]
    #[arg(long, value_name = "SIZE", env = "AOFKIT_MIN_FREE", value_parser = parse_bytes)]
    pub min_free: Option<u64>,
    /// Keep these files with the set, such as redis.conf and users.acl
    #[arg(long, value_name = "FILE", num_args = 1.., env = "AOFKIT_INCLUDE", value_delimiter = ',')]
    pub include: Vec<PathBuf>,
    /// The set has nothing in common with what the source had before, and is meant to take over
    #[arg(long)]
    pub new_history: bool,
    /// Make a snapshot also when nothing has changed since the last one
    #[arg(long, env = "AOFKIT_ALWAYS", value_parser = FalseyValueParser::new())]
    pub always: bool,
    /// Compare all bytes that the last snapshot has, and not only the ends of files
    #[arg(long, env = "AOFKIT_PARANOID", value_parser = FalseyValueParser::new())]
    pub paranoid: bool,
    /// Wait until everything that the server of --server has acknowledged is in its files, at most so many
    /// seconds; without, with appendfsync everysec, up to two seconds may be missing
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true,
        default_missing_value = "10", env = "AOFKIT_EXACT")]
    pub exact: Option<u64>,
    /// Tell when nothing was written to the set for so long: 2h, 7d; its server may write elsewhere by now
    #[arg(long, value_name = "TIME", default_value = "1d", env = "AOFKIT_STALE_AFTER",
        value_parser = stale_after)]
    pub stale_after: SignedDuration,
}

pub fn stale_after(text: &str) -> std::result::Result<SignedDuration, String> {
    times::duration(text).ok_or_else(|| format!("'{text}' is not a time such as 90m, 2h or 7d"))
}

impl BackupArgs {
    /// Whether it can be done, or why not.
    pub fn can_run(&self, context: &Context) -> std::result::Result<(), String> {
        match self.exact {
            Some(_) if context.server.is_none() => {
                Err("--exact asks the server: give --server URL, too".to_owned())
            }
            _ => Ok(()),
        }
    }
}
