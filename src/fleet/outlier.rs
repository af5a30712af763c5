//! Which of many sets stands out, and by what.
//!
//! Sizes and growth are compared on a logarithmic scale with the median of all and the median distance from it, which a few
//! strange sets do not move; command mixes by the share of bytes that would have to change hands.

use std::collections::BTreeMap;
use std::fmt;

use crate::check::Verdict;
use crate::stats::MixReport;
use crate::text::{escape, size, thousands};

/// What is compared of a set.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measured<'a> {
    /// How it is.
    pub verdict: Option<Verdict>,
    /// Bytes of its live files.
    pub size_bytes: u64,
    /// Growth since its base, in percent.
    pub growth_percent: Option<u64>,
    /// Its commands.
    pub mix: Option<&'a MixReport>,
}

/// A set that stands out.
#[derive(Clone, Debug, PartialEq)]
pub struct Outlier {
    /// Its place among those that were compared.
    pub place: usize,
    /// By what, the most telling first.
    pub why: Vec<Why>,
}

/// By what a set stands out. In words by `Display`.
#[derive(Clone, Debug, PartialEq)]
pub enum Why {
    /// Most of the others are healthy.
    Verdict(Verdict),
    /// It is much larger or smaller than the median.
    Size {
        /// Its bytes.
        bytes: u64,
        /// Those of the median.
        median: u64,
    },
    /// It has grown much more or less than the median.
    Growth {
        /// Percent.
        percent: u64,
        /// That of the median.
        median: u64,
    },
    /// Its commands are others.
    Mix {
        /// The command whose share differs most.
        command: Vec<u8>,
        /// Its share of the bytes of commands here, 0 to 1.
        share: f64,
        /// Its share in all others.
        usual: f64,
        /// The part of the bytes that would have to be of other commands, 0 to 1.
        apart: f64,
    },
}

impl Why {
    /// Its name in JSON.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Verdict(_) => "verdict",
            Self::Size { .. } => "size",
            Self::Growth { .. } => "growth",
            Self::Mix { .. } => "commands",
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: f64| format!("{:.0} %", share * 100.0);
        match self {
            Self::Verdict(verdict) => {
                write!(f, "{}, most others are healthy", verdict.as_str())
            }
            Self::Size { bytes, median } => {
                write!(f, "its files have {}, the median is {}", size(*bytes), size(*median))
            }
            Self::Growth { percent, median } => {
                write!(
                    f,
                    "grown by {} %, the median by {} %",
                    thousands(*percent),
                    thousands(*median)
                )
            }
            Self::Mix { command, share, usual, .. } => write!(
                f,
                "{} is {} of its bytes, {} elsewhere",
                escape(command),
                percent(*share),
                percent(*usual)
            ),
        }
    }
}

/// Sets below which nothing is usual.
const FEW: usize = 5;

/// Times the usual distance from the median from which on a set stands out.
const TIMES: f64 = 5.0;

/// Least factor between a set and the median.
const FACTOR: f64 = 3.0;

/// Least part of the bytes of commands that has to be of other commands.
const APART: f64 = 0.3;

/// Standard deviation of what has this median distance from its median, where it is spread normally.
const DEVIATION: f64 = 1.4826;

/// The sets that stand out, the most striking first.
pub fn outliers(sets: &[Measured<'_>]) -> Vec<Outlier> {
    if sets.len() < FEW {
        return Vec::new();
    }
    let mut found: BTreeMap<usize, (f64, Vec<Why>)> = BTreeMap::new();
    let mut tell = |place: usize, weight: f64, why: Why| {
        let (sum, all) = found.entry(place).or_default();
        *sum += weight;
        all.push(why);
    };
    let healthy = sets.iter().filter(|set| set.verdict == Some(Verdict::Healthy)).count();
    for (place, verdict) in sets.iter().enumerate().filter_map(|(at, set)| Some((at, set.verdict?)))
    {
        if verdict != Verdict::Healthy && healthy * 2 > sets.len() {
            tell(place, 100.0 + verdict as u8 as f64, Why::Verdict(verdict));
        }
    }
    let sizes: Vec<_> = sets.iter().map(|set| Some(set.size_bytes)).collect();
    for (place, bytes, median, weight) in far(&sizes) {
        tell(place, weight, Why::Size { bytes, median });
    }
    let growth: Vec<_> = sets.iter().map(|set| set.growth_percent).collect();
    for (place, percent, median, weight) in far(&growth) {
        tell(place, weight, Why::Growth { percent, median });
    }
    for (place, why, weight) in strange_mixes(sets) {
        tell(place, weight, why);
    }
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by(|(_, (one, _)), (_, (other, _))| other.total_cmp(one));
    found.into_iter().map(|(place, (_, why))| Outlier { place, why }).collect()
}

/// Numbers far from the median: place, number, median, and how far.
fn far(numbers: &[Option<u64>]) -> Vec<(usize, u64, u64, f64)> {
    let scale = |number: u64| (number as f64 + 1.0).ln();
    let known: Vec<u64> = numbers.iter().flatten().copied().collect();
    if known.len() < FEW {
        return Vec::new();
    }
    let scales: Vec<f64> = known.iter().map(|number| scale(*number)).collect();
    let Some((middle, spread)) = middle_and_spread(&scales) else { return Vec::new() };
    let median = (middle.exp() - 1.0).round() as u64;
    let limit = (TIMES * DEVIATION * spread).max(FACTOR.ln());
    let placed = numbers.iter().enumerate().filter_map(|(place, number)| Some((place, (*number)?)));
    let apart = placed.map(|(place, number)| (place, number, (scale(number) - middle).abs()));
    apart
        .filter(|(_, _, apart)| *apart > limit)
        .map(|(place, number, apart)| (place, number, median, apart / limit))
        .collect()
}

/// The median, and the median distance from it.
fn middle_and_spread(numbers: &[f64]) -> Option<(f64, f64)> {
    let middle = median(numbers.to_vec())?;
    let spread = median(numbers.iter().map(|number| (number - middle).abs()).collect())?;
    Some((middle, spread))
}

fn median(mut numbers: Vec<f64>) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied()
}

