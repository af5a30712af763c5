//! Counts the entries of a packed encoding as its bytes pass, where its header does not tell.
//!
//! | what | why the header does not tell |
//! |---|---|
//! | listpack, ziplist | its u16 is 65535, which means "many" |
//! | zipmap | its first byte is 254 or 255, which means "many" |
//! | fields and members with an expiry | no header counts them |
//!
//! LZF is expanded on the way. Memory: some 80 KiB, whatever the size of the value. What does not end with
//! its end mark exactly at its last byte is not counted.

use super::layout::Packed;
use super::lzf::Expander;
use super::pack::back_len;
use super::string::{Form, Head};

/// The longest head of an entry, bytes: a ziplist's two lengths of five each.
const HEAD_MOST: usize = 10;

/// What was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counted {
    /// Entries; of a zipmap, pairs.
    pub(super) entries: u64,
    /// Fields with an expiry.
    pub(super) field_ttls: u64,
}

/// A packed encoding being counted.
#[derive(Clone, Debug)]
pub(super) struct Census {
    /// Offset of the string's header.
    pub(super) at: u64,
    /// Offset after the string's body.
    pub(super) end: u64,
    /// Bytes of the body still to come.
    pub(super) left: u64,
    expander: Option<Expander>,
    counter: Counter,
}

impl Census {
    /// For the string whose header is at `at` and whose body begins at `body_at`.
    pub(super) fn new(packed: Packed, head: Head, at: u64, body_at: u64) -> Self {
        let is_lzf = matches!(head.form, Form::Lzf { .. });
        Self {
            at,
            end: body_at.saturating_add(head.body_len),
            left: head.body_len,
            expander: is_lzf.then(Expander::default),
            counter: Counter::new(packed),
        }
    }

    /// Takes the next bytes of the body.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        self.left = self.left.saturating_sub(bytes.len() as u64);
        let counter = &mut self.counter;
        match &mut self.expander {
            Some(expander) => expander.push(bytes, |expanded| counter.feed(expanded)),
            None => counter.feed(bytes),
        }
    }

    /// Whether some of its entries are expiries.
    pub(super) fn has_expiries(&self) -> bool {
        self.counter.packed.entries_to_expiry().is_some()
    }

    /// What was counted, unless the encoding is broken.
    pub(super) fn counted(&self) -> Option<Counted> {
        let is_whole = self.left == 0 && self.expander.as_ref().is_none_or(Expander::is_whole);
        self.counter.counted().filter(|_| is_whole)
    }
}

/// Where a counter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// So many bytes before the next entry.
    Skip(u64),
    /// At the head of an entry.
    Head,
    /// Behind the end mark.
    Over,
    /// At something that is no entry.
    Wrong,
}

/// Goes from entry to entry.
#[derive(Clone, Debug)]
struct Counter {
    packed: Packed,
    state: State,
    /// The beginning of an entry whose size the bytes so far do not tell.
    head: [u8; HEAD_MOST],
    head_len: usize,
    /// Entries, or the strings of a zipmap.
    entries: u64,
    field_ttls: u64,
}

impl Counter {
    const fn new(packed: Packed) -> Self {
        let header = match packed {
            Packed::Listpack | Packed::FieldListpack | Packed::MemberListpack => 6,
            Packed::Ziplist => 10,
            Packed::Zipmap => 1,
            Packed::Intset => 8,
        };
        Self {
            packed,
            state: State::Skip(header),
            head: [0; HEAD_MOST],
            head_len: 0,
            entries: 0,
            field_ttls: 0,
        }
    }

    fn feed(&mut self, mut bytes: &[u8]) {
        while let Some((&first, rest)) = bytes.split_first() {
            bytes = match self.state {
                State::Skip(n) => {
                    let taken = usize::try_from(n).unwrap_or(bytes.len()).min(bytes.len());
                    self.state = after(n - taken as u64);
                    &bytes[taken..]
                }
                State::Head => {
                    self.head[self.head_len] = first;
                    self.head_len += 1;
                    self.state = self.entry();
                    rest
                }
                State::Over | State::Wrong => {
                    self.state = State::Wrong;
                    return;
                }
            };
        }
    }

