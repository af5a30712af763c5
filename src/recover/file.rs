//! Keys of a moment in a file: an RDB that a server loads, or commands for one that runs.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;

use super::source::{Wish, parts};
use crate::disk::{Dir, Unpublished, parent};
use crate::error::{Error, Result};
use crate::format::rdb::payload::{FOOTER_LEN, Footer};
use crate::format::rdb::{Crc64, HEADER_LEN, length};
use crate::format::resp;
use crate::trial::Held;

/// Keys whose values are asked for together.
const BATCH: usize = 500;

/// Opcodes of an RDB: a database, the time a key expires, the end.
const SELECT_DB: u8 = 0xFE;
const EXPIRES_MS: u8 = 0xFC;
const EOF: u8 = 0xFF;

/// The version of an RDB without keys, which every server loads.
const EMPTY: &[u8] = b"REDIS0009";

/// Something that keys are written to, one after the other.
pub trait Sheet {
    /// One key, and what DUMP answered for it.
    ///
    /// # Errors
    /// When it cannot be written.
    fn key(&mut self, db: u64, name: &[u8], expires_ms: Option<i64>, payload: &[u8]) -> Result<()>;

    /// That was all.
    ///
    /// # Errors
    /// When it cannot be written.
    fn end(&mut self) -> Result<()>;
}

/// Writes all wanted keys, and answers how many there are. Keys whose time has passed are not among them.
///
/// # Errors
/// When a server does not answer, the work was broken off, or something cannot be written.
pub fn write_file(held: &Held, wish: &Wish<'_>, sheet: &mut dyn Sheet) -> Result<u64> {
    let mut count = 0;
    wish.each(held, &mut |mut selected| {
        let db = selected.db;
        for part in parts(selected.sources()?, BATCH) {
            for (key, payload) in selected.with_payloads(part)? {
                sheet.key(db, &key.name, key.seen.expires_ms, &payload)?;
                count += 1;
            }
        }
        Ok(())
    })?;
    sheet.end()?;
    Ok(count)
}

/// Commands that create keys: `SELECT`, and `RESTORE` without `REPLACE`, so that what a server has stays as it is.
pub struct Commands<'w> {
    to: &'w mut dyn Write,
    db: u64,
}

impl<'w> Commands<'w> {
    /// Writes them there.
    pub fn new(to: &'w mut dyn Write) -> Self {
        Self { to, db: 0 }
    }

    fn put(&mut self, words: &[&[u8]]) -> Result<()> {
        self.to
            .write_all(&resp::spelled(words))
            .map_err(|e| Error::io(Path::new("standard output"), e))
    }
}

impl Sheet for Commands<'_> {
    fn key(&mut self, db: u64, name: &[u8], expires: Option<i64>, payload: &[u8]) -> Result<()> {
        if self.db != db {
            self.put(&[b"SELECT", db.to_string().as_bytes()])?;
            self.db = db;
        }
        let time = expires.unwrap_or(0).to_string();
        self.put(&[b"RESTORE", name, time.as_bytes(), payload, b"ABSTTL"])
    }

    fn end(&mut self) -> Result<()> {
        self.to.flush().map_err(|e| Error::io(Path::new("standard output"), e))
    }
}

/// The first bytes of an RDB whose values have this version.
fn magic(footer: Footer) -> Vec<u8> {
    let header = footer.header();
    let (magic, version) = (header.family.magic(), header.version);
    [magic, format!("{version:0width$}", width = HEADER_LEN - magic.len()).as_bytes()].concat()
}

/// An RDB file, of the version that its values have. Nobody sees it under its name before it is whole.
pub struct Rdb {
    name: OsString,
    /// `None` once it has its name.
    unpublished: Option<Unpublished>,
    crc: Crc64,
    at: u64,
    db: Option<u64>,
}

impl Rdb {
    /// A new file, which must not exist.
    ///
    /// # Errors
    /// When it exists, or cannot be made.
    pub fn create(path: &Path) -> Result<Self> {
        let Some(name) = path.file_name() else {
            return Err(Error::io(path, std::io::ErrorKind::InvalidInput.into()));
        };
        if crate::disk::exists(path) {
            return Err(Error::io(path, std::io::ErrorKind::AlreadyExists.into()));
        }
        let unpublished = Unpublished::create_in(Dir::open(parent(path))?, 0o600)?;
        let (name, crc) = (name.to_owned(), Crc64::new());
        Ok(Self { name, unpublished: Some(unpublished), crc, at: 0, db: None })
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.crc.update(bytes);
        self.append(bytes)
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        if let Some(unpublished) = &self.unpublished {
            unpublished.file.write_at(bytes, self.at)?;
            self.at += bytes.len() as u64;
        }
        Ok(())
    }
}

impl Sheet for Rdb {
    fn key(&mut self, db: u64, name: &[u8], expires: Option<i64>, payload: &[u8]) -> Result<()> {
        let value = payload.len().checked_sub(FOOTER_LEN).map(|len| &payload[..len]);
        let (Some(footer), Some((kind, value))) =
            (Footer::read(payload), value.and_then(<[u8]>::split_first))
        else {
            return Err(Error::refused("the server's DUMP is none", Path::new(&self.name)));
        };
        let mut head = Vec::new();
        if self.at == 0 {
            head.extend_from_slice(&magic(footer));
        }
        if self.db != Some(db) {
            head.push(SELECT_DB);
            head.extend(length::encode(db));
            self.db = Some(db);
        }
        if let Some(at) = expires {
            head.push(EXPIRES_MS);
            head.extend(at.to_le_bytes());
        }
        head.push(*kind);
        head.extend(length::encode(name.len() as u64));
        head.extend_from_slice(name);
        head.extend_from_slice(value);
        self.put(&head)
    }

    fn end(&mut self) -> Result<()> {
        if self.at == 0 {
            self.put(EMPTY)?;
        }
        self.put(&[EOF])?;
        let crc = self.crc.value();
        self.append(&crc.to_le_bytes())?;
        match self.unpublished.take() {
            Some(unpublished) => unpublished.publish(&self.name),
            None => Ok(()),
        }
    }
}
