//! The bytes of a frozen file by offset: mapped or read.

use super::cache::Courtesy;
use super::frozen::FrozenFile;
use super::map::MapSource;
use super::read::ReadSource;
use super::source::{Access, Source};
use crate::error::Result;

impl FrozenFile {
    /// Its bytes by offset.
    pub fn source(&self, access: Access) -> Box<dyn Source + '_> {
        match access {
            Access::Map if !self.is_empty() => Box::new(MapSource::new(self)),
            Access::ReadAndKeep => Box::new(ReadSource::keeping(self)),
            _ => Box::new(ReadSource::new(self)),
        }
    }

    /// Its first bytes, at most `n`.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn head(&self, n: usize) -> Result<Vec<u8>> {
        let _courtesy = Courtesy::new(self);
        let mut bytes = vec![0; usize::try_from(self.len()).unwrap_or(n).min(n)];
        self.read_exact_at(&mut bytes, 0)?;
        Ok(bytes)
    }
}
