//! Applies records to the keys that are followed.

use super::arguments::{Met, is, number, piece};
use super::bits;
use super::doubt::Doubt;
use super::keys::{Keys, Name};
use super::kind::Kind;
use super::members::Piece;
use super::op::Op;
use super::value::{Fresh, Value};
use crate::format::resp::{Arg, Args};

/// A time that is not known but lies ahead: commands that count from when they are run are never logged so.
const SOMETIME: i64 = i64::MAX;

impl Keys {
    /// Applies a record of one key, or whose first key is what it changes. Answers whether it could.
    pub fn apply(&mut self, op: Op, met: Met<'_, '_>) -> bool {
        if op.is_of_one_key() {
            return self.one_key(op, met);
        }
        let mut args = met.record.args();
        args.next();
        match op {
            Op::Nothing => return true,
            Op::FlushAll => self.flush(None),
            Op::FlushDatabase => self.flush(Some(met.db)),
            Op::SwapDatabases => {
                let numbers = (number(args.next()), number(args.next()));
                if let (Some(a), Some(b)) = numbers {
                    self.swap(a.unsigned_abs(), b.unsigned_abs());
                }
            }
            Op::Delete => {
                for key in args {
                    let name = self.name(met.db, key.head, key.len);
                    if self.matters(&name, 0) {
                        self.remove(&name);
                    }
                }
            }
            Op::MultiSet | Op::MultiSetFor => self.set_many(op, met, args),
            Op::Rename | Op::Copy | Op::Move => self.relocate(op, met, args),
            Op::SetMove | Op::PopPush | Op::ListMove => self.hand_over(op, met, args),
            Op::BitOperation
            | Op::SketchMerge
            | Op::SetStore(_)
            | Op::SortedStore(_)
            | Op::RangeStore
            | Op::PlacesStore
            | Op::Sort => return self.store(op, met, args),
            _ => return false,
        }
        true
    }

    /// A record of one key, which comes first. Of keys that are not followed nothing else is read.
    #[inline]
    fn one_key(&mut self, op: Op, met: Met<'_, '_>) -> bool {
        let Some(key) = met.record.operand() else { return false };
        let name = self.name(met.db, key.head, key.len);
        let growth = met.record.len;
        let can_matter = match op.makes() {
            // Only values of many parts are followed for what is written into them in sum.
            Some(Fresh::Text) => self.matters(&name, growth),
            None => self.matters(&name, 0),
            Some(_) => true,
        };
        if !can_matter {
            return true;
        }
        let mut args = met.record.args();
        args.nth(1);
        self.one(op, &name, growth, args)
    }

    /// A record of one key.
    fn one(&mut self, op: Op, name: &Name<'_>, growth: u64, args: Args<'_>) -> bool {
        match op {
            Op::GetDelete => {
                self.remove(name);
            }
            Op::BitFields => return self.bit_fields(name, growth, args),
            Op::VectorAdd | Op::VectorRemove | Op::VectorAttributes => {
                return self.vectors(op, name, growth, args);
            }
            Op::Increment(sign) => {
                let by = args.clone().next().map_or(Some(1), |by| number(Some(by))).unwrap_or(0);
                self.change(name, growth, Some(Fresh::Text), |held, _| {
                    if let Some(text) = held.value.text() {
                        text.add(by.wrapping_mul(sign));
                    }
                });
            }
            Op::Set
            | Op::SetFor
            | Op::GetSet
            | Op::Append
            | Op::SetRange
            | Op::SetBit
            | Op::IncrementFloat
            | Op::Restore => self.string(op, name, growth, args),
            Op::Sketch => self.sketch(name, growth, args),
            Op::ExpireAt(_) | Op::ExpireIn | Op::GetExpire | Op::Persist => {
                self.expiry(op, name, args);
            }
            Op::Push(_)
            | Op::Pop(_)
            | Op::ListTrim
            | Op::ListRemove
            | Op::ListSet
            | Op::ListInsert => self.list(op, name, growth, args),
            Op::StreamAdd
            | Op::StreamTrim
            | Op::StreamDelete
            | Op::StreamDeleteFrom
            | Op::StreamClaim
            | Op::StreamNote
            | Op::StreamAcknowledge => self.stream(op, name, growth, args),
            _ => self.members(op, name, growth, args),
        }
        true
    }

