//! What is not followed, and what that leaves unknown.

use std::collections::HashMap;

/// Names of commands that are told apart; what others write is counted with them all.
const NAMES: usize = 64;

/// Bytes of a name that are kept.
const NAME: usize = 64;

/// What is unknown of a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doubt {
    /// Nothing.
    #[default]
    None,
    /// It may be smaller than it seems, or gone.
    AtMost,
    /// It may have any size.
    Open,
}

/// Records of one command that are not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfollowed {
    /// Its name as the log has it, in upper case.
    pub name: Vec<u8>,
    /// How many there are.
    pub count: u64,
    /// Bytes of them.
    pub bytes: u64,
}

/// Counts what is not followed.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    by_name: HashMap<Vec<u8>, (u64, u64)>,
    pub count: u64,
    pub bytes: u64,
}

impl Counts {
    /// One more record of that name.
    pub fn note(&mut self, name: &[u8], bytes: u64) {
        (self.count, self.bytes) = (self.count + 1, self.bytes + bytes);
        let name = name[..name.len().min(NAME)].to_ascii_uppercase();
        if self.by_name.len() < NAMES || self.by_name.contains_key(&name) {
            let row = self.by_name.entry(name).or_default();
            *row = (row.0 + 1, row.1 + bytes);
        }
    }

    /// The names, those with the most bytes first.
    pub fn heaviest(self) -> Vec<Unfollowed> {
        let rows = self.by_name.into_iter();
        let mut rows: Vec<_> =
            rows.map(|(name, (count, bytes))| Unfollowed { name, count, bytes }).collect();
        rows.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
        rows
    }
}
