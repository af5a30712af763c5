//! What is answered about a key space: plain rows and sums.

use std::borrow::Cow;

use super::biggest::BigKey;
use crate::stats::memory::MemoryServer;

/// Function libraries whose first line is kept.
pub(super) const LIBRARIES: usize = 1024;

/// One type and encoding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypeRow {
    /// As TYPE names it; a module's by the name of its type.
    pub type_name: Cow<'static, str>,
    /// As OBJECT ENCODING names it, on disk.
    pub encoding: &'static str,
    /// Keys.
    pub keys: u64,
    /// Elements of all of them, as far as they could be counted.
    pub elements: u64,
    /// Keys whose elements could not be counted: their encoding is broken.
    pub uncounted: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Bytes on disk of the largest.
    pub largest_bytes: u64,
    /// The first bytes of its key.
    pub largest_key: Vec<u8>,
    /// What they take in memory, where that was asked for.
    pub memory: Option<MemorySum>,
}

/// Bytes in the memory of a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemorySum {
    /// Of the keys of which it is known.
    pub bytes: u64,
    /// Keys of which it is not.
    pub unknown_keys: u64,
}

impl MemorySum {
    /// One more key.
    #[inline]
    pub(super) fn add(&mut self, bytes: Option<u64>) {
        match bytes {
            Some(bytes) => self.bytes = self.bytes.saturating_add(bytes),
            None => self.unknown_keys += 1,
        }
    }

    /// Of all keys, where it is known of all.
    pub fn whole(self) -> Option<u64> {
        (self.unknown_keys == 0).then_some(self.bytes)
    }
}

impl std::ops::Add for MemorySum {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let bytes = self.bytes.saturating_add(other.bytes);
        Self { bytes, unknown_keys: self.unknown_keys + other.unknown_keys }
    }
}

impl TypeRow {
    /// Takes a key for the largest when it is; of several, the first by name, in whatever order they come.
    #[inline]
    pub(super) fn offer(&mut self, bytes: u64, key: &[u8]) {
        let is_larger = bytes > self.largest_bytes;
        if is_larger || (bytes == self.largest_bytes && key < &self.largest_key[..]) {
            self.largest_bytes = bytes;
            self.largest_key.clear();
            self.largest_key.extend_from_slice(key);
        }
    }
}

impl std::iter::Sum for MemorySum {
    fn sum<I: Iterator<Item = Self>>(rows: I) -> Self {
        rows.fold(Self::default(), std::ops::Add::add)
    }
}

/// One database. `db` is `None` for those beyond the ones counted apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DatabaseKeys {
    /// Its number.
    pub db: Option<u64>,
    /// Keys.
    pub keys: u64,
    /// Keys with an expiry.
    pub expires: u64,
    /// Bytes on disk.
    pub bytes: u64,
}

/// One module's type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModuleRow {
    /// Its name, nine characters.
    pub name: String,
    /// Keys.
    pub keys: u64,
    /// Bytes on disk.
    pub bytes: u64,
}

/// Expiries of keys, Unix milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expiry {
    /// Keys with one.
    pub keys: u64,
    /// The first to go.
    pub soonest_ms: Option<i64>,
    /// The last to go.
    pub latest_ms: Option<i64>,
    /// Already past at the time given; `None` when none was.
    pub past: Option<u64>,
}

/// Expiries of hash fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FieldTtls {
    /// Hashes in which such fields were seen.
    pub keys: u64,
    /// Fields.
    pub fields: u64,
    /// Hashes whose encoding is broken, so that nothing can be told.
    pub unseen_keys: u64,
}

/// Streams and their groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Streams {
    /// Streams.
    pub keys: u64,
    /// Consumer groups.
    pub groups: u64,
    /// Consumers.
    pub consumers: u64,
    /// Entries delivered and not acknowledged.
    pub pending: u64,
}

/// Seconds at which a row of idle times ends: a minute, ten, an hour, six, a day, a week, a month, a quarter, a year.
pub const IDLE_STEPS: [u64; 9] =
    [60, 600, 3600, 21_600, 86_400, 604_800, 2_592_000, 7_776_000, 31_536_000];

