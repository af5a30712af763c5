//! Where backups lie: whole objects under keys, and nothing more is asked of the place.
//!
//! Keys are words of ASCII with `/` between them. Objects are put, read, listed and deleted as a whole, so
//! that a directory and an object store can both be such a place. What is in the objects is not its
//! business.

mod held;
mod local;
mod location;
mod memory;
mod staged;
mod theirs;

use std::io::Read;
use std::path::Path;
use std::time::SystemTime;

use crate::disk;
use crate::error::Result;

pub use held::Held;
pub use location::Location;

pub use memory::MemoryStore;

/// What became of putting an object under a key that should be free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It is there now.
    Created,
    /// Something was there before and was left alone.
    Taken,
}

/// What is known of an object without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its key.
    pub key: String,
    /// Its length in bytes.
    pub len: u64,
    /// When it was put, by the clock of the store.
    pub modified: Option<SystemTime>,
    /// When anything of it was last changed, by the same clock; nobody can set that.
    pub changed: Option<SystemTime>,
}

/// A place for whole objects. Every method may be called from several threads at once.
///
/// # Errors
/// All methods fail when the place cannot be reached, or refuses.
pub trait Store: Send + Sync {
    /// Puts an object unless the key is taken. It is seen whole or not at all; it is durable after the
    /// next [`Store::sync`].
    fn put_if_absent(&self, key: &str, bytes: &[u8]) -> Result<Put>;

    /// Puts an object in the place of what is there. It is seen whole or not at all.
    fn put(&self, key: &str, bytes: &[u8]) -> Result<()>;

    /// All of an object of at most `limit` bytes.
    fn get(&self, key: &str, limit: u64) -> Result<Vec<u8>>;

    /// The bytes of an object from `at` on: `len` of them, fewer only at its end.
    fn get_range(&self, key: &str, at: u64, len: usize) -> Result<Vec<u8>>;

    /// The bytes of an object from its beginning on, read as they are asked for.
    fn reader(&self, key: &str) -> Result<Box<dyn Read + Send>>;

    /// What is known of an object; `None` when there is none.
    fn head(&self, key: &str) -> Result<Option<Stored>>;

    /// All objects whose keys begin with `prefix`, which is empty or ends with `/`, sorted by key.
    fn list(&self, prefix: &str) -> Result<Vec<Stored>>;

    /// Names of what lies directly below `prefix`, which ends with `/`; what lies further below is not looked at.
    fn below(&self, prefix: &str) -> Result<Vec<String>>;

    /// Deletes an object; one that is not there is no error.
    fn delete(&self, key: &str) -> Result<()>;

    /// Returns when everything that was put or deleted is durable.
    fn sync(&self) -> Result<()>;

    /// Takes the lock under `key`, which is made when it is absent. `None` in a place that has no locks.
    fn lock(&self, key: &str, hold: disk::Hold) -> Result<Option<Held>>;

    /// Removes the directories of these names and below them that nothing is left in, and those above that were made for this
    /// store.
    fn clear_up(&self, names: &[&str]) -> Result<()>;

    /// Removes what runs that were killed left behind unseen; answers how many bytes that freed.
    fn sweep(&self) -> Result<u64>;

    /// Bytes that it still takes; `None` of a place that knows no bound.
    fn spare(&self) -> Result<Option<u64>>;

    /// The place, for people.
    fn name(&self) -> &Path;
}
