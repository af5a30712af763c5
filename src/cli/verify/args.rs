//! What `aofkit verify` takes.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use crate::cli::common::repository::Place;
use crate::cli::common::trial::LoadArgs;

#[derive(Debug, ClapArgs)]
pub struct VerifyArgs {
    #[command(flatten)]
    pub place: Place,
    /// Also decompress everything and parse every command and RDB entry; with =1/7 the first of seven
    /// parts, so that a week covers it all
    #[arg(long, value_name = "N/OF", num_args = 0..=1, require_equals = true,
        default_missing_value = "1/1", value_parser = slice, env = "AOFKIT_DATA")]
    pub data: Option<(u64, u64)>,
    /// Also restore the newest snapshot of each source aside, have this server load it, and compare all
    /// that it holds with what a second one has from the commands in it
    #[arg(long, value_name = "PATH-TO-SERVER", env = "AOFKIT_LOAD")]
    pub load: Option<PathBuf>,
    #[command(flatten)]
    pub given: LoadArgs,
}

/// Reads `1/7`.
pub fn slice(text: &str) -> Result<(u64, u64), String> {
    let parts = text.split_once('/').and_then(|(n, of)| Some((n.parse().ok()?, of.parse().ok()?)));
    let fits = parts.filter(|(n, of)| 1 <= *n && n <= of);
    fits.ok_or_else(|| format!("'{text}' is not a part such as 1/7"))
}
