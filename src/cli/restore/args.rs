//! What `aofkit restore` takes.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use crate::cli::common::manual::Manual;
use crate::cli::common::moments::MomentArgs;
use crate::cli::common::outcome::Outcome;
use crate::cli::common::trial::AskArgs;

#[derive(Debug, ClapArgs)]
pub struct RestoreArgs {
    /// REPO::latest, REPO::latest~2 (two before it), or REPO::ID
    pub snapshot: PathBuf,
    /// The append directory to write; the set's files lie directly in it
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Replace a directory that is not empty; the old one is kept beside it
    #[arg(long)]
    pub replace: bool,
    #[command(flatten)]
    pub moment: MomentArgs,
    #[command(flatten)]
    pub ask: AskArgs,
    /// Also print the lines of redis.conf with which a server finds the set
    #[arg(long)]
    pub print_config: bool,
}

pub const MANUAL: Manual = Manual {
    examples: &[
        ("aofkit restore R::latest /var/lib/redis/appendonlydir", "the newest snapshot"),
        ("aofkit restore R::latest DIR --until 2h", "as it was two hours ago"),
        ("aofkit restore R::latest DIR --before-command FLUSHALL", "without the last FLUSHALL"),
    ],
    remark: "",
    exits: &[
        (Outcome::Done, "restored"),
        (Outcome::CouldNot, "failed, or the snapshot does not have that moment; DIR is as it was"),
        (Outcome::Usage, "the arguments are wrong"),
        (Outcome::NotFound, "no such snapshot"),
        (Outcome::InUse, "a process has files of DIR open for writing"),
        (Outcome::BadBackup, "the snapshot is damaged"),
        (Outcome::Interrupted, "interrupted; DIR is as it was"),
    ],
};
