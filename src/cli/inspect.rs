//! `aofkit inspect`

use std::path::Path;

use aofkit::aof::{Aof, Layout, Role};
use aofkit::check::{Check, Report, Severity, Verdict, Wording, judge};
use aofkit::error::Result;
use aofkit::growth::Trigger;
use aofkit::scan::scan;
use aofkit::stats::{
    DeleteReport, Deletes, Grouping, KeyOptions, KeyReport, KeySpace, KeySpaceOptions,
    KeySpaceReport, KeyTraffic, Mix, MixReport,
};
use aofkit::text::{count, name};

use super::args::Context;
use super::around::around;
use super::door::{Paper, Saying};
use super::outcome::Outcome;
use super::progress::Bar;
use super::render::{human, json};
use super::stats::redact_written;

/// How many of a base's biggest keys are told.
const BIGGEST: usize = 10;

/// What is shown of one set.
pub struct Inspected {
    pub aof: Aof,
    pub report: Report,
    pub mix: MixReport,
    pub key_space: KeySpaceReport,
    /// What is written to which keys.
    pub keys: KeyReport,
    pub deletes: DeleteReport,
    /// Keys are shown as hashes.
    pub redact: bool,
    /// `None` where a file by itself has no base to grow from.
    pub growth: Option<Trigger>,
}

impl Inspected {
    /// Whether there is an RDB part or another base, so that its keys were counted.
    pub fn has_base_keys(&self) -> bool {
        let facts = self.report.segments.iter().filter_map(|s| s.facts.as_ref());
        self.key_space.keys > 0 || facts.into_iter().any(|f| f.rdb.is_some())
    }
}

/// Shows every set at `path`. A set in trouble that could be read is no error, but a warning.
pub fn run<'v>(path: &'v Path, context: &'v Context) -> Result<(Saying<'v>, Outcome)> {
    let (inspected, failed) = context.each_set(path, |aof| inspect(aof, context))?;
    for one in &inspected {
        warn(one, context);
    }
    let say = move |paper: &mut Paper<'_>| match (context.json, &inspected[..]) {
        (true, [one]) if failed.is_none() => json::inspect(paper, one),
        (true, several) => json::inspects(paper, path, several),
        (false, [one]) if failed.is_none() => paper.text(&human::inspect(one, context)),
        (false, several) => paper.text(&human::inspects(path, several, context)),
    };
    Ok((Box::new(say), failed.unwrap_or(Outcome::Done)))
}

fn inspect(aof: Aof, context: &Context) -> Result<Inspected> {
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let key_space = KeySpace::new(KeySpaceOptions { now_ms: Some(now_ms), top: BIGGEST });
    let keys = KeyTraffic::new(key_options());
    let deletes = Deletes::new(Grouping::default(), BIGGEST);
    let observer = (Check::new(&aof), ((Mix::default(), key_space), (keys, deletes)));
    let (facts, ((mix, key_space), (mut keys, mut deletes))) =
        scan(&aof, observer, &context.pace, &Bar::new(context.bar))?;
    let report = judge(
        &aof,
        facts.with_neighbours(around(&aof, context)?),
        &Wording { redact: context.redact },
    )?;
    if context.redact {
        redact_written(Some(&mut keys), &mut deletes);
    }
    let growth = (aof.layout == Layout::MultiPart).then(|| {
        let sum = |role| {
            let of_role = report.segments.iter().filter(|s| s.role == role);
            of_role.filter_map(|s| s.size_bytes).sum()
        };
        Trigger::new(sum(Role::Base), sum(Role::Increment), &aof.settings)
    });
    Ok(Inspected { aof, report, mix, key_space, keys, deletes, redact: context.redact, growth })
}

fn key_options() -> KeyOptions {
    let mut options = KeyOptions::default();
    options.keys = true;
    options.prefixes = Some(Grouping::default());
    options.top = BIGGEST;
    options
}

fn warn(one: &Inspected, context: &Context) {
    if one.report.verdict == Verdict::Healthy {
        return;
    }
    let errors = one.report.problems.iter().filter(|p| p.severity == Severity::Error).count();
    let path = name(one.aof.path.as_os_str().as_encoded_bytes());
    context.note(&format!("{path}: {}; see `aofkit check`", count(errors as u64, "problem")));
}
