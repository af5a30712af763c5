//! `status` for scripts.

use aofkit::aof::{Layout, Role};
use aofkit::backup::{Entry, Look};
use aofkit::check::{Severity, Verdict};
use aofkit::fleet::{Backed, Source, State};
use aofkit::format::nodes::Nodes;
use aofkit::server::ServerState;

use super::report::{Watched, outcome};
use super::wire::{
    BackupJson, CountsJson, DiskJson, LookJson, NodeJson, ServerJson, SetJson, SourceJson,
    StatusJson, TotalJson,
};
use crate::cli::check::json::problem;
use crate::cli::common::json::{VERSION, pretty, rule};
use crate::cli::common::members::path_text;
use crate::cli::common::units::time;
use crate::cli::common::wire::{CoverageJson, KindJson, OutlierJson, VacantJson};

const STATUS: &str = "aofkit.status/1";

pub fn status(watched: &Watched) -> String {
    let sources = watched.sources.as_ref();
    let names: Vec<_> = watched.sets.iter().map(|(name, _)| name.clone()).collect();
    pretty(&StatusJson {
        schema: STATUS,
        tool_version: VERSION,
        repository: watched.repo.as_deref().map(path_text).into(),
        max_age_seconds: watched.max_age.map(|age| age.as_secs()),
        sets: watched.sets.iter().map(|(name, state)| set(name, state, watched)).collect(),
        without_set: VacantJson::all(&watched.vacant),
        sources: sources.map(|all| all.iter().map(|one| source(one, watched)).collect()),
        outliers: OutlierJson::all(&watched.outliers, &names),
        cluster: watched.coverage.as_ref().map(|all| CoverageJson::new(all, &names)),
        total: total(watched),
    })
}

fn set(name: &str, state: &State, watched: &Watched) -> SetJson {
    let (report, outlook) = (&state.report, &state.outlook);
    let is_set = state.layout == Layout::MultiPart;
    let severe = |severity| report.problems.iter().filter(|p| p.severity == severity).count();
    let layout = if report.is_rdb { "rdb" } else { state.layout.as_str() };
    let live = state.files.iter().filter(|(role, _)| *role != Role::History);
    SetJson {
        name: name.to_owned(),
        path: path_text(&state.path).into(),
        layout,
        manifest: state.manifest.as_deref().map(path_text).into(),
        verdict: report.verdict.as_str(),
        loads: report.loads.as_str(),
        target: report.target.to_string(),
        knowledge: report.target.knowledge.as_str(),
        exit_status: outcome(state) as u8,
        size_bytes: report.size_bytes,
        ok_bytes: report.ok_bytes,
        base_bytes: outlook.base_bytes,
        increment_bytes: outlook.increment_bytes,
        files: live.map(|(_, files)| files.files).sum(),
        commands: state.commands,
        growth_percent: state.growth_percent(),
        trigger: is_set.then(|| rule(&outlook.trigger, rule_source(state))),
        rate_bytes_per_second: outlook.rate.map(|rate| rate.bytes_per_second),
        rewrite_at: state.forecast().rewrite_at.filter(|_| is_set).map(time),
        disk_full_at: state.forecast().disk_full_at.map(time),
        disk: outlook.disk.map(|d| DiskJson { free_bytes: d.free, total_bytes: d.total }),
        holds: outlook.holds.iter().map(|hold| KindJson::new(hold.kind(), hold)).collect(),
        leftovers: state.leftovers,
        leftover_bytes: outlook.leftover_bytes,
        problems: CountsJson {
            errors: severe(Severity::Error),
            warnings: severe(Severity::Warning),
            infos: severe(Severity::Info),
        },
        worst: state.worst().map(problem),
        written_at: state.written_at.map(time),
        backup: backup(state, watched),
        node: state.cluster.as_ref().and_then(node),
        server: state.server.as_ref().map(|(address, said)| server(address, said, state)),
    }
}

/// Who says what the rule is.
fn rule_source(state: &State) -> &'static str {
    let told =
        |said: &ServerState| said.rewrite_percentage.is_some() || said.rewrite_min_bytes.is_some();
    match &state.server {
        Some((_, said)) if told(said) => "server",
        _ if state.is_configured => "conf",
        _ => "default",
    }
}

fn backup(state: &State, watched: &Watched) -> Option<BackupJson> {
    let (source, is_current) = match &state.backed {
        Backed::NotAsked => return None,
        Backed::Never => (None, None),
        Backed::By { source, is_current } => (Some(source), Some(*is_current)),
    };
    let newest = source.and_then(|source| source.newest.as_ref());
    Some(BackupJson {
        source: source.map(|source| source.name.clone()),
        snapshot: newest.map(|newest| newest.id.clone()),
        taken_at: newest.map(|newest| newest.taken.clone()),
        age_seconds: source.and_then(|source| source.age_seconds(watched.now_ms)),
        is_current,
        is_too_old: watched.is_set_too_old(state),
    })
}

