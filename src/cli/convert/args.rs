//! What `aofkit convert` takes.

use std::path::PathBuf;

use aofkit::convert::Picks;
use aofkit::scan::Filter;
use aofkit::stats::SLOTS;
use clap::{Args as ClapArgs, ValueEnum};

use crate::cli::common::manual::Manual;
use crate::cli::common::outcome::Outcome;
use crate::cli::common::reading::Reading;
use crate::cli::common::trial::AskArgs;

/// What a set is to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum To {
    /// A multi-part set of a base and one increment
    Set,
    /// One file, as servers before 7.0 have it
    File,
    /// An RDB: the base of a set that holds nothing else
    Rdb,
}

#[derive(Debug, ClapArgs)]
pub struct ConvertArgs {
    #[command(flatten)]
    pub reading: Reading,
    /// The form to write
    #[arg(long, value_enum, default_value_t = To::Set, env = "AOFKIT_TO")]
    pub to: To,
    /// Write it into DIR (new or empty); the original stays as it is
    #[arg(long, value_name = "DIR")]
    pub output: PathBuf,
    #[command(flatten)]
    pub ask: AskArgs,
    /// Only this database
    #[arg(long, value_name = "N", env = "AOFKIT_DB", value_delimiter = ',')]
    pub db: Vec<u64>,
    /// Only keys that match this pattern, as for KEYS: 'user:*'
    #[arg(long, value_name = "GLOB", env = "AOFKIT_KEY")]
    pub key: Vec<String>,
    /// Only keys that match this regular expression
    #[arg(long, value_name = "REGEX", env = "AOFKIT_KEY_REGEX")]
    pub key_regex: Vec<String>,
    /// Only keys of this hash slot, or range of slots: 0-5460
    #[arg(long, value_name = "N[-M]", env = "AOFKIT_SLOT", value_delimiter = ',',
        value_parser = slots)]
    pub slot: Vec<(u16, u16)>,
}

pub fn slots(text: &str) -> std::result::Result<(u16, u16), String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let number = |text: &str| text.parse::<u16>().ok().filter(|slot| *slot < SLOTS);
    let range = number(first).zip(number(last)).filter(|(first, last)| first <= last);
    range.ok_or_else(|| "write a slot from 0 to 16383, or a range such as 0-5460".to_owned())
}

impl ConvertArgs {
    /// What is taken of the commands, or why that makes no sense.
    pub fn picks(&self) -> std::result::Result<Picks, String> {
        let mut filter = Filter::default();
        self.db.iter().for_each(|db| filter.add_db(*db));
        self.key.iter().for_each(|pattern| filter.add_key_pattern(pattern.as_bytes()));
        for expression in &self.key_regex {
            filter.add_key_regex(expression).map_err(|why| format!("--key-regex: {why}"))?;
        }
        Ok(Picks { filter, databases: self.db.clone(), slots: self.slot.clone() })
    }
}

pub const MANUAL: Manual = Manual {
    examples: &[
        ("aofkit convert dump.rdb --output appendonlydir", "an RDB as a set"),
        ("aofkit convert . --to file --output out", "a set as one pre-7.0 file"),
        ("aofkit convert . --key 'user:*' --output users", "some keys only"),
    ],
    remark: "An RDB keeps every byte; with a filter, every byte of the chosen keys and of function libraries.\n\
        aofkit refuses whatever it cannot convert exactly, and names the place.",
    exits: &[
        (Outcome::Done, "written, and healthy"),
        (Outcome::CouldNot, "refused or failed; DIR is as it was"),
        (Outcome::Usage, "the arguments are wrong"),
        (Outcome::NotFound, "no such path, or no set there"),
        (Outcome::TailDamage, "written, with damage at the very end of the last file"),
        (Outcome::InnerDamage, "written, with damage elsewhere"),
        (Outcome::SetInconsistent, "written, and the set is inconsistent"),
        (
            Outcome::Unsupported,
            "written, and the target does not support it, or aofkit does not know",
        ),
        (Outcome::Interrupted, "interrupted; DIR is as it was"),
    ],
};
