//! Vector sets (Redis 8): elements with a vector, and a graph of links between them.
//!
//! | part of a saved element | bytes |
//! |---|---|
//! | name, attributes where any element has some, vector | as strings, never compressed in practice |
//! | identifier, levels, ranges | about 30 |
//! | links | at most two times `M` (16) on the lowest level, and some above, each 2 to 6 |
//!
//! How many links there are depends on the vectors and on chance: that part is a range. Source: bases written by
//! Redis 8.0 to 8.6. None of these writes a vector set as commands: their rewrite dies of it.

use super::arguments::{is, number};
use super::cost::Cost;
use super::hashed::ByHash;
use super::weighed::Weighed;
use crate::format::rdb::pack;
use crate::format::resp::{Arg, Args};

/// Elements of one set that are told apart.
const ELEMENTS: usize = 1 << 16;

/// Links of an element on a higher level, where nothing else was asked for.
const LINKS: u64 = 16;

/// The value's module, its counts and its end.
const FRAME: u64 = 30;

/// What an element has beside its strings and links: at least, as a rule, and at most.
const OWN: [u64; 3] = [16, 30, 80];

/// Bytes of a string that a module saves, with its mark.
fn saved(len: u64) -> u64 {
    1 + pack::length_bytes(len) + len
}

/// An element.
#[derive(Clone, Copy, Debug)]
struct Element {
    /// Bytes of name and vector.
    bytes: u32,
    attributes: u32,
}

/// A vector set.
#[derive(Clone, Debug, Default)]
pub struct Vectors {
    /// Bytes of the value that the base had, of which nothing more is known.
    base: u64,
    /// Some of what the base had may be gone, or another by now.
    is_base_touched: bool,
    elements: ByHash<Element>,
    /// Bytes of the elements that are told apart.
    bytes: u64,
    /// Elements that are not told apart, and their bytes.
    more: (u64, u64),
    /// Elements that were ever added: how high their numbers are.
    added: u64,
    links: u64,
    matrix: u64,
    has_attributes: bool,
}

/// What VADD says.
struct Added<'a> {
    name: Arg<'a>,
    vector: u64,
    matrix: u64,
    attributes: u64,
    links: u64,
}

impl Vectors {
    /// One that a base holds, in so many bytes.
    pub fn of_base(bytes: u64) -> Self {
        Self { base: bytes, ..Self::default() }
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.base == 0 && self.elements.is_empty() && self.more.0 == 0
    }

    /// Bytes kept in memory, about.
    pub fn kept(&self) -> usize {
        size_of::<Self>() + self.elements.capacity() * 20
    }

    /// Bytes that it has, about.
    pub fn size(&self) -> u64 {
        self.base + self.bytes + self.more.1
    }

