//! What `aofkit audit` takes.

use std::path::PathBuf;

use aofkit::audit::{Rule, named};
use aofkit::check::Severity;
use clap::{Args as ClapArgs, ValueEnum};

use crate::cli::common::context::Context;
use crate::cli::common::manual::Manual;
use crate::cli::common::outcome::Outcome;
use crate::cli::common::repository::directory;

#[derive(Debug, ClapArgs)]
pub struct AuditArgs {
    /// Sets, server directories, directories of several, or node files of a cluster; may be left out beside --conf or --server
    pub paths: Vec<PathBuf>,
    /// A parameter group or replication group, as `aws elasticache describe-...` prints it; may be given several times
    #[arg(long, value_name = "FILE", env = "AOFKIT_PARAMETER_GROUP", value_delimiter = ',')]
    pub parameter_group: Vec<PathBuf>,
    /// The configuration of a Sentinel; may be given several times
    #[arg(long, value_name = "FILE", env = "AOFKIT_SENTINEL_CONF", value_delimiter = ',')]
    pub sentinel_conf: Vec<PathBuf>,
    /// The backup repository, a directory: is it on another disk, and has that room?
    #[arg(long, value_name = "DIR", env = "AOFKIT_REPO", value_parser = directory())]
    pub repo: Option<PathBuf>,
    /// Leave out this rule, by number or name; may be given several times
    #[arg(long, value_name = "RULE", env = "AOFKIT_IGNORE", value_delimiter = ',', value_parser = rule)]
    pub ignore: Vec<&'static Rule>,
    /// Exit with 30 when there is a finding of this severity or a higher one
    #[arg(long, value_enum, value_name = "SEVERITY", env = "AOFKIT_FAIL_ON")]
    pub fail_on: Option<FailOn>,
}

/// The least severity that matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Warnings and errors
    Warning,
    /// Errors alone
    Error,
}

impl FailOn {
    pub const fn severity(self) -> Severity {
        match self {
            Self::Warning => Severity::Warning,
            Self::Error => Severity::Error,
        }
    }
}

pub fn rule(text: &str) -> Result<&'static Rule, String> {
    named(text).ok_or_else(|| {
        format!("there is no rule '{text}'; docs/audit.md lists them, by number (AOF-001) and name")
    })
}

impl AuditArgs {
    /// As if these had been typed, for a verb that tells of findings beside other things.
    pub fn of(paths: &[PathBuf], repo: Option<PathBuf>, ignore: &[&'static Rule]) -> Self {
        Self {
            paths: paths.to_vec(),
            parameter_group: Vec::new(),
            sentinel_conf: Vec::new(),
            repo,
            ignore: ignore.to_vec(),
            fail_on: None,
        }
    }

    /// Whether its own options say what to look at.
    pub fn names_something(&self) -> bool {
        !self.paths.is_empty() || !self.parameter_group.is_empty() || !self.sentinel_conf.is_empty()
    }

    /// Whether anything but PATH says what to look at.
    pub fn names_others(&self, context: &Context) -> bool {
        let own = !self.parameter_group.is_empty() || !self.sentinel_conf.is_empty();
        own || context.open.conf.is_some() || context.server.is_some()
    }
}

pub const MANUAL: Manual = Manual {
    examples: &[
        (
            "aofkit audit --conf /etc/redis/redis.conf",
            "judge a configuration, and the set it names",
        ),
        ("aofkit audit --server redis://10.0.0.1", "judge a running server"),
        (
            "aofkit audit --conf redis.conf --server unix:///run/redis.sock /var/lib/redis",
            "all of it, and what a restart would change",
        ),
        (
            "aofkit audit --conf 7000/redis.conf --conf 7001/redis.conf",
            "nodes of one host against one another, too",
        ),
        ("aofkit audit --fail-on warning --ignore AOF-008 --conf redis.conf", "for a pipeline"),
        ("aofkit audit --format sarif --conf redis.conf", "for a code scanner"),
    ],
    remark: "\
A rule speaks only of what was seen: more of PATH, --conf and --server means more rules that
apply. A setting is looked up in the configuration, then in the server, then in the defaults
of its version (--target). Passwords are never shown. docs/audit.md explains every rule.",
    exits: &[
        (Outcome::Done, "judged, whatever was found"),
        (Outcome::CouldNot, "something that was named could not be read or asked"),
        (Outcome::Usage, "the arguments are wrong"),
        (Outcome::NotFound, "no such path, or no set there"),
        (Outcome::Findings, "there are findings that --fail-on names"),
    ],
};
