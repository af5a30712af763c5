//! `growth` for scripts, in the order of the contract.

use std::path::Path;

use aofkit::fleet::Place;
use aofkit::growth::{
    Advice, Axis, Compression, Hold, Outlook, Peak, Simulation, Timeline, Trigger, Unfollowed,
    Unforeseen,
};
use aofkit::server::{RoleOfServer, ServerState};

use super::families;
use super::report::{Grown, RuleSource, rule_source};
use super::wire::{
    AdviceJson, BucketJson, CaseJson, ClockJson, DeletedJson, DiskJson, ForecastJson, GrowthJson,
    HoldJson, LoadJson, PeakJson, RewriteJson, ServerJson, SimulationJson, TotalJson, TriggerJson,
    UnfollowedJson,
};
use crate::cli::common::json::{self, VERSION, pretty, rule, source};
use crate::cli::common::members::text;
use crate::cli::common::running;
use crate::cli::common::units::time;

const GROWTH: &str = "aofkit.growth/1";

/// One set.
pub fn growth(one: &Grown) -> String {
    pretty(&growth_json(one))
}

/// Several sets, in the order they are given.
pub fn several(path: &Path, all: &[Grown]) -> String {
    let sum = |of: &dyn Fn(&Outlook) -> u64| all.iter().map(|one| of(&one.outlook)).sum();
    let total = TotalJson {
        sets: all.len(),
        base_bytes: sum(&|outlook| outlook.base_bytes),
        increment_bytes: sum(&|outlook| outlook.increment_bytes),
        current_bytes: sum(&Outlook::current_bytes),
        reclaimable_bytes: all.iter().map(|one| one.outlook.rewrite.reclaimable_bytes).sum(),
        leftover_bytes: sum(&|outlook| outlook.leftover_bytes),
        due: all.iter().filter(|one| one.outlook.trigger.is_due()).count(),
    };
    let places: Vec<_> = all.iter().map(|one| Place::of(&one.aof)).collect();
    let sets = all.iter().map(growth_json).collect();
    pretty(&json::several(GROWTH, path, &places, sets, total))
}

fn growth_json(one: &Grown) -> GrowthJson {
    let (outlook, report) = (&one.outlook, &one.report);
    let clock = &report.clock;
    GrowthJson {
        schema: GROWTH,
        tool_version: VERSION,
        source: source(&one.aof, report.resp_bytes == 0 && report.rdb_bytes > 0),
        base_bytes: outlook.base_bytes,
        increment_bytes: outlook.increment_bytes,
        current_bytes: outlook.current_bytes(),
        growth_percent: outlook.trigger.percent(),
        increments: one.increments(),
        trigger: trigger(one),
        server: one.server.as_ref().map(|(address, said)| server(address, said, outlook)),
        holds: outlook.holds.iter().map(hold).collect(),
        timeline: buckets(&report.timeline),
        timeline_axis: report.timeline.axis.as_str(),
        prefixes: families::json(report),
        peaks: report.peaks.iter().map(|one| peak(one, report.timeline.axis)).collect(),
        clock: ClockJson {
            first_at: clock.first.map(time),
            last_at: clock.latest.map(time),
            steps_back: clock.steps_back,
            largest_step_seconds: clock.largest_step,
        },
        rate_bytes_per_second: outlook.rate.map(|rate| rate.bytes_per_second),
        recent_rate_bytes_per_second: outlook.recent_rate.map(|(rate, _)| rate),
        recent_rate_seconds: outlook.recent_rate.map(|(_, seconds)| seconds),
        rate_source: outlook.rate.map(|rate| rate.source.as_str()),
        forecast: ForecastJson {
            rewrite_at: outlook.forecast.rewrite_at.map(time),
            disk_full_at: outlook.forecast.disk_full_at.map(time),
            measured_seconds: outlook.rate.map(|rate| rate.seconds),
            measured_until: outlook.rate.map(|rate| time(rate.until)),
            withheld: outlook.forecast.withheld.map(Unforeseen::kind),
        },
        rewrite: rewrite(one),
        simulations: outlook.simulations.iter().map(simulation).collect(),
        disk: DiskJson {
            free_bytes: outlook.disk.map(|disk| disk.free),
            total_bytes: outlook.disk.map(|disk| disk.total),
        },
        leftover_bytes: outlook.leftover_bytes,
        write_amplification: outlook.write_amplification,
        load: load(one),
        deleted_but_open: one.deleted.as_ref().map(|problem| DeletedJson {
            message: problem.message.clone(),
            next: problem.next.clone(),
        }),
        advice: AdviceJson {
            kind: outlook.advice.kind(),
            percentage: match outlook.advice {
                Advice::Percentage(percentage, _) => Some(percentage),
                _ => None,
            },
            reason: outlook.advice.reason().to_owned(),
        },
        exceeded: one.exceeded.clone(),
    }
}

fn trigger(one: &Grown) -> TriggerJson {
    let outlook = &one.outlook;
    let trigger = &outlook.trigger;
    let source = match rule_source(one) {
        RuleSource::Server => "server",
        RuleSource::Conf => "conf",
        RuleSource::Default => "default",
    };
    TriggerJson {
        rule: rule(trigger, source),
        cases: std::iter::once(trigger).chain(&outlook.others).map(case).collect(),
    }
}

