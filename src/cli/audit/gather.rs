//! Looks at all that was named.

use std::path::{Path, PathBuf};

use aofkit::aof::{Aof, Configuration, seed_of};
use aofkit::audit::{SetSeen, Subject};
use aofkit::check::{Check, Wording, judge};
use aofkit::disk;
use aofkit::error::{Error, ErrorKind, Result};
use aofkit::growth::{Growth, GrowthOptions, Outlook, Surroundings};
use aofkit::rules::Target;
use aofkit::scan::scan;
use aofkit::server::ServerSeen;
use aofkit::stats::{Deletes, Grouping};
use aofkit::text;

use super::args::AuditArgs;
use super::beside;
use crate::cli::common::beside::neighbours;
use crate::cli::common::context::Context;
use crate::cli::common::outcome::Outcome;
use crate::cli::common::progress::Bar;

/// What was looked at.
pub struct Gathered {
    pub subject: Subject,
    /// How the run ends because something that was named could not be looked at.
    pub failed: Option<Outcome>,
}

/// Looks at all of it. What cannot be looked at is told and left out, unless nothing is left.
pub fn gather(args: &AuditArgs, context: &Context) -> Result<Gathered> {
    let mut subject = Subject { repository: args.repo.clone(), ..Subject::default() };
    subject.conf = context.open.conf.as_deref().map(Configuration::read).transpose()?;
    subject.beside = read_all(&context.more_confs)?;
    subject.now = Some(jiff::Timestamp::now().as_second());
    subject.sentinels = beside::sentinels(&args.sentinel_conf)?;
    subject.elasticache = beside::described(&args.parameter_group)?;
    for file in subject.elasticache.iter().filter(|file| file.is_empty()) {
        context.note(&format!(
            "{}: it lists no parameter, parameter group, replication group or cluster",
            text::path(&file.path)
        ));
    }
    let (mut failed, mut errors) = (None, Vec::new());
    if let Some(asked) = &context.server {
        subject.server = Some(asked.connect().and_then(|mut server| server.seen())?);
    }
    let server = subject.server.as_ref();
    subject.machine = server.and_then(beside::machine);
    if let Some((server, why)) = server.and_then(|server| Some((server, server.withheld.as_ref()?)))
    {
        context.note(&format!("{}: it does not tell its settings: {why}", server.address));
    }
    for path in &args.paths {
        if let Some(file) = beside::node_file(path) {
            subject.nodes.push(file);
            continue;
        }
        match context.each_set(path, |aof, _| look(aof, server, context)) {
            Ok((sets, left_out)) => {
                subject.sets.extend(sets);
                failed = failed.or(left_out);
            }
            Err(e) => errors.push(e),
        }
    }
    let is_alone = args.paths.len() == 1 || subject.sets.is_empty() && !args.names_others(context);
    if let Some(first) = errors.pop_if(|_| is_alone) {
        errors.iter().for_each(|e| context.complain(e));
        return Err(first);
    }
    if !errors.is_empty() {
        errors.iter().for_each(|e| context.complain(e));
        failed = failed.or(Some(Outcome::CouldNot));
    }
    if args.paths.is_empty() && subject.conf.is_some() {
        match context.each_set(Path::new(""), |aof, _| look(aof, server, context)) {
            Ok((sets, left_out)) => {
                subject.sets.extend(sets);
                failed = failed.or(left_out);
            }
            // A configuration may be judged before its server has ever run, or on another machine.
            Err(e) if is_absent(&e) => context.note(&format!("no set was looked at: {e}")),
            Err(e) => return Err(e),
        }
    }
    subject.target = target(&subject, context);
    let found = beside::node_files(&subject, &args.paths);
    subject.nodes.extend(found);
    let of_others = subject.each_beside().flat_map(|one| beside::node_files(&one, &[]));
    for file in of_others.collect::<Vec<_>>() {
        if !subject.nodes.iter().any(|known| known.path == file.path) {
            subject.nodes.push(file);
        }
    }
    Ok(Gathered { subject, failed })
}

fn read_all(paths: &[PathBuf]) -> Result<Vec<Configuration>> {
    paths.iter().map(|path| Configuration::read(path)).collect()
}

fn is_absent(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Conf(_))
}

/// One set, in one pass.
fn look(aof: Aof, server: Option<&ServerSeen>, context: &Context) -> Result<SetSeen> {
    let now = jiff::Timestamp::now();
    let mut options = GrowthOptions::at(now.as_millisecond());
    options.seed = Some(seed_of(std::iter::once(&aof)));
    let deletes = Deletes::new(Grouping::default(), 0);
    let observer = (Check::new(&aof), (Growth::new(&aof, options), deletes));
    let (facts, (growth, deletes)) = scan(&aof, observer, &context.pace, &Bar::new(context.bar))?;
    let damaged = facts.damaged_inside();
    let facts = facts.with_neighbours(neighbours(&aof, damaged, context)?);
    let report = judge(&aof, facts, &Wording { redact: context.redact })?;
    let own = server.filter(|seen| seen.state.keeps_log_at(&aof.dir()) == Some(true));
    let around = Surroundings {
        now: now.as_second(),
        disk: disk::room(&aof.path).ok(),
        rules: Vec::new(),
        server: own.map(|seen| seen.state.clone()),
    };
    let outlook = Outlook::new(&aof, &growth, &around);
    Ok(SetSeen { aof, report, growth, outlook, deletes })
}

/// The server whose ways count: the one that was named, or that runs. The writer of a set may have been replaced by a later
/// one since, and is none.
fn target(subject: &Subject, context: &Context) -> Option<Target> {
    let running = || {
        let state = &subject.server.as_ref()?.state;
        format!("{}-{}", state.family, state.version.as_ref()?).parse().ok()
    };
    context.open.target.or_else(running)
}
