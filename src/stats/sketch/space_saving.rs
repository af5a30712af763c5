//! What is heaviest among more names than memory holds.
//!
//! Space-Saving, with the small ones thrown out in batches: when the table is full, the lighter half goes,
//! and what the heaviest of those may have weighed is the error of every name that comes (again) later.
//! As long as nothing was thrown out, everything is exact. With `n` rows at most and a total weight of `w`,
//! no error exceeds `2 w / n`, and every name heavier than that is in the table.
//!
//! Names are told apart by a 64-bit hash alone, so that a name that is known costs one look into memory.

/// A name, and what was counted of it.
#[derive(Clone, Copy, Debug)]
pub struct Row<T> {
    /// Its hash; 0 marks an empty place.
    hash: u64,
    /// Weight counted since it is in the table.
    pub counted: u64,
    /// At most so much may have been counted before that.
    pub error: u64,
    /// Times it was counted since it is in the table.
    pub times: u64,
    name_at: u32,
    name_len: u32,
    /// What the owner wants to remember.
    pub data: T,
}

impl<T> Row<T> {
    /// The most it can weigh.
    pub fn at_most(&self) -> u64 {
        self.counted.saturating_add(self.error)
    }
}

/// The table.
#[derive(Clone, Debug)]
pub struct SpaceSaving<T> {
    /// Open addressing, at most half full. A power of two.
    places: Vec<Row<T>>,
    used: usize,
    limit: usize,
    /// No name outside the table weighs more.
    threshold: u64,
    names: Vec<u8>,
}

/// Places to begin with; the table grows with what it holds.
const FIRST: usize = 256;

impl<T: Copy + Default> SpaceSaving<T> {
    /// A table of at most `limit` rows.
    pub fn new(limit: usize) -> Self {
        let limit = limit.max(2);
        Self { places: empty(FIRST), used: 0, limit, threshold: 0, names: Vec::new() }
    }

    /// Whether one row more needs a [`SpaceSaving::purge`] first.
    pub fn is_full(&self) -> bool {
        self.used >= self.limit
    }

    /// The most that a name outside the table can weigh.
    pub fn threshold(&self) -> u64 {
        self.threshold
    }

    /// All rows, in no order.
    pub fn rows(&self) -> impl Iterator<Item = &Row<T>> {
        self.places.iter().filter(|row| row.hash != 0)
    }

    /// All rows, to change their data.
    pub fn rows_mut(&mut self) -> impl Iterator<Item = &mut Row<T>> {
        self.places.iter_mut().filter(|row| row.hash != 0)
    }

    /// A row's name, as much as was kept of it.
    pub fn name(&self, row: &Row<T>) -> &[u8] {
        let from = row.name_at as usize;
        self.names.get(from..from + row.name_len as usize).unwrap_or_default()
    }

    /// Looks at the place of a hash, which brings it near; the answer means nothing.
    #[inline]
    pub fn glance(&self, hash: u64) -> u64 {
        self.places[hash as usize & (self.places.len() - 1)].hash
    }

    /// Counts `weight` for the name of this hash, when it is in the table.
    #[inline]
    pub fn count(&mut self, hash: u64, weight: u64) -> bool {
        let row = self.place_of(hash);
        if row.hash == 0 {
            return false;
        }
        row.counted += weight;
        row.times += 1;
        true
    }

    /// The row of this hash, or the empty place for it.
    #[inline]
    fn place_of(&mut self, hash: u64) -> &mut Row<T> {
        let hash = hash.max(1);
        let mask = self.places.len() - 1;
        let mut at = hash as usize & mask;
        while self.places[at].hash != hash && self.places[at].hash != 0 {
            at = (at + 1) & mask;
        }
        &mut self.places[at]
    }

    /// A row for a name that is not in the table yet, with nothing counted.
    pub fn insert(&mut self, hash: u64, name: &[u8], data: T) -> &mut Row<T> {
        if (self.used + 1) * 2 > self.places.len() {
            self.rebuild(self.places.len() * 2);
        }
        let name_at = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.extend_from_slice(name);
        let error = self.threshold;
        self.used += 1;
        let row = self.place_of(hash);
        let name_len = name.len() as u32;
        *row = Row { hash: hash.max(1), counted: 0, error, times: 0, name_at, name_len, data };
        row
    }

