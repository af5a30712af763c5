//! Commands that make a value out of other keys': what they put under their destination.
//!
//! Where all sources are followed the result is as exact as they are. Where some are not, it is made of those that are;
//! where none is, the destination keeps what it had. Both are told as not followed.

use super::arguments::{Met, is, number};
use super::chain::Chain;
use super::cost::Scales;
use super::doubt::Doubt;
use super::keys::{Keys, Name};
use super::kind::Kind;
use super::members::{Member, Members, Piece};
use super::op::{Join, Op};
use super::sizes::Limits;
use super::sketch::Sketch;
use super::text::Text;
use super::value::{Fresh, Value};
use crate::format::resp::{Arg, Args};

/// Sources of one command that are looked at.
const SOURCES: usize = 1024;

impl Keys {
    /// Applies such a command. Answers whether all that it takes was known.
    pub(super) fn store(&mut self, op: Op, met: Met<'_, '_>, mut args: Args<'_>) -> bool {
        match op {
            Op::Sort => self.sort(met, args),
            Op::BitOperation => {
                let (Some(how), Some(target)) = (args.next(), args.next()) else { return false };
                let sources = self.sources(met.db, args);
                let value = bits(&how, &sources);
                self.place(met.db, &target, &sources, value.map(Value::Text))
            }
            Op::SketchMerge => {
                let Some(target) = args.next() else { return false };
                // What the destination had is merged too.
                let keys = std::iter::once(target).chain(args);
                let mut sources = self.sources(met.db, keys);
                let merged = merged(&mut sources);
                self.place(met.db, &target, &sources, merged)
            }
            Op::SetStore(join) => {
                let Some(target) = args.next() else { return false };
                let sources = self.sources(met.db, args);
                let value =
                    joined(Kind::Set, join, &sources, (&[], Aggregate::Sum), &self.scales.limits);
                self.place(met.db, &target, &sources, value)
            }
            Op::SortedStore(join) => {
                let (Some(target), Some(count)) = (args.next(), number(args.next())) else {
                    return false;
                };
                let count = usize::try_from(count).unwrap_or(0).min(SOURCES);
                let keys: Vec<_> = args.by_ref().take(count).collect();
                let sources = self.sources(met.db, keys.into_iter());
                let (weights, aggregate) = options(args, count);
                let value =
                    joined(Kind::Zset, join, &sources, (&weights, aggregate), &self.scales.limits);
                self.place(met.db, &target, &sources, value)
            }
            Op::RangeStore => {
                let (Some(target), Some(source)) = (args.next(), args.next()) else { return false };
                let sources = self.sources(met.db, std::iter::once(source));
                let value = sources.found.first().and_then(|value| range(value, args));
                self.place(met.db, &target, &sources, value)
            }
            // Which places lie inside is not worked out: the destination has at most what the source has.
            _ => {
                let (Some(target), Some(source)) = (args.next(), args.next()) else { return false };
                let mut sources = self.sources(met.db, std::iter::once(source));
                let limit = args.clone().skip_while(|arg| !is(arg, "COUNT")).nth(1);
                let most = number(limit).map_or(usize::MAX, |n| n.unsigned_abs() as usize);
                let value = sources.found.first().and_then(|value| first_of(value, most));
                sources.doubt = sources.doubt.max(Doubt::AtMost);
                self.place(met.db, &target, &sources, value)
            }
        }
    }

    /// SORT with STORE; without, nothing changes.
    fn sort(&mut self, met: Met<'_, '_>, mut args: Args<'_>) -> bool {
        let Some(source) = args.next() else { return false };
        let (mut target, mut limit, mut gets) = (None, None, 0);
        while let Some(option) = args.next() {
            if is(&option, "STORE") {
                target = args.next();
            } else if is(&option, "LIMIT") {
                limit = number(args.next()).zip(number(args.next()));
            } else if is(&option, "GET") {
                args.next();
                gets += 1;
            } else if is(&option, "BY") {
                args.next();
            }
        }
        let Some(target) = target else { return true };
        let mut sources = self.sources(met.db, std::iter::once(source));
        if gets > 0 {
            sources.doubt = Doubt::Open;
        }
        let value = sources.found.first().map(|value| {
            let mut list = listed(value, &mut self.scales);
            if let Some((start, count)) = limit {
                let end = if count < 0 { -1 } else { start.saturating_add(count) - 1 };
                list.trim(start, end);
            }
            Value::List(Box::new(list))
        });
        // What other keys hold, for GET, is taken to be like the elements themselves.
        self.place(met.db, &target, &sources, value) && gets == 0
    }

