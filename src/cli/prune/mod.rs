//! `aofkit prune`

use aofkit::backup::{Keep, Repository, apply_prune, plan_prune};
use aofkit::disk::Hold;
use aofkit::error::Result;
use clap::Args as ClapArgs;
use jiff::Span;
use jiff::tz::TimeZone;

use crate::cli::common::repository::Place;
use crate::cli::common::context::Context;
use crate::cli::common::interrupt;
use crate::cli::common::outcome::Outcome;
use crate::cli::repository::{json, text};

#[derive(Debug, ClapArgs)]
pub struct PruneArgs {
    #[command(flatten)]
    place: Place,
    /// Keep so many of the newest
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    keep_last: u64,
    /// Keep the newest of each of so many hours that have any
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    keep_hourly: u64,
    /// The same for days
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    keep_daily: u64,
    /// The same for ISO weeks
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    keep_weekly: u64,
    /// The same for months
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    keep_monthly: u64,
    /// The same for years
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    keep_yearly: u64,
    /// Keep all within this time before the newest: 12h, 7d, 4w, 6mo, 1y
    #[arg(long, value_name = "TIME", value_parser = span)]
    keep_within: Option<Span>,
    /// Keep all with this label; may be given several times
    #[arg(long, value_name = "LABEL", value_delimiter = ',')]
    keep_tag: Vec<String>,
    /// Keep what it takes to restore any instant of this time before the newest
    #[arg(long, value_name = "TIME", value_parser = span)]
    keep_pitr: Option<Span>,
    /// The time zone whose hours, days and months count
    #[arg(long, value_name = "ZONE", default_value = "UTC", env = "AOFKIT_TZ", value_parser = zone)]
    tz: TimeZone,
    /// Also join small objects that follow each other, so that long chains of snapshots stay short; the
    /// snapshots concerned get new names that begin alike
    #[arg(long)]
    compact: bool,
    /// Go on although snapshots are missing that no prune removed: they are gone for good, and what they needed is freed
    #[arg(long)]
    accept_missing: bool,
    /// Do it; without, only the plan is shown
    #[arg(long)]
    apply: bool,
}

fn span(text: &str) -> Result<Span, String> {
    let span = text.parse::<Span>().ok().filter(|span| !span.is_negative());
    span.ok_or_else(|| format!("'{text}' is not a time such as 12h, 7d, 4w, 6mo or 1y"))
}

fn zone(name: &str) -> Result<TimeZone, String> {
    if name.eq_ignore_ascii_case("utc") {
        return Ok(TimeZone::UTC);
    }
    TimeZone::get(name).map_err(|e| e.to_string())
}

pub fn run(args: &PruneArgs, context: &Context) -> Result<(String, Outcome)> {
    interrupt::obey_at_once();
    let repository = Repository::open_local(&args.place.repo)?;
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
