//! Which family of keys a key belongs to: `user:42:profile` to `user:*:profile`, or by its first words.
//!
//! A family is named by a pattern in which `*` stands for what differs. How many families are kept is
//! bounded: the lightest are taken together with their like (`user:alice` and `user:bob` become `user:*`),
//! so that every byte stays counted once.

use std::collections::HashMap;

use foldhash::quality::RandomState;

use super::pattern::{Grouping, WORDS};
use super::sketch::HyperLogLog;
use super::written::{Moment, UNKNOWN, Written};

/// Families kept at most. Each may need the 16 KiB of a [`HyperLogLog`].
const FAMILIES: usize = 3000;

/// Siblings that are still told apart when the tool itself chooses the families.
const SIBLINGS: usize = 64;

/// A family.
#[derive(Clone, Debug, Default)]
pub(super) struct Family {
    pub(super) pattern: Vec<u8>,
    pub(super) commands: u64,
    pub(super) bytes: u64,
    pub(super) keys: HyperLogLog,
    /// Keys in the base.
    pub(super) base_keys: u64,
    /// Their bytes there.
    pub(super) base_bytes: u64,
    /// When it was written to, but for keys that are still counted elsewhere.
    pub(super) written: Written,
}

impl Family {
    pub(super) fn merge(&mut self, other: &Self) {
        self.commands += other.commands;
        self.bytes += other.bytes;
        self.keys.merge(&other.keys);
        self.base_keys += other.base_keys;
        self.base_bytes = self.base_bytes.saturating_add(other.base_bytes);
        self.written.join(other.written);
    }

    /// What it weighs when room is short.
    pub(super) fn weight(&self) -> u64 {
        self.bytes.saturating_add(self.base_bytes)
    }
}

/// The number of a family that holds what belongs to none.
pub(crate) const REST: u32 = 0;

/// All families met so far.
#[derive(Clone, Debug)]
pub(crate) struct Families {
    grouping: Grouping,
    list: Vec<Family>,
    places: HashMap<Vec<u8>, u32, RandomState>,
    scratch: Vec<u8>,
    /// Families that were asked for last, by how keys begin: keys of one family come again and again.
    recent: [Recent; RECENT],
}

#[derive(Clone, Copy, Debug, Default)]
struct Recent {
    family: u32,
    /// Where its pattern has its only `*`, when that is a whole word.
    star: Option<u32>,
}

/// Beginnings of keys that are told apart for that.
const RECENT: usize = 64;

impl Families {
    pub(crate) fn new(grouping: Grouping, seed: RandomState) -> Self {
        let mut places = HashMap::with_hasher(seed);
        places.insert(b"*".to_vec(), REST);
        let rest = Family { pattern: b"*".to_vec(), ..Family::default() };
        Self {
            grouping,
            list: vec![rest],
            places,
            scratch: Vec::new(),
            recent: [Recent::default(); RECENT],
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.list.len() > FAMILIES
    }

    /// The number of the family of `key`.
    pub(crate) fn of_key(&mut self, key: &[u8]) -> u32 {
        let beginning = key.first_chunk::<4>().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        let recent = (beginning.wrapping_mul(0x9E37_79B1) >> 26) as usize % RECENT;
        let Recent { family: likely, star } = self.recent[recent];
        let family = &self.list[likely as usize];
        let is_plainly = match star {
            Some(star) => self.grouping.is_plainly_with(&family.pattern, star as usize, key),
            None => self.grouping.is_plainly(&family.pattern, key),
        };
        if is_plainly {
            return likely;
        }
        let mut pattern = std::mem::take(&mut self.scratch);
        self.grouping.pattern(key, &mut pattern);
        let number = if family.pattern == pattern { likely } else { self.named(&pattern) };
        let star = self.grouping.only_star(&pattern).and_then(|at| u32::try_from(at).ok());
        self.scratch = pattern;
        self.recent[recent] = Recent { family: number, star };
        number
    }

    fn named(&mut self, pattern: &[u8]) -> u32 {
        if let Some(&number) = self.places.get(pattern) {
            return number;
        }
        let number = u32::try_from(self.list.len()).unwrap_or(REST);
        self.places.insert(pattern.to_vec(), number);
        self.list.push(Family { pattern: pattern.to_vec(), ..Family::default() });
        number
    }

    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut Family> {
        self.list.get_mut(number as usize)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Family)> {
        (0..).zip(&self.list)
    }

    /// Takes over a family that another observer met after all that told the time up to `before`, and answers its number
    /// here.
    pub(super) fn adopt(&mut self, family: &Family, before: Moment) -> u32 {
        let number = self.named(&family.pattern);
        if let Some(mine) = self.get_mut(number) {
            let own = mine.written;
            mine.merge(family);
            mine.written = own;
            mine.written.join(family.written.behind(before));
        }
        number
    }

    /// Takes the lighter half of the families together with their like. `weights` says what each weighs
    /// with all that is not counted to it yet. Answers the new number of every family.
    pub(crate) fn shrink(&mut self, weights: &[u64]) -> Vec<u32> {
        let mut order: Vec<usize> = (1..self.list.len()).collect();
        order.sort_by_key(|&at| {
            (std::cmp::Reverse(weights.get(at).copied().unwrap_or(0)), &self.list[at].pattern)
        });
        let seed = self.places.hasher().clone();
        let mut smaller = Self::new(self.grouping.clone(), seed);
        let mut moved = vec![REST; self.list.len()];
        smaller.adopt(&self.list[REST as usize], UNKNOWN);
        for (rank, &at) in order.iter().enumerate() {
            let family = &self.list[at];
            if rank < FAMILIES / 2 {
                moved[at] = smaller.adopt(family, UNKNOWN);
                continue;
            }
            let mut pattern = family.pattern.clone();
            while let Some(wider) = self.grouping.wider(&pattern) {
                pattern = wider;
                let has_room = smaller.list.len() < FAMILIES * 3 / 4;
                if has_room || smaller.places.contains_key(&pattern) {
                    break;
                }
            }
            let has_room = smaller.list.len() < FAMILIES * 3 / 4;
            let number = match smaller.places.get(&pattern) {
                Some(&number) => number,
                None if has_room => smaller.named(&pattern),
                None => REST,
            };
            moved[at] = number;
            if let Some(wider) = smaller.get_mut(number) {
                wider.merge(family);
            }
        }
        *self = smaller;
        moved
    }

    /// The pattern under which each family is told, where the tool itself chooses them.
    pub(crate) fn settled(&self) -> Vec<Vec<u8>> {
        settled(self.list.iter().map(|family| family.pattern.clone()).collect(), &self.grouping)
    }

    /// Families as they are told: one list for every depth, by weight. What has no family is left in the
    /// first of each list, `*`.
    pub(super) fn told(self) -> Vec<(Option<usize>, Vec<Family>)> {
        if self.grouping.depths.is_empty() {
            return vec![(None, collapsed(self.list, &self.grouping))];
        }
        let mut depths = self.grouping.depths.clone();
        depths.sort_unstable();
        depths.dedup();
        let at_depth = |depth| {
            let cut = |family: &Family| {
                let body = family.pattern.strip_suffix(b"*").unwrap_or(&family.pattern);
                let mut pattern = self.grouping.head(body, depth).to_vec();
                pattern.push(b'*');
                pattern
            };
            together(self.list.iter().map(|family| (cut(family), family)))
        };
        depths.iter().map(|&depth| (Some(depth), at_depth(depth))).collect()
    }
}

/// Families that have become one under the same pattern; `*` first, then by pattern.
fn together<'f>(families: impl Iterator<Item = (Vec<u8>, &'f Family)>) -> Vec<Family> {
    let mut merged = std::collections::BTreeMap::<Vec<u8>, Family>::new();
    merged.insert(b"*".to_vec(), Family::default());
    for (pattern, family) in families {
        merged.entry(pattern).or_default().merge(family);
    }
    let rest = merged.remove(&b"*"[..]).unwrap_or_default();
    let named = |(pattern, family)| Family { pattern, ..family };
    let rest = named((b"*".to_vec(), rest));
    std::iter::once(rest).chain(merged.into_iter().map(named)).collect()
}

