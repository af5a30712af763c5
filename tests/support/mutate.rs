//! Damage by seed: the same seed and index give the same damage for ever.

use std::fmt;

/// SplitMix64 (Steele, Lea, Flood 2014): tiny, and good enough to choose places to hit.
pub struct Random(u64);

impl Random {
    /// The stream of one index under a seed.
    pub fn new(seed: u64, index: u64) -> Random {
        let mut mixer = Random(seed ^ index.wrapping_mul(0xd134_2543_de82_ef95));
        Random(mixer.next())
    }

    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `limit`; 0 when that is 0. The slight bias does not matter here.
    pub fn below(&mut self, limit: usize) -> usize {
        if limit == 0 { 0 } else { (self.next() % limit as u64) as usize }
    }

    /// True in `percent` of a hundred cases.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

/// One change to the bytes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// Everything from here on is gone.
    Truncate { at: usize },
    /// One bit is the other way round.
    Flip { at: usize, bit: u8 },
    /// One byte became another.
    Set { at: usize, byte: u8 },
    /// A block reads as zeroes, as after a power cut.
    Zero { at: usize, length: usize },
    /// A run is missing.
    Delete { at: usize, length: usize },
    /// A run is there twice in a row.
    Duplicate { at: usize, length: usize },
    /// A run from one place is written over another.
    Overwrite { from: usize, length: usize, at: usize },
    /// A run from one place is inserted at another.
    Splice { from: usize, length: usize, at: usize },
    /// Zeroes follow the end.
    AppendZeroes { length: usize },
    /// These bytes follow the end.
    Append { bytes: Vec<u8> },
    /// The file begins again after its end, and breaks off.
    AppendOwn { length: usize },
}

/// Bytes that mean something to one of the parsers.
const TELLING: &[u8] = b"*$#\r\n\0 0123456789-+bhi\"'\\\xff";

impl Mutation {
    /// Some damage for a file of these bytes.
    pub fn choose(random: &mut Random, bytes: &[u8]) -> Mutation {
        if random.chance(25)
            && let Some(mutation) = Mutation::of_whole_records(random, bytes)
        {
            return mutation;
        }
        let length = run_length(random);
        let at = place(random, bytes);
        match random.below(18) {
            0..=4 => Mutation::Truncate { at },
            5..=7 => Mutation::Flip { at, bit: random.below(8) as u8 },
            8..=10 => Mutation::Set { at, byte: *random.pick(TELLING) },
            11 => Mutation::Zero { at, length },
            12 => Mutation::Delete { at, length },
            13 => Mutation::Duplicate { at, length },
            14 => Mutation::Overwrite { from: place(random, bytes), length, at },
            15 => Mutation::Splice { from: place(random, bytes), length, at },
            16 if random.chance(50) => Mutation::AppendZeroes { length: length * 7 },
            16 => Mutation::Append { bytes: garbage(random, length) },
            _ => Mutation::AppendOwn { length },
        }
    }

    /// Framing stays intact, but a transaction loses its end, a database switch is missing, …
    fn of_whole_records(random: &mut Random, bytes: &[u8]) -> Option<Mutation> {
        let starts = record_starts(bytes);
        if starts.len() < 2 {
            return None;
        }
        let mut some = || {
            let first = random.below(starts.len() - 1);
            let last = (first + 1 + random.below(3)).min(starts.len() - 1);
            (starts[first], starts[last] - starts[first])
        };
        let (from, length) = some();
        let (at, _) = some();
        Some(match random.below(4) {
            0 => Mutation::Truncate { at },
            1 => Mutation::Delete { at: from, length },
            2 => Mutation::Duplicate { at: from, length },
            _ => Mutation::Splice { from, length, at },
        })
    }

