//! Sets, sorted sets and hashes: what has names inside.
//!
//! Small ones are kept whole and in their order, for they are packed and compressed as one string. Of large ones a
//! sample is kept, chosen by the hash of the name, so that a member that is written again is found again.

use super::extent::Extent;
use super::hashed::ByHash;
use super::kind::Kind;
use super::sizes::{Limits, Packing};
use crate::format::rdb::pack;

/// Members kept of one value at most, and bytes of them. When memory is short it is less.
const MEMBERS: usize = 1 << 16;
const KEPT: usize = 4 << 20;

/// Members of a sample that is not made smaller.
const FEW: usize = 1024;

/// From so many on, members are looked up by an index.
const INDEXED: usize = 32;

/// Bytes kept of one name, and of one value.
const NAME: usize = 512;
const VALUE: usize = 2048;

#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) hash: u64,
    pub(super) name_len: u64,
    pub(super) value_len: u64,
    /// The beginning of the name, then that of the value.
    data: Box<[u8]>,
    name_kept: u16,
    pub(super) has_ttl: bool,
    pub(super) score: f64,
}

impl Member {
    pub(super) fn name(&self) -> &[u8] {
        &self.data[..usize::from(self.name_kept)]
    }

    pub(super) fn value(&self) -> &[u8] {
        &self.data[usize::from(self.name_kept)..]
    }

    /// A time in milliseconds for a field that expires: which it is is not kept, but times differ from each other.
    pub(super) fn time(&self) -> i64 {
        const OURS: i64 = 1 << 40;
        OURS | (self.hash as i64 & 0x3fff)
    }

    fn kept(&self) -> usize {
        size_of::<Self>() + 16 + self.data.len()
    }
}

/// A string, or the beginning of a long one.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    pub bytes: &'a [u8],
    pub len: u64,
}

/// A set, sorted set or hash.
#[derive(Clone, Debug)]
pub struct Members {
    pub kind: Kind,
    pub(super) packing: Packing,
    pub(super) list: Vec<Member>,
    index: Option<ByHash<u32>>,
    /// Kept are those whose hash has so many zeros in front.
    pub(super) shift: u32,
    kept: usize,
    /// It was too large or too wide for a packed encoding once; it never goes back.
    pub(super) is_table: bool,
    /// Something in it is no number.
    pub(super) has_text: bool,
    /// Members to take away from a sample, in parts of one.
    debt: u64,
    /// Some of its fields expire by themselves.
    pub(super) ttls: bool,
}

impl Members {
    /// An empty one, which is packed as far as the limits say.
    pub fn new(kind: Kind, limits: &Limits) -> Self {
        Self {
            kind,
            packing: limits.packing(kind),
            list: Vec::new(),
            index: None,
            shift: 0,
            kept: 0,
            is_table: false,
            has_text: false,
            debt: 0,
            ttls: false,
        }
    }

    /// An empty one of which a sample is kept as of a larger one.
    pub fn sample(kind: Kind, shift: u32, limits: &Limits) -> Self {
        Self { shift, is_table: shift > 0, ..Self::new(kind, limits) }
    }

    /// An empty one of which a sample is kept as of this one.
    pub fn empty_like(&self) -> Self {
        let (kind, packing, shift) = (self.kind, self.packing, self.shift);
        Self { kind, packing, ..Self::sample(kind, shift, &Limits::default()) }
    }

