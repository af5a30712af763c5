//! What `aofkit clean` takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args as ClapArgs;

use crate::cli::common::reading::Reading;
use crate::cli::common::times;

#[derive(Debug, ClapArgs)]
pub struct CleanArgs {
    #[command(flatten)]
    pub reading: Reading,
    /// Do it; without this the plan is printed and nothing is changed
    #[arg(long)]
    pub apply: bool,
    /// Leave alone what was last written to less than this ago: 90s, 15m, 2h, 7d
    #[arg(long, value_name = "AGE", default_value = "1h", env = "AOFKIT_MIN_AGE",
        value_parser = min_age)]
    pub min_age: Duration,
    /// Delete instead of keeping aside: there is no way back then
    #[arg(long)]
    pub delete: bool,
    /// Keep what is removed below DIR, not beside the set
    #[arg(long, value_name = "DIR", env = "AOFKIT_KEEP_IN", conflicts_with = "delete")]
    pub keep_in: Option<PathBuf>,
}

pub fn min_age(text: &str) -> std::result::Result<Duration, String> {
    let age = times::duration(text).and_then(|age| Duration::try_from(age).ok());
    age.ok_or_else(|| "write a duration such as 90s, 15m, 2h or 7d".to_owned())
}

pub const CLEAN_CODES: &str = "\
`clean` never touches a base or increment that the manifest names, a file that a process has open, a file younger
than --min-age, and beside a running server a file that the manifest may be about to name.

Exit status:
  0   done, or nothing to do
  1   could not be done: the manifest is missing or not valid, or the system refuses
  2   usage
  10  no such path, or no set there
  11  another run works on the set, or a file was opened meanwhile";
