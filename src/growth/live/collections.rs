//! Applies records to lists, sets, sorted sets, hashes and streams.

use super::arguments::{Met, is, number, piece};
use super::cost::{bulk, header};
use super::doubt::Doubt;
use super::keys::{Keys, Name};
use super::kind::Kind;
use super::members::{Members, Piece};
use super::op::Op;
use super::stream::{Id, Stream};
use super::value::{Fresh, Value};
use crate::format::resp::{Arg, Args};

impl Keys {
    pub(super) fn list(&mut self, op: Op, name: &Name<'_>, growth: u64, mut args: Args<'_>) {
        let (growth, fresh) = match op {
            Op::Push(_) => (growth, Some(Fresh::List)),
            _ => (0, None),
        };
        self.change(name, growth, fresh, |held, scales| {
            let Value::List(chain) = &mut held.value else { return held.fades() };
            match op {
                Op::Push(left) => args.for_each(|arg| chain.push(left, arg.head, arg.len, scales)),
                Op::Pop(left) => {
                    chain.pop(left, number(args.next()).unwrap_or(1).unsigned_abs());
                }
                Op::ListTrim => {
                    if let (Some(start), Some(stop)) = (number(args.next()), number(args.next())) {
                        chain.trim(start, stop);
                    }
                }
                Op::ListRemove => {
                    if let (Some(count), Some(value)) = (number(args.next()), args.next()) {
                        chain.remove(count, value.head);
                    }
                }
                Op::ListSet => {
                    let index = number(args.next());
                    if let (Some(_), Some(value)) = (index, args.next()) {
                        chain.put(index, value.head, value.len);
                    }
                }
                _ => {
                    if let Some(value) = args.nth(2) {
                        chain.put(None, value.head, value.len);
                    }
                }
            }
        });
    }
    pub(super) fn members(&mut self, op: Op, name: &Name<'_>, growth: u64, mut args: Args<'_>) {
        let (kind, makes) = match op {
            Op::SetAdd => (Kind::Set, true),
            Op::SortedAdd | Op::PlacesAdd => (Kind::Zset, true),
            Op::FieldsSet | Op::FieldsSetFor => (Kind::Hash, true),
            Op::AddTo(kind) => (kind, true),
            Op::Remove(kind) => (kind, false),
            Op::FieldsExpire(_) => (Kind::Hash, false),
            _ => (Kind::Zset, false),
        };
        let (growth, fresh) = if makes { (growth, Some(Fresh::Members(kind))) } else { (0, None) };
        // The hash of a name needs the keys' seed, the change needs the keys.
        let seed = self.inner_hasher();
        self.change(name, growth, fresh, |held, _| {
            let Value::Members(members) = &mut held.value else { return held.fades() };
            match op {
                Op::SortedPop(smallest) => {
                    members.pop(smallest, number(args.next()).unwrap_or(1).unsigned_abs());
                }
                Op::RemoveByRank => {
                    if let (Some(start), Some(stop)) = (number(args.next()), number(args.next())) {
                        members.remove_by_rank(start, stop);
                    }
                }
                Op::RemoveByScore => remove_scores(members, args),
                Op::RemoveByName => remove_names(members, args),
                _ => change_members(op, members, args, &seed),
            }
        });
    }

