//! What `aofkit prune` takes.

use aofkit::error::Result;
use clap::Args as ClapArgs;
use jiff::Span;
use jiff::tz::TimeZone;

use crate::cli::common::repository::Place;

#[derive(Debug, ClapArgs)]
pub struct PruneArgs {
    #[command(flatten)]
    pub place: Place,
    /// Keep so many of the newest
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub keep_last: u64,
    /// Keep the newest of each of so many hours that have any
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub keep_hourly: u64,
    /// The same for days
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub keep_daily: u64,
    /// The same for ISO weeks
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub keep_weekly: u64,
    /// The same for months
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub keep_monthly: u64,
    /// The same for years
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub keep_yearly: u64,
    /// Keep all within this time before the newest: 12h, 7d, 4w, 6mo, 1y
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub keep_within: Option<Span>,
    /// Keep all with this label; may be given several times
    #[arg(long, value_name = "LABEL", value_delimiter = ',')]
    pub keep_tag: Vec<String>,
    /// Keep what it takes to restore any instant of this time before the newest
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub keep_pitr: Option<Span>,
    /// The time zone whose hours, days and months count
    #[arg(long, value_name = "ZONE", default_value = "UTC", env = "AOFKIT_TZ", value_parser = zone)]
    pub tz: TimeZone,
    /// Also join small objects that follow each other, so that long chains of snapshots stay short; the
    /// snapshots concerned get new names that begin alike
    #[arg(long)]
    pub compact: bool,
    /// Go on although snapshots are missing that no prune removed: they are gone for good, and what they needed is freed
    #[arg(long)]
    pub accept_missing: bool,
    /// Do it; without, only the plan is shown
    #[arg(long)]
    pub apply: bool,
}

pub fn span(text: &str) -> Result<Span, String> {
    let span = text.parse::<Span>().ok().filter(|span| !span.is_negative());
    span.ok_or_else(|| format!("'{text}' is not a time such as 12h, 7d, 4w, 6mo or 1y"))
}

pub fn zone(name: &str) -> Result<TimeZone, String> {
    if name.eq_ignore_ascii_case("utc") {
        return Ok(TimeZone::UTC);
    }
    TimeZone::get(name).map_err(|e| e.to_string())
}
