//! BITFIELD and BITOP: strings as rows of bits.

use super::arguments::{is, number};
use super::text::Text;
use crate::format::resp::{Arg, Args};

/// A field: its bits, and whether its highest is a sign.
#[derive(Clone, Copy)]
struct Field {
    is_signed: bool,
    bits: u32,
    at: u64,
}

/// What a sum becomes that does not fit.
#[derive(Clone, Copy)]
enum Overflow {
    Wrap,
    Saturate,
    Fail,
}

impl Field {
    /// `u8 100`, `i5 #3`
    fn read(kind: Arg<'_>, at: Arg<'_>) -> Option<Self> {
        let (sign, bits) = kind.head.split_first()?;
        let bits: u32 = std::str::from_utf8(bits).ok()?.parse().ok()?;
        let in_fields = at.head.strip_prefix(b"#");
        let place = std::str::from_utf8(in_fields.unwrap_or(at.head)).ok()?;
        let place: u64 = place.parse().ok()?;
        let at = if in_fields.is_some() { place.checked_mul(bits.into())? } else { place };
        let is_signed = sign.eq_ignore_ascii_case(&b'i');
        (1..=64).contains(&bits).then_some(Self { is_signed, bits, at })
    }

    fn get(self, text: &Text) -> i128 {
        let bits = (0..self.bits).map(|bit| text.bit(self.at + u64::from(bit)));
        let plain = bits.fold(0_i128, |sum, bit| sum << 1 | i128::from(bit));
        let is_negative = self.is_signed && plain >> (self.bits - 1) & 1 == 1;
        if is_negative { plain - (1 << self.bits) } else { plain }
    }

    fn set(self, text: &mut Text, value: i128) {
        for bit in 0..self.bits {
            text.set_bit(self.at + u64::from(bit), value >> (self.bits - 1 - bit) & 1 == 1);
        }
    }

    fn range(self) -> (i128, i128) {
        let all = 1_i128 << self.bits;
        if self.is_signed { (-(all / 2), all / 2 - 1) } else { (0, all - 1) }
    }

    /// The value in the range of the field, when there is to be one.
    fn fit(self, value: i128, overflow: Overflow) -> Option<i128> {
        let (least, most) = self.range();
        if (least..=most).contains(&value) {
            return Some(value);
        }
        match overflow {
            // The lowest bits are taken.
            Overflow::Wrap => Some(value),
            Overflow::Saturate => Some(value.clamp(least, most)),
            Overflow::Fail => None,
        }
    }
}

/// BITFIELD: its operations in turn. Answers whether all were understood.
pub fn fields(text: &mut Text, mut args: Args<'_>) -> bool {
    let mut overflow = Overflow::Wrap;
    while let Some(word) = args.next() {
        if is(&word, "OVERFLOW") {
            overflow = match args.next() {
                Some(how) if is(&how, "SAT") => Overflow::Saturate,
                Some(how) if is(&how, "FAIL") => Overflow::Fail,
                _ => Overflow::Wrap,
            };
            continue;
        }
        let field = args.next().zip(args.next()).and_then(|(kind, at)| Field::read(kind, at));
        let Some(field) = field else { return false };
        if is(&word, "GET") {
            continue;
        }
        let Some(value) = number(args.next()).map(i128::from) else { return false };
        let value = if is(&word, "SET") { value } else { field.get(text) + value };
        if let Some(value) = field.fit(value, overflow) {
            field.set(text, value);
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_as_they_were_written() {
        let mut text = Text::default();
        let field = Field { is_signed: true, bits: 5, at: 11 };
        field.set(&mut text, -7);
        assert_eq!(field.get(&text), -7);
        assert_eq!(text.len(), 2);
        assert_eq!(field.fit(20, Overflow::Saturate), Some(15));
        assert_eq!(field.fit(20, Overflow::Fail), None);
        let plain = Field { is_signed: false, bits: 8, at: 16 };
        plain.set(&mut text, 300);
        assert_eq!((plain.get(&text), text.len()), (44, 3));
    }
}
