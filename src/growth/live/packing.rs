//! What sets, sorted sets and hashes cost, packed or not.

use super::cost::{Cost, Scales, batches, bulk, header, score_text};
use super::members::{INTSET, Kind, Member, Members, PACKED_SET};
use crate::format::rdb::pack;

impl Members {
    /// What it costs, with its key of that length, and the variance that its sample brings.
    pub fn cost(&self, key_len: u64, scales: &mut Scales) -> (Cost, Cost) {
        let count = (self.list.len() as u64) << self.shift;
        let (mut sum, mut squares) = (Cost::default(), Cost::default());
        let is_packed = self.packed(scales);
        for member in &self.list {
            let rdb = if is_packed.is_some() { 0.0 } else { self.member_rdb(member, scales) };
            let one = Cost { resp: self.member_resp(member, key_len), rdb };
            sum += one;
            squares += Cost { resp: one.resp * one.resp, rdb: one.rdb * one.rdb };
        }
        let weight = (1_u64 << self.shift) as f64;
        let mut cost = sum * weight;
        let variance = squares * (weight * (weight - 1.0));
        cost.resp += match self.kind {
            Kind::Set => batches(4, key_len, count, 1),
            Kind::Zset => batches(4, key_len, count, 2),
            Kind::Hash if self.ttls => 0,
            Kind::Hash => batches(5, key_len, count, 2),
        } as f64;
        cost.rdb += is_packed.unwrap_or(pack::length_bytes(count) as f64);
        if self.ttls {
            cost.rdb += 8.0;
        }
        (cost, variance)
    }

    fn member_resp(&self, member: &Member, key_len: u64) -> f64 {
        let name = bulk(member.name_len);
        let bytes = match self.kind {
            Kind::Set => name,
            Kind::Zset => name + bulk(score_text(member.score).len() as u64),
            Kind::Hash => {
                let pair = name + bulk(member.value_len);
                let alone = header(4) + bulk(5) + bulk(key_len);
                // HPEXPIREAT key ms FIELDS 1 field
                let expiry =
                    header(6) + bulk(10) + bulk(key_len) + bulk(13) + bulk(6) + bulk(1) + name;
                pair + if self.ttls { alone } else { 0 } + if member.has_ttl { expiry } else { 0 }
            }
        };
        bytes as f64
    }

    /// Bytes of a member outside of packed encodings.
    fn member_rdb(&self, member: &Member, scales: &mut Scales) -> f64 {
        let name = scales.cut(member.name(), member.name_len);
        let ttl = match (self.ttls, member.has_ttl) {
            (false, _) => 0.0,
            // As a distance from the soonest.
            (true, true) => 5.0,
            (true, false) => 1.0,
        };
        name + ttl
            + match self.kind {
                Kind::Set => 0.0,
                Kind::Zset => 8.0,
                Kind::Hash => scales.cut(member.value(), member.value_len),
            }
    }

    /// Bytes of the packed encoding, when it has one.
    pub(super) fn packed(&self, scales: &mut Scales) -> Option<f64> {
        if self.shift > 0 {
            return None;
        }
        if self.kind == Kind::Set && !self.has_text && self.list.len() <= INTSET {
            return Some(self.intset(scales));
        }
        if self.is_table || self.kind == Kind::Set && self.list.len() > PACKED_SET {
            return None;
        }
        let mut members: Vec<&Member> = self.list.iter().collect();
        if self.kind == Kind::Zset {
            members.sort_by(|a, b| Self::order(a, b));
        }
        let mut entries = Vec::new();
        for member in &members {
            pack::entry(member.name(), &mut entries);
            match self.kind {
                Kind::Set => {}
                Kind::Zset if member.score == member.score.trunc() && member.score.abs() < 1e17 => {
                    pack::number_entry(member.score as i64, &mut entries);
                }
                Kind::Zset => pack::entry(score_text(member.score).as_bytes(), &mut entries),
                Kind::Hash => pack::entry(member.value(), &mut entries),
            }
            if self.ttls {
                // Milliseconds of our time, or none.
                pack::number_entry(if member.has_ttl { 1 << 40 } else { 0 }, &mut entries);
            }
        }
        let per_member = if self.kind == Kind::Set { 1 } else { 2 + usize::from(self.ttls) };
        Some(scales.listpack(&entries, per_member * members.len()))
    }

    fn intset(&self, scales: &mut Scales) -> f64 {
        let mut numbers: Vec<i64> =
            self.list.iter().filter_map(|member| pack::integer(member.name())).collect();
        numbers.sort_unstable();
        let widest = numbers.iter().map(|n| n.unsigned_abs().leading_zeros()).min().unwrap_or(64);
        let width = match 65_u32.saturating_sub(widest) {
            0..=16 => 2,
            17..=32 => 4,
            _ => 8,
        };
        let mut blob = vec![width as u8, 0, 0, 0];
        blob.extend_from_slice(&(numbers.len() as u32).to_le_bytes());
        for number in numbers {
            blob.extend_from_slice(&number.to_le_bytes()[..width]);
        }
        scales.blob(&blob)
    }
}
