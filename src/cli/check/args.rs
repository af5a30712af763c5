//! What `aofkit check` takes.

use clap::Args as ClapArgs;
use clap::builder::FalseyValueParser;

use crate::cli::common::reading::Reading;
use crate::cli::common::trial::AskArgs;

#[derive(Debug, ClapArgs)]
pub struct CheckArgs {
    #[command(flatten)]
    pub reading: Reading,
    /// Also open every value of an RDB base and look for duplicate keys; slower, takes up to 256 MiB
    #[arg(long, env = "AOFKIT_THOROUGH", value_parser = FalseyValueParser::new())]
    pub thorough: bool,
    #[command(flatten)]
    pub ask: AskArgs,
}

pub const CHECK_CODES: &str = "\
With --load that server loads a copy of the set, without network and as a user who may do
nothing; never a log with a command that acts on more than keys (24). A server that refuses a
set in which nothing was found: 21. One that loads what was expected not to load: 0, and the
output says so.

Exit status:
  0   healthy (warnings and leftovers alone are 0)
  1   could not be read
  2   usage
  10  no such path, or no set there
  20  damage at the very end of the last file only
  21  damage elsewhere
  22  manifest invalid or missing, file missing, or a manifest that makes a server harm the set
  24  not supported by the target, or it cannot be told";
