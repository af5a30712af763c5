//! What was typed, and what it means.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use aofkit::aof::{Aof, Configuration, OpenOptions, open_each};
use aofkit::command::Renames;
use aofkit::error::Error;
use aofkit::format::conf::{Settings, parse_size};
use aofkit::rules::{By, Modules, Target};
use aofkit::scan::{Filter, Pace};
use clap::builder::FalseyValueParser;
use clap::parser::ValueSource;
use clap::{Args as ClapArgs, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::cat::CatArgs;
use super::clean::CleanArgs;
use super::convert::ConvertArgs;
use super::growth::GrowthArgs;
use super::outcome::Outcome;
use super::render::{Style, json};
use super::repair::RepairArgs;
use super::repository::{self, backup, prune, restore, snapshots, verify};
use super::rewind::RewindArgs;
use super::schema::Schema;
use super::server::{Asked, PASSWORD_TYPED, ServerArgs};
use super::stats::StatsArgs;

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
    Check(Checking),
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
    Backup(Box<backup::BackupArgs>),
    /// List the snapshots of a repository
    Snapshots(snapshots::SnapshotsArgs),
    /// Prove that a repository is complete, unchanged and readable
    Verify(verify::VerifyArgs),
    /// Write a snapshot into a new directory, or over a set with --replace, which keeps the old one
    Restore(restore::RestoreArgs),
    /// Remove snapshots by rules, and objects that no snapshot needs. Prints a plan first
    Prune(prune::PruneArgs),
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

    /// Whether `--server` means anything to it: all that judge a set ask for its modules.
    fn asks_server(&self) -> bool {
        let judges = matches!(self, Self::Check(_) | Self::Inspect(_) | Self::Convert(_));
        judges
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

    /// Whether JSON was asked for on a command line that could not be read as a whole.
    pub fn asks_for_json() -> bool {
        let words: Vec<_> = std::env::args_os().take_while(|word| word != "--").collect();
        let is_json = |word: &std::ffi::OsString| word == "json" || word == "ndjson";
        let pair = |two: &[std::ffi::OsString]| two[0] == "--format" && is_json(&two[1]);
        let one = ["--json", "--format=json", "--format=ndjson"];
        let by_words = words.iter().any(|word| one.iter().any(|one| word == one));
        by_words || words.windows(2).any(pair)
    }
}

const CAT_EXAMPLES: &str = "\
Examples:
  aofkit cat appendonlydir --key 'user:42' --with-base       a key's whole history
  aofkit cat appendonlydir --since 2h --command DEL,UNLINK   who deletes
  aofkit cat appendonlydir --with-base --format resp | redis-cli --pipe";

const CHECK_CODES: &str = "\
Exit status:
  0   healthy (warnings and leftovers alone are 0)
  1   could not be read
  2   usage
  10  no such path, or no set there
  20  damage at the very end of the last file only
  21  damage elsewhere
  22  manifest invalid or missing, file missing, or a manifest that makes a server harm the set
  24  not supported by the target, or it cannot be told";

const REPAIR_CODES: &str = "\
Exit status: as `check` would answer for the result with --apply or --output, and for the untouched set
without; 0 when there is nothing to do. Also:
  1    failed; nothing was changed
  2    usage
  10   no such path, or no set there
  11   a process has the files open for writing, or another aofkit works on the set
  23   the loss would exceed --max-loss; nothing was changed
  130  interrupted; a change that had begun was finished or taken back";
const CONVERT_CODES: &str = "\
An RDB keeps every byte; with a filter, every byte of the chosen keys and of function libraries. aofkit refuses
whatever it cannot convert exactly, and names the place.

Exit status: as `check` would answer for the result; 0 when it is healthy. Also:
  1    refused, or could not be done; DIR is as it was
  2    usage
  10   no such path, or no set there
  130  interrupted; DIR is as it was";

const CLEAN_CODES: &str = "\
`clean` never touches a base or increment that the manifest names, a file that a process has open, a file younger
than --min-age, and beside a running server a file that the manifest may be about to name.

Exit status:
  0   done, or nothing to do
  1   could not be done: the manifest is missing or not valid, or the system refuses
  2   usage
  10  no such path, or no set there
  11  another run works on the set, or a file was opened meanwhile";

#[derive(Debug, ClapArgs)]
pub struct Checking {
    #[command(flatten)]
    pub reading: Reading,
    /// Also open every value of an RDB base and look for duplicate keys; slower, takes up to 256 MiB
    #[arg(long, env = "AOFKIT_THOROUGH", value_parser = FalseyValueParser::new())]
    pub thorough: bool,
}

#[derive(Debug, ClapArgs)]
pub struct Reading {
    /// A set's directory, a server's data directory, a manifest, a file (also inside zstd), - for
    /// standard input, or a snapshot such as REPO::latest; without it --conf says where
    path: Option<PathBuf>,
}

impl Reading {
    /// The path; empty where a configuration stands in its place.
    pub fn path(&self) -> &Path {
        self.path.as_deref().unwrap_or(Path::new(""))
    }
}

#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// How to print the result
    #[arg(long, global = true, value_enum, default_value_t = Format::Text, env = "AOFKIT_FORMAT")]
    format: Format,
    /// Short for --format json
    #[arg(long, global = true, env = "AOFKIT_JSON", value_parser = FalseyValueParser::new())]
    json: bool,
    /// Whose loader's rules apply: redis-6.2, 7.0, 7.4, 8.0, 8.2, 8.6, valkey-8.1, 9.0 and 9.1 were run; others are
    /// known by what was read (redis-8.8 to 8.12) or by their neighbours, and the output says so [default: the
    /// oldest from the base's writer on that knows all of the set, redis-8.2 where no writer is named]
    #[arg(long, global = true, value_name = "SERVER", env = "AOFKIT_TARGET")]
    target: Option<Target>,
    /// The server's configuration: its settings apply (rename-command, databases, cluster-enabled, appendonly,
    /// aof-load-truncated, rewrite rules ...); beside PATH that says where the set is, alone its dir and names do
    #[arg(long, global = true, value_name = "FILE", env = "AOFKIT_CONF")]
    conf: Option<PathBuf>,
    /// All modules that the server has loaded, as MODULE LIST names them, or none: ReJSON,bf,search [default: what
    /// --server and the configuration say, and what the set shows of the server that wrote it]
    #[arg(long, global = true, value_name = "NAME", env = "AOFKIT_MODULES", value_delimiter = ',')]
    modules: Option<Vec<String>>,
    /// Read at most SIZE a second, such as 50mb or 50MiB
    #[arg(long, global = true, value_name = "SIZE", env = "AOFKIT_LIMIT_RATE")]
    limit_rate: Option<String>,
    /// Use at most N threads; reading a set takes one, a backup up to four by default
    #[arg(long, global = true, value_name = "N", env = "AOFKIT_THREADS")]
    threads: Option<std::num::NonZeroUsize>,
    /// The source in a backup repository that holds several; what `backup` calls this one [default: made
    /// of machine and place]
    #[arg(long, global = true, value_name = "NAME", env = "AOFKIT_SOURCE",
        value_parser = aofkit::backup::source_name)]
    source: Option<String>,
    /// Show no progress bar
    #[arg(long, global = true, env = "AOFKIT_NO_PROGRESS", value_parser = FalseyValueParser::new())]
    no_progress: bool,
    /// When to use colour (NO_COLOR is honoured)
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, env = "AOFKIT_COLOR")]
    color: Color,
    /// Hide values and hash keys in what is printed
    #[arg(long, global = true, env = "AOFKIT_REDACT", value_parser = FalseyValueParser::new())]
    redact: bool,
    /// Print no notes, only results and errors
    #[arg(short, long, global = true, env = "AOFKIT_QUIET", value_parser = FalseyValueParser::new())]
    quiet: bool,
    /// Print more: all problems in `inspect`, infos in `check`
    #[arg(short, long, global = true, env = "AOFKIT_VERBOSE", value_parser = FalseyValueParser::new())]
    verbose: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Json,
    /// Comma-separated values with a header; only of `stats`
    Csv,
    /// Folded stacks for flame-graph viewers; only of `stats`
    Folded,
    /// What `redis-cli --pipe` takes; only of `cat`
    Resp,
    /// One JSON object per line; only of `cat`, whose --json it is
    Ndjson,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

