//! Values of keys at a moment, as much of them as somebody reads.

use super::listed::KeyNamed;
use super::source::{Source, Wish};
use super::words::ask;
use crate::error::Result;
use crate::server::{Answer, Server};
use crate::trial::Held;

/// Keys that are shown, rows of each, and bytes of each word.
const KEYS: usize = 20;
const ROWS: usize = 20;
const BYTES: usize = 256;

/// A key, and the beginning of its value.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Which key.
    pub key: KeyNamed,
    /// Rows of words: the bytes of a string; an element; a field and its value; a member and its score; an entry's id and
    /// its fields. Each word is cut to 256 bytes.
    pub rows: Vec<Vec<Vec<u8>>>,
    /// How many rows, or bytes of a string, there are; `None` where that is not known.
    pub length: Option<u64>,
    /// Whether there is more than is shown.
    pub has_more: bool,
}

/// The first of the wanted keys with the beginning of their values, and how many further ones there are.
///
/// # Errors
/// When the server does not answer, or the work was broken off.
pub fn show(held: &Held, wish: &Wish<'_>) -> Result<(Vec<Shown>, u64)> {
    let (mut all, mut more) = (Vec::new(), 0);
    wish.each(held, &mut |mut selected| {
        let db = selected.db;
        for key in selected.sources()? {
            match all.len() < KEYS {
                true => all.push(shown(selected.server, db, &key)?),
                false => more += 1,
            }
        }
        Ok(())
    })?;
    Ok((all, more))
}

fn shown(server: &mut Server, db: u64, key: &Source) -> Result<Shown> {
    let (name, rows, bytes) = (&key.name[..], ROWS.to_string(), (BYTES - 1).to_string());
    let last = (ROWS - 1).to_string();
    let (count, read): (&[u8], Vec<&[u8]>) = match key.seen.kind.as_str() {
        "string" => (b"STRLEN", vec![b"GETRANGE", name, b"0", bytes.as_bytes()]),
        "list" => (b"LLEN", vec![b"LRANGE", name, b"0", last.as_bytes()]),
        "zset" => (b"ZCARD", vec![b"ZRANGE", name, b"0", last.as_bytes(), b"WITHSCORES"]),
        "set" => (b"SCARD", vec![b"SSCAN", name, b"0", b"COUNT", rows.as_bytes()]),
        "hash" => (b"HLEN", vec![b"HSCAN", name, b"0", b"COUNT", rows.as_bytes()]),
        "stream" => (b"XLEN", vec![b"XRANGE", name, b"-", b"+", b"COUNT", rows.as_bytes()]),
        _ => {
            let key = key.named(db);
            return Ok(Shown { key, rows: Vec::new(), length: None, has_more: true });
        }
    };
    let length = ask(server, &[count, name])?.number().and_then(|n| u64::try_from(n).ok());
    let told = ask(server, &read)?;
    let mut rows = rows_of(&key.seen.kind, &told);
    rows.truncate(ROWS);
    let is_cut = rows.iter_mut().flatten().fold(false, |cut, word| {
        let is_long = word.len() > BYTES;
        word.truncate(BYTES);
        cut || is_long
    });
    let seen = match key.seen.kind.as_str() {
        "string" => rows.first().and_then(|row| row.first()).map_or(0, Vec::len),
        _ => rows.len(),
    };
    let has_more = is_cut || length.is_none_or(|length| length > seen as u64);
    Ok(Shown { key: key.named(db), rows, length, has_more })
}

fn rows_of(kind: &str, told: &Answer) -> Vec<Vec<Vec<u8>>> {
    let word = |answer: &Answer| answer.bytes().to_vec();
    let pairs = |items: &[Answer]| -> Vec<Vec<Vec<u8>>> {
        items.chunks_exact(2).map(|pair| pair.iter().map(word).collect()).collect()
    };
    let page = || told.items().get(1).map(Answer::items).unwrap_or_default();
    match kind {
        "string" => vec![vec![word(told)]],
        "list" => told.items().iter().map(|item| vec![word(item)]).collect(),
        "zset" => pairs(told.items()),
        "set" => page().iter().map(|item| vec![word(item)]).collect(),
        "hash" => pairs(page()),
        _ => {
            let entry = |entry: &Answer| {
                let [id, fields] = entry.items() else { return Vec::new() };
                std::iter::once(word(id)).chain(fields.items().iter().map(word)).collect()
            };
            told.items().iter().map(entry).collect()
        }
    }
}
