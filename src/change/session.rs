//! A change from its proposal to its end: look ahead, refuse or carry out, look again.
//!
//! The one way for whoever changes a set: nothing is carried out that was refused, and what lies there afterwards is
//! judged anew.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use super::apply::Options;
use super::in_use::{InUse, haunt, in_use};
use super::keep::subject;
use super::outlook::{Looking, Outlook};
use super::proposal::Proposal;
use super::recover::Recovered;
use super::refusal::Refusal;
use crate::aof::{Aof, OpenOptions};
use crate::check::{Check, Report, Verdict, judge};
use crate::disk::Durable;
use crate::error::Result;
use crate::scan::scan_in_pieces;

/// A proposal on its way.
#[derive(Debug)]
pub struct Session {
    outcome: Outcome,
    conf: Option<PathBuf>,
}

/// What became of a proposal, and what is known of the set.
#[derive(Debug)]
pub struct Outcome {
    /// The set as it was opened.
    pub aof: Aof,
    /// The judgement before, without what it says of each file.
    pub before: Report,
    /// What was proposed.
    pub plan: Proposal,
    /// What stays wrong, and why.
    pub left: Vec<String>,
    /// How the set will be, or is by now.
    pub outlook: Option<Outlook>,
    /// Who has the files open.
    pub in_use: InUse,
    /// The set was changed.
    pub applied: bool,
    /// Where the changed set was written instead.
    pub output: Option<PathBuf>,
    /// Where what was removed is kept.
    pub kept_at: Option<PathBuf>,
    /// What an earlier run that was cut short had left, and was cleared up before.
    pub recovered: Vec<Recovered>,
    /// Why it was not carried out.
    pub refused: Option<Refusal>,
    /// Somebody asked to stop, too late for this change.
    pub interrupted: bool,
    /// Whether what lies there now is judged as the outlook was; `None` while nothing was done.
    pub held: Option<bool>,
}

impl Session {
    /// A proposal for a set that was judged.
    pub fn new(aof: Aof, before: Report, mut plan: Proposal) -> Self {
        // Asked now, for the plan tells it; the writer asks again before it changes anything.
        let files = aof.live().filter_map(|(_, segment)| segment.file()).collect::<Vec<_>>();
        let haunt = haunt(&subject(&aof), &aof.dir()).ok();
        let in_use = in_use(&files, haunt.as_ref());
        let outcome = Outcome {
            before: before.without_files(),
            left: std::mem::take(&mut plan.left),
            outlook: plan.foreseen().cloned(),
            refused: plan.refusal().cloned(),
            plan,
            in_use,
            applied: false,
            output: None,
            kept_at: None,
            recovered: Vec::new(),
            interrupted: false,
            held: None,
            aof,
        };
        Self { outcome, conf: None }
    }

    /// Opens the result by this configuration, as the set was opened.
    #[must_use]
    pub fn configured(mut self, conf: Option<&Path>) -> Self {
        self.conf = conf.map(Path::to_owned);
        self
    }

    /// The set.
    pub fn aof(&self) -> &Aof {
        &self.outcome.aof
    }

    /// What was proposed.
    pub fn plan(&self) -> &Proposal {
        &self.outcome.plan
    }

    /// The judgement before, without what it says of each file.
    pub fn before(&self) -> &Report {
        &self.outcome.before
    }

    /// Looks at the set as it would be. `None` where nothing is to be done.
    ///
    /// # Errors
    /// When its bytes cannot be read.
    pub fn preview(&mut self, looking: &Looking<'_>) -> Result<Option<&Outlook>> {
        let outcome = &mut self.outcome;
        if outcome.outlook.is_none() {
            outcome.outlook = outcome.plan.look_ahead(&outcome.aof, looking)?.cloned();
        }
        Ok(outcome.outlook.as_ref())
    }

    /// Whether anything would be done: it is not refused, and there is something to do. A set that nothing can be done
    /// about is not copied either; one in which nothing is wrong is (`as_copy`).
    pub fn is_ready(&self, options: &Options<'_>, as_copy: bool) -> bool {
        let Outcome { plan, left, .. } = &self.outcome;
        let has_work = !plan.is_empty() || as_copy && left.is_empty();
        has_work && plan.refused_by(options).is_none()
    }

    /// Ends without changing anything; says whether that would have been refused.
    ///
    /// # Errors
    /// When the set as it would be cannot be read.
    pub fn end(mut self, options: &Options<'_>, looking: &Looking<'_>) -> Result<Outcome> {
        self.preview(looking)?;
        self.outcome.refused = self.outcome.plan.refused_by(options);
        Ok(self.outcome)
    }