    /// The bytes after the damage.
    pub fn apply(&self, bytes: &[u8]) -> Vec<u8> {
        let mut result = bytes.to_vec();
        let size = bytes.len();
        let run = |at: usize, length: usize| at.min(size)..(at + length).min(size);
        match self {
            Mutation::Truncate { at } => result.truncate(*at),
            Mutation::Flip { at, bit } => {
                if let Some(byte) = result.get_mut(*at) {
                    *byte ^= 1 << bit;
                }
            }
            Mutation::Set { at, byte } => {
                if let Some(old) = result.get_mut(*at) {
                    *old = *byte;
                }
            }
            Mutation::Zero { at, length } => result[run(*at, *length)].fill(0),
            Mutation::Delete { at, length } => {
                result.drain(run(*at, *length));
            }
            Mutation::Duplicate { at, length } => {
                let range = run(*at, *length);
                result.splice(range.end..range.end, bytes[range].iter().copied());
            }
            Mutation::Overwrite { from, length, at } => {
                for (offset, byte) in bytes[run(*from, *length)].iter().enumerate() {
                    if let Some(old) = result.get_mut(at + offset) {
                        *old = *byte;
                    }
                }
            }
            Mutation::Splice { from, length, at } => {
                let at = (*at).min(size);
                result.splice(at..at, bytes[run(*from, *length)].iter().copied());
            }
            Mutation::AppendZeroes { length } => result.resize(size + length, 0),
            Mutation::Append { bytes } => result.extend_from_slice(bytes),
            Mutation::AppendOwn { length } => result.extend_from_slice(&bytes[run(0, *length)]),
        }
        result
    }
}

impl fmt::Display for Mutation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mutation::Append { bytes } => write!(f, "Append {{ {} }}", bytes.escape_ascii()),
            other => write!(f, "{other:?}"),
        }
    }
}

/// Half of all places are anywhere, the others where framing is decided or where files break.
fn place(random: &mut Random, bytes: &[u8]) -> usize {
    let anywhere = random.below(bytes.len());
    match random.below(10) {
        0..=4 => anywhere,
        5 => bytes.len() - random.below(64).min(bytes.len()),
        6 => random.below(64).min(bytes.len()),
        _ => {
            let framing = |byte: &u8| matches!(byte, b'*' | b'$' | b'#' | b'\r' | b'\n');
            let next = bytes[anywhere.min(bytes.len())..].iter().position(framing);
            next.map_or(anywhere, |step| anywhere + step + random.below(2))
        }
    }
}

/// Where records begin, as far as the framing is canonical; the end of the last one closes the
/// list. An RDB part in front is passed over.
fn record_starts(bytes: &[u8]) -> Vec<usize> {
    let select = b"*2\r\n$6\r\nSELECT\r\n";
    let multi = b"*1\r\n$5\r\nMULTI\r\n";
    let begins = |at: &usize| bytes[*at..].starts_with(select) || bytes[*at..].starts_with(multi);
    let Some(mut at) = (0..bytes.len()).find(begins) else { return Vec::new() };
    let mut starts = vec![at];
    while let Some(end) = record_end(bytes, at) {
        starts.push(end);
        at = end;
    }
    starts
}

fn record_end(bytes: &[u8], at: usize) -> Option<usize> {
    let line = |at: usize| {
        let end = at + bytes.get(at..)?.iter().position(|byte| *byte == b'\n')? + 1;
        Some((&bytes[at..end], end))
    };
    let number = |line: &[u8]| std::str::from_utf8(line.get(1..)?).ok()?.trim_end().parse().ok();
    let (header, mut at) = line(at)?;
    if header[0] == b'#' {
        return Some(at);
    }
    for _ in 0..number(header)? {
        let (header, payload) = line(at)?;
        let length: usize = number(header)?;
        at = payload + length + 2;
    }
    (at <= bytes.len()).then_some(at)
}

fn run_length(random: &mut Random) -> usize {
    match random.below(4) {
        0 => 1 + random.below(4),
        1 => 1 + random.below(40),
        2 => 1 + random.below(600),
        _ => 512 << random.below(4),
    }
}

fn garbage(random: &mut Random, length: usize) -> Vec<u8> {
    let telling = random.chance(50);
    (0..length.min(300))
        .map(|_| if telling { *random.pick(TELLING) } else { random.next() as u8 })
        .collect()
}
