//! Increments that are not there between those that are.

use std::fmt;

use super::Neighbour;
use crate::aof::segment_name;

/// Numbers of increments that are not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hole {
    from: i64,
    to: i64,
    /// The base they would follow, where no increment before them is there: then it may have begun behind them.
    base: Option<i64>,
}

impl fmt::Display for Hole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, base } = self;
        match from == to {
            true => write!(f, "increment {from} is not there")?,
            false => write!(f, "increments {from} to {to} are not there")?,
        }
        match base {
            None => f.write_str(": their commands are missing between those that are"),
            Some(base) => write!(
                f,
                ": whether commands are missing between base {base} and increment {} cannot be told",
                to + 1
            ),
        }
    }
}

impl Neighbour {
    /// The first hole in the numbers of its files. A rewrite counts its base and its increment up by one; one that fails
    /// the increment alone, so that a base's first increment has its number or a higher one.
    pub fn hole(&self) -> Option<Hole> {
        let named = self.files.iter().filter_map(|file| {
            let name = segment_name(file.file_name()?.as_encoded_bytes())?;
            Some((name.is_base, name.number))
        });
        let (bases, increments): (Vec<_>, Vec<_>) = named.partition(|(is_base, _)| *is_base);
        let base = bases.iter().map(|(_, number)| *number).max();
        let mut numbers: Vec<_> = increments.iter().map(|(_, number)| *number).collect();
        numbers.sort_unstable();
        let first = *numbers.first()?;
        if let Some(base) = base.filter(|base| *base < first) {
            return Some(Hole { from: base, to: first - 1, base: Some(base) });
        }
        let next = |pair: &[i64]| pair[1] > pair[0].saturating_add(1);
        let pair = numbers.windows(2).find(|pair| next(pair))?;
        Some(Hole { from: pair[0] + 1, to: pair[1] - 1, base: None })
    }
}
