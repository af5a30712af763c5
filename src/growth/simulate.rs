//! What another rule would have done over the same time.

use super::timeline::Timeline;
use super::trigger::Trigger;

/// A rule, and what follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Simulation {
    /// `auto-aof-rewrite-percentage`
    pub percentage: u32,
    /// `auto-aof-rewrite-min-size` in bytes.
    pub min_size_bytes: u64,
    /// Rewrites over the time that was seen.
    pub rewrites: u64,
    /// Bytes these rewrites would have written.
    pub rewritten_bytes: u64,
    /// The most that the set would have taken on disk: old files and new base together.
    pub peak_disk_bytes: u64,
}

/// Rewrites counted at most: a rule that rewrites all the time is told by any large number.
const REWRITES: u64 = 1_000_000;

/// Plays a rule over a timeline: the set begins with a base of `base_bytes`, and what is alive grows evenly from
/// there to `live_bytes` at its end.
pub fn simulate(
    timeline: &Timeline,
    rule: &Trigger,
    base_bytes: u64,
    live_bytes: u64,
) -> Simulation {
    let all: u64 = timeline.buckets.iter().map(|bucket| bucket.bytes).sum();
    let live = |appended: u64| {
        let share = appended as f64 / all.max(1) as f64;
        (base_bytes as f64 + (live_bytes as f64 - base_bytes as f64) * share).max(0.0) as u64
    };
    let mut told = Simulation {
        percentage: rule.percentage,
        min_size_bytes: rule.min_size_bytes,
        rewrites: 0,
        rewritten_bytes: 0,
        peak_disk_bytes: base_bytes,
    };
    let (mut base, mut current, mut appended) = (base_bytes, base_bytes, 0);
    // The rule looks at sums alone, so that buckets make no difference beyond their order.
    let mut left = all;
    while told.rewrites < REWRITES {
        let at = Trigger { base_bytes: base, current_bytes: current, ..*rule }.rewrite_at_bytes();
        let step = at.map_or(u64::MAX, |at| at.saturating_sub(current).max(1));
        if step > left {
            break;
        }
        (left, appended, current) = (left - step, appended + step, current + step);
        let fresh = live(appended);
        told.peak_disk_bytes = told.peak_disk_bytes.max(current.saturating_add(fresh));
        told.rewritten_bytes = told.rewritten_bytes.saturating_add(fresh);
        told.rewrites += 1;
        (base, current) = (fresh, fresh);
    }
    told.peak_disk_bytes = told.peak_disk_bytes.max(current.saturating_add(left));
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::conf::Settings;
    use crate::growth::{Axis, Bucket};

    fn timeline(bytes: u64) -> Timeline {
        let mut bucket = Bucket::default();
        bucket.bytes = bytes / 10;
        let mut timeline = Timeline::new(Axis::Time);
        timeline.buckets = vec![bucket; 10];
        timeline
    }

    #[test]
    fn a_rule_rewrites_as_often_as_its_arithmetic_says() {
        let rule = Trigger::new(0, 0, &Settings::default()).under(100, 100);
        // All is overwritten: the base stays at 100 bytes, and every 100 bytes are a rewrite.
        let told = simulate(&timeline(1000), &rule, 100, 100);
        assert_eq!((told.rewrites, told.rewritten_bytes, told.peak_disk_bytes), (10, 1000, 300));
        let never = simulate(&timeline(1000), &rule.under(0, 100), 100, 100);
        assert_eq!((never.rewrites, never.peak_disk_bytes), (0, 1100));
        // Nothing is overwritten: every base is twice as large as the one before.
        let grows = simulate(&timeline(1000), &rule, 100, 1100);
        assert_eq!((grows.rewrites, grows.peak_disk_bytes), (3, 1600));
    }
}
