//! The rule by which a server rewrites by itself, in the server's own arithmetic.

use crate::format::conf::Settings;

/// Since when a server counts, which decides what it takes for the base.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Since {
    /// It started with the set: the base is the base file, all is counted.
    #[default]
    Restart,
    /// It made the set: the empty base that it began with is not counted at all.
    Fresh,
    /// It rewrote the set and goes on: the base is the base file and what was appended by the end of that rewrite.
    Rewrite,
    /// It runs, and said itself what it counts.
    Running,
}

impl Since {
    /// Its name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::Fresh => "fresh",
            Self::Rewrite => "rewrite",
            Self::Running => "server",
        }
    }
}

/// When a server rewrites by itself, and how far that is.
///
/// Source: every tick the server rewrites when the current size is above the minimum and
/// `current * 100 / base - 100 >= percentage`, in whole numbers, a base of 0 counting as 1 byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// Since when the server counts.
    pub since: Since,
    /// What it takes for the base, bytes.
    pub base_bytes: u64,
    /// What it takes for the size of the set, bytes.
    pub current_bytes: u64,
    /// Bytes of the set's files that it does not count.
    pub uncounted_bytes: u64,
    /// `auto-aof-rewrite-percentage`; 0: never.
    pub percentage: u32,
    /// `auto-aof-rewrite-min-size` in bytes.
    pub min_size_bytes: u64,
}

impl Trigger {
    /// As a server counts that starts with files of these sizes, under these settings.
    pub fn new(base_bytes: u64, increment_bytes: u64, settings: &Settings) -> Self {
        Self {
            since: Since::Restart,
            base_bytes,
            current_bytes: base_bytes.saturating_add(increment_bytes),
            uncounted_bytes: 0,
            percentage: settings.auto_rewrite_percentage(),
            min_size_bytes: settings.auto_rewrite_min_bytes(),
        }
    }

    /// The same files in the eyes of the server that made them, and never rewrote them.
    pub fn fresh(self) -> Self {
        Self {
            since: Since::Fresh,
            base_bytes: 0,
            current_bytes: self.current_bytes.saturating_sub(self.base_bytes),
            uncounted_bytes: self.base_bytes,
            ..self
        }
    }

    /// The same files in the eyes of the server that rewrote them, when so much had been appended by the end of that.
    pub fn since_rewrite(self, appended_bytes: u64) -> Self {
        let base_bytes = self.base_bytes.saturating_add(appended_bytes).min(self.current_bytes);
        Self { since: Since::Rewrite, base_bytes, ..self }
    }

    /// The same under another rule.
    pub fn under(self, percentage: u32, min_size_bytes: u64) -> Self {
        Self { percentage, min_size_bytes, ..self }
    }

    /// Growth since the base in percent, rounded down as the server does.
    pub fn percent(&self) -> u64 {
        let base = u128::from(self.base_bytes.max(1));
        let percent = u128::from(self.current_bytes) * 100 / base;
        u64::try_from(percent.saturating_sub(100)).unwrap_or(u64::MAX)
    }

    /// The same where there is a base to grow from: nothing is so many percent of an empty or a missing one, which servers
    /// count as one byte.
    pub fn growth_percent(&self) -> Option<u64> {
        (self.base_bytes > 0).then(|| self.percent())
    }

    /// Size as the server counts it at which a rewrite starts, bytes; `None` when none ever does by itself.
    pub fn rewrite_at_bytes(&self) -> Option<u64> {
        if self.percentage == 0 {
            return None;
        }
        let base = u128::from(self.base_bytes.max(1));
        let by_growth = (base * (100 + u128::from(self.percentage))).div_ceil(100);
        let by_size = u128::from(self.min_size_bytes) + 1;
        u64::try_from(by_growth.max(by_size)).ok()
    }

    /// Bytes of all files then.
    pub fn files_at_rewrite_bytes(&self) -> Option<u64> {
        Some(self.rewrite_at_bytes()?.saturating_add(self.uncounted_bytes))
    }

    /// Whether the server rewrites at its next tick.
    pub fn is_due(&self) -> bool {
        self.rewrite_at_bytes().is_some_and(|at| self.current_bytes >= at)
    }

    /// Bytes to go.
    pub fn remaining_bytes(&self) -> Option<u64> {
        Some(self.rewrite_at_bytes()?.saturating_sub(self.current_bytes))
    }

    /// Whether it has grown enough, and only the minimum is in the way.
    pub fn waits_for_minimum(&self) -> bool {
        self.percentage > 0
            && self.percent() >= u64::from(self.percentage)
            && self.current_bytes <= self.min_size_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn the_rule_is_the_servers() {
        let settings = Settings::default();
        let small = Trigger::new(MIB, 10 * MIB, &settings);
        assert_eq!((small.percent(), small.is_due()), (1000, false));
        assert_eq!(small.rewrite_at_bytes(), Some(64 * MIB + 1));
        assert_eq!(small.remaining_bytes(), Some(53 * MIB + 1));
        assert!(small.waits_for_minimum());
        let large = Trigger::new(100 * MIB, 100 * MIB, &settings);
        assert_eq!((large.percent(), large.is_due()), (100, true));
        assert!(!Trigger::new(100 * MIB, 100 * MIB - 1, &settings).is_due());
        // Without a base, anything above the minimum will do.
        assert!(Trigger::new(0, 64 * MIB + 1, &settings).is_due());
        let off = Settings { auto_rewrite_percentage: Some(0), ..Settings::default() };
        assert_eq!(Trigger::new(MIB, 900 * MIB, &off).rewrite_at_bytes(), None);
    }

    #[test]
    fn what_a_server_takes_for_the_base_depends_on_what_it_has_seen() {
        let restarted = Trigger::new(88, 64 * MIB, &Settings::default());
        assert_eq!(restarted.remaining_bytes(), Some(0));
        // The base it began with does not count, so there is more to go.
        let fresh = restarted.fresh();
        assert_eq!((fresh.base_bytes, fresh.remaining_bytes()), (0, Some(1)));
        assert_eq!(fresh.files_at_rewrite_bytes(), Some(64 * MIB + 89));
        let large = Trigger::new(100 * MIB, 50 * MIB, &Settings::default());
        let rewrote = large.since_rewrite(10 * MIB);
        assert_eq!((rewrote.base_bytes, rewrote.percent()), (110 * MIB, 36));
        assert_eq!(rewrote.rewrite_at_bytes(), Some(220 * MIB));
    }
}
