//! Reads everything that a server holds, in batches of keys and large values in pieces, so that neither its size nor
//! that of a value matters for memory.
//!
//! Of each key: its type, when it expires, and what [`value`] reads of its value. Not read is what a server may change
//! by itself or by being asked: idle times and frequencies, encodings, and when a consumer was last seen.

mod keys;
mod replies;
mod seen;
mod stream;
mod value;
mod vectors;

pub use self::keys::Asking;
use self::replies::{bytes, cursor_and_items, into_bytes, items, pairs};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use redis::{Cmd, Value, cmd};

use self::value::Reading;
use super::Server;
use super::contents::{Contents, Hash, KeyId, NEVER, Row};
use crate::error::Result;
use crate::limits;

/// Keys asked for at a time.
const BATCH: u64 = 500;

/// Values of which a further piece is asked for at a time: these are large.
const TOGETHER: usize = 16;

/// By how much a time may be wrong that is only known as what is left, milliseconds.
const SLACK: i64 = 10_000;

/// A name that no key is likely to have; nothing depends on it.
const NOBODY: &str = "aofkit:nobody";

/// What a server can tell.
#[derive(Clone, Copy)]
struct Tells {
    /// When a key expires, which came with 7.0; before, only how long from now.
    times: bool,
    /// When a field of a hash expires.
    field_times: bool,
    functions: bool,
}

/// Takes the names of some keys; answers whether to go on.
type Take<'t> = &'t mut dyn FnMut(&mut Server, Vec<Vec<u8>>) -> Result<bool>;

/// A database as INFO tells of it.
struct Database {
    number: u64,
    /// Whether fields of hashes in it may expire.
    has_field_times: bool,
}

impl Server {
    /// Everything it holds. Takes as long as asking for all keys does; what is written meanwhile may be missed.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Server`]: no answer, or a command is forbidden.
    pub fn contents(&mut self) -> Result<Contents> {
        let tells = self.tells()?;
        let slack = if tells.times { 0 } else { SLACK };
        let mut contents = Contents { slack, ..Contents::default() };
        for db in self.databases()? {
            let field_times = tells.field_times && db.has_field_times;
            let tells = Tells { field_times, ..tells };
            self.each_batch(db.number, &mut |server, names| {
                server.batch(db.number, names, tells, &mut contents)?;
                Ok(true)
            })?;
        }
        if tells.functions {
            contents.libraries = self.libraries()?;
        }
        contents.sort();
        Ok(contents)
    }

    /// The names of keys, as far as this server has them.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Server`]: no answer, or a command is forbidden.
    pub fn names(&mut self, wanted: &BTreeSet<KeyId>) -> Result<BTreeMap<KeyId, Vec<u8>>> {
        let mut found = BTreeMap::new();
        let dbs: BTreeSet<_> = wanted.iter().map(|one| one.db).collect();
        for db in dbs {
            self.each_batch(db, &mut |_, batch| {
                for name in batch {
                    let key = KeyId::new(db, &name);
                    if wanted.contains(&key) {
                        found.insert(key, name);
                    }
                }
                Ok(found.len() < wanted.len())
            })?;
        }
        Ok(found)
    }

    fn tells(&mut self) -> Result<Tells> {
        let mut ask = |command: &mut Cmd| {
            let answer = self.ask(&[command.take()])?.pop();
            Ok(match answer {
                Some(Value::ServerError(e)) => {
                    !e.details().unwrap_or_default().contains("unknown command")
                }
                _ => true,
            })
        };
        Ok(Tells {
            times: ask(cmd("PEXPIRETIME").arg(NOBODY))?,
            field_times: ask(cmd("HPEXPIRETIME").arg(NOBODY).arg("FIELDS").arg(1).arg("f"))?,
            functions: ask(cmd("FUNCTION").arg("LIST").arg("LIBRARYNAME").arg(NOBODY))?,
        })
    }

    /// The databases that have keys.
    fn databases(&mut self) -> Result<Vec<Database>> {
        let told = self.one(cmd("INFO").arg("keyspace").take())?;
        let told = String::from_utf8_lossy(bytes(&told)).into_owned();
        Ok(told.lines().filter_map(database).collect())
    }

    /// Calls `each` for the names of every batch of keys, as long as it wants more.
    fn each_batch(&mut self, db: u64, each: Take<'_>) -> Result<()> {
        self.one(cmd("SELECT").arg(db).take())?;
        let mut cursor = b"0".to_vec();
        loop {
            let page = self.one(cmd("SCAN").arg(&cursor).arg("COUNT").arg(BATCH).take())?;
            let (next, names) = self.page(page)?;
            let names: Vec<_> = names.into_iter().map(into_bytes).collect();
            if (!names.is_empty() && !each(self, names)?) || next == b"0" {
                return Ok(());
            }
            cursor = next;
        }
    }

