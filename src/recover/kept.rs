//! What was replaced, in a file that can be brought back: commands of RESP, as a log has them.
//!
//! | record | sense |
//! |---|---|
//! | `SELECT` db | before the first key, and where the database changes |
//! | `RESTORE` key time payload `REPLACE ABSTTL` | the key as the target had it; time 0: it does not expire |
//!
//! A server that is not older than the target loads it as a single log, so this program reads it as a set. A key may stand
//! in it twice, where others changed it in between: the last one counts.

use std::path::{Path, PathBuf};

use crate::disk::{Dir, NewFile, parent, sync_dir};
use crate::error::{Error, Result};
use crate::format::resp;

/// Only for the eyes of who ran this.
const MODE: u32 = 0o600;

/// A key as it was before it was replaced.
pub(super) struct Old<'a> {
    pub name: &'a [u8],
    pub expires_ms: Option<i64>,
    pub payload: &'a [u8],
}

/// The file that old values are kept in. It is made when there is a first one.
pub struct Kept {
    path: PathBuf,
    file: Option<NewFile>,
    at: u64,
    db: Option<u64>,
    count: u64,
}

impl Kept {
    /// They are to be kept in this file, which must not exist.
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_owned(), file: None, at: 0, db: None, count: 0 }
    }

    /// Where they are kept, and how many; `None` while there is none.
    pub fn told(&self) -> Option<(PathBuf, u64)> {
        self.file.as_ref().map(|_| (self.path.clone(), self.count))
    }

    /// Keeps these, and returns when they are on the disk.
    pub(super) fn keep(&mut self, db: u64, all: &[Old<'_>]) -> Result<()> {
        if all.is_empty() {
            return Ok(());
        }
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let Some(name) = self.path.file_name() else {
                    return Err(Error::io(&self.path, std::io::ErrorKind::InvalidInput.into()));
                };
                let dir = Dir::open(parent(&self.path))?;
                let made = NewFile::create_in(&dir, name, MODE)?;
                sync_dir(parent(&self.path))?;
                self.file.insert(made)
            }
        };
        let mut text = Vec::new();
        for old in all {
            if self.db != Some(db) {
                text.extend(resp::spelled(&[b"SELECT", db.to_string().as_bytes()]));
                self.db = Some(db);
            }
            let time = old.expires_ms.unwrap_or(0).to_string();
            let words = [b"RESTORE", old.name, time.as_bytes(), old.payload, b"REPLACE", b"ABSTTL"];
            text.extend(resp::spelled(&words));
        }
        file.write_at(&text, self.at)?;
        file.sync()?;
        self.at += text.len() as u64;
        self.count += all.len() as u64;
        Ok(())
    }
}
