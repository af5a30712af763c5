//! Which family of keys a key belongs to: `user:42:profile` to `user:*:profile`, or by its first words.
//!
//! A family is named by a pattern in which `*` stands for what differs. How many families are kept is bounded: where the tool
//! itself chooses them by the tree of their words, else by taking the lightest together with their like. So every byte stays
//! counted once.

use std::collections::HashMap;

use foldhash::quality::RandomState;

use super::pattern::Grouping;
use super::sketch::HyperLogLog;
use super::words::{Found, Tree};
use super::written::{Moment, Written};

/// Families kept at most. Each may need the 16 KiB of a [`HyperLogLog`].
const FAMILIES: usize = 3000;

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

    /// The same of one that was met after all that told the time up to `before`.
    fn merge_later(&mut self, later: &Self, before: Moment) {
        let mut written = self.written;
        written.join(later.written.behind(before));
        self.merge(later);
        self.written = written;
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
    /// What each family is now, where it has become another one.
    became: Vec<u32>,
    /// Families that have become no other.
    live: usize,
    found: Finder,
    scratch: Vec<u8>,
    path: Vec<u8>,
    /// Families that were asked for last, by how keys begin: keys of one family come again and again.
    recent: Vec<Recent>,
}

/// How families are found by their patterns.
#[derive(Clone, Debug)]
enum Finder {
    /// Whatever has too many siblings becomes `*`.
    Tree(Tree),
    /// Patterns are so many first words, whatever they are.
    Depths(HashMap<Vec<u8>, u32, RandomState>),
}

#[derive(Clone, Debug, Default)]
struct Recent {
    family: u32,
    pattern: Vec<u8>,
    /// Where the pattern has its only `*`, when that is a whole word.
    star: Option<u32>,
    /// Any word may stand there, not only one that looks like an identifier.
    is_closed: bool,
}

/// Beginnings of keys that are told apart for that.
const RECENT: usize = 64;

impl Families {
    pub(crate) fn new(grouping: Grouping, seed: RandomState) -> Self {
        let found = match grouping.depths.is_empty() {
            true => Finder::Tree(Tree::new(REST)),
            false => {
                let mut places = HashMap::with_hasher(seed);
                places.insert(b"*".to_vec(), REST);
                Finder::Depths(places)
            }
        };
        let rest = Family { pattern: b"*".to_vec(), ..Family::default() };
        Self {
            grouping,
            list: vec![rest],
            became: vec![REST],
            live: 1,
            found,
            scratch: Vec::new(),
            path: Vec::new(),
            recent: vec![Recent::default(); RECENT],
        }
    }

    /// Whether [`Self::shrink`] comes next.
    pub(crate) fn is_full(&self) -> bool {
        /// Numbers in use for each family, at most.
        const NUMBERS: usize = 4;
        self.live > FAMILIES || self.list.len() > NUMBERS * FAMILIES
    }

    /// The number of the family of `key`.
    pub(crate) fn of_key(&mut self, key: &[u8]) -> u32 {
        let beginning = key.first_chunk::<4>().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        let at = (beginning.wrapping_mul(0x9E37_79B1) >> 26) as usize % RECENT;
        let recent = &self.recent[at];
        let (pattern, grouping) = (&recent.pattern[..], &self.grouping);
        let is_plainly = match recent.star {
            Some(star) if recent.is_closed => grouping.is_any_word(pattern, star as usize, key),
            Some(star) => grouping.is_plainly_with(pattern, star as usize, key),
            None => grouping.is_plainly(pattern, key),
        };
        if is_plainly {
            return recent.family;
        }
        let mut pattern = std::mem::take(&mut self.scratch);
        self.grouping.pattern(key, &mut pattern);
        let (family, is_closed) = self.named(&pattern);
        self.scratch = pattern;
        let star = self.grouping.only_star(&self.path).and_then(|at| u32::try_from(at).ok());
        let recent = &mut self.recent[at];
        (recent.family, recent.star, recent.is_closed) = (family, star, is_closed);
        recent.pattern.clone_from(&self.path);
        family
    }

    /// The number of a pattern, whether a place in it is closed; the pattern as it is told is in `path` then.
    fn named(&mut self, pattern: &[u8]) -> (u32, bool) {
        let fresh = u32::try_from(self.list.len()).unwrap_or(REST);
        let found = match &mut self.found {
            Finder::Tree(tree) => tree.find(self.grouping.words(pattern), fresh, &mut self.path),
            Finder::Depths(places) => {
                self.path.clear();
                self.path.extend_from_slice(pattern);
                let family = match places.get(pattern) {
                    Some(&known) => known,
                    None => *places.entry(pattern.to_vec()).or_insert(fresh),
                };
                Found { family, was_closed: false }
            }
        };
        if found.family == fresh {
            self.list.push(Family { pattern: pattern.to_vec(), ..Family::default() });
            self.became.push(fresh);
            self.live += 1;
        }
        self.join_all();
        (self.now(found.family), found.was_closed)
    }

    /// What a family is now.
    fn now(&self, mut number: u32) -> u32 {
        while let Some(&next) = self.became.get(number as usize).filter(|next| **next != number) {
            number = next;
        }
        number
    }

