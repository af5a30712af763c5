//! RDB: the snapshot format that starts most append-only files.
//!
//! | bytes | content | room |
//! |---|---|---|
//! | 9 | magic and version | [`header`] |
//! | any | records: opcodes and values, one after the other | [`walk`] by the tables of [`layout`] |
//! | 1 | `FF`, the end of the records | [`walk`] |
//! | 8 | CRC-64 of all before it, little-endian (version 5 and later) | [`checksum`] |
//! | rest | not RDB: RESP commands in an append-only file | |
//!
//! The room walks the *structure*: it finds where the RDB ends and whether each byte has a meaning,
//! in memory that does not grow with the file. It knows bytes only, pushed in windows of any size; it
//! never reads files or clocks, never expands values, never allocates by a declared length and never
//! looks for a next record after a wrong one, because sizes beyond it are unknowable.
//!
//! Whoever holds all bytes calls [`walk_slice`]; whoever reads windows drives a [`Pass`], which also
//! computes the checksum; whoever can seek over values and wants no checksum drives a [`Walker`].

mod burst;
mod census;
pub mod checksum;
pub mod compress;
pub mod contents;
mod cursor;
pub mod deep;
pub mod entry;
pub mod fields;
mod found;
pub mod header;
mod key;
pub mod layout;
pub mod length;
pub mod lzf;
mod machine;
mod met;
mod opcodes;
pub mod outcome;
pub mod pack;
mod packed;
pub mod pass;
pub mod payload;
pub mod place;
pub mod reason;
mod stack;
mod strays;
mod streams;
pub mod string;
mod tables;
mod tell;
mod text;
pub mod walk;
mod window;

#[cfg(test)]
mod tests;

pub use checksum::{Checksum, Crc64, EndSearch};
pub use contents::{Contents, Opening, Part, Piece, Reader};
pub use deep::Deep;
pub use entry::{Entry, Library, Opcode, Sink, Stream, Token};
pub use fields::{Fields, Meaning, Writer};
pub use header::{Family, HEADER_LEN, Header, is_one, sniff};
pub use met::{Met, Module, Need};
pub use outcome::{Outcome, Remarks, Tally};
pub use pass::{Failure, Pass, Progress, Walked, walk_slice, walk_slice_with};
pub use place::{Key, Place};
pub use reason::{Class, Reason};
pub use strays::{Stray, Strays};
pub use tables::row;
pub use walk::{NEED_MAX, Next, Step, Walker};
