//! LZF, the compression of strings.
//!
//! | control byte `c` | item |
//! |---|---|
//! | `c < 32` | `c + 1` literal bytes follow |
//! | else | copy `L + 2` bytes from `distance` back: `L = c >> 5`, plus the next byte when it is 7; `distance = ((c & 31) << 8) + next byte + 1` |
//!
//! Pure. Output is bounded by the caller, never by a declared length. Source: the description of the
//! format in `lzf_d.c`; a copy may overlap its own output.

/// No LZF item expands further than this factor: three bytes make at most 264.
pub const MAX_GROWTH: u64 = 88;

/// How expansion ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// All input was used, at an item boundary.
    Whole,
    /// The output limit was reached first.
    Full,
    /// The input ends inside an item.
    Short,
    /// A copy reaches back before the start of the output.
    Wild,
}

/// Appends at most `limit` expanded bytes of `packed` to `out`, which must be empty.
pub fn expand(packed: &[u8], limit: usize, out: &mut Vec<u8>) -> End {
    let mut input = packed;
    while let Some((&control, rest)) = input.split_first() {
        if out.len() >= limit {
            return End::Full;
        }
        let room = limit - out.len();
        if control < 32 {
            let literal = usize::from(control) + 1;
            let given = literal.min(rest.len());
            out.extend_from_slice(&rest[..given.min(room)]);
            if given.min(room) < literal {
                return if room <= given { End::Full } else { End::Short };
            }
            input = &rest[literal..];
        } else {
            let Some((length, distance, rest)) = back_reference(control, rest) else {
                return End::Short;
            };
            let Some(from) = out.len().checked_sub(distance) else {
                return End::Wild;
            };
            for i in 0..length.min(room) {
                out.push(out[from + i]);
            }
            if length > room {
                return End::Full;
            }
            input = rest;
        }
    }
    End::Whole
}

/// Length and distance of a copy, and the input after it.
fn back_reference(control: u8, rest: &[u8]) -> Option<(usize, usize, &[u8])> {
    let mut length = usize::from(control >> 5);
    let mut rest = rest;
    if length == 7 {
        let (&more, after) = rest.split_first()?;
        length += usize::from(more);
        rest = after;
    }
    let (&low, after) = rest.split_first()?;
    let distance = (usize::from(control & 31) << 8) + usize::from(low) + 1;
    Some((length + 2, distance, after))
}

/// How far back a copy can reach.
const REACH: usize = 8192;

/// Expanded bytes handed out at a time, about.
const HANDFUL: usize = 64 * 1024;

/// Where an expander is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// Before a control byte.
    #[default]
    Control,
    /// Before so many literal bytes.
    Literal(usize),
    /// Before the byte that lengthens a copy; the high bits of its distance.
    Length(usize),
    /// Before the low byte of a distance: its high bits, and the length of the copy.
    Distance(usize, usize),
    /// Behind a copy from before the start.
    Wild,
}

/// Expands a string that comes in pieces, and keeps no more of it than a copy can reach.
#[derive(Clone, Debug, Default)]
pub(super) struct Expander {
    out: Vec<u8>,
    /// Bytes of `out` that were handed out.
    given: usize,
    place: Place,
}

impl Expander {
    /// Takes the next bytes, and hands out what they expand to.
    pub(super) fn push(&mut self, mut packed: &[u8], mut each: impl FnMut(&[u8])) {
        while let Some((&first, rest)) = packed.split_first() {
            packed = rest;
            self.place = match self.place {
                Place::Control if first < 32 => Place::Literal(usize::from(first) + 1),
                Place::Control => {
                    let (length, high) = (usize::from(first >> 5), usize::from(first & 31) << 8);
                    if length == 7 {
                        Place::Length(high)
                    } else {
                        Place::Distance(high, length + 2)
                    }
                }
                Place::Literal(n) => {
                    let more = (n - 1).min(rest.len());
                    self.out.push(first);
                    self.out.extend_from_slice(&rest[..more]);
                    packed = &rest[more..];
                    if more + 1 == n { Place::Control } else { Place::Literal(n - 1 - more) }
                }
                Place::Length(high) => Place::Distance(high, usize::from(first) + 9),
                Place::Distance(high, length) => self.copy(high + usize::from(first) + 1, length),
                Place::Wild => return,
            };
            if self.out.len() >= HANDFUL {
                self.give(&mut each);
            }
        }
        self.give(&mut each);
    }