    pub(super) fn stream(&mut self, op: Op, name: &Name<'_>, growth: u64, mut args: Args<'_>) {
        let fresh = (op == Op::StreamAdd).then_some(Fresh::Stream);
        let seed = self.inner_hasher();
        let (written, in_base) = (growth, self.in_base);
        let growth = if fresh.is_some() { growth } else { 0 };
        self.change(name, growth, fresh, |held, scales| {
            let Value::Stream(stream) = &mut held.value else { return held.fades() };
            match op {
                Op::StreamAdd => {
                    stream.is_rough |= in_base;
                    add_entry(stream, args, scales);
                }
                Op::StreamNote => stream.note(written),
                Op::StreamTrim => {
                    if let Some(word) = args.next() {
                        trim(stream, &word, &mut args);
                    }
                }
                Op::StreamDelete => {
                    args.filter_map(|arg| id(arg.head)).for_each(|id| stream.delete(id));
                }
                Op::StreamDeleteFrom => {
                    // What is still pending somewhere stays then.
                    if args.clone().any(|arg| is(&arg, "ACKED")) {
                        held.doubt = held.doubt.max(Doubt::AtMost);
                        return;
                    }
                    let ids = args.skip_while(|arg| !is(arg, "IDS")).skip(2);
                    ids.filter_map(|arg| id(arg.head)).for_each(|id| stream.delete(id));
                }
                Op::StreamClaim => {
                    let (group, consumer) = (args.next(), args.next());
                    if let (Some(group), Some(consumer), Some(id)) = (group, consumer, args.nth(1))
                    {
                        let bytes = claim_bytes([&group, &consumer, &id]);
                        let owner = (seed(&group), seed(&group) ^ seed(&consumer).rotate_left(1));
                        let entry = owner.0 ^ seed(&id).rotate_left(1);
                        let ms = self::id(id.head).map_or(0, |(ms, _)| ms);
                        stream.groups.claim(entry, ms, owner, bytes);
                    }
                }
                _ => {
                    let Some(group) = args.next() else { return };
                    let group = seed(&group);
                    args.for_each(|id| stream.groups.acknowledge(group ^ seed(&id).rotate_left(1)));
                }
            }
        });
    }

    /// VADD, VREM and VSETATTR. Answers whether it was understood.
    pub(super) fn vectors(
        &mut self,
        op: Op,
        name: &Name<'_>,
        growth: u64,
        mut args: Args<'_>,
    ) -> bool {
        let fresh = (op == Op::VectorAdd).then_some(Fresh::Vectors);
        let growth = if fresh.is_some() { growth } else { 0 };
        let seed = self.inner_hasher();
        let mut is_followed = true;
        self.change(name, growth, fresh, |held, _| {
            let Value::Vectors(vectors) = &mut held.value else { return held.fades() };
            if op == Op::VectorAdd {
                is_followed = vectors.add(args, &seed);
                held.doubt = if is_followed { held.doubt } else { Doubt::Open };
                return;
            }
            match (op, args.next()) {
                (Op::VectorRemove, Some(element)) => vectors.remove(seed(&element)),
                (_, Some(element)) => {
                    let attributes = args.next().map_or(0, |attributes| attributes.len);
                    vectors.set_attributes(seed(&element), attributes);
                }
                (_, None) => {}
            }
        });
        is_followed
    }

    /// XGROUP, whose key comes second.
    pub fn group(&mut self, met: Met<'_, '_>) {
        let mut args = met.record.args().skip(1);
        let (Some(sub), Some(key), Some(group)) = (args.next(), args.next(), args.next()) else {
            return;
        };
        let name = self.name(met.db, key.head, key.len);
        let creates = is(&sub, "CREATE");
        // With MKSTREAM it makes the stream.
        let fresh = creates.then_some(Fresh::Stream);
        let seed = self.inner_hasher();
        self.change(&name, if creates { met.record.len } else { 0 }, fresh, |held, _| {
            let Value::Stream(stream) = &mut held.value else { return };
            let groups = &mut stream.groups;
            if creates {
                groups.create(group.len);
            } else if is(&sub, "DESTROY") {
                groups.destroy(seed(&group));
            } else if is(&sub, "CREATECONSUMER") {
                groups.add_consumer();
            } else if let Some(consumer) = args.next().filter(|_| is(&sub, "DELCONSUMER")) {
                groups.remove_consumer(seed(&group) ^ seed(&consumer).rotate_left(1));
            }
        });
    }
}