    /// Counts the entry whose first bytes were taken, once they tell its size.
    fn entry(&mut self) -> State {
        let head = &self.head[..self.head_len];
        let is_zipmap = self.packed == Packed::Zipmap;
        let is_value = is_zipmap && self.entries % 2 == 1;
        if head == [0xff] {
            return if is_value { State::Wrong } else { State::Over };
        }
        let size = match self.packed {
            Packed::Listpack | Packed::FieldListpack | Packed::MemberListpack => {
                listpack_entry(head)
            }
            Packed::Ziplist => ziplist_entry(head),
            Packed::Zipmap => zipmap_string(head, is_value),
            Packed::Intset => Size::Wrong,
        };
        let Size::Known(len) = size else {
            let is_short = size == Size::Unknown && self.head_len < HEAD_MOST;
            return if is_short { State::Head } else { State::Wrong };
        };
        if self.packed.entries_to_expiry().is_some_and(|each| self.entries % each == each - 1) {
            self.field_ttls += u64::from(!is_zero(head));
        }
        self.entries += 1;
        let taken = std::mem::take(&mut self.head_len) as u64;
        after(len - taken)
    }

    fn counted(&self) -> Option<Counted> {
        let each = if self.packed == Packed::Zipmap { 2 } else { 1 };
        let entries = (self.state == State::Over).then_some(self.entries / each)?;
        Some(Counted { entries, field_ttls: self.field_ttls })
    }
}

/// What follows when so many bytes are left of an entry.
const fn after(left: u64) -> State {
    if left == 0 { State::Head } else { State::Skip(left) }
}

/// Size of an entry, head included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Size {
    Known(u64),
    /// More bytes are needed to tell.
    Unknown,
    /// There is no such form.
    Wrong,
}

impl Size {
    /// Known as soon as the value's length is.
    fn of(len: Option<u64>) -> Self {
        len.map_or(Self::Unknown, Self::Known)
    }

    /// Known when all of it is there: for small things whose bytes matter.
    const fn once_there(len: usize, head: &[u8]) -> Self {
        if head.len() < len { Self::Unknown } else { Self::Known(len as u64) }
    }
}

/// An entry of a listpack: its form, and its length once more at the end.
fn listpack_entry(head: &[u8]) -> Size {
    let second = || head.get(1).map(|low| u64::from(*low));
    let size = match head[0] {
        0x00..=0x7f => Size::Known(1),
        first @ 0x80..=0xbf => Size::Known(1 + u64::from(first & 0x3f)),
        0xc0..=0xdf => Size::once_there(2, head),
        first @ 0xe0..=0xef => {
            Size::of(second().map(|low| 2 + (u64::from(first & 0x0f) << 8 | low)))
        }
        0xf0 => Size::of(u32_le(head, 1).map(|len| 5 + len)),
        0xf1 => Size::once_there(3, head),
        0xf2 => Size::once_there(4, head),
        0xf3 => Size::once_there(5, head),
        0xf4 => Size::once_there(9, head),
        _ => Size::Wrong,
    };
    match size {
        Size::Known(len) => Size::Known(len + back_len(len as usize) as u64),
        other => other,
    }
}

/// Whether the entry with this head is the number 0.
fn is_zero(head: &[u8]) -> bool {
    match head {
        [0] | [0xc0, 0] => true,
        [0xf1..=0xf4, number @ ..] => number.iter().all(|byte| *byte == 0),
        _ => false,
    }
}

/// An entry of a ziplist: the length of the one before, then its form.
fn ziplist_entry(head: &[u8]) -> Size {
    let before = match head[0] {
        0xff => return Size::Wrong,
        0xfe => 5,
        _ => 1,
    };
    let Some((&first, rest)) = head.get(before..).and_then(<[u8]>::split_first) else {
        return Size::Unknown;
    };
    let size = match first {
        0x00..=0x3f => Some(1 + u64::from(first)),
        0x40..=0x7f => rest.first().map(|low| 2 + (u64::from(first & 0x3f) << 8 | u64::from(*low))),
        0x80 => rest.first_chunk().map(|len| 5 + u64::from(u32::from_be_bytes(*len))),
        0xc0 => Some(3),
        0xd0 => Some(5),
        0xe0 => Some(9),
        0xf0 => Some(4),
        0xfe => Some(2),
        0xf1..=0xfd => Some(1),
        _ => return Size::Wrong,
    };
    Size::of(size.map(|len| len + before as u64))
}

