//! A node of a stream: a listpack that holds a master entry and the entries made from it.
//!
//! | entries | content |
//! |---|---|
//! | 3 | live count, deleted count, number of master fields F |
//! | F + 1 | names, then 0 |
//! | 3 per entry | flags (2: fields as in the master entry), time and sequence as differences |
//! | | fields as in the master: F values; else a count, then names and values |
//! | 1 per entry | how many listpack entries it took |
//!
//! Pure. Source: `t_stream.c`.

use super::listpack::{self, Found, Value};
use super::wrong::Wrong;

const SAME_FIELDS: i64 = 2;

/// Checks a node; answers how many live entries it has.
pub(super) fn node(bytes: &[u8]) -> Result<u64, Found> {
    listpack::frame(bytes)?;
    let mut cursor = Cursor { bytes, at: 6 };
    if listpack::entry(bytes, cursor.at)?.is_none() {
        return Err((Wrong::EmptyNode, cursor.at));
    }
    let live = cursor.number()?;
    let deleted = cursor.number()?;
    let fields = cursor.number()?;
    cursor.skip(fields)?;
    if cursor.number()? != 0 {
        return Err((Wrong::StreamNode, cursor.at));
    }
    let mut left = live.checked_add(deleted).ok_or((Wrong::StreamNode, 6))?;
    // Each round takes bytes, so the size bounds this loop, not the count. A negative count runs on
    // until the entries end, in servers as here.
    while left != 0 {
        cursor.entry(fields)?;
        left -= 1;
    }
    match cursor.next()? {
        None if cursor.at + 1 == bytes.len() => Ok(u64::try_from(live).unwrap_or(0)),
        _ => Err((Wrong::StreamNode, cursor.at)),
    }
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn next(&mut self) -> Result<Option<Value<'a>>, Found> {
        Ok(listpack::entry(self.bytes, self.at)?.map(|(value, next)| {
            self.at = next;
            value
        }))
    }

    fn number(&mut self) -> Result<i64, Found> {
        let at = self.at;
        self.next()?.and_then(Value::number).ok_or((Wrong::StreamNode, at))
    }

    fn skip(&mut self, count: i64) -> Result<(), Found> {
        for _ in 0..count {
            let at = self.at;
            self.next()?.ok_or((Wrong::StreamNode, at))?;
        }
        Ok(())
    }

    fn entry(&mut self, master_fields: i64) -> Result<(), Found> {
        let flags = self.number()?;
        self.number()?;
        self.number()?;
        let (mut fields, mut more) = (master_fields, 3_i64);
        if flags & SAME_FIELDS == 0 {
            fields = self.number()?;
            self.skip(fields)?;
            more = more.saturating_add(fields).saturating_add(1);
        }
        self.skip(fields)?;
        let at = self.at;
        if self.number()? != fields.saturating_add(more) {
            return Err((Wrong::StreamNode, at));
        }
        Ok(())
    }
}
