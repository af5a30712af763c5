//! `aofkit prune`

pub mod args;

use aofkit::backup::{Keep, Repository, apply_prune, plan_prune};
use aofkit::disk::Hold;
use aofkit::error::Result;

use self::args::PruneArgs;
use crate::cli::common::context::Context;
use crate::cli::common::interrupt;
use crate::cli::common::outcome::Outcome;
use crate::cli::repository::{json, text};

pub fn run(args: &PruneArgs, context: &Context) -> Result<(String, Outcome)> {
    interrupt::obey_at_once();
    let repository = Repository::at(&args.place.repo)?;
    let keep = Keep {
        last: args.keep_last,
        hourly: args.keep_hourly,
        daily: args.keep_daily,
        weekly: args.keep_weekly,
        monthly: args.keep_monthly,
        yearly: args.keep_yearly,
        within: args.keep_within,
        tags: args.keep_tag.clone(),
        pitr: args.keep_pitr,
        zone: Some(args.tz.clone()),
        accept_missing: args.accept_missing,
        accept_shrinks: args.accept_shrinks,
    };
    let hold = if args.apply { Hold::Alone } else { Hold::Shared };
    let mut plan = plan_prune(&repository, &keep, context.source.as_deref(), hold)?;
    if args.compact {
        plan.compact(&repository, context.source.as_deref())?;
    }
    if args.apply {
        apply_prune(&repository, &plan)?;
    }
    let text = match context.json {
        true => json::pruned(&args.place.repo, &plan, args.apply),
        false => text::pruned(&args.place.repo, &plan, args.apply, context.style),
    };
    Ok((text, Outcome::Done))
}
