//! What allocators make of a request.

/// jemalloc's size for so many bytes: in steps of `quantum`, from 128 on four steps to each doubling.
pub(crate) fn jemalloc(bytes: u64, quantum: u64) -> u64 {
    match bytes {
        0..=8 => 8,
        9..=128 => {
            let step = if bytes > 64 { 16 } else { quantum };
            bytes.next_multiple_of(step)
        }
        _ => bytes.next_multiple_of((1 << (bytes - 1).ilog2()) / 4),
    }
}

/// What the C library lets a program use of an allocation of so many bytes.
pub(crate) const fn library(bytes: u64) -> u64 {
    let whole = (bytes + 8).next_multiple_of(16);
    (if whole < 32 { 32 } else { whole }) - 8
}

/// Builds of a server differ in their allocator; an estimate lies in the middle of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Allocators {
    /// The one of the C library.
    Library,
    /// jemalloc, as servers bring it.
    Own,
    /// The same, and as distributions build it.
    Jemallocs,
    /// jemalloc as servers bring it, and the one of the C library.
    OwnOrLibrary,
}

impl Allocators {
    /// Bytes of an allocation.
    #[inline]
    pub(super) fn size(self, bytes: u64) -> f64 {
        let middle = |a: u64, b: u64| (a + b) as f64 / 2.0;
        match self {
            Self::Library => library(bytes) as f64,
            Self::Own => jemalloc(bytes, 8) as f64,
            Self::Jemallocs => middle(jemalloc(bytes, 8), jemalloc(bytes, 16)),
            Self::OwnOrLibrary => middle(jemalloc(bytes, 8), library(bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_the_allocators() {
        let sizes = [(7, 8), (24, 8), (24, 16), (129, 8), (257, 8), (4097, 16)];
        assert_eq!(sizes.map(|(n, q)| jemalloc(n, q)), [8, 24, 32, 160, 320, 5120]);
        assert_eq!([0, 7, 24, 25, 58].map(library), [24, 24, 24, 40, 72]);
        assert_eq!(Allocators::OwnOrLibrary.size(58), 68.0);
    }
}