/// A string of a zipmap; before the bytes of a value stands how many free ones follow them.
fn zipmap_string(head: &[u8], is_value: bool) -> Size {
    let (len, taken) = match head[0] {
        0xff => return Size::Wrong,
        0xfe => (u32_le(head, 1), 5),
        len => (Some(u64::from(len)), 1),
    };
    let free = if is_value { head.get(taken).map(|free| 1 + u64::from(*free)) } else { Some(0) };
    Size::of(len.zip(free).map(|(len, free)| taken as u64 + len + free))
}

fn u32_le(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts `bytes`, taken in pieces of `size`.
    fn counted(packed: Packed, bytes: &[u8], size: usize) -> Option<Counted> {
        let head = Head { form: Form::Raw, head_len: 1, body_len: bytes.len() as u64 };
        let mut census = Census::new(packed, head, 0, 1);
        bytes.chunks(size).for_each(|piece| census.take(piece));
        census.counted()
    }

    /// In pieces of any size the same.
    fn count(packed: Packed, bytes: &[u8]) -> Option<(u64, u64)> {
        let whole = counted(packed, bytes, bytes.len());
        for size in 1..bytes.len() {
            assert_eq!(counted(packed, bytes, size), whole, "in pieces of {size}");
        }
        whole.map(|counted| (counted.entries, counted.field_ttls))
    }

    #[test]
    fn every_form_of_listpack_entry_is_passed_whole() {
        let mut bytes = b"\0\0\0\0\xff\xff\x05\x01\x82ab\x03\xdf\xff\x02".to_vec();
        bytes.extend([&[0xe1, 0x00][..], &[b'x'; 256], &[0x82, 0x02]].concat());
        bytes.extend(b"\xf0\x01\0\0\0x\x06\xf1ab\x03\xf2abc\x04\xf3abcd\x05\xf4abcdefgh\x09");
        bytes.push(0xff);
        assert_eq!(count(Packed::Listpack, &bytes), Some((9, 0)));
        bytes.push(0);
        assert_eq!(count(Packed::Listpack, &bytes), None);
        assert_eq!(count(Packed::Listpack, b"\0\0\0\0\xff\xff\xf5\x01\xff"), None);
        assert_eq!(count(Packed::Listpack, b"\0\0\0\0\xff\xff\x85a\xff"), None);
    }

    #[test]
    fn fields_with_an_expiry_are_those_whose_third_entry_is_not_zero() {
        let field = |expiry: &[u8]| [b"\x81f\x02\x81v\x02", expiry].concat();
        let fields = [b"\xf4\0\x01\0\0\0\0\0\0\x09", &b"\x05\x01"[..], b"\0\x01", b"\xc0\0\x02"];
        let fields = fields.map(field).concat();
        let bytes = [b"\0\0\0\0\x0c\0", &fields[..], b"\xff"].concat();
        assert_eq!(count(Packed::FieldListpack, &bytes), Some((12, 2)));
    }

    #[test]
    fn every_form_of_ziplist_entry_is_passed_whole() {
        let mut bytes = [0; 10].to_vec();
        bytes.extend(b"\0\x02ab\x04\x40\x03abc\xfe\x06\0\0\0\x80\0\0\0\x01x");
        bytes.extend(b"\x0b\xc0ab\x04\xd0abcd\x06\xe0abcdefgh\x0a\xf0abc\x05\xfea\x03\xf1\x02\xfd");
        bytes.push(0xff);
        assert_eq!(count(Packed::Ziplist, &bytes), Some((10, 0)));
        assert_eq!(count(Packed::Ziplist, b"\0\0\0\0\0\0\0\0\0\0\0\xff\xff"), None);
    }

    #[test]
    fn zipmaps_are_counted_in_pairs_with_their_free_bytes() {
        let mut bytes = b"\xfe\x01a\x01\x02v..\xfe\x02\0\0\0bc\0\0\xff".to_vec();
        assert_eq!(count(Packed::Zipmap, &bytes), Some((2, 0)));
        bytes.truncate(4);
        bytes.push(0xff);
        assert_eq!(count(Packed::Zipmap, &bytes), None);
    }
}