    fn string(&mut self, op: Op, name: &Name<'_>, growth: u64, mut args: Args<'_>) {
        let first = args.next();
        self.change(name, growth, Some(Fresh::Text), |held, _| {
            let Some(first) = first else { return };
            let Some(text) = held.value.text() else { return };
            if matches!(op, Op::Set | Op::SetFor | Op::GetSet | Op::IncrementFloat) {
                held.doubt = Doubt::None;
            }
            match op {
                Op::Set => {
                    text.set(first.head, first.len);
                    held.expire_ms = set_expiry(held.expire_ms, args);
                }
                Op::SetFor => {
                    let value = args.next();
                    text.set(value.map_or(&[], |v| v.head), value.map_or(0, |v| v.len));
                    held.expire_ms = Some(SOMETIME);
                }
                Op::GetSet => {
                    text.set(first.head, first.len);
                    held.expire_ms = None;
                }
                Op::Append => text.append(first.head, first.len),
                Op::SetRange => {
                    if let (Some(at), Some(value)) = (number(Some(first)), args.next()) {
                        text.set_range(at.unsigned_abs(), value.head, value.len);
                    }
                }
                Op::SetBit => {
                    let at = number(Some(first)).unwrap_or(0).unsigned_abs();
                    text.set_bit(at, args.next().is_some_and(|bit| bit.head == b"1"));
                }
                Op::IncrementFloat => text.set(first.head, first.len),
                Op::Restore => {
                    /// The number of its type, which keys have anyhow, the version and the checksum.
                    const AROUND: u64 = 11;
                    held.expire_ms = number(Some(first)).filter(|at| *at > 0);
                    let dump = args.next().map_or(0, |dump| dump.len);
                    (held.value, held.doubt) =
                        (Value::Opaque(dump.saturating_sub(AROUND)), Doubt::None);
                }
                _ => {}
            }
        });
    }

    /// PFADD
    fn sketch(&mut self, name: &Name<'_>, growth: u64, args: Args<'_>) {
        self.change(name, growth, Some(Fresh::Text), |held, _| match held.value.sketch() {
            Some(sketch) => args.for_each(|element| sketch.add(element.head)),
            // Its registers are not known: they are written as before, for all that can be said.
            None => held.doubt = held.doubt.max(Doubt::Open),
        });
    }

    /// BITFIELD
    fn bit_fields(&mut self, name: &Name<'_>, growth: u64, args: Args<'_>) -> bool {
        let mut is_followed = true;
        self.change(name, growth, Some(Fresh::Text), |held, _| {
            is_followed = held.value.text().is_some_and(|text| bits::fields(text, args));
            if !is_followed {
                held.doubt = Doubt::Open;
            }
        });
        is_followed
    }

    fn expiry(&mut self, op: Op, name: &Name<'_>, mut args: Args<'_>) {
        self.change(name, 0, None, |held, _| match op {
            Op::ExpireAt(factor) => {
                held.expire_ms = number(args.next()).map(|at| at.saturating_mul(factor));
            }
            Op::ExpireIn => held.expire_ms = Some(SOMETIME),
            Op::Persist => held.expire_ms = None,
            _ => {
                held.expire_ms = match args.clone().next() {
                    Some(word) if is(&word, "PERSIST") => None,
                    _ => set_expiry(held.expire_ms, args).or(held.expire_ms),
                };
            }
        });
    }

