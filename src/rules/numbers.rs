//! Sets of small numbers, written as ranges.

/// A set of numbers below 256: versions, types and opcodes of RDBs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct NumberSet([u64; 4]);

impl NumberSet {
    pub(super) const NONE: Self = Self([0; 4]);

    fn add(&mut self, number: u8) {
        self.0[usize::from(number / 64)] |= 1 << (number % 64);
    }

    pub(super) fn has(self, number: u32) -> bool {
        u8::try_from(number).is_ok_and(|n| self.0[usize::from(n / 64)] >> (n % 64) & 1 == 1)
    }
}

/// Reads `1-7,9,11-13`, or `none`.
pub(super) fn parse(text: &str) -> Option<NumberSet> {
    let mut numbers = NumberSet::NONE;
    if text == "none" {
        return Some(numbers);
    }
    for range in text.split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u8, u8) = (first.parse().ok()?, last.parse().ok()?);
        (first..=last).for_each(|number| numbers.add(number));
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        let numbers = parse("0-7,9,200-255").unwrap();
        let has = |n| numbers.has(n);
        assert!(has(0) && has(7) && has(9) && has(255));
        assert!(!has(8) && !has(10) && !has(256));
        assert_eq!(parse("none"), Some(NumberSet::NONE));
        assert_eq!(parse("7-x"), None);
        assert_eq!(parse("300"), None);
    }
}