    /// Whether nothing is left. Of a sample nothing may be left while there are members.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty() && self.shift == 0
    }

    /// Bytes kept in memory, about.
    pub fn kept(&self) -> usize {
        let index = self.index.as_ref().map_or(0, |index| index.capacity() * 20);
        size_of::<Self>() + self.kept + index
    }

    /// Bytes of all members, about.
    pub fn bytes(&self) -> u64 {
        (self.kept as u64) << self.shift
    }

    /// How many members it has, and the bytes of the longest string in it. Of a sample, what is in it.
    pub(super) fn extent(&self) -> Extent {
        let longest = self.list.iter().map(|member| member.name_len.max(member.value_len)).max();
        Extent { count: self.list.len() as u64, bytes: longest.unwrap_or(0) }
    }

    /// The value was no packed encoding in the base.
    pub fn mark_table(&mut self) {
        self.is_table = true;
    }

    fn is_sampled(&self, hash: u64) -> bool {
        hash.leading_zeros() >= self.shift
    }

    pub(super) fn find(&self, hash: u64) -> Option<usize> {
        match &self.index {
            Some(index) => index.get(&hash).map(|at| *at as usize),
            None => self.list.iter().position(|member| member.hash == hash),
        }
    }

    /// Sets a member: its value, when it is a field; its score, when it has one.
    pub fn set(&mut self, hash: u64, name: Piece<'_>, value: Piece<'_>, score: f64) {
        let Packing { most, longest, numbers } = self.packing;
        self.is_table |= name.len > longest || value.len > longest;
        if !self.is_sampled(hash) {
            return;
        }
        if self.kind == Kind::Set && !self.has_text {
            self.has_text = pack::integer(name.bytes).is_none();
        }
        match self.find(hash) {
            Some(at) => self.replace(at, value, score),
            None => self.add(hash, name, value, score),
        }
        let packed = if self.has_text { most } else { most.max(numbers) };
        self.is_table |= self.list.len() > packed;
        if self.kept > KEPT || self.list.len() > MEMBERS {
            self.halve();
        }
    }

    fn replace(&mut self, at: usize, value: Piece<'_>, score: f64) {
        let member = &mut self.list[at];
        member.score = score;
        if self.kind != Kind::Hash {
            return;
        }
        member.value_len = value.len;
        let kept = &value.bytes[..value.bytes.len().min(VALUE)];
        let name_kept = usize::from(member.name_kept);
        self.kept -= member.kept();
        if member.data.len() == name_kept + kept.len() {
            member.data[name_kept..].copy_from_slice(kept);
        } else {
            member.data = [member.name(), kept].concat().into();
        }
        self.kept += member.kept();
    }

    fn add(&mut self, hash: u64, name: Piece<'_>, value: Piece<'_>, score: f64) {
        let name_kept = &name.bytes[..name.bytes.len().min(NAME)];
        let value_kept = &value.bytes[..value.bytes.len().min(VALUE)];
        let member = Member {
            hash,
            name_len: name.len,
            value_len: value.len,
            data: [name_kept, value_kept].concat().into(),
            name_kept: name_kept.len() as u16,
            has_ttl: false,
            score,
        };
        self.kept += member.kept();
        if let Some(index) = &mut self.index {
            index.insert(hash, self.list.len() as u32);
        }
        self.list.push(member);
        if self.index.is_none() && self.list.len() > INDEXED {
            self.reindex();
        }
    }

    fn reindex(&mut self) {
        let places = self.list.iter().zip(0..).map(|(member, at)| (member.hash, at));
        self.index = (self.list.len() > INDEXED).then(|| places.collect());
    }

    /// Keeps half of the sample.
    fn halve(&mut self) {
        self.shift += 1;
        self.is_table = true;
        let shift = self.shift;
        self.keep(|member| member.hash.leading_zeros() >= shift);
    }

    /// Keeps no more than so many bytes, or few members.
    pub fn thin(&mut self, bytes: usize) {
        while self.kept > bytes && self.list.len() > FEW {
            self.halve();
        }
    }

    fn keep(&mut self, is_kept: impl Fn(&Member) -> bool) {
        self.list.retain(|member| is_kept(member));
        self.kept = self.list.iter().map(Member::kept).sum();
        self.reindex();
    }

    /// Takes a member away.
    pub fn remove(&mut self, hash: u64) {
        let Some(at) = self.find(hash) else { return };
        self.kept -= self.list[at].kept();
        let Some(index) = &mut self.index else {
            // The order of a small one is that of its packed encoding.
            self.list.remove(at);
            return;
        };
        index.remove(&hash);
        if self.is_table {
            self.list.swap_remove(at);
            if let Some(moved) = self.list.get(at) {
                index.insert(moved.hash, at as u32);
            }
        } else {
            self.list.remove(at);
            self.reindex();
        }
    }

    /// Adds to the number that a field holds, or to a score.
    pub fn add_to(&mut self, hash: u64, name: Piece<'_>, by: f64) {
        let at = self.find(hash);
        let old = at.map_or(0.0, |at| {
            let member = &self.list[at];
            let text = std::str::from_utf8(member.value()).ok();
            match self.kind {
                Kind::Hash => text.and_then(|text| text.parse().ok()).unwrap_or(0.0),
                _ => member.score,
            }
        });
        let sum = old + by;
        let text = format!("{sum}");
        let value = if self.kind == Kind::Hash { text.as_bytes() } else { &[] };
        self.set(hash, name, Piece { bytes: value, len: value.len() as u64 }, sum);
    }

    /// Whether a field expires by itself from now on.
    pub fn set_ttl(&mut self, hash: u64, has_ttl: bool) {
        self.ttls |= has_ttl;
        if let Some(at) = self.find(hash) {
            self.list[at].has_ttl = has_ttl;
        }
    }

    /// Takes `n` members away at one end of the scores.
    pub fn pop(&mut self, smallest: bool, n: u64) {
        self.debt += n;
        let n = usize::try_from(self.debt >> self.shift).unwrap_or(usize::MAX);
        self.debt -= (n as u64) << self.shift;
        let count = self.list.len();
        let range = if smallest { 0..n.min(count) } else { count.saturating_sub(n)..count };
        if range.len() == 1 {
            // The usual case needs no order.
            let by_score = |a: &&Member, b: &&Member| Self::order(a, b);
            let end = if smallest {
                self.list.iter().min_by(by_score)
            } else {
                self.list.iter().max_by(by_score)
            };
            if let Some(hash) = end.map(|member| member.hash) {
                self.remove(hash);
            }
            return;
        }
        self.remove_ranks(range);
    }

    pub(super) fn order(a: &Member, b: &Member) -> std::cmp::Ordering {
        a.score.total_cmp(&b.score).then_with(|| a.name().cmp(b.name()))
    }

    fn remove_ranks(&mut self, ranks: std::ops::Range<usize>) {
        let mut places: Vec<u32> = (0..self.list.len() as u32).collect();
        places.sort_by(|a, b| Self::order(&self.list[*a as usize], &self.list[*b as usize]));
        let gone: Vec<u64> =
            places[ranks].iter().map(|place| self.list[*place as usize].hash).collect();
        gone.into_iter().for_each(|hash| self.remove(hash));
    }

    /// ZREMRANGEBYRANK
    pub fn remove_by_rank(&mut self, start: i64, stop: i64) {
        let count = (self.list.len() as i64) << self.shift;
        let place = |at: i64| if at < 0 { at.saturating_add(count) } else { at };
        let (start, stop) = (place(start).max(0), place(stop).min(count - 1));
        if start <= stop {
            let scaled = |at: i64| usize::try_from(at >> self.shift).unwrap_or(0);
            let end = scaled(stop + 1).min(self.list.len());
            self.remove_ranks(scaled(start).min(end)..end);
        }
    }

    /// Takes away all whose score or name is inside.
    pub fn remove_where(&mut self, is_inside: impl Fn(f64, &[u8]) -> bool) {
        self.keep(|member| !is_inside(member.score, member.name()));
    }
}

