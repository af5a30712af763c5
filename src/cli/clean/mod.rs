//! `aofkit clean`

pub mod args;
pub mod report;
pub mod text;

use std::time::SystemTime;

use aofkit::aof::Aof;
use aofkit::change::{self, Keep, Options};
use aofkit::check::Wording;
use aofkit::clean;
use aofkit::disk::LocalDisk;
use aofkit::error::{ErrorKind, Result};

use self::args::CleanArgs;
use self::report::Cleaned;
use crate::cli::changing::{self, open_one};
use crate::cli::common::context::{Context, Format};
use crate::cli::common::outcome::Outcome;
use crate::cli::common::output::usage;
use crate::cli::common::progress::Bar;

/// Times a set that changes under the plan is looked at again.
const ATTEMPTS: usize = 5;

/// Cleans up beside the one set at the path.
pub fn run(args: &CleanArgs, context: &Context) -> Result<(String, Outcome)> {
    let keep = match (&args.keep_in, args.delete) {
        (Some(dir), _) => Keep::In(dir.clone()),
        (None, true) => Keep::Nowhere,
        (None, false) => Keep::Beside,
    };
    if args.reading.path() == std::path::Path::new("-") {
        let outcome = usage("standard input has nothing beside it: name a set", context.json);
        return Ok((String::new(), outcome));
    }
    let mut attempt = 1;
    let cleaned = loop {
        let aof = match open_one(args.reading.path(), &context.open)? {
            Ok(aof) => aof,
            Err(several) => return Ok((String::new(), usage(&several, context.json))),
        };
        match clean(aof, args, &keep, context) {
            // Beside a server that rewrites, files come and go.
            Err(e) if matches!(e.kind(), ErrorKind::Stale(_)) && attempt < ATTEMPTS => attempt += 1,
            other => break other?,
        }
    };
    let text = match context.format {
        Format::Json => text::json(&cleaned),
        _ => text::text(&cleaned, context.style),
    };
    Ok((text, Outcome::Done))
}

fn clean(aof: Aof, args: &CleanArgs, keep: &Keep, context: &Context) -> Result<Cleaned> {
    changing::refuse_link(&aof, None)?;
    if args.apply {
        change::clear_up(&change::subject(&aof), &aof.dir(), keep, &LocalDisk)?;
    }
    let options = clean::Options { min_age: args.min_age, now: SystemTime::now() };
    let survey = clean::survey(&aof, options, &context.pace, &Bar::new(context.bar))?;
    let mut kept_at = None;
    if args.apply {
        let options = Options { keep: Some(keep), ..Options::default() };
        let bar = Bar::new(context.bar);
        let applied = survey.plan.apply(&LocalDisk, &options, &bar)?;
        changing::tell_left(&applied.left);
        kept_at = applied.kept_at;
    }
    let applied = args.apply && !survey.plan.is_empty();
    // What is live was not touched, and is still open here.
    let (wording, bar) = (Wording { redact: context.redact }, Bar::new(context.bar));
    let outlook = survey.plan.outlook(&aof, &wording, &context.pace, &bar).ok();
    Ok(Cleaned { aof, survey, is_delete: args.delete, applied, kept_at, outlook })
}