/// What the global options mean.
pub struct Context {
    pub open: OpenOptions,
    pub pace: Pace,
    pub source: Option<String>,
    pub threads: usize,
    pub style: Style,
    pub json: bool,
    pub format: Format,
    pub redact: bool,
    pub quiet: bool,
    pub verbose: bool,
    pub bar: bool,
    /// The running server to ask.
    pub server: Option<Asked>,
}

impl Global {
    /// The modules that were named.
    fn modules(&self) -> Result<Modules, String> {
        let Some(names) = &self.modules else { return Ok(Modules::default()) };
        let is_none = |name: &String| name.eq_ignore_ascii_case("none");
        match names.iter().any(is_none) && names.len() > 1 || names.iter().any(String::is_empty) {
            true => Err("--modules: write names with commas between, or none alone".to_owned()),
            false => Ok(Modules::complete(names.iter().cloned(), By::Option)),
        }
    }

    /// Makes sense of the options, or says why there is none.
    fn context(&self) -> Result<Context, String> {
        let bytes_per_second = match &self.limit_rate {
            None => None,
            Some(text) => match size(text) {
                Some(rate) if rate > 0 => Some(rate),
                _ => {
                    return Err(format!(
                        "--limit-rate: '{text}' is not a size such as 50mb or 50MiB"
                    ));
                }
            },
        };
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let color = match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                let no_color = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
                !no_color && std::io::stdout().is_terminal()
            }
        };
        let json = self.json || matches!(self.format, Format::Json | Format::Ndjson);
        Ok(Context {
            open: OpenOptions {
                target: self.target,
                stands_in: false,
                conf: self.conf.clone(),
                modules: self.modules()?,
            },
            pace: Pace { bytes_per_second },
            source: self.source.clone(),
            threads: self.threads.map_or(cores.min(MOST_THREADS), std::num::NonZero::get),
            style: Style::new(color),
            json,
            format: if self.json { Format::Json } else { self.format },
            redact: self.redact,
            quiet: self.quiet,
            verbose: self.verbose,
            bar: !self.no_progress && !self.quiet && !json && std::io::stderr().is_terminal(),
            server: None,
        })
    }
}

