//! All keys of a server as hashes, and how those of two servers differ.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use aofkit::error::Result;

use super::server::{Asked, Client, Reply};

/// Keys asked for at a time.
const BATCH: &[u8] = b"500";

/// A key without an expiry.
const NEVER: i64 = -1;

/// One key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    db: u64,
    /// Hash of its name.
    key: u64,
    /// Hash of its value.
    value: u64,
    /// Unix milliseconds.
    expires: i64,
}

/// All keys of a server, in order.
#[derive(Debug, Default)]
pub struct Table(Vec<Row>);

/// A key that two servers do not have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    pub db: u64,
    key: u64,
    pub how: How,
}

/// What is wrong with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// Only the first has it.
    OnlyFirst,
    /// Only the second has it.
    OnlySecond,
    Value,
    Expiry,
}

fn hashed(bytes: &[u8]) -> u64 {
    let mut hash = DefaultHasher::new();
    bytes.hash(&mut hash);
    hash.finish()
}

/// The databases that have keys, and how many the server counts in each.
pub fn databases(client: &mut Client) -> Result<BTreeMap<u64, u64>> {
    let told = client.run(&[b"INFO", b"keyspace"])?.text();
    let row = |line: &str| {
        let (db, rest) = line.strip_prefix("db")?.split_once(":keys=")?;
        Some((db.parse().ok()?, rest.split(',').next()?.parse().ok()?))
    };
    Ok(told.lines().filter_map(row).collect())
}

/// Takes the names of some keys; answers whether to go on.
type Take<'t> = &'t mut dyn FnMut(&mut Client, Vec<Vec<u8>>) -> Result<bool>;

/// Calls `each` for the names of every batch of keys.
fn each_batch(client: &mut Client, db: u64, each: Take<'_>) -> Result<()> {
    client.run(&[b"SELECT", db.to_string().as_bytes()])?;
    let mut cursor = b"0".to_vec();
    loop {
        let mut reply = client.run(&[b"SCAN", &cursor, b"COUNT", BATCH])?.list().into_iter();
        let (Some(Reply::Text(next)), Some(names)) = (reply.next(), reply.next()) else {
            return Ok(());
        };
        let name = |reply| if let Reply::Text(name) = reply { Some(name) } else { None };
        let names: Vec<_> = names.list().into_iter().filter_map(name).collect();
        if (!names.is_empty() && !each(client, names)?) || next == b"0" {
            return Ok(());
        }
        cursor = next;
    }
}

/// Reads the digests of all keys; `None` when the server has no such command. `has_times`: it tells when
/// a key expires, which came with 7.0; before, only how long from now.
pub fn collect(client: &mut Client, has_times: bool) -> Result<Option<Table>> {
    let mut rows = Vec::new();
    let mut is_told = true;
    for db in databases(client)?.into_keys() {
        each_batch(client, db, &mut |client, names| {
            let mut asked = Asked::default();
            let mut digests: Vec<&[u8]> = vec![b"DEBUG", b"DIGEST-VALUE"];
            digests.extend(names.iter().map(Vec::as_slice));
            asked.command(&digests);
            let expiry: &[u8] = if has_times { b"PEXPIRETIME" } else { b"PTTL" };
            names.iter().for_each(|name| asked.command(&[expiry, name]));
            client.send(&asked)?;
            let digests = client.reply()?.list();
            is_told &= digests.len() == names.len();
            let now = aofkit::backup::now().milliseconds();
            for (at, name) in names.iter().enumerate() {
                let expires = match client.reply()? {
                    Reply::Number(NEVER) => NEVER,
                    Reply::Number(at) if at >= 0 && has_times => at,
                    Reply::Number(left) if left >= 0 => now + left,
                    // It has expired meanwhile.
                    _ => continue,
                };
                let value = digests.get(at).map_or(0, |digest| hashed(digest.text().as_bytes()));
                rows.push(Row { db, key: hashed(name), value, expires });
            }
            Ok(is_told)
        })?;
        if !is_told {
            return Ok(None);
        }
    }
    rows.sort_unstable();
    // A server that rebuilds its table meanwhile may name a key twice.
    rows.dedup_by_key(|row| (row.db, row.key));
    Ok(Some(Table(rows)))
}

impl Table {
    /// The keys that live beyond this instant, by database.
    pub fn living(&self, after: i64) -> BTreeMap<u64, u64> {
        let mut living = BTreeMap::new();
        for row in self.rows(after) {
            *living.entry(row.db).or_insert(0) += 1;
        }
        living
    }

    fn rows(&self, after: i64) -> impl Iterator<Item = &Row> {
        self.0.iter().filter(move |row| row.expires == NEVER || row.expires > after)
    }

    /// How another table differs, of keys that live beyond this instant. Where only the time left is
    /// known, expiries are not compared.
    pub fn differences(&self, other: &Self, after: i64, has_times: bool) -> Vec<Difference> {
        let name = |row: &Row| (row.db, row.key);
        let mut found = Vec::new();
        let (mut ours, mut theirs) = (self.rows(after).peekable(), other.rows(after).peekable());
        loop {
            let (a, b) = (ours.peek().copied(), theirs.peek().copied());
            let how = match (a, b) {
                (None, None) => return found,
                (Some(a), Some(b)) if name(a) == name(b) => {
                    let _ = (ours.next(), theirs.next());
                    match a {
                        _ if a.value != b.value => Some((a, How::Value)),
                        _ if has_times && a.expires != b.expires => Some((a, How::Expiry)),
                        _ => None,
                    }
                }
                (Some(a), b) if b.is_none_or(|b| name(a) < name(b)) => {
                    ours.next();
                    Some((a, How::OnlyFirst))
                }
                (_, Some(b)) => {
                    theirs.next();
                    Some((b, How::OnlySecond))
                }
                (Some(_), None) => return found,
            };
            found.extend(how.map(|(row, how)| Difference { db: row.db, key: row.key, how }));
        }
    }
}

/// The names of keys, as far as this server has them.
pub fn names(client: &mut Client, wanted: &[Difference]) -> Result<BTreeMap<Difference, Vec<u8>>> {
    let mut found = BTreeMap::new();
    let dbs: BTreeSet<_> = wanted.iter().map(|one| one.db).collect();
    for db in dbs {
        each_batch(client, db, &mut |_, batch| {
            for name in batch {
                let key = hashed(&name);
                if let Some(one) = wanted.iter().find(|one| (one.db, one.key) == (db, key)) {
                    found.insert(*one, name);
                }
            }
            Ok(found.len() < wanted.len())
        })?;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_differ_by_keys_values_and_expiries_that_have_not_passed() {
        let row = |key, value, expires| Row { db: 0, key, value, expires };
        let one = Table(vec![row(1, 1, NEVER), row(2, 1, 50), row(3, 1, 200), row(5, 1, NEVER)]);
        let other =
            Table(vec![row(1, 2, NEVER), row(3, 1, 300), row(4, 1, NEVER), row(5, 1, NEVER)]);
        let found = one.differences(&other, 100, true);
        let hows: Vec<_> = found.iter().map(|one| (one.key, one.how)).collect();
        assert_eq!(hows, [(1, How::Value), (3, How::Expiry), (4, How::OnlySecond)]);
        assert_eq!(one.differences(&other, 100, false).len(), 2);
        assert_eq!(other.differences(&one, 40, true).len(), 4);
        assert_eq!(one.living(100), BTreeMap::from([(0, 3)]));
    }
}