/// Widens families that have too many siblings.
fn collapsed(list: Vec<Family>, grouping: &Grouping) -> Vec<Family> {
    let names = settled(list.iter().map(|family| family.pattern.clone()).collect(), grouping);
    together(names.into_iter().zip(&list))
}

/// What patterns become when those with too many siblings are widened: many words in one place are identifiers, whatever they
/// look like.
fn settled(mut patterns: Vec<Vec<u8>>, grouping: &Grouping) -> Vec<Vec<u8>> {
    // Every round spells out one word less in some pattern, and patterns are short.
    for _ in 0..WORDS {
        let mut wider = HashMap::<&[u8], Option<Vec<u8>>>::new();
        for pattern in &patterns {
            wider.entry(pattern).or_insert_with(|| grouping.wider(pattern));
        }
        let mut siblings = HashMap::<&[u8], usize>::new();
        for pattern in wider.values().flatten() {
            *siblings.entry(pattern).or_default() += 1;
        }
        let next: Vec<Option<Vec<u8>>> = patterns
            .iter()
            .map(|pattern| wider[&pattern[..]].clone().filter(|w| siblings[&w[..]] > SIBLINGS))
            .collect();
        if next.iter().all(Option::is_none) {
            break;
        }
        for (pattern, wider) in patterns.iter_mut().zip(next) {
            *pattern = wider.unwrap_or_else(|| std::mem::take(pattern));
        }
    }
    patterns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_families_are_taken_together_and_none_is_lost() {
        let mut families = Families::new(Grouping::default(), RandomState::default());
        let mut total = 0;
        for i in 0..FAMILIES as u64 {
            let key = format!("shop:{}", i.to_string().replace(|c: char| c.is_ascii_digit(), "x"));
            let key = format!("{key}{}", (0..i % 977).map(|_| 'y').collect::<String>());
            let number = families.of_key(key.as_bytes());
            let family = families.get_mut(number).unwrap();
            family.bytes += i;
            total += i;
        }
        let weights: Vec<u64> = families.iter().map(|(_, family)| family.bytes).collect();
        families.shrink(&weights);
        assert_eq!(families.iter().map(|(_, family)| family.bytes).sum::<u64>(), total);
        let told = families.told();
        assert_eq!(told[0].1.iter().map(|family| family.bytes).sum::<u64>(), total);
        let patterns: Vec<_> =
            told[0].1.iter().map(|f| f.pattern.escape_ascii().to_string()).collect();
        assert_eq!(patterns, ["*", "shop:*"]);
    }
}
