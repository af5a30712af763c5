//! The global options.

use std::io::IsTerminal;
use std::path::PathBuf;

use aofkit::aof::OpenOptions;
use aofkit::rules::{By, Modules, Target};
use aofkit::scan::{Pace, Pieces};
use clap::builder::FalseyValueParser;
use clap::{Args as ClapArgs, ValueEnum};

use super::context::{Context, Format};
use super::sizes::size;
use super::units::Style;
use super::view::View;

#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// How to print the result
    #[arg(long, global = true, hide_short_help = true, value_enum, default_value_t = Format::Text, env = "AOFKIT_FORMAT")]
    format: Format,
    /// Short for --format json
    #[arg(long, global = true, hide_short_help = true, env = "AOFKIT_JSON", value_parser = FalseyValueParser::new())]
    pub json: bool,
    /// The server whose loader's rules apply, such as redis-7.0 or valkey-9.1.
    ///
    /// The rules of redis-6.2, 7.0, 7.4, 8.0, 8.2, 8.6 and valkey-8.1, 9.0, 9.1 were recorded from running servers. Those
    /// of redis-8.8 to 8.12 were read from their documents, others are those of the nearest version; the output says so.
    /// Default: the oldest version, not older than the base's writer, that knows all of the set; redis-8.2 where the base
    /// names no writer
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        value_name = "SERVER",
        env = "AOFKIT_TARGET"
    )]
    pub target: Option<Target>,
    /// The server's redis.conf; its settings apply, and without PATH it says where the set is.
    ///
    /// Used are rename-command, databases, cluster-enabled, appendonly, aof-load-truncated, rewrite rules and others. `audit`
    /// takes several, of servers on one host, and compares them
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE", env = "AOFKIT_CONF")]
    pub conf: Vec<PathBuf>,
    /// All modules that the server has loaded, as MODULE LIST names them (ReJSON,bf,search), or none.
    ///
    /// Default: those that --server or the configuration names, and those that the set's writer must have had
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        value_name = "NAME",
        env = "AOFKIT_MODULES",
        value_delimiter = ','
    )]
    pub modules: Option<Vec<String>>,
    /// Read at most SIZE a second, such as 50mb or 50MiB
    #[arg(
        long,
        global = true,
        hide_short_help = true,
        value_name = "SIZE",
        env = "AOFKIT_LIMIT_RATE"
    )]
    pub limit_rate: Option<String>,
    /// Use at most N threads; by default `check` uses up to eight, a backup up to four
    #[arg(long, global = true, hide_short_help = true, value_name = "N", env = "AOFKIT_THREADS")]
    pub threads: Option<std::num::NonZeroUsize>,
    /// The name of the source in a backup repository [default: the source that the set continues, else its path]
    #[arg(long, global = true, hide_short_help = true, value_name = "NAME", env = "AOFKIT_SOURCE",
        value_parser = aofkit::backup::source_name)]
    pub source: Option<String>,
    /// Show no progress bar
    #[arg(long, global = true, hide_short_help = true, env = "AOFKIT_NO_PROGRESS", value_parser = FalseyValueParser::new())]
    pub no_progress: bool,
    /// When to use colour (NO_COLOR is honoured)
    #[arg(long, global = true, hide_short_help = true, value_enum, default_value_t = Color::Auto, env = "AOFKIT_COLOR")]
    pub color: Color,
    /// Hide values, and print hashes in place of keys
    #[arg(long, global = true, hide_short_help = true, env = "AOFKIT_REDACT", value_parser = FalseyValueParser::new())]
    pub redact: bool,
    /// Print errors and what was asked for, nothing of what went well
    #[arg(short, long, global = true, hide_short_help = true, env = "AOFKIT_QUIET", value_parser = FalseyValueParser::new())]
    pub quiet: bool,
    /// Print more: every problem in `inspect`, also infos in `check`
    #[arg(short, long, global = true, hide_short_help = true, env = "AOFKIT_VERBOSE", value_parser = FalseyValueParser::new())]
    pub verbose: bool,
}

/// Bytes a second below which a rate needs a unit: nobody reads so slowly on purpose.
const LEAST_RATE: u64 = 64 * 1024;

fn has_unit(text: &str) -> bool {
    text.ends_with(|c: char| c.is_ascii_alphabetic())
}

impl Global {
    /// The modules that were named.
    pub fn modules(&self) -> Result<Modules, String> {
        let Some(names) = &self.modules else { return Ok(Modules::default()) };
        let is_none = |name: &String| name.eq_ignore_ascii_case("none");
        match names.iter().any(is_none) && names.len() > 1 || names.iter().any(String::is_empty) {
            true => Err("--modules: write names with commas between, or none alone".to_owned()),
            false => Ok(Modules::complete(names.iter().cloned(), By::Option)),
        }
    }

    /// Makes sense of the options, or says why there is none.
    pub fn context(&self) -> Result<Context, String> {
        let bytes_per_second = match &self.limit_rate {
            None => None,
            Some(text) => match size(text) {
                Some(rate) if rate > 0 && (rate >= LEAST_RATE || has_unit(text)) => Some(rate),
                Some(rate) if rate > 0 => {
                    return Err(format!(
                        "--limit-rate: are {rate} bytes a second meant? Then write {rate}b, else add a unit, such as {rate}mb"
                    ));
                }
                _ => {
                    return Err(format!(
                        "--limit-rate: '{text}' is not a size such as 50mb or 50MiB"
                    ));
                }
            },
        };
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let readers = self.threads.map_or(cores, std::num::NonZero::get).min(MOST_READERS);
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
            view: View {
                style: Style::new(color),
                redact: self.redact,
                quiet: self.quiet,
                verbose: self.verbose,
            },
            open: OpenOptions {
                target: self.target,
                stands_in: false,
                conf: self.conf.first().cloned(),
                modules: self.modules()?,
                ..OpenOptions::default()
            },
            pace: Pace { bytes_per_second, pieces: Pieces::of(readers) },
            source: self.source.clone(),
            more_confs: self.conf.iter().skip(1).cloned().collect(),
            threads: self.threads.map_or(cores.min(MOST_THREADS), std::num::NonZero::get),
            json,
            format: if self.json { Format::Json } else { self.format },
            bar: !self.no_progress && !self.quiet && !json && std::io::stderr().is_terminal(),
            server: None,
            trial: None,
        })
    }
}

/// Threads used when nobody says how many: each of a backup's holds an object in memory.
pub const MOST_THREADS: usize = 4;

/// Threads that read one file, at most: each holds a window and a few reports, and memory is promised to be bounded.
const MOST_READERS: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}
