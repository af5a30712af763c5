//! `aofkit backup`

mod all;
pub mod args;
mod taking;

use std::collections::BTreeSet;

use aofkit::aof::Aof;
use aofkit::backup::{Repository, must_lie_apart};
use aofkit::error::{ErrorKind, Result};
use aofkit::store::Location;

use self::args::BackupArgs;
use self::taking::{kept, shrank_by, tell, tell_room};
use crate::cli::common::context::Context;
use crate::cli::common::interrupt;
use crate::cli::common::outcome::Outcome;
use crate::cli::repository::{json, text};

pub fn run(args: &BackupArgs, context: &Context) -> Result<(String, Outcome)> {
    interrupt::obey_at_once();
    if args.all {
        return all::run(args, context);
    }
    let repository = repository(args, context)?;
    let made = kept(args.reading.path(), BTreeSet::new(), args, &repository, context).inspect_err(
        |_| {
            // The first error is the one to tell.
            let _ = repository.withdraw();
        },
    )?;
    tell(&made, args, context);
    let text = match context.json {
        true => json::backup(&made),
        false => text::backup(&made, context.style),
    };
    let shrank = args.fail_on_shrink.is_some_and(|percent| shrank_by(&made, percent));
    Ok((text, if shrank { Outcome::Findings } else { Outcome::Done }))
}

/// The repository, which is made where there is none, but not within the set.
fn repository(args: &BackupArgs, context: &Context) -> Result<Repository> {
    let store = || Location(&args.place.repo).store(args.min_free);
    match Repository::open(store()) {
        Err(e) if *e.kind() == ErrorKind::NotFound => {
            let aof = Aof::open(args.reading.path(), &context.open)?;
            must_lie_apart(&aof, &args.place.repo)?;
            tell_room(aof.size_bytes(), store().spare()?, context);
            Repository::open_or_create(store())
        }
        other => other,
    }
}
