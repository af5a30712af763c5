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
}
