//! Hands: the only room that touches the file system. It gives bytes at offsets and knows no format.
//!
//! Everything here opens read-only. A reader is a [`Source`]: a window on bytes at an offset, the same
//! for a mapped file, a file that is read, standard input and a zstd stream.

mod cache;
mod files;
mod holders;
mod map;
mod read;
mod source;
mod splice;
mod stream;

pub use files::{
    FrozenFile, Identity, Listed, Stamp, exists, is_dir, is_file, list_dir, open_inside,
    read_small, stamp,
};
pub use holders::held_for_writing;
pub use source::{Access, Source};
pub use splice::{Part, Splice};
pub use stream::{open_stdin, open_zstd, unpack_small, zstd_magic};
