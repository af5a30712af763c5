//! HyperLogLogs: which of their 16,384 registers are set, and how servers write that.
//!
//! | bytes | sparse form |
//! |---|---|
//! | 16 | `HYLL`, the form, and the count that was asked for last |
//! | 1 | `00xxxxxx`: so many registers are 0, and one more |
//! | 2 | `01xxxxxx yyyyyyyy`: the same, many more |
//! | 1 | `1vvvvvxx`: `xx` and one registers are `vvvvv` and one |
//!
//! Beyond 3000 bytes (`hll-sparse-max-bytes`), or with a register above 32, it is dense: six bits for each. An element
//! is hashed with 64-bit MurmurHash2; 14 bits say which register, the zeros behind them what it holds. Source: values
//! that real servers wrote.

use super::cost::{Cost, Scales, bulk, header};

const REGISTERS: usize = 1 << 14;
const HEADER: usize = 16;
const SPARSE_MOST: usize = 3000;
const SPARSE_VALUE_MOST: u8 = 32;

/// Bytes of a dense one.
pub const DENSE: usize = HEADER + REGISTERS * 6 / 8;

/// What its string begins with.
pub const MAGIC: &[u8] = b"HYLL";

/// Registers below which the sparse form cannot be too long: each takes three bytes at most.
const FEW: usize = SPARSE_MOST / 3 - HEADER;

/// A HyperLogLog.
#[derive(Clone, Debug)]
pub enum Sketch {
    /// Numbers and values of the registers that are not 0, in order.
    Sparse(Vec<(u16, u8)>),
    /// All registers.
    Dense(Vec<u8>),
}

impl Default for Sketch {
    fn default() -> Self {
        Self::Sparse(Vec::new())
    }
}

impl Sketch {
    /// Reads one from its string.
    pub fn read(text: &[u8]) -> Option<Self> {
        let body = text.get(HEADER..).filter(|_| text.starts_with(MAGIC))?;
        match text[4] {
            0 if text.len() == DENSE => {
                Some(Self::Dense((0..REGISTERS).map(dense(body)).collect()))
            }
            1 => sparse(body).map(Self::Sparse),
            _ => None,
        }
    }

    /// Bytes kept in memory, about.
    pub fn kept(&self) -> usize {
        match self {
            Self::Sparse(set) => set.capacity() * size_of::<(u16, u8)>(),
            Self::Dense(all) => all.capacity(),
        }
    }

    /// PFADD of one element.
    pub fn add(&mut self, element: &[u8]) {
        let hash = murmur(element);
        // A one behind the last bit ends the count of zeros.
        let zeros = (hash >> 14 | 1 << 50).trailing_zeros();
        self.raise((hash % REGISTERS as u64) as u16, zeros as u8 + 1);
    }

    /// PFMERGE: all registers of another as well.
    pub fn merge(&mut self, other: &Self) {
        if matches!(other, Self::Dense(_)) {
            self.spread();
        }
        match other {
            Self::Sparse(set) => set.iter().for_each(|(at, value)| self.raise(*at, *value)),
            Self::Dense(all) => {
                all.iter().zip(0..).for_each(|(value, at)| self.raise(at, *value));
            }
        }
    }

    fn raise(&mut self, at: u16, value: u8) {
        match self {
            Self::Dense(all) => all[usize::from(at)] = all[usize::from(at)].max(value),
            Self::Sparse(set) => {
                match set.binary_search_by_key(&at, |(at, _)| *at) {
                    _ if value == 0 => return,
                    Ok(place) if set[place].1 >= value => return,
                    Ok(place) => set[place].1 = value,
                    Err(place) => set.insert(place, (at, value)),
                }
                let is_long = set.len() > FEW && written(set).len() > SPARSE_MOST;
                if value > SPARSE_VALUE_MOST || is_long {
                    self.spread();
                }
            }
        }
    }

    /// Makes it dense.
    fn spread(&mut self) {
        let Self::Sparse(set) = self else { return };
        let mut all = vec![0; REGISTERS];
        set.iter().for_each(|(at, value)| all[usize::from(*at)] = *value);
        *self = Self::Dense(all);
    }

    /// Its string.
    pub fn text(&self) -> Vec<u8> {
        match self {
            Self::Sparse(set) => written(set),
            Self::Dense(all) => {
                let mut text = begun(0);
                text.resize(DENSE, 0);
                for (value, at) in all.iter().zip(0..) {
                    let (byte, bit) = (HEADER + at * 6 / 8, at * 6 % 8);
                    let shifted = u16::from(*value) << bit;
                    text[byte] |= shifted as u8;
                    if let Some(next) = text.get_mut(byte + 1) {
                        *next |= (shifted >> 8) as u8;
                    }
                }
                text
            }
        }
    }

