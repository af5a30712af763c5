//! The verbs: what the command line as a whole takes.

use std::path::PathBuf;

use aofkit::scan::Filter;
use clap::parser::ValueSource;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;

use crate::cli::backup::args::BackupArgs;
use crate::cli::cat::args::{CAT_EXAMPLES, CatArgs};
use crate::cli::check::args::{CHECK_CODES, CheckArgs};
use crate::cli::clean::args::{CLEAN_CODES, CleanArgs};
use crate::cli::common::context::{Context, Format};
use crate::cli::common::global::Global;
use crate::cli::common::reading::Reading;
use crate::cli::common::server::{PASSWORD_TYPED, ServerArgs};
use crate::cli::convert::args::{CONVERT_CODES, ConvertArgs};
use crate::cli::growth::args::GrowthArgs;
use crate::cli::prune::args::PruneArgs;
use crate::cli::repair::args::{REPAIR_CODES, RepairArgs};
use crate::cli::restore::args::RestoreArgs;
use crate::cli::rewind::args::RewindArgs;
use crate::cli::schema::Schema;
use crate::cli::snapshots::args::SnapshotsArgs;
use crate::cli::stats::args::StatsArgs;
use crate::cli::verify::args::VerifyArgs;

/// Inspect, check and back up the append-only files (AOF) of Redis and Valkey. Looking never changes anything.
#[derive(Debug, Parser)]
#[command(name = "aofkit", version, max_term_width = 100, propagate_version = true)]
pub struct Args {
    #[command(subcommand)]
    pub verb: Verb,
    #[command(flatten)]
    pub global: Global,
    #[command(flatten)]
    pub server: ServerArgs,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Show a set on one screen: files, growth, command mix, health
    Inspect(Reading),
    /// Check every byte: will a server load the set; if not, where the damage is and what to do next
    #[command(after_help = CHECK_CODES)]
    Check(CheckArgs),
    /// Show what fills the log, by command, database, key, prefix, hash slot or type
    Stats(Box<StatsArgs>),
    /// Print commands, all or filtered, as text, as RESP for redis-cli --pipe, or as JSON lines
    #[command(after_help = CAT_EXAMPLES)]
    Cat(Box<CatArgs>),
    /// Repair a torn tail or a manifest; for damage in the middle choose --truncate or --salvage. Prints a plan;
    /// --apply carries it out
    #[command(after_help = REPAIR_CODES)]
    Repair(Box<RepairArgs>),
    /// Go back to a second, a place, or before a command such as an accidental FLUSHALL. Prints a plan first
    #[command(after_help = REPAIR_CODES)]
    Rewind(Box<RewindArgs>),
    /// Store an incremental snapshot of a set, which may be live, in a repository
    Backup(Box<BackupArgs>),
    /// List the snapshots of a repository
    Snapshots(SnapshotsArgs),
    /// Prove that a repository is complete, unchanged and readable
    Verify(VerifyArgs),
    /// Write a snapshot into a new directory, or over a set with --replace, which keeps the old one
    Restore(RestoreArgs),
    /// Remove snapshots by rules, and objects that no snapshot needs. Prints a plan first
    Prune(PruneArgs),
    /// Write a set in another form: an RDB or a pre-7.0 file as a set, increments merged, a set as one file
    #[command(after_help = CONVERT_CODES)]
    Convert(ConvertArgs),
    /// Move aside what no server needs: temporary, orphan and history files. Prints a plan first
    #[command(after_help = CLEAN_CODES)]
    Clean(CleanArgs),
    /// Show bytes over time, the next rewrite, what it would give back, and when the disk is full
    Growth(Box<GrowthArgs>),
    /// Print the JSON Schema of a verb's output; without VERB list the schemas
    Schema {
        /// Whose output
        verb: Option<Schema>,
    },
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Print the manual page of aofkit or of one verb; --output writes all of them as files
    Man {
        /// Which verb
        #[arg(conflicts_with = "output")]
        verb: Option<String>,
        /// Write all pages into this directory
        #[arg(long, value_name = "DIR")]
        output: Option<PathBuf>,
    },
}