    fn sources<'a>(&self, db: u64, keys: impl Iterator<Item = Arg<'a>>) -> Sources {
        let mut sources = Sources { found: Vec::new(), missing: false, doubt: Doubt::None };
        for key in keys.take(SOURCES) {
            match self.get(&self.name(db, key.head, key.len)) {
                Some(held) => {
                    let is_opaque = matches!(held.value, Value::Opaque(_));
                    let own = if is_opaque { Doubt::Open } else { held.doubt };
                    sources.doubt = sources.doubt.max(own);
                    sources.found.push(held.value.clone());
                }
                // When all keys are followed, it is not there.
                None if self.is_complete() => sources.found.push(Value::Opaque(0)),
                None => sources.missing = true,
            }
        }
        sources
    }

    /// Puts a result under its name; none, or an empty one, deletes what was there when all sources are known.
    fn place(
        &mut self,
        db: u64,
        target: &Arg<'_>,
        sources: &Sources,
        value: Option<Value>,
    ) -> bool {
        let name: Name<'_> = self.name(db, target.head, target.len);
        if sources.found.is_empty() {
            self.doubt(db, *target);
            return false;
        }
        let doubt = if sources.missing { Doubt::Open } else { sources.doubt };
        let value = value.filter(|value| !value.is_gone() && value.bytes() > 0);
        let Some(value) = value else {
            self.remove(&name);
            return doubt != Doubt::Open;
        };
        let fresh = match &value {
            Value::Text(_) | Value::Sketch(_) => Fresh::Text,
            Value::List(_) => Fresh::List,
            Value::Members(members) => Fresh::Members(members.kind),
            _ => return false,
        };
        self.change(&name, value.bytes(), Some(fresh), |held, _| {
            (held.value, held.doubt) = (value, doubt);
            held.expire_ms = None;
        });
        doubt != Doubt::Open
    }
}

/// The values of the sources that are known.
struct Sources {
    found: Vec<Value>,
    missing: bool,
    /// What is unknown of those that were found.
    doubt: Doubt,
}

fn texts(sources: &Sources) -> impl Iterator<Item = &Text> {
    sources.found.iter().filter_map(|value| match value {
        Value::Text(text) => Some(text),
        _ => None,
    })
}

/// BITOP: as long as its longest source.
fn bits(how: &Arg<'_>, sources: &Sources) -> Option<Text> {
    let len = texts(sources).map(Text::len).max()?;
    let kept = texts(sources).map(|text| text.head().len()).max().unwrap_or(0);
    let missing = sources.found.len() > texts(sources).count();
    let (is_and, is_not) = (is(how, "AND"), is(how, "NOT"));
    let mut result = vec![if is_and && !missing { 0xff } else { 0 }; kept];
    for text in texts(sources) {
        for (at, byte) in result.iter_mut().enumerate() {
            let other = text.head().get(at).copied().unwrap_or(0);
            if is_and {
                *byte &= other;
            } else if is_not {
                *byte = !other;
            } else if is(how, "XOR") {
                *byte ^= other;
            } else {
                *byte |= other;
            }
        }
    }
    let mut text = Text::default();
    text.set_bits(&result, len);
    Some(text)
}

/// PFMERGE: the registers of all. Of one that cannot be read any may be set.
fn merged(sources: &mut Sources) -> Option<Value> {
    let mut all = Sketch::default();
    for value in &mut sources.found {
        let is_there = !matches!(value, Value::Opaque(0));
        match value.sketch() {
            Some(sketch) => all.merge(sketch),
            None if !is_there => {}
            None => sources.doubt = Doubt::Open,
        }
    }
    Some(Value::Sketch(Box::new(all)))
}

/// What becomes of the scores of one member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aggregate {
    Sum,
    Least,
    Most,
}

/// WEIGHTS and AGGREGATE.
fn options(mut args: Args<'_>, count: usize) -> (Vec<f64>, Aggregate) {
    let (mut weights, mut aggregate) = (Vec::new(), Aggregate::Sum);
    while let Some(option) = args.next() {
        if is(&option, "WEIGHTS") {
            weights = args.by_ref().take(count).map(|arg| float(&arg).unwrap_or(1.0)).collect();
        } else if is(&option, "AGGREGATE") {
            aggregate = match args.next() {
                Some(word) if is(&word, "MIN") => Aggregate::Least,
                Some(word) if is(&word, "MAX") => Aggregate::Most,
                _ => Aggregate::Sum,
            };
        }
    }
    (weights, aggregate)
}

fn float(arg: &Arg<'_>) -> Option<f64> {
    std::str::from_utf8(arg.head).ok()?.parse().ok()
}

