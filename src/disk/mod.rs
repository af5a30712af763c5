//! Hands: the only room that touches the file system. It gives bytes at offsets and knows no format.
//!
//! Everything here opens read-only, save what [`Durable`] does and what lies in the temporary directory. A reader is a [`Source`]: a window on bytes at an offset, the same
//! for a mapped file, a file that is read, standard input and a zstd stream.

mod attributes;
mod cache;
mod dir;
mod durable;
#[cfg(target_os = "linux")]
mod extended;
#[cfg(not(target_os = "linux"))]
#[path = "no_extended.rs"]
mod extended;
mod file_path;
mod files;
mod frozen;
mod handles;
mod held;
mod holders;
mod machine;
mod map;
#[cfg(all(target_os = "linux", feature = "server"))]
mod memory;
#[cfg(all(target_os = "linux", feature = "server"))]
mod own_process;
mod pack;
mod parents;
mod peek;
mod processes;
mod publish;
#[cfg(target_os = "linux")]
#[cfg_attr(not(feature = "server"), allow(dead_code, reason = "no server is started"))]
mod reach;
mod read;
mod rolling;
mod room;
mod runs_as;
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
pub use dir::{Dir, Fixed, Found, Kind, Look, Refusal, is_plain_name};
pub use durable::{Durable, LocalDisk, Lock, Output};
pub use extended::{Extended, has_access_list};
pub use file_path::FilePath;
pub(crate) use files::open_shared;
pub use files::{
    Listed, can_list, exists, is_device, is_dir, is_file, is_link, is_regular, is_there, list_some,
    names, own_user, read_small, real_path, stamp,
};
pub(crate) use files::{host_name, list_dir, open_inside};
pub use frozen::FrozenFile;
pub use handles::Writers;
pub(crate) use handles::sees_all_processes;
pub use held::{HeldFile, Holder, open_held};
pub use holders::{Haunt, command_line, working_directory, writers};
pub(crate) use holders::{held_for_writing, openers};
pub use machine::{HugePages, Machine};
#[cfg(all(target_os = "linux", feature = "server"))]
pub(crate) use memory::Memory;
#[cfg(all(target_os = "linux", feature = "server"))]
pub(crate) use own_process::{children, map_ids, offer_to_the_oom_killer, open_descriptors};
pub(crate) use pack::{Packer, packed_len, unpack};
pub use parents::Parents;
pub use processes::{LookOnce, Processes};
pub(crate) use publish::set_mode;
pub use publish::{Hold, NewFile, Unpublished, make_dir, parent, sync_dir};
#[cfg(target_os = "linux")]
pub(crate) use reach::is_open_to_others;
#[cfg(all(target_os = "linux", feature = "server"))]
pub(crate) use reach::make_reachable;
pub(crate) use rolling::Rolling;
pub use room::{Bytes, Room, room};
pub use runs_as::{RunsAs, runs_as};
pub(crate) use scratch::Scratch;
pub use shelf::raise_file_limit;
pub use source::{Access, Source, pieces};
pub use splice::{Part, Splice};
pub use stamp::{Identity, Stamp};
pub(crate) use stream::{open_stdin, unpack_small};
pub use stream::{open_zstd, zstd_magic};
pub use users::{User, Writes, user_of, writes_to};
