//! `aofkit check`

pub mod args;
pub mod json;
pub mod report;
pub mod text;
pub mod wire;

use aofkit::aof::Aof;
use aofkit::check::{Check, Report, Severity, Wording, judge};
use aofkit::error::Result;
use aofkit::scan::scan_in_pieces;
use aofkit::trial::Wanted;

use self::args::CheckArgs;
use self::report::Checked;
use crate::cli::common::beside::{self, neighbours};
use crate::cli::common::context::{Context, Turn};
use crate::cli::common::outcome::Outcome;
use crate::cli::common::output::{Paper, Saying};

/// Checks every set at the path.
pub fn run<'v>(args: &'v CheckArgs, context: &'v Context) -> Result<(Saying<'v>, Outcome)> {
    let path = args.reading.path();
    let (checked, failed) = context.each_set(path, |aof, turn| {
        let report = check(&aof, args.thorough, context, turn)?;
        let wanted = Wanted { as_dump: report.is_rdb, ..Wanted::default() };
        let loaded = context.trial.as_ref().map(|trial| trial.load(&aof, &wanted)).transpose()?;
        let server = beside::told_of(&aof, context);
        Ok(Checked { aof, report, loaded, server })
    })?;
    let outcome = Outcome::worst(checked.iter().map(Checked::outcome).chain(failed));
    let is_silent =
        context.quiet && outcome == Outcome::Done && checked.iter().all(has_found_nothing);
    let say = move |paper: &mut Paper<'_>| match (context.json, &checked[..]) {
        (false, _) if is_silent => Ok(()),
        (true, [one]) if failed.is_none() => json::check(paper, one, context),
        (true, several) => json::checks(paper, path, several, context),
        (false, [one]) if failed.is_none() => text::check(paper, one, context),
        (false, several) => text::checks(paper, path, several, context),
    };
    Ok((Box::new(say), outcome))
}

/// Whether there is nothing to be told to somebody who wants silence otherwise.
fn has_found_nothing(one: &Checked) -> bool {
    one.loaded.is_none()
        && one.report.problems.iter().all(|problem| problem.severity == Severity::Info)
}

fn check(aof: &Aof, thorough: bool, context: &Context, turn: &Turn) -> Result<Report> {
    let observer = Check::new(aof).thorough(thorough);
    let facts = scan_in_pieces(aof, observer, &context.pace_of(turn), &turn.bar)?;
    let neighbours = neighbours(aof, facts.damaged_inside(), context)?;
    judge(aof, facts.with_neighbours(neighbours), &Wording { redact: context.redact })
}
