//! The verbs: what the command line as a whole takes.

use std::path::PathBuf;

use aofkit::scan::Filter;
use clap::parser::ValueSource;
use clap::{Command, CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;

use crate::cli::audit::args::AuditArgs;
use crate::cli::backup::args::BackupArgs;
use crate::cli::cat::args::CatArgs;
use crate::cli::changing::Changing;
use crate::cli::check::args::CheckArgs;
use crate::cli::clean::args::CleanArgs;
use crate::cli::common::context::{Context, Format};
use crate::cli::common::global::Global;
use crate::cli::common::helps::Writes;
use crate::cli::common::manual::Manual;
use crate::cli::common::reading::Reading;
use crate::cli::common::server::{PASSWORD_TYPED, ServerArgs};
use crate::cli::common::trial::AskArgs;
use crate::cli::convert::args::ConvertArgs;
use crate::cli::diff::args::DiffArgs;
use crate::cli::growth::args::GrowthArgs;
use crate::cli::metrics::args::MetricsArgs;
use crate::cli::prune::args::PruneArgs;
use crate::cli::recover::args::RecoverArgs;
use crate::cli::repair::args::RepairArgs;
use crate::cli::report::args::ReportArgs;
use crate::cli::restore::args::RestoreArgs;
use crate::cli::rewind::args::RewindArgs;
use crate::cli::schema::Schema;
use crate::cli::snapshots::args::SnapshotsArgs;
use crate::cli::stats::args::StatsArgs;
use crate::cli::status::args::StatusArgs;
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
    /// Check every byte: will a server load the set? If not: where is the damage, what to do next?
    Check(CheckArgs),
    /// Show what fills the log, by command, database, key, prefix, hash slot or type
    Stats(Box<StatsArgs>),
    /// Print commands, all or filtered, as text, as RESP for redis-cli --pipe, or as JSON lines
    Cat(Box<CatArgs>),
    /// Repair a torn tail or a manifest; damage in the middle with --truncate or --salvage. Prints a plan first
    Repair(Box<RepairArgs>),
    /// Go back to a time, a place, or to before a command such as FLUSHALL. Prints a plan first
    Rewind(Box<RewindArgs>),
    /// Compare two sets, snapshots or moments: where their histories part, what each has alone
    Diff(Box<DiffArgs>),
    /// Bring keys of a set or snapshot back into a running server or into a file. Prints a plan first
    Recover(Box<RecoverArgs>),
    /// Store an incremental snapshot of a set in a repository; its server may be running
    Backup(Box<BackupArgs>),
    /// List the snapshots of a repository
    Snapshots(SnapshotsArgs),
    /// Check that a repository is complete, unchanged and readable
    Verify(VerifyArgs),
    /// Write a snapshot into a new directory; with --replace over a set, which is kept
    Restore(RestoreArgs),
    /// Remove snapshots by rules, and the objects that only they need. Prints a plan first
    Prune(PruneArgs),
    /// Write a set in another form: as a set, as one pre-7.0 file, or as an RDB
    Convert(ConvertArgs),
    /// Move files aside that no server needs: temporary, orphan and history files. Prints a plan first
    Clean(CleanArgs),
    /// Show bytes over time, the next rewrite and what it gives back, and when the disk is full
    Growth(Box<GrowthArgs>),
    /// Show one line for each set and each backup source: health, size, next rewrite, disk, age of the backup
    Status(StatusArgs),
    /// Write one HTML page of everything that a set shows, to look at, to send and to keep
    Report(ReportArgs),
    /// Judge configuration, running server, files and machine by the rules of production
    Audit(Box<AuditArgs>),
    /// Print or serve metrics for Prometheus: health, growth, disk, backups, a server's own figures
    Metrics(Box<MetricsArgs>),
    /// Print the JSON Schema of a verb's output; without VERB, list the schemas
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

/// The manual of each verb that has one.
const MANUALS: [(&str, &Manual); 20] = [
    ("audit", &super::audit::args::MANUAL),
    ("backup", &super::backup::args::MANUAL),
    ("cat", &super::cat::args::MANUAL),
    ("check", &super::check::args::MANUAL),
    ("clean", &super::clean::args::MANUAL),
    ("convert", &super::convert::args::MANUAL),
    ("diff", &super::diff::args::MANUAL),
    ("growth", &super::growth::args::MANUAL),
    ("inspect", &super::inspect::args::MANUAL),
    ("metrics", &super::metrics::args::MANUAL),
    ("prune", &super::prune::args::MANUAL),
    ("recover", &super::recover::args::MANUAL),
    ("repair", &super::repair::args::MANUAL),
    ("report", &super::report::args::MANUAL),
    ("restore", &super::restore::args::MANUAL),
    ("rewind", &super::rewind::args::MANUAL),
    ("snapshots", &super::snapshots::args::MANUAL),
    ("stats", &super::stats::args::MANUAL),
    ("status", &super::status::args::MANUAL),
    ("verify", &super::verify::args::MANUAL),
];

/// The command line as a whole, with the manual of every verb.
pub fn command() -> Command {
    MANUALS.into_iter().fold(Args::command(), |command, (verb, manual)| {
        command.mut_subcommand(verb, |verb| verb.after_long_help(manual.text()))
    })
}

/// Whether `-h` stands on the command line.
fn is_short_help_asked() -> bool {
    std::env::args_os().take_while(|word| word != "--").any(|word| word == "-h")
}

/// Without the variables of the environment, so that a verb's options fit on one screen.
fn briefly(command: Command) -> Command {
    let command = command.mut_args(|arg| arg.hide_env(true));
    let verbs: Vec<_> = command.get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
    verbs.into_iter().fold(command, |command, verb| {
        command.mut_subcommand(verb, |verb| verb.mut_args(|arg| arg.hide_env(true)))
    })
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
            Self::Recover(recover) => Some(&recover.reading),
            Self::Growth(growth) => Some(&growth.reading),
            _ => None,
        }
    }

    /// What it writes, where a file system may refuse that.
    pub fn writes(&self) -> Option<Writes> {
        let changes = |changing: &Changing| match changing.output {
            Some(_) => Writes::Output,
            None => Writes::Set,
        };
        match self {
            Self::Repair(verb) => Some(changes(&verb.changing)),
            Self::Rewind(verb) => Some(changes(&verb.changing)),
            Self::Convert(_) => Some(Writes::Output),
            Self::Clean(_) => Some(Writes::Leftovers),
            Self::Restore(_) => Some(Writes::Restored),
            Self::Backup(_) => Some(Writes::Repository),
            _ => None,
        }
    }

    /// Whether it is to do something, and not to answer anything: then `--quiet` wants no word of what went well.
    pub fn is_done_silently(&self) -> bool {
        match self {
            Self::Backup(_) | Self::Convert(_) | Self::Report(_) => true,
            Self::Restore(verb) => !verb.print_config,
            Self::Prune(verb) => verb.apply,
            Self::Clean(verb) => verb.apply,
            Self::Repair(verb) => verb.changing.apply || verb.changing.output.is_some(),
            Self::Rewind(verb) => verb.changing.apply || verb.changing.output.is_some(),
            _ => false,
        }
    }

    /// Whether its answer is a judgement on the set.
    pub fn judges(&self) -> bool {
        matches!(
            self,
            Self::Check(_)
                | Self::Inspect(_)
                | Self::Convert(_)
                | Self::Status(_)
                | Self::Report(_)
        )
    }

    /// Whether a server program is to load copies of its sets.
    pub fn asks_to_load(&self) -> Option<&AskArgs> {
        match self {
            Self::Check(verb) => Some(&verb.ask),
            Self::Repair(verb) => Some(&verb.ask),
            Self::Rewind(verb) => Some(&verb.ask),
            Self::Convert(verb) => Some(&verb.ask),
            Self::Restore(verb) => Some(&verb.ask),
            Self::Diff(verb) => Some(&verb.ask),
            _ => None,
        }
    }

    /// Whether a server is asked for its modules before anything else. A watch outlives a server's start, and with that
    /// its modules; nor does it end because a server does not answer.
    pub fn asks_for_modules(&self) -> bool {
        !matches!(self, Self::Metrics(_))
    }

    /// Whether `--server` means anything to it: all that judge a set ask for its modules.
    fn asks_server(&self) -> bool {
        self.judges()
            || matches!(
                self,
                Self::Audit(_)
                    | Self::Report(_)
                    | Self::Growth(_)
                    | Self::Metrics(_)
                    | Self::Repair(_)
                    | Self::Rewind(_)
                    | Self::Backup(_)
            )
    }
}

