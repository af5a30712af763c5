//! `aofkit check`

use std::path::Path;

use aofkit::aof::{Aof, open_all};
use aofkit::check::{Check, Report, Wording, judge};
use aofkit::error::Result;
use aofkit::scan::scan;

use super::args::Context;
use super::outcome::Outcome;
use super::progress::Bar;
use super::render::{human, json};

/// Checks every set at `path`.
pub fn run(path: &Path, thorough: bool, context: &Context) -> Result<(String, Outcome)> {
    let sets = open_all(path, &context.open)?;
    let mut checked = Vec::with_capacity(sets.len());
    for aof in sets {
        let report = check(&aof, thorough, context)?;
        checked.push((aof, report));
    }
    let outcome = Outcome::worst(checked.iter().map(|(_, r)| Outcome::of_verdict(r.verdict)));
    let text = match (context.json, &checked[..]) {
        (true, [(aof, report)]) => json::check(aof, report),
        (true, several) => json::checks(path, several),
        (false, [(aof, report)]) => human::check(aof, report, context),
        (false, several) => human::checks(path, several, context),
    };
    Ok((text, outcome))
}

fn check(aof: &Aof, thorough: bool, context: &Context) -> Result<Report> {
    let facts =
        scan(aof, Check::new(aof).thorough(thorough), &context.pace, &Bar::new(context.bar))?;
    judge(aof, facts, &Wording { redact: context.redact })
}
