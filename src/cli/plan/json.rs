//! Plans for scripts.

use aofkit::aof::Aof;
use aofkit::change::{Action, Loss, LostKey, Plan, Recovered, State};
use aofkit::check::Loads;
use aofkit::repair::inner::{Inner, Suspect};
use serde::Serialize;

use crate::cli::changing::Run;
use crate::cli::common::json::{VERSION, modules, needs_modules, pretty, source};
use crate::cli::common::loaded::{self, LoadedJson};
use crate::cli::common::members::{
    FileText, KeptAtText, KeyText, NewFileText, OutputText, path_text, text,
};
use crate::cli::common::units::time;
use crate::cli::common::view::View;
use crate::cli::common::wire::{ModuleJson, NeededJson, Source};
use crate::cli::repair::report::{Repair, Undone};

/// What every verb that changes a set answers.
#[derive(Serialize)]
pub struct PlanJson {
    schema: &'static str,
    tool_version: &'static str,
    source: Source,
    target: String,
    applied: bool,
    #[serde(flatten)]
    output: OutputText,
    refused: Option<String>,
    actions: Vec<ActionJson>,
    loss: LossJson,
    #[serde(flatten)]
    kept_at: KeptAtText,
    verdict_before: &'static str,
    loads_before: Option<&'static str>,
    verdict_after: &'static str,
    loads_after: Option<&'static str>,
    needs_modules: Vec<NeededJson>,
    modules: Vec<ModuleJson>,
    servers_after: Vec<ServerJson>,
    notes: Vec<String>,
    left: Vec<String>,
    recovered: Vec<RecoveredJson>,
    in_use_by: Vec<u32>,
    in_use_unsure: Option<&'static str>,
    loaded: Option<LoadedJson>,
}

#[derive(Serialize)]
struct ActionJson {
    action: &'static str,
    #[serde(flatten)]
    file: FileText,
    #[serde(flatten)]
    new_file: NewFileText,
    from_bytes: u64,
    to_bytes: u64,
}

#[derive(Serialize)]
struct LossJson {
    bytes: u64,
    commands: u64,
    likely_commands: Option<u64>,
    transactions: u64,
    keys: Vec<KeyJson>,
    keys_total: u64,
}

#[derive(Serialize)]
pub struct KeyJson {
    db: Option<u64>,
    #[serde(flatten)]
    key: KeyText,
}

#[derive(Serialize)]
struct ServerJson {
    server: &'static str,
    loads: Option<&'static str>,
    loads_before: Option<&'static str>,
}

#[derive(Serialize)]
struct RecoveredJson {
    id: String,
    completed: bool,
}

#[derive(Serialize)]
struct RepairJson {
    #[serde(flatten)]
    plan: PlanJson,
    ranges: Option<Vec<RangeJson>>,
    ranges_unlisted: u64,
    keys_wrong: Option<SuspectsJson>,
    keys_doubtful: Option<SuspectsJson>,
    ways: Vec<WayJson>,
    kept: Option<Vec<KeptJson>>,
}

#[derive(Serialize)]
struct RangeJson {
    #[serde(flatten)]
    file: FileText,
    offset: u64,
    length_bytes: u64,
    commands: u64,
    transactions: u64,
    why: Vec<String>,
    keys: Vec<KeyJson>,
    key_before: Option<KeyJson>,
    key_after: Option<KeyJson>,
    has_rest: bool,
    db_after: Option<u64>,
    db_doubt: Option<&'static str>,
}

#[derive(Serialize)]
struct SuspectsJson {
    keys: Vec<SuspectJson>,
    keys_total: u64,
}

#[derive(Serialize)]
struct SuspectJson {
    db: Option<u64>,
    #[serde(flatten)]
    key: KeyText,
    command: &'static str,
}

#[derive(Serialize)]
struct WayJson {
    word: &'static str,
    loss: Option<LossJson>,
    why_not: Option<String>,
}

#[derive(Serialize)]
struct KeptJson {
    id: String,
    verb: Option<String>,
    at: Option<String>,
    state: &'static str,
    kept_bytes: Option<u64>,
}

