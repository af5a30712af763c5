//! Entries of packed encodings, put together to what they mean.

use super::piece::{Part, Piece, Reader, Shape};

/// The number that a score's text stands for.
pub(super) fn score_of(text: &[u8]) -> f64 {
    std::str::from_utf8(text).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0.0)
}

/// The integers of an intset.
pub(super) fn intset(bytes: &[u8], each: &mut impl FnMut(i64)) {
    let width = bytes.first().copied().unwrap_or(0);
    let Some(raw) = bytes.get(8..).filter(|_| matches!(width, 2 | 4 | 8)) else { return };
    for number in raw.chunks_exact(usize::from(width)) {
        let mut eight = [0_u8; 8];
        eight[8 - number.len()..].copy_from_slice(number);
        each(i64::from_le_bytes(eight) >> (64 - 8 * u32::from(width)));
    }
}

/// Puts the entries of a packed encoding together.
pub(super) struct Group {
    pub(super) shape: Shape,
    pub(super) waiting: Vec<Vec<u8>>,
}

impl Group {
    pub(super) fn number(&mut self, number: i64, reader: &mut impl Reader) {
        self.text(number.to_string().as_bytes(), reader);
    }

    pub(super) fn text(&mut self, text: &[u8], reader: &mut impl Reader) {
        let size = match self.shape {
            Shape::List => return reader.piece(&Piece::Element(Part::whole(text))),
            Shape::Set => return reader.piece(&Piece::Member(Part::whole(text))),
            Shape::HashTtlFirst => 3,
            _ => 2,
        };
        if self.waiting.len() + 1 < size {
            return self.waiting.push(text.to_vec());
        }
        match (self.shape, &self.waiting[..]) {
            (Shape::Zset, [member]) => {
                reader.piece(&Piece::Scored(Part::whole(member), score_of(text)));
            }
            (Shape::SetTtl, [member]) => reader.piece(&Piece::Member(Part::whole(member))),
            (Shape::Hash, [field]) => {
                reader.piece(&Piece::Field(Part::whole(field), Part::whole(text), false));
            }
            (Shape::HashTtlFirst, [field, value]) => {
                let has_ttl = text != b"0";
                reader.piece(&Piece::Field(Part::whole(field), Part::whole(value), has_ttl));
            }
            _ => {}
        }
        self.waiting.clear();
    }
}