/// Sets whose commands are others than those of the rest.
fn strange_mixes(sets: &[Measured<'_>]) -> Vec<(usize, Why, f64)> {
    let shares: Vec<_> = sets.iter().map(|set| set.mix.and_then(shares)).collect();
    let mut usual: BTreeMap<&[u8], f64> = BTreeMap::new();
    let known = shares.iter().flatten().count() as f64;
    for (name, share) in shares.iter().flatten().flatten() {
        *usual.entry(name).or_default() += share;
    }
    let others = |name: &[u8], own: f64| {
        (usual.get(name).copied().unwrap_or_default() - own).max(0.0) / (known - 1.0).max(1.0)
    };
    let mut apart = Vec::new();
    for (place, own) in shares.iter().enumerate().filter_map(|(at, own)| Some((at, own.as_ref()?)))
    {
        let share_of = |name: &[u8]| own.get(name).copied().unwrap_or_default();
        let differences = usual.keys().map(|name| {
            let share = share_of(name);
            (*name, share, others(name, share))
        });
        let differences: Vec<_> = differences.collect();
        let sum: f64 = differences.iter().map(|(_, share, usual)| (share - usual).abs()).sum();
        let most = differences
            .into_iter()
            .max_by(|(_, a, b), (_, c, d)| (a - b).abs().total_cmp(&(c - d).abs()));
        apart.extend(most.map(|most| (place, most, sum / 2.0)));
    }
    let all: Vec<f64> = apart.iter().map(|(_, _, apart)| *apart).collect();
    let Some((middle, spread)) = middle_and_spread(&all).filter(|_| all.len() >= FEW) else {
        return Vec::new();
    };
    let limit = (middle + TIMES * DEVIATION * spread).max(APART);
    let far = apart.into_iter().filter(|(_, _, apart)| *apart > limit);
    far.map(|(place, (command, share, usual), apart)| {
        (place, Why::Mix { command: command.to_vec(), share, usual, apart }, apart / limit)
    })
    .collect()
}

/// The share of each command in the bytes of commands; `None` where there are none.
fn shares(mix: &MixReport) -> Option<BTreeMap<&[u8], f64>> {
    let all = mix.totals.command_bytes;
    let share = |bytes: u64| bytes as f64 / all as f64;
    (all > 0).then(|| mix.commands.iter().map(|row| (&row.name[..], share(row.bytes))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{CommandRow, Totals};

    fn mix(rows: &[(&str, u64)]) -> MixReport {
        let command = |(name, bytes): &(&str, u64)| CommandRow {
            name: name.as_bytes().to_vec(),
            group: None,
            count: 1,
            bytes: *bytes,
            largest_bytes: *bytes,
        };
        let commands: Vec<_> = rows.iter().map(command).collect();
        let command_bytes = commands.iter().map(|row| row.bytes).sum();
        let totals = Totals { command_bytes, ..Totals::default() };
        MixReport { commands, totals, ..MixReport::default() }
    }

    #[test]
    fn the_strange_one_is_named_by_what_is_strange_in_it() {
        let (usual, odd) =
            (mix(&[("SET", 900), ("DEL", 100)]), mix(&[("SET", 100), ("APPEND", 900)]));
        let set = |size_bytes, growth, mix| Measured {
            verdict: Some(Verdict::Healthy),
            size_bytes,
            growth_percent: Some(growth),
            mix: Some(mix),
        };
        let mut sets: Vec<_> = (0..20).map(|n| set(1000 + n * 10, 50 + n, &usual)).collect();
        assert_eq!(outliers(&sets), []);
        sets[3].size_bytes = 90_000;
        sets[7].growth_percent = Some(4000);
        sets[9].mix = Some(&odd);
        sets[11].verdict = Some(Verdict::InnerDamage);
        let found = outliers(&sets);
        let mut named: Vec<_> = found.iter().map(|one| (one.place, one.why[0].as_str())).collect();
        assert_eq!(named[0], (11, "verdict"), "damage comes first");
        named.sort_unstable();
        assert_eq!(named, [(3, "size"), (7, "growth"), (9, "commands"), (11, "verdict")]);
        let why = found.iter().find(|one| one.place == 9).map(|one| one.why[0].to_string());
        assert_eq!(why.as_deref(), Some("APPEND is 90 % of its bytes, 0 % elsewhere"));
        assert_eq!(outliers(&sets[..FEW - 1]), [], "of a few nothing is usual");
    }

    #[test]
    fn what_is_spread_evenly_has_no_outlier() {
        let sets: Vec<_> =
            (0..12).map(|n| Measured { size_bytes: 1 << n, ..Measured::default() }).collect();
        assert_eq!(outliers(&sets), []);
    }
}
