//! What `aofkit growth` takes.

use std::path::PathBuf;

use aofkit::growth::Trigger;
use aofkit::limits;
use clap::{Args as ClapArgs, ValueEnum};

use crate::cli::common::manual::Manual;
use crate::cli::common::outcome::Outcome;
use crate::cli::common::reading::Reading;
use crate::cli::common::sizes::size;
use crate::cli::common::threshold::Threshold;
use crate::cli::common::trial::LoadArgs;

/// What to tell apart over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// Families of keys, with what looks like an identifier as *
    Prefix,
}

#[derive(Debug, ClapArgs)]
pub struct GrowthArgs {
    #[command(flatten)]
    pub reading: Reading,
    /// Show also which families of keys grew when (slower)
    #[arg(long, value_enum, value_name = "WHAT", env = "AOFKIT_BY")]
    pub by: Option<By>,
    /// Show at most N families
    #[arg(long, value_name = "N", default_value_t = 10, env = "AOFKIT_TOP")]
    pub top: usize,
    /// Simulate this auto-aof-rewrite-percentage over the timeline; may be given several times
    #[arg(long, value_name = "N", env = "AOFKIT_PERCENTAGE", value_delimiter = ',')]
    pub percentage: Vec<u32>,
    /// Simulate this auto-aof-rewrite-min-size (64mb, 64MiB); may be given several times
    #[arg(long, value_name = "SIZE", env = "AOFKIT_MIN_SIZE", value_delimiter = ',', value_parser = bytes)]
    pub min_size: Vec<u64>,
    /// Exit with 30 when a figure is above a number or a size; may be given several times.
    ///
    /// Figures: growth_percent, current_bytes, increment_bytes, increments, reclaimable_bytes, leftover_bytes,
    /// peak_disk_bytes, disk_used_share, rate_bytes_per_second, load_seconds
    #[arg(long, value_name = "NAME=VALUE", env = "AOFKIT_FAIL_ABOVE", value_delimiter = ',',
        value_parser = |text: &str| Threshold::parse(text, &FIGURES))]
    pub fail_above: Vec<Threshold>,
    /// Measure how long loading takes: start this server on a copy of the set
    #[arg(long, value_name = "PATH-TO-SERVER", env = "AOFKIT_CALIBRATE")]
    pub calibrate: Option<PathBuf>,
    #[command(flatten)]
    pub given: LoadArgs,
}

/// Figures that `--fail-above` can watch.
pub const FIGURES: [&str; 10] = [
    "growth_percent",
    "current_bytes",
    "increment_bytes",
    "increments",
    "reclaimable_bytes",
    "leftover_bytes",
    "peak_disk_bytes",
    "disk_used_share",
    "rate_bytes_per_second",
    "load_seconds",
];

pub fn bytes(text: &str) -> std::result::Result<u64, String> {
    size(text).ok_or_else(|| format!("'{text}' is not a size such as 64mb or 64MiB"))
}

impl GrowthArgs {
    /// How many families to tell apart, where that was asked for.
    pub fn families(&self) -> Option<usize> {
        self.by.map(|By::Prefix| self.top.min(limits::TOP))
    }

    /// The rules to play beside the one in force: every percentage with every minimum.
    pub fn rules(&self, trigger: &Trigger) -> Vec<(u32, u64)> {
        if self.percentage.is_empty() && self.min_size.is_empty() {
            return Vec::new();
        }
        let or =
            |given: &[u64], own: u64| if given.is_empty() { vec![own] } else { given.to_vec() };
        let given: Vec<u64> = self.percentage.iter().copied().map(u64::from).collect();
        let percentages = or(&given, trigger.percentage.into());
        let sizes = or(&self.min_size, trigger.min_size_bytes);
        let pairs = percentages.iter().flat_map(|p| sizes.iter().map(|s| (*p as u32, *s)));
        pairs.collect()
    }
}

pub const MANUAL: Manual = Manual {
    examples: &[
        ("aofkit growth /var/lib/redis", "when is the next rewrite?"),
        ("aofkit growth --by prefix .", "which family of keys grew when?"),
        ("aofkit growth --percentage 50,200 .", "what would another setting do?"),
        ("aofkit growth --fail-above disk_used_share=80% .", "exit 30 if the disk fills up"),
    ],
    remark: "",
    exits: &[
        (Outcome::Done, "shown, also when the set is damaged (then with a warning)"),
        (Outcome::CouldNot, "the set could not be read"),
        (Outcome::Usage, "the arguments are wrong"),
        (Outcome::NotFound, "no such path, or no set there"),
        (Outcome::Findings, "a figure is above its --fail-above"),
    ],
};
