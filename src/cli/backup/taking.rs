//! One snapshot, and what has to be said of it.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, SystemTime};

use aofkit::backup::{Backup, BackupOptions, Beside, Mark, Repository, backup, backup_beside};
use aofkit::error::Result;
use aofkit::text::{count, size, tame};
use jiff::SignedDuration;

use super::args::BackupArgs;
use crate::cli::common::context::Context;
use crate::cli::common::progress::Bar;

/// A snapshot of the set at a path, which is none of the sources that other sets are.
pub fn kept(
    path: &Path,
    others: BTreeSet<String>,
    args: &BackupArgs,
    repository: &Repository,
    context: &Context,
) -> Result<Backup> {
    let options = BackupOptions {
        source: context.source.clone(),
        others,
        tags: args.tag.clone(),
        level: args.level,
        threads: context.threads,
        pace: context.pace,
        includes: args.include.clone(),
        drops_includes: args.drop_includes,
        new_history: args.new_history,
        always: args.always,
        paranoid: args.paranoid,
        as_is: args.as_is,
        shrink_percent: args.fail_on_shrink,
    };
    let bar = Bar::new(context.bar);
    let Some(asked) = &context.server else {
        return backup(path, &context.open, repository, &options, &bar);
    };
    let mut server = asked.connect()?;
    let exact = args.exact.map(Duration::from_secs);
    let mut beside = Beside { server: &mut server, exact };
    backup_beside(path, &context.open, repository, &options, &mut beside, &bar)
}

/// Whether this run has found what `--fail-on-shrink` is about.
pub fn shrank_by(made: &Backup, percent: u64) -> bool {
    made.marks.iter().any(|mark| match mark.kind.as_str() {
        Mark::SHRUNK => mark.percent.is_some_and(|lost| lost >= percent),
        Mark::ANOTHER_HISTORY | Mark::STARTED_EMPTY => true,
        _ => false,
    })
}

/// Tells before a first snapshot that it may not fit. How well a set packs is not known before.
pub fn tell_room(set: Option<u64>, spare: Option<u64>, context: &Context) {
    if let Some((set, spare)) = set.zip(spare).filter(|(set, spare)| set > spare) {
        context.note(&format!(
            "the set has {}, and the repository may take {} (--min-free says how much of the file system stays free): \
             whether the first snapshot fits depends on how well the set packs",
            size(set),
            size(spare)
        ));
    }
}

/// Notes on what does not keep a backup from being one.
pub fn tell(made: &Backup, args: &BackupArgs, context: &Context) {
    for mark in made.marks.iter().filter(|mark| mark.kind != Mark::AS_IS) {
        context.warn(&mark.message);
    }
    if let Some(host) = &made.other_host {
        context.note(&format!(
            "the snapshot before was taken on {}, and this set has nothing in common with it: after a rewrite in a \
             container that is as it should be; if that is another machine, give each its own --source",
            tame(host)
        ));
    }
    for why in &made.unread_sources {
        context.note(&format!(
            "source {} cannot be read, so nobody knows whether the set is the one of that source: {}",
            tame(&why.source),
            tame(&why.why)
        ));
    }
    for id in &made.unreadable {
        context.note(&format!(
            "snapshot {id} cannot be read and was passed over; see `aofkit verify`"
        ));
    }
    for object in &made.damaged {
        context.note(&format!(
            "{object} is damaged: what it held was stored anew; older snapshots need it as it was; see \
             `aofkit verify`"
        ));
    }
    if let Some(why) = &made.unnoted {
        context.note(&format!(
            "the snapshot is there; that it must be there could not be written down, which the next backup does: {why}"
        ));
    }
    if let Some(why) = &made.uncounted {
        context.note(&format!(
            "the list of keys in the repository cannot be read or written, so the number of keys is not known until the \
             next rewrite: {why}"
        ));
    }
    for how in &made.entry.diverged {
        if !made.unchanged {
            let name = aofkit::text::name(&how.file.bytes().unwrap_or_default());
            context.note(&format!(
                "{name}: its first {} are not those of the snapshot before; its history was \
                 rewritten from byte {} on",
                count(how.parent_size, "byte"),
                how.same_up_to
            ));
        }
    }
    if let Some(at) = &made.elsewhere {
        context.note(&format!(
            "the server says that its log is {at}: in a container that may be this one, else it is \
             another server"
        ));
    }
    let age = made.written.and_then(|at| SystemTime::now().duration_since(at).ok());
    let age = age.and_then(|age| SignedDuration::try_from(age).ok());
    if context.server.is_none()
        && let Some(age) = age.filter(|age| *age > args.stale_after)
    {
        context.note(&format!(
            "nothing was written here for {}: if a server runs, ask it by --server whether this is \
             its log",
            count(age.as_hours().unsigned_abs(), "hour")
        ));
    }
}
