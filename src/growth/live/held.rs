//! A key that is followed, with what is known of its value.

use super::cost::Cost;
use super::doubt::Doubt;
use super::sizes::Limits;
use super::value::{Fresh, Value};
use super::vectors::Vectors;
use crate::format::rdb::{compress, pack};

/// Bytes of a place in the table of keys.
pub(super) const PLACE: usize = size_of::<Held>() + 8 + 1;

/// A key that is followed.
#[derive(Clone, Debug)]
pub struct Held {
    /// What decides whether it is followed: its own, or that of the key whose value it took over.
    pub(super) coin: u64,
    pub(super) limit: u64,
    /// Its database, by the number that it had at first.
    pub(super) db: u64,
    /// Unix milliseconds.
    pub expire_ms: Option<i64>,
    pub key_len: u64,
    /// Bytes of the key in an RDB.
    pub(super) key_rdb: f64,
    /// What is unknown of the value.
    pub doubt: Doubt,
    /// Bytes written into it.
    pub(super) traffic: u64,
    pub value: Value,
}

impl Held {
    /// How many keys it stands for.
    pub fn weight(&self) -> f64 {
        if self.limit == u64::MAX { 1.0 } else { u64::MAX as f64 / self.limit.max(1) as f64 }
    }

    /// Whether commands wrote into it since a base held it, or it was in none.
    pub fn was_changed(&self) -> bool {
        self.traffic > 0
    }

    /// Bytes of the key's name in an RDB.
    pub fn key_cost(&self) -> Cost {
        // Numbers, which are never compressed, are shorter than what is.
        let is_short = self.key_len <= compress::SHORTEST as u64;
        let raw = pack::length_bytes(self.key_len) + self.key_len;
        let raw = if is_short { self.key_rdb } else { raw as f64 };
        Cost { resp: 0.0, rdb: self.key_rdb, raw }
    }

    /// A command that writes `growth` bytes changes the value.
    #[inline]
    pub(super) fn change(
        &mut self,
        growth: u64,
        limit: u64,
        fresh: Option<(Fresh, &Limits)>,
        adopted: u64,
        apply: impl FnOnce(&mut Self),
    ) -> Changed {
        let before = self.kept();
        if let Some((kind, limits)) = fresh.filter(|(kind, _)| !self.value.is(*kind)) {
            self.value = match (kind, &self.value) {
                (Fresh::Vectors, Value::Opaque(bytes)) => {
                    Value::Vectors(Box::new(Vectors::of_base(*bytes)))
                }
                (_, Value::Opaque(_)) => {
                    self.doubt = Doubt::Open;
                    kind.value(limits)
                }
                _ => kind.value(limits),
            };
            self.expire_ms = None;
        }
        self.traffic = self.traffic.saturating_add(growth);
        let is_heavy = self.traffic > adopted && !matches!(self.value, Value::Text(_));
        self.limit = self.limit.max(if is_heavy { u64::MAX } else { limit });
        apply(self);
        Changed { before, after: self.kept(), is_gone: self.value.is_gone() }
    }

    /// A command took something of a value whose inside is unknown.
    pub fn fades(&mut self) {
        if matches!(self.value, Value::Opaque(_)) {
            self.doubt = self.doubt.max(Doubt::AtMost);
        }
    }

    pub(super) fn kept(&self) -> usize {
        // The table of a hash map is at most seven eighths full and doubles.
        PLACE * 3 / 2 + self.value.kept()
    }
}

/// What became of a key's memory, and of the key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Changed {
    pub(super) before: usize,
    pub(super) after: usize,
    pub(super) is_gone: bool,
}
