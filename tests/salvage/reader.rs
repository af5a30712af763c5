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
    pub fn name(&self) -> &[u8] {
        &self.args[0]
    }

    /// What it does: two commands that are the same do the same.
    pub fn meaning(&self) -> (u64, &[Vec<u8>]) {
        (self.db, &self.args)
    }
}

/// All records of a whole, sound log.
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
            assert_eq!(&bytes[at - 2..at], b"\r\n", "byte {at}");
        }
        args[0].make_ascii_uppercase();
        match &args[0][..] {
            b"SELECT" => db = std::str::from_utf8(&args[1]).unwrap().parse().unwrap(),
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

fn line(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.iter().position(|&b| b == b'\n').unwrap() + 1]
}

fn number(at: &mut usize, bytes: &[u8], marker: u8) -> usize {
    let line = line(&bytes[*at..]);
    assert_eq!(line[0], marker, "byte {at}");
    *at += line.len();
    std::str::from_utf8(&line[1..line.len() - 2]).unwrap().parse().unwrap()
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

/// How many of `wanted` are in `found`, in this order and with the same meaning.
pub fn kept(wanted: &[&Command], found: &[Command]) -> (usize, Vec<usize>) {
    let (mut at, mut kept, mut missing) = (0, 0, Vec::new());
    for (place, command) in wanted.iter().enumerate() {
        let next = found[at..].iter().position(|f| f.meaning() == command.meaning());
        match next {
            Some(step) => {
                at += step + 1;
                kept += 1;
            }
            None => missing.push(place),
        }
    }
    (kept, missing)
}
