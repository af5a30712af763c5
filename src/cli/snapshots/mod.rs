//! `aofkit snapshots`

pub mod args;

use aofkit::backup::Repository;
use aofkit::error::{Error, ErrorKind, Result};
use aofkit::limits;

use self::args::SnapshotsArgs;
use crate::cli::common::context::Context;
use crate::cli::common::outcome::Outcome;
use crate::cli::repository::{json, text};

/// Lists them all. One that cannot be read is told of, and spoils the outcome.
pub fn run(args: &SnapshotsArgs, context: &Context) -> Result<(String, Outcome)> {
    let repository = Repository::at(&args.place.repo)?;
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
    if let Some(source) =
        context.source.as_ref().filter(|_| entries.is_empty() && outcome == Outcome::Done)
    {
        return Err(no_such_source(&repository, source)?);
    }
    let text = match context.json {
        true => json::snapshots(&args.place.repo, &entries),
        false => text::snapshots(&args.place.repo, &entries, context.style),
    };
    Ok((text, outcome))
}

/// Says which sources there are.
fn no_such_source(repository: &Repository, source: &str) -> Result<Error> {
    let mut names: Vec<_> = repository.list()?.into_iter().map(|one| one.source).collect();
    names.dedup();
    let there = match names.is_empty() {
        true => "it holds no snapshots".to_owned(),
        false => format!("there are: {}", names.join(", ")),
    };
    let none = std::io::Error::new(
        std::io::ErrorKind::NotFound,
        format!("no snapshots of a source '{source}'; {there}"),
    );
    Ok(Error::io(repository.store().name(), none))
}
