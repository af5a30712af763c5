//! `aofkit restore`

use std::path::PathBuf;
use std::sync::Arc;

use aofkit::backup::{
    Entry, Moment, Repository, RestoreOptions, SnapshotPath, Which, covering, cut_at, restore,
};
use aofkit::error::{Error, ErrorKind, Result};
use aofkit::limits;
use clap::Args as ClapArgs;

use super::find;
use crate::cli::args::Context;
use crate::cli::interrupt;
use crate::cli::moments::MomentArgs;
use crate::cli::outcome::Outcome;
use crate::cli::progress::Bar;
use crate::cli::render::{backup_json, backup_text};

#[derive(Debug, ClapArgs)]
pub struct RestoreArgs {
    /// REPO::latest, REPO::latest~2 (two before it), or REPO::ID
    snapshot: PathBuf,
    /// The append directory to make: the set's files come directly into it
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Put the snapshot in the place of a directory that is not empty, and keep that one beside it
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    moment: MomentArgs,
    /// Also print the lines of redis.conf by which a server finds the set
    #[arg(long)]
    print_config: bool,
}

pub fn run(args: &RestoreArgs, context: &Context) -> Result<(String, Outcome)> {
    interrupt::obey_at_once();
    let Some(path) = SnapshotPath::parse(&args.snapshot) else {
        let why = "a snapshot is named as REPO::latest or REPO::ID".to_owned();
        return Err(Error::new(ErrorKind::Refused(why), &args.snapshot));
    };
    let (repository, entry) = find(&path, context.source.as_deref())?;
    let repository = Arc::new(repository);
    let until = args.moment.until()?;
    let entry = match until {
        Some(until) if path.which == Which::Latest(0) => of_that_time(&repository, entry, until)?,
        _ => entry,
    };
    let names = context.names()?;
    let (entry, cut) = match args.moment.moment(&entry, &args.snapshot, &names)? {
        Some(moment) => {
            let bar = Bar::new(context.bar);
            cut_at(&repository, &entry, &moment, &args.snapshot, &context.open, &bar)?
        }
        None => (entry, None),
    };
    let cut = cut.map(|boundary| backup_text::cut(&entry, &boundary));
    let options = RestoreOptions { replace: args.replace, threads: context.threads };
    let bar = Bar::new(context.bar);
    let restored = restore(&repository, &entry, &args.dir, options, &bar)?;
    let config = args.print_config.then(|| backup_text::config(&entry, &restored));
    let text = match context.json {
        true => {
            let until = until.map(|seconds| Moment::of_seconds(seconds).seconds_text());
            backup_json::restored(&args.snapshot, &entry, &restored, until, cut, config)
        }
        false => backup_text::restored(&entry, &restored, cut, config, context.style),
    };
    Ok((text, Outcome::Done))
}

/// The newest snapshot of the same source that has this second in its history; the newest of all when none has,
/// which then says why it cannot be reached.
fn of_that_time(repository: &Repository, newest: Entry, until: i64) -> Result<Entry> {
    let mut entries = Vec::new();
    let mut left = limits::BACKUP_ALL_SEGMENTS;
    for listed in repository.list_source(&newest.source)? {
        entries.push(repository.entry_within(&listed, &mut left)?);
    }
    Ok(covering(&entries, until).cloned().unwrap_or(newest))
}
