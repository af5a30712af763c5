//! `aofkit check`

use std::path::Path;

use aofkit::aof::Aof;
use aofkit::check::{Check, Report, Wording, judge};
use aofkit::error::Result;
use aofkit::scan::scan;

use super::args::Context;
use super::outcome::Outcome;
use super::progress::Bar;
use super::render::{human, json};

/// Checks every set at `path`.
pub fn run(path: &Path, thorough: bool, context: &Context) -> Result<(String, Outcome)> {
    let (checked, failed) = context.each_set(path, |aof| {
        let report = check(&aof, thorough, context)?;
        Ok((aof, report))
    })?;
    let verdicts = checked.iter().map(|(_, r)| Outcome::of_verdict(r.verdict));
    let outcome = Outcome::worst(verdicts.chain(failed));
    let text = match (context.json, &checked[..]) {
        (true, [(aof, report)]) if failed.is_none() => json::check(aof, report),
        (true, several) => json::checks(path, several),
        (false, [(aof, report)]) if failed.is_none() => human::check(aof, report, context),
        (false, several) => human::checks(path, several, context),
    };
    Ok((text, outcome))
}

fn check(aof: &Aof, thorough: bool, context: &Context) -> Result<Report> {
    let facts =
        scan(aof, Check::new(aof).thorough(thorough), &context.pace, &Bar::new(context.bar))?;
    judge(aof, facts, &Wording { redact: context.redact })
}