fn server(address: &str, said: &ServerState, outlook: &Outlook) -> ServerJson {
    ServerJson {
        address: address.to_owned(),
        family: said.family,
        version: said.version.clone(),
        run_id: said.run_id.clone(),
        role: said.role.map(RoleOfServer::as_str),
        loading: said.loading,
        aof_enabled: said.aof_enabled,
        aof_base_bytes: said.aof_base_bytes,
        aof_current_bytes: said.aof_current_bytes,
        rewrite_in_progress: said.rewrite_in_progress,
        rewrite_scheduled: said.rewrite_scheduled,
        rewrite_last_ok: said.rewrite_last_ok,
        rewrite_last_seconds: said.rewrite_last_seconds,
        write_last_ok: said.write_last_ok,
        rewrites: said.rewrites,
        delayed_fsyncs: said.delayed_fsyncs,
        no_fsync_on_rewrite: said.no_fsync_on_rewrite,
        same_log: outlook.is_its_log,
        settings_withheld: said.withheld.as_ref().map(ToString::to_string),
        differences: outlook.differences.clone(),
        replicas: running::replicas(said),
        conditions: running::conditions(said),
    }
}

fn case(trigger: &Trigger) -> CaseJson {
    CaseJson {
        since: trigger.since.as_str(),
        counted_base_bytes: trigger.base_bytes,
        counted_bytes: trigger.current_bytes,
        rewrite_at_bytes: trigger.rewrite_at_bytes(),
        remaining_bytes: trigger.remaining_bytes(),
        due: trigger.is_due(),
    }
}

fn hold(hold: &Hold) -> HoldJson {
    let (mut file, mut since_at, mut increments) = (None, None, None);
    match hold {
        Hold::Running { file: of, .. } | Hold::Missing { file: of, .. } => file = Some(of.clone()),
        Hold::Abandoned { file: of, since } => {
            (file, since_at) = (Some(of.clone()), Some(time(*since)))
        }
        Hold::Failing { increments: of } => increments = Some(*of),
        _ => {}
    }
    HoldJson { kind: hold.kind(), file, since_at, increments, message: hold.to_string() }
}

fn buckets(timeline: &Timeline) -> Vec<BucketJson> {
    let is_time = timeline.axis == Axis::Time;
    let rows = timeline.buckets.iter().enumerate().map(|(at, bucket)| BucketJson {
        start_at: is_time.then(|| time(timeline.begins_at(at))),
        seconds: is_time.then_some(timeline.width),
        start_bytes: (!is_time).then(|| timeline.begins_at(at)),
        bytes: bucket.bytes,
        commands: bucket.commands,
    });
    rows.collect()
}

fn peak(peak: &Peak, axis: Axis) -> PeakJson {
    let prefix = text(&peak.prefix);
    let is_time = axis == Axis::Time;
    PeakJson {
        start_at: is_time.then(|| time(peak.from)),
        end_at: is_time.then(|| time(peak.to)),
        start_bytes: (!is_time).then_some(peak.from),
        end_bytes: (!is_time).then_some(peak.to),
        bytes: peak.bytes,
        times_usual: peak.times,
        command: peak.command.clone(),
        prefix: prefix.into(),
        share: peak.share,
    }
}

fn rewrite(one: &Grown) -> RewriteJson {
    let (rewrite, live) = (&one.outlook.rewrite, &one.report.live);
    RewriteJson {
        estimated_bytes: rewrite.size.estimated_bytes,
        at_least_bytes: rewrite.size.at_least_bytes,
        at_most_bytes: rewrite.size.at_most_bytes,
        reclaimable_bytes: rewrite.reclaimable_bytes,
        error_percent: rewrite.size.error_percent,
        peak_disk_bytes: rewrite.peak_disk_bytes,
        format: if rewrite.is_rdb { "rdb" } else { "resp" },
        compressed: match live.compression {
            Compression::Unknown => None,
            known => Some(known == Compression::On),
        },
        packed_limits: match &one.server {
            Some((_, said)) if said.packed.is_some() => Some("server"),
            _ if one.aof.configured => Some("conf"),
            _ if live.has_other_limits || live.has_open_limits => None,
            _ => Some("default"),
        },
        resp_bytes: live.resp.estimated_bytes,
        resp_error_percent: live.resp.error_percent,
        rdb_bytes: live.rdb.estimated_bytes,
        rdb_error_percent: live.rdb.error_percent,
        keys: live.keys,
        followed_keys: live.followed_keys,
        complete: live.is_complete,
        expired_keys: live.expired_keys,
        unfollowed_commands: live.unfollowed_commands,
        unfollowed_bytes: live.unfollowed_bytes,
        unfollowed: live.unfollowed.iter().map(unfollowed).collect(),
    }
}

fn unfollowed(one: &Unfollowed) -> UnfollowedJson {
    let name = text(&one.name);
    UnfollowedJson { command: name.into(), count: one.count, bytes: one.bytes }
}

fn simulation(one: &Simulation) -> SimulationJson {
    SimulationJson {
        percentage: one.percentage,
        min_size_bytes: one.min_size_bytes,
        rewrites: one.rewrites,
        rewritten_bytes: one.rewritten_bytes,
        peak_disk_bytes: one.peak_disk_bytes,
    }
}

fn load(one: &Grown) -> LoadJson {
    let load = &one.outlook.load;
    LoadJson {
        seconds: load.seconds,
        peak_bytes: load.memory.map(|memory| memory.peak_bytes),
        end_bytes: load.memory.map(|memory| memory.end_bytes),
        error_percent: load.memory.map(|memory| memory.error_percent.map_or(0.0, f64::round)),
        server_seconds: load.server_seconds,
        estimated_seconds: load.seconds,
        measured_seconds: load.measured_seconds,
        rdb_bytes_per_second: load.speed.rdb_bytes_per_second,
        rdb_keys_per_second: load.speed.rdb_keys_per_second,
        resp_bytes_per_second: load.speed.resp_bytes_per_second,
        commands_per_second: load.speed.commands_per_second,
        walls_missing: one.walls_missing.clone(),
    }
}