const REPAIR: &str = "aofkit.repair/1";

/// `repair` of one set.
pub fn repair(repair: &Repair, view: &View) -> String {
    let inner = repair.inner.as_ref();
    let redact = view.redact;
    let ways = repair.ways.iter().map(|way| WayJson {
        word: way.choice.word(),
        loss: way.outlook.as_ref().ok().map(|l| loss(l, redact)),
        why_not: way.outlook.as_ref().err().map(ToString::to_string),
    });
    pretty(&RepairJson {
        plan: plan(REPAIR, &repair.run, view),
        ranges: inner.map(|inner| ranges(inner, redact)),
        ranges_unlisted: inner.map_or(0, |inner| inner.unlisted),
        keys_wrong: inner.map(|i| suspects(&i.toll.wrong, i.toll.wrong_total, redact)),
        keys_doubtful: inner.map(|i| suspects(&i.toll.doubtful, i.toll.doubtful_total, redact)),
        ways: ways.collect(),
        kept: None,
    })
}

/// `convert`
pub fn convert(run: &Run, view: &View) -> String {
    pretty(&plan("aofkit.convert/1", run, view))
}

/// What a plan says, with what became of it.
pub fn plan(schema: &'static str, run: &Run, view: &View) -> PlanJson {
    let plan = &run.plan;
    let output = run.output.as_deref().map(path_text);
    let kept_at = run.kept_at.as_deref().map(path_text);
    let (after, loaded) = (run.after_all(), run.loaded.as_ref());
    let servers = run.outlook.iter().flat_map(|outlook| {
        outlook.servers.iter().map(|(server, will)| ServerJson {
            server,
            loads: will.as_str(),
            loads_before: outlook.before(server).and_then(Loads::as_str),
        })
    });
    let recovered = run.recovered.iter().map(|recovered| match recovered {
        Recovered::Completed(id) => RecoveredJson { id: id.clone(), completed: true },
        Recovered::Cleared(id) | Recovered::Left(id) => {
            RecoveredJson { id: id.clone(), completed: false }
        }
    });
    PlanJson {
        schema,
        tool_version: VERSION,
        source: source(&run.aof, run.before.is_rdb),
        target: plan.target.to_string(),
        applied: run.applied,
        output: output.into(),
        refused: run.refused.as_ref().map(ToString::to_string),
        actions: plan.actions.iter().map(|a| action(plan, a)).collect(),
        loss: loss(&plan.loss, view.redact),
        kept_at: kept_at.into(),
        verdict_before: run.before.verdict.as_str(),
        loads_before: run.before.loads.as_str(),
        verdict_after: after.verdict.as_str(),
        loads_after: after.loads.as_str(),
        needs_modules: needs_modules(&after.needs_modules),
        modules: modules(&after.modules),
        servers_after: servers.collect(),
        notes: plan.notes.clone(),
        left: run.left.clone(),
        recovered: recovered.collect(),
        in_use_by: run.in_use.pids.clone(),
        in_use_unsure: run.in_use.unsure,
        loaded: loaded.map(|one| loaded::json(one, after.loads, view.redact)),
    }
}

fn action(plan: &Plan, action: &Action) -> ActionJson {
    let old = match action {
        Action::Cut { file, .. } | Action::Remove { file, .. } => Some(&plan.files[*file].name[..]),
        Action::Rewrite { file, .. } => file.map(|file| &plan.files[file].name[..]),
        Action::Manifest { name, .. } => Some(name.as_slice()),
    };
    let new = match action {
        Action::Rewrite { new_name, .. } => Some(new_name.as_slice()),
        _ => None,
    };
    let (old, new) = (old.map(text), new.map(text));
    let (from_bytes, to_bytes) = action.lengths();
    ActionJson {
        action: action.as_str(),
        file: old.into(),
        new_file: new.into(),
        from_bytes,
        to_bytes,
    }
}

