//! What `aof-load-corrupt-tail-max-size` of Redis 8.4 and later does with a set, and what it costs there.
//!
//! The tail is everything behind the last whole record before the first byte that begins none. It is cut off when
//! it is shorter than the limit; of the same length, it is not. Source: Redis 8.6.2, started on such sets.

use super::facts::{RdbFacts, SegmentFacts};
use super::finding::bytes;
use super::halt::Cause;
use crate::aof::Aof;
use crate::format::rdb::Family;
use crate::text::count;

/// What the option would cut off a file.
pub(super) struct Cost {
    /// Where it would cut.
    pub(super) cut: u64,
    /// Bytes from there to the end of the file.
    pub(super) bytes: u64,
    /// Whole records among them.
    pub(super) commands: u64,
    /// Offset of the MULTI that stays open.
    pub(super) open: Option<u64>,
    /// Keys of the RDB part, where that goes as well.
    pub(super) keys: Option<u64>,
}

impl Cost {
    /// The least value that makes a server cut.
    pub(super) fn limit(&self) -> u64 {
        self.bytes + 1
    }

    /// What goes, for a reader.
    pub(super) fn words(&self) -> String {
        let mut text = format!("{} from byte {} on", bytes(self.bytes), self.cut);
        if self.commands > 0 {
            text += &format!(", {} among them", count(self.commands, "sound command"));
        }
        if let Some(keys) = self.keys {
            text += &format!(", the RDB with {} included", count(keys, "key"));
        }
        if let Some(open) = self.open {
            text += &format!(", and it leaves the MULTI at byte {open} open");
        }
        text
    }
}

/// What it would cost, where it can be what stops the loader.
pub(super) fn cost(facts: &SegmentFacts) -> Option<Cost> {
    let broken = facts.broken.filter(|halt| halt.cause == Cause::BadFormat)?;
    if facts.halt != Some(broken) {
        return None;
    }
    let (cut, sound) = (facts.own_cut?, facts.sound());
    let has_rdb = cut == 0 && sound.record_end > 0;
    let keys = match &facts.rdb {
        Some(RdbFacts::Whole(walked)) if has_rdb => Some(walked.outcome.keys),
        _ => None,
    };
    let is_open = sound.record_end > sound.safe_cut && cut > sound.safe_cut;
    let open = is_open.then_some(sound.safe_cut);
    let before = if has_rdb { 0 } else { sound.commands };
    Some(Cost { cut, bytes: facts.len - cut, commands: facts.commands - before, open, keys })
}

/// Whether the target, by its configuration, cuts the file where it is damaged.
pub(super) fn is_cut(aof: &Aof, facts: &SegmentFacts) -> bool {
    aof.target().has_corrupt_tail_option()
        && cost(facts).is_some_and(|c| c.bytes < aof.settings.load_corrupt_tail_max_bytes())
}

/// What a reader of the damage should know of it, as the end of a sentence; nothing for servers without it.
pub(super) fn note(aof: &Aof, facts: &SegmentFacts, is_last: bool) -> String {
    let Some(cost) = cost(facts).filter(|_| aof.target().family == Family::Redis) else {
        return String::new();
    };
    let (limit, goes) = (cost.limit(), cost.words());
    if !is_last || is_cut(aof, facts) {
        // Not for a file that is not the last; and where it cuts, that is told as what the target does.
        return String::new();
    }
    format!(
        ". Redis 8.4 and later cut it off if aof-load-corrupt-tail-max-size is at least {limit} (write it without \
         a unit): that takes {goes}"
    )
}
