//! `aofkit backup`

use std::path::PathBuf;

use aofkit::backup::{BackupOptions, Repository, backup};
use aofkit::error::Result;
use aofkit::store::LocalStore;
use aofkit::text::count;
use clap::Args as ClapArgs;

use super::Place;
use crate::cli::args::{Context, Reading, parse_bytes};
use crate::cli::outcome::Outcome;
use crate::cli::progress::Bar;
use crate::cli::render::{backup_json, backup_text};

#[derive(Debug, ClapArgs)]
pub struct BackupArgs {
    #[command(flatten)]
    pub reading: Reading,
    #[command(flatten)]
    place: Place,
    /// A label for the snapshot; may be given several times
    #[arg(long, value_name = "LABEL", env = "AOFKIT_TAG", value_delimiter = ',')]
    tag: Vec<String>,
    /// zstd's level: higher is smaller and slower
    #[arg(long, value_name = "N", default_value_t = 1, env = "AOFKIT_LEVEL",
        value_parser = clap::value_parser!(i32).range(1..=19))]
    level: i32,
    /// Leave so much of the repository's file system free [default: a tenth of it, at most 2 GiB]
    #[arg(long, value_name = "SIZE", env = "AOFKIT_MIN_FREE", value_parser = parse_bytes)]
    min_free: Option<u64>,
    /// Keep these files with the set, such as redis.conf and users.acl
    #[arg(long, value_name = "FILE", num_args = 1.., env = "AOFKIT_INCLUDE", value_delimiter = ',')]
    include: Vec<PathBuf>,
    /// The set has nothing in common with what the source had before, and is meant to take over
    #[arg(long)]
    new_history: bool,
}

pub fn run(args: &BackupArgs, context: &Context) -> Result<(String, Outcome)> {
    let store = LocalStore::new(&args.place.repo, args.min_free);
    let repository = Repository::open_or_create(Box::new(store))?;
    let options = BackupOptions {
        source: context.source.clone(),
        tags: args.tag.clone(),
        level: args.level,
        threads: context.threads,
        pace: context.pace,
        includes: args.include.clone(),
        new_history: args.new_history,
    };
    let bar = Bar::new(context.bar);
    let made = backup(args.reading.path(), &context.open, &repository, &options, &bar)?;
    for id in &made.unreadable {
        context.note(&format!(
            "snapshot {id} cannot be read and was passed over; see `aofkit verify`"
        ));
    }
    for how in &made.entry.diverged {
        if !made.unchanged {
            let name = aofkit::text::name(&how.file.bytes().unwrap_or_default());
            context.note(&format!(
                "{name}: its first {} are not those of the snapshot before; its history was \
                 rewritten from byte {} on",
                count(how.parent_size, "byte"),
                how.same_up_to
            ));
        }
    }
    let text = match context.json {
        true => backup_json::backup(&made),
        false => backup_text::backup(&made, context.style),
    };
    Ok((text, Outcome::Done))
}
