//! What `aofkit stats` takes.

use aofkit::limits;
use aofkit::stats::{Grouping, KeyOptions};
use clap::builder::FalseyValueParser;
use clap::{Args as ClapArgs, ValueEnum};

use crate::cli::common::context::Format;
use crate::cli::common::filters::FilterArgs;
use crate::cli::common::manual::Manual;
use crate::cli::common::outcome::Outcome;
use crate::cli::common::reading::Reading;
use crate::cli::common::threshold::Threshold;

/// What to break the log down by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum By {
    /// Commands, a container's subcommands apart
    Command,
    /// Databases
    Db,
    /// Families of keys: by --depth, or with what looks like an identifier as *
    Prefix,
    /// Single keys, the heaviest first
    Key,
    /// Hash slots of a cluster
    Slot,
    /// Types of the values in the base
    Type,
}

impl By {
    /// Its name as it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Db => "db",
            Self::Prefix => "prefix",
            Self::Key => "key",
            Self::Slot => "slot",
            Self::Type => "type",
        }
    }
}

/// Rows of keys, prefixes and slots where no number is given, and those of nodes.
const TOP: usize = 20;
const NODES: usize = 10;

#[derive(Debug, ClapArgs)]
pub struct StatsArgs {
    #[command(flatten)]
    pub reading: Reading,
    /// Break the log down by this; may be given several times [default: command]
    #[arg(long, value_enum, value_name = "WHAT", env = "AOFKIT_BY", value_delimiter = ',')]
    pub by: Vec<By>,
    /// Show at most N keys, prefixes, slots and nodes, up to 40,000; commands are never cut
    #[arg(long, value_name = "N", default_value_t = TOP, env = "AOFKIT_TOP")]
    pub top: usize,
    /// Group keys by their first N words instead of by recognised identifiers; may be given several times
    #[arg(long, value_name = "N", env = "AOFKIT_DEPTH", value_delimiter = ',',
        value_parser = clap::value_parser!(u8).range(1..=32))]
    pub depth: Vec<u8>,
    /// Characters that separate the words of a key
    #[arg(long, value_name = "S", default_value = ":", env = "AOFKIT_SEPARATOR")]
    pub separator: String,
    /// Also estimate what the base's keys take in memory; needs --by type or key, and reads an RDB more slowly
    #[arg(long, env = "AOFKIT_MEMORY", value_parser = FalseyValueParser::new())]
    pub memory: bool,
    /// Exit with 30 when a figure is above a number, a size or a percentage; may be given several times.
    ///
    /// Figures: resp_bytes, rdb_bytes, unparsed_bytes, commands, largest_bytes, command_share,
    /// prefix_share, key_share, keys_estimate, write_amplification, deletes, deletes_per_second, flushes
    #[arg(long, value_name = "NAME=VALUE", env = "AOFKIT_FAIL_ABOVE", value_delimiter = ',',
        value_parser = |text: &str| Threshold::parse(text, &FIGURES))]
    pub fail_above: Vec<Threshold>,
    #[command(flatten)]
    pub filters: FilterArgs,
}

/// Figures that `--fail-above` can watch.
pub const FIGURES: [&str; 13] = [
    "resp_bytes",
    "rdb_bytes",
    "unparsed_bytes",
    "commands",
    "largest_bytes",
    "command_share",
    "prefix_share",
    "key_share",
    "keys_estimate",
    "write_amplification",
    "deletes",
    "deletes_per_second",
    "flushes",
];

/// The `--by` without which a figure is not known.
pub const NEEDED: [(&str, &[By]); 3] = [
    ("prefix_share", &[By::Prefix]),
    ("key_share", &[By::Key]),
    ("keys_estimate", &[By::Prefix, By::Key, By::Slot]),
];

impl StatsArgs {
    pub fn wanted(&self) -> Vec<By> {
        let mut wanted = self.by.clone();
        wanted.sort_unstable();
        wanted.dedup();
        if wanted.is_empty() { vec![By::Command] } else { wanted }
    }

    /// Whether the result can be printed in this form and holds what is to be watched, or why not.
    pub fn can_print(&self, format: Format) -> std::result::Result<(), String> {
        for (name, by) in NEEDED {
            let is_watched = self.fail_above.iter().any(|limit| limit.name == name);
            if is_watched && !self.wanted().iter().any(|one| by.contains(one)) {
                return Err(format!("--fail-above {name} needs --by {}", by[0].name()));
            }
        }
        if self.memory && !self.tells_memory() {
            return Err("--memory needs --by type or --by key".to_owned());
        }
        match format {
            Format::Folded if self.wanted().len() > 1 || self.depth.len() > 1 => {
                Err("--format folded takes one --by and one --depth: stacks of several would \
                     count every byte several times"
                    .to_owned())
            }
            _ => Ok(()),
        }
    }

    /// Whether what is asked for has the memory of keys in it.
    fn tells_memory(&self) -> bool {
        self.by.iter().any(|one| matches!(one, By::Type | By::Key))
    }

    /// Rows that are answered at most.
    pub fn rows(&self) -> usize {
        self.top.min(limits::TOP)
    }

    /// Nodes of a cluster that have a row at most: as many as fit one screen, unless a number was given.
    pub fn nodes(&self) -> usize {
        if self.top == TOP { NODES } else { self.rows() }
    }

    pub fn key_options(&self, by: &[By]) -> Option<KeyOptions> {
        if ![By::Key, By::Prefix, By::Slot].iter().any(|one| by.contains(one)) {
            return None;
        }
        let depths: Vec<_> = self.depth.iter().copied().map(usize::from).collect();
        let grouping = Grouping::new(self.separator.as_bytes(), &depths);
        let mut options = KeyOptions::default();
        options.keys = by.contains(&By::Key);
        options.prefixes = by.contains(&By::Prefix).then_some(grouping);
        options.slots = by.contains(&By::Slot);
        options.top = self.rows();
        Some(options)
    }
}

pub const MANUAL: Manual = Manual {
    examples: &[
        ("aofkit stats --by prefix,key /var/lib/redis", "which keys fill the log"),
        ("aofkit stats --since 1h --command DEL appendonlydir", "deletions of the last hour"),
        ("aofkit stats --fail-above key_share=30% --by key .", "exit 30 if one key fills the log"),
    ],
    remark: "",
    exits: &[
        (Outcome::Done, "counted, also when the set is damaged (then with a warning)"),
        (Outcome::CouldNot, "the set could not be read"),
        (Outcome::Usage, "the arguments are wrong"),
        (Outcome::NotFound, "no such path, or no set there"),
        (Outcome::Findings, "a figure is above its --fail-above"),
    ],
};
