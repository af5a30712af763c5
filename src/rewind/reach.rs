//! How far back a set can go.

use std::time::UNIX_EPOCH;

use crate::aof::{Aof, Role};
use crate::check::Report;
use crate::moment::{Found, Moment};

/// Why a moment cannot be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// No annotation says when anything was written.
    Undated,
    /// The base was made later: it holds everything older in one state.
    OlderThanBase,
    /// Nothing lies before it.
    NothingBefore,
    /// No command fits.
    NoSuchCommand,
    /// The file ends before this place.
    BeyondEnd,
    /// The place lies inside the RDB of the base, which is one state.
    InsideBase,
}

/// How far back it is known what was when. Unix seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// When the save of the base began: by the fields of an RDB, or by the one annotation that a server puts
    /// before the commands of a base.
    pub base_created: Option<i64>,
    /// The number of the base in the manifest: rewrites up to it.
    pub base_seq: Option<i64>,
    /// When the file of the base was last written to, as the file system says; a copy may have another time.
    pub base_modified: Option<i64>,
    /// The first annotation.
    pub first_ts: Option<i64>,
    /// The last annotation.
    pub last_ts: Option<i64>,
}

/// How far back it is known what was when, by the judgement of the set.
pub fn reach(aof: &Aof, report: &Report) -> Reach {
    let facts = || report.segments.iter().filter_map(|s| s.facts.as_ref());
    // The RDB of a file by itself is its base as well.
    let base = aof.live().next();
    let found = facts().find(|f| base.is_some_and(|(first, _)| f.position == first));
    let rdb = found.and_then(|f| f.rdb.as_ref());
    let segment = base.map(|(_, segment)| segment).filter(|s| s.role == Role::Base);
    let written = found.filter(|f| segment.is_some() && rdb.is_none() && f.annotations == 1);
    let modified = segment.and_then(|s| s.file()?.modified()?.duration_since(UNIX_EPOCH).ok());
    Reach {
        base_created: rdb
            .and_then(|rdb| rdb.fields().created_s())
            .or(written.and_then(|f| f.first_ts())),
        base_seq: segment.and_then(|s| s.seq),
        base_modified: modified.and_then(|at| i64::try_from(at.as_secs()).ok()),
        first_ts: facts().find_map(|f| f.first_ts()),
        last_ts: facts().filter_map(|f| f.last_ts()).next_back(),
    }
}

/// Why the moment is out of reach, if it is.
pub(super) fn unreachable(aof: &Aof, moment: &Moment, found: &Found, reach: Reach) -> Option<Why> {
    let Some(boundary) = found.boundary else {
        return match moment {
            Moment::Until(_) if reach.first_ts.is_none() => Some(Why::Undated),
            Moment::Until(until) if reach.base_created.is_some_and(|base| *until < base) => {
                Some(Why::OlderThanBase)
            }
            Moment::Until(_) => None,
            Moment::At(_) => Some(Why::BeyondEnd),
            Moment::Before(..) => Some(Why::NoSuchCommand),
        };
    };
    if let Moment::Until(until) = moment
        && reach.base_created.is_some_and(|base| *until < base)
    {
        return Some(Why::OlderThanBase);
    }
    let (segment, offset) = boundary.place;
    let is_first = aof.live().next().is_some_and(|(first, _)| first == segment);
    match (is_first && offset == 0, boundary.asked.1) {
        (true, asked) if asked > 0 && matches!(moment, Moment::At(_)) => Some(Why::InsideBase),
        (true, _) => Some(Why::NothingBefore),
        (false, _) => None,
    }
}
