//! Which arguments of a record are keys, as COMMAND GETKEYS of a server would answer.
//!
//! The table says it for nearly all commands; two (SORT, MIGRATE) have options that only
//! code can tell from values. Nothing here allocates; of a record larger than a window only the arguments
//! that were kept are seen.

use super::index::lookup_sub;
use super::key_rule::{First, Rule, Special};
use super::specs::{Begin, Find, Spec};
use super::table::{Command, CommandId, all};
use crate::format::resp::{Arg, Args, Record};

/// One key of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key<'a> {
    /// Its place among the arguments, the name being 0.
    pub position: usize,
    /// The key.
    pub arg: Arg<'a>,
}

/// The first key of a record, to which its bytes are counted.
#[inline]
pub fn first_key<'a>(id: CommandId, record: &Record<'a>) -> Option<Arg<'a>> {
    match id.command().keys.first {
        First::At(1) => record.operand(),
        First::At(at) => record.args().nth(at),
        First::Never => None,
        First::Depends | First::Subcommand => keys(id, record).next().map(|key| key.arg),
    }
}

/// The same for many records: what the table says of every command, close together.
#[derive(Clone, Debug)]
pub struct FirstKeys {
    /// By place in the table: whether there is none, or it is always the second argument.
    usual: Vec<Usual>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Usual {
    Never,
    Second,
    Depends,
}

impl Default for FirstKeys {
    fn default() -> Self {
        let usual = |command: &Command| match command.keys.first {
            First::Never => Usual::Never,
            First::At(1) => Usual::Second,
            _ => Usual::Depends,
        };
        Self { usual: all().iter().map(usual).collect() }
    }
}

impl FirstKeys {
    /// As [`first_key`].
    #[inline(always)]
    pub fn of<'a>(&self, id: CommandId, record: &Record<'a>) -> Option<Arg<'a>> {
        match self.usual[id.index()] {
            Usual::Second => record.operand(),
            Usual::Never => None,
            Usual::Depends => first_key(id, record),
        }
    }
}

/// All keys of a record, in the order of its arguments.
pub fn keys<'a>(id: CommandId, record: &Record<'a>) -> Keys<'a> {
    let rule = &id.command().keys;
    if rule.first == First::Subcommand {
        let sub = record.args().nth(1).and_then(|sub| lookup_sub(id, sub.head));
        return sub.map_or_else(Keys::none, |sub| Keys::by(&sub.command().keys, record));
    }
    Keys::by(rule, record)
}

/// The other database that a record reaches into: where MOVE moves to and `COPY ... DB n` copies to.
pub fn other_db(id: CommandId, record: &Record<'_>) -> Option<u64> {
    match id.command().name.as_str() {
        "MOVE" => count(record.args().nth(2)?),
        "COPY" => {
            let mut options = record.args().skip(3);
            let mut db = None;
            while let Some(option) = options.next() {
                if is(&option, "DB") {
                    db = options.next().and_then(count);
                }
            }
            db
        }
        _ => None,
    }
}

/// The two databases that SWAPDB exchanges: every key of both has another place afterwards.
pub fn swapped(id: CommandId, record: &Record<'_>) -> Option<(u64, u64)> {
    if id.command().name != "SWAPDB" {
        return None;
    }
    let mut numbers = record.args().skip(1).map(count);
    Some((numbers.next()??, numbers.next()??))
}

fn is(arg: &Arg<'_>, word: &str) -> bool {
    arg.is_whole() && arg.head.eq_ignore_ascii_case(word.as_bytes())
}

/// A number as servers read it when they look for keys (leading zeros and all); negative ones count
/// nothing.
fn count<N: std::str::FromStr>(arg: Arg<'_>) -> Option<N> {
    std::str::from_utf8(arg.head).ok().filter(|_| arg.is_whole())?.parse().ok()
}

/// Positions of a group of keys: every `step`th from `next` to `last`.
#[derive(Clone, Copy, Debug)]
struct Group {
    next: usize,
    last: usize,
    step: usize,
}

impl Group {
    const NONE: Self = Self { next: 1, last: 0, step: 1 };

    fn one(at: usize) -> Self {
        Self { next: at, last: at, step: 1 }
    }
}

/// Iterator over the keys of a record.
#[derive(Clone, Debug)]
pub struct Keys<'a> {
    args: Args<'a>,
    /// Position of the argument that `args` gives next.
    at: usize,
    groups: [Group; 3],
    ran_out: bool,
}

impl<'a> Iterator for Keys<'a> {
    type Item = Key<'a>;

