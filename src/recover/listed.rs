//! Keys by name, as many as somebody reads, and how many there are.

/// Keys of one kind that are named; the others are counted.
const NAMED: usize = 20;

/// A key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyNamed {
    /// Its database.
    pub db: u64,
    /// Its name.
    pub name: Vec<u8>,
    /// Its type at the moment, as TYPE answers; `None` where nobody can ask.
    pub kind: Option<String>,
    /// When it expires, Unix milliseconds.
    pub expires_ms: Option<i64>,
    /// What a server said of it.
    pub note: Option<String>,
}

impl KeyNamed {
    /// A key of which nothing else is known.
    pub fn new(db: u64, name: &[u8]) -> Self {
        Self { db, name: name.to_vec(), kind: None, expires_ms: None, note: None }
    }
}

/// How many there are, and the first of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    /// How many there are.
    pub count: u64,
    /// The first of them.
    pub first: Vec<KeyNamed>,
}

impl List {
    /// One more.
    pub fn add(&mut self, key: impl FnOnce() -> KeyNamed) {
        self.count += 1;
        if self.first.len() < NAMED {
            self.first.push(key());
        }
    }
}
