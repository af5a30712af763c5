//! `aofkit verify`

pub mod args;

use aofkit::backup::{Depth, Found, Repository, now, verify};
use aofkit::error::Result;
use aofkit::progress::{Progress, Silent};
use aofkit::trial::{LoadedSnapshot, Snapshots};

use self::args::VerifyArgs;
use crate::cli::common::context::Context;
use crate::cli::common::interrupt;
use crate::cli::common::outcome::Outcome;
use crate::cli::common::progress::Bar;
use crate::cli::repository::{json, text};

pub fn run(args: &VerifyArgs, context: &Context) -> Result<(String, Outcome)> {
    interrupt::obey_at_once();
    let began = now();
    let repository = Repository::at(&args.place.repo)?;
    let depth = match args.data {
        None => Depth::Objects,
        Some((slice, of)) => Depth::Contents { slice, of },
    };
    let verified = verify(&repository, depth, context.threads, &Bar::new(context.bar))?;
    let loaded = match &args.load {
        None => None,
        Some(server) => {
            let trial = args.given.trial(server, context)?;
            Some(trial.snapshots(&newest(args, context)?)?)
        }
    };
    let mut unrecorded = None;
    if args.record {
        let loaded = loaded.iter().flatten().filter(|one| one.not_tried.is_none());
        let loaded = loaded.map(|one| (one.source.clone(), !one.is_bad())).collect();
        let found = Found { began, data: args.data, verified: &verified, loaded };
        unrecorded = repository.record(&found).err();
    }
    let bad = loaded.iter().flatten().any(LoadedSnapshot::is_bad);
    let untold = loaded.iter().flatten().any(|one| one.not_tried.is_some());
    let outcome = match verified.is_good() && !bad {
        true if untold => Outcome::Unsupported,
        true if unrecorded.is_some() => Outcome::CouldNot,
        true => Outcome::Done,
        false => Outcome::BadBackup,
    };
    // What was found is told all the same.
    unrecorded.iter().for_each(|error| context.complain(error));
    let is_silent = context.quiet && outcome == Outcome::Done && verified.flaws.is_empty();
    let text = match context.json {
        false if is_silent => String::new(),
        true => json::verified(&args.place.repo, &verified, loaded.as_deref(), context.redact),
        false => {
            let (loaded, style) = (loaded.as_deref(), context.style);
            text::verified(&args.place.repo, &verified, loaded, context.redact, style)
        }
    };
    Ok((text, outcome))
}

/// The newest snapshots.
fn newest(args: &VerifyArgs, context: &Context) -> Result<Snapshots> {
    let progress: fn() -> Box<dyn Progress> = match context.bar {
        true => || Box::new(Bar::new(true)),
        false => || Box::new(Silent),
    };
    Ok(Snapshots {
        repo: args.place.repo.clone(),
        settings: context.settings()?.unwrap_or_default(),
        source: context.source.clone(),
        threads: context.threads,
        progress,
    })
}
