//! What `aofkit cat` takes.

use aofkit::aof::{Aof, Role, Segment};
use aofkit::scan::Position;
use aofkit::text::name;
use clap::Args as ClapArgs;

use crate::cli::common::context::Format;
use crate::cli::common::filters::FilterArgs;
use crate::cli::common::manual::Manual;
use crate::cli::common::outcome::Outcome;
use crate::cli::common::reading::Reading;

#[derive(Debug, ClapArgs)]
pub struct CatArgs {
    #[command(flatten)]
    pub reading: Reading,
    /// Also print the base: its keys and functions, or its commands
    #[arg(long, env = "AOFKIT_WITH_BASE", value_parser = clap::builder::FalseyValueParser::new())]
    pub with_base: bool,
    /// With --format resp: print commands as they stand in the log, also those that no client may send
    #[arg(long, env = "AOFKIT_AS_LOGGED", value_parser = clap::builder::FalseyValueParser::new())]
    pub as_logged: bool,
    /// Print at most N commands and keys
    #[arg(long, value_name = "N", env = "AOFKIT_LIMIT")]
    pub limit: Option<u64>,
    #[command(flatten)]
    pub filters: FilterArgs,
    /// Start at this offset; name the file where there are several
    #[arg(long, value_name = "[FILE:]OFFSET", env = "AOFKIT_FROM_OFFSET")]
    pub from_offset: Option<String>,
    /// Stop at this offset
    #[arg(long, value_name = "[FILE:]OFFSET", env = "AOFKIT_TO_OFFSET")]
    pub to_offset: Option<String>,
}

impl CatArgs {
    /// Whether commands can be printed in this form, or why they cannot.
    pub fn can_print(&self, format: Format, redact: bool) -> std::result::Result<(), String> {
        match format {
            Format::Csv | Format::Folded => {
                Err("--format csv and folded are for `stats`".to_owned())
            }
            Format::Resp if redact => {
                Err("--redact would change what --format resp is for, to be \
                                           loaded again: use text or ndjson"
                    .to_owned())
            }
            Format::Resp => Ok(()),
            _ if self.as_logged => {
                Err("--as-logged is for --format resp; other formats print commands as they stand"
                    .to_owned())
            }
            _ => Ok(()),
        }
    }

    pub fn takes(&self, segment: &Segment) -> bool {
        self.with_base || segment.role != Role::Base
    }

    /// A place in the set, as it was typed.
    pub fn place(
        &self,
        aof: &Aof,
        flag: &str,
        typed: &str,
    ) -> std::result::Result<Position, String> {
        let (file, offset) = match typed.rsplit_once(':') {
            Some((file, offset)) => (Some(file), offset),
            None => (None, typed),
        };
        let number = match offset.strip_prefix("0x") {
            Some(hex) => u64::from_str_radix(hex, 16),
            None => offset.parse(),
        };
        let offset = number.map_err(|_| {
            format!("{flag}: '{typed}' is not an offset such as 1048576, 0x100000 or FILE:1048576")
        })?;
        let mut read = aof.live().filter(|(_, segment)| self.takes(segment));
        let found = match file {
            Some(file) => read.find(|(_, segment)| *segment.name == *file.as_bytes()),
            None => read.next().filter(|_| read.next().is_none()),
        };
        found.map(|(position, _)| (position, offset)).ok_or_else(|| {
            let read = aof.live().filter(|(_, segment)| self.takes(segment));
            let names: Vec<_> = read.map(|(_, segment)| name(&segment.name)).collect();
            format!("{flag}: which file? FILE:{offset}, FILE being one of {}", names.join(", "))
        })
    }
}

pub const MANUAL: Manual = Manual {
    examples: &[
        ("aofkit cat --key 'user:42' --with-base .", "the whole history of a key"),
        ("aofkit cat --since 2h --command DEL,UNLINK .", "who deletes"),
        ("aofkit cat --with-base --format resp . | redis-cli --pipe", "load the set into a server"),
    ],
    remark: "",
    exits: &[
        (Outcome::Done, "printed, also when the set is damaged (then with a warning)"),
        (Outcome::CouldNot, "the set could not be read"),
        (Outcome::Usage, "the arguments are wrong"),
        (Outcome::NotFound, "no such path, or no set there"),
    ],
};
