//! Everything that a server holds, as hashes: small enough to be kept for all keys, changed by every byte that counts.
//!
//! A key is a row; so is each field of a hash that expires by itself, because two servers that are read one after the
//! other need not have it both. What a row's value is made of stands in the room that reads it.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

/// Without an expiry.
pub(super) const NEVER: i64 = -1;

/// A hash over parts whose borders count.
#[derive(Clone, Default)]
pub(super) struct Hash(Sha256);

impl Hash {
    pub fn add(&mut self, part: &[u8]) {
        self.0.update((part.len() as u64).to_le_bytes());
        self.0.update(part);
    }

    pub fn wide(self) -> u128 {
        let mut first = [0; 16];
        first.copy_from_slice(&self.0.finalize()[..16]);
        u128::from_le_bytes(first)
    }

    pub fn narrow(self) -> u64 {
        self.wide() as u64
    }

    /// The hash over all of `parts`.
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hash = Self::default();
        parts.iter().for_each(|part| hash.add(part));
        hash
    }
}

/// A key by its database and the hash of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyId {
    /// The database.
    pub db: u64,
    name: u64,
}

impl KeyId {
    /// The key of that name.
    pub fn new(db: u64, name: &[u8]) -> Self {
        Self { db, name: Hash::of(&[name]).narrow() }
    }
}

/// A key, or a field of a hash that expires by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    pub key: KeyId,
    /// Hash of the field's name; 0 is the key itself.
    pub field: u64,
    pub value: u64,
    /// When it goes, Unix milliseconds; of a field no later than its key.
    pub expires: i64,
}

impl Row {
    fn lives(&self, after: i64) -> bool {
        self.expires == NEVER || self.expires > after
    }
}

/// Everything that a server holds.
#[derive(Debug, Default)]
pub struct Contents {
    pub(super) rows: Vec<Row>,
    /// Libraries of functions by name, and the hash of each.
    pub(super) libraries: BTreeMap<Vec<u8>, u64>,
    /// Keys whose names are too long to ask for them.
    pub(super) unread: BTreeSet<KeyId>,
    /// By how much the times of expiries may be wrong, milliseconds.
    pub(super) slack: i64,
}

/// Something that two servers do not have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// A key.
    Key(KeyId, How),
    /// A library of functions, by its name.
    Library(Vec<u8>, How),
}

/// What is different.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// Only the first has it.
    OnlyFirst,
    /// Only the second has it.
    OnlySecond,
    /// Its type, its value, or its code.
    Value,
    /// The time it expires.
    Expiry,
    /// A field of it that expires: that it is there, its value, or when.
    Field,
}

impl Difference {
    /// The key that it is about.
    pub fn key(&self) -> Option<KeyId> {
        match self {
            Self::Key(key, _) => Some(*key),
            Self::Library(..) => None,
        }
    }
}

impl Contents {
    /// Puts the rows in order; a server that rebuilds its tables meanwhile may name a key twice.
    pub(super) fn sort(&mut self) {
        self.rows.sort_unstable();
        self.rows.dedup_by_key(|row| (row.key, row.field));
    }

    /// Keys that live beyond an instant (Unix milliseconds), by database.
    pub fn living(&self, after: i64) -> BTreeMap<u64, u64> {
        let mut living = BTreeMap::new();
        let mut last = None;
        for row in self.rows.iter().filter(|row| row.lives(after)) {
            if last.replace(row.key) != Some(row.key) {
                *living.entry(row.key.db).or_insert(0) += 1;
            }
        }
        living
    }

    /// Keys that are there and were not read, because their names are too long to ask for them.
    pub fn unread(&self) -> &BTreeSet<KeyId> {
        &self.unread
    }

    /// Forgets keys. Answers how many of them there were.
    pub fn leave_out(&mut self, keys: &BTreeSet<KeyId>) -> u64 {
        let mut left = BTreeSet::new();
        self.rows.retain(|row| {
            let is_out = keys.contains(&row.key);
            if is_out {
                left.insert(row.key);
            }
            !is_out
        });
        left.len() as u64
    }

    /// One number for all keys that live beyond an instant and all libraries: the same for the same content, in whatever
    /// order a server names them. 32 hexadecimal digits.
    pub fn digest(&self, after: i64) -> String {
        let mut sum = 0_u128;
        for row in self.rows.iter().filter(|row| row.lives(after)) {
            // A time that is not exact is another one each time.
            let expires = if self.slack == 0 { row.expires } else { row.expires.min(0) };
            let words = [row.key.db, row.key.name, row.field, row.value, expires as u64];
            let bytes: Vec<u8> = words.into_iter().flat_map(u64::to_le_bytes).collect();
            sum = sum.wrapping_add(Hash::of(&[&bytes]).wide());
        }
        for (name, code) in &self.libraries {
            sum = sum.wrapping_add(Hash::of(&[name, &code.to_le_bytes()]).wide());
        }
        format!("{sum:032x}")
    }

