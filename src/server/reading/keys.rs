//! Keys in batches: their names, and what each holds. For whoever compares two servers key by key.

use redis::{Value, cmd};

use super::{Reading, TOGETHER, Tells, bytes, now};
use crate::error::Result;
use crate::limits;
use crate::server::Server;
use crate::server::answer::{EachBatch, KeySeen};
use crate::server::contents::{Hash, NEVER, Row};

/// How a server is asked for its keys, found out once for a connection.
#[derive(Clone, Copy)]
pub struct Asking(Tells);

impl Server {
    /// Finds out how this server is asked for its keys.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Server`]: no answer.
    pub fn asking(&mut self) -> Result<Asking> {
        Ok(Asking(self.tells()?))
    }

    /// The numbers of the databases that have keys, and how many, those included whose time has passed.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Server`]: no answer, or INFO is forbidden.
    pub fn key_counts(&mut self) -> Result<std::collections::BTreeMap<u64, u64>> {
        let told = self.one(cmd("INFO").arg("keyspace").take())?;
        let told = String::from_utf8_lossy(bytes(&told)).into_owned();
        let of = |line: &str| {
            let (db, rest) = line.strip_prefix("db")?.split_once(":keys=")?;
            let keys = rest.split(',').next()?;
            Some((db.parse().ok()?, keys.trim().parse().ok()?))
        };
        Ok(told.lines().filter_map(of).collect())
    }

    /// Names all keys in batches (SCAN), database by database; `each` gets this connection, on which that database is
    /// selected, and answers whether to go on. A key may be named twice where the server rebuilds its tables meanwhile.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Server`]: no answer, or a command is forbidden; or what `each` answers.
    pub fn walk(&mut self, each: EachBatch<'_, Self>) -> Result<()> {
        for db in self.databases()? {
            let mut goes_on = true;
            self.each_batch(db.number, &mut |server, names| {
                goes_on = each(server, db.number, names)?;
                Ok(goes_on)
            })?;
            if !goes_on {
                break;
            }
        }
        Ok(())
    }

    /// Selects a database.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Server`]: no answer, or there is no such database.
    pub fn select(&mut self, db: u64) -> Result<()> {
        self.one(cmd("SELECT").arg(db).take()).map(drop)
    }

    /// Types and expiries of some keys of the selected database; `None` where there is no such key.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Server`]: no answer, or a command is forbidden.
    pub fn heads(&mut self, asking: Asking, names: &[Vec<u8>]) -> Result<Vec<Option<KeySeen>>> {
        let Asking(tells) = asking;
        let time = if tells.times { "PEXPIRETIME" } else { "PTTL" };
        let asked = names
            .iter()
            .flat_map(|name| [cmd("TYPE").arg(name).take(), cmd(time).arg(name).take()]);
        let heads = self.ask(&asked.collect::<Vec<_>>())?;
        let now = if tells.times { 0 } else { now() };
        let mut seen = Vec::with_capacity(names.len());
        for head in heads.chunks(2) {
            let kind = String::from_utf8_lossy(bytes(self.accepted(&head[0])?)).into_owned();
            let expires_ms = match self.accepted(&head[1])? {
                Value::Int(NEVER) => None,
                Value::Int(time) if *time >= 0 => Some(now + time),
                _ => {
                    seen.push(None);
                    continue;
                }
            };
            let slack_ms = if tells.times { 0 } else { super::SLACK };
            let one = KeySeen { kind, expires_ms, slack_ms, value: None };
            seen.push(Some(one).filter(|one| one.kind != "none"));
        }
        Ok(seen)
    }

    /// The same with their values, each as a hash; large values are read in pieces.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Server`]: no answer, or a command is forbidden.
    pub fn values(&mut self, asking: Asking, names: &[Vec<u8>]) -> Result<Vec<Option<KeySeen>>> {
        let mut seen = self.heads(asking, names)?;
        let mut readings = Vec::new();
        for (place, (name, one)) in names.iter().zip(&seen).enumerate() {
            let Some(one) = one.as_ref().filter(|_| name.len() as u64 <= limits::KEY) else {
                continue;
            };
            // Its own expiry is compared apart, with the slack that it has.
            let reading = Reading::new(name.clone(), one.kind.clone(), NEVER, asking.0.field_times);
            readings.push((place, reading));
        }
        let after = now();
        while !readings.is_empty() {
            let rest = readings.split_off(readings.len().min(TOGETHER * 16));
            for (place, rows) in self.all_pieces(readings)? {
                if let Some(one) = &mut seen[place] {
                    one.value = Some(value_of(rows, after));
                }
            }
            readings = rest;
        }
        Ok(seen)
    }

    fn all_pieces(
        &mut self,
        mut readings: Vec<(usize, Reading)>,
    ) -> Result<Vec<(usize, Vec<Row>)>> {
        let mut read = Vec::new();
        while !readings.is_empty() {
            let mut asked = Vec::new();
            let mut counts = Vec::with_capacity(readings.len());
            for (_, reading) in &readings {
                let before = asked.len();
                reading.ask(&mut asked);
                counts.push(asked.len() - before);
            }
            let mut answers = self.ask(&asked)?.into_iter();
            let mut rest = Vec::new();
            for ((place, mut reading), count) in readings.into_iter().zip(counts) {
                let answers: Vec<_> = answers.by_ref().take(count).collect();
                // What is no longer of that type was changed meanwhile, and has no value that could be told.
                if answers.iter().any(|answer| matches!(answer, Value::ServerError(_))) {
                    continue;
                }
                match reading.take(answers) {
                    Some(true) => {
                        let mut rows = Vec::new();
                        reading.end(0, &mut rows);
                        read.push((place, rows));
                    }
                    Some(false) => rest.push((place, reading)),
                    None => return Err(self.unclear()),
                }
            }
            readings = rest;
        }
        Ok(read)
    }

    /// The bytes that some keys of the selected database take in memory. Also of keys whose time has passed and that are
    /// still there, as in a replica; `None` where there is no such key, or it does not tell.
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Server`]: no answer.
    pub fn memory_of(&mut self, names: &[Vec<u8>]) -> Result<Vec<Option<u64>>> {
        let asked = names.iter().map(|name| cmd("MEMORY").arg("USAGE").arg(name).take());
        let answers = self.ask(&asked.collect::<Vec<_>>())?;
        let bytes = |answer: &Value| match answer {
            Value::Int(bytes) => u64::try_from(*bytes).ok(),
            _ => None,
        };
        Ok(answers.iter().map(bytes).collect())
    }
}

/// One number for what was read of a key. Fields whose time has passed are no part of it.
fn value_of(mut rows: Vec<Row>, after: i64) -> u128 {
    rows.retain(|row| row.field == 0 || row.expires == NEVER || row.expires > after);
    rows.sort_unstable();
    let mut hash = Hash::default();
    for row in rows {
        let words = [row.field, row.value, row.expires as u64];
        words.iter().for_each(|word| hash.add(&word.to_le_bytes()));
    }
    hash.wide()
}
