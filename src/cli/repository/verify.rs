//! `aofkit verify`

use std::path::{Path, PathBuf};

use aofkit::backup::{Depth, Repository, verify};
use aofkit::error::Result;
use clap::Args as ClapArgs;

use super::Place;
use super::load::{Loaded, Loading};
use crate::cli::args::Context;
use crate::cli::interrupt;
use crate::cli::outcome::Outcome;
use crate::cli::progress::Bar;
use crate::cli::render::{backup_json, backup_text};
use crate::cli::trial::HandedOn;
use crate::cli::trial::arguments::LoadArgs;

#[derive(Debug, ClapArgs)]
pub struct VerifyArgs {
    #[command(flatten)]
    place: Place,
    /// Also decompress everything and parse every command and RDB entry; with =1/7 the first of seven
    /// parts, so that a week covers it all
    #[arg(long, value_name = "N/OF", num_args = 0..=1, require_equals = true,
        default_missing_value = "1/1", value_parser = slice, env = "AOFKIT_DATA")]
    data: Option<(u64, u64)>,
    /// Also restore the newest snapshot of each source aside, have this server load it, and compare all
    /// that it holds with what a second one has from the commands in it
    #[arg(long, value_name = "PATH-TO-SERVER", env = "AOFKIT_LOAD")]
    load: Option<PathBuf>,
    #[command(flatten)]
    given: LoadArgs,
}

/// Reads `1/7`.
fn slice(text: &str) -> Result<(u64, u64), String> {
    let parts = text.split_once('/').and_then(|(n, of)| Some((n.parse().ok()?, of.parse().ok()?)));
    let fits = parts.filter(|(n, of)| 1 <= *n && n <= of);
    fits.ok_or_else(|| format!("'{text}' is not a part such as 1/7"))
}

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
        Some(server) => Some(loading(server, args, context)?.run()?),
    };
    let bad = loaded.iter().flatten().any(Loaded::is_bad);
    let untold = loaded.iter().flatten().any(|one| one.not_tried.is_some());
    let outcome = match verified.is_good() && !bad {
        true if untold => Outcome::Unsupported,
        true => Outcome::Done,
        false => Outcome::BadBackup,
    };
    let text = match context.json {
        true => {
            backup_json::verified(&args.place.repo, &verified, loaded.as_deref(), context.redact)
        }
        false => {
            let (loaded, style) = (loaded.as_deref(), context.style);
            backup_text::verified(&args.place.repo, &verified, loaded, context.redact, style)
        }
    };
    Ok((text, outcome))
}

fn loading(server: &Path, args: &VerifyArgs, context: &Context) -> Result<Loading> {
    Ok(Loading {
        repo: args.place.repo.clone(),
        server: server.to_owned(),
        arguments: args.given.load_arg.clone(),
        renames: HandedOn::of(&context.settings()?.unwrap_or_default()),
        source: context.source.clone(),
        threads: context.threads,
        bar: context.bar,
        in_json: context.json,
    })
}
