//! `aofkit restore`

use std::path::PathBuf;

use aofkit::backup::{RestoreOptions, SnapshotPath, restore};
use aofkit::error::{Error, ErrorKind, Result};
use clap::Args as ClapArgs;

use super::find;
use crate::cli::args::Context;
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
    /// Also print the lines of redis.conf by which a server finds the set
    #[arg(long)]
    print_config: bool,
}

pub fn run(args: &RestoreArgs, context: &Context) -> Result<(String, Outcome)> {
    let Some(path) = SnapshotPath::parse(&args.snapshot) else {
        let why = "a snapshot is named as REPO::latest or REPO::ID".to_owned();
        return Err(Error::new(ErrorKind::Refused(why), &args.snapshot));
    };
    let (repository, entry) = find(&path, context.source.as_deref())?;
    let options = RestoreOptions { replace: args.replace, threads: context.threads };
    let bar = Bar::new(context.bar);
    let restored = restore(&repository, &entry, &args.dir, options, &bar)?;
    let config = args.print_config.then(|| backup_text::config(&entry, &restored));
    let text = match context.json {
        true => backup_json::restored(&args.snapshot, &entry, &restored, config),
        false => backup_text::restored(&entry, &restored, config, context.style),
    };
    Ok((text, Outcome::Done))
}
