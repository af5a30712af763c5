//! The keys that are wanted, as the server that holds the moment names them.

use std::collections::HashSet;
use std::hash::BuildHasher;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::listed::KeyNamed;
use crate::error::{Error, ErrorKind, Result};
use crate::scan::Filter;
use crate::server::{Asking, KeySeen, Server};
use crate::trial::Held;

/// Keys that are known to have been named before; with more, one that a server names twice counts twice.
const REMEMBERED: usize = 4 << 20;

/// Bytes of values that are asked for together.
pub(super) const TOGETHER: u64 = 8 << 20;

/// What a key is taken to need where a server does not tell.
pub(super) const UNKNOWN: u64 = 64 << 10;

/// Which keys are wanted, and what breaks the work off.
#[derive(Clone, Copy)]
pub struct Wish<'a> {
    /// Databases and names.
    pub filter: &'a Filter,
    /// Set from outside when the work is to end.
    pub stop: &'a AtomicBool,
}

/// Some of the wanted keys, and a connection on which their database is selected.
pub struct Selected<'a> {
    /// To the server that holds the moment.
    pub server: &'a mut Server,
    /// How it is asked.
    pub asking: Asking,
    /// Their database.
    pub db: u64,
    /// Their names.
    pub names: Vec<Vec<u8>>,
}

/// A wanted key as the moment has it.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub name: Vec<u8>,
    pub seen: KeySeen,
    pub bytes: u64,
}

impl Source {
    pub fn named(&self, db: u64) -> KeyNamed {
        KeyNamed {
            kind: Some(self.seen.kind.clone()),
            expires_ms: self.seen.expires_ms,
            ..KeyNamed::new(db, &self.name)
        }
    }
}

impl Wish<'_> {
    /// Shows all wanted keys, in batches.
    pub(super) fn each(
        &self,
        held: &Held,
        each: &mut dyn FnMut(Selected<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut server = held.connect()?;
        let asking = server.asking()?;
        let (state, mut met) = (foldhash::quality::RandomState::default(), HashSet::new());
        server.walk(&mut |server, db, mut names| {
            if self.stop.load(Ordering::Relaxed) {
                return Err(Error::new(ErrorKind::Interrupted, Path::new(&held.by)));
            }
            names.retain(|name| {
                self.filter.takes_base_key(db, name)
                    && (met.len() >= REMEMBERED || met.insert(state.hash_one((db, name))))
            });
            if !names.is_empty() {
                each(Selected { server, asking, db, names })?;
            }
            Ok(true)
        })
    }
}

impl Selected<'_> {
    /// The keys with types, expiries and sizes; those that are gone by now are left out.
    pub(super) fn sources(&mut self) -> Result<Vec<Source>> {
        let heads = self.server.heads(self.asking, &self.names)?;
        let sizes = self.server.memory_of(&self.names)?;
        let all = std::mem::take(&mut self.names).into_iter().zip(heads).zip(sizes);
        Ok(all
            .filter_map(|((name, seen), bytes)| {
                let bytes = bytes.unwrap_or(UNKNOWN);
                Some(Source { name, seen: seen?, bytes })
            })
            .collect())
    }

    /// The hashes of their values.
    pub(super) fn values(&mut self, names: &[Vec<u8>]) -> Result<Vec<Option<KeySeen>>> {
        self.server.values(self.asking, names)
    }

    /// These keys with what DUMP answers for them; those that are gone by now are left out.
    pub(super) fn with_payloads(&mut self, part: Vec<Source>) -> Result<Vec<(Source, Vec<u8>)>> {
        let names: Vec<&[u8]> = part.iter().map(|key| &key.name[..]).collect();
        let payloads = dumps(self.server, &names)?;
        Ok(part.into_iter().zip(payloads).filter_map(|(key, one)| Some((key, one?))).collect())
    }
}

/// What DUMP answers for some keys.
pub(super) fn dumps(server: &mut Server, names: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>> {
    let asked: Vec<Vec<&[u8]>> = names.iter().map(|name| vec![&b"DUMP"[..], name]).collect();
    let answers = server.call(&asked)?;
    Ok(answers
        .into_iter()
        .map(|answer| match answer {
            crate::server::Answer::Text(bytes) => Some(bytes),
            _ => None,
        })
        .collect())
}

/// Divides keys so that the values of each part take little memory together.
pub(super) fn parts(keys: Vec<Source>, most_keys: usize) -> Vec<Vec<Source>> {
    let mut parts: Vec<Vec<Source>> = Vec::new();
    let mut bytes = 0_u64;
    for key in keys {
        bytes = bytes.saturating_add(key.bytes);
        match parts.last_mut().filter(|part| bytes <= TOGETHER && part.len() < most_keys) {
            Some(part) => part.push(key),
            None => {
                bytes = key.bytes;
                parts.push(vec![key]);
            }
        }
    }
    parts
}

/// The time, Unix milliseconds.
pub(super) fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
