//! `aofkit audit`

pub mod args;
pub mod beside;
pub mod gather;
pub mod json;
pub mod sarif;
pub mod text;
pub mod wire;

use aofkit::audit::audit;
use aofkit::error::Result;

use self::args::AuditArgs;
use crate::cli::common::context::{Context, Format};
use crate::cli::common::outcome::Outcome;

/// Judges all that was named.
pub fn run(args: &AuditArgs, context: &Context) -> Result<(String, Outcome)> {
    let gathered = gather::gather(args, context)?;
    let report = audit(&gathered.subject, &args.ignore);
    let fails = args.fail_on.is_some_and(|least| report.worst() >= Some(least.severity()));
    let outcome = match (gathered.failed, fails) {
        (Some(failed), _) => failed,
        (None, true) => Outcome::Findings,
        (None, false) => Outcome::Done,
    };
    let text = match context.format {
        Format::Sarif => sarif::audit(&report),
        Format::Json => json::audit(args, &gathered, &report, context),
        _ => text::audit(&gathered, &report, context),
    };
    Ok((text, outcome))
}