    /// Puts families together that the tree has put together.
    fn join_all(&mut self) {
        let Finder::Tree(tree) = &mut self.found else { return };
        for (from, to) in tree.take_joined() {
            let (from, to) = (self.now(from), self.now(to));
            if from != to {
                let gone = std::mem::take(&mut self.list[from as usize]);
                self.list[to as usize].merge(&gone);
                self.became[from as usize] = to;
                self.live -= 1;
            }
        }
    }

    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut Family> {
        let number = self.now(number);
        self.list.get_mut(number as usize)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Family)> {
        (0..).zip(&self.list)
    }

    /// Takes over all families that another observer met after all that told the time up to `before`, and answers the number
    /// of each here.
    pub(super) fn merge(&mut self, later: &Self, before: Moment) -> Vec<u32> {
        let mut numbers = vec![REST; later.list.len()];
        match (&mut self.found, &later.found) {
            (Finder::Tree(mine), Finder::Tree(theirs)) => {
                let (list, became) = (&mut self.list, &mut self.became);
                mine.merge(theirs, &mut |number, known| {
                    let number = later.now(number) as usize;
                    let mine = known.unwrap_or(list.len() as u32);
                    if known.is_none() {
                        list.push(Family::default());
                        became.push(mine);
                        self.live += 1;
                    }
                    list[mine as usize].merge_later(&later.list[number], before);
                    numbers[number] = mine;
                    mine
                });
                self.join_all();
            }
            _ => {
                for (number, family) in later.list.iter().enumerate() {
                    let mine = self.named(&family.pattern).0;
                    self.list[mine as usize].merge_later(family, before);
                    numbers[number] = mine;
                }
            }
        }
        (0..).zip(&later.list).map(|(number, _)| numbers[later.now(number) as usize]).collect()
    }

    /// Makes room. `weights` says what each family weighs with all that is not counted to it yet. Answers the new number of
    /// every family.
    pub(crate) fn shrink(&mut self, weights: &[u64]) -> Vec<u32> {
        match &mut self.found {
            Finder::Tree(_) => self.narrow(),
            Finder::Depths(places) => {
                let seed = places.hasher().clone();
                self.widen_lightest(weights, seed)
            }
        }
    }

    /// Lets fewer words stand in one place until there is room, and gives families the numbers of those that are gone.
    fn narrow(&mut self) -> Vec<u32> {
        while self.live > FAMILIES {
            if let Finder::Tree(tree) = &mut self.found {
                tree.narrow();
            }
            self.join_all();
        }
        let (mut moved, mut list) = (vec![REST; self.list.len()], Vec::new());
        for (number, family) in std::mem::take(&mut self.list).into_iter().enumerate() {
            if self.became[number] as usize == number {
                moved[number] = list.len() as u32;
                list.push(family);
            }
        }
        for number in 0..moved.len() {
            moved[number] = moved[self.now(number as u32) as usize];
        }
        if let Finder::Tree(tree) = &mut self.found {
            tree.renumber(|number| moved[number as usize]);
        }
        self.became = (0..list.len() as u32).collect();
        (self.list, self.recent) = (list, vec![Recent::default(); RECENT]);
        moved
    }

    /// Takes the lighter half of the families together with their like.
    fn widen_lightest(&mut self, weights: &[u64], seed: RandomState) -> Vec<u32> {
        let mut order: Vec<usize> = (1..self.list.len()).collect();
        order.sort_by_key(|&at| {
            (std::cmp::Reverse(weights.get(at).copied().unwrap_or(0)), &self.list[at].pattern)
        });
        let mut smaller = Self::new(self.grouping.clone(), seed);
        let mut moved = vec![REST; self.list.len()];
        smaller.list[REST as usize].merge(&self.list[REST as usize]);
        for (rank, &at) in order.iter().enumerate() {
            let family = &self.list[at];
            let has_room = |smaller: &Self| smaller.list.len() < FAMILIES * 3 / 4;
            let mut pattern = family.pattern.clone();
            while rank >= FAMILIES / 2
                && let Some(wider) = self.grouping.wider(&pattern)
            {
                pattern = wider;
                if has_room(&smaller) || smaller.knows(&pattern) {
                    break;
                }
            }
            let is_kept = rank < FAMILIES / 2 || has_room(&smaller) || smaller.knows(&pattern);
            let number = if is_kept { smaller.named(&pattern).0 } else { REST };
            moved[at] = number;
            smaller.list[number as usize].merge(family);
        }
        *self = smaller;
        moved
    }

    fn knows(&self, pattern: &[u8]) -> bool {
        matches!(&self.found, Finder::Depths(places) if places.contains_key(pattern))
    }

    /// The pattern under which each family is told.
    pub(crate) fn settled(&self) -> Vec<Vec<u8>> {
        let mut patterns: Vec<_> = self.list.iter().map(|family| family.pattern.clone()).collect();
        if let Finder::Tree(tree) = &self.found {
            for (family, pattern) in tree.patterns() {
                patterns[family as usize] = pattern;
            }
        }
        (0..self.list.len() as u32).map(|n| patterns[self.now(n) as usize].clone()).collect()
    }

    /// Families as they are told: one list for every depth, by weight. What has no family is left in the
    /// first of each list, `*`.
    pub(super) fn told(self) -> Vec<(Option<usize>, Vec<Family>)> {
        if self.grouping.depths.is_empty() {
            let named = self.settled().into_iter().zip(&self.list);
            return vec![(None, together(named))];
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
