//! `backup --all`: every set into one repository, a source each.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use aofkit::aof::{Aof, ManifestState};
use aofkit::backup::{Backup, Mark, Repository, must_lie_apart, shared_out, short_id};
use aofkit::error::{Error, ErrorKind, Result};
use aofkit::fleet::Place;
use aofkit::store::Location;
use aofkit::text::{count, name, tame, thousands};
use comfy_table::CellAlignment::{Left, Right};

use super::args::BackupArgs;
use super::taking::{kept, shrank_by, tell, tell_room};
use crate::cli::common::context::{Context, only_once};
use crate::cli::common::layout::MORE;
use crate::cli::common::outcome::Outcome;
use crate::cli::common::sets::{names, root_of, shown, table_of, vacant_line, without_set};
use crate::cli::common::units::size;
use crate::cli::common::view::View;
use crate::cli::repository::json::{Failed, backups};
use crate::cli::repository::text::keys;

/// What became of one set.
struct One {
    name: String,
    path: PathBuf,
    made: Result<Backup>,
    outcome: Outcome,
}

/// Takes every set. One that fails stops no other.
pub fn run(args: &BackupArgs, context: &Context) -> Result<(String, Outcome)> {
    let paths = args.paths();
    let (found, mut all) = find(&paths, context)?;
    let repository = repository(&found, args, context)?;
    // Shared out before the first one is taken: a copy must not get the source of a set whose turn comes later.
    let own = shared_out(&repository, found.iter().map(|(_, aof)| aof))?;
    let mut made_of = BTreeSet::new();
    for (place, (name, aof)) in found.into_iter().enumerate() {
        // What the files are is looked at anew by the backup itself.
        let path = named(&aof);
        drop(aof);
        let of_others = own[..place].iter().chain(&own[place + 1..]).flatten();
        let others = of_others.chain(&made_of).cloned().collect();
        let made = kept(&path, others, args, &repository, context);
        made_of.extend(made.iter().map(|made| made.entry.source.clone()));
        let outcome = match &made {
            Ok(made) => {
                tell(made, args, context);
                match args.fail_on_shrink.is_some_and(|percent| shrank_by(made, percent)) {
                    true => Outcome::Findings,
                    false => Outcome::Done,
                }
            }
            Err(error) => {
                context.complain(error);
                Outcome::of_error(error)
            }
        };
        let is_over = outcome == Outcome::Interrupted;
        all.push(One { name, path, made, outcome });
        if is_over {
            break;
        }
    }
    let outcome = all.iter().map(|one| one.outcome).max_by_key(|outcome| weight(*outcome));
    let text = match context.json {
        true => json(&paths, &all),
        false => table(&all, context),
    };
    Ok((text, outcome.unwrap_or(Outcome::Done)))
}

/// The path by which a set is found again: its manifest, or the directory where that is lost.
fn named(aof: &Aof) -> PathBuf {
    match &aof.manifest {
        Some(own) if matches!(own.state, ManifestState::Missing) => aof.dir(),
        Some(own) => own.path.clone(),
        None => aof.path.clone(),
    }
}

/// What of several outcomes counts: what was not done at all before what was found.
fn weight(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Done => 0,
        Outcome::Findings => 1,
        Outcome::NotFound => 2,
        Outcome::InUse => 3,
        Outcome::BadBackup => 4,
        Outcome::Interrupted => 6,
        _ => 5,
    }
}

type Found = Vec<(String, Aof)>;

/// The sets at all paths with their names, and those that cannot be opened.
fn find(paths: &[PathBuf], context: &Context) -> Result<(Found, Vec<One>)> {
    let (mut sets, mut failed) = (Vec::new(), Vec::new());
    let mut fail = |path: &Path, error: Error| {
        context.complain(&error);
        let outcome = Outcome::of_error(&error);
        let name = name(path.as_os_str().as_encoded_bytes());
        failed.push(One { name, path: path.to_owned(), made: Err(error), outcome });
    };
    let mut all = Vec::new();
    for path in paths {
        match context.open_each(path) {
            Ok(opened) => all.extend(opened),
            Err(error) if paths.len() > 1 => fail(path, error),
            Err(error) => return Err(error),
        }
    }
    only_once(&mut all);
    for one in all {
        match one {
            Ok(aof) => sets.push(aof),
            Err(error) => {
                let path = error.path().to_owned();
                fail(&path, error);
            }
        }
    }
    let (places, root) = (sets.iter().map(Place::of).collect::<Vec<_>>(), root_of(paths));
    if let Some(told) = vacant_line(&without_set(&places, paths), &root) {
        context.warn(&told);
    }
    let names = names(places.into_iter(), &root);
    Ok((names.into_iter().zip(sets).collect(), failed))
}

