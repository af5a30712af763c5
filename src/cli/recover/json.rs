//! A recovery, for scripts.

use aofkit::recover::{KeyNamed, List, Shown, Written};
use aofkit::redact::hidden;
use serde::Serialize;

use super::report::{Did, NodeSeen, Planned, Recovery, stopped};
use crate::cli::common::json::{VERSION, pretty, source};
use crate::cli::common::members::{KeptAtText, KeyText, OutputText, path_text, text};
use crate::cli::common::units::time_ms;
use crate::cli::common::view::View;
use crate::cli::common::wire::Source;

const RECOVER: &str = "aofkit.recover/1";

#[derive(Serialize)]
struct RecoverJson {
    schema: &'static str,
    tool_version: &'static str,
    source: Source,
    applied: bool,
    moment: Option<String>,
    loaded: LoadedJson,
    target: Option<TargetJson>,
    new: Option<ListJson>,
    equal: Option<ListJson>,
    different: Option<ListJson>,
    passed: Option<ListJson>,
    needed_bytes: Option<u64>,
    refused: Vec<RefusedJson>,
    written: Option<WrittenJson>,
    #[serde(flatten)]
    kept_at: KeptAtText,
    #[serde(flatten)]
    output: OutputText,
    output_keys: Option<u64>,
    shown: Option<Vec<ShownJson>>,
    shown_more: Option<u64>,
}

#[derive(Serialize)]
struct LoadedJson {
    by: String,
    loads: Option<&'static str>,
    keys: u64,
    walls_missing: Vec<String>,
}

#[derive(Serialize)]
struct TargetJson {
    url: String,
    cluster: bool,
    nodes: Vec<NodeJson>,
}

#[derive(Serialize)]
struct NodeJson {
    url: String,
    family: &'static str,
    version: Option<String>,
    run_id: Option<String>,
    role: Option<&'static str>,
    loading: Option<bool>,
    used_bytes: Option<u64>,
    maxmemory_bytes: Option<u64>,
}

#[derive(Serialize)]
struct ListJson {
    count: u64,
    first: Vec<KeyJson>,
}

#[derive(Serialize)]
struct KeyJson {
    db: u64,
    #[serde(flatten)]
    key: KeyText,
    r#type: Option<String>,
    expires_at: Option<String>,
    note: Option<String>,
}

#[derive(Serialize)]
struct RefusedJson {
    url: String,
    why: String,
}

#[derive(Serialize)]
struct WrittenJson {
    new: u64,
    replaced: u64,
    by_commands: u64,
    equal: u64,
    kept: u64,
    left: ListJson,
    appeared: ListJson,
    changed: ListJson,
    passed: ListJson,
    refused: ListJson,
    stopped: Option<String>,
}

#[derive(Serialize)]
struct ShownJson {
    #[serde(flatten)]
    key: KeyJson,
    length: Option<u64>,
    more: bool,
    rows: Option<Vec<Vec<String>>>,
}

/// `recover`.
pub fn recover(recovery: &Recovery, applies: bool, view: &View) -> String {
    let loads = recovery.loads.as_str();
    let mut json = RecoverJson {
        schema: RECOVER,
        tool_version: VERSION,
        source: source(&recovery.aof, false),
        applied: false,
        moment: recovery.moment.clone(),
        loaded: LoadedJson {
            by: recovery.by.clone(),
            loads,
            keys: recovery.keys,
            walls_missing: recovery.walls_missing.clone(),
        },
        target: None,
        new: None,
        equal: None,
        different: None,
        passed: None,
        needed_bytes: None,
        refused: Vec::new(),
        written: None,
        kept_at: None.into(),
        output: None.into(),
        output_keys: None,
        shown: None,
        shown_more: None,
    };
    match &recovery.did {
        Did::Shown { keys, more, passed } => {
            json.shown = Some(keys.iter().map(|one| shown(one, view)).collect());
            json.shown_more = Some(*more);
            json.passed = passed.as_ref().map(|passed| list(passed, view));
        }
        Did::File { path, keys, passed } => {
            json.output = path_text(path).into();
            json.output_keys = Some(*keys);
            json.passed = passed.as_ref().map(|passed| list(passed, view));
        }
        Did::Plan(planned) => plan(&mut json, planned, applies, view),
    }
    pretty(&json)
}

fn plan(json: &mut RecoverJson, planned: &Planned, applies: bool, view: &View) {
    let found = &planned.found;
    json.applied = applies && planned.written.is_some();
    let nodes = planned.nodes.iter().map(node).collect();
    json.target = Some(TargetJson { url: planned.url.clone(), cluster: planned.is_cluster, nodes });
    json.new = Some(list(&found.new, view));
    json.equal = Some(list(&found.equal, view));
    json.different = Some(list(&found.different, view));
    json.passed = planned.passed.as_ref().map(|passed| list(passed, view));
    json.needed_bytes = Some(found.needed_bytes);
    let refused = found.hindrances.iter();
    json.refused =
        refused.map(|(url, why)| RefusedJson { url: url.clone(), why: why.to_string() }).collect();
    if let Some(done) = &planned.written {
        json.written = Some(written(done, view));
        if let Some((path, _)) = &done.kept {
            json.kept_at = path_text(path).into();
        }
    }
}

fn written(written: &Written, view: &View) -> WrittenJson {
    WrittenJson {
        new: written.new,
        replaced: written.replaced,
        by_commands: written.by_commands,
        equal: written.equal,
        kept: written.kept.as_ref().map_or(0, |(_, keys)| *keys),
        left: list(&written.left, view),
        appeared: list(&written.appeared, view),
        changed: list(&written.changed, view),
        passed: list(&written.passed, view),
        refused: list(&written.refused, view),
        stopped: written.stopped.as_ref().map(stopped),
    }
}

fn node(node: &NodeSeen) -> NodeJson {
    let state = &node.state;
    NodeJson {
        url: node.url.clone(),
        family: state.family,
        version: state.version.clone(),
        run_id: state.run_id.clone(),
        role: state.role.map(|role| role.as_str()),
        loading: state.loading,
        used_bytes: state.used_memory_bytes,
        maxmemory_bytes: state.maxmemory_bytes,
    }
}

fn list(list: &List, view: &View) -> ListJson {
    ListJson { count: list.count, first: list.first.iter().map(|one| key(one, view)).collect() }
}

fn key(key: &KeyNamed, view: &View) -> KeyJson {
    let name = match view.redact {
        true => text(hidden(&key.name).as_bytes()),
        false => text(&key.name),
    };
    KeyJson {
        db: key.db,
        key: name.into(),
        r#type: key.kind.clone(),
        expires_at: key.expires_ms.map(time_ms),
        note: key.note.clone(),
    }
}

fn shown(shown: &Shown, view: &View) -> ShownJson {
    let word = |word: &Vec<u8>| aofkit::text::escape(word);
    let rows = shown.rows.iter().map(|row| row.iter().map(word).collect()).collect();
    ShownJson {
        key: key(&shown.key, view),
        length: shown.length,
        more: shown.has_more,
        rows: (!view.redact).then_some(rows),
    }
}
