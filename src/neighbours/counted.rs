//! What the count of a running server says of the files of its set.
//!
//! A server counts the bytes of its set when it loads it, and adds what it writes. Seen with Redis 7.0 to 8.6 and Valkey 8.1
//! and 9.1: it counts a torn end that it cut off at its start, so that its count alone, larger than the files, proves nothing;
//! and it does not count what it took back of a write that failed.

use super::shortened::begins_inside;
use super::still_so::is_still_so;
use crate::aof::{Aof, Layout, ManifestState};
use crate::disk;
use crate::server::ServerState;

/// Bytes of a set as its server counts them, and as they lie there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// By the server's count.
    pub counted: u64,
    /// By the files.
    pub files: u64,
}

impl Sizes {
    /// Both, of a server whose set this is and that was asked after the set was opened; `None` where they need not be of the
    /// same files, or where one of them is not known.
    pub fn of(aof: &Aof, said: &ServerState) -> Option<Self> {
        let is = |flag: Option<bool>, wanted| flag == Some(wanted);
        let is_settled = is(said.aof_enabled, true)
            && is(said.loading, false)
            && is(said.rewrite_in_progress, false)
            && is(said.rewrite_scheduled, false)
            && is(said.rewrite_last_ok, true)
            && is(said.write_last_ok, true);
        let counted = said.aof_current_bytes.filter(|_| is_settled)?;
        let manifest = aof.manifest.as_ref().filter(|_| aof.layout == Layout::MultiPart)?;
        if !matches!(manifest.state, ManifestState::Valid(_)) {
            return None;
        }
        // After it was asked: meanwhile they only grow, as long as the manifest stays.
        let lens = aof.live().map(|(_, segment)| Some(disk::stamp(&segment.path()).ok()?.len));
        let files = lens.sum::<Option<u64>>()?;
        is_still_so(manifest).then_some(Self { counted, files })
    }

    /// Whether the server counts bytes that are not there.
    pub fn are_short(self) -> bool {
        self.counted > self.files
    }
}

/// Whether bytes are not there that a server counts because somebody took them, and not because it cut a torn end at its
/// start: the last increment begins as no server begins one, or the server has more keys that never expire than the set has
/// at all. `said` are its answers from before and after the set was opened.
pub fn were_taken(aof: &Aof, said: [&ServerState; 2], keys_left: u64) -> bool {
    let has_more = |said: &ServerState| {
        let sum = |of: &std::collections::BTreeMap<u64, u64>| of.values().sum::<u64>();
        sum(&said.keys).saturating_sub(sum(&said.expiring_keys)) > keys_left
    };
    begins_inside(aof) || said.into_iter().all(has_more)
}
