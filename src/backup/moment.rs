//! Instants, in UTC, as the catalog writes them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// An instant, to the millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Timestamp);

/// Now, by this machine's clock.
pub fn now() -> Moment {
    Moment::of_milliseconds(Timestamp::now().as_millisecond())
}

impl Moment {
    /// From Unix milliseconds; the nearest there is when out of range.
    pub fn of_milliseconds(ms: i64) -> Self {
        let nearest = if ms < 0 { Timestamp::MIN } else { Timestamp::MAX };
        Self(Timestamp::from_millisecond(ms).unwrap_or(nearest))
    }

    /// From Unix seconds.
    pub fn of_seconds(seconds: i64) -> Self {
        Self::of_milliseconds(seconds.saturating_mul(1000))
    }

    /// From text in RFC 3339.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }

    /// Unix milliseconds.
    pub fn milliseconds(self) -> i64 {
        self.0.as_millisecond()
    }

    /// RFC 3339 with milliseconds.
    pub fn text(self) -> String {
        format!("{:.3}", self.0)
    }

    /// RFC 3339 without fractions of a second.
    pub fn seconds_text(self) -> String {
        format!("{:.0}", self.0)
    }

    /// Digits that sort as time does, as names of snapshots begin: `20261123T005316Z`.
    pub fn compact(self) -> String {
        let at = self.0.to_zoned(TimeZone::UTC);
        format!(
            "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
            at.year(),
            at.month(),
            at.day(),
            at.hour(),
            at.minute(),
            at.second()
        )
    }

    /// The same instant in the calendar of a time zone.
    pub fn in_zone(self, zone: &TimeZone) -> jiff::Zoned {
        self.0.to_zoned(zone.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_in_utc() {
        let at = Moment::of_milliseconds(1_763_859_196_123);
        assert_eq!(at.text(), "2025-11-23T00:53:16.123Z");
        assert_eq!(at.compact(), "20251123T005316Z");
        assert_eq!(Moment::parse(&at.text()), Some(at));
        assert_eq!(at.seconds_text(), "2025-11-23T00:53:16Z");
    }
}