/// Idle times, where the server kept them (an LRU policy).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Idle {
    /// Keys with one.
    pub keys: u64,
    /// Seconds of all of them.
    pub sum_s: u64,
    /// The longest, seconds.
    pub longest_s: u64,
    /// Keys by the number of bits of their idle seconds: 0, 1, 2 to 3, 4 to 7 and so on.
    pub by_bits: [u64; 32],
    /// Keys between two of [`IDLE_STEPS`].
    pub keys_by_step: [u64; IDLE_STEPS.len() + 1],
    /// Bytes on disk of these keys.
    pub bytes_by_step: [u64; IDLE_STEPS.len() + 1],
}

/// Access frequencies, where the server kept them (an LFU policy), on its logarithmic scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frequency {
    /// Keys with one.
    pub keys: u64,
    /// Sum of all of them.
    pub sum: u64,
    /// Keys by counter.
    pub by_counter: [u64; 256],
    /// Bytes on disk of these keys.
    pub bytes_by_counter: [u64; 256],
}

impl Default for Frequency {
    fn default() -> Self {
        Self { keys: 0, sum: 0, by_counter: [0; 256], bytes_by_counter: [0; 256] }
    }
}

impl Frequency {
    /// The counters that a quarter, a half and three quarters of the keys do not exceed.
    pub fn quartiles(&self) -> Option<[u8; 3]> {
        let at = |quarters: u64| {
            let wanted = (self.keys * quarters).div_ceil(4);
            let mut seen = 0;
            self.by_counter.iter().position(|keys| {
                seen += keys;
                seen >= wanted
            })
        };
        let [low, middle, high] = [at(1)?, at(2)?, at(3)?];
        (self.keys > 0).then_some([low as u8, middle as u8, high as u8])
    }

    /// The mean counter.
    pub fn mean(&self) -> Option<f64> {
        (self.keys > 0).then(|| self.sum as f64 / self.keys as f64)
    }
}

/// Keys that were used about as long ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdleRow {
    /// At least so many seconds ago.
    pub from_s: u64,
    /// At most so many; `None`: no end.
    pub to_s: Option<u64>,
    /// Keys.
    pub keys: u64,
    /// Bytes on disk.
    pub bytes: u64,
}

impl Idle {
    /// Keys and bytes by how long they were not used; they add up to all keys with an idle time.
    pub fn rows(&self) -> Vec<IdleRow> {
        let row = |step: usize| IdleRow {
            from_s: step.checked_sub(1).map_or(0, |before| IDLE_STEPS[before]),
            to_s: IDLE_STEPS.get(step).map(|end| end - 1),
            keys: self.keys_by_step[step],
            bytes: self.bytes_by_step[step],
        };
        (0..=IDLE_STEPS.len()).map(row).filter(|row| row.keys > 0).collect()
    }

    /// One more key.
    pub(super) fn count(&mut self, seconds: u64, bytes: u64) {
        self.keys += 1;
        self.sum_s = self.sum_s.saturating_add(seconds);
        self.longest_s = self.longest_s.max(seconds);
        self.by_bits[(64 - seconds.leading_zeros()).min(31) as usize] += 1;
        let step = IDLE_STEPS.partition_point(|end| *end <= seconds);
        self.keys_by_step[step] += 1;
        self.bytes_by_step[step] = self.bytes_by_step[step].saturating_add(bytes);
    }

    /// The mean, seconds.
    pub fn mean_s(&self) -> Option<f64> {
        (self.keys > 0).then(|| self.sum_s as f64 / self.keys as f64)
    }
}

