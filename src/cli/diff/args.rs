//! What `aofkit diff` takes.

use std::path::PathBuf;

use aofkit::limits;
use clap::Args as ClapArgs;

use crate::cli::common::manual::Manual;
use crate::cli::common::outcome::Outcome;
use crate::cli::common::trial::AskArgs;

#[derive(Debug, ClapArgs)]
pub struct DiffArgs {
    /// The first set: a directory, a file, a snapshot such as REPO::ID, or a moment of one: PATH@TIME, PATH@FILE:OFFSET
    pub a: PathBuf,
    /// The second set, in the same forms
    pub b: PathBuf,
    /// Rows of each table, and keys in JSON
    #[arg(long, value_name = "N", env = "AOFKIT_TOP", default_value_t = 10)]
    pub top: usize,
    /// Exit with 30 when the two are not the same, and with 24 when that cannot be told
    #[arg(long, env = "AOFKIT_FAIL_ON_DIFFERENCE", value_parser = clap::builder::FalseyValueParser::new())]
    pub fail_on_difference: bool,
    #[command(flatten)]
    pub ask: AskArgs,
}

impl DiffArgs {
    /// Rows of each table.
    pub fn rows(&self) -> usize {
        self.top.min(limits::TOP)
    }
}

pub const MANUAL: Manual = Manual {
    examples: &[
        (
            "aofkit diff /srv/old/appendonlydir /srv/new/appendonlydir",
            "after a failover: what was lost?",
        ),
        ("aofkit diff R::latest /var/lib/redis", "the last snapshot against today"),
        ("aofkit diff .@2026-11-24T03:00:00Z .", "what came since"),
        ("aofkit diff --load redis-server A B", "key by key, as a server loads both"),
    ],
    remark: "\
Records are compared by database, name and arguments, without SELECT, PING, REPLCONF, MULTI, EXEC and
#TS. A common stretch is proven by equal bases, or by at least 8 different records in a row that stand
where one of the two logs begins; where none is proven, that is said. --load compares the keys
themselves; keys whose time has passed are no part of that.",
    exits: &[
        (Outcome::Done, "compared; with --fail-on-difference: both are the same"),
        (Outcome::CouldNot, "a set could not be read, or there is no such moment"),
        (Outcome::Usage, "the arguments are wrong, or a path leads to several sets"),
        (Outcome::NotFound, "no such path or snapshot, or no set there"),
        (
            Outcome::Unsupported,
            "the server did not load a set; with --fail-on-difference: it cannot be told",
        ),
        (Outcome::Findings, "with --fail-on-difference: they differ"),
    ],
};
