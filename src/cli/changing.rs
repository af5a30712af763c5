//! What the verbs share that change a set: their options, and the way from a plan to its end.

use std::fmt;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use aofkit::aof::{Aof, OpenOptions, open_found};
use aofkit::change::{
    self, Action, Keep, Looking, Most, Options, Proposal, Recovered, Refusal, Session,
};
use aofkit::check::{Check, Report, Wording, judge};
use aofkit::disk::{self, LocalDisk};
use aofkit::error::{Error, ErrorKind, Result};
use aofkit::neighbours::Neighbours;
use aofkit::scan::scan_in_pieces;
use aofkit::trial::{Loaded, Wanted};
use clap::Args as ClapArgs;

use crate::cli::common::beside::neighbours;
use crate::cli::common::context::Context;
use crate::cli::common::interrupt::Interrupt;
use crate::cli::common::outcome::Outcome;
use crate::cli::common::output::complain;
use crate::cli::common::progress::Bar;
use crate::cli::common::sizes::size;
use crate::cli::common::{in_use, loaded};

/// Exit statuses of verbs that propose a change and carry it out.
pub const EXITS: &[(Outcome, &str)] = &[
    (Outcome::Done, "healthy, or nothing to do"),
    (Outcome::CouldNot, "refused or failed; nothing was changed"),
    (Outcome::Usage, "the arguments are wrong"),
    (Outcome::NotFound, "no such path, or no set there"),
    (
        Outcome::InUse,
        "a process has the files open for writing, or another aofkit works on the set",
    ),
    (Outcome::TailDamage, "damage at the very end of the last file remains"),
    (Outcome::InnerDamage, "damage elsewhere remains"),
    (Outcome::SetInconsistent, "the manifest is still invalid or missing, or a file is missing"),
    (Outcome::TooMuchLost, "the loss would exceed --max-loss; nothing was changed"),
    (Outcome::Unsupported, "the target does not support the set, or aofkit does not know"),
    (Outcome::Interrupted, "interrupted; a change that had begun was finished or rolled back"),
];

#[derive(Debug, Default, ClapArgs)]
pub struct Changing {
    /// Carry the plan out; without this it is only printed
    #[arg(long, conflicts_with = "output")]
    pub apply: bool,
    /// Write the changed set into DIR; the original stays as it is
    ///
    /// DIR must not exist, or be empty
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Refuse (exit 23) to lose more than N whole commands
    ///
    /// With a unit, as in 64kb, it counts bytes
    #[arg(long, value_name = "N|SIZE", env = "AOFKIT_MAX_LOSS", value_parser = most)]
    pub max_loss: Option<Most>,
    /// Keep removed bytes below DIR instead of beside the set
    #[arg(long, value_name = "DIR", env = "AOFKIT_KEEP_IN", conflicts_with = "no_keep")]
    pub keep_in: Option<PathBuf>,
    /// Do not keep removed bytes, for a full disk
    ///
    /// The change cannot be taken back then
    #[arg(long)]
    pub no_keep: bool,
    /// Change the set although it is in use
    ///
    /// A process has its files open for writing, or the server of --server uses it
    #[arg(long)]
    pub force: bool,
}

impl Changing {
    /// Where what is removed is kept.
    pub fn keep(&self) -> Keep {
        match (&self.keep_in, self.no_keep) {
            (Some(dir), _) => Keep::In(dir.clone()),
            (None, true) => Keep::Nowhere,
            (None, false) => Keep::Beside,
        }
    }
}

/// The most that may be lost, as it is typed.
fn most(text: &str) -> Result<Most, String> {
    if let Ok(commands) = text.parse() {
        return Ok(Most::Commands(commands));
    }
    let bytes = size(text).map(Most::Bytes);
    bytes.ok_or_else(|| "write a number of commands, or a size such as 64kb or 1MiB".to_owned())
}

/// The one set at `path`, or the usage error of a path that leads to several.
pub fn open_one(path: &Path, options: &OpenOptions) -> Result<std::result::Result<Aof, String>> {
    only(open_found(path, options)?, path)
}

/// The one set of those that were opened at `path`, or the usage error of several.
pub fn only(mut sets: Vec<Result<Aof>>, path: &Path) -> Result<std::result::Result<Aof, String>> {
    match (sets.pop(), sets.len()) {
        (Some(only), 0) => only.map(Ok),
        (None, _) => Err(Error::new(ErrorKind::NotFound, path)),
        (Some(last), _) => {
            let mut text = "several sets are here, name one of them:".to_owned();
            for set in sets.into_iter().chain([last]).flatten() {
                text += &format!("\n  {}", aofkit::text::path(&set.path));
            }
            Ok(Err(text))
        }
    }
}

/// Finishes or clears what a run that was cut short left, before the set is opened to be changed; or only
/// tells of it.
pub fn clear_up(aof: &Aof, changing: &Changing, context: &Context) -> Result<Vec<Recovered>> {
    let subject = change::subject(aof);
    if !changing.apply {
        let kept = change::entries(&changing.keep(), &subject)?;
        let cut_short =
            |e: &&change::Entry| matches!(e.state, change::State::Begun | change::State::Ready);
        for entry in kept.iter().filter(cut_short) {
            context.note(&format!(
                "an interrupted run left files here ({}); --apply first finishes or removes them",
                entry.id()
            ));
        }
        return Ok(Vec::new());
    }
    change::clear_up(&subject, &aof.dir(), &changing.keep(), &LocalDisk)
}

