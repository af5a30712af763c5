//! Growth of the increments against the base, and the rule by which a server rewrites.

use crate::format::conf::Settings;

/// When a server rewrites by itself, and how far that is.
///
/// Source: the server rewrites when the current size is above the minimum and
/// `current * 100 / base - 100 >= percentage`, in whole numbers, an absent base counting as 1 byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Growth {
    /// Bytes of the base.
    pub base_bytes: u64,
    /// Bytes of the increments.
    pub increment_bytes: u64,
    /// `auto-aof-rewrite-percentage`; 0: never.
    pub percentage: u32,
    /// `auto-aof-rewrite-min-size` in bytes.
    pub min_size_bytes: u64,
}

impl Growth {
    /// Growth by these sizes under these settings.
    pub fn new(base_bytes: u64, increment_bytes: u64, settings: &Settings) -> Self {
        Self {
            base_bytes,
            increment_bytes,
            percentage: settings.auto_rewrite_percentage(),
            min_size_bytes: settings.auto_rewrite_min_bytes(),
        }
    }

    /// Bytes of base and increments.
    pub fn current_bytes(&self) -> u64 {
        self.base_bytes.saturating_add(self.increment_bytes)
    }

    /// Growth since the base in percent, rounded down as the server does.
    pub fn percent(&self) -> u64 {
        let base = u128::from(self.base_bytes.max(1));
        let percent = u128::from(self.current_bytes()) * 100 / base;
        u64::try_from(percent.saturating_sub(100)).unwrap_or(u64::MAX)
    }

    /// Size in bytes at which a rewrite starts; `None` when none ever does by itself.
    pub fn rewrite_at_bytes(&self) -> Option<u64> {
        if self.percentage == 0 {
            return None;
        }
        let base = u128::from(self.base_bytes.max(1));
        let by_growth = (base * (100 + u128::from(self.percentage))).div_ceil(100);
        let by_size = u128::from(self.min_size_bytes) + 1;
        u64::try_from(by_growth.max(by_size)).ok()
    }

    /// Whether a server that starts with this set rewrites at once.
    pub fn is_due(&self) -> bool {
        self.rewrite_at_bytes().is_some_and(|at| self.current_bytes() >= at)
    }

    /// Bytes to go.
    pub fn remaining_bytes(&self) -> Option<u64> {
        Some(self.rewrite_at_bytes()?.saturating_sub(self.current_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn the_rule_is_the_servers() {
        let settings = Settings::default();
        let small = Growth::new(MIB, 10 * MIB, &settings);
        assert_eq!((small.percent(), small.is_due()), (1000, false));
        assert_eq!(small.rewrite_at_bytes(), Some(64 * MIB + 1));
        assert_eq!(small.remaining_bytes(), Some(53 * MIB + 1));
        let large = Growth::new(100 * MIB, 100 * MIB, &settings);
        assert_eq!((large.percent(), large.is_due()), (100, true));
        assert!(!Growth::new(100 * MIB, 100 * MIB - 1, &settings).is_due());
        // Without a base, anything above the minimum will do.
        assert!(Growth::new(0, 64 * MIB + 1, &settings).is_due());
        let off = Settings { auto_rewrite_percentage: Some(0), ..Settings::default() };
        assert_eq!(Growth::new(MIB, 900 * MIB, &off).rewrite_at_bytes(), None);
    }
}