    /// Changes the set, unless that is refused or there is nothing to do.
    ///
    /// # Errors
    /// As those of [`Proposal::apply`]; or when the set cannot be read before or afterwards.
    pub fn apply(
        mut self,
        disk: &dyn Durable,
        options: &Options<'_>,
        looking: &Looking<'_>,
    ) -> Result<Outcome> {
        self.preview(looking)?;
        if !self.is_ready(options, false) {
            return self.end(options, looking);
        }
        let options = &self.remembering(options);
        let applied = self.outcome.plan.apply(disk, options, looking.progress)?;
        self.outcome.kept_at = applied.kept_at;
        self.outcome.plan.note(applied.left);
        self.outcome.applied = true;
        let path = self.outcome.aof.path.clone();
        self.look_again(&path, options, looking)
    }

    /// Writes the changed set into a directory of its own, unless that is refused or nothing can be done.
    ///
    /// # Errors
    /// As those of [`Proposal::write_to`]; or when a set cannot be read before or afterwards.
    pub fn write_to(
        mut self,
        dir: &Path,
        disk: &dyn Durable,
        options: &Options<'_>,
        looking: &Looking<'_>,
    ) -> Result<Outcome> {
        self.preview(looking)?;
        if !self.is_ready(options, true) {
            return self.end(options, looking);
        }
        let options = &self.remembering(options);
        let left = self.outcome.plan.write_to(dir, disk, options, looking.progress)?;
        self.outcome.plan.note(left);
        self.outcome.output = Some(dir.to_owned());
        let Outcome { aof, plan, .. } = &self.outcome;
        let first = plan.files.first().map(|file| file.at.path());
        let path = match (&aof.manifest, first) {
            (None, Some(first)) => dir.join(first.file_name().unwrap_or_default()),
            _ => dir.to_owned(),
        };
        self.look_again(&path, options, looking)
    }

    /// Writes the set in another form into a directory of its own. What it will be is looked at afterwards: a filter works
    /// while it writes.
    ///
    /// # Errors
    /// As those of [`Proposal::write_to`]; or when the result cannot be read.
    pub fn write_form_to(
        mut self,
        dir: &Path,
        disk: &dyn Durable,
        options: &Options<'_>,
        looking: &Looking<'_>,
    ) -> Result<Outcome> {
        let options = &self.remembering(options);
        let left = self.outcome.plan.write_to(dir, disk, options, looking.progress)?;
        self.outcome.plan.note(left);
        let outcome = &mut self.outcome;
        let open = |target| {
            let (stands_in, modules) = (!outcome.aof.target_given, outcome.aof.modules.clone());
            let conf = self.conf.clone();
            Aof::open(
                dir,
                &OpenOptions { target, stands_in, conf, modules, ..OpenOptions::default() },
            )
        };
        let mut target = outcome.plan.target;
        // What was converted may be of a server that does not read the new form: unless that one was named, it is asked
        // which one does.
        if !outcome.aof.target_given
            && outcome.plan.manifest.is_some()
            && target.rules.manifest.is_none()
        {
            target = judged(&open(None)?, looking)?.target;
        }
        let Looking { wording, pace, progress } = looking;
        let outlook = Outlook::new(&outcome.aof, open(Some(target))?, wording, pace, *progress)?;
        outcome.plan.aim_at(outlook.report.target);
        outcome.outlook = Some(outlook);
        outcome.output = Some(dir.to_owned());
        outcome.interrupted = was_stopped(options);
        Ok(self.outcome)
    }

    /// The journal remembers the verdict before.
    fn remembering<'a>(&self, options: &Options<'a>) -> Options<'a> {
        Options { verdict_before: self.outcome.before.verdict.as_str(), ..*options }
    }

    /// Judges what lies there now; it has to be what was promised.
    fn look_again(
        mut self,
        path: &Path,
        options: &Options<'_>,
        looking: &Looking<'_>,
    ) -> Result<Outcome> {
        let outcome = &mut self.outcome;
        // Ctrl-C during the last step comes too late to stop it, and is told all the same.
        outcome.interrupted = was_stopped(options);
        let open = OpenOptions {
            target: Some(outcome.plan.target),
            stands_in: !outcome.aof.target_given,
            conf: self.conf,
            modules: outcome.aof.modules.clone(),
            ..OpenOptions::default()
        };
        let now = Aof::open(path, &open)?;
        let report = judged(&now, looking)?;
        if let Some(outlook) = &mut outcome.outlook {
            outcome.held = Some(outlook.report.verdict == report.verdict);
            outlook.report = report.without_files();
        }
        Ok(self.outcome)
    }
}

fn judged(aof: &Aof, looking: &Looking<'_>) -> Result<Report> {
    let facts = scan_in_pieces(aof, Check::new(aof), &looking.pace, looking.progress)?;
    judge(aof, facts, &looking.wording)
}

fn was_stopped(options: &Options<'_>) -> bool {
    options.stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
}

impl Outcome {
    /// The verdict of what lies there, or of what was written elsewhere.
    pub fn verdict(&self) -> Verdict {
        match &self.outlook {
            Some(outlook) if self.applied || self.output.is_some() => outlook.verdict(),
            _ => self.before.verdict,
        }
    }
}
