//! What `aofkit repair` takes.

use std::ffi::OsString;

use aofkit::repair;
use clap::Args as ClapArgs;

use crate::cli::changing::{self, Changing};
use crate::cli::common::manual::Manual;
use crate::cli::common::reading::Reading;
use crate::cli::common::trial::AskArgs;

#[derive(Debug, ClapArgs)]
pub struct RepairArgs {
    #[command(flatten)]
    pub reading: Reading,
    #[command(flatten)]
    pub changing: Changing,
    #[command(flatten)]
    pub ask: AskArgs,
    /// Inner damage: cut the log at the first damaged byte
    ///
    /// Everything after it goes
    #[arg(long, conflicts_with = "salvage")]
    pub truncate: bool,
    /// Inner damage: drop the damaged ranges alone
    ///
    /// Every sound record after them stays
    #[arg(long)]
    pub salvage: bool,
    /// Drop the records of this command that the target refuses
    ///
    /// May be given several times. No other option drops a whole record. In NAME, \xHH is a byte and \x5C a backslash
    #[arg(long, value_name = "NAME", value_parser = repair::Drops::name)]
    pub drop_command: Vec<std::vec::Vec<u8>>,
    /// Drop the record that begins there, if the target refuses it
    ///
    /// May be given several times
    #[arg(long, value_name = "FILE:OFFSET", value_parser = repair::Place::parse)]
    pub drop_at: Vec<repair::Place>,
    /// Take in a file beside the set that may be the only copy of something.
    ///
    /// Orphans, or a dump, take the place of the set's files, which are kept aside. A temporary increment becomes the
    /// last increment. Where there are several such files, name one
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true,
        conflicts_with_all = ["truncate", "salvage", "drop_command", "drop_at"])]
    pub adopt: Option<Option<OsString>>,
    /// List earlier changes; with --apply take the last one back
    #[arg(long, conflicts_with_all = ["truncate", "salvage", "drop_command", "drop_at", "adopt", "output", "max_loss", "no_keep"])]
    pub undo: bool,
}

pub const MANUAL: Manual = Manual {
    examples: &[
        ("aofkit repair /var/lib/redis", "print the plan"),
        ("aofkit repair --apply /var/lib/redis", "carry it out"),
        ("aofkit repair --salvage --output fixed .", "a repaired copy, sound records kept"),
        ("aofkit repair --undo --apply /var/lib/redis", "take the last change back"),
    ],
    remark: "The verdict is that of the result with --apply or --output, else that of the set as it is.",
    exits: changing::EXITS,
};