/// That the manifest of the set that was named is a link.
#[derive(Debug)]
struct ManifestIsLink;

impl fmt::Display for ManifestIsLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the manifest is a symbolic link, which would be replaced: name the set that it leads to, or use --output DIR",
        )
    }
}

/// A manifest that is a link would be replaced by a file: no verb that changes a set takes it.
pub fn refuse_link(aof: &Aof, output: Option<&Path>) -> Result<()> {
    match &aof.manifest {
        Some(manifest) if output.is_none() && disk::is_link(&manifest.path) => {
            Err(Error::refused(ManifestIsLink, &manifest.path))
        }
        _ => Ok(()),
    }
}

/// Tells of what files have lost besides their bytes.
pub fn tell_left(left: &[String]) {
    left.iter().for_each(|one| complain(&format!("aofkit: warning: {one}")));
}

/// The judgement on a set.
pub fn check(aof: &Aof, context: &Context) -> Result<Report> {
    check_beside(aof, neighbours(aof, None, context)?, context)
}

/// The same, where it is known already what lies beside the set.
pub fn check_beside(aof: &Aof, beside: Neighbours, context: &Context) -> Result<Report> {
    let facts = scan_in_pieces(aof, Check::new(aof), &context.pace, &Bar::new(context.bar))?;
    judge(aof, facts.with_neighbours(beside), &Wording { redact: context.redact })
}

/// What became of a proposal, and what a server makes of the result, where one was asked.
pub struct Run {
    outcome: change::Outcome,
    pub loaded: Option<Loaded>,
}

impl Deref for Run {
    type Target = change::Outcome;

    fn deref(&self) -> &change::Outcome {
        &self.outcome
    }
}

impl Run {
    pub fn new(outcome: change::Outcome, loaded: Option<Loaded>) -> Self {
        Self { outcome, loaded }
    }

    /// The same, after this was cleared up before.
    pub fn after(mut self, recovered: Vec<Recovered>) -> Self {
        self.outcome.recovered = recovered;
        self
    }

    /// The judgement on what will be there, or is by now.
    pub fn after_all(&self) -> &Report {
        self.outlook.as_ref().map_or(&self.before, |outlook| &outlook.report)
    }
}

/// With what a set is looked at.
pub fn looking<'a>(context: &Context, progress: &'a Bar) -> Looking<'a> {
    let wording = Wording { redact: context.redact };
    Looking { wording, pace: context.pace, progress }
}

/// Looks at what will be, and does what was asked for.
pub fn carry_out(
    aof: Aof,
    before: Report,
    proposal: Proposal,
    changing: &Changing,
    context: &Context,
) -> Result<Run> {
    let bar = Bar::new(context.bar);
    let looking = looking(context, &bar);
    let mut session = Session::new(aof, before, proposal).configured(context.open.conf.as_deref());
    let loaded = tried(&mut session, &looking, context)?;
    let keep = changing.keep();
    let options = Options {
        keep: Some(&keep),
        force: changing.force,
        most: changing.max_loss,
        ..Options::default()
    };
    let is_asked = changing.apply || changing.output.is_some();
    if !is_asked || !session.is_ready(&options, changing.output.is_some()) {
        return Ok(Run::new(session.end(&options, &looking)?, loaded));
    }
    if changing.apply {
        in_use::ask(session.aof(), changing.force, context)?;
    }
    let interrupt = Interrupt::listen().map_err(|e| Error::io(&session.aof().path, e))?;
    let options = Options { stop: Some(interrupt.flag()), ..options };
    let run = match &changing.output {
        Some(dir) => session.write_to(dir, &LocalDisk, &options, &looking)?,
        None => session.apply(&LocalDisk, &options, &looking)?,
    };
    if run.held == Some(false) {
        context.note("the result is not judged as the plan was: please report this");
    }
    Ok(Run::new(run, loaded))
}

/// What a server makes of the set as it will be, where one is to be asked.
fn tried(
    session: &mut Session,
    looking: &Looking<'_>,
    context: &Context,
) -> Result<Option<Loaded>> {
    let after = session.preview(looking)?.map(|outlook| outlook.report.is_rdb);
    let Some(asking) = &context.trial else { return Ok(None) };
    let plan = session.plan();
    let manifest = plan.actions.iter().find_map(|action| match action {
        Action::Manifest { after, .. } => Some(after.as_slice()),
        _ => None,
    });
    let wanted = Wanted { as_dump: after.unwrap_or(session.before().is_rdb), manifest };
    match after {
        None => asking.load(session.aof(), &wanted).map(Some),
        Some(_) => asking.load(&plan.preview(session.aof())?, &wanted).map(Some),
    }
}

/// The exit status: the verdict of what lies there.
pub fn exit_status(run: &Run) -> Outcome {
    match run.refused {
        _ if run.interrupted => Outcome::Interrupted,
        Some(Refusal::TooMuchLost { .. }) => Outcome::TooMuchLost,
        Some(_) => Outcome::of_verdict(run.before.verdict),
        None => {
            let own = Outcome::of_verdict(run.verdict());
            let expected = run.after_all().loads;
            let loaded = run.loaded.as_ref();
            loaded.map_or(own, |loaded| loaded::exit_status(own, expected, loaded))
        }
    }
}
