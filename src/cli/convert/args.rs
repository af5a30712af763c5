//! What `aofkit convert` takes.

use std::path::PathBuf;

use aofkit::convert::Picks;
use aofkit::scan::Filter;
use aofkit::stats::SLOTS;
use clap::{Args as ClapArgs, ValueEnum};

use crate::cli::common::reading::Reading;

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
    /// What it is to become
    #[arg(long, value_enum, default_value_t = To::Set, env = "AOFKIT_TO")]
    pub to: To,
    /// Write it into DIR, which must not exist or be empty; the original stays as it is
    #[arg(long, value_name = "DIR")]
    pub output: PathBuf,
    /// Only this database
    #[arg(long, value_name = "N", env = "AOFKIT_DB", value_delimiter = ',')]
    pub db: Vec<u64>,
    /// Only keys of this pattern, as KEYS understands it: 'user:*'
    #[arg(long, value_name = "GLOB", env = "AOFKIT_KEY")]
    pub key: Vec<String>,
    /// Only keys in which this regular expression is found
    #[arg(long, value_name = "REGEX", env = "AOFKIT_KEY_REGEX")]
    pub key_regex: Vec<String>,
    /// Only keys of this hash slot, or of a range: 0-5460
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

pub const CONVERT_CODES: &str = "\
An RDB keeps every byte; with a filter, every byte of the chosen keys and of function libraries. aofkit refuses
whatever it cannot convert exactly, and names the place.

Exit status: as `check` would answer for the result; 0 when it is healthy. Also:
  1    refused, or could not be done; DIR is as it was
  2    usage
  10   no such path, or no set there
  130  interrupted; DIR is as it was";