    /// What it costs, with its key of that length.
    pub fn cost(&self, key_len: u64, scales: &mut Scales) -> Cost {
        let text = self.text();
        let resp = header(3) + bulk(3) + bulk(key_len) + bulk(text.len() as u64);
        Cost::of_commands(resp) + scales.blob(&text)
    }
}

fn begun(form: u8) -> Vec<u8> {
    let mut text = [MAGIC, &[form]].concat();
    text.resize(HEADER, 0);
    // Nobody asked for the count since it was changed.
    text[HEADER - 1] = 0x80;
    text
}

fn written(set: &[(u16, u8)]) -> Vec<u8> {
    let mut text = begun(1);
    let mut next = 0_usize;
    let mut rest = set;
    while let Some((at, value)) = rest.first() {
        let at = usize::from(*at);
        zeros(at - next, &mut text);
        let same = rest.iter().zip(at..).take(4);
        let same = same.take_while(|((place, v), at)| (usize::from(*place), v) == (*at, value));
        let run = same.count();
        text.push(0x80 | value.saturating_sub(1) << 2 | (run - 1) as u8);
        next = at + run;
        rest = &rest[run..];
    }
    zeros(REGISTERS - next, &mut text);
    text
}

fn zeros(count: usize, text: &mut Vec<u8>) {
    match count {
        0 => {}
        1..=64 => text.push((count - 1) as u8),
        _ => text.extend([0x40 | ((count - 1) >> 8) as u8, (count - 1) as u8]),
    }
}

fn sparse(body: &[u8]) -> Option<Vec<(u16, u8)>> {
    let (mut set, mut at) = (Vec::new(), 0_usize);
    let mut bytes = body.iter();
    while let Some(first) = bytes.next() {
        match first >> 6 {
            0 => at += usize::from(first & 63) + 1,
            1 => at += (usize::from(first & 63) << 8 | usize::from(*bytes.next()?)) + 1,
            _ => {
                for _ in 0..=(first & 3) {
                    set.push((u16::try_from(at).ok()?, (first >> 2 & 31) + 1));
                    at += 1;
                }
            }
        }
    }
    (at == REGISTERS).then_some(set)
}

fn dense(body: &[u8]) -> impl Fn(usize) -> u8 + use<'_> {
    let byte = |at: usize| u16::from(body.get(at).copied().unwrap_or(0));
    move |at| {
        let (place, bit) = (at * 6 / 8, at * 6 % 8);
        ((byte(place) | byte(place + 1) << 8) >> bit & 63) as u8
    }
}

/// 64-bit MurmurHash2 with the servers' seed.
fn murmur(bytes: &[u8]) -> u64 {
    const MIX: u64 = 0xc6a4_a793_5bd1_e995;
    const SEED: u64 = 0xadc8_3b19;
    let mut hash = SEED ^ (bytes.len() as u64).wrapping_mul(MIX);
    let (eights, rest) = bytes.as_chunks::<8>();
    for eight in eights {
        let word = u64::from_le_bytes(*eight).wrapping_mul(MIX);
        hash = (hash ^ (word ^ word >> 47).wrapping_mul(MIX)).wrapping_mul(MIX);
    }
    if !rest.is_empty() {
        let tail = rest.iter().rev().fold(0, |tail, byte| tail << 8 | u64::from(*byte));
        hash = (hash ^ tail).wrapping_mul(MIX);
    }
    hash = (hash ^ hash >> 47).wrapping_mul(MIX);
    hash ^ hash >> 47
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_as_they_were_written() {
        let mut sketch = Sketch::default();
        assert_eq!(sketch.text().len(), 18);
        for i in 0..500 {
            sketch.add(format!("user{i}").as_bytes());
        }
        let Sketch::Sparse(set) = &sketch else { panic!("it is dense") };
        assert_eq!(sparse(&sketch.text()[HEADER..]).as_ref(), Some(set));
        let mut other = sketch.clone();
        for i in 0..5000 {
            other.add(format!("other{i}").as_bytes());
        }
        let Sketch::Dense(all) = &other else { panic!("it is sparse") };
        let text = other.text();
        assert_eq!(text.len(), DENSE);
        assert!(matches!(Sketch::read(&text), Some(Sketch::Dense(read)) if read == *all));
        sketch.merge(&other);
        assert_eq!(sketch.text(), text);
    }
}
