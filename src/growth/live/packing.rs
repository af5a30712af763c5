//! What sets, sorted sets and hashes cost, packed or not.

use super::cost::{Cost, Scales, batches, bulk, header};
use super::dialect::{Dialect, Fields};
use super::kind::Kind;
use super::members::{Member, Members};
use super::score;
use super::sizes::Packing;
use crate::format::rdb::pack;

/// How a server keeps sets, sorted sets and hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A set of numbers.
    Numbers,
    /// All members in one string.
    Packed,
    /// A table, and what finds them by score.
    Table,
}

impl Members {
    /// What it costs, with its key of that length, and the variance that its sample brings.
    pub fn cost(&self, key_len: u64, dialect: Dialect, scales: &mut Scales) -> (Cost, Cost) {
        let count = (self.list.len() as u64) << self.shift;
        let (mut sum, mut squares) = (Cost::default(), Cost::default());
        let packed = self.packed(dialect, scales);
        let has_ttls = self.ttls && self.list.iter().any(|member| member.has_ttl);
        for member in &self.list {
            let mut one = self.member_resp(member, key_len, dialect);
            if packed.is_none() {
                one += self.member_rdb(member, dialect, scales);
            }
            sum += one;
            squares += one.map(|bytes| bytes * bytes);
        }
        let weight = (1_u64 << self.shift) as f64;
        let mut cost = sum * weight;
        let variance = squares * (weight * (weight - 1.0));
        let lasting = self.list.iter().filter(|member| !member.has_ttl).count() as u64;
        cost += Cost::of_commands(match self.kind {
            Kind::Set => batches(4, key_len, count, 1),
            Kind::Zset => batches(4, key_len, count, 2),
            Kind::Hash if !self.ttls => batches(5, key_len, count, 2),
            Kind::Hash if dialect.fields == Fields::Packed => 0,
            Kind::Hash => batches(5, key_len, lasting << self.shift, 2),
        });
        cost += packed.unwrap_or(Cost::of_rdb(pack::length_bytes(count)));
        if has_ttls && dialect.fields == Fields::Packed {
            cost += Cost::of_rdb(8);
        }
        (cost, variance)
    }

    /// The same in each form in which a server with some limits has it. Of a sample, the sample alone.
    pub fn in_each_form(&self) -> Vec<Self> {
        let of = |is_table: bool, most: usize, numbers: usize| {
            let packing = Packing { most, numbers, ..self.packing };
            let mut form = self.clone();
            (form.packing, form.is_table, form.shift) = (packing, is_table, 0);
            form
        };
        let mut forms = vec![of(true, 0, 0), of(false, usize::MAX, 0)];
        if self.kind == Kind::Set && !self.has_text {
            forms.push(of(false, usize::MAX, usize::MAX));
        }
        forms
    }

    /// Whether not all servers write it alike.
    pub fn depends_on_dialect(&self) -> bool {
        match self.kind {
            Kind::Set => self.has_text && !self.is_table,
            Kind::Zset => {
                !self.is_table
                    || self.list.iter().any(|member| score::whole(member.score).is_none())
            }
            Kind::Hash => self.ttls || !self.is_table,
        }
    }

    /// By how much its cost may be off either way: how alike times are, and so how well they compress, is not known.
    pub fn perhaps(&self) -> Cost {
        /// Bytes for each time.
        const OFF: f64 = 2.0;
        let times = self.list.iter().filter(|member| member.has_ttl).count() as u64;
        Cost { resp: 0.0, rdb: OFF * (times << self.shift) as f64, raw: 0.0 }
    }

    fn member_resp(&self, member: &Member, key_len: u64, dialect: Dialect) -> Cost {
        let name = bulk(member.name_len);
        let bytes = match self.kind {
            Kind::Set => name,
            Kind::Zset => name + bulk(dialect.score(member.score).len() as u64),
            Kind::Hash => {
                let pair = name + bulk(member.value_len);
                pair + match (self.ttls, dialect.fields, member.has_ttl) {
                    (false, ..) | (true, Fields::Plain, false) => 0,
                    // HSETEX key PXAT ms FIELDS 1 field value
                    (true, Fields::Plain, true) => {
                        let words = bulk(6) + bulk(4) + bulk(13) + bulk(6) + bulk(1);
                        header(8) + bulk(key_len) + words
                    }
                    // HMSET key field value, then HPEXPIREAT key ms FIELDS 1 field
                    (true, Fields::Packed, has_ttl) => {
                        let alone = header(4) + bulk(5) + bulk(key_len);
                        let words = bulk(10) + bulk(13) + bulk(6) + bulk(1);
                        let expiry = header(6) + bulk(key_len) + words + name;
                        alone + if has_ttl { expiry } else { 0 }
                    }
                }
            }
        };
        Cost::of_commands(bytes)
    }

