//! The value of one key, piece by piece.
//!
//! | type | asked | counts |
//! |---|---|---|
//! | string | GETRANGE | its bytes |
//! | list | LRANGE | elements in their order |
//! | set | SSCAN | members |
//! | sorted set | ZRANGE WITHSCORES | members and scores in their order |
//! | hash | HSCAN, HPEXPIRETIME | fields and values; of those that expire, the time |
//! | stream | XRANGE, XINFO STREAM | see [`super::stream`] |
//! | set of vectors | VRANDMEMBER, VEMB RAW, VGETATTR | see [`super::vectors`] |
//! | any other | DUMP | its bytes |

use super::replies::{bytes, cursor_and_items, items};
use super::seen::{PIECE, Seen};
use redis::{Cmd, Value, cmd};

use super::stream::Stream;
use super::vectors::Vectors;
use crate::server::contents::{Hash, KeyId, NEVER, Row};

/// Bytes of the first piece of a string.
const FIRST_BYTES: usize = 64 * 1024;

enum Kind {
    Text,
    List,
    Sorted,
    Set { cursor: Vec<u8> },
    Hash { cursor: Vec<u8>, waiting: Vec<Value>, has_times: bool },
    Stream(Stream),
    Vectors(Vectors),
    Other,
}

/// A key that is being read.
pub(super) struct Reading {
    name: Vec<u8>,
    kind: Kind,
    kind_name: String,
    expires: i64,
    /// Of what has an order.
    hash: Hash,
    /// Of what has none.
    sum: u128,
    /// Bytes or items that were taken, of a hash without those that expire.
    taken: u64,
    seen: Seen,
    /// Fields that expire: hashes of name and value, and when.
    fading: Vec<(u64, u64, i64)>,
}

impl Reading {
    /// `has_field_times`: fields of hashes may expire.
    pub fn new(name: Vec<u8>, kind_name: String, expires: i64, has_field_times: bool) -> Self {
        let cursor = b"0".to_vec();
        let kind = match kind_name.as_str() {
            "string" => Kind::Text,
            "list" => Kind::List,
            "zset" => Kind::Sorted,
            "set" => Kind::Set { cursor },
            "hash" => Kind::Hash { cursor, waiting: Vec::new(), has_times: has_field_times },
            "stream" => Kind::Stream(Stream::default()),
            "vectorset" => Kind::Vectors(Vectors::default()),
            _ => Kind::Other,
        };
        let (hash, seen) = (Hash::default(), Seen::default());
        Self { name, kind, kind_name, expires, hash, sum: 0, taken: 0, seen, fading: Vec::new() }
    }

    /// What to ask for next.
    pub fn ask(&self, asked: &mut Vec<Cmd>) {
        let (name, from) = (&self.name, self.taken);
        let to = from + self.seen.next() - 1;
        asked.push(match &self.kind {
            Kind::Text => {
                let to = from + self.text_piece() as u64 - 1;
                cmd("GETRANGE").arg(name).arg(from).arg(to).take()
            }
            Kind::List => cmd("LRANGE").arg(name).arg(from).arg(to).take(),
            Kind::Sorted => cmd("ZRANGE").arg(name).arg(from).arg(to).arg("WITHSCORES").take(),
            Kind::Set { cursor } => self.scan("SSCAN", cursor),
            Kind::Hash { cursor, waiting, .. } if waiting.is_empty() => self.scan("HSCAN", cursor),
            Kind::Hash { waiting, .. } => {
                let mut times = cmd("HPEXPIRETIME");
                times.arg(name).arg("FIELDS").arg(waiting.len() / 2);
                waiting.chunks_exact(2).for_each(|pair| _ = times.arg(bytes(&pair[0])));
                times
            }
            Kind::Stream(stream) => stream.ask(name, self.seen.next()),
            Kind::Vectors(vectors) => return vectors.ask(name, asked),
            Kind::Other => cmd("DUMP").arg(name).take(),
        });
    }

    fn scan(&self, command: &str, cursor: &[u8]) -> Cmd {
        cmd(command).arg(&self.name).arg(cursor).arg("COUNT").arg(self.seen.next()).take()
    }

