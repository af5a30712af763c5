//! What `aofkit restore` takes.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use crate::cli::common::moments::MomentArgs;

#[derive(Debug, ClapArgs)]
pub struct RestoreArgs {
    /// REPO::latest, REPO::latest~2 (two before it), or REPO::ID
    pub snapshot: PathBuf,
    /// The append directory to make: the set's files come directly into it
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Put the snapshot in the place of a directory that is not empty, and keep that one beside it
    #[arg(long)]
    pub replace: bool,
    #[command(flatten)]
    pub moment: MomentArgs,
    /// Also print the lines of redis.conf by which a server finds the set
    #[arg(long)]
    pub print_config: bool,
}
