//! Sizes as they are typed.

use aofkit::format::conf::parse_size;

/// A size as it is typed, for clap.
///
/// # Errors
/// Says that it is none.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    size(text).ok_or_else(|| format!("'{text}' is not a size such as 50mb or 50MiB"))
}

/// A size in redis.conf's units (`64mb`) or IEC ones (`64MiB`), bytes.
pub fn size(text: &str) -> Option<u64> {
    let redis_unit = match text.len().checked_sub(3).and_then(|at| text.split_at_checked(at)) {
        Some((number, unit)) if unit.eq_ignore_ascii_case("kib") => format!("{number}kb"),
        Some((number, unit)) if unit.eq_ignore_ascii_case("mib") => format!("{number}mb"),
        Some((number, unit)) if unit.eq_ignore_ascii_case("gib") => format!("{number}gb"),
        _ => text.to_owned(),
    };
    parse_size(redis_unit.as_bytes())
}
