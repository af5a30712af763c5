//! What `aofkit report` takes.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use crate::cli::common::manual::Manual;
use crate::cli::common::outcome::Outcome;
use crate::cli::common::repository::directory;

#[derive(Debug, ClapArgs)]
pub struct ReportArgs {
    /// Sets, directories with one or many of them, or snapshots such as REPO::latest; may be left out beside --conf
    pub paths: Vec<PathBuf>,
    /// Write the page to this file; it may not lie in the directory of a set
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Also show the backups in this repository: a calendar, what they cover, and gaps
    #[arg(long, value_name = "DIR", env = "AOFKIT_REPO", value_parser = directory())]
    pub repo: Option<PathBuf>,
}

pub const MANUAL: Manual = Manual {
    examples: &[
        ("aofkit report /var/lib/redis -o redis.html", "a page to look at, to send and to keep"),
        ("aofkit report --redact /srv/redis -o fleet.html", "all sets, without the names of keys"),
        ("aofkit report /srv/backup::latest -o backup.html", "what a snapshot holds"),
    ],
    remark: "\
The page needs no network and no script. It shows the verdict and the next step, files with
their damage, growth, forecast, prefixes, commands and keys; with --repo the backups, with
--conf or --server what `audit` finds. It is smaller than 400 KiB. It shows names of keys and
bytes around damage: --redact leaves both out.",
    exits: &[
        (Outcome::Done, "written, also when a set is damaged: `check` answers for that"),
        (Outcome::CouldNot, "a set could not be read, or the page could not be written"),
        (Outcome::Usage, "the arguments are wrong"),
        (Outcome::NotFound, "no such path or repository, or no set there"),
        (Outcome::BadBackup, "a snapshot of the repository could not be read"),
    ],
};