    /// Bytes of a member outside of packed encodings.
    fn member_rdb(&self, member: &Member, dialect: Dialect, scales: &mut Scales) -> Cost {
        let name = scales.cut(member.name(), member.name_len);
        let ttl = match (self.ttls, dialect.fields, member.has_ttl) {
            (false, _, _) => 0,
            (true, Fields::Plain, _) => 8,
            // As a distance from the soonest.
            (true, Fields::Packed, true) => 5,
            (true, Fields::Packed, false) => 1,
        };
        name + match self.kind {
            Kind::Set => Cost::default(),
            Kind::Zset => Cost::of_rdb(8),
            Kind::Hash => Cost::of_rdb(ttl) + scales.cut(member.value(), member.value_len),
        }
    }

    /// How a server keeps it.
    pub(super) fn form(&self, dialect: Dialect) -> Form {
        if self.shift > 0 {
            return Form::Table;
        }
        if self.kind == Kind::Set && !self.has_text && self.list.len() <= self.packing.numbers {
            return Form::Numbers;
        }
        let is_plain = match self.kind {
            Kind::Set => !dialect.packs_sets || self.list.len() > self.packing.most,
            Kind::Zset => false,
            Kind::Hash => self.ttls && dialect.fields == Fields::Plain,
        };
        if self.is_table || is_plain { Form::Table } else { Form::Packed }
    }

    /// Bytes of the packed encoding, when it has one.
    pub(super) fn packed(&self, dialect: Dialect, scales: &mut Scales) -> Option<Cost> {
        match self.form(dialect) {
            Form::Numbers => return Some(self.intset(scales)),
            Form::Table => return None,
            Form::Packed => {}
        }
        let mut members: Vec<&Member> = self.list.iter().collect();
        if self.kind == Kind::Zset {
            members.sort_by(|a, b| Self::order(a, b));
        }
        if self.ttls {
            // Those that expire come first, the soonest before the others.
            members.sort_by_key(|member| if member.has_ttl { member.time() } else { i64::MAX });
        }
        let mut entries = Vec::new();
        for member in &members {
            pack::entry(member.name(), &mut entries);
            match self.kind {
                Kind::Set => {}
                Kind::Zset => match score::whole(member.score) {
                    Some(number) => pack::number_entry(number, &mut entries),
                    None => pack::entry(dialect.score(member.score).as_bytes(), &mut entries),
                },
                Kind::Hash => pack::entry(member.value(), &mut entries),
            }
            if self.ttls {
                pack::number_entry(if member.has_ttl { member.time() } else { 0 }, &mut entries);
            }
        }
        let per_member = if self.kind == Kind::Set { 1 } else { 2 + usize::from(self.ttls) };
        let more = if dialect.has_ziplists { Self::ziplist_extra(&entries) } else { 0 };
        Some(scales.listpack(&entries, per_member * members.len()) + Cost::of_rdb(more))
    }

    /// Bytes that a ziplist takes beyond a listpack of these entries: its frame, and numbers that it has no short
    /// form for.
    fn ziplist_extra(entries: &[u8]) -> u64 {
        const FRAME: u64 = 4;
        let (mut at, mut extra) = (0, FRAME);
        while let Some((value, len)) = pack::first(&entries[at..]) {
            let is_longer = matches!(value, pack::Packed::Number(13..=4095 | -4096..=-129));
            extra += u64::from(is_longer);
            at += len;
        }
        extra
    }

    /// Bytes of each number of a set of numbers: as many as the widest takes.
    pub(super) fn width(&self) -> u8 {
        let numbers = self.list.iter().filter_map(|member| pack::integer(member.name()));
        let widest = numbers.map(|n| n.unsigned_abs().leading_zeros()).min().unwrap_or(64);
        match 65_u32.saturating_sub(widest) {
            0..=16 => 2,
            17..=32 => 4,
            _ => 8,
        }
    }

    fn intset(&self, scales: &mut Scales) -> Cost {
        let mut numbers: Vec<i64> =
            self.list.iter().filter_map(|member| pack::integer(member.name())).collect();
        numbers.sort_unstable();
        let width = self.width();
        let mut blob = vec![width, 0, 0, 0];
        blob.extend_from_slice(&(numbers.len() as u32).to_le_bytes());
        for number in numbers {
            blob.extend_from_slice(&number.to_le_bytes()[..usize::from(width)]);
        }
        scales.blob(&blob)
    }
}
