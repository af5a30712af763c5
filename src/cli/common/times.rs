//! Times as they are typed: RFC 3339, `@unix`, or a duration back from now.

use jiff::{SignedDuration, Span, Timestamp};

/// What a time may look like, for messages and help.
pub const FORMS: &str = "2026-11-24T03:00:00Z, @1764000000, or 2h for two hours ago";

/// Reads a time. `now` is where durations count back from.
///
/// # Errors
/// What is wrong with it, as a sentence.
pub fn parse(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let wrong = || format!("'{text}' is not a time such as {FORMS}");
    if let Some(seconds) = text.strip_prefix('@') {
        let (whole, part) = seconds.split_once('.').unwrap_or((seconds, ""));
        let whole: i64 = whole.parse().map_err(|_| wrong())?;
        let nanos = format!("{part:0<9}");
        let nanos: i32 = match nanos.len() {
            9 if nanos.bytes().all(|b| b.is_ascii_digit()) => nanos.parse().map_err(|_| wrong())?,
            _ => return Err(wrong()),
        };
        return Timestamp::new(whole, nanos).map_err(|_| wrong());
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    if text.contains(['T', ':']) || text.matches('-').count() == 2 {
        return Err(format!("'{text}' names no zone: 2026-11-24T03:00:00Z is a time, in UTC"));
    }
    let back = duration(text).ok_or_else(wrong)?;
    now.checked_sub(back).map_err(|_| wrong())
}

/// `90s`, `15m`, `2h`, `1h30m`, `7d`, `2w`: days have 24 hours. `None` for anything else.
pub fn duration(text: &str) -> Option<SignedDuration> {
    let span: Span = text.parse().ok()?;
    let is_fixed = span.get_years() == 0 && span.get_months() == 0;
    let seconds = i64::from(span.get_weeks()) * 7 + i64::from(span.get_days());
    let days = SignedDuration::from_hours(seconds.checked_mul(24)?);
    let clock = Span::new()
        .try_hours(span.get_hours())
        .and_then(|s| s.try_minutes(span.get_minutes()))
        .and_then(|s| s.try_seconds(span.get_seconds()))
        .and_then(|s| s.try_milliseconds(span.get_milliseconds()))
        .ok()?;
    let clock = SignedDuration::try_from(clock).ok()?;
    let back = days.checked_add(clock)?;
    (is_fixed && !back.is_negative()).then_some(back)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Result<i64, String> {
        parse(text, Timestamp::from_second(1_000_000).unwrap()).map(Timestamp::as_second)
    }

    #[test]
    fn every_form_of_a_time_is_read() {
        assert_eq!(seconds("@1764000000"), Ok(1_764_000_000));
        assert_eq!(seconds("2025-11-24T16:00:00Z"), Ok(1_764_000_000));
        assert_eq!(seconds("2025-11-24T17:00:00+01:00"), Ok(1_764_000_000));
        for (text, back) in
            [("2h", 7200), ("1h30m", 5400), ("90s", 90), ("7d", 604_800), ("1w", 604_800)]
        {
            assert_eq!(seconds(text), Ok(1_000_000 - back), "{text}");
        }
        let now = Timestamp::from_second(5).unwrap();
        assert_eq!(parse("@1.5", now).unwrap().as_millisecond(), 1500);
    }

    #[test]
    fn what_is_no_time_is_refused_with_a_form_that_is() {
        for text in ["", "@", "@x", "@1.x", "noon", "-2h", "1mo", "12", "2h ago!"] {
            let why = seconds(text).unwrap_err();
            assert!(why.contains("@1764000000"), "{text}: {why}");
        }
        assert!(seconds("2025-11-24T16:00:00").unwrap_err().contains("no zone"));
        assert!(seconds("2025-11-24").unwrap_err().contains("no zone"));
    }
}