#[cfg(test)]
mod tests {
    use super::super::cost::Scales;
    use super::super::dialect::Dialect;
    use super::*;

    fn piece(text: &str) -> Piece<'_> {
        Piece { bytes: text.as_bytes(), len: text.len() as u64 }
    }

    /// A stand-in for a hash: well mixed, the same for the same number.
    fn mixed(number: u64) -> u64 {
        let mut z = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z ^ (z >> 31)
    }

    #[test]
    fn a_large_value_is_estimated_from_a_sample() {
        let mut large = Members::new(Kind::Hash, &Limits::default());
        for i in 0..100_000 {
            large.set(mixed(i), piece(&format!("field:{i:06}")), piece("0123456789"), 0.0);
        }
        for i in 0..50_000 {
            large.remove(mixed(i));
        }
        for i in 60_000..70_000 {
            large.set(mixed(i), piece("field:______"), piece("longer than before!!"), 0.0);
        }
        large.thin(1 << 20);
        assert!(large.kept() < 1 << 21, "{}", large.kept());
        let (cost, variance) = large.cost(4, Dialect::LATEST, &mut Scales::default());
        let exact = 50_000.0 * (18.0 + 17.0) + 10_000.0 * 10.0;
        assert!((cost.resp / exact - 1.0).abs() < 0.08, "{} of {exact}", cost.resp);
        assert!(variance.resp.sqrt() < 0.04 * exact && variance.resp > 0.0);
    }

    #[test]
    fn small_values_are_packed_and_wide_ones_are_not() {
        let mut set = Members::new(Kind::Set, &Limits::default());
        for i in 0..100 {
            set.set(mixed(i), piece(&i.to_string()), piece(""), 0.0);
        }
        let mut scales = Scales::default();
        // An intset of two bytes each does not compress well, but it does.
        assert!(set.cost(1, Dialect::LATEST, &mut scales).0.rdb < 211.0);
        set.set(mixed(1000), piece("text"), piece(""), 0.0);
        assert!(set.packed(Dialect::LATEST, &mut scales).is_some());
        set.set(mixed(1001), piece(&"x".repeat(65)), piece(""), 0.0);
        assert!(set.packed(Dialect::LATEST, &mut scales).is_none());
        set.remove(mixed(1001));
        assert!(set.packed(Dialect::LATEST, &mut scales).is_none(), "it never goes back");
    }

    #[test]
    fn sorted_sets_lose_members_at_either_end() {
        let mut zset = Members::new(Kind::Zset, &Limits::default());
        for i in 0..40 {
            zset.set(mixed(i), piece(&format!("m{i}")), piece(""), i as f64);
        }
        zset.pop(true, 1);
        zset.pop(false, 3);
        zset.remove_by_rank(0, 4);
        zset.remove_where(|score, _| score >= 30.0);
        zset.add_to(mixed(10), piece("m10"), 0.5);
        let mut scores: Vec<f64> = zset.list.iter().map(|member| member.score).collect();
        scores.sort_by(f64::total_cmp);
        let left: Vec<f64> = (6..30).map(|i| if i == 10 { 10.5 } else { f64::from(i) }).collect();
        assert_eq!(scores, left);
    }
}
