//! Backups that are proven: snapshots of a set in a repository, taken beside a server that goes on writing.
//!
//! A snapshot is an [`Entry`]: names, sizes, hashes, and for every file the objects its bytes are in. Objects
//! and entries never change. A run takes over the objects of what has not changed, which it finds out from
//! bytes and never from names or times, and stores what was appended, up to the last whole command outside a
//! transaction. An entry is written last, so a run that is killed leaves nothing half true.
//!
//! May know sets, scans, stores and disks. Never writes to a set: only to repositories and restore targets.
//! The bytes are described in `docs/backup-format.md`.

mod alive;
mod apart;
mod as_is;
mod beside;
mod blocks;
mod bounds;
mod capture;
mod catalog;
mod compact;
mod compose;
mod compress;
mod contents;
mod cut;
mod entry;
mod eyes;
mod find;
mod flaw;
mod frames;
mod growing;
mod hash;
mod identity;
mod keep;
mod key_count;
mod keys;
mod list;
mod looked;
mod made;
mod manifest;
mod marks;
mod moment;
mod name;
mod numbers;
mod options;
mod pass;
mod pool;
mod prefix;
mod prune;
mod repository;
mod restore;
mod run;
mod script;
mod target;
mod task;
mod threads;
mod trust;
mod turns;
mod verify;
mod withdraw;

pub use apart::must_lie_apart;
pub use beside::Beside;
pub use capture::place_of;
pub use compact::Compaction;
pub use cut::{covering, cut_at, later_with};
pub use entry::{
    Divergence, Entry, FORMAT, FileEntry, FileType, Gap, Interval, ListEntry, ManifestEntry, Mark,
    Method, RunningServer, SegmentEntry, ServerEntry, Stamps, Stretch, Words,
};
pub use flaw::{Flaw, FlawKind, Verified};
pub use frames::open_snapshot;
pub use hash::{document, key_of_list};
pub use identity::{Fits, continued, goes_on, share_out, shared_out};
pub use keep::{Keep, Reasons};
pub use key_count::{Counted, KeyCount};
pub use looked::{DepthOfLook, Found, Look};
pub use made::{Backup, UnreadSource};
pub use moment::{Moment, now};
pub use name::{SnapshotPath, Which, is_as_is, short_id, source_name};
pub use options::BackupOptions;
pub use prune::{Planned, PrunePlan, apply as apply_prune, plan as plan_prune};
pub use repository::{Listed, Repository};
pub use restore::{RestoreOptions, Restored, restore};
pub use run::{backup, backup_beside};
pub use verify::{Depth, verify};
