//! Which snapshots to keep: the newest in each calendar bucket, by restic's rules and names.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use jiff::{Span, Zoned};

use super::entry::Entry;
use super::moment::Moment;

/// What to keep of each source. Rules add up: a snapshot that any of them wants is kept.
#[derive(Clone, Debug, Default)]
pub struct Keep {
    /// So many of the newest.
    pub last: u64,
    /// The newest of so many hours that have any.
    pub hourly: u64,
    /// The same for days.
    pub daily: u64,
    /// The same for ISO weeks.
    pub weekly: u64,
    /// The same for months.
    pub monthly: u64,
    /// The same for years.
    pub yearly: u64,
    /// All within this time before the newest.
    pub within: Option<Span>,
    /// All with one of these labels.
    pub tags: Vec<String>,
    /// What any instant of this time before the newest needs.
    pub pitr: Option<Span>,
    /// The calendar; UTC when not given.
    pub zone: Option<TimeZone>,
    /// Snapshots that are missing, though no prune removed them, are taken as gone for good.
    pub accept_missing: bool,
    /// Snapshots after which the set shrank go by the rules as all others.
    pub accept_shrinks: bool,
}

/// Why the newest of a source stays.
pub(super) const NEWEST: &str = "the newest of its source";

/// Why a snapshot is kept; empty when it is not.
pub type Reasons = Vec<String>;

impl Keep {
    /// Whether nothing was asked for, so that everything is kept.
    pub fn is_empty(&self) -> bool {
        let counts = [self.last, self.hourly, self.daily, self.weekly, self.monthly, self.yearly];
        counts.iter().all(|n| *n == 0)
            && self.within.is_none()
            && self.pitr.is_none()
            && self.tags.is_empty()
    }

    /// The reasons for each entry of one source, which are in their order, the oldest first.
    pub fn reasons(&self, entries: &[Entry], now: Moment) -> Vec<Reasons> {
        let mut reasons: Vec<Reasons> = vec![Vec::new(); entries.len()];
        let times: Vec<_> =
            entries.iter().map(|e| Moment::parse(&e.taken).unwrap_or(now)).collect();
        let Some(newest) = entries.len().checked_sub(1) else { return reasons };
        reasons[newest].push(NEWEST.to_owned());
        // Whichever of the later ones is still there says it.
        let shrank_after: BTreeSet<u64> =
            entries.iter().flat_map(|entry| entry.before_shrinks.iter().copied()).collect();
        for (at, time) in times.iter().enumerate() {
            if *time > now {
                reasons[at].push("dated in the future".to_owned());
            }
            if self.is_empty() {
                reasons[at].push("no rule was given".to_owned());
            }
            if !self.accept_shrinks && shrank_after.contains(&entries[at].seq) {
                reasons[at].push("the last before the set shrank".to_owned());
            }
            if let Some(tag) = entries[at].tags.iter().find(|tag| self.tags.contains(tag)) {
                reasons[at].push(format!("tag {tag}"));
            }
        }
        // A snapshot dated in the future takes nobody's place: one wrong clock would cost all the others theirs.
        let so_far: Vec<usize> = (0..times.len()).filter(|at| times[*at] <= now).collect();
        self.by_buckets(&times, &so_far, &mut reasons);
        self.by_time(entries, &times, &so_far, &mut reasons);
        reasons
    }

    fn by_buckets(&self, times: &[Moment], so_far: &[usize], reasons: &mut [Reasons]) {
        let zone = self.zone.clone().unwrap_or(TimeZone::UTC);
        type Bucket = fn(&Zoned) -> (i16, i16, i16, i16);
        let rules: [(&str, u64, Option<Bucket>); 6] = [
            ("last", self.last, None),
            (
                "hourly",
                self.hourly,
                Some(|z| (z.year(), z.month().into(), z.day().into(), z.hour().into())),
            ),
            ("daily", self.daily, Some(|z| (z.year(), z.month().into(), z.day().into(), 0))),
            ("weekly", self.weekly, Some(iso_week)),
            ("monthly", self.monthly, Some(|z| (z.year(), z.month().into(), 0, 0))),
            ("yearly", self.yearly, Some(|z| (z.year(), 0, 0, 0))),
        ];
        for (name, mut left, bucket) in rules {
            let mut previous = None;
            for &at in so_far.iter().rev() {
                let this = bucket.map(|bucket| bucket(&times[at].in_zone(&zone)));
                if left > 0 && (this.is_none() || this != previous) {
                    reasons[at].push(name.to_owned());
                    left -= 1;
                    previous = this;
                }
            }
        }
    }

    fn by_time(
        &self,
        entries: &[Entry],
        times: &[Moment],
        so_far: &[usize],
        reasons: &mut [Reasons],
    ) {
        let Some(newest) = so_far.iter().map(|at| times[*at]).max() else { return };
        let before = |span: &Span| {
            let zoned = newest.in_zone(&TimeZone::UTC).checked_sub(*span).ok()?;
            Some(Moment::of_milliseconds(zoned.timestamp().as_millisecond()))
        };
        if let Some(from) = self.within.as_ref().and_then(before) {
            for &at in so_far.iter().filter(|at| times[**at] >= from) {
                reasons[at].push("within".to_owned());
            }
        }
        if let Some(from) = self.pitr.as_ref().and_then(before) {
            for at in needed_since(entries, times, from) {
                reasons[at].push("point in time".to_owned());
            }
        }
    }
}

fn iso_week(zoned: &Zoned) -> (i16, i16, i16, i16) {
    let week = zoned.date().iso_week_date();
    (week.year(), week.week().into(), 0, 0)
}

/// Positions of the entries that any instant since `from` needs: of those with the same base the last one,
/// which has all that the others have; and without annotations every one, and the last before.
fn needed_since(entries: &[Entry], times: &[Moment], from: Moment) -> Vec<usize> {
    let base = |at: usize| entries[at].files.first().map(|f| (&f.name, f.segments.first()));
    let mut needed = Vec::new();
    for at in 0..entries.len() {
        let is_in = match entries[at].covers.last() {
            Some(covered) => Moment::parse(&covered.to).is_none_or(|to| to >= from),
            None => times[at] >= from,
        };
        let has_history = |at: usize| !entries[at].covers.is_empty();
        let has_it = |later: usize| {
            has_history(later) && base(later) == base(at) && contains(entries, later, at)
        };
        let later_has_it = has_history(at) && (at + 1..entries.len()).any(has_it);
        if is_in && !later_has_it {
            needed.push(at);
        }
    }
    let before = (0..entries.len()).rev().find(|&at| times[at] < from);
    needed.extend(before.filter(|at| !needed.contains(at)));
    needed
}

/// Whether a later entry has all the bytes of an earlier one.
fn contains(entries: &[Entry], later: usize, earlier: usize) -> bool {
    entries[earlier].files.iter().all(|file| {
        let same = entries[later].files.iter().find(|f| f.name == file.name);
        same.is_some_and(|f| f.segments.starts_with(&file.segments))
    })
}