fn node(nodes: &Nodes) -> Option<NodeJson> {
    let own = nodes.myself()?;
    Some(NodeJson {
        id: own.id.clone(),
        role: if own.is_replica() { "replica" } else { "primary" },
        primary: own.primary.clone(),
        slots: own.slot_count(),
        epoch: own.epoch,
        known_nodes: nodes.nodes.len(),
    })
}

fn server(address: &str, said: &ServerState, state: &State) -> ServerJson {
    ServerJson {
        address: address.to_owned(),
        version: said.version.clone(),
        role: said.role.map(|role| role.as_str()),
        link_up: said.primary_link_up,
        loading: said.loading,
        aof_enabled: said.aof_enabled,
        rewrite_in_progress: said.rewrite_in_progress,
        rewrite_seconds: said.rewrite_running_seconds,
        rewrite_last_ok: said.rewrite_last_ok,
        rewrites_failed: said.rewrites_failed,
        write_last_ok: said.write_last_ok,
        delayed_fsyncs: said.delayed_fsyncs,
        aof_current_bytes: said.aof_current_bytes,
        used_memory_bytes: said.used_memory_bytes,
        maxmemory_bytes: said.maxmemory_bytes,
        settings_withheld: said.withheld.as_ref().map(ToString::to_string),
        differences: state.outlook.differences.clone(),
    }
}

fn source(source: &Source, watched: &Watched) -> SourceJson {
    let newest = source.newest.as_ref();
    let keys = newest.and_then(|entry| entry.keys);
    let marks = newest.map(|entry| &entry.marks[..]).unwrap_or_default();
    SourceJson {
        source: source.name.clone(),
        host: newest.map(|entry| entry.host.clone()),
        path: newest.map(|entry| entry.path.clone()),
        as_is: source.is_as_is(),
        snapshots: source.snapshots,
        unreadable: source.unreadable.clone(),
        snapshot: newest.map(|entry| entry.id.clone()),
        taken_at: newest.map(|entry| entry.taken.clone()),
        age_seconds: source.age_seconds(watched.now_ms),
        is_too_old: watched.is_source_too_old(source),
        keys: keys.map(|keys| keys.alive),
        keys_at_least: keys.map(|keys| keys.at_least),
        logical_bytes: newest.map(Entry::logical_bytes),
        stored_bytes: newest.map(Entry::stored_bytes),
        new_bytes: newest.map(|entry| entry.new_bytes),
        shrunk_percent: source.shrunk().and_then(|mark| mark.percent),
        marks: marks.iter().map(|mark| KindJson::new(&mark.kind, &mark.message)).collect(),
        verified: source.last_look().map(|last| look(last, source, watched)),
    }
}

fn look(look: &Look, source: &Source, watched: &Watched) -> LookJson {
    LookJson {
        at: look.at.clone(),
        age_seconds: source.look_age_seconds(watched.now_ms),
        depth: look.depth.as_str(),
        part: look.part.map(|(slice, of)| format!("{slice}/{of}")),
        good: look.good,
        newest: look.newest.clone(),
        has_seen_newest: source.has_seen_newest(),
        host: look.host.clone(),
    }
}

fn total(watched: &Watched) -> TotalJson {
    let states = || watched.sets.iter().map(|(_, state)| state);
    let too_old = states().filter(|state| watched.is_set_too_old(state) == Some(true)).count();
    TotalJson {
        sets: watched.sets.len(),
        healthy: states().filter(|state| state.verdict() == Verdict::Healthy).count(),
        failed: watched.failed,
        verdict: states().map(State::verdict).max().unwrap_or(Verdict::Healthy).as_str(),
        size_bytes: states().map(|state| state.report.size_bytes).sum(),
        ok_bytes: states().map(|state| state.report.ok_bytes).sum(),
        base_bytes: states().map(|state| state.outlook.base_bytes).sum(),
        increment_bytes: states().map(|state| state.outlook.increment_bytes).sum(),
        commands: states().map(|state| state.commands).sum(),
        leftover_bytes: states().map(|state| state.outlook.leftover_bytes).sum(),
        problems: states().map(|state| state.report.problems.len()).sum(),
        sources: watched.sources.as_ref().map(Vec::len),
        too_old: watched.max_age.map(|_| too_old),
    }
}