    /// VADD, behind the key. Answers whether it was understood.
    pub fn add(&mut self, args: Args<'_>, hash: &impl Fn(&Arg<'_>) -> u64) -> bool {
        let Some(added) = Added::read(args) else { return false };
        let bytes = saved(added.name.len) + saved(added.vector);
        let attributes = u32::try_from(added.attributes).unwrap_or(u32::MAX);
        let element = Element { bytes: u32::try_from(bytes).unwrap_or(u32::MAX), attributes };
        self.links = self.links.max(added.links);
        self.matrix = self.matrix.max(added.matrix);
        self.has_attributes |= attributes > 0;
        self.is_base_touched |= self.base > 0;
        let hash = hash(&added.name);
        if self.elements.len() >= ELEMENTS && !self.elements.contains_key(&hash) {
            self.more = (self.more.0 + 1, self.more.1 + bytes + added.attributes);
            self.added += 1;
            return true;
        }
        let total = |element: Element| u64::from(element.bytes) + u64::from(element.attributes);
        match self.elements.insert(hash, element) {
            Some(before) => self.bytes -= total(before),
            None => self.added += 1,
        }
        self.bytes += total(element);
        true
    }

    /// VREM
    pub fn remove(&mut self, hash: u64) {
        match self.elements.remove(&hash) {
            Some(gone) => self.bytes -= u64::from(gone.bytes) + u64::from(gone.attributes),
            None => {
                self.is_base_touched |= self.base > 0;
                self.more.0 = self.more.0.saturating_sub(1);
            }
        }
    }

    /// VSETATTR
    pub fn set_attributes(&mut self, hash: u64, len: u64) {
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        self.has_attributes |= len > 0;
        match self.elements.get_mut(&hash) {
            Some(element) => {
                self.bytes = self.bytes - u64::from(element.attributes) + u64::from(len);
                element.attributes = len;
            }
            None => {
                self.is_base_touched |= self.base > 0;
                self.more.1 += saved(u64::from(len));
            }
        }
    }

    /// Bytes with so many for what an element has of its own, and so many links of each.
    fn bytes(&self, own: u64, links: u64) -> u64 {
        let count = self.elements.len() as u64 + self.more.0;
        if count == 0 {
            return self.base;
        }
        // A link is the number of an element, with a mark before it.
        let link = 1 + pack::length_bytes(self.added + self.base / OWN[0]);
        let attributes = if self.has_attributes { 2 } else { 0 };
        let each = own + links.min(self.added + self.base / OWN[0]) * link + attributes;
        let frame = if self.base > 0 { 0 } else { FRAME };
        frame + self.base + self.bytes + self.more.1 + self.matrix + count * each
    }

    /// What it costs, as a rule.
    pub fn cost(&self) -> Cost {
        Cost::of_rdb(self.bytes(OWN[1], self.links_each() * 17 / 10))
    }

    /// What it may cost.
    pub fn range(&self, weighed: &mut Weighed) {
        // As commands it is never written.
        weighed.open.resp = 1.0;
        if self.elements.is_empty() && self.more.0 == 0 && !self.is_base_touched {
            return;
        }
        let low = if self.is_base_touched { 0 } else { self.bytes(OWN[0], 1) };
        weighed.widen(Cost::of_rdb(low));
        // Every element may have as many links on the lowest level, and is on a few others by chance.
        let most = self.links_each() * 3;
        weighed.widen(Cost::of_rdb(self.bytes(OWN[2], most)));
    }

    fn links_each(&self) -> u64 {
        if self.links == 0 { LINKS } else { self.links }
    }
}

impl<'a> Added<'a> {
    /// `[REDUCE n] (FP32 blob | VALUES n v ...) element [CAS] [NOQUANT|Q8|BIN] [EF n] [SETATTR json] [M n]`
    fn read(mut args: Args<'a>) -> Option<Self> {
        let mut word = args.next()?;
        let mut reduced = None;
        if is(&word, "REDUCE") {
            reduced = Some(number(args.next())?.unsigned_abs());
            word = args.next()?;
        }
        let given = if is(&word, "FP32") {
            args.next()?.len / 4
        } else {
            let count = number(args.next())?.unsigned_abs();
            args.nth(usize::try_from(count.checked_sub(1)?).ok()?)?;
            count
        };
        let name = args.next()?;
        let dimensions = reduced.unwrap_or(given);
        let mut added = Self {
            name,
            vector: dimensions,
            matrix: reduced.map_or(0, |to| given.saturating_mul(to).saturating_mul(4)),
            attributes: 0,
            links: 0,
        };
        while let Some(option) = args.next() {
            if is(&option, "NOQUANT") {
                added.vector = dimensions * 4;
            } else if is(&option, "BIN") {
                added.vector = dimensions.div_ceil(64) * 8;
            } else if is(&option, "SETATTR") {
                added.attributes = args.next()?.len;
            } else if is(&option, "M") {
                added.links = number(args.next())?.unsigned_abs().min(4096);
            } else if is(&option, "EF") {
                args.next();
            }
        }
        Some(added)
    }
}
