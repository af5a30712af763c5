//! What `aofkit check` takes.

use clap::Args as ClapArgs;
use clap::builder::FalseyValueParser;

use crate::cli::common::reading::Reading;

#[derive(Debug, ClapArgs)]
pub struct CheckArgs {
    #[command(flatten)]
    pub reading: Reading,
    /// Also open every value of an RDB base and look for duplicate keys; slower, takes up to 256 MiB
    #[arg(long, env = "AOFKIT_THOROUGH", value_parser = FalseyValueParser::new())]
    pub thorough: bool,
}

pub const CHECK_CODES: &str = "\
Exit status:
  0   healthy (warnings and leftovers alone are 0)
  1   could not be read
  2   usage
  10  no such path, or no set there
  20  damage at the very end of the last file only
  21  damage elsewhere
  22  manifest invalid or missing, file missing, or a manifest that makes a server harm the set
  24  not supported by the target, or it cannot be told";
