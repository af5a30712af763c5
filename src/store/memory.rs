//! A store in memory that can be told to fail: for tests of what happens then.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};
use std::path::Path;
use std::sync::Mutex;
use std::time::SystemTime;

use super::{Held, Put, Store, Stored};
use crate::disk::Hold;
use crate::error::{Error, ErrorKind, Result};

/// A store in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    objects: BTreeMap<String, Vec<u8>>,
    calls: u64,
    fail_at: Option<u64>,
}

impl MemoryStore {
    /// From now on the n-th call fails, counted from 0, and so do all after it: the place is gone.
    pub fn fail_from(&self, call: Option<u64>) {
        let mut inner = self.inner();
        inner.calls = 0;
        inner.fail_at = call;
    }

    /// Calls since the last [`Self::fail_from`].
    pub fn calls(&self) -> u64 {
        self.inner().calls
    }

    /// Changes an object as nobody should.
    pub fn tamper(&self, key: &str, change: impl FnOnce(&mut Vec<u8>)) {
        if let Some(bytes) = self.inner().objects.get_mut(key) {
            change(bytes);
        }
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn called(&self) -> Result<std::sync::MutexGuard<'_, Inner>> {
        let mut inner = self.inner();
        let number = inner.calls;
        inner.calls += 1;
        if inner.fail_at.is_some_and(|at| number >= at) {
            let why = std::io::Error::other("this call was told to fail");
            return Err(Error::io(self.name(), why));
        }
        Ok(inner)
    }
}

impl Store for MemoryStore {
    fn put_if_absent(&self, key: &str, bytes: &[u8]) -> Result<Put> {
        let mut inner = self.called()?;
        if inner.objects.contains_key(key) {
            return Ok(Put::Taken);
        }
        inner.objects.insert(key.to_owned(), bytes.to_vec());
        Ok(Put::Created)
    }

    fn put(&self, key: &str, bytes: &[u8]) -> Result<()> {
        self.called()?.objects.insert(key.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn get(&self, key: &str, limit: u64) -> Result<Vec<u8>> {
        let inner = self.called()?;
        let found = inner.objects.get(key);
        let bytes = found.ok_or_else(|| Error::new(ErrorKind::NotFound, Path::new(key)))?;
        if bytes.len() as u64 > limit {
            return Err(Error::new(ErrorKind::TooLarge { limit }, Path::new(key)));
        }
        Ok(bytes.clone())
    }

    fn get_range(&self, key: &str, at: u64, len: usize) -> Result<Vec<u8>> {
        let inner = self.called()?;
        let found = inner.objects.get(key);
        let bytes = found.ok_or_else(|| Error::new(ErrorKind::NotFound, Path::new(key)))?;
        let from = usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
        Ok(bytes[from..from.saturating_add(len).min(bytes.len())].to_vec())
    }

    fn reader(&self, key: &str) -> Result<Box<dyn Read + Send>> {
        Ok(Box::new(Cursor::new(self.get(key, u64::MAX)?)))
    }

    fn head(&self, key: &str) -> Result<Option<Stored>> {
        let inner = self.called()?;
        Ok(inner.objects.get(key).map(|bytes| stored(key, bytes)))
    }

    fn list(&self, prefix: &str) -> Result<Vec<Stored>> {
        let inner = self.called()?;
        let found = inner.objects.iter().filter(|(key, _)| key.starts_with(prefix));
        Ok(found.map(|(key, bytes)| stored(key, bytes)).collect())
    }

    fn below(&self, prefix: &str) -> Result<Vec<String>> {
        let inner = self.called()?;
        let rest = inner.objects.keys().filter_map(|key| key.strip_prefix(prefix));
        let names: BTreeSet<&str> = rest.filter_map(|rest| rest.split('/').next()).collect();
        Ok(names.into_iter().map(str::to_owned).collect())
    }

    fn delete(&self, key: &str) -> Result<()> {
        self.called()?.objects.remove(key);
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        self.called().map(drop)
    }

    fn lock(&self, _: &str, _: Hold) -> Result<Option<Held>> {
        self.called().map(|_| None)
    }

    fn clear_up(&self, _: &[&str]) -> Result<()> {
        self.called().map(|_| ())
    }

    fn sweep(&self) -> Result<u64> {
        self.called().map(|_| 0)
    }

    fn spare(&self) -> Result<Option<u64>> {
        self.called().map(|_| None)
    }

    fn name(&self) -> &Path {
        Path::new("memory")
    }
}

fn stored(key: &str, bytes: &[u8]) -> Stored {
    let at = Some(SystemTime::UNIX_EPOCH);
    Stored { key: key.to_owned(), len: bytes.len() as u64, modified: at, changed: at }
}
