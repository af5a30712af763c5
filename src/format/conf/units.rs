//! Numbers as configuration files have them.

/// A size in bytes: decimal digits and a unit in any case, or none.
///
/// | unit | bytes |
/// |---|---|
/// | none, `b` | 1 |
/// | `k`, `m`, `g` | powers of 1000 |
/// | `kb`, `mb`, `gb` | powers of 1024 |
///
/// `None` for anything else, and for what 64 bits do not hold. Source: `memtoull` in `util.c`.
pub fn parse_size(text: &[u8]) -> Option<u64> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, unit) = text.split_at(digits);
    let unit = match unit.to_ascii_lowercase().as_slice() {
        b"" | b"b" => 1,
        b"k" => 1000,
        b"kb" => 1 << 10,
        b"m" => 1_000_000,
        b"mb" => 1 << 20,
        b"g" => 1_000_000_000,
        b"gb" => 1 << 30,
        _ => return None,
    };
    std::str::from_utf8(number).ok()?.parse::<u64>().ok()?.checked_mul(unit)
}

/// A percentage without a sign: a whole number up to 2^31 - 1, without `%`, `+`, or leading zeros.
///
/// Source: `string2ll` in `util.c`, and the bounds of `auto-aof-rewrite-percentage` in `config.c`.
pub fn parse_percentage(text: &[u8]) -> Option<u32> {
    parse_int(text)
}

/// A whole number from 0 to 2^31 - 1 in the one way servers accept.
pub(super) fn parse_int(text: &[u8]) -> Option<u32> {
    if !text.iter().all(u8::is_ascii_digit) || (text.len() > 1 && text.starts_with(b"0")) {
        return None;
    }
    let number: u32 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (number <= i32::MAX as u32).then_some(number)
}

/// A size that a signed number holds, as servers keep these; to them a unit without digits is 0.
pub(super) fn size(text: &[u8]) -> Option<u64> {
    parse_size(&[b"0", text].concat()).filter(|&bytes| i64::try_from(bytes).is_ok())
}

/// A number as servers read those that take no unit: digits alone, and no zero in front.
pub(super) fn plain_number(text: &[u8]) -> Option<u64> {
    let is_number =
        text.iter().all(u8::is_ascii_digit) && (text == b"0" || !text.starts_with(b"0"));
    let number: u64 = std::str::from_utf8(text).ok().filter(|_| is_number)?.parse().ok()?;
    i64::try_from(number).is_ok().then_some(number)
}

pub(super) fn positive(text: &[u8]) -> Option<u32> {
    parse_int(text).filter(|&number| number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_decimal_and_binary_units() {
        for (text, bytes) in [
            ("0", 0),
            ("67108864", 64 << 20),
            ("64mb", 64 << 20),
            ("64MB", 64 << 20),
            ("64m", 64_000_000),
            ("1k", 1000),
            ("1Kb", 1024),
            ("2g", 2_000_000_000),
            ("2gb", 2 << 30),
            ("007b", 7),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(parse_size(text.as_bytes()), Some(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_none() {
        for text in [
            "",
            "mb",
            "-1",
            "+1",
            "1 mb",
            "1tb",
            "1.5g",
            "0x10",
            "1mbb",
            "18446744073709551616",
            "99999999999gb",
        ] {
            assert_eq!(parse_size(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse_size(&[0xff, b'k']), None);
    }

    #[test]
    fn percentages_are_plain_numbers() {
        assert_eq!(parse_percentage(b"0"), Some(0));
        assert_eq!(parse_percentage(b"100"), Some(100));
        assert_eq!(parse_percentage(b"2147483647"), Some(i32::MAX as u32));
        for text in ["", "2147483648", "100%", "+1", "-1", "01", " 1", "1e2"] {
            assert_eq!(parse_percentage(text.as_bytes()), None, "{text}");
        }
    }
}
