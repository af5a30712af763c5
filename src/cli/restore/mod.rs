//! `aofkit restore`

pub mod args;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use aofkit::Aof;
use aofkit::backup::{
    Entry, Moment, Repository, RestoreOptions, SnapshotPath, Which, covering, cut_at, later_with,
    restore, short_id,
};
use aofkit::check::{Report, check};
use aofkit::error::{Error, ErrorKind, Result};
use aofkit::limits;
use aofkit::trial::{Loaded, Wanted};

use self::args::RestoreArgs;
use crate::cli::common::context::Context;
use crate::cli::common::interrupt;
use crate::cli::common::loaded;
use crate::cli::common::outcome::Outcome;
use crate::cli::common::progress::Bar;
use crate::cli::common::repository::find;
use crate::cli::repository::{json, text};

pub fn run(args: &RestoreArgs, context: &Context) -> Result<(String, Outcome)> {
    interrupt::obey_at_once();
    let Some(path) = SnapshotPath::parse(&args.snapshot) else {
        return Err(Error::refused(Refusal::NoSnapshot, &args.snapshot));
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
            cut_at(&repository, &entry, &moment, &args.snapshot, &context.open, &bar)
                .map_err(|e| explained(e, &repository, &entry, &moment, args, context))?
        }
        None => (entry, None),
    };
    let cut = cut.map(|boundary| text::cut(&entry, &boundary));
    let options = RestoreOptions { replace: args.replace, threads: context.threads };
    let bar = Bar::new(context.bar);
    let restored = restore(&repository, &entry, &args.dir, options, &bar)?;
    let config = args.print_config.then(|| text::config(&entry, &restored));
    let tried = tried(&restored.target, context)?;
    let outcome = tried.as_ref().map_or(Outcome::Done, |(report, loaded)| {
        loaded::exit_status(Outcome::of_verdict(report.verdict), report.loads, loaded)
    });
    let text = match context.json {
        true => {
            let loaded = tried.as_ref();
            let loaded = loaded.map(|(of, one)| loaded::json(one, of.loads, context.redact));
            let until = until.map(|seconds| Moment::of_seconds(seconds).seconds_text());
            json::restored(&args.snapshot, &entry, &restored, until, cut, config, loaded)
        }
        false => {
            let text = text::restored(&entry, &restored, cut, config, context.style);
            let asked = tried.as_ref().map_or_else(String::new, |(report, loaded)| {
                loaded::lines(loaded, report, context.style, context.redact)
            });
            text + &asked
        }
    };
    Ok((text, outcome))
}

/// Why nothing is restored.
#[derive(Debug)]
enum Refusal {
    /// No snapshot has such a name.
    NoSnapshot,
    /// The snapshot is older than the command that was asked for, which a later one has.
    TooOld { later: String },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSnapshot => f.write_str("a snapshot is named as REPO::latest or REPO::ID"),
            Self::TooOld { later } => write!(
                f,
                "it has no such command: it is older than the one that {} has, and can be restored whole, without \
                 --before-command",
                short_id(later)
            ),
        }
    }
}

/// Why a moment cannot be reached, where a later snapshot tells more: this one may be older than the command.
fn explained(
    error: Error,
    repository: &Arc<Repository>,
    entry: &Entry,
    moment: &aofkit::moment::Moment,
    args: &RestoreArgs,
    context: &Context,
) -> Error {
    if !matches!(error.kind(), ErrorKind::Refused(_)) {
        return error;
    }
    match later_with(repository, entry, moment, &args.snapshot, &context.open) {
        Ok(Some(later)) => Error::refused(Refusal::TooOld { later: later.id }, &args.snapshot),
        Ok(None) | Err(_) => error,
    }
}

/// What a server makes of the restored set, where one is to be asked, and what was expected of it.
fn tried(dir: &Path, context: &Context) -> Result<Option<(Report, Loaded)>> {
    let Some(asking) = &context.trial else { return Ok(None) };
    let aof = Aof::open(dir, &context.open)?;
    let report = check(&aof)?;
    let wanted = Wanted { as_dump: report.is_rdb, ..Wanted::default() };
    let loaded = asking.load(&aof, &wanted)?;
    Ok(Some((report, loaded)))
}

/// The newest snapshot of the same source that has this second in its history; the newest of all when none has,
/// which then says why it cannot be reached.
pub fn of_that_time(repository: &Repository, newest: Entry, until: i64) -> Result<Entry> {
    let mut entries = Vec::new();
    let mut left = limits::BACKUP_ALL_SEGMENTS;
    for listed in repository.list_source(&newest.source)? {
        entries.push(repository.entry_within(&listed, &mut left)?);
    }
    Ok(covering(&entries, until).cloned().unwrap_or(newest))
}
