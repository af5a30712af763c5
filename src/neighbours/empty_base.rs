//! Whether a set began with nothing.

use crate::aof::{Aof, Role};

/// Bytes of an empty base of commands or of an RDB without keys, at most: header, fields about its server, trailer.
const EMPTY_BASE: u64 = 256;

/// Whether the set may have begun with nothing, and its first base is still there.
pub(super) fn began_empty(aof: &Aof) -> bool {
    base_is_empty(aof, |number| number == 1)
}

/// Whether its base may hold nothing, whatever its number.
pub(super) fn has_empty_base(aof: &Aof) -> bool {
    base_is_empty(aof, |_| true)
}

/// Whether the base has such a number, and may hold nothing: the set began with that, or a rewrite saved it after a FLUSHALL.
fn base_is_empty(aof: &Aof, is_meant: impl Fn(i64) -> bool) -> bool {
    let base = aof.live().map(|(_, segment)| segment).find(|segment| segment.role == Role::Base);
    base.is_some_and(|base| {
        base.seq.is_some_and(is_meant) && base.len().is_some_and(|len| len <= EMPTY_BASE)
    })
}