    fn copy(&mut self, distance: usize, length: usize) -> Place {
        let Some(from) = self.out.len().checked_sub(distance) else { return Place::Wild };
        if distance >= length {
            self.out.extend_from_within(from..from + length);
        } else {
            (from..from + length).for_each(|i| self.out.push(self.out[i]));
        }
        Place::Control
    }

    fn give(&mut self, each: &mut impl FnMut(&[u8])) {
        each(&self.out[self.given..]);
        self.out.drain(..self.out.len().saturating_sub(REACH));
        self.given = self.out.len();
    }

    /// Whether all items so far were whole and sound.
    pub(super) fn is_whole(&self) -> bool {
        self.place == Place::Control
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(packed: &[u8], limit: usize) -> (Vec<u8>, End) {
        let mut out = Vec::new();
        let end = expand(packed, limit, &mut out);
        (out, end)
    }

    #[test]
    fn literals_and_overlapping_copies_expand() {
        assert_eq!(all(&[2, b'a', b'b', b'c'], 99), (b"abc".to_vec(), End::Whole));
        // One literal, then a copy of 3 from distance 1.
        assert_eq!(all(&[0, b'x', 0x20, 0], 99), (b"xxxx".to_vec(), End::Whole));
        // The long form: 7 + 255 + 2 bytes.
        let (out, end) = all(&[0, b'x', 0xe0, 255, 0], 999);
        assert_eq!((out.len(), end), (265, End::Whole));
    }

    #[test]
    fn output_never_exceeds_the_limit() {
        assert_eq!(all(&[2, b'a', b'b', b'c'], 2), (b"ab".to_vec(), End::Full));
        assert_eq!(all(&[0, b'x', 0xe0, 255, 0], 5), (b"xxxxx".to_vec(), End::Full));
        assert_eq!(all(&[2, b'a', b'b', b'c'], 3), (b"abc".to_vec(), End::Whole));
    }

    #[test]
    fn input_that_ends_inside_an_item_is_short() {
        assert_eq!(all(&[5, b'a', b'b'], 99), (b"ab".to_vec(), End::Short));
        assert_eq!(all(&[0, b'a', 0x20], 99), (b"a".to_vec(), End::Short));
        assert_eq!(all(&[0, b'a', 0xe0, 1], 99), (b"a".to_vec(), End::Short));
    }

    #[test]
    fn a_copy_before_the_start_is_wild() {
        assert_eq!(all(&[0, b'a', 0x20, 1], 99), (b"a".to_vec(), End::Wild));
        assert_eq!(all(&[0x20, 0], 99), (Vec::new(), End::Wild));
    }

    #[test]
    fn in_pieces_of_any_size_it_expands_to_the_same() {
        let mut packed = Vec::new();
        for i in 0..3000_u16 {
            packed.extend([3, i as u8, (i >> 8) as u8, 7, 9]);
            packed.extend([0xe0 | (i % 2) as u8, (i % 250) as u8, (i % 200) as u8]);
            packed.extend([0x40, 1]);
        }
        // A distance of up to 456 needs that much before it.
        let packed = [&[31; 33], &[31; 33][..]]
            .concat()
            .repeat(8)
            .into_iter()
            .chain(packed)
            .collect::<Vec<_>>();
        let (whole, end) = all(&packed, usize::MAX);
        assert_eq!(end, End::Whole);
        for size in [1, 2, 3, 7, 1000, packed.len()] {
            let mut expander = Expander::default();
            let mut out = Vec::new();
            packed
                .chunks(size)
                .for_each(|piece| expander.push(piece, |more| out.extend_from_slice(more)));
            assert!(out == whole && expander.is_whole(), "in pieces of {size}");
        }
    }
}
