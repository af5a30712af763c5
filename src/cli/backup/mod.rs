//! `aofkit backup`

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use aofkit::backup::{Backup, BackupOptions, Beside, Repository, backup, backup_beside};
use aofkit::error::Result;
use aofkit::store::LocalStore;
use aofkit::text::count;
use clap::Args as ClapArgs;
use clap::builder::FalseyValueParser;
use jiff::SignedDuration;

use crate::cli::common::repository::Place;
use crate::cli::common::context::Context;
use crate::cli::common::reading::Reading;
use crate::cli::common::sizes::parse_bytes;
use crate::cli::common::interrupt;
use crate::cli::common::outcome::Outcome;
use crate::cli::common::progress::Bar;
use crate::cli::repository::{json, text};
use crate::cli::common::times;

#[derive(Debug, ClapArgs)]
pub struct BackupArgs {
    #[command(flatten)]
    pub reading: Reading,
    #[command(flatten)]
    place: Place,
    /// A label for the snapshot; may be given several times
    #[arg(long, value_name = "LABEL", env = "AOFKIT_TAG", value_delimiter = ',')]
    tag: Vec<String>,
    /// zstd's level: higher is smaller and slower
    #[arg(long, value_name = "N", default_value_t = 1, env = "AOFKIT_LEVEL",
        value_parser = clap::value_parser!(i32).range(1..=19))]
    level: i32,
    /// Leave so much of the repository's file system free [default: a tenth of it, at most 2 GiB]
    #[arg(long, value_name = "SIZE", env = "AOFKIT_MIN_FREE", value_parser = parse_bytes)]
    min_free: Option<u64>,
    /// Keep these files with the set, such as redis.conf and users.acl
    #[arg(long, value_name = "FILE", num_args = 1.., env = "AOFKIT_INCLUDE", value_delimiter = ',')]
    include: Vec<PathBuf>,
    /// The set has nothing in common with what the source had before, and is meant to take over
    #[arg(long)]
    new_history: bool,
    /// Make a snapshot also when nothing has changed since the last one
    #[arg(long, env = "AOFKIT_ALWAYS", value_parser = FalseyValueParser::new())]
    always: bool,
    /// Compare all bytes that the last snapshot has, and not only the ends of files
    #[arg(long, env = "AOFKIT_PARANOID", value_parser = FalseyValueParser::new())]
    paranoid: bool,
    /// Wait until everything that the server of --server has acknowledged is in its files, at most so many
    /// seconds; without, with appendfsync everysec, up to two seconds may be missing
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true,
        default_missing_value = "10", env = "AOFKIT_EXACT")]
    exact: Option<u64>,
    /// Tell when nothing was written to the set for so long: 2h, 7d; its server may write elsewhere by now
    #[arg(long, value_name = "TIME", default_value = "1d", env = "AOFKIT_STALE_AFTER",
        value_parser = stale_after)]
    stale_after: SignedDuration,
}

fn stale_after(text: &str) -> std::result::Result<SignedDuration, String> {
    times::duration(text).ok_or_else(|| format!("'{text}' is not a time such as 90m, 2h or 7d"))
}

impl BackupArgs {
    /// Whether it can be done, or why not.
    pub fn can_run(&self, context: &Context) -> std::result::Result<(), String> {
        match self.exact {
            Some(_) if context.server.is_none() => {
                Err("--exact asks the server: give --server URL, too".to_owned())
            }
            _ => Ok(()),
        }
    }
}

pub fn run(args: &BackupArgs, context: &Context) -> Result<(String, Outcome)> {
    interrupt::obey_at_once();
    let store = LocalStore::new(&args.place.repo, args.min_free);
    let repository = Repository::open_or_create(Box::new(store))?;
    let options = BackupOptions {
        source: context.source.clone(),
        tags: args.tag.clone(),
        level: args.level,
        threads: context.threads,
        pace: context.pace,
        includes: args.include.clone(),
        new_history: args.new_history,
        always: args.always,
        paranoid: args.paranoid,
    };
    let bar = Bar::new(context.bar);
    let (path, open) = (args.reading.path(), &context.open);
    let made = match &context.server {
        None => backup(path, open, &repository, &options, &bar)?,
        Some(asked) => {
            let mut server = asked.connect()?;
            let exact = args.exact.map(Duration::from_secs);
            let mut beside = Beside { server: &mut server, exact };
            backup_beside(path, open, &repository, &options, &mut beside, &bar)?
        }
    };
    tell(&made, args, context);
    let text = match context.json {
        true => json::backup(&made),
        false => text::backup(&made, context.style),
    };
    Ok((text, Outcome::Done))
}

/// Notes on what does not keep a backup from being one.
fn tell(made: &Backup, args: &BackupArgs, context: &Context) {
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
