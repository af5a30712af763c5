//! A way back, for scripts.

use aofkit::aof::Aof;
use aofkit::moment::{Candidate, Inside, What};
use aofkit::rewind::{Dependent, Omitted, Returning};
use aofkit::scan::Position;
use serde::Serialize;

use super::report::Rewound;
use crate::cli::common::json::pretty;
use crate::cli::common::members::{CommandText, FileText, text};
use crate::cli::common::units::time;
use crate::cli::common::view::View;
use crate::cli::plan::json::{KeyJson, PlanJson, key, plan};

const REWIND: &str = "aofkit.rewind/1";

#[derive(Serialize)]
struct RewindJson {
    #[serde(flatten)]
    plan: PlanJson,
    place: Option<PlaceJson>,
    matches: u64,
    gone: GoneJson,
    omitted: Option<OmittedJson>,
    reach: ReachJson,
    candidates: Option<Vec<CandidateJson>>,
}

#[derive(Serialize)]
struct PlaceJson {
    #[serde(flatten)]
    file: FileText,
    offset: u64,
    asked_offset: u64,
    inside: Option<&'static str>,
}

#[derive(Serialize)]
struct OmittedJson {
    #[serde(flatten)]
    file: FileText,
    offset: u64,
    length_bytes: u64,
    #[serde(flatten)]
    command: CommandText,
    commands: u64,
    transaction: bool,
    keys_keeping_today: Option<u64>,
    keys_returning_at_most: Option<u64>,
    keys_older_at_most: Option<u64>,
    dependents_total: Option<u64>,
    dependents: Option<Vec<DependentJson>>,
}

#[derive(Serialize)]
struct DependentJson {
    #[serde(flatten)]
    file: FileText,
    offset: u64,
    #[serde(flatten)]
    command: CommandText,
    keys: Vec<KeyJson>,
}

#[derive(Serialize)]
struct GoneJson {
    first_at: Option<String>,
    last_at: Option<String>,
}

#[derive(Serialize)]
struct ReachJson {
    base_created_at: Option<String>,
    base_seq: Option<i64>,
    base_modified_at: Option<String>,
    first_at: Option<String>,
    last_at: Option<String>,
}

#[derive(Serialize)]
struct CandidateJson {
    what: &'static str,
    command: Option<String>,
    db: Option<u64>,
    keys: Option<u64>,
    #[serde(flatten)]
    file: FileText,
    offset: u64,
    at: Option<String>,
    commands_behind: u64,
}

/// `rewind` of one set.
pub fn rewind(rewound: &Rewound, view: &View) -> String {
    let aof = &rewound.run.aof;
    let boundary = rewound.found.boundary;
    let reach = rewound.reach;
    let place = boundary.map(|boundary| {
        let file = text(&aof.segments[boundary.place.0].name);
        PlaceJson {
            file: file.into(),
            offset: boundary.place.1,
            asked_offset: boundary.asked.1,
            inside: boundary.inside.map(Inside::as_str),
        }
    });
    let goes = !rewound.run.plan.is_empty();
    let listed = rewound.candidates.as_ref();
    pretty(&RewindJson {
        plan: plan(REWIND, &rewound.run, view),
        place,
        matches: rewound.found.matches,
        gone: GoneJson {
            first_at: boundary.filter(|_| goes).and_then(|b| b.time).map(time),
            last_at: reach.last_ts.filter(|_| goes).map(time),
        },
        omitted: rewound.omitted.as_ref().map(|omitted| omitted_json(aof, omitted, view)),
        reach: ReachJson {
            base_created_at: reach.base_created.map(time),
            base_seq: reach.base_seq,
            base_modified_at: reach.base_modified.map(time),
            first_at: reach.first_ts.map(time),
            last_at: reach.last_ts.map(time),
        },
        candidates: listed
            .map(|l| l.candidates.iter().map(|c| candidate(aof, c, l.commands)).collect()),
    })
}

fn omitted_json(aof: &Aof, omitted: &Omitted, view: &View) -> OmittedJson {
    let (back, older) = match omitted.returning {
        Returning::Back(keys) => (Some(keys), None),
        Returning::Older(keys) => (None, Some(keys)),
        Returning::Unknown => (None, None),
    };
    let dependents = omitted.dependents.as_ref();
    OmittedJson {
        file: text(&aof.segments[omitted.place.0].name).into(),
        offset: omitted.place.1,
        length_bytes: omitted.end - omitted.place.1,
        command: text(&omitted.command).into(),
        commands: omitted.commands,
        transaction: omitted.is_transaction,
        keys_keeping_today: omitted.keeping,
        keys_returning_at_most: back,
        keys_older_at_most: older,
        dependents_total: dependents.map(|dependents| dependents.total),
        dependents: dependents
            .map(|dependents| dependents.first.iter().map(|d| dependent(aof, d, view)).collect()),
    }
}

fn dependent(aof: &Aof, dependent: &Dependent, view: &View) -> DependentJson {
    DependentJson {
        file: text(&aof.segments[dependent.place.0].name).into(),
        offset: dependent.place.1,
        command: text(&dependent.command).into(),
        keys: dependent.keys.iter().map(|one| key(one, view.redact)).collect(),
    }
}

fn candidate(aof: &Aof, candidate: &Candidate, commands: u64) -> CandidateJson {
    let (segment, offset): Position = candidate.place;
    let file = text(&aof.segments[segment].name);
    let (what, command, db, keys) = match &candidate.what {
        What::Flush { command, db } => ("flush", text(command).plain, Some(*db), None),
        What::Deletions { keys } => ("deletions", None, None, Some(*keys)),
        What::Segment => ("segment", None, None, None),
    };
    CandidateJson {
        what,
        command,
        db,
        keys,
        file: file.into(),
        offset,
        at: candidate.time.map(time),
        commands_behind: commands - candidate.commands_before,
    }
}
