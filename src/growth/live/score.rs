//! Scores as servers write them.
//!
//! | since | a score that is no whole number |
//! |---|---|
//! | always | 17 significant digits, without zeros at the end (`%.17g`) |
//! | Redis 7.2, every Valkey | as few digits as say the same number |
//!
//! Source: sorted sets written by real servers of all recorded versions.

/// From here on a number has no fraction that a double can hold.
const WHOLE: f64 = 4_503_599_627_370_496.0;

/// The whole number that a score is.
pub fn whole(score: f64) -> Option<i64> {
    (score == score.trunc() && score.abs() < WHOLE).then_some(score as i64)
}

/// A score in a log of commands, or in a packed encoding.
pub fn text(score: f64, is_shortest: bool) -> String {
    if score.is_infinite() {
        return if score > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    if let Some(number) = whole(score) {
        return number.to_string();
    }
    if is_shortest { shortest(score) } else { seventeen(score) }
}

/// As few digits as say the same number.
fn shortest(score: f64) -> String {
    let scientific = format!("{score:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count() as i32;
    // How far the last digit is from the point; what is not too far is written out.
    let last = exponent - digits + 1;
    if last >= 0 && exponent < digits + 7 {
        return format!("{score:.0}");
    }
    if last < 0 && (last > -7 || exponent.abs() < 4) {
        return format!("{score}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{}", exponent.abs())
}

fn seventeen(score: f64) -> String {
    let scientific = format!("{score:.16e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..17).contains(&exponent) {
        let decimals = usize::try_from(16 - exponent).unwrap_or(0);
        let text = format!("{score:.decimals$}");
        let has_fraction = text.contains('.');
        let text = if has_fraction { text.trim_end_matches('0') } else { &text };
        return text.trim_end_matches('.').to_owned();
    }
    let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_servers_write_17_digits_and_no_zeros_at_the_end() {
        for (score, expected) in [
            (1.0, "1"),
            (-20.5, "-20.5"),
            (0.1, "0.10000000000000001"),
            (1e300, "1.0000000000000001e+300"),
            (1.5e-7, "1.4999999999999999e-07"),
            (f64::NEG_INFINITY, "-inf"),
            (1_700_000_000_000.0, "1700000000000"),
        ] {
            assert_eq!(text(score, false), expected);
        }
    }

    #[test]
    fn newer_servers_write_as_few_digits_as_say_the_same() {
        for (score, expected) in [
            (0.1, "0.1"),
            (-3.333_3, "-3.3333"),
            (1.5e-7, "1.5e-7"),
            (1e300, "1e+300"),
            (142.857_142_857_142_86, "142.85714285714286"),
        ] {
            assert_eq!(text(score, true), expected);
        }
    }
}