    fn text_piece(&self) -> usize {
        if self.taken == 0 { FIRST_BYTES } else { PIECE as usize }
    }

    /// Takes the answers to [`Self::ask`]. Answers whether that was all; `None` when they make no sense.
    pub fn take(&mut self, mut answers: Vec<Value>) -> Option<bool> {
        if let Kind::Vectors(vectors) = &mut self.kind {
            return Some(vectors.take(&answers, &mut self.hash, &mut self.sum));
        }
        let answer = answers.pop()?;
        match &mut self.kind {
            Kind::Text => {
                let (text, wanted) = (bytes(&answer), self.text_piece());
                self.hash.add(text);
                self.taken += text.len() as u64;
                Some(text.len() < wanted)
            }
            Kind::List | Kind::Sorted => Some(self.take_in_order(&answer)),
            Kind::Set { cursor } => {
                let (next, members) = cursor_and_items(answer)?;
                *cursor = next;
                let is_all = *cursor == b"0";
                for member in &members {
                    self.seen.add(member);
                    self.sum = self.sum.wrapping_add(Hash::of(&[bytes(member)]).wide());
                }
                self.taken += members.len() as u64;
                Some(is_all)
            }
            Kind::Hash { .. } => self.take_of_hash(answer),
            Kind::Stream(stream) => stream.take(&answer, &mut self.hash, &mut self.seen),
            Kind::Vectors(_) | Kind::Other => {
                self.hash.add(bytes(&answer));
                Some(true)
            }
        }
    }

    fn take_in_order(&mut self, answer: &Value) -> bool {
        let (items, wanted) = (items(answer), self.seen.next());
        for item in items {
            self.seen.add(item);
            self.hash.add(bytes(item));
        }
        // Each member of a sorted set comes with its score.
        let each = if matches!(self.kind, Kind::Sorted) { 2 } else { 1 };
        let came = items.len() as u64 / each;
        self.taken += came;
        came < wanted
    }

    fn take_of_hash(&mut self, answer: Value) -> Option<bool> {
        let Kind::Hash { cursor, waiting, has_times } = &mut self.kind else { return None };
        let (fields, times) = if waiting.is_empty() {
            let (next, fields) = cursor_and_items(answer)?;
            *cursor = next;
            if *has_times && !fields.is_empty() {
                *waiting = fields;
                return Some(false);
            }
            (fields, Vec::new())
        } else {
            let Value::Array(times) = answer else { return None };
            (std::mem::take(waiting), times)
        };
        for (place, pair) in fields.chunks_exact(2).enumerate() {
            let (field, value) = (bytes(&pair[0]), bytes(&pair[1]));
            pair.iter().for_each(|item| self.seen.add(item));
            match times.get(place) {
                None | Some(Value::Int(NEVER)) => {
                    self.sum = self.sum.wrapping_add(Hash::of(&[field, value]).wide());
                    self.taken += 1;
                }
                Some(Value::Int(at)) if *at >= 0 => {
                    let value = Hash::of(&[value, &at.to_le_bytes()]).narrow();
                    self.fading.push((Hash::of(&[field]).narrow(), value, *at));
                }
                // It has expired meanwhile.
                Some(_) => {}
            }
        }
        Some(*cursor == b"0")
    }

    /// Puts down what was read.
    pub fn end(self, db: u64, rows: &mut Vec<Row>) {
        let (key, expires) = (KeyId::new(db, &self.name), self.expires);
        for (field, value, at) in self.fading {
            let value = Hash::of(&[&value.to_le_bytes(), &expires.to_le_bytes()]).narrow();
            let until = if expires == NEVER { at } else { at.min(expires) };
            rows.push(Row { key, field, value, expires: until });
        }
        // A hash of which nothing stays goes with its last field, sooner or later.
        if matches!(self.kind, Kind::Hash { .. }) && self.taken == 0 {
            return;
        }
        let (sum, count, hash) = (self.sum, self.taken, self.hash.wide());
        let parts = [
            self.kind_name.as_bytes(),
            &sum.to_le_bytes(),
            &count.to_le_bytes(),
            &hash.to_le_bytes(),
        ];
        rows.push(Row { key, field: 0, value: Hash::of(&parts).narrow(), expires });
    }
}
