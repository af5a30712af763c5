//! Up to which size servers keep small values packed, as a configuration says it.
//!
//! Names of old, with `ziplist` in them, mean the same as those with `listpack`.

use super::units::parse_size;
use super::values::Read;
use super::{Directive, Fault, Reason};

/// Limits of packed encodings; a field is `None` where nothing was said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PackedLimits {
    /// `hash-max-listpack-entries`
    pub hash_entries: Option<i64>,
    /// `hash-max-listpack-value`, bytes.
    pub hash_value: Option<i64>,
    /// `zset-max-listpack-entries`
    pub zset_entries: Option<i64>,
    /// `zset-max-listpack-value`, bytes.
    pub zset_value: Option<i64>,
    /// `set-max-listpack-entries`
    pub set_entries: Option<i64>,
    /// `set-max-listpack-value`, bytes.
    pub set_value: Option<i64>,
    /// `set-max-intset-entries`
    pub set_numbers: Option<i64>,
    /// `list-max-listpack-size`: elements, or a class of sizes where it is negative.
    pub list: Option<i64>,
    /// `stream-node-max-bytes`; 0 is no limit.
    pub stream_bytes: Option<i64>,
    /// `stream-node-max-entries`; 0 is no limit.
    pub stream_entries: Option<i64>,
}

impl PackedLimits {
    /// Takes a setting by its name and value; whether it is one of these.
    pub fn take(&mut self, name: &str, value: &[u8]) -> bool {
        match (self.slot(name.as_bytes()), number(value)) {
            (Some((_, slot)), Some(number)) => {
                *slot = Some(number);
                true
            }
            _ => false,
        }
    }

    pub(super) fn apply(&mut self, directive: &Directive) -> Result<bool, Fault<Reason>> {
        let Some((name, slot)) = self.slot(&directive.name) else { return Ok(false) };
        *slot = Some(Read(directive).one(name, "a whole number or a size", number)?);
        Ok(true)
    }

    fn slot(&mut self, name: &[u8]) -> Option<(&'static str, &mut Option<i64>)> {
        Some(match name {
            b"hash-max-listpack-entries" | b"hash-max-ziplist-entries" => {
                ("hash-max-listpack-entries", &mut self.hash_entries)
            }
            b"hash-max-listpack-value" | b"hash-max-ziplist-value" => {
                ("hash-max-listpack-value", &mut self.hash_value)
            }
            b"zset-max-listpack-entries" | b"zset-max-ziplist-entries" => {
                ("zset-max-listpack-entries", &mut self.zset_entries)
            }
            b"zset-max-listpack-value" | b"zset-max-ziplist-value" => {
                ("zset-max-listpack-value", &mut self.zset_value)
            }
            b"set-max-listpack-entries" => ("set-max-listpack-entries", &mut self.set_entries),
            b"set-max-listpack-value" => ("set-max-listpack-value", &mut self.set_value),
            b"set-max-intset-entries" => ("set-max-intset-entries", &mut self.set_numbers),
            b"list-max-listpack-size" | b"list-max-ziplist-size" => {
                ("list-max-listpack-size", &mut self.list)
            }
            b"stream-node-max-bytes" => ("stream-node-max-bytes", &mut self.stream_bytes),
            b"stream-node-max-entries" => ("stream-node-max-entries", &mut self.stream_entries),
            _ => return None,
        })
    }
}

/// A whole number, or a size with a unit.
fn number(text: &[u8]) -> Option<i64> {
    let plain = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    plain.or_else(|| parse_size(text).and_then(|size| i64::try_from(size).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_and_new_names_mean_the_same() {
        let mut limits = PackedLimits::default();
        assert!(limits.take("hash-max-ziplist-entries", b"7"));
        assert!(limits.take("zset-max-listpack-value", b"1kb"));
        assert!(limits.take("list-max-ziplist-size", b"-3"));
        assert!(!limits.take("list-max-ziplist-entries", b"3") && !limits.take("hz", b"10"));
        assert!(!limits.take("set-max-intset-entries", b"many"));
        assert_eq!(
            (limits.hash_entries, limits.zset_value, limits.list),
            (Some(7), Some(1024), Some(-3))
        );
        assert_eq!(limits.set_numbers, None);
    }
}
