//! What a walk has met: numbers of the format and modules, how often, and where first.
//!
//! Says what stands in a file, whether or not any server reads it: that is judged elsewhere. Metadata of keys name
//! their class as an encoded name of four characters, values of modules one of nine.

use super::layout::Row;

/// Modules that are told apart; the others are not named.
const MODULES_KEPT: usize = 256;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A number of the format that was met.
#[derive(Clone, Copy, Debug)]
pub struct Met {
    /// What it is.
    pub row: &'static Row,
    /// How often.
    pub count: u64,
    /// Offset of the first.
    pub first_at: u64,
}

/// What a module is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Need {
    /// The value of a key.
    Value,
    /// Data beside all keys.
    Auxiliary,
    /// Metadata of a key: of a class, named with four characters.
    Metadata,
}

/// A module that the file has something of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// Its type, nine characters, or the class of its metadata, four.
    pub name: String,
    /// The version of what it wrote, as it counts them.
    pub encoding: u16,
    /// What of.
    pub need: Need,
    /// How often.
    pub count: u64,
    /// Offset of the first.
    pub first_at: u64,
}

/// Name of a module type from its identifier, nine characters.
pub(super) fn module_name(id: u64) -> String {
    let character = |i: u32| char::from(ALPHABET[(id >> (58 - 6 * i) & 63) as usize]);
    (0..9).map(character).collect()
}

/// Name of a class of metadata from its specification, four characters.
fn class_name(spec: u32) -> String {
    let character = |i: u32| char::from(ALPHABET[(spec >> (26 - 6 * i) & 63) as usize]);
    (0..4).map(character).collect()
}

/// Counts what is met.
#[derive(Clone, Debug)]
pub(super) struct Tallies {
    counts: [u64; 256],
    first_at: [u64; 256],
    /// By identifier or specification.
    modules: Vec<(u64, Need, u64, u64)>,
}

impl Tallies {
    pub(super) const NONE: Self =
        Self { counts: [0; 256], first_at: [0; 256], modules: Vec::new() };

    #[inline]
    pub(super) fn number(&mut self, number: u8, at: u64) {
        let count = &mut self.counts[usize::from(number)];
        if *count == 0 {
            self.first_at[usize::from(number)] = at;
        }
        *count += 1;
    }

    #[cold]
    pub(super) fn module(&mut self, id: u64, need: Need, at: u64) {
        let is_it = |module: &(u64, Need, u64, u64)| (module.0, module.1) == (id, need);
        match self.modules.iter().position(is_it) {
            Some(place) => self.modules[place].2 += 1,
            None if self.modules.len() < MODULES_KEPT => self.modules.push((id, need, 1, at)),
            None => {}
        }
    }

    /// Everything that was met, in the order of the numbers.
    pub(super) fn met(&self, row: impl Fn(u8) -> Option<&'static Row>) -> Vec<Met> {
        let met = |number: u8| {
            let (count, first_at) =
                (self.counts[usize::from(number)], self.first_at[usize::from(number)]);
            row(number).filter(|_| count > 0).map(|row| Met { row, count, first_at })
        };
        (0..=u8::MAX).filter_map(met).collect()
    }

    /// Modules, in the order they were met.
    pub(super) fn modules(&self) -> Vec<Module> {
        let module = |&(id, need, count, first_at): &(u64, Need, u64, u64)| {
            let (name, encoding) = match need {
                Need::Metadata => (class_name(id as u32), (id >> 3 & 31) as u16),
                Need::Value | Need::Auxiliary => (module_name(id), (id & 1023) as u16),
            };
            Module { name, encoding, need, count, first_at }
        };
        self.modules.iter().map(module).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_decoded_from_six_bits_a_character() {
        let encoded = |name: &[u8]| {
            name.iter().fold(0_u64, |sum, character| {
                sum << 6 | ALPHABET.iter().position(|c| c == character).unwrap() as u64
            })
        };
        assert_eq!(module_name(encoded(b"vectorset") << 10 | 3), "vectorset");
        assert_eq!(class_name((encoded(b"hist") << 8 | 9) as u32), "hist");
    }
}