    /// Throws out the lighter half and tells the owner of each row that goes.
    pub fn purge(&mut self, mut gone: impl FnMut(&Row<T>)) {
        let mut weights: Vec<u64> = self.rows().map(Row::at_most).collect();
        if weights.is_empty() {
            return;
        }
        let middle = weights.len() / 2;
        let (_, &mut threshold, _) = weights.select_nth_unstable(middle);
        self.threshold = self.threshold.max(threshold);
        for row in &mut self.places {
            if row.hash != 0 && row.at_most() <= threshold {
                gone(row);
                row.hash = 0;
                self.used -= 1;
            }
        }
        self.rebuild(self.places.len());
    }

    /// Puts all rows into a new table of `len` places, and their names one after the other.
    fn rebuild(&mut self, len: usize) {
        let old = std::mem::replace(&mut self.places, empty(len));
        let names = std::mem::take(&mut self.names);
        for row in old.into_iter().filter(|row| row.hash != 0) {
            let from = row.name_at as usize;
            let name = &names[from..from + row.name_len as usize];
            let name_at = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
            self.names.extend_from_slice(name);
            *self.place_of(row.hash) = Row { name_at, ..row };
        }
    }

    /// Takes over what `later` counted. `adopt` makes the data of a row that comes new; `gone` is told of
    /// rows that have to leave.
    pub fn merge(
        &mut self,
        later: &Self,
        mut adopt: impl FnMut(&T) -> T,
        mut gone: impl FnMut(&Row<T>),
    ) {
        // A name that the other table does not have may have weighed so much there.
        for row in self.rows_mut() {
            row.error = row.error.saturating_add(later.threshold);
        }
        self.threshold = self.threshold.saturating_add(later.threshold);
        for row in later.rows() {
            let mine = self.place_of(row.hash);
            if mine.hash != 0 {
                mine.counted += row.counted;
                mine.times += row.times;
                mine.error = mine.error - later.threshold.min(mine.error) + row.error;
                continue;
            }
            if self.is_full() {
                self.purge(&mut gone);
            }
            let before = self.threshold - later.threshold.min(self.threshold);
            let data = adopt(&row.data);
            let mine = self.insert(row.hash, later.name(row), data);
            mine.counted = row.counted;
            mine.times = row.times;
            mine.error = before.saturating_add(row.error);
        }
    }
}

fn empty<T: Copy + Default>(len: usize) -> Vec<Row<T>> {
    let row = Row {
        hash: 0,
        counted: 0,
        error: 0,
        times: 0,
        name_at: 0,
        name_len: 0,
        data: T::default(),
    };
    vec![row; len]
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn hash(n: u64) -> u64 {
        let z = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (z ^ (z >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    }

    /// Counts into a table and beside it, exactly.
    #[derive(Clone)]
    struct Both {
        table: SpaceSaving<()>,
        exact: HashMap<u64, u64>,
        thrown_out: u64,
    }

    impl Both {
        fn new(limit: usize) -> Self {
            Self { table: SpaceSaving::new(limit), exact: HashMap::new(), thrown_out: 0 }
        }

        fn count(&mut self, n: u64, weight: u64) {
            *self.exact.entry(n).or_default() += weight;
            if self.table.count(hash(n), weight) {
                return;
            }
            if self.table.is_full() {
                let thrown_out = &mut self.thrown_out;
                self.table.purge(|row| *thrown_out += row.counted);
            }
            let row = self.table.insert(hash(n), &n.to_le_bytes(), ());
            row.counted = weight;
            row.times = 1;
        }

        fn is_honest(&self) {
            let total: u64 = self.exact.values().sum();
            let kept: u64 = self.table.rows().map(|row| row.counted).sum();
            assert_eq!(kept + self.thrown_out, total, "nothing is lost");
            let mut missing = self.exact.clone();
            for row in self.table.rows() {
                let name = self.table.name(row).try_into().unwrap();
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
        assert!(both.table.threshold() <= 2 * total / 100);
        for n in 0..10 {
            let found = both.table.rows().any(|row| both.table.name(row) == n_bytes(n));
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
                whole.table.merge(&part.table, |()| (), |row| *thrown_out += row.counted);
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