/// Threads used when nobody says how many: each of a backup's holds an object in memory.
const MOST_THREADS: usize = 4;

/// A size as it is typed, for clap.
///
/// # Errors
/// Says that it is none.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    size(text).ok_or_else(|| format!("'{text}' is not a size such as 50mb or 50MiB"))
}

/// A size in redis.conf's units (`64mb`) or IEC ones (`64MiB`), bytes.
pub fn size(text: &str) -> Option<u64> {
    let redis_unit = match text.len().checked_sub(3).and_then(|at| text.split_at_checked(at)) {
        Some((number, unit)) if unit.eq_ignore_ascii_case("kib") => format!("{number}kb"),
        Some((number, unit)) if unit.eq_ignore_ascii_case("mib") => format!("{number}mb"),
        Some((number, unit)) if unit.eq_ignore_ascii_case("gib") => format!("{number}gb"),
        _ => text.to_owned(),
    };
    parse_size(redis_unit.as_bytes())
}

impl Context {
    /// What the configuration says; `None` where none was named.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn settings(&self) -> Result<Option<Settings>, Error> {
        let read = self.open.conf.as_deref().map(Configuration::read).transpose()?;
        Ok(read.map(|read| read.settings))
    }

    /// By which names the server has its commands, as the configuration says.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn names(&self) -> Result<Renames, Error> {
        let settings = self.settings()?;
        Ok(settings.map(|s| Renames::of(&s.renamed_commands)).unwrap_or_default())
    }

    /// Opens every set at `path`, which may also name a snapshot in a repository.
    pub fn open_each(&self, path: &Path) -> Result<Vec<Result<Aof, Error>>, Error> {
        match repository::snapshot(path, &self.open, self.source.as_deref()) {
            Some(opened) => Ok(vec![opened]),
            None => open_each(path, &self.open),
        }
    }

    /// Does the work for every set at `path`. A set that fails among several is told and left out, and
    /// the outcome says so; one that is alone is an error.
    pub fn each_set<T>(
        &self,
        path: &Path,
        mut work: impl FnMut(Aof) -> Result<T, Error>,
    ) -> Result<(Vec<T>, Option<Outcome>), Error> {
        let opened = self.open_each(path)?;
        let several = opened.len() > 1;
        let mut failed = None;
        let mut done = Vec::with_capacity(opened.len());
        for one in opened {
            match one.and_then(&mut work) {
                Ok(result) => done.push(result),
                Err(error) if several => {
                    self.complain(&error);
                    failed = Some(Outcome::CouldNot);
                }
                Err(error) => return Err(error),
            }
        }
        Ok((done, failed))
    }

    /// Tells of an error on standard error, in the form that was asked for.
    pub fn complain(&self, error: &Error) {
        let text = if self.json { json::error(error) } else { format!("aofkit: {error}") };
        super::complain(&text);
    }

    /// A note on standard error, unless notes are unwanted.
    pub fn note(&self, text: &str) {
        if !self.quiet && !self.json {
            super::complain(&format!("aofkit: {text}"));
        }
    }
}
