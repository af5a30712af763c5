//! What a key with its value takes in a server's memory.

use super::heap::{OBJECT, Tables, allocated, string};
use crate::format::rdb::pack;
use crate::growth::live::chain::Chain;
use crate::growth::live::dialect::{Dialect, Fields};
use crate::growth::live::held::Held;
use crate::growth::live::kind::Kind;
use crate::growth::live::members::{Member, Members};
use crate::growth::live::packing::Form;
use crate::growth::live::sizes::Nodes;
use crate::growth::live::sketch::Sketch;
use crate::growth::live::stream::Stream;
use crate::growth::live::text::Text;
use crate::growth::live::value::Value;

/// Longest string that lies within its object, bytes.
const EMBEDDED: u64 = 44;

/// A cache line: servers of later versions put a string into its object while all of it fits.
const LINE: f64 = 64.0;

/// Bytes of a field and its value up to which they are one allocation.
const JOINED: f64 = 128.0;

/// Frame of a packed encoding.
const FRAME: f64 = pack::FRAME as f64;

/// A server's memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heap {
    pub tables: Tables,
    pub dialect: Dialect,
    pub list: Nodes,
}

impl Heap {
    /// Bytes of a key with all that it holds, but for its place in the table of keys. `None` where what is inside of
    /// it is not known.
    pub(super) fn key(&self, held: &Held) -> Option<f64> {
        let value = match &held.value {
            Value::Text(text) => return Some(self.text_key(held, text)),
            Value::Sketch(sketch) => allocated(sketch_bytes(sketch)),
            Value::List(chain) => self.list(chain),
            Value::Members(members) => self.members(members, held.was_changed()),
            Value::Stream(stream) => {
                self.tables.stream() + stream_bytes(stream, held.was_changed())
            }
            Value::Vectors(_) | Value::Opaque(_) => return None,
        };
        Some(self.object(held, 0.0) + value)
    }

    /// The object of a key, with so many bytes of a string inside.
    fn object(&self, held: &Held, embedded: f64) -> f64 {
        let key = string(held.key_len);
        if !self.tables.joins_keys() {
            return allocated(OBJECT + embedded) + allocated(key);
        }
        let expiry = if held.expire_ms.is_some() { 8.0 } else { 0.0 };
        allocated(OBJECT + expiry + 1.0 + key + embedded)
    }

    fn text_key(&self, held: &Held, text: &Text) -> f64 {
        if text.whole().is_some_and(|text| pack::integer(text).is_some()) {
            return self.object(held, 0.0);
        }
        let embedded = text.len() as f64 + 4.0;
        let is_embedded = match self.tables {
            Tables::Entries | Tables::Lean | Tables::Joined => text.len() <= EMBEDDED,
            Tables::JoinedMembers | Tables::Buckets => {
                OBJECT + string(held.key_len) + embedded <= LINE
            }
            // The pointer to the string is not there.
            Tables::BucketsMembers => OBJECT + string(held.key_len) + embedded <= 2.0 * LINE,
        };
        match is_embedded {
            true if self.tables == Tables::BucketsMembers => self.object(held, embedded - 8.0),
            true => self.object(held, embedded),
            false => self.object(held, 0.0) + allocated(string(text.room().max(32))),
        }
    }

    fn list(&self, chain: &Chain) -> f64 {
        let (bytes, nodes) = (chain.bytes() as f64, chain.node_count().max(1) as f64);
        let is_packed = nodes < 2.0 && bytes <= self.list.bytes as f64;
        if is_packed && self.tables != Tables::Entries {
            return allocated(bytes + FRAME);
        }
        allocated(40.0) + nodes * (allocated(32.0) + allocated(bytes / nodes + FRAME))
    }