impl Args {
    /// Reads the command line and the environment.
    pub fn read() -> Result<Self, clap::Error> {
        use clap::error::ErrorKind::{ArgumentConflict, MissingRequiredArgument};
        let mut command = command();
        if is_short_help_asked() {
            command = briefly(command);
        }
        let matches = command.try_get_matches_from_mut(std::env::args_os())?;
        let args = Self::from_arg_matches(&matches)?;
        let Some((verb, typed)) = matches.subcommand() else { return Ok(args) };
        let is_typed = |id| typed.value_source(id) == Some(ValueSource::CommandLine);
        if is_typed("server") && args.server.holds_password() {
            return Err(command.error(ArgumentConflict, PASSWORD_TYPED));
        }
        let why = match (&args.verb, args.verb.reading()) {
            (Verb::Audit(audit), _) if !audit.names_something() && !args.server.is_named() => {
                "PATH is missing (or --conf FILE, --server URL, --parameter-group or --sentinel-conf)"
            }
            (Verb::Status(status), _) if status.paths.is_empty() && status.repo.is_none() => {
                "PATH is missing (or --conf FILE or --repo DIR)"
            }
            (Verb::Report(report), _) if report.paths.is_empty() => {
                "PATH is missing (or --conf FILE)"
            }
            (_, Some(reading)) if reading.path.is_none() => "PATH is missing (or --conf FILE)",
            _ => return Ok(args),
        };
        if args.global.conf.is_empty() {
            let kind = MissingRequiredArgument;
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
        if let Verb::Metrics(metrics) = &self.verb {
            metrics.can_run(context)?;
        }
        match (context.format, &self.verb) {
            (format, Verb::Cat(cat)) => cat.can_print(format, context.redact),
            (Format::Resp, Verb::Recover(_)) => Ok(()),
            (Format::Resp | Format::Ndjson, _) => {
                Err("--format resp and ndjson are for `cat`, and resp for `recover`".to_owned())
            }
            (format, Verb::Stats(stats)) => stats.can_print(format),
            (Format::Text | Format::Json, _) => Ok(()),
            (Format::Sarif, Verb::Audit(_)) => Ok(()),
            (Format::Sarif, _) => Err("--format sarif is for `audit`".to_owned()),
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