    fn next(&mut self) -> Option<Key<'a>> {
        let [first, second, third] = &mut self.groups;
        let of = |group: &Group| if group.next <= group.last { group.next } else { usize::MAX };
        // The groups of all commands follow one another; the smallest position comes next.
        let group = [second, third]
            .into_iter()
            .fold(first, |least, group| if of(group) < of(least) { group } else { least });
        if group.next > group.last || group.next < self.at {
            return None;
        }
        let position = group.next;
        group.next += group.step;
        let Some(arg) = self.args.nth(position - self.at) else {
            self.ran_out = true;
            return None;
        };
        self.at = position + 1;
        Some(Key { position, arg })
    }
}

impl<'a> Keys<'a> {
    /// Whether it ended at a key that was not kept: of a record larger than a window only the first
    /// arguments are.
    pub fn ran_out(&self) -> bool {
        self.ran_out
    }

    fn none() -> Self {
        Self { args: Args::empty(), at: 0, groups: [Group::NONE; 3], ran_out: false }
    }

    fn by(rule: &Rule, record: &Record<'a>) -> Self {
        let mut groups = [Group::NONE; 3];
        match rule.special {
            Some(Special::Migrate) => groups[0] = migrate(record).unwrap_or(Group::NONE),
            Some(Special::Sort) => {
                groups = [Group::one(1), sort_store(record), Group::NONE];
            }
            None => {
                for (group, spec) in groups.iter_mut().zip(&rule.specs) {
                    // A server refuses the whole command when one group makes no sense.
                    match located(spec, record) {
                        Some(found) => *group = found,
                        None => return Self::none(),
                    }
                }
            }
        }
        Self { args: record.args(), at: 0, groups, ran_out: false }
    }
}

/// Where the keys of one group are; `None` when the arguments contradict themselves.
fn located(spec: &Spec, record: &Record<'_>) -> Option<Group> {
    let argc = record.argc as usize;
    let start = match spec.begin {
        Begin::Index(at) => Some(at),
        Begin::Keyword(word, from) => {
            // As the last argument it is followed by nothing, and servers do not look there.
            let mut after = record.args().enumerate().take(argc - 1).skip(from);
            after.find(|(_, arg)| is(arg, word)).map(|(at, _)| at + 1)
        }
        Begin::KeywordFromEnd(word, back) => {
            let until = argc.checked_sub(back)?;
            let before = record.args().enumerate().take(until + 1).skip(2);
            before.filter(|(_, arg)| is(arg, word)).last().map(|(at, _)| at + 1)
        }
    };
    let Some(start) = start else { return Some(Group::NONE) };
    match spec.find {
        Find::Range { last, step, limit } => {
            let last = match usize::try_from(last) {
                Ok(last) => start + last,
                Err(_) if limit >= 2 => {
                    start + (argc.checked_sub(start)? / limit).checked_sub(1)?
                }
                Err(_) => argc.checked_sub(usize::try_from(last.unsigned_abs()).ok()?)?,
            };
            (last < argc).then_some(Group { next: start, last, step })
        }
        Find::Count { index, first, step } => {
            let number: usize = count(record.args().nth(start + index)?)?;
            if number == 0 {
                return Some(Group::NONE);
            }
            let next = start + first;
            let last = next.checked_add((number - 1).checked_mul(step)?)?;
            (last < argc).then_some(Group { next, last, step })
        }
    }
}

/// The destination of SORT: after the last STORE that is no option's value.
fn sort_store(record: &Record<'_>) -> Group {
    let mut found = Group::NONE;
    let mut rest = record.args().enumerate().skip(2);
    while let Some((at, arg)) = rest.next() {
        let skipped = match () {
            () if is(&arg, "LIMIT") => 2,
            () if is(&arg, "GET") || is(&arg, "BY") => 1,
            () if is(&arg, "STORE") && at + 1 < record.argc as usize => {
                // Its value is looked at, too: servers do so here, though not when they run it.
                found = Group::one(at + 1);
                0
            }
            () => 0,
        };
        for _ in 0..skipped {
            rest.next();
        }
    }
    found
}

/// The key of MIGRATE, or all after KEYS when that is empty.
fn migrate(record: &Record<'_>) -> Option<Group> {
    let named = record.args().nth(3)?;
    if named.len > 0 {
        return Some(Group::one(3));
    }
    let mut rest = record.args().enumerate().skip(6);
    while let Some((at, arg)) = rest.next() {
        if is(&arg, "KEYS") {
            let last = (record.argc as usize).checked_sub(1)?;
            let all = Group { next: at + 1, last, step: 1 };
            return Some(if at < last { all } else { Group::one(3) });
        }
        // Names and passwords may be any word, also this one.
        let skipped = if is(&arg, "AUTH2") { 2 } else { usize::from(is(&arg, "AUTH")) };
        for _ in 0..skipped {
            rest.next();
        }
    }
    // Without the word the empty key is meant.
    Some(Group::one(3))
}
