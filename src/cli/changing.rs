//! What the verbs share that change a set: their options, and the way from a plan to its end.

use std::path::{Path, PathBuf};

use aofkit::aof::{Aof, OpenOptions, open_each};
use aofkit::change::{self, InUse, Keep, Loss, Options, Outlook, Plan, Recovered};
use aofkit::check::{Check, Report, Wording, judge};
use aofkit::disk::{self, LocalDisk};
use aofkit::error::{Error, ErrorKind, Result};
use aofkit::scan::scan;
use aofkit::text::count;
use clap::Args as ClapArgs;

use crate::cli::common::beside::neighbours;
use crate::cli::common::context::Context;
use crate::cli::common::interrupt::Interrupt;
use crate::cli::common::outcome::Outcome;
use crate::cli::common::progress::Bar;
use crate::cli::common::sizes::size;
use crate::cli::common::{in_use, json};

#[derive(Debug, Default, ClapArgs)]
pub struct Changing {
    /// Do it; without this the plan is printed and nothing is changed
    #[arg(long, conflicts_with = "output")]
    pub apply: bool,
    /// Write the changed set into DIR, which must not exist or be empty, and leave the original as it is
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Refuse (exit 23) to lose more than N whole commands, or with a unit (64kb) more bytes
    #[arg(long, value_name = "N|SIZE", env = "AOFKIT_MAX_LOSS", value_parser = Most::parse)]
    pub max_loss: Option<Most>,
    /// Keep what is removed below DIR, not beside the set
    #[arg(long, value_name = "DIR", env = "AOFKIT_KEEP_IN", conflicts_with = "no_keep")]
    pub keep_in: Option<PathBuf>,
    /// Keep nothing of what is removed: there is no way back then. For a disk with no room at all
    #[arg(long)]
    pub no_keep: bool,
    /// Also when a process has the files open for writing, or the server of --server uses the set
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

/// The most that may be lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Most {
    Commands(u64),
    Bytes(u64),
}

impl Most {
    fn parse(text: &str) -> Result<Self, String> {
        if let Ok(commands) = text.parse() {
            return Ok(Self::Commands(commands));
        }
        let bytes = size(text).map(Self::Bytes);
        bytes.ok_or_else(|| "write a number of commands, or a size such as 64kb or 1MiB".to_owned())
    }

    /// Why a loss is too large, if it is.
    fn refuses(&self, loss: &Loss) -> Option<String> {
        match *self {
            Self::Commands(most) if loss.commands > most => Some(format!(
                "{} would be lost, more than --max-loss {most}",
                count(loss.commands, "whole command")
            )),
            Self::Bytes(most) if loss.bytes > most => Some(format!(
                "{} would be lost, more than --max-loss allows ({most})",
                count(loss.bytes, "byte")
            )),
            _ => None,
        }
    }
}

/// The one set at `path`, or the usage error of a path that leads to several.
pub fn open_one(path: &Path, options: &OpenOptions) -> Result<std::result::Result<Aof, String>> {
    only(open_each(path, options)?, path)
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
                "a run was cut short here ({}); --apply first finishes or clears what it left",
                entry.id()
            ));
        }
        return Ok(Vec::new());
    }
    change::clear_up(&subject, &aof.dir(), &changing.keep(), &LocalDisk)
}

/// A manifest that is a link would be replaced by a file: no verb that changes a set takes it.
pub fn refuse_link(aof: &Aof, output: Option<&Path>) -> Result<()> {
    match &aof.manifest {
        Some(manifest) if output.is_none() && disk::is_link(&manifest.path) => {
            let why = "the manifest is a symbolic link, which would be replaced: name the set that it leads to, \
                       or use --output DIR";
            Err(Error::new(ErrorKind::Refused(why.to_owned()), &manifest.path))
        }
        _ => Ok(()),
    }
}

/// The judgement on a set.
pub fn check(aof: &Aof, context: &Context) -> Result<Report> {
    let facts = scan(aof, Check::new(aof), &context.pace, &Bar::new(context.bar))?;
    judge(
        aof,
        facts.with_neighbours(neighbours(aof, context)?),
        &Wording { redact: context.redact },
    )
}

