//! A reader of its own: what records a log held before it was damaged, and which of them the damage did not
//! touch. It shares no code with what it judges.

use std::collections::HashSet;
use std::ops::Range;

use crate::support::mutate::Mutation;

/// One record of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Where it lies.
    pub at: Range<usize>,
    /// Its arguments, the name in capitals.
    pub args: Vec<Vec<u8>>,
    /// The database it works on.
    pub db: u64,
    /// The transaction it belongs to, by number.
    pub transaction: Option<usize>,
}

impl Command {
    /// What it is called, and where it does it.
    pub fn meaning(&self) -> (u64, &[Vec<u8>]) {
        (self.db, &self.args)
    }

    /// What it is called, wherever it does it.
    pub fn spelling(&self) -> (u64, &[Vec<u8>]) {
        (0, &self.args)
    }
}

/// All records of a log that loaders take, read as leniently as they do.
pub fn read(bytes: &[u8]) -> Vec<Command> {
    let (mut all, mut at, mut db, mut transactions, mut open) = (Vec::new(), 0, 0, 0, None);
    while at < bytes.len() {
        let start = at;
        if bytes[at] == b'#' {
            at += line(&bytes[at..]).len();
            continue;
        }
        let count = number(&mut at, bytes, b'*');
        let mut args = Vec::new();
        for _ in 0..count {
            let length = number(&mut at, bytes, b'$');
            args.push(bytes[at..at + length].to_vec());
            at += length + 2;
        }
        args[0].make_ascii_uppercase();
        match &args[0][..] {
            b"SELECT" => db = std::str::from_utf8(&args[1]).unwrap().parse().unwrap_or(db),
            b"MULTI" => {
                open = Some(transactions);
                transactions += 1;
            }
            _ => {}
        }
        let is_end = args[0] == b"EXEC";
        all.push(Command { at: start..at, args, db, transaction: open });
        if is_end {
            open = None;
        }
    }
    all
}

/// A line, or what is left: an annotation may end with the file.
fn line(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.iter().position(|&b| b == b'\n').map_or(bytes.len(), |newline| newline + 1)]
}

/// Whether what begins at `place` of a damaged log is reached by whole records that follow each other: the
/// damage there left no trace, and no reader can tell what lay before it.
pub fn leaves_no_trace(bytes: &[u8], place: usize) -> bool {
    let mut at = 0;
    while at < place {
        match record_end(bytes, at) {
            Some(end) => at = end,
            None => return false,
        }
    }
    true
}

fn record_end(bytes: &[u8], at: usize) -> Option<usize> {
    let header = |at: usize, marker: u8| {
        let line = line(bytes.get(at..)?);
        let digits = line.strip_suffix(b"\r\n")?.strip_prefix(&[marker])?;
        let number: usize = std::str::from_utf8(digits).ok()?.parse().ok()?;
        Some((number, at + line.len()))
    };
    if bytes.get(at) == Some(&b'#') {
        return Some(at + line(&bytes[at..]).len());
    }
    let (count, mut at) = header(at, b'*')?;
    for _ in 0..count {
        let (length, payload) = header(at, b'$')?;
        let end = payload.checked_add(length)?;
        at = (bytes.get(end..end + 2)? == b"\r\n").then_some(end + 2)?;
    }
    Some(at)
}

fn number(at: &mut usize, bytes: &[u8], marker: u8) -> usize {
    let line = line(&bytes[*at..]);
    assert_eq!(line[0], marker, "byte {at}");
    *at += line.len();
    let digits = line[1..].iter().skip_while(|b| !b.is_ascii_digit());
    digits.take_while(|b| b.is_ascii_digit()).fold(0, |n, b| n * 10 + usize::from(b - b'0'))
}

/// The records that the damage left as they were and where no part of their transaction is gone.
pub fn untouched<'c>(all: &'c [Command], bytes: &[u8], damage: &Mutation) -> Vec<&'c Command> {
    let is_whole = |command: &&Command| is_whole(&command.at, bytes, damage);
    let broken: HashSet<usize> =
        all.iter().filter(|c| !is_whole(c)).filter_map(|c| c.transaction).collect();
    let outside = |c: &&Command| c.transaction.is_none_or(|t| !broken.contains(&t));
    all.iter().filter(is_whole).filter(outside).collect()
}

fn is_whole(at: &Range<usize>, bytes: &[u8], damage: &Mutation) -> bool {
    let apart = |from: usize, length: usize| at.end <= from || at.start >= from + length;
    let unsplit = |place: usize| at.end <= place || at.start >= place;
    match damage {
        Mutation::Truncate { at: end } => at.end <= *end,
        Mutation::Flip { at: place, .. } => apart(*place, 1),
        Mutation::Set { at: place, byte } => apart(*place, 1) || bytes.get(*place) == Some(byte),
        Mutation::Zero { at: from, length } | Mutation::Delete { at: from, length } => {
            apart(*from, *length)
        }
        Mutation::Overwrite { at: from, length, .. } => apart(*from, *length),
        Mutation::Duplicate { at: from, length } => unsplit((from + length).min(bytes.len())),
        Mutation::Splice { at: place, .. } => unsplit(*place),
        Mutation::AppendZeroes { .. } | Mutation::Append { .. } | Mutation::AppendOwn { .. } => {
            true
        }
    }
}

/// Positions of those of `wanted` that are not in `found`, in this order; the same is what `of` says.
pub fn missing(
    wanted: &[&Command],
    found: &[Command],
    of: impl Fn(&Command) -> (u64, &[Vec<u8>]),
) -> Vec<usize> {
    let same = |w: &&Command, f: &Command| of(w) == of(f);
    // Damage is in one place: what lies before it and behind it is compared from both ends.
    let first = wanted.iter().zip(found).take_while(|(w, f)| same(w, f)).count();
    let ends = wanted[first..].iter().rev().zip(found[first..].iter().rev());
    let last = ends.take_while(|(w, f)| same(w, f)).count();
    let (mut at, end) = (first, found.len() - last);
    let mut missing = Vec::new();
    let middle = wanted.iter().enumerate().take(wanted.len() - last).skip(first);
    for (place, wanted) in middle {
        match found[at..end].iter().position(|f| same(wanted, f)) {
            Some(step) => at += step + 1,
            None => missing.push(place),
        }
    }
    missing
}
