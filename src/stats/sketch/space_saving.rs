//! What is heaviest among more names than memory holds.
//!
//! Space-Saving, with the small ones thrown out in batches: when the table is full, the lighter half goes,
//! and what the heaviest of those may have weighed is the error of every name that comes (again) later.
//! As long as nothing was thrown out, everything is exact. With `n` rows at most and a total weight of `w`,
//! no error exceeds `2 w / n`, and every name heavier than that is in the table. Where names are so long
//! that they fill their room before the rows fill theirs, `n` is the number of rows that fit.
//!
//! Names are told apart by a 64-bit hash alone, so that a name that is known costs one look into memory.
//! What is not needed for that lies apart.

/// A place in the table: all that counting and throwing out need.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// The name's hash; 0 marks an empty place.
    hash: u64,
    /// Weight counted since it is in the table.
    counted: u64,
    /// Times it was counted since it is in the table.
    times: u64,
    /// At most so much may have been counted before that.
    error: u64,
    /// Where the rest about it is.
    rest: u32,
}

impl Place {
    fn at_most(&self) -> u64 {
        self.counted.saturating_add(self.error)
    }
}

/// What is kept of a name besides.
#[derive(Clone, Copy, Debug)]
struct Rest<T> {
    name_at: u32,
    name_len: u32,
    data: T,
}

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
    /// As much as was kept of it.
    pub name: &'t [u8],
    /// What the owner wants to remember.
    pub data: T,
}

impl<T> Row<'_, T> {
    /// The hash it is known by.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The most it can weigh.
    pub fn at_most(&self) -> u64 {
        self.counted.saturating_add(self.error)
    }
}

/// The table.
#[derive(Clone, Debug)]
pub struct SpaceSaving<T> {
    /// Open addressing, at most half full. A power of two.
    places: Vec<Place>,
    used: usize,
    rests: Vec<Rest<T>>,
    /// Members of `rests` that belong to no place.
    free: Vec<u32>,
    /// Names, those that are gone among them until there are too many.
    names: Vec<u8>,
    limit: usize,
    /// No name outside the table weighs more.
    threshold: u64,
}

/// Places to begin with; the table grows with what it holds.
const FIRST: usize = 256;

/// Bytes of names for every row there may be, those of names that are gone included.
const NAME: usize = 128;

impl<T: Copy> SpaceSaving<T> {
    /// A table of at most `limit` rows.
    pub fn new(limit: usize) -> Self {
        Self {
            places: vec![Place::default(); FIRST],
            used: 0,
            rests: Vec::new(),
            free: Vec::new(),
            names: Vec::new(),
            limit: limit.max(2),
            threshold: 0,
        }
    }

