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
With --load a copy of the set is loaded by that server: without network, as a user who may do nothing, and never where the
log holds a command that acts on more than keys. Its refusal is 21 where nothing else was found; where it loads what was
expected not to load, the exit status is 0, with a warning; where it was not asked for such a command, 24.

Exit status:
  0   healthy (warnings and leftovers alone are 0)
  1   could not be read
  2   usage
  10  no such path, or no set there
  20  damage at the very end of the last file only
  21  damage elsewhere
  22  manifest invalid or missing, file missing, or a manifest that makes a server harm the set
  24  not supported by the target, or it cannot be told";
