//! What `aofkit metrics` takes.

use std::path::PathBuf;
use std::time::Duration;

use aofkit::audit::Rule;
use clap::{Args as ClapArgs, ValueEnum};

use super::address::Address;
use crate::cli::audit::args::rule;
use crate::cli::common::context::{Context, Format};
use crate::cli::common::manual::Manual;
use crate::cli::common::outcome::Outcome;
use crate::cli::common::repository::directory;
use crate::cli::common::times;

#[derive(Debug, ClapArgs)]
pub struct MetricsArgs {
    /// Sets, or directories with one or many of them; may be left out where --conf, --repo or --server says what to look at
    pub paths: Vec<PathBuf>,
    /// Also tell of the backups in this repository
    #[arg(long, value_name = "DIR", env = "AOFKIT_REPO", value_parser = directory())]
    pub repo: Option<PathBuf>,
    /// Write into this file, by a temporary file and rename; for the textfile collector of node_exporter it ends in .prom
    #[arg(long, value_name = "FILE", env = "AOFKIT_METRICS_OUTPUT")]
    pub output: Option<PathBuf>,
    /// Look again and again, so often (15s, 5m), until Ctrl-C or SIGTERM; reads only what was appended.
    ///
    /// Needs --output or --listen [default with --listen: 15s]
    #[arg(long, value_name = "INTERVAL", env = "AOFKIT_WATCH", value_parser = interval)]
    pub watch: Option<Duration>,
    /// Serve the metrics over HTTP at http://ADDRESS/metrics: PORT or :PORT of 127.0.0.1, or HOST:PORT.
    ///
    /// Whoever reaches another address than the machine's own can read them: there is no password and no TLS
    #[arg(long, value_name = "ADDRESS", env = "AOFKIT_LISTEN", value_parser = Address::parse)]
    pub listen: Option<Address>,
    /// Also tell what `aofkit audit` finds; that reads the sets once more, in a watch once an hour at most
    #[arg(long, env = "AOFKIT_AUDIT")]
    pub audit: bool,
    /// Leave out this rule of the audit, by number or name; may be given several times
    #[arg(long, value_name = "RULE", env = "AOFKIT_IGNORE", value_delimiter = ',', value_parser = rule, requires = "audit")]
    pub ignore: Vec<&'static Rule>,
    /// Print the list of all metrics, the rules of alerts, or the dashboard for Grafana, and look at nothing
    #[arg(long, value_name = "WHAT", conflicts_with_all = ["paths", "output", "watch", "listen"])]
    pub print: Option<Print>,
}

/// What comes with the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Print {
    /// Every metric, with its labels and where it comes from; Markdown
    List,
    /// Rules of alerts for Prometheus; YAML
    Alerts,
    /// A dashboard for Grafana; JSON
    Dashboard,
}

/// How often to look where nothing is said, as Prometheus itself asks.
const EVERY: Duration = Duration::from_secs(15);

fn interval(text: &str) -> std::result::Result<Duration, String> {
    let given = times::duration(text).and_then(|span| Duration::try_from(span).ok());
    let Some(given) = given else {
        return Err(format!("'{text}' is not a time such as 15s or 5m"));
    };
    match given < Duration::from_secs(1) {
        true => Err("the shortest interval is 1s".to_owned()),
        false => Ok(given),
    }
}

impl MetricsArgs {
    /// Whether there is anything to look at, and a place for what is seen.
    ///
    /// # Errors
    /// Says what is missing.
    pub fn can_run(&self, context: &Context) -> std::result::Result<(), String> {
        let names_nothing = self.paths.is_empty() && self.repo.is_none();
        let goes_on = self.watch.is_some() || self.listen.is_some();
        if self.print.is_some() {
            return Ok(());
        }
        if names_nothing && context.open.conf.is_none() && context.server.is_none() {
            return Err(
                "nothing to look at: PATH, --conf, --repo or --server is missing".to_owned()
            );
        }
        if self.watch.is_some() && self.output.is_none() && self.listen.is_none() {
            return Err("--watch needs --output FILE or --listen ADDRESS".to_owned());
        }
        if goes_on && self.paths.iter().any(|path| path.as_os_str() == "-") {
            return Err("standard input can be looked at only once".to_owned());
        }
        if context.format == Format::Json && (goes_on || self.output.is_some()) {
            return Err(
                "--json is for one look that is printed; Prometheus reads the text".to_owned()
            );
        }
        if self.listen.is_some() && cfg!(not(feature = "listen")) {
            return Err(
                "this build listens to nobody: it was made without the feature `listen`".to_owned()
            );
        }
        Ok(())
    }

    /// How often to look; `None`: once.
    pub fn every(&self) -> Option<Duration> {
        self.watch.or(self.listen.is_some().then_some(EVERY))
    }

    /// The paths to look at; an empty one stands for what the configuration says.
    pub fn paths(&self, context: &Context) -> Vec<PathBuf> {
        match self.paths.is_empty() && context.open.conf.is_some() {
            true => vec![PathBuf::new()],
            false => self.paths.clone(),
        }
    }
}

pub const MANUAL: Manual = Manual {
    examples: &[
        ("aofkit metrics /var/lib/redis", "look once, print"),
        (
            "aofkit metrics /var/lib/redis --repo /backup/redis --output /var/lib/node_exporter/aofkit.prom",
            "for the textfile collector, by cron or a timer",
        ),
        ("aofkit metrics /var/lib/redis --listen 9122", "serve http://127.0.0.1:9122/metrics"),
        ("aofkit metrics --print alerts > /etc/prometheus/rules/aofkit.yml", "rules of alerts"),
    ],
    remark: "\
A set that is damaged, gone or not readable is told by its metrics (aof_check_success 0), not by the
exit status. docs/metrics.md explains every metric, docs/production.md how to set it up.",
    exits: &[
        (Outcome::Done, "written or printed, whatever was found; or ended by Ctrl-C or SIGTERM"),
        (
            Outcome::CouldNot,
            "the file could not be written, or the address could not be listened on",
        ),
        (Outcome::Usage, "the arguments are wrong"),
        (Outcome::NotFound, "the directory of --output is not there"),
    ],
};
