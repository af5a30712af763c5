//! What is there: sets and their segments, and the stream of events in each.
//!
//! Opens read-only, follows the loader's own rules for what belongs to a set, and freezes what it found:
//! names, open files, lengths. Never judges and never counts; that is for observers above.

mod adopted;
mod arguments;
mod backup_dir;
mod careful;
mod conf;
mod configured;
pub(crate) mod context;
mod deleted;
mod event;
mod gathered;
mod kept;
mod leftover;
mod locate;
mod mend;
mod names;
pub(crate) mod observer;
mod open;
mod options;
mod pieces;
mod preview;
mod pulse;
mod rdb_part;
mod rdb_stop;
mod sealed;
mod seed;
mod segments;
mod set;
mod sound;
mod stream;
mod target;
mod torn;
mod walker;

pub use arguments::{Arguments, Part, show_bytes};
pub use conf::{Configuration, Line};
pub use event::{
    Damage, Ending, Event, Excerpt, LoaderMeets, Mended, RdbItem, RdbPart, RdbStop, Why,
};
pub use kept::{KeptId, LAST_NUMBER, SUFFIX, is_kept_file};
pub(crate) use leftover::server_dir;
pub use leftover::{Leftover, LeftoverKind};
pub use locate::{SegmentName, segment_name};
pub(crate) use names::Heard;
pub(crate) use open::open_kept;
pub use open::{open_each, open_found};
pub use options::OpenOptions;
pub(crate) use pieces::{Apart, Piecewise};
pub use preview::Changes;
pub use pulse::Pulse;
pub use seed::seed_of;
pub use set::{Aof, Kept, KeptFile, Layout, ManifestState, OpenedManifest, Role, Segment, Writer};
pub(crate) use walker::{Bounds, Start};
pub use walker::{show, walk, walk_from};
