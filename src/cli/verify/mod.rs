//! `aofkit verify`

pub mod args;

use std::path::Path;

use aofkit::backup::{Depth, Repository, verify};
use aofkit::error::Result;

use self::args::VerifyArgs;
use crate::cli::common::context::Context;
use crate::cli::common::interrupt;
use crate::cli::common::outcome::Outcome;
use crate::cli::common::progress::Bar;
use crate::cli::repository::load::{Loaded, Loading};
use crate::cli::repository::{json, text};

pub fn run(args: &VerifyArgs, context: &Context) -> Result<(String, Outcome)> {
    interrupt::obey_at_once();
    let repository = Repository::open_local(&args.place.repo)?;
    let depth = match args.data {
        None => Depth::Objects,
        Some((slice, of)) => Depth::Contents { slice, of },
    };
    let verified = verify(&repository, depth, context.threads, &Bar::new(context.bar))?;
    let loaded = match &args.load {
        None => None,
        Some(server) => Some(loading(server, args, context).run()?),
    };
    let bad = loaded.iter().flatten().any(Loaded::is_bad);
    let untold = loaded.iter().flatten().any(|one| one.not_tried.is_some());
    let outcome = match verified.is_good() && !bad {
        true if untold => Outcome::Unsupported,
        true => Outcome::Done,
        false => Outcome::BadBackup,
    };
    let text = match context.json {
        true => json::verified(&args.place.repo, &verified, loaded.as_deref(), context.redact),
        false => {
            let (loaded, style) = (loaded.as_deref(), context.style);
            text::verified(&args.place.repo, &verified, loaded, context.redact, style)
        }
    };
    Ok((text, outcome))
}

fn loading(server: &Path, args: &VerifyArgs, context: &Context) -> Loading {
    Loading {
        repo: args.place.repo.clone(),
        server: server.to_owned(),
        arguments: args.given.load_arg.clone(),
        source: context.source.clone(),
        threads: context.threads,
        bar: context.bar,
        in_json: context.json,
    }
}