    fn set_many(&mut self, op: Op, met: Met<'_, '_>, mut args: Args<'_>) {
        let mut left = usize::MAX;
        if op == Op::MultiSetFor {
            left = number(args.next()).and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
        }
        let mut keys = Vec::new();
        while left > 0
            && let (Some(key), Some(value)) = (args.next(), args.next())
        {
            keys.push((key, value));
            left -= 1;
        }
        let expire_ms = if op == Op::MultiSetFor { set_expiry(None, args) } else { None };
        for (key, value) in keys {
            let name = self.name(met.db, key.head, key.len);
            self.change(&name, key.len + value.len, Some(Fresh::Text), |held, _| {
                if let Some(text) = held.value.text() {
                    text.set(value.head, value.len);
                    (held.expire_ms, held.doubt) = (expire_ms, Doubt::None);
                }
            });
        }
    }

    /// RENAME, COPY and MOVE: where the value is followed, it is followed under its other name.
    fn relocate(&mut self, op: Op, met: Met<'_, '_>, mut args: Args<'_>) {
        let (Some(from), Some(to)) = (args.next(), args.next()) else { return };
        let source = self.name(met.db, from.head, from.len);
        let mut db = met.db;
        let mut target = to;
        if op == Op::Move {
            let Some(number) = number(Some(to)) else { return };
            (db, target) = (number.unsigned_abs(), from);
        }
        while op == Op::Copy
            && let Some(option) = args.next()
        {
            if is(&option, "DB") {
                db = number(args.next()).map_or(db, i64::unsigned_abs);
            }
        }
        let target = self.name(db, target.head, target.len);
        let held = match op {
            Op::Copy => self.get(&source).cloned(),
            _ => self.remove(&source),
        };
        match held {
            Some(held) => self.put(&target, held),
            None => {
                self.remove(&target);
            }
        }
    }

    /// SMOVE, RPOPLPUSH and LMOVE: an element leaves one key for another.
    fn hand_over(&mut self, op: Op, met: Met<'_, '_>, mut args: Args<'_>) {
        let (Some(from), Some(to)) = (args.next(), args.next()) else { return };
        let source = self.name(met.db, from.head, from.len);
        let target = self.name(met.db, to.head, to.len);
        let growth = met.record.len;
        if op == Op::SetMove {
            let Some(member) = args.next() else { return };
            let hash = self.inner(member.head, member.len);
            self.change(&source, 0, None, |held, _| {
                if let Value::Members(members) = &mut held.value {
                    members.remove(hash);
                }
            });
            return self.change(&target, growth, Some(Fresh::Members(Kind::Set)), |held, _| {
                if let Value::Members(members) = &mut held.value {
                    members.set(hash, piece(member), Piece { bytes: &[], len: 0 }, 0.0);
                }
            });
        }
        let left = |arg: Option<Arg<'_>>| arg.is_some_and(|arg| is(&arg, "LEFT"));
        let (pops_left, pushes_left) = match op {
            Op::PopPush => (false, true),
            _ => (left(args.next()), left(args.next())),
        };
        let mut element = None;
        self.change(&source, 0, None, |held, _| {
            if let Value::List(chain) = &mut held.value {
                element = chain.end(pops_left);
                chain.pop(pops_left, 1);
            }
        });
        // What moved is unknown when its old place is not followed: like the rest of the list then.
        self.change(&target, growth, Some(Fresh::List), |held, scales| {
            if let Value::List(chain) = &mut held.value {
                let element = element.or_else(|| chain.end(pushes_left)).unwrap_or_default();
                chain.push(pushes_left, &element, element.len() as u64, scales);
            }
        });
    }
}

/// The expiry after SET and its kin: what the options say.
fn set_expiry(before: Option<i64>, mut options: Args<'_>) -> Option<i64> {
    let mut expiry = None;
    while let Some(option) = options.next() {
        if is(&option, "KEEPTTL") {
            expiry = before;
        } else if is(&option, "PXAT") {
            expiry = number(options.next());
        } else if is(&option, "EXAT") {
            expiry = number(options.next()).map(|at| at.saturating_mul(1000));
        } else if is(&option, "EX") || is(&option, "PX") {
            options.next();
            expiry = Some(SOMETIME);
        }
    }
    expiry
}