/// A plan on its way: what it is for, and what became of it.
pub struct Run {
    pub aof: Aof,
    pub before: Report,
    pub plan: Plan,
    /// What stays wrong, and why.
    pub left: Vec<String>,
    /// How the set will be, or is by now.
    pub outlook: Option<Outlook>,
    pub in_use: InUse,
    pub applied: bool,
    pub output: Option<PathBuf>,
    pub kept_at: Option<PathBuf>,
    pub recovered: Vec<Recovered>,
    /// Why it is not to be done, and the exit status for that.
    pub refused: Option<(String, Outcome)>,
    interrupted: bool,
}

impl Run {
    /// A plan for a set that was judged, and what it leaves wrong.
    pub fn new(aof: Aof, before: Report, plan: Plan, left: Vec<String>) -> Self {
        let files = aof.live().filter_map(|(_, segment)| segment.file()).collect::<Vec<_>>();
        let haunt = change::haunt(&change::subject(&aof), &aof.dir()).ok();
        let in_use = change::in_use(&files, haunt.as_ref());
        Self {
            before: before.without_files(),
            plan,
            left,
            outlook: None,
            in_use,
            applied: false,
            output: None,
            kept_at: None,
            recovered: Vec::new(),
            refused: None,
            interrupted: false,
            aof,
        }
    }

    /// Looks at what will be.
    pub fn look_ahead(&mut self, context: &Context) -> Result<()> {
        let wording = Wording { redact: context.redact };
        let bar = Bar::new(context.bar);
        if !self.plan.is_empty() && self.outlook.is_none() {
            let outlook = self.plan.outlook(&self.aof, &wording, &context.pace, &bar)?;
            self.outlook = Some(outlook);
        }
        Ok(())
    }

    /// Looks at what will be, and does what was asked for.
    pub fn carry_out(&mut self, changing: &Changing, context: &Context) -> Result<()> {
        let bar = Bar::new(context.bar);
        self.look_ahead(context)?;
        let too_much = changing.max_loss.as_ref().and_then(|most| most.refuses(&self.plan.loss));
        if self.refused.is_none() {
            self.refused = too_much.map(|why| (why, Outcome::TooMuchLost));
        }
        if self.refused.is_some() {
            return Ok(());
        }
        let is_helpless = self.plan.is_empty() && !self.left.is_empty();
        let is_asked = changing.apply && !self.plan.is_empty() || changing.output.is_some();
        if is_helpless || !is_asked {
            return Ok(());
        }
        if changing.apply {
            in_use::ask(&self.aof, changing.force, context)?;
        }
        let interrupt = Interrupt::listen().map_err(|e| Error::io(&self.plan.path, e))?;
        let keep = changing.keep();
        let options = Options {
            keep: Some(&keep),
            force: changing.force,
            stop: Some(interrupt.flag()),
            verdict_before: json::verdict(self.before.verdict),
        };
        match &changing.output {
            Some(dir) => {
                self.plan.write_to(dir, &LocalDisk, &options, &bar)?;
                self.output = Some(dir.clone());
            }
            None => {
                let applied = self.plan.apply(&LocalDisk, &options, &bar)?;
                self.kept_at = applied.kept_at;
                self.applied = true;
            }
        }
        self.interrupted = interrupt.came();
        self.look_again(context)
    }

    /// Judges what lies there now; it has to be what was promised.
    fn look_again(&mut self, context: &Context) -> Result<()> {
        let path = match &self.output {
            Some(dir) if self.aof.manifest.is_none() => dir.join(
                self.plan
                    .files
                    .first()
                    .map_or(Path::new(""), |f| &*f.path)
                    .file_name()
                    .unwrap_or_default(),
            ),
            Some(dir) => dir.clone(),
            None => self.aof.path.clone(),
        };
        let options = OpenOptions {
            target: Some(self.plan.target),
            stands_in: !self.aof.target_given,
            conf: context.open.conf.clone(),
            modules: self.aof.modules.clone(),
        };
        let now = Aof::open(&path, &options)?;
        let report = check(&now, context)?;
        if let Some(outlook) = &mut self.outlook {
            if outlook.report.verdict != report.verdict {
                context
                    .note("what lies there now is not judged as the plan was: please report this");
            }
            outlook.report = report.without_files();
        }
        Ok(())
    }

    /// The exit status: the verdict of what lies there.
    pub fn outcome(&self) -> Outcome {
        if self.interrupted {
            return Outcome::Interrupted;
        }
        if let Some((_, outcome)) = self.refused {
            return outcome;
        }
        match &self.outlook {
            Some(outlook) if self.applied || self.output.is_some() => {
                Outcome::of_verdict(outlook.verdict())
            }
            _ => Outcome::of_verdict(self.before.verdict),
        }
    }
}
