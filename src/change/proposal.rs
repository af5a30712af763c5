//! What a verb proposes: a plan, what it leaves wrong, and why it must not be carried out, if so.

use super::refusal::Refusal;
use std::ops::Deref;
use std::path::Path;

use super::Draft;
use super::applied::Applied;
use super::apply::Options;
use super::outlook::{Looking, Outlook};
use super::plan::{Plan, Verb};
use crate::aof::Aof;
use crate::disk::Durable;
use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::rules::Target;

/// A plan as a verb made it, which can be carried out as it stands, or not at all. Reads as the [`Plan`] that it is.
#[derive(Clone, Debug)]
pub struct Proposal {
    plan: Plan,
    /// What stays wrong although it was meant to be put right, and why.
    pub left: Vec<String>,
    refusal: Option<Refusal>,
    outlook: Option<Outlook>,
}

impl Deref for Proposal {
    type Target = Plan;

    fn deref(&self) -> &Plan {
        &self.plan
    }
}

impl Proposal {
    pub(crate) fn new(plan: Plan) -> Self {
        Self { plan, left: Vec::new(), refusal: None, outlook: None }
    }

    /// Nothing is to be done to a set.
    ///
    /// # Errors
    /// When the set cannot be read again.
    pub fn nothing(verb: Verb, aof: &Aof) -> Result<Self> {
        Ok(Self::new(Draft::new(verb, aof).finish()?))
    }

    /// The same, with what it leaves wrong.
    #[must_use]
    pub(crate) fn leaving(mut self, left: Vec<String>) -> Self {
        self.left = left;
        self
    }

    /// The same, and not to be carried out.
    pub(crate) fn refuse(&mut self, why: Refusal) {
        self.refusal = Some(why);
    }

    /// This should be known of what was done.
    pub(super) fn note(&mut self, notes: Vec<String>) {
        self.plan.notes.extend(notes);
    }

    /// The result is made for this server.
    pub(super) fn aim_at(&mut self, target: Target) {
        self.plan.target = target;
    }

    /// What is to happen.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Why it is not to be carried out.
    pub fn refusal(&self) -> Option<&Refusal> {
        self.refusal.as_ref()
    }

    /// Looks at the set as it would be, once; what is seen of each file is not kept. `aof` is the set that it was made for; `None` where nothing is to be done.
    ///
    /// # Errors
    /// When its bytes cannot be read.
    pub fn look_ahead(&mut self, aof: &Aof, looking: &Looking<'_>) -> Result<Option<&Outlook>> {
        if !self.plan.is_empty() && self.outlook.is_none() {
            let Looking { wording, pace, progress } = looking;
            let Outlook { report, servers, servers_before } =
                self.plan.outlook(aof, wording, pace, *progress)?;
            // A set may have very many files.
            let report = report.without_files();
            self.outlook = Some(Outlook { report, servers, servers_before });
        }
        Ok(self.outlook.as_ref())
    }

    /// What [`Proposal::look_ahead`] saw.
    pub fn foreseen(&self) -> Option<&Outlook> {
        self.outlook.as_ref()
    }

    /// Why it is not carried out within these limits.
    pub fn refused_by(&self, options: &Options<'_>) -> Option<Refusal> {
        let too_much = || options.most.and_then(|most| Refusal::of_loss(&self.plan.loss, most));
        self.refusal.clone().or_else(too_much)
    }

    /// Carries the plan out, and does not look at what then lies there: [`super::Session`] does.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Refused`] when it is not to be carried out, [`crate::error::ErrorKind::Stale`] when the set is not the one the plan
    /// was made for, [`crate::error::ErrorKind::InUse`] when a process has its files open, [`crate::error::ErrorKind::Interrupted`]; or when the system
    /// refuses. The set is the old one then, save after a failed sync of the last step, where the next run finds out.
    pub fn apply(
        &self,
        disk: &dyn Durable,
        options: &Options<'_>,
        progress: &dyn Progress,
    ) -> Result<Applied> {
        self.ensure_allowed(options)?;
        self.plan.apply(disk, options, progress)
    }

    /// Writes the set as it would be into `dir`, which must not exist or be empty. An empty plan gives a plain copy.
    /// Answers in words what files have in the set, and the system does not let us give to the copy.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Refused`] when it is not to be carried out, or when there is something in `dir`, [`crate::error::ErrorKind::Stale`]
    /// when the set is not the one the plan was made for, or when the system refuses. `dir` is as before then.
    pub fn write_to(
        &self,
        dir: &Path,
        disk: &dyn Durable,
        options: &Options<'_>,
        progress: &dyn Progress,
    ) -> Result<Vec<String>> {
        self.ensure_allowed(options)?;
        self.plan.write_to(dir, disk, options, progress)
    }

    fn ensure_allowed(&self, options: &Options<'_>) -> Result<()> {
        match self.refused_by(options) {
            None => Ok(()),
            Some(why) => Err(Error::refused(why, &self.plan.path)),
        }
    }
}