impl Verb {
    /// What it reads, when it reads a set.
    fn reading(&self) -> Option<&Reading> {
        match self {
            Self::Inspect(reading) => Some(reading),
            Self::Check(checking) => Some(&checking.reading),
            Self::Stats(stats) => Some(&stats.reading),
            Self::Cat(cat) => Some(&cat.reading),
            Self::Repair(repair) => Some(&repair.reading),
            Self::Backup(backup) => Some(&backup.reading),
            Self::Convert(convert) => Some(&convert.reading),
            Self::Clean(clean) => Some(&clean.reading),
            Self::Rewind(rewind) => Some(&rewind.reading),
            Self::Growth(growth) => Some(&growth.reading),
            _ => None,
        }
    }

    /// Whether its answer is a judgement on the set.
    pub fn judges(&self) -> bool {
        matches!(self, Self::Check(_) | Self::Inspect(_) | Self::Convert(_))
    }

    /// Whether `--server` means anything to it: all that judge a set ask for its modules.
    fn asks_server(&self) -> bool {
        self.judges()
            || matches!(self, Self::Growth(_) | Self::Repair(_) | Self::Rewind(_) | Self::Backup(_))
    }
}

impl Args {
    /// Reads the command line and the environment.
    pub fn read() -> Result<Self, clap::Error> {
        use clap::error::ErrorKind::{ArgumentConflict, MissingRequiredArgument};
        let mut command = Self::command();
        let matches = command.try_get_matches_from_mut(std::env::args_os())?;
        let args = Self::from_arg_matches(&matches)?;
        let Some((verb, typed)) = matches.subcommand() else { return Ok(args) };
        let is_typed = |id| typed.value_source(id) == Some(ValueSource::CommandLine);
        if is_typed("server") && args.server.holds_password() {
            return Err(command.error(ArgumentConflict, PASSWORD_TYPED));
        }
        let Some(reading) = args.verb.reading() else { return Ok(args) };
        if reading.path.is_none() && args.global.conf.is_none() {
            let (kind, why) = (MissingRequiredArgument, "PATH is missing (or --conf FILE)");
            let command = command.find_subcommand_mut(verb);
            return Err(command.map_or_else(|| clap::Error::new(kind), |c| c.error(kind, why)));
        }
        Ok(args)
    }

    /// What the global options mean.
    ///
    /// # Errors
    /// Says what makes no sense.
    pub fn context(&self) -> Result<Context, String> {
        let mut context = self.global.context()?;
        context.server = self.server.asked()?;
        if context.server.is_some() && !self.verb.asks_server() {
            context.note("this verb asks no server: --server is without effect");
            context.server = None;
        }
        Ok(context)
    }

    /// Whether the verb has this form of output, or why it has not.
    pub fn can_print(&self, context: &Context) -> Result<(), String> {
        if let Verb::Backup(backup) = &self.verb {
            backup.can_run(context)?;
        }
        match (context.format, &self.verb) {
            (format, Verb::Cat(cat)) => cat.can_print(format, context.redact),
            (Format::Resp | Format::Ndjson, _) => {
                Err("--format resp and ndjson are for `cat`".to_owned())
            }
            (format, Verb::Stats(stats)) => stats.can_print(format),
            (Format::Text | Format::Json, _) => Ok(()),
            _ => Err("--format csv and folded are for `stats`".to_owned()),
        }
    }

    /// What the verb is to select; everything, where it has no filters.
    pub fn filter(&self, context: &Context) -> Result<Filter, String> {
        match &self.verb {
            Verb::Stats(stats) => stats.filters.filter(context),
            Verb::Cat(cat) => cat.filters.filter(context),
            _ => Ok(Filter::default()),
        }
    }
}
