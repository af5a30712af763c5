//! When something was written, as far as `#TS` annotations tell.

/// Seconds since 1970; 0 stands for "not known".
pub(crate) type Moment = u32;

/// No annotation tells.
pub(crate) const UNKNOWN: Moment = 0;

/// The moment of the first and of the last record. What is not known came before all that is: only what stands before the first
/// annotation has no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    first: Moment,
    last: Moment,
}

impl Default for Written {
    fn default() -> Self {
        Self::NEVER
    }
}

impl Written {
    /// There is no record.
    pub(crate) const NEVER: Self = Self { first: Moment::MAX, last: UNKNOWN };

    /// One record.
    pub(crate) const fn once(now: Moment) -> Self {
        Self { first: now, last: now }
    }

    /// One more record.
    #[inline(always)]
    pub(crate) fn again(&mut self, now: Moment) {
        self.last = now;
    }

    /// What both were written.
    #[inline]
    pub(crate) fn join(&mut self, other: Self) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
    }

    /// The same behind a stretch of the log that told the time up to `before`.
    pub(crate) fn behind(self, before: Moment) -> Self {
        let after = |moment: Moment| match moment {
            UNKNOWN | Moment::MAX => moment,
            known => known.max(before),
        };
        Self { first: after(self.first), last: after(self.last) }
    }

    /// The same where something may have come before.
    pub(crate) fn without_first(self) -> Self {
        Self { first: UNKNOWN, ..self }
    }

    /// The same where something may have come behind.
    pub(crate) fn without_last(self) -> Self {
        Self { last: UNKNOWN, ..self }
    }

    /// When the first record was written, Unix seconds.
    pub fn first(&self) -> Option<i64> {
        told(self.first)
    }

    /// When the last record was written, Unix seconds.
    pub fn last(&self) -> Option<i64> {
        told(self.last)
    }
}

fn told(moment: Moment) -> Option<i64> {
    (moment != UNKNOWN && moment != Moment::MAX).then_some(moment.into())
}

/// The clock of a log. One that is set back stands still until it has caught up: so the order of times is the order of records.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LogClock {
    told: Option<i64>,
    latest: Moment,
    now: Moment,
}

impl LogClock {
    /// The moment of the record that comes.
    #[inline(always)]
    pub(crate) fn now(&self) -> Moment {
        self.now
    }

    /// The latest moment of all.
    pub(crate) fn latest(&self) -> Moment {
        self.latest
    }

    /// Whether the time is another one than that of the record before.
    #[inline(always)]
    pub(crate) fn differs(&self, told: Option<i64>) -> bool {
        self.told != told
    }

    /// From now on it is this time.
    pub(crate) fn set(&mut self, told: Option<i64>) {
        self.told = told;
        self.now = match told {
            None => UNKNOWN,
            Some(seconds) => {
                // What no clock of a server has shown is no time.
                let moment = u32::try_from(seconds).ok().filter(|moment| *moment != Moment::MAX);
                self.latest = self.latest.max(moment.unwrap_or(UNKNOWN));
                self.latest
            }
        };
    }

    /// What follows was seen by another.
    pub(crate) fn follow(&mut self, later: &Self) {
        self.latest = self.latest.max(later.latest);
        (self.told, self.now) =
            (later.told, if later.now == UNKNOWN { UNKNOWN } else { self.latest });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_time_came_first() {
        let mut written = Written::NEVER;
        assert_eq!((written.first(), written.last()), (None, None));
        written.join(Written::once(500));
        written.again(700);
        assert_eq!((written.first(), written.last()), (Some(500), Some(700)));
        written.join(Written::once(UNKNOWN));
        assert_eq!((written.first(), written.last()), (None, Some(700)));
    }

    #[test]
    fn a_clock_that_is_set_back_stands_still() {
        let mut clock = LogClock::default();
        let mut now = |told| {
            clock.set(told);
            clock.now()
        };
        assert_eq!([now(Some(10)), now(Some(5)), now(Some(12)), now(None)], [10, 10, 12, UNKNOWN]);
        assert_eq!([now(Some(-3)), now(Some(i64::MAX)), now(Some(13))], [12, 12, 13]);
        assert_eq!(Written::once(5).behind(10), Written::once(10));
        assert_eq!(Written::NEVER.behind(10), Written::NEVER);
    }
}
