//! What `aofkit rewind` takes.

use clap::Args as ClapArgs;

use crate::cli::changing::Changing;
use crate::cli::common::reading::Reading;

#[derive(Debug, ClapArgs)]
#[command(group = clap::ArgGroup::new("moment").required(true))]
pub struct RewindArgs {
    #[command(flatten)]
    pub reading: Reading,
    /// Keep what was logged at this time or earlier, by #TS annotations: 2026-11-24T03:00:00Z,
    /// @1764000000, or 2h for two hours ago
    #[arg(long, value_name = "TIME", group = "moment")]
    pub until: Option<String>,
    /// Keep what stands before this byte of this file of the set; from the middle of a record or
    /// transaction it goes back to its beginning
    #[arg(long, value_name = "FILE:OFFSET", group = "moment")]
    pub at: Option<String>,
    /// Keep what stands before this command: FLUSHALL, FLUSHALL:first, 'XGROUP|DESTROY:last'; the last
    /// one where nothing is said
    #[arg(long, value_name = "NAME[:first|:last]", group = "moment")]
    pub before_command: Option<String>,
    /// Only a command that names a key of this pattern, as KEYS understands it: 'user:*'
    #[arg(long, value_name = "GLOB", conflicts_with_all = ["until", "at"])]
    pub key: Vec<String>,
    /// Show places one may want to go back to: flushes, many deletions in a row, borders of files, and
    /// which times the set knows of
    #[arg(long, group = "moment", conflicts_with_all = ["apply", "output", "key"])]
    pub list: bool,
    #[command(flatten)]
    pub changing: Changing,
}
