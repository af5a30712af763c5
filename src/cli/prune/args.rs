//! What `aofkit prune` takes.

use aofkit::error::Result;
use clap::Args as ClapArgs;
use jiff::Span;
use jiff::tz::TimeZone;

use crate::cli::common::manual::Manual;
use crate::cli::common::outcome::Outcome;
use crate::cli::common::repository::Place;

#[derive(Debug, ClapArgs)]
pub struct PruneArgs {
    #[command(flatten)]
    pub place: Place,
    /// Keep the newest N
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub keep_last: u64,
    /// Keep the newest of each of the last N hours that have a snapshot
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
    /// Keep all of this time before the newest: 12h, 7d, 4w, 6mo, 1y
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub keep_within: Option<Span>,
    /// Keep all with this label; may be given several times
    #[arg(long, value_name = "LABEL", value_delimiter = ',')]
    pub keep_tag: Vec<String>,
    /// Keep all that is needed to restore any instant of this time before the newest
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub keep_pitr: Option<Span>,
    /// The time zone whose hours, days and months count
    #[arg(long, value_name = "ZONE", default_value = "UTC", env = "AOFKIT_TZ", value_parser = zone)]
    pub tz: TimeZone,
    /// Also join small objects, so that long chains of snapshots stay short.
    ///
    /// The snapshots concerned get new names that begin like the old ones
    #[arg(long)]
    pub compact: bool,
    /// Go on although snapshots are missing that no prune removed; what only they needed is freed
    #[arg(long)]
    pub accept_missing: bool,
    /// Let snapshots go by the rules although the set shrank after them
    #[arg(long)]
    pub accept_shrinks: bool,
    /// Carry the plan out; without this it is only printed
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

pub const MANUAL: Manual = Manual {
    examples: &[
        ("aofkit prune --repo R --keep-daily 7 --keep-weekly 4", "print the plan"),
        ("aofkit prune --repo R --keep-daily 7 --apply", "carry it out"),
        ("aofkit prune --repo R --keep-pitr 2d --apply", "any instant of two days"),
    ],
    remark: "",
    exits: &[
        (Outcome::Done, "planned or done"),
        (Outcome::CouldNot, "failed; no snapshot that was to be kept is lost"),
        (Outcome::Usage, "the arguments are wrong"),
        (Outcome::NotFound, "there is no repository"),
        (Outcome::InUse, "another run holds the repository"),
        (Outcome::BadBackup, "what the repository holds is damaged"),
        (Outcome::Interrupted, "interrupted; the next run goes on"),
    ],
};