    /// How another server's content differs, of keys that live beyond an instant. One difference for each key.
    pub fn differences(&self, other: &Self, after: i64) -> Vec<Difference> {
        let mut found: Vec<Difference> = Vec::new();
        let slack = self.slack.max(other.slack);
        let ours = self.rows.iter().filter(|row| row.lives(after));
        let theirs = other.rows.iter().filter(|row| row.lives(after));
        merge(
            ours,
            theirs,
            |row| (row.key, row.field),
            |a, b| {
                let Some(one) = a.or(b) else { return };
                let how = match (a, b) {
                    (Some(a), Some(b)) if a.value != b.value => How::Value,
                    (Some(a), Some(b)) if a.expires.abs_diff(b.expires) > slack as u64 => {
                        How::Expiry
                    }
                    // One that never expires is far from one that does soon only by chance.
                    (Some(a), Some(b)) if (a.expires == NEVER) != (b.expires == NEVER) => {
                        How::Expiry
                    }
                    (Some(_), Some(_)) => return,
                    (Some(_), None) => How::OnlyFirst,
                    (None, _) => How::OnlySecond,
                };
                let how = if one.field == 0 { how } else { How::Field };
                found.push(Difference::Key(one.key, how));
            },
        );
        // The row of the key itself comes before those of its fields.
        found.dedup_by_key(|one| one.key());
        merge(
            self.libraries.iter(),
            other.libraries.iter(),
            |(name, _)| name,
            |a, b| {
                let Some((name, _)) = a.or(b) else { return };
                let how = match (a, b) {
                    (Some(a), Some(b)) if a.1 == b.1 => return,
                    (Some(_), Some(_)) => How::Value,
                    (Some(_), None) => How::OnlyFirst,
                    (None, _) => How::OnlySecond,
                };
                found.push(Difference::Library(name.clone(), how));
            },
        );
        found
    }
}

/// Calls `each` for every item of two ordered lists, those of the same name together.
fn merge<T: Copy, N: Ord>(
    ours: impl Iterator<Item = T>,
    theirs: impl Iterator<Item = T>,
    name: impl Fn(T) -> N,
    mut each: impl FnMut(Option<T>, Option<T>),
) {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let (mut ours, mut theirs) = (ours.peekable(), theirs.peekable());
    loop {
        let order = match (ours.peek(), theirs.peek()) {
            (None, None) => return,
            (Some(a), Some(b)) => name(*a).cmp(&name(*b)),
            (Some(_), None) => Less,
            (None, Some(_)) => Greater,
        };
        match order {
            Less => each(ours.next(), None),
            Equal => each(ours.next(), theirs.next()),
            Greater => each(None, theirs.next()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(rows: &[(&[u8], u64, u64, i64)]) -> Contents {
        let row = |&(name, field, value, expires): &(&[u8], u64, u64, i64)| Row {
            key: KeyId::new(0, name),
            field,
            value,
            expires,
        };
        let mut contents = Contents { rows: rows.iter().map(row).collect(), ..Contents::default() };
        contents.sort();
        contents
    }

    fn hows(found: &[Difference], name: &[u8]) -> Vec<How> {
        let key = KeyId::new(0, name);
        let of = |one: &Difference| match one {
            Difference::Key(of, how) if *of == key => Some(*how),
            _ => None,
        };
        found.iter().filter_map(of).collect()
    }

    #[test]
    fn contents_differ_by_keys_values_and_expiries_that_have_not_passed() {
        let one = contents(&[
            (b"a", 0, 1, NEVER),
            (b"b", 0, 1, 50),
            (b"c", 0, 1, 200),
            (b"e", 0, 1, NEVER),
        ]);
        let other = contents(&[
            (b"a", 0, 2, NEVER),
            (b"c", 0, 1, 300),
            (b"d", 0, 1, NEVER),
            (b"e", 0, 1, NEVER),
        ]);
        let found = one.differences(&other, 100);
        assert_eq!(found.len(), 3);
        assert_eq!(hows(&found, b"a"), [How::Value]);
        assert_eq!(hows(&found, b"c"), [How::Expiry]);
        assert_eq!(hows(&found, b"d"), [How::OnlySecond]);
        assert_eq!(other.differences(&one, 40).len(), 4);
        assert_eq!(one.living(100), BTreeMap::from([(0, 3)]));
    }

    #[test]
    fn a_field_that_expires_counts_as_long_as_it_lives_and_its_key_once() {
        let one = contents(&[(b"h", 0, 1, NEVER), (b"h", 7, 1, 150), (b"h", 8, 1, 90)]);
        let other = contents(&[(b"h", 0, 1, NEVER), (b"h", 7, 2, 150), (b"h", 9, 1, 300)]);
        assert_eq!(hows(&one.differences(&other, 100), b"h"), [How::Field]);
        assert_eq!(one.differences(&one, 0), []);
        assert_eq!(one.living(100), BTreeMap::from([(0, 1)]));
        assert_eq!(contents(&[(b"h", 8, 1, 90)]).living(100), BTreeMap::new());
    }

    #[test]
    fn a_time_that_is_not_exact_may_be_a_little_off_and_is_not_in_the_digest() {
        let mut one = contents(&[(b"a", 0, 1, 5000), (b"b", 0, 1, NEVER)]);
        let other = contents(&[(b"a", 0, 1, 5009), (b"b", 0, 1, NEVER)]);
        assert_eq!(one.differences(&other, 0).len(), 1);
        assert_ne!(one.digest(0), other.digest(0));
        let digest = one.digest(0);
        one.slack = 10;
        assert_eq!(one.differences(&other, 0), []);
        assert_ne!(one.digest(0), digest, "when it expires is left out");
        let never = contents(&[(b"a", 0, 1, NEVER), (b"b", 0, 1, NEVER)]);
        assert_eq!(hows(&one.differences(&never, 0), b"a"), [How::Expiry]);
        assert_ne!(one.digest(0), never.digest(0), "that it expires is not");
    }

    #[test]
    fn what_is_left_out_is_counted_and_neither_compared_nor_in_the_digest() {
        let mut one = contents(&[(b"a", 0, 1, NEVER), (b"b", 0, 1, NEVER)]);
        let other = contents(&[(b"a", 0, 1, NEVER)]);
        let out = BTreeSet::from([KeyId::new(0, b"b"), KeyId::new(0, b"c"), KeyId::new(1, b"a")]);
        assert_eq!(one.leave_out(&out), 1);
        assert_eq!(one.differences(&other, 0), []);
        assert_eq!(one.digest(0), other.digest(0));
    }
}