/// Sets and sorted sets put together. Of sources that are samples, as many are kept as the smallest sample keeps.
fn joined(
    kind: Kind,
    join: Join,
    sources: &Sources,
    (weights, aggregate): (&[f64], Aggregate),
    limits: &Limits,
) -> Option<Value> {
    let none = Members::new(kind, limits);
    let all: Vec<&Members> = sources
        .found
        .iter()
        .map(|value| match value {
            Value::Members(members) => members.as_ref(),
            _ => &none,
        })
        .collect();
    let shift = all.iter().map(|members| members.shift).max()?;
    let mut result = Members::sample(kind, shift, limits);
    let score = |member: &Member, of: &Members, at: usize| {
        let score = if of.kind == Kind::Zset { member.score } else { 1.0 };
        score * weights.get(at).copied().unwrap_or(1.0)
    };
    let first = *all.first()?;
    let candidates = if join == Join::Union { &all[..] } else { &all[..1] };
    for (place, members) in candidates.iter().enumerate() {
        for member in members.list.iter().filter(|member| member.hash.leading_zeros() >= shift) {
            let mut found = all.iter().enumerate().filter_map(|(at, other)| {
                let same = &other.list[other.find(member.hash)?];
                Some((at, score(same, other, at)))
            });
            let (Some((at, mut sum)), others) = (found.next(), found) else { continue };
            let mut count = 1;
            for (_, other) in others {
                count += 1;
                sum = match aggregate {
                    Aggregate::Sum => sum + other,
                    Aggregate::Least => sum.min(other),
                    Aggregate::Most => sum.max(other),
                };
            }
            let is_in = match join {
                // Once, where it comes first.
                Join::Union => at == place,
                Join::Intersection => count == all.len(),
                Join::Difference => count == 1,
            };
            if is_in {
                let sum = if join == Join::Difference { score(member, first, 0) } else { sum };
                result.set(member.hash, name_of(member), Piece { bytes: &[], len: 0 }, sum);
            }
        }
    }
    Some(Value::Members(Box::new(result)))
}

fn name_of(member: &Member) -> Piece<'_> {
    Piece { bytes: member.name(), len: member.name_len }
}

/// ZRANGESTORE: what lies between two ranks, scores or names.
fn range(value: &Value, mut args: Args<'_>) -> Option<Value> {
    let Value::Members(members) = value else { return None };
    let (from, to) = (args.next()?, args.next()?);
    let (mut by_score, mut by_name, mut reversed, mut limit) = (false, false, false, None);
    while let Some(option) = args.next() {
        by_score |= is(&option, "BYSCORE");
        by_name |= is(&option, "BYLEX");
        reversed |= is(&option, "REV");
        if is(&option, "LIMIT") {
            limit = number(args.next()).zip(number(args.next()));
        }
    }
    let mut list: Vec<&Member> = members.list.iter().collect();
    list.sort_by(|a, b| Members::order(a, b));
    if reversed {
        list.reverse();
    }
    let (low, high) = if reversed { (to, from) } else { (from, to) };
    let scaled = |n: i64| usize::try_from(n >> members.shift).unwrap_or(0);
    if by_score {
        let inside = super::collections::scores(low, high)?;
        list.retain(|member| inside(member.score));
    } else if by_name {
        let inside = super::collections::names(low, high);
        list.retain(|member| inside(member.name()));
    } else {
        let count = (list.len() as i64) << members.shift;
        let place = |at: i64| if at < 0 { at.saturating_add(count) } else { at };
        let (start, stop) = (place(number(Some(from))?).max(0), place(number(Some(to))?));
        let end = scaled(stop.saturating_add(1).max(0)).min(list.len());
        list = list.get(scaled(start).min(end)..end)?.to_vec();
    }
    if let Some((offset, count)) = limit {
        let most = if count < 0 { usize::MAX } else { scaled(count) };
        list = list.into_iter().skip(scaled(offset)).take(most).collect();
    }
    Some(sorted_set(members, list.into_iter()))
}

/// The first members, as many as that.
fn first_of(value: &Value, most: usize) -> Option<Value> {
    let Value::Members(members) = value else { return None };
    let most = most >> members.shift.min(usize::BITS - 1);
    Some(sorted_set(members, members.list.iter().take(most)))
}

fn sorted_set<'m>(from: &Members, list: impl Iterator<Item = &'m Member>) -> Value {
    let mut result = from.empty_like();
    for member in list {
        result.set(member.hash, name_of(member), Piece { bytes: &[], len: 0 }, member.score);
    }
    Value::Members(Box::new(result))
}

/// The elements of a list, set or sorted set as a list.
fn listed(value: &Value, scales: &mut Scales) -> Chain {
    match value {
        Value::List(chain) => chain.as_ref().clone(),
        Value::Members(members) => {
            let mut chain = Chain::default();
            for member in &members.list {
                // A sample stands for as many as are not in it.
                for _ in 0..1_u64 << members.shift.min(20) {
                    chain.push(false, member.name(), member.name_len, scales);
                }
            }
            chain
        }
        _ => Chain::default(),
    }
}
