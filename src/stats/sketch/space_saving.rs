//! What is heaviest among more names than memory holds.
//!
//! A table counts names one by one, all of them as long as they fit. From then on the weight of names that
//! are not in it goes to [`CELLS`] cells by their hashes, and a name comes into the table when its cell has
//! grown to a [`SHARE`]th of all weight seen so far: as much as that cell holds may have been its own
//! before, which is its error. So of the many light names nearly none disturbs the table. When it is full
//! again, the lighter half goes, its weight to the cells.
//!
//! A cell is never emptied. So it holds at least what any one name outside the table weighs, and every
//! error is honest, whatever was thrown out and merged.
//!
//! Where a hash goes in the table is chosen by a random number of this table: with hashes that somebody knows, nobody can make
//! the table slow. What is counted does not depend on it.
//!
//! Names are told apart by a 64-bit hash alone. Counting looks at two small things only, a place that is found
//! by the hash and a row that is close to those of other busy names; all else lies apart.

use std::hash::BuildHasher;

use foldhash::quality::RandomState;

use crate::stats::written::{Moment, Written};

/// Cells for the weight of names outside the table: few enough for a cache near the core.
const CELLS: usize = 1 << 16;

/// The part of all weight that brings a name into the table. A quarter of the cells, so that even names
/// that are all alike leave most cells below it.
const SHARE: u64 = CELLS as u64 / 4;

/// What counting needs of a name. These lie close together in the order in which names came, which brings
/// the busiest ones near each other: they come first.
#[derive(Clone, Copy, Debug)]
struct Count {
    hash: u64,
    /// Weight counted since it is in the table.
    counted: u64,
    /// Times it was counted since it is in the table.
    times: u64,
    /// When it was, at first and last.
    written: Written,
}

/// What is kept of a name besides.
#[derive(Clone, Copy, Debug)]
struct Rest<T> {
    /// At most so much may have been counted before it came into the table.
    error: u64,
    name_at: u32,
    name_len: u32,
    data: T,
}

/// Bits of a place that say which row is meant; the others are some of its hash, so that nearly no look at a
/// wrong row is needed.
const ROW_BITS: u32 = 20;

/// The row of a place, counted from 1.
const ROW: u32 = (1 << ROW_BITS) - 1;

/// The most rows a table can have.
const MOST_ROWS: usize = ROW as usize - 1;

/// A name, and what was counted of it.
#[derive(Clone, Copy, Debug)]
pub struct Row<'t, T> {
    hash: u64,
    /// Weight counted since it is in the table.
    pub counted: u64,
    /// At most so much may have been counted before that.
    pub error: u64,
    /// Times it was counted since it is in the table.
    pub times: u64,
    /// When that was.
    pub written: Written,
    /// As much as was kept of it.
    pub name: &'t [u8],
    /// What the owner wants to remember.
    pub data: T,
}

impl<T> Row<'_, T> {
    /// When it was written, as far as that is certain.
    pub fn certainly_written(&self) -> Written {
        if self.error == 0 { self.written } else { self.written.without_first() }
    }

    /// The hash it is known by.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The most it can weigh.
    pub fn at_most(&self) -> u64 {
        self.counted.saturating_add(self.error)
    }
}

/// The table and the cells.
#[derive(Clone, Debug)]
pub struct SpaceSaving<T> {
    /// Open addressing, at most half full; a power of two. A row and a part of its hash, 0 for none.
    places: Vec<u32>,
    /// Odd and random; the highest bits of a hash times this choose its place, so that any two hashes meet by chance only.
    factor: u64,
    counts: Vec<Count>,
    /// For every row of `counts`.
    rests: Vec<Rest<T>>,
    names: Vec<u8>,
    limit: usize,
    /// None as long as every name is in the table. One that is full may hold any weight.
    cells: Vec<u32>,
}

/// Places to begin with; the table grows with what it holds.
const FIRST: usize = 256;

impl<T: Copy> SpaceSaving<T> {
    /// A table of at most `limit` rows.
    pub fn new(limit: usize) -> Self {
        Self {
            places: vec![0; FIRST],
            factor: RandomState::default().hash_one(0) | 1,
            counts: Vec::new(),
            rests: Vec::new(),
            names: Vec::new(),
            limit: limit.clamp(2, MOST_ROWS),
            cells: Vec::new(),
        }
    }