/// SADD, ZADD, HSET and their kin.
fn change_members(
    op: Op,
    members: &mut Members,
    mut args: Args<'_>,
    hash: &impl Fn(&Arg<'_>) -> u64,
) {
    let none = Piece { bytes: &[], len: 0 };
    match op {
        Op::SetAdd => args.for_each(|arg| members.set(hash(&arg), piece(arg), none, 0.0)),
        Op::Remove(_) => args.for_each(|arg| members.remove(hash(&arg))),
        Op::FieldsSet => {
            while let (Some(field), Some(value)) = (args.next(), args.next()) {
                members.set(hash(&field), piece(field), piece(value), 0.0);
                members.set_ttl(hash(&field), false);
            }
        }
        Op::SortedAdd => add_scores(members, args, hash),
        Op::PlacesAdd => add_places(members, args, hash),
        Op::AddTo(kind) => {
            if let (Some(first), Some(second)) = (args.next(), args.next()) {
                let (by, name) = if kind == Kind::Hash { (second, first) } else { (first, second) };
                members.add_to(hash(&name), piece(name), score(by.head).unwrap_or(0.0));
            }
        }
        Op::FieldsSetFor => {
            let mut expires = false;
            while let Some(option) = args.next() {
                if is(&option, "FIELDS") {
                    args.next();
                    break;
                }
                let takes_time = ["EX", "PX", "EXAT", "PXAT"].iter().any(|word| is(&option, word));
                if takes_time {
                    args.next();
                }
                expires |= takes_time;
            }
            while let (Some(field), Some(value)) = (args.next(), args.next()) {
                members.set(hash(&field), piece(field), piece(value), 0.0);
                if expires {
                    members.set_ttl(hash(&field), true);
                }
            }
        }
        Op::FieldsExpire(expires) => {
            let fields = args.skip_while(|arg| !is(arg, "FIELDS")).skip(2);
            fields.for_each(|field| members.set_ttl(hash(&field), expires));
        }
        _ => {}
    }
}

fn add_scores(members: &mut Members, mut args: Args<'_>, hash: &impl Fn(&Arg<'_>) -> u64) {
    let mut adds = false;
    let mut first = args.next();
    while let Some(word) = first
        && ["NX", "XX", "GT", "LT", "CH", "INCR"].iter().any(|option| is(&word, option))
    {
        adds |= is(&word, "INCR");
        first = args.next();
    }
    while let (Some(number), Some(member)) = (first, args.next()) {
        let value = score(number.head).unwrap_or(0.0);
        if adds {
            members.add_to(hash(&member), piece(member), value);
        } else {
            members.set(hash(&member), piece(member), Piece { bytes: &[], len: 0 }, value);
        }
        first = args.next();
    }
}

/// GEOADD: a place's score is 26 bits of each coordinate in turn, as the servers make it.
fn add_places(members: &mut Members, mut args: Args<'_>, hash: &impl Fn(&Arg<'_>) -> u64) {
    let none = Piece { bytes: &[], len: 0 };
    let part = |arg: &Arg<'_>, most: f64| {
        let share = (score(arg.head).unwrap_or(0.0) + most) / (2.0 * most);
        (share * f64::from(1 << 26)) as u64
    };
    let mut first = args.next();
    while let Some(word) = first
        && ["NX", "XX", "CH"].iter().any(|option| is(&word, option))
    {
        first = args.next();
    }
    while let (Some(east), Some(north), Some(member)) = (first, args.next(), args.next()) {
        let (east, north) = (part(&east, 180.0), part(&north, 85.051_128_78));
        let bits =
            (0..26).map(|bit| (north >> bit & 1) << (2 * bit) | (east >> bit & 1) << (2 * bit + 1));
        members.set(hash(&member), piece(member), none, bits.sum::<u64>() as f64);
        first = args.next();
    }
}