/// The repository, which is made where there is none, but not within any of the sets.
fn repository(found: &Found, args: &BackupArgs, context: &Context) -> Result<Repository> {
    let store = || Location(&args.place.repo).store(args.min_free);
    match Repository::open(store()) {
        Err(e) if *e.kind() == ErrorKind::NotFound => {
            for (_, aof) in found {
                must_lie_apart(aof, &args.place.repo)?;
            }
            let all = found.iter().map(|(_, aof)| aof.size_bytes()).sum();
            tell_room(all, store().spare()?, context);
            Repository::open_or_create(store())
        }
        other => other,
    }
}

fn table(all: &[One], view: &View) -> String {
    let style = view.style;
    let mut head = vec![
        ("SET", Left),
        ("SOURCE", Left),
        ("SNAPSHOT", Left),
        ("SIZE", Right),
        ("KEYS", Right),
        ("STORED", Right),
    ];
    let mut order: Vec<&One> = all.iter().collect();
    order.sort_by_key(|one| std::cmp::Reverse(weight(one.outcome)));
    let (first, hidden) = shown(order.len(), view.verbose);
    let mut rows: Vec<_> = order[..first].iter().map(|one| row(one)).collect();
    if hidden > 0 {
        let well = order[first..].iter().filter(|one| one.made.is_ok()).count() as u64;
        let more = count(hidden as u64, "more set");
        rows.push(vec![format!("{MORE} {more}, {} taken (-v shows them)", thousands(well))]);
    }
    let text = table_of(style, &mut head, rows, &["KEYS", "SOURCE", "SIZE"]);
    format!("{text}\n{}\n", style.bold(&total(all)))
}

fn row(one: &One) -> Vec<String> {
    let name = one.name.clone();
    let Ok(made) = &one.made else {
        // Why, the message on standard error says in words.
        return vec![name, "-".into(), "FAILED".into(), "-".into(), "-".into(), "-".into()];
    };
    let entry = &made.entry;
    let mut snapshot = tame(short_id(&entry.id)).into_owned();
    if made.unchanged {
        snapshot += " unchanged";
    }
    if made.marks.iter().any(|mark| mark.kind != Mark::AS_IS) {
        snapshot += " MARKED";
    }
    vec![
        name,
        tame(&entry.source).into_owned(),
        snapshot,
        size(entry.logical_bytes()),
        keys(entry),
        size(made.new_bytes),
    ]
}

fn total(all: &[One]) -> String {
    let made = || all.iter().filter_map(|one| one.made.as_ref().ok());
    let unchanged = made().filter(|made| made.unchanged).count() as u64;
    let taken = made().count() as u64 - unchanged;
    format!(
        "{}: {} taken, {} unchanged, {} failed; {} stored",
        count(all.len() as u64, "set"),
        thousands(taken),
        thousands(unchanged),
        thousands(all.len() as u64 - taken - unchanged),
        size(made().map(|made| made.new_bytes).sum())
    )
}

fn json(paths: &[PathBuf], all: &[One]) -> String {
    let made: Vec<_> = all.iter().filter_map(|one| one.made.as_ref().ok()).collect();
    let failed = all.iter().filter_map(|one| {
        let error = one.made.as_ref().err()?;
        Some(Failed { path: &one.path, error, exit_status: one.outcome as u8 })
    });
    let root = root_of(paths);
    // What relative paths have in common is at least where they begin.
    let is_here = root.as_os_str().is_empty() && paths.iter().all(|path| path.is_relative());
    let root = if is_here { PathBuf::from(".") } else { root };
    backups(&root, &made, &failed.collect::<Vec<_>>())
}