    fn members(&self, members: &Members, was_changed: bool) -> f64 {
        let count = members.list.len() as f64;
        match members.form(self.dialect) {
            Form::Numbers => allocated(8.0 + count * f64::from(members.width())),
            Form::Packed => {
                let bytes: f64 =
                    members.list.iter().map(|member| packed(members.kind, member)).sum();
                let times = if members.ttls { 9.0 * count } else { 0.0 };
                allocated(FRAME + bytes + times)
            }
            Form::Table => {
                let bytes: f64 =
                    members.list.iter().map(|member| self.member(members.kind, member)).sum();
                let weight = (1_u64 << members.shift) as f64;
                let grown = if was_changed { self.tables.grown() } else { 1.0 };
                bytes * weight + self.tables.head() + grown * self.tables.table(count * weight)
            }
        }
    }

    /// Bytes of a member outside of packed encodings.
    fn member(&self, kind: Kind, member: &Member) -> f64 {
        let name = string(member.name_len);
        let is_joined = !matches!(self.tables, Tables::Entries | Tables::Lean | Tables::Joined);
        match kind {
            Kind::Set => allocated(name) + self.tables.set_entry(),
            Kind::Zset => {
                /// Score, links, and the levels that one has on average.
                const NODE: f64 = 45.0;
                match self.tables {
                    Tables::JoinedMembers | Tables::BucketsMembers => {
                        allocated(NODE - 8.0 + name) + self.tables.set_entry()
                    }
                    Tables::Buckets => allocated(name) + allocated(NODE) + self.tables.set_entry(),
                    _ => allocated(name) + allocated(NODE) + allocated(24.0),
                }
            }
            Kind::Hash => {
                let value = string(member.value_len);
                let expiry = match (member.has_ttl, self.dialect.fields) {
                    (false, _) => 0.0,
                    (true, Fields::Plain) => 8.0,
                    (true, Fields::Packed) => 24.0,
                };
                expiry
                    + self.tables.hash_entry()
                    + match is_joined {
                        true if name + value + 2.0 <= JOINED => allocated(name + value + 2.0),
                        true => allocated(name + 10.0) + allocated(value),
                        false => allocated(name) + allocated(value),
                    }
            }
        }
    }
}

/// Bytes of a member inside a packed encoding.
fn packed(kind: Kind, member: &Member) -> f64 {
    let name = entry(member.name(), member.name_len);
    name + match kind {
        Kind::Set => 0.0,
        Kind::Zset if member.score.fract() == 0.0 => 3.0,
        Kind::Zset => 10.0,
        Kind::Hash => entry(member.value(), member.value_len),
    }
}

/// Bytes of a packed entry.
fn entry(text: &[u8], len: u64) -> f64 {
    match pack::integer(text) {
        Some(0..=127) => 2.0,
        Some(-4096..=4095) => 3.0,
        Some(-32768..=32767) => 4.0,
        Some(_) => 6.0,
        None => len as f64 + if len < 64 { 2.0 } else { 4.0 },
    }
}

fn sketch_bytes(sketch: &Sketch) -> f64 {
    /// Header, and the stretches of zeros around a register that is set.
    const HEAD: f64 = 18.0;
    const REGISTER: f64 = 3.0;
    match sketch {
        Sketch::Sparse(set) => HEAD + REGISTER * set.len() as f64,
        Sketch::Dense(registers) => registers.len() as f64 * 0.75 + HEAD,
    }
}

/// Bytes of a stream's nodes and groups. One to which commands added has room for a whole node at its end.
fn stream_bytes(stream: &Stream, was_changed: bool) -> f64 {
    const NODE: f64 = 60.0;
    /// Bytes that a server allocates for a node at once.
    const ROOM: f64 = 4096.0;
    let (bytes, nodes) = (stream.bytes() as f64, stream.node_count().max(1) as f64);
    let each = bytes / nodes + FRAME;
    let room = if was_changed { (ROOM - each).max(0.0) } else { 0.0 };
    nodes * (NODE + allocated(each)) + room + stream.groups.memory()
}