    /// Reads some keys of the selected database.
    fn batch(
        &mut self,
        db: u64,
        mut names: Vec<Vec<u8>>,
        tells: Tells,
        contents: &mut Contents,
    ) -> Result<()> {
        names.retain(|name| {
            let is_short = name.len() as u64 <= limits::KEY;
            if !is_short {
                let key = KeyId::new(db, name);
                contents.unread.insert(key);
                contents.rows.push(Row { key, field: 0, value: 0, expires: NEVER });
            }
            is_short
        });
        let time = if tells.times { "PEXPIRETIME" } else { "PTTL" };
        let heads = names
            .iter()
            .flat_map(|name| [cmd("TYPE").arg(name).take(), cmd(time).arg(name).take()]);
        let heads = self.ask(&heads.collect::<Vec<_>>())?;
        let now = if tells.times { 0 } else { now() };
        let mut readings = Vec::with_capacity(names.len());
        for (name, head) in names.into_iter().zip(heads.chunks(2)) {
            let kind = self.accepted(&head[0])?;
            let expires = match self.accepted(&head[1])? {
                Value::Int(NEVER) => NEVER,
                Value::Int(time) if *time >= 0 => now + time,
                // It has expired meanwhile.
                _ => continue,
            };
            let kind = String::from_utf8_lossy(bytes(kind)).into_owned();
            readings.push(Reading::new(name, kind, expires, tells.field_times));
        }
        // Nearly all values end with their first piece.
        let mut rest = self.further(readings, db, &mut contents.rows)?;
        while !rest.is_empty() {
            let others = rest.split_off(rest.len().min(TOGETHER));
            let mut few = rest;
            while !few.is_empty() {
                few = self.further(few, db, &mut contents.rows)?;
            }
            rest = others;
        }
        Ok(())
    }

    /// Takes the next piece of some values. Answers those that have more.
    fn further(
        &mut self,
        readings: Vec<Reading>,
        db: u64,
        rows: &mut Vec<Row>,
    ) -> Result<Vec<Reading>> {
        let mut asked = Vec::new();
        let count = |reading: &Reading| {
            let before = asked.len();
            reading.ask(&mut asked);
            asked.len() - before
        };
        let counts: Vec<_> = readings.iter().map(count).collect();
        let mut answers = self.ask(&asked)?.into_iter();
        let mut rest = Vec::new();
        for (mut reading, count) in readings.into_iter().zip(counts) {
            let answers: Vec<_> = answers.by_ref().take(count).collect();
            for answer in &answers {
                self.accepted(answer)?;
            }
            match reading.take(answers) {
                Some(true) => reading.end(db, rows),
                Some(false) => rest.push(reading),
                None => return Err(self.unclear()),
            }
        }
        Ok(rest)
    }

    fn libraries(&mut self) -> Result<BTreeMap<Vec<u8>, u64>> {
        let listed = self.one(cmd("FUNCTION").arg("LIST").arg("WITHCODE").take())?;
        let mut libraries = BTreeMap::new();
        for library in items(&listed) {
            let [mut name, mut engine, mut code] = [&b""[..]; 3];
            for (word, value) in pairs(library) {
                match word {
                    b"library_name" => name = bytes(value),
                    b"engine" => engine = bytes(value),
                    b"library_code" => code = bytes(value),
                    _ => {}
                }
            }
            libraries.insert(name.to_vec(), Hash::of(&[engine, code]).narrow());
        }
        Ok(libraries)
    }

    /// The answer to one command, which must not be refused.
    fn one(&mut self, command: Cmd) -> Result<Value> {
        let answer = self.ask(&[command])?.pop().unwrap_or_default();
        self.accepted(&answer)?;
        Ok(answer)
    }

    /// The cursor and the items of a page of SCAN.
    fn page(&self, page: Value) -> Result<(Vec<u8>, Vec<Value>)> {
        cursor_and_items(page).ok_or_else(|| self.unclear())
    }
}

/// Reads `db0:keys=1,expires=0,avg_ttl=0,subexpiry=1`; Valkey calls the last `keys_with_volatile_items`. Where there
/// is neither, it is not known, and fields may expire.
fn database(line: &str) -> Option<Database> {
    let (number, told) = line.strip_prefix("db")?.split_once(':')?;
    let told =
        |word: &str| told.split(',').find_map(|pair| pair.strip_prefix(word)?.strip_prefix('='));
    let fading = told("subexpiry").or_else(|| told("keys_with_volatile_items"));
    Some(Database { number: number.parse().ok()?, has_field_times: fading != Some("0") })
}

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whether_fields_may_expire_is_taken_from_what_servers_tell_of_a_database() {
        let told = |line: &str| database(line).map(|db| (db.number, db.has_field_times));
        assert_eq!(told("db0:keys=1,expires=0,avg_ttl=0"), Some((0, true)));
        assert_eq!(told("db3:keys=1,expires=0,avg_ttl=0,subexpiry=0"), Some((3, false)));
        assert_eq!(told("db3:keys=1,avg_ttl=0,keys_with_volatile_items=2"), Some((3, true)));
        assert_eq!(told("# Keyspace"), None);
    }
}
