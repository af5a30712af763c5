//! What `aofkit check` takes.

use clap::Args as ClapArgs;
use clap::builder::FalseyValueParser;

use crate::cli::common::manual::Manual;
use crate::cli::common::outcome::Outcome;
use crate::cli::common::reading::Reading;
use crate::cli::common::trial::AskArgs;

#[derive(Debug, ClapArgs)]
pub struct CheckArgs {
    #[command(flatten)]
    pub reading: Reading,
    /// Also open every value of an RDB base and look for duplicate keys; slower, uses up to 256 MiB
    #[arg(long, env = "AOFKIT_THOROUGH", value_parser = FalseyValueParser::new())]
    pub thorough: bool,
    #[command(flatten)]
    pub ask: AskArgs,
}

pub const MANUAL: Manual = Manual {
    examples: &[
        ("aofkit check /var/lib/redis", "check the set of a data directory"),
        ("aofkit check --target valkey-9.1 appendonlydir", "would Valkey 9.1 load it?"),
        ("aofkit check --json backup.aof | jq .verdict", "for a script"),
    ],
    remark: "\
With --load that server loads a copy of the set, without network and as a user who may do
nothing; never a log with a command that acts on more than keys (24). A server that refuses a
set in which nothing was found: 21. One that loads what was expected not to load: 0, and the
output says so.",
    exits: &[
        (Outcome::Done, "healthy (warnings and leftover files alone are 0)"),
        (
            Outcome::CouldNot,
            "the set could not be read, or its running server (--server) may not read it",
        ),
        (Outcome::Usage, "the arguments are wrong"),
        (Outcome::NotFound, "no such path, or no set there"),
        (Outcome::TailDamage, "damage at the very end of the last file only"),
        (Outcome::InnerDamage, "damage elsewhere"),
        (
            Outcome::SetInconsistent,
            "manifest invalid or missing, a file missing, a manifest that makes a server harm the set, a set begun anew beside fuller files, or files deleted under a running server",
        ),
        (Outcome::Unsupported, "not supported by the target, or aofkit does not know"),
    ],
};
