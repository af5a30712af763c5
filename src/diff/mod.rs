//! Two sets side by side: where their histories part, and what each has alone.
//!
//! Logs of two nodes never match byte for byte. So records are compared by what they say (`marks`), without those that only
//! steer a connection. Both logs are windows on histories that were one until they parted: the stretch that they have in
//! common begins where one of the two begins (`offsets`), and goes on until they part (`lockstep`). Where no stretch is
//! proven, that is said. Bases are compared by keys (`bases`), and two sets that servers have loaded by the keys that
//! these tell of (`loaded`). Nothing is written, and memory is bounded: no pass keeps more than [`crate::limits`] says of
//! each side.

mod alone;
mod bases;
mod hash;
mod loaded;
mod lockstep;
mod marks;
mod offsets;
mod rows;
mod sides;

pub use alone::{Alone, CommandCount, KeysAlone, NamedKey, PrefixCount};
pub use bases::{BaseForm, BaseSide, Bases};
pub use loaded::compare_loaded;
pub use lockstep::{Break, Common, Side, Verdict};
pub use marks::{Damaged, Place};
pub use rows::{Differences, Different, Kind, Seen};
pub use sides::{Diff, Options, Proof, compare};