/// What a [`KeySpace`](super::KeySpace) answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeySpaceReport {
    /// Keys.
    pub keys: u64,
    /// Bytes on disk of all that is about them. The rest of an RDB part is overhead.
    pub bytes: u64,
    /// By number, those beyond the ones counted apart last.
    pub databases: Vec<DatabaseKeys>,
    /// By bytes, largest first.
    pub types: Vec<TypeRow>,
    /// By bytes, largest first.
    pub modules: Vec<ModuleRow>,
    /// Expiries of keys.
    pub expiry: Expiry,
    /// Expiries of hash fields.
    pub field_ttls: FieldTtls,
    /// Streams.
    pub streams: Streams,
    /// Idle times.
    pub idle: Idle,
    /// Access frequencies.
    pub frequency: Frequency,
    /// First lines of function libraries, as many as are kept.
    pub libraries: Vec<Vec<u8>>,
    /// Function libraries, kept or not.
    pub libraries_seen: u64,
    /// By bytes on disk, biggest first.
    pub biggest_by_bytes: Vec<BigKey>,
    /// By elements, biggest first.
    pub biggest_by_elements: Vec<BigKey>,
    /// By bytes in memory, biggest first, where that was asked for.
    pub biggest_by_memory: Vec<BigKey>,
    /// What all keys take in memory.
    pub memory: MemorySum,
    /// The server that this is of; `None` where it was not asked for.
    pub memory_server: Option<MemoryServer>,
    /// An RDB part ended before its end: what follows was not seen.
    pub is_partial: bool,
}

impl KeySpaceReport {
    /// The parts that are plain sums.
    pub(super) fn merge(&mut self, later: Self) {
        let (mine, theirs) = (&mut self.expiry, later.expiry);
        mine.keys += theirs.keys;
        mine.soonest_ms = [mine.soonest_ms, theirs.soonest_ms].into_iter().flatten().min();
        mine.latest_ms = mine.latest_ms.max(theirs.latest_ms);
        mine.past = mine.past.zip(theirs.past).map(|(a, b)| a + b);
        self.field_ttls.keys += later.field_ttls.keys;
        self.field_ttls.fields += later.field_ttls.fields;
        self.field_ttls.unseen_keys += later.field_ttls.unseen_keys;
        let (mine, theirs) = (&mut self.streams, later.streams);
        mine.keys += theirs.keys;
        mine.groups = mine.groups.saturating_add(theirs.groups);
        mine.consumers = mine.consumers.saturating_add(theirs.consumers);
        mine.pending = mine.pending.saturating_add(theirs.pending);
        let (mine, theirs) = (&mut self.idle, later.idle);
        mine.keys += theirs.keys;
        mine.sum_s = mine.sum_s.saturating_add(theirs.sum_s);
        mine.longest_s = mine.longest_s.max(theirs.longest_s);
        add(&mut mine.by_bits, &theirs.by_bits);
        add(&mut mine.keys_by_step, &theirs.keys_by_step);
        add(&mut mine.bytes_by_step, &theirs.bytes_by_step);
        let (mine, theirs) = (&mut self.frequency, later.frequency);
        mine.keys += theirs.keys;
        mine.sum += theirs.sum;
        add(&mut mine.by_counter, &theirs.by_counter);
        add(&mut mine.bytes_by_counter, &theirs.bytes_by_counter);
        let room = LIBRARIES.saturating_sub(self.libraries.len());
        self.libraries.extend(later.libraries.into_iter().take(room));
        self.libraries_seen += later.libraries_seen;
        self.is_partial |= later.is_partial;
    }
}

fn add(mine: &mut [u64], theirs: &[u64]) {
    mine.iter_mut().zip(theirs).for_each(|(a, b)| *a = a.saturating_add(*b));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_are_the_counters_that_so_many_keys_do_not_exceed() {
        let mut frequency = Frequency::default();
        assert_eq!(frequency.quartiles(), None);
        for counter in [0, 1, 1, 9, 9, 9, 200, 255] {
            frequency.keys += 1;
            frequency.by_counter[counter] += 1;
        }
        assert_eq!(frequency.quartiles(), Some([1, 9, 9]));
        frequency.by_counter[0] += 8;
        frequency.keys += 8;
        assert_eq!(frequency.quartiles(), Some([0, 0, 9]));
    }
}
