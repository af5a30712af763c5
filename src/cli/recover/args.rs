//! What `aofkit recover` takes.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use crate::cli::common::manual::Manual;
use crate::cli::common::moments::MomentArgs;
use crate::cli::common::outcome::Outcome;
use crate::cli::common::reading::Reading;
use crate::cli::common::trial::LoadArgs;

#[derive(Debug, ClapArgs)]
#[command(group = clap::ArgGroup::new("way").args(["into", "output", "show"]))]
pub struct RecoverArgs {
    #[command(flatten)]
    pub reading: Reading,
    /// Keys like this: 'user:42:*'; may be given several times
    #[arg(long, value_name = "GLOB", required = true)]
    pub key: Vec<String>,
    /// Only keys of this database; may be given several times
    #[arg(long, value_name = "N")]
    pub db: Vec<u64>,
    #[command(flatten)]
    pub moment: MomentArgs,
    /// The server program that loads a copy and tells the values
    ///
    /// Such as /usr/bin/redis-server. It has to load the set; best it is the target's own version
    #[arg(long, value_name = "PROGRAM", env = "AOFKIT_LOAD", required = true)]
    pub load: PathBuf,
    #[command(flatten)]
    pub given: LoadArgs,
    /// Bring the keys into this running server; prints a plan
    ///
    /// redis://[USER@]HOST:PORT, rediss:// for TLS, unix:///PATH. --apply carries the plan out. How to be let in is told as for --server
    #[arg(long, value_name = "URL", hide_env = true)]
    pub into: Option<String>,
    /// Write the keys into a new RDB file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["apply", "replace"])]
    pub output: Option<PathBuf>,
    /// Print the values of the keys, as far as they fit on a screen
    #[arg(long, conflicts_with_all = ["apply", "replace"])]
    pub show: bool,
    /// Also replace keys that differ there, and keep their old values in a file
    #[arg(long, requires = "into")]
    pub replace: bool,
    /// The directory of that file [default: the current one]
    #[arg(long, hide_short_help = true, value_name = "DIR", requires = "replace")]
    pub keep_in: Option<PathBuf>,
    /// Write only into the server with this run id, which the plan tells
    #[arg(long, hide_short_help = true, value_name = "ID", requires = "into")]
    pub run_id: Option<String>,
    /// Carry the plan out; without this it is only printed
    #[arg(long, requires = "into")]
    pub apply: bool,
}

pub const MANUAL: Manual = Manual {
    examples: &[
        (
            "aofkit recover R::latest --key 'user:42:*' --load redis-server --show",
            "what these keys held",
        ),
        (
            "aofkit recover . --key '*' --before-command FLUSHALL --load redis-server --into unix:///run/redis.sock",
            "plan: which keys would return",
        ),
        (
            "aofkit recover R::latest --key 'cart:*' --until 2h --load redis-server --into redis://db1 --apply",
            "bring those back that are missing",
        ),
        (
            "aofkit recover . --key '*' --load redis-server --output keys.rdb",
            "the keys as an RDB file",
        ),
    ],
    remark: "A key that the target has is left as it is, unless --replace is given. Of what --replace replaces, the old values are in a \
        file; `aofkit recover FILE --key '*' --replace` with the same target brings them back. Of a key its value and expiry go over, not how often or \
        when it was used. --format resp prints commands for redis-cli --pipe instead.",
    exits: &[
        (Outcome::Done, "planned, or all is written"),
        (
            Outcome::CouldNot,
            "failed, or the target does not take all of it; each key is as it was or new",
        ),
        (Outcome::Usage, "the arguments are wrong"),
        (Outcome::NotFound, "no such set or snapshot"),
        (Outcome::Unsupported, "the server program does not load the set"),
        (Outcome::BadBackup, "the snapshot is damaged"),
        (Outcome::Interrupted, "interrupted; run it again to go on"),
    ],
};
