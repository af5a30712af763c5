//! What `aofkit rewind` takes.

use aofkit::rewind::Later;
use clap::Args as ClapArgs;

use crate::cli::changing::{self, Changing};
use crate::cli::common::manual::Manual;
use crate::cli::common::reading::Reading;
use crate::cli::common::trial::AskArgs;

#[derive(Debug, ClapArgs)]
#[command(group = clap::ArgGroup::new("moment").required(true))]
pub struct RewindArgs {
    #[command(flatten)]
    pub reading: Reading,
    /// Keep what was logged up to this time
    ///
    /// 2026-11-24T03:00:00Z, @1764000000, or 2h (ago); that second itself is kept. Times come from the #TS annotations of aof-timestamp-enabled
    #[arg(long, value_name = "TIME", group = "moment")]
    pub until: Option<String>,
    /// Keep everything before this byte of this file
    ///
    /// Inside a record or transaction, the cut goes back to its beginning
    #[arg(long, value_name = "FILE:OFFSET", group = "moment")]
    pub at: Option<String>,
    /// Keep everything before the last such command
    ///
    /// FLUSHALL, FLUSHALL:first for the first one, 'XGROUP|DESTROY'
    #[arg(long, value_name = "NAME", group = "moment")]
    pub before_command: Option<String>,
    /// With --before-command: on a key like this: 'user:*'
    #[arg(long, value_name = "GLOB", conflicts_with_all = ["until", "at"])]
    pub key: Vec<String>,
    /// Take that one command out, and keep all that came after it
    ///
    /// A key that a later command names keeps the value of today; the others that the command changed return. A transaction goes whole
    #[arg(long, conflicts_with_all = ["until", "list"])]
    pub keep_later: bool,
    /// With --keep-later: replay what came after on what was there before
    ///
    /// Lists the commands that may do something else then, such as INCR or SET NX
    #[arg(long, requires = "keep_later")]
    pub merge: bool,
    /// List places to go back to
    ///
    /// Flushes, many deletions in a row, ends of files, times
    #[arg(long, group = "moment", conflicts_with_all = ["apply", "output", "key"])]
    pub list: bool,
    #[command(flatten)]
    pub changing: Changing,
    #[command(flatten)]
    pub ask: AskArgs,
}

impl RewindArgs {
    /// How what came after the command is kept, if it is.
    pub fn later(&self) -> Option<Later> {
        self.keep_later.then_some(if self.merge { Later::Merges } else { Later::Keeps })
    }
}

pub const MANUAL: Manual = Manual {
    examples: &[
        ("aofkit rewind --list .", "places to go back to"),
        ("aofkit rewind --before-command FLUSHALL .", "plan: undo the last FLUSHALL"),
        (
            "aofkit rewind --before-command FLUSHALL --keep-later .",
            "the same, and keep what was written since",
        ),
        ("aofkit rewind --until 2026-11-24T03:00:00Z --apply .", "go back to a second"),
    ],
    remark: "The verdict is that of the result with --apply or --output, else that of the set as it is.",
    exits: changing::EXITS,
};
