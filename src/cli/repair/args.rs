//! What `aofkit repair` takes.

use aofkit::repair;
use clap::Args as ClapArgs;

use crate::cli::changing::Changing;
use crate::cli::common::reading::Reading;

#[derive(Debug, ClapArgs)]
pub struct RepairArgs {
    #[command(flatten)]
    pub reading: Reading,
    #[command(flatten)]
    pub changing: Changing,
    /// Damage inside: cut at the first of it, and drop everything after
    #[arg(long, conflicts_with = "salvage")]
    pub truncate: bool,
    /// Damage inside: drop the damaged ranges alone, and keep every sound record after them
    #[arg(long)]
    pub salvage: bool,
    /// Drop the records of this command that the target is known to refuse; no other way drops a whole one.
    /// \xHH is a byte, \x5C a backslash; several times for several
    #[arg(long, value_name = "NAME", value_parser = repair::Drops::name)]
    pub drop_command: Vec<std::vec::Vec<u8>>,
    /// Drop the one record that begins there, if the target does not take it; several times for several
    #[arg(long, value_name = "FILE:OFFSET", value_parser = repair::Place::parse)]
    pub drop_at: Vec<repair::Place>,
    /// List the changes that are kept, and take the last one back (with --apply)
    #[arg(long, conflicts_with_all = ["truncate", "salvage", "drop_command", "drop_at", "output", "max_loss", "no_keep"])]
    pub undo: bool,
}

pub const REPAIR_CODES: &str = "\
Exit status: as `check` would answer for the result with --apply or --output, and for the untouched set
without; 0 when there is nothing to do. Also:
  1    failed; nothing was changed
  2    usage
  10   no such path, or no set there
  11   a process has the files open for writing, or another aofkit works on the set
  23   the loss would exceed --max-loss; nothing was changed
  130  interrupted; a change that had begun was finished or taken back";