    /// Whether every name is in the table.
    pub fn is_exact(&self) -> bool {
        self.cells.is_empty()
    }

    /// The most that a name outside the table can weigh.
    pub fn threshold(&self) -> u64 {
        self.cells.iter().copied().map(full).max().unwrap_or(0)
    }

    /// The most that the name of this hash can weigh besides what the table counts of it.
    fn outside(&self, hash: u64) -> u64 {
        self.cells.get(cell(hash)).copied().map_or(0, full)
    }

    fn put_outside(&mut self, hash: u64, weight: u64) {
        if self.cells.is_empty() {
            self.cells = vec![0; CELLS];
        }
        let cell = &mut self.cells[cell(hash)];
        *cell = cell.saturating_add(u32::try_from(weight).unwrap_or(u32::MAX));
    }

    /// All rows, in no order.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_, T>> {
        self.counts.iter().zip(&self.rests).map(|(count, rest)| row(&self.names, count, rest))
    }

    /// The data of all rows, to change it.
    pub fn data_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.rests.iter_mut().map(|rest| &mut rest.data)
    }

    /// What was counted for the name of this hash, when it is in the table.
    pub fn weight(&self, hash: u64) -> Option<u64> {
        self.row_of(hash).map(|row| self.counts[row].counted)
    }

    /// The first place in which a hash may be found. To ask for those of many hashes one after the other, and
    /// then for their [`Self::glance`], brings everything near that [`Self::count`] needs of them.
    #[inline]
    pub fn look(&self, hash: u64) -> u32 {
        self.places[self.place(hash)]
    }

    /// Looks at the row of a place, which brings it near; the answer means nothing.
    #[inline]
    pub fn glance(&self, place: u32) -> u64 {
        let row = (place & ROW).wrapping_sub(1) as usize;
        self.counts.get(row).map_or(0, |count| count.hash)
    }

    /// The same for the cell of a hash.
    #[inline]
    pub fn glance_outside(&self, hash: u64) -> u64 {
        self.cells.get(cell(hash)).copied().unwrap_or(0).into()
    }

    /// Counts `weight` for the name of this hash, when it is in the table.
    #[inline]
    pub fn count(&mut self, hash: u64, weight: u64, now: Moment) -> bool {
        let Some(row) = self.row_of(hash) else { return false };
        let count = &mut self.counts[row];
        count.counted += weight;
        count.times += 1;
        count.written.again(now);
        true
    }

    /// The place from which on a hash is looked for. There are two at least, so that no shift is by all bits.
    #[inline]
    fn place(&self, hash: u64) -> usize {
        let bits = self.places.len().trailing_zeros();
        (hash.wrapping_mul(self.factor) >> (u64::BITS - bits)) as usize
    }

    /// The row of this hash.
    #[inline]
    fn row_of(&self, hash: u64) -> Option<usize> {
        let mask = self.places.len() - 1;
        let mut at = self.place(hash);
        loop {
            let place = self.places[at];
            if place == 0 {
                return None;
            }
            if (place ^ tag(hash)) & !ROW == 0 {
                let row = (place & ROW) as usize - 1;
                if self.counts.get(row).is_some_and(|count| count.hash == hash) {
                    return Some(row);
                }
            }
            at = (at + 1) & mask;
        }
    }

    /// Gives a row the first empty place for its hash.
    fn put(&mut self, row: usize) {
        let hash = self.counts[row].hash;
        let mask = self.places.len() - 1;
        let mut at = self.place(hash);
        while self.places[at] != 0 {
            at = (at + 1) & mask;
        }
        self.places[at] = tag(hash) & !ROW | (row as u32 + 1);
    }

    /// Whether a name that is not in the table shall come into it, when all names together weigh `total`.
    /// If not, `weight` was counted outside.
    #[inline]
    pub fn admits(&mut self, hash: u64, weight: u64, total: u64) -> bool {
        if self.cells.is_empty() && self.rests.len() < self.limit {
            return true;
        }
        if self.outside(hash).saturating_add(weight) > total / SHARE {
            return true;
        }
        self.put_outside(hash, weight);
        false
    }

    /// A row for a name that is not in the table yet, with this weight counted once, now. `gone` is told of rows that
    /// have to leave for it.
    pub fn insert(
        &mut self,
        hash: u64,
        name: &[u8],
        data: T,
        (weight, now): (u64, Moment),
        gone: impl FnMut(&Row<'_, T>),
    ) {
        let (error, written) = (self.outside(hash), Written::once(now));
        let row = Row { hash, counted: weight, error, times: 1, written, name, data };
        self.enter(&row, gone);
    }

    fn enter(&mut self, row: &Row<'_, T>, gone: impl FnMut(&Row<'_, T>)) {
        if self.rests.len() >= self.limit {
            self.purge(gone);
        }
        if (self.rests.len() + 1) * 2 > self.places.len() {
            self.places = vec![0; self.places.len() * 2];
            self.place_all();
        }
        let (name_at, name_len) = (self.names.len() as u32, row.name.len() as u32);
        self.names.extend_from_slice(row.name);
        let Row { hash, counted, times, written, .. } = *row;
        self.counts.push(Count { hash, counted, times, written });
        self.rests.push(Rest { error: row.error, name_at, name_len, data: row.data });
        self.put(self.counts.len() - 1);
    }

    /// Gives every row a place, when none has one.
    #[cold]
    fn place_all(&mut self) {
        (0..self.counts.len()).for_each(|row| self.put(row));
    }

    /// Puts the lighter half outside and tells the owner of each row that goes.
    #[cold]
    fn purge(&mut self, mut gone: impl FnMut(&Row<'_, T>)) {
        let mut weights: Vec<u64> = self.rows().map(|row| row.at_most()).collect();
        let middle = weights.len() / 2;
        let (_, &mut median, _) = weights.select_nth_unstable(middle);
        let (mut kept, mut end) = (0, 0);
        for at in 0..self.counts.len() {
            let (count, mut rest) = (self.counts[at], self.rests[at]);
            let row = row(&self.names, &count, &rest);
            if row.at_most() <= median {
                gone(&row);
                // Its error is in the cell already.
                self.put_outside(count.hash, count.counted);
                continue;
            }
            // In the order in which names lie, each can move down over those that are gone.
            let from = rest.name_at as usize;
            self.names.copy_within(from..from + rest.name_len as usize, end);
            rest.name_at = end as u32;
            end += rest.name_len as usize;
            (self.counts[kept], self.rests[kept]) = (count, rest);
            kept += 1;
        }
        self.names.truncate(end);
        self.counts.truncate(kept);
        self.rests.truncate(kept);
        self.places.fill(0);
        self.place_all();
    }

    /// Takes over what `later` counted, when the time was at most `before` so far. `adopt` makes the data of a row that comes new; `gone` is told of
    /// rows that have to leave.
    pub fn merge(
        &mut self,
        later: &Self,
        before: Moment,
        mut adopt: impl FnMut(&T) -> T,
        mut gone: impl FnMut(&Row<'_, T>),
    ) {
        // What either counted outside may have been of any name that only the other has.
        for (count, rest) in self.counts.iter_mut().zip(&mut self.rests) {
            let outside = later.outside(count.hash);
            if outside > 0 && later.row_of(count.hash).is_none() {
                rest.error = rest.error.saturating_add(outside);
                count.written = count.written.without_last();
            }
        }
        if !later.cells.is_empty() {
            self.cells.resize(CELLS, 0);
        }
        for (mine, theirs) in self.cells.iter_mut().zip(&later.cells) {
            *mine = mine.saturating_add(*theirs);
        }
        for row in later.rows() {
            if let Some(at) = self.row_of(row.hash) {
                let (mine, rest) = (&mut self.counts[at], &mut self.rests[at]);
                mine.counted += row.counted;
                mine.times += row.times;
                mine.written.join(row.written.behind(before));
                rest.error = rest.error.saturating_add(row.error);
                continue;
            }
            // With what `later` counted outside, which is no less than its error.
            let error = self.outside(row.hash);
            let (data, written) = (adopt(&row.data), row.written.behind(before));
            self.enter(&Row { error, data, written, ..row }, &mut gone);
        }
    }
}

fn row<'t, T: Copy>(names: &'t [u8], count: &Count, rest: &Rest<T>) -> Row<'t, T> {
    let Rest { error, name_at, name_len, data } = *rest;
    let from = name_at as usize;
    let name = names.get(from..from + name_len as usize).unwrap_or_default();
    let Count { hash, counted, times, written } = *count;
    Row { hash, counted, error, times, written, name, data }
}

