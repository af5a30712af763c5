//! `aofkit report`

pub mod args;
pub mod look;
pub mod place;

use std::collections::BTreeMap;
use std::path::PathBuf;

use aofkit::audit::audit;
use aofkit::backup::{Entry, Repository};
use aofkit::error::{Error, ErrorKind, Result};
use aofkit::fleet::{Place, outliers};
use aofkit::limits;
use aofkit::text::{count, path};

use self::args::ReportArgs;
use crate::cli::audit::args::AuditArgs;
use crate::cli::audit::gather;
use crate::cli::common::context::Context;
use crate::cli::common::json::VERSION;
use crate::cli::common::outcome::Outcome;
use crate::cli::common::published;
use crate::cli::common::sets::{names, root_of};
use crate::cli::page::parts::{Section, clipped};
use crate::cli::page::seen::Seen;
use crate::cli::page::{Page, backups, findings, fleet, set};

/// Looks at all sets and writes the page.
pub fn run(args: &ReportArgs, context: &Context) -> Result<(String, Outcome)> {
    published::must_be_plain(&args.output)?;
    let paths = match &args.paths[..] {
        [] => vec![PathBuf::new()],
        paths => paths.to_vec(),
    };
    let (sets, failed) = context.each_of(&paths, |aof, turn| {
        place::must_be_outside(&args.output, &aof)?;
        look::look(aof, turn, context)
    })?;
    let mut outcomes = failed;
    let named = named(sets, &paths);
    let mut sections = Vec::new();
    let found = outliers(&named.iter().map(|(_, one)| one.measured()).collect::<Vec<_>>());
    if named.len() > 1 {
        sections.push(fleet::fleet(&named, &found));
    }
    if let Some(repo) = &args.repo {
        let (section, outcome) = kept(&Repository::at(repo)?, context)?;
        sections.push(section);
        outcomes.extend(outcome);
    }
    if context.open.conf.is_some() || context.server.is_some() {
        sections.push(audited(&paths, args, context)?);
    }
    let page = Page {
        title: title(&named),
        made: made(),
        version: VERSION,
        is_redacted: context.redact,
        sections,
        sets: named.iter().zip(1..).map(|((name, seen), at)| set::set(seen, at, name)).collect(),
        is_many: false,
        left_out: 0,
    };
    let text = page.text().map_err(|e| Error::io(&args.output, std::io::Error::other(e)))?;
    published::write(&args.output, &text)?;
    let outcome = Outcome::worst(outcomes.into_iter().chain([Outcome::Done]));
    let told = format!(
        "{}: {} on a page of {}\n",
        path(&args.output),
        count(named.len() as u64, "set"),
        aofkit::text::size(text.len() as u64)
    );
    Ok((told, outcome))
}

/// The time that the page tells, to the minute. Nothing else on it depends on when it is made but ages and forecasts.
fn made() -> String {
    let now = jiff::Timestamp::now().to_string();
    now.chars().take(16).collect::<String>().replace('T', " ") + " UTC"
}

fn title(named: &[(String, Seen)]) -> String {
    match named {
        [(name, _)] => format!("AOF of {}", clipped(name, 120)),
        several => format!("{} of append-only files", count(several.len() as u64, "set")),
    }
}

/// Each with its name: those that stand out first, then the worst.
fn named(sets: Vec<Seen>, paths: &[PathBuf]) -> Vec<(String, Seen)> {
    let found = outliers(&sets.iter().map(Seen::measured).collect::<Vec<_>>());
    let names = match (&sets[..], paths) {
        ([only], _) => vec![path(&only.aof.path)],
        (several, [one]) => names(several.iter().map(|set| Place::of(&set.aof)), one),
        (several, _) => names(several.iter().map(|set| Place::of(&set.aof)), &root_of(paths)),
    };
    let rank = |at: usize, seen: &Seen| {
        let place = found.iter().position(|one| one.place == at).unwrap_or(usize::MAX);
        (place, std::cmp::Reverse(seen.report.verdict), at)
    };
    let mut all: Vec<_> = sets
        .into_iter()
        .zip(names)
        .enumerate()
        .map(|(at, (seen, name))| (rank(at, &seen), (name, seen)))
        .collect();
    all.sort_by_key(|(rank, _)| *rank);
    all.into_iter().map(|(_, one)| one).collect()
}

/// What the repository holds.
fn kept(repository: &Repository, context: &Context) -> Result<(Section, Option<Outcome>)> {
    let mut sources: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
    let (mut left, mut unreadable) = (limits::BACKUP_ALL_SEGMENTS, 0);
    for listed in repository.list()? {
        if context.source.as_ref().is_some_and(|source| *source != listed.source) {
            continue;
        }
        match repository.entry_within(&listed, &mut left) {
            Ok(entry) => sources.entry(listed.source.clone()).or_default().push(entry),
            Err(e) if matches!(e.kind(), ErrorKind::BadBackup(_)) => {
                context.complain(&e);
                unreadable += 1;
            }
            Err(e) => return Err(e),
        }
    }
    let outcome = (unreadable > 0).then_some(Outcome::BadBackup);
    Ok((backups::backups(&sources, unreadable), outcome))
}

fn audited(paths: &[PathBuf], args: &ReportArgs, context: &Context) -> Result<Section> {
    let paths: Vec<PathBuf> =
        paths.iter().filter(|path| !path.as_os_str().is_empty()).cloned().collect();
    let gathered = gather::gather(&AuditArgs::of(&paths, args.repo.clone(), &[]), context)?;
    Ok(findings::findings(&audit(&gathered.subject, &[])))
}
