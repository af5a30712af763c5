//! `aofkit clean`

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use aofkit::aof::{Aof, open_each};
use aofkit::change::{self, Applied, Keep, Options, Outlook};
use aofkit::check::Wording;
use aofkit::clean::{self, Survey};
use aofkit::disk::LocalDisk;
use aofkit::error::{ErrorKind, Result};
use clap::Args as ClapArgs;

use super::args::{Context, Format, Reading};
use super::changing;
use super::outcome::Outcome;
use super::progress::Bar;
use super::render::clean as render;
use super::times;

/// Times a set that changes under the plan is looked at again.
const ATTEMPTS: usize = 5;

#[derive(Debug, ClapArgs)]
pub struct CleanArgs {
    #[command(flatten)]
    pub reading: Reading,
    /// Do it; without this the plan is printed and nothing is changed
    #[arg(long)]
    apply: bool,
    /// Leave alone what was last written to less than this ago: 90s, 15m, 2h, 7d
    #[arg(long, value_name = "AGE", default_value = "1h", env = "AOFKIT_MIN_AGE",
        value_parser = min_age)]
    min_age: Duration,
    /// Delete instead of keeping aside: there is no way back then
    #[arg(long)]
    delete: bool,
    /// Keep what is removed below DIR, not beside the set
    #[arg(long, value_name = "DIR", env = "AOFKIT_KEEP_IN", conflicts_with = "delete")]
    keep_in: Option<PathBuf>,
}

fn min_age(text: &str) -> std::result::Result<Duration, String> {
    let age = times::duration(text).and_then(|age| Duration::try_from(age).ok());
    age.ok_or_else(|| "write a duration such as 90s, 15m, 2h or 7d".to_owned())
}

/// What was found in one set, and what became of it.
pub struct Cleaned {
    pub aof: Aof,
    pub survey: Survey,
    pub is_delete: bool,
    pub applied: bool,
    pub kept_at: Option<PathBuf>,
    /// How the set will be, or is by now, where that was asked for and could be seen.
    pub outlook: Option<Outlook>,
}

/// Cleans up beside the one set at the path.
pub fn run(args: &CleanArgs, context: &Context) -> Result<(String, Outcome)> {
    let keep = match (&args.keep_in, args.delete) {
        (Some(dir), _) => Keep::In(dir.clone()),
        (None, true) => Keep::Nowhere,
        (None, false) => Keep::Beside,
    };
    if args.reading.path() == std::path::Path::new("-") {
        let outcome =
            super::usage("standard input has nothing beside it: name a set", context.json);
        return Ok((String::new(), outcome));
    }
    let mut attempt = 1;
    let cleaned = loop {
        let Some(aof) = only(args, context)? else { return Ok((String::new(), Outcome::Usage)) };
        match clean(aof, args, &keep, context) {
            // Beside a server that rewrites, files come and go.
            Err(e) if matches!(e.kind(), ErrorKind::Stale(_)) && attempt < ATTEMPTS => attempt += 1,
            other => break other?,
        }
    };
    let text = match context.format {
        Format::Json => render::json(&cleaned),
        _ => render::text(&cleaned, context.style),
    };
    Ok((text, Outcome::Done))
}

/// The set; of several one has to be named.
fn only(args: &CleanArgs, context: &Context) -> Result<Option<Aof>> {
    let path = args.reading.path();
    let mut sets = open_each(path, &context.open)?;
    match (sets.pop(), sets.is_empty()) {
        (Some(only), true) => only.map(Some),
        (last, _) => {
            let sets: Vec<_> = sets.into_iter().chain(last).flatten().collect();
            let paths = sets.iter().map(|set| format!("\n  {}", aofkit::text::path(&set.path)));
            let text =
                format!("several sets are here, name one of them:{}", paths.collect::<String>());
            super::usage(&text, context.json);
            Ok(None)
        }
    }
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
        Applied { kept_at } = survey.plan.apply(&LocalDisk, &options, &bar)?;
    }
    let applied = args.apply && !survey.plan.is_empty();
    // What is live was not touched, and is still open here.
    let (wording, bar) = (Wording { redact: context.redact }, Bar::new(context.bar));
    let outlook = survey.plan.outlook(&aof, &wording, &context.pace, &bar).ok();
    Ok(Cleaned { aof, survey, is_delete: args.delete, applied, kept_at, outlook })
}