fn loss(loss: &Loss, redact: bool) -> LossJson {
    LossJson {
        bytes: loss.bytes,
        commands: loss.commands,
        likely_commands: loss.likely_commands(),
        transactions: loss.transactions,
        keys: loss.keys.iter().map(|k| key(k, redact)).collect(),
        keys_total: loss.keys_total,
    }
}

pub fn key(key: &LostKey, redact: bool) -> KeyJson {
    if redact {
        let hash = aofkit::redact::hidden(&key.name);
        return KeyJson { db: key.db, key: text(hash.as_bytes()).into() };
    }
    let name = text(&key.name);
    KeyJson { db: key.db, key: name.into() }
}

fn ranges(inner: &Inner, redact: bool) -> Vec<RangeJson> {
    let of = |range: &aofkit::repair::inner::Range| {
        let file = text(&range.file);
        let gap = &range.gap;
        RangeJson {
            file: file.into(),
            offset: gap.from,
            length_bytes: gap.to - gap.from,
            commands: gap.commands,
            transactions: gap.transactions,
            why: if redact { Vec::new() } else { range.why.clone() },
            keys: gap.keys.iter().map(|k| key(k, redact)).collect(),
            key_before: gap.before.as_ref().map(|k| key(k, redact)),
            key_after: gap.after.as_ref().map(|k| key(k, redact)),
            has_rest: range.has_rest,
            db_after: range.database.as_ref().map(|database| database.db),
            db_doubt: range.database.as_ref().and_then(|database| database.known.doubt()),
        }
    };
    inner.ranges.iter().map(of).collect()
}

fn suspects(keys: &[Suspect], keys_total: u64, redact: bool) -> SuspectsJson {
    let of = |suspect: &Suspect| {
        let KeyJson { db, key } = key(&suspect.key, redact);
        SuspectJson { db, key, command: suspect.command }
    };
    SuspectsJson { keys: keys.iter().map(of).collect(), keys_total }
}

/// `repair --undo`
pub fn undo(undone: &Undone) -> String {
    let (aof, now): (&Aof, _) = (&undone.aof, &undone.now);
    let actions = undone.last.iter().flat_map(|last| {
        last.journal.files().map(|(file, len)| {
            let file = text(file);
            ActionJson {
                action: "restore",
                file: file.into(),
                new_file: None.into(),
                from_bytes: 0,
                to_bytes: len,
            }
        })
    });
    let kept = undone.entries.iter().map(|entry| KeptJson {
        id: entry.id(),
        verb: entry.journal.as_ref().map(|j| j.verb.clone()),
        at: entry.journal.as_ref().map(|j| time(j.at)),
        state: match entry.state {
            State::Begun | State::Ready => "cut-short",
            State::Done => "done",
            State::Undone => "undone",
        },
        kept_bytes: entry.journal.as_ref().map(|j| j.kept_bytes()),
    });
    let left = undone.last.as_ref().filter(|_| !undone.applied).and_then(|last| last.fits().err());
    let (verdict, loads) = (now.verdict.as_str(), now.loads.as_str());
    pretty(&RepairJson {
        plan: PlanJson {
            schema: REPAIR,
            tool_version: VERSION,
            source: source(aof, now.is_rdb),
            target: now.target.to_string(),
            applied: undone.applied,
            output: None.into(),
            refused: None,
            actions: actions.collect(),
            loss: loss(&Loss::default(), false),
            kept_at: None.into(),
            verdict_before: verdict,
            loads_before: loads,
            verdict_after: verdict,
            loads_after: loads,
            needs_modules: needs_modules(&now.needs_modules),
            modules: modules(&now.modules),
            servers_after: Vec::new(),
            notes: Vec::new(),
            left: left.map(|why| why.to_string()).into_iter().collect(),
            recovered: Vec::new(),
            in_use_by: Vec::new(),
            in_use_unsure: None,
            loaded: None,
        },
        ranges: None,
        ranges_unlisted: 0,
        keys_wrong: None,
        keys_doubtful: None,
        ways: Vec::new(),
        kept: Some(kept.collect()),
    })
}
