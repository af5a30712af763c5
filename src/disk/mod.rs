//! Hands: the only room that touches the file system. It gives bytes at offsets and knows no format.
//!
//! Everything here opens read-only, save what [`Durable`] does and what lies in the temporary directory. A reader is a [`Source`]: a window on bytes at an offset, the same
//! for a mapped file, a file that is read, standard input and a zstd stream.

mod attributes;
mod cache;
mod dir;
mod durable;
mod files;
mod frozen;
mod holders;
mod map;
#[cfg(target_os = "linux")]
mod memory;
#[cfg(target_os = "linux")]
mod own_process;
mod pack;
mod peek;
mod publish;
#[cfg(target_os = "linux")]
mod reach;
mod read;
mod rolling;
mod room;
mod scratch;
mod shelf;
mod source;
mod sources;
mod spill;
mod splice;
mod stamp;
mod stream;
mod users;

pub use attributes::{Attributes, attributes};
pub use dir::{Dir, Fixed, Found, Kind, Look, is_plain_name};
pub use durable::{Durable, LocalDisk, Lock, Output};
pub use files::{
    Listed, exists, host_name, is_device, is_dir, is_file, is_link, is_regular, is_there, list_dir,
    list_some, names, open_inside, own_user, read_small, real_path, stamp,
};
pub use frozen::FrozenFile;
pub use holders::{
    Haunt, Writers, held_for_writing, openers, sees_all_processes, servers, working_directory,
    writers,
};
#[cfg(target_os = "linux")]
pub use memory::{Amount, Memory};
#[cfg(target_os = "linux")]
pub use own_process::{children, map_ids, offer_to_the_oom_killer, open_descriptors};
pub use pack::{Packer, unpack};
pub use publish::{Hold, NewFile, make_dir, parent, set_mode, sync_dir};
#[cfg(target_os = "linux")]
pub use reach::{is_open_to_others, make_reachable};
pub use rolling::Rolling;
pub use room::{Room, room};
pub use scratch::Scratch;
pub use shelf::raise_file_limit;
pub use source::{Access, Source, pieces};
pub use splice::{Part, Splice};
pub use stamp::{Identity, Stamp};
pub use stream::{open_stdin, open_zstd, unpack_small, zstd_magic};
pub use users::{User, Writes, user_of, writes_to};