    /// Whether one row more needs a [`SpaceSaving::purge`] first.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.used >= self.limit || self.names.len() >= self.limit * NAME
    }

    /// The most that a name outside the table can weigh.
    pub fn threshold(&self) -> u64 {
        self.threshold
    }

    /// All rows, in no order.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_, T>> {
        self.places.iter().filter(|place| place.hash != 0).map(|place| self.row(place))
    }

    fn row(&self, place: &Place) -> Row<'_, T> {
        let Rest { name_at, name_len, data } = self.rests[place.rest as usize];
        let from = name_at as usize;
        let name = self.names.get(from..from + name_len as usize).unwrap_or_default();
        let Place { hash, counted, times, error, .. } = *place;
        Row { hash, counted, error, times, name, data }
    }

    /// The data of all rows, to change it.
    pub fn data_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.rests.iter_mut().map(|rest| &mut rest.data)
    }

    /// What was counted for the name of this hash, when it is in the table.
    pub fn weight(&self, hash: u64) -> Option<u64> {
        let hash = hash.max(1);
        let mask = self.places.len() - 1;
        let from = hash as usize & mask;
        let run = (0..).map(|step| &self.places[(from + step) & mask]);
        run.take_while(|place| place.hash != 0).find(|p| p.hash == hash).map(|p| p.counted)
    }

    /// Looks at the place of a hash, which brings it near; the answer means nothing.
    #[inline]
    pub fn glance(&self, hash: u64) -> u64 {
        self.places[hash as usize & (self.places.len() - 1)].hash
    }

    /// Counts `weight` for the name of this hash, when it is in the table.
    #[inline]
    pub fn count(&mut self, hash: u64, weight: u64) -> bool {
        let place = self.place_of(hash);
        if place.hash == 0 {
            return false;
        }
        place.counted += weight;
        place.times += 1;
        true
    }

    /// The place of this hash, or the empty one for it.
    #[inline]
    fn place_of(&mut self, hash: u64) -> &mut Place {
        let hash = hash.max(1);
        let mask = self.places.len() - 1;
        let mut at = hash as usize & mask;
        while self.places[at].hash != hash && self.places[at].hash != 0 {
            at = (at + 1) & mask;
        }
        &mut self.places[at]
    }

    /// A row for a name that is not in the table yet, with this counted.
    pub fn insert(&mut self, hash: u64, name: &[u8], data: T, weight: u64, times: u64) {
        self.enter(hash, name, data, [weight, times, self.threshold]);
    }

    fn enter(&mut self, hash: u64, name: &[u8], data: T, [counted, times, error]: [u64; 3]) {
        if (self.used + 1) * 2 > self.places.len() {
            self.grow();
        }
        let name_at = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.extend_from_slice(name);
        let kept = Rest { name_at, name_len: name.len() as u32, data };
        let rest = match self.free.pop() {
            Some(rest) => {
                self.rests[rest as usize] = kept;
                rest
            }
            None => {
                self.rests.push(kept);
                self.rests.len() as u32 - 1
            }
        };
        self.used += 1;
        *self.place_of(hash) = Place { hash: hash.max(1), counted, times, error, rest };
    }

    #[cold]
    fn grow(&mut self) {
        let len = self.places.len() * 2;
        let old = std::mem::replace(&mut self.places, vec![Place::default(); len]);
        for place in old.into_iter().filter(|place| place.hash != 0) {
            *self.place_of(place.hash) = place;
        }
    }

    /// Throws out the lighter half and tells the owner of each row that goes.
    #[cold]
    pub fn purge(&mut self, mut gone: impl FnMut(&Row<'_, T>)) {
        let used = || self.places.iter().filter(|place| place.hash != 0);
        let mut weights: Vec<u64> = used().map(Place::at_most).collect();
        if weights.is_empty() {
            return;
        }
        let middle = weights.len() / 2;
        let (_, &mut threshold, _) = weights.select_nth_unstable(middle);
        self.threshold = self.threshold.max(threshold);
        let mut staying = Vec::with_capacity(middle);
        for place in used() {
            if place.at_most() > threshold {
                staying.push(*place);
            } else {
                gone(&self.row(place));
            }
        }
        let is_gone = |place: &&Place| place.hash != 0 && place.at_most() <= threshold;
        self.free.extend(self.places.iter().filter(is_gone).map(|place| place.rest));
        self.used = staying.len();
        if self.names.len() >= self.limit * NAME / 2 {
            self.compact(&staying);
        }
        self.places.fill(Place::default());
        for place in staying {
            *self.place_of(place.hash) = place;
        }
    }

    /// Moves the names of these places together, over those of names that are gone.
    fn compact(&mut self, staying: &[Place]) {
        let mut order: Vec<u32> = staying.iter().map(|place| place.rest).collect();
        order.sort_unstable_by_key(|&rest| self.rests[rest as usize].name_at);
        let mut end = 0;
        for rest in order {
            let rest = &mut self.rests[rest as usize];
            let from = rest.name_at as usize;
            self.names.copy_within(from..from + rest.name_len as usize, end);
            rest.name_at = end as u32;
            end += rest.name_len as usize;
        }
        self.names.truncate(end);
    }

    /// Takes over what `later` counted. `adopt` makes the data of a row that comes new; `gone` is told of
    /// rows that have to leave.
    pub fn merge(
        &mut self,
        later: &Self,
        mut adopt: impl FnMut(&T) -> T,
        mut gone: impl FnMut(&Row<'_, T>),
    ) {
        // A name that the other table does not have may have weighed so much there.
        for place in self.places.iter_mut().filter(|place| place.hash != 0) {
            place.error = place.error.saturating_add(later.threshold);
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
            let error = before.saturating_add(row.error);
            self.enter(row.hash, row.name, adopt(&row.data), [row.counted, row.times, error]);
        }
    }
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
            self.table.insert(hash(n), &n.to_le_bytes(), (), weight, 1);
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
        assert!(both.table.threshold() <= 2 * total / 100);
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