fn score(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// An end of a range of scores, and whether it is inside.
fn bound(arg: Option<Arg<'_>>) -> Option<(f64, bool)> {
    let head = arg?.head;
    match head.strip_prefix(b"(") {
        Some(rest) => Some((score(rest)?, false)),
        None => Some((score(head)?, true)),
    }
}

fn remove_scores(members: &mut Members, mut args: Args<'_>) {
    let (Some(low), Some(high)) = (args.next(), args.next()) else { return };
    if let Some(inside) = scores(low, high) {
        members.remove_where(|score, _| inside(score));
    }
}

fn remove_names(members: &mut Members, mut args: Args<'_>) {
    let (Some(low), Some(high)) = (args.next(), args.next()) else { return };
    let inside = names(low, high);
    members.remove_where(|_, name| inside(name));
}

/// Whether a score lies between these two.
pub(super) fn scores(low: Arg<'_>, high: Arg<'_>) -> Option<impl Fn(f64) -> bool + use<>> {
    let ((low, with_low), (high, with_high)) = (bound(Some(low))?, bound(Some(high))?);
    Some(move |score: f64| {
        (score > low || with_low && score == low) && (score < high || with_high && score == high)
    })
}

/// Whether a name lies between these two.
pub(super) fn names<'a>(low: Arg<'a>, high: Arg<'a>) -> impl Fn(&[u8]) -> bool + use<'a> {
    let above = move |name: &[u8]| match low.head.split_first() {
        Some((b'[', from)) => name >= from,
        Some((b'(', from)) => name > from,
        Some((b'-', _)) => true,
        _ => false,
    };
    let below = move |name: &[u8]| match high.head.split_first() {
        Some((b'[', to)) => name <= to,
        Some((b'(', to)) => name < to,
        Some((b'+', _)) => true,
        _ => false,
    };
    move |name: &[u8]| above(name) && below(name)
}

/// An identifier of a stream's entry: `1700000000000-0`.
fn id(text: &[u8]) -> Option<Id> {
    let text = std::str::from_utf8(text).ok()?;
    match text.split_once('-') {
        Some((ms, seq)) => Some((ms.parse().ok()?, seq.parse().ok()?)),
        None => Some((text.parse().ok()?, 0)),
    }
}

/// XADD: options, identifier, pairs.
fn add_entry(stream: &mut Stream, mut args: Args<'_>, scales: &mut super::cost::Scales) {
    while let Some(arg) = args.next() {
        if is(&arg, "MAXLEN") || is(&arg, "MINID") {
            trim(stream, &arg, &mut args);
        } else if is(&arg, "LIMIT") {
            args.next();
        } else if let Some(id) = id(arg.head) {
            let pairs: Vec<_> = args.map(piece).collect();
            return stream.add(id, &pairs, scales);
        }
    }
}

/// MAXLEN or MINID, whichever `word` is, and what follows it.
fn trim(stream: &mut Stream, word: &Arg<'_>, args: &mut Args<'_>) {
    let mut threshold = args.next();
    if threshold.is_some_and(|arg| is(&arg, "=") || is(&arg, "~")) {
        threshold = args.next();
    }
    let Some(threshold) = threshold else { return };
    if is(word, "MAXLEN") {
        // Trimmed before the entry is added, which is one of those that stay.
        stream.trim_to_length(number(Some(threshold)).unwrap_or(i64::MAX).unsigned_abs());
    } else if let Some(id) = id(threshold.head) {
        stream.trim_to_id(id);
    }
}

/// Bytes of the XCLAIM of a rewritten log but for the key, with these of its arguments:
/// `XCLAIM key group consumer 0 id TIME ms RETRYCOUNT n JUSTID FORCE`.
fn claim_bytes(arguments: [&Arg<'_>; 3]) -> u64 {
    let own: u64 = arguments.iter().map(|arg| bulk(arg.len)).sum();
    own + header(12) + [6, 1, 4, 13, 10, 1, 6, 5].map(bulk).iter().sum::<u64>()
}