/// The part of a hash that lies in its place: other bits than those that choose it.
#[inline]
fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// The cell of a hash.
fn cell(hash: u64) -> usize {
    // Other bits than those that choose the place.
    (hash >> 24) as usize % CELLS
}

/// What a cell may hold.
fn full(weight: u32) -> u64 {
    if weight == u32::MAX { u64::MAX } else { weight.into() }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::stats::written::UNKNOWN;

    fn hash(n: u64) -> u64 {
        let z = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (z ^ (z >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    }

    /// Counts into a table and beside it, exactly.
    #[derive(Clone)]
    struct Both {
        table: SpaceSaving<()>,
        exact: HashMap<u64, u64>,
        total: u64,
        thrown_out: u64,
    }

    impl Both {
        fn new(limit: usize) -> Self {
            Self { table: SpaceSaving::new(limit), exact: HashMap::new(), total: 0, thrown_out: 0 }
        }

        fn count(&mut self, n: u64, weight: u64) {
            *self.exact.entry(n).or_default() += weight;
            self.total += weight;
            if self.table.count(hash(n), weight, UNKNOWN) {
                return;
            }
            let thrown_out = &mut self.thrown_out;
            if self.table.admits(hash(n), weight, self.total) {
                let gone = |row: &Row<'_, ()>| *thrown_out += row.counted;
                self.table.insert(hash(n), &n.to_le_bytes(), (), (weight, UNKNOWN), gone);
            } else {
                *thrown_out += weight;
            }
        }

        fn is_honest(&self) {
            let total: u64 = self.exact.values().sum();
            let kept: u64 = self.table.rows().map(|row| row.counted).sum();
            assert_eq!(kept + self.thrown_out, total, "nothing is lost");
            let mut missing = self.exact.clone();
            for row in self.table.rows() {
                let name = row.name.try_into().unwrap();
                let exact = missing.remove(&u64::from_le_bytes(name)).unwrap();
                assert!(row.counted <= exact && exact <= row.at_most(), "{row:?} {exact}");
            }
            let heaviest = missing.values().max().copied().unwrap_or(0);
            assert!(heaviest <= self.table.threshold(), "{heaviest}");
        }
    }

    #[test]
    fn what_fits_is_exact() {
        let mut both = Both::new(1000);
        for i in 0..10_000 {
            both.count(i % 1000, i);
        }
        both.is_honest();
        assert!(both.table.rows().all(|row| row.error == 0 && row.times == 10));
    }

    #[test]
    fn the_heaviest_are_found_among_any_number_of_light_ones_within_the_bound() {
        let mut both = Both::new(100);
        for i in 0..200_000_u64 {
            both.count(1_000 + i, 1 + i % 7);
            both.count(i % 10, 30);
        }
        both.is_honest();
        let total: u64 = both.exact.values().sum();
        assert!(both.table.threshold() <= total / SHARE, "{}", both.table.threshold());
        for n in 0..10 {
            let found = both.table.rows().any(|row| row.name == n_bytes(n));
            assert!(found, "{n}");
        }
    }

    fn n_bytes(n: u64) -> [u8; 8] {
        n.to_le_bytes()
    }

    #[test]
    fn merged_tables_are_as_honest_as_one() {
        for limit in [3, 50, 10_000] {
            let mut parts = vec![Both::new(limit); 3];
            for i in 0..9_000_u64 {
                let place = (i / 3_000) as usize;
                parts[place].count(hash(i) % (1 + i / 10), 1 + i % 5);
            }
            let mut whole = parts.remove(0);
            for part in parts {
                let thrown_out = &mut whole.thrown_out;
                whole.table.merge(&part.table, UNKNOWN, |()| (), |row| *thrown_out += row.counted);
                *thrown_out += part.thrown_out;
                for (n, weight) in part.exact {
                    *whole.exact.entry(n).or_default() += weight;
                }
                whole.is_honest();
            }
            assert!(limit < 10_000 || whole.table.threshold() == 0);
        }
    }
}
