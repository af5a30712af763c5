//! `aofkit snapshots`

pub mod args;

use aofkit::backup::Repository;
use aofkit::error::{ErrorKind, Result};
use aofkit::limits;

use self::args::SnapshotsArgs;
use crate::cli::common::context::Context;
use crate::cli::common::outcome::Outcome;
use crate::cli::repository::{json, text};

/// Lists them all. One that cannot be read is told of, and spoils the outcome.
pub fn run(args: &SnapshotsArgs, context: &Context) -> Result<(String, Outcome)> {
    let repository = Repository::open_local(&args.place.repo)?;
    let mut entries = Vec::new();
    let mut outcome = Outcome::Done;
    let mut left = limits::BACKUP_ALL_SEGMENTS;
    for listed in repository.list()? {
        if context.source.as_ref().is_some_and(|source| *source != listed.source) {
            continue;
        }
        match repository.entry_within(&listed, &mut left) {
            Ok(entry) => entries.push(entry),
            Err(e) if matches!(e.kind(), ErrorKind::BadBackup(_)) => {
                context.complain(&e);
                outcome = Outcome::BadBackup;
            }
            Err(e) => return Err(e),
        }
    }
    let text = match context.json {
        true => json::snapshots(&args.place.repo, &entries),
        false => text::snapshots(&args.place.repo, &entries, context.style),
    };
    Ok((text, outcome))
}
