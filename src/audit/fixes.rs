//! Security fixes that are known (`security_fixes.txt`), and which of them a version lacks.

use std::sync::OnceLock;

/// A version in full.
pub type Release = (u32, u32, u32);

/// A fix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityFix {
    /// `redis` or `valkey`.
    pub family: &'static str,
    /// `CVE-2025-49844`.
    pub id: &'static str,
    /// The first version that is affected.
    pub since: Release,
    /// The first version with the fix, of each series that got it, ascending.
    pub fixed: Vec<Release>,
    /// What happens without it.
    pub what: &'static str,
    /// Where that is said.
    pub source: &'static str,
}

impl SecurityFix {
    /// Whether this version lacks it, and the version to go to.
    pub fn lacks(&self, family: &str, version: Release) -> Option<Release> {
        if family != self.family || version < self.since {
            return None;
        }
        let series = |release: &Release| (release.0, release.1);
        match self.fixed.iter().find(|fixed| series(fixed) == series(&version)) {
            Some(fixed) => (version < *fixed).then_some(*fixed),
            // A series that began after the newest fix has it from the start; one below got none.
            None => self.fixed.iter().copied().find(|fixed| *fixed > version),
        }
    }
}

/// The table, and the day of which it is.
#[derive(Debug)]
pub struct Fixes {
    /// `2026-11-30`.
    pub as_of: &'static str,
    /// Its rows.
    pub rows: Vec<SecurityFix>,
}

impl Fixes {
    /// How many days old the table is at this moment, Unix seconds; `None` where its date is no date.
    pub fn age_days(&self, now: i64) -> Option<i64> {
        let day: jiff::civil::Date = self.as_of.parse().ok()?;
        let then = day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second();
        Some((now - then).max(0) / 86_400)
    }
}

/// The table.
pub fn fixes() -> &'static Fixes {
    static FIXES: OnceLock<Fixes> = OnceLock::new();
    FIXES.get_or_init(|| read(include_str!("security_fixes.txt")))
}

fn read(text: &'static str) -> Fixes {
    let mut fixes = Fixes { as_of: "", rows: Vec::new() };
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let cells: Vec<&'static str> = line.split('\t').collect();
        match cells[..] {
            ["as-of", day] => fixes.as_of = day,
            [family, id, since, fixed, what, source] => fixes.rows.push(SecurityFix {
                family,
                id,
                since: release(since).unwrap_or_default(),
                fixed: fixed.split(' ').filter_map(release).collect(),
                what,
                source,
            }),
            _ => {}
        }
    }
    fixes
}

/// A version of three numbers.
pub fn release(text: &str) -> Option<Release> {
    let mut numbers = text.split('.').map(|part| part.parse::<u32>().ok());
    let release = (numbers.next()??, numbers.next()??, numbers.next()??);
    numbers.next().is_none().then_some(release)
}

/// A version as text.
pub fn shown((major, minor, patch): Release) -> String {
    format!("{major}.{minor}.{patch}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_is_whole() {
        let fixes = fixes();
        let lines = include_str!("security_fixes.txt").lines();
        let rows =
            lines.filter(|line| !line.starts_with('#') && !line.starts_with("as-of")).count();
        assert_eq!(fixes.rows.len(), rows);
        for row in &fixes.rows {
            assert!(["redis", "valkey"].contains(&row.family), "{row:?}");
            assert!(!row.fixed.is_empty() && row.fixed.is_sorted(), "{row:?}");
            assert!(row.fixed.iter().all(|fixed| *fixed > row.since), "{row:?}");
            assert!(!row.what.is_empty() && row.source.starts_with(['h', 'r']), "{row:?}");
        }
        assert_eq!(fixes.age_days(1_796_083_200), Some(1), "the day after 2026-11-30");
    }

    #[test]
    fn a_series_without_a_fix_lacks_it_and_a_later_one_does_not() {
        let row = fixes().rows.iter().find(|row| row.id == "CVE-2025-49844").unwrap();
        for (version, to) in [
            ((6, 2, 14), Some((6, 2, 20))),
            ((6, 2, 20), None),
            ((7, 0, 15), Some((7, 2, 11))),
            ((8, 2, 1), Some((8, 2, 2))),
            ((8, 2, 3), None),
            ((8, 4, 0), None),
        ] {
            assert_eq!(row.lacks("redis", version), to, "{version:?}");
        }
        assert_eq!(row.lacks("valkey", (8, 0, 0)), None);
        let row = fixes().rows.iter().find(|row| row.id == "CVE-2025-62507").unwrap();
        assert_eq!(row.lacks("redis", (8, 0, 2)), None, "before it came");
    }
}
