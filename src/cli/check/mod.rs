//! `aofkit check`

pub mod args;
pub mod json;
pub mod text;
pub mod wire;

use std::path::Path;

use aofkit::aof::Aof;
use aofkit::check::{Check, Report, Wording, judge};
use aofkit::error::Result;
use aofkit::scan::scan;

use crate::cli::common::beside::neighbours;
use crate::cli::common::context::Context;
use crate::cli::common::outcome::Outcome;
use crate::cli::common::output::{Paper, Saying};
use crate::cli::common::progress::Bar;

/// Checks every set at `path`.
pub fn run<'v>(
    path: &'v Path,
    thorough: bool,
    context: &'v Context,
) -> Result<(Saying<'v>, Outcome)> {
    let (checked, failed) = context.each_set(path, |aof| {
        let report = check(&aof, thorough, context)?;
        Ok((aof, report))
    })?;
    let verdicts = checked.iter().map(|(_, r)| Outcome::of_verdict(r.verdict));
    let outcome = Outcome::worst(verdicts.chain(failed));
    let say = move |paper: &mut Paper<'_>| match (context.json, &checked[..]) {
        (true, [(aof, report)]) if failed.is_none() => json::check(paper, aof, report),
        (true, several) => json::checks(paper, path, several),
        (false, [(aof, report)]) if failed.is_none() => text::check(paper, aof, report, context),
        (false, several) => text::checks(paper, path, several, context),
    };
    Ok((Box::new(say), outcome))
}

fn check(aof: &Aof, thorough: bool, context: &Context) -> Result<Report> {
    let facts =
        scan(aof, Check::new(aof).thorough(thorough), &context.pace, &Bar::new(context.bar))?;
    judge(
        aof,
        facts.with_neighbours(neighbours(aof, context)?),
        &Wording { redact: context.redact },
    )
}
