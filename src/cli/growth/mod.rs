//! `aofkit growth`

pub mod args;
pub mod chart;
pub mod families;
pub mod json;
pub mod lines;
pub mod report;
pub mod rewrite;
pub mod sets;
pub mod text;
pub mod wire;

use aofkit::aof::{Aof, Writer};
use aofkit::command::Version;
use aofkit::disk;
use aofkit::error::Result;
use aofkit::format::rdb::Family;
use aofkit::growth::{Growth, GrowthOptions, GrowthReport, Memory, Outlook, Surroundings, Trigger};
use aofkit::redact::hidden;
use aofkit::scan::scan;
use aofkit::server::ServerState;
use aofkit::stats::Faults;

use self::args::{FIGURES, GrowthArgs};
use self::report::Grown;
use crate::cli::common::beside;
use crate::cli::common::context::{Context, Turn};
use crate::cli::common::outcome::Outcome;
use crate::cli::common::threshold::Threshold;
use crate::cli::common::troubles;

/// Tells how every set at the path grows. A set in trouble that could be read is no error, but a warning.
pub fn run(args: &GrowthArgs, context: &Context) -> Result<(String, Outcome)> {
    let path = args.reading.path();
    let server = beside::answer(context)?;
    let (mut grown, failed) =
        context.each_set(path, |aof, turn| grow(aof, args, context, server.clone(), turn))?;
    // The outlier first.
    grown.sort_by_key(|one| std::cmp::Reverse(one.outlook.trigger.percent()));
    let mut outcome = failed;
    for one in &mut grown {
        troubles::note(&one.aof, &troubles::of(&one.aof, &one.faults), context);
        one.exceeded = Threshold::tell(&args.fail_above, &figures(one), &one.aof, context);
        if !one.exceeded.is_empty() {
            outcome = outcome.or(Some(Outcome::Findings));
        }
        one.unknown = Threshold::unknown(&args.fail_above, &figures(one));
        for name in &one.unknown {
            let path = aofkit::text::name(one.aof.path.as_os_str().as_encoded_bytes());
            context
                .note(&format!("{path}: {name} is not known: it was not compared (--fail-above)"));
        }
        one.deleted = beside::deleted(&one.aof, context);
        if context.redact {
            redact(&mut one.report);
        }
    }
    let first = |all: &[Grown]| -> String {
        let deleted = all.iter().filter_map(|one| one.deleted.as_ref());
        deleted.map(|problem| beside::first(problem, context)).collect()
    };
    let text = match (context.json, &grown[..]) {
        (true, [one]) if failed.is_none() => json::growth(one),
        (true, several) => json::several(path, several),
        (false, [one]) if failed.is_none() => first(&grown) + &text::growth(one, context),
        (false, several) => first(several) + &sets::several(path, several, context),
    };
    Ok((text, outcome.unwrap_or(Outcome::Done)))
}

fn grow(
    aof: Aof,
    args: &GrowthArgs,
    context: &Context,
    server: Option<(String, ServerState)>,
    turn: &Turn,
) -> Result<Grown> {
    let now = jiff::Timestamp::now();
    let mut options = GrowthOptions::at(now.as_millisecond());
    let said = server.as_ref().map(|(_, said)| said.clone());
    if let Some(said) = &said {
        (options.writer, options.is_compressed) = (release(said), said.rdb_compression);
        options.packed = said.packed;
    }
    options.families = args.families();
    options.seed = Some(turn.seed);
    let growth = Growth::new(&aof, options);
    let (report, faults) = scan(&aof, (growth, Faults::default()), &context.pace, &turn.bar)?;
    // A stream lies on no file system, and a snapshot on another one than its set.
    let disk = disk::room(&aof.path).ok();
    let mut around = Surroundings { now: now.as_second(), disk, rules: Vec::new(), server: said };
    around.rules = args.rules(&Trigger::new(0, 0, &around.settings(&aof.settings)));
    let mut outlook = Outlook::new(&aof, &report, &around);
    let mut walls_missing = None;
    if let Some(server) = &args.calibrate {
        let measured = args.given.trial(server, context)?.measure(&aof)?;
        let memory = measured.memory.map(|(peak_bytes, end_bytes)| Memory {
            peak_bytes,
            end_bytes,
            error_percent: None,
        });
        outlook.load.calibrate(measured.seconds, memory);
        walls_missing = Some(measured.walls_missing);
    }
    let (exceeded, unknown) = (Vec::new(), Vec::new());
    let deleted = None;
    Ok(Grown { aof, report, outlook, faults, exceeded, unknown, server, walls_missing, deleted })
}

/// Family and version of a running server.
fn release(said: &ServerState) -> Option<(Family, Version)> {
    let family = if said.family == "valkey" { Family::Valkey } else { Family::Redis };
    Writer { family, version: said.version.clone()? }.release()
}

/// What can be watched, as far as it is known.
fn figures(one: &Grown) -> Vec<(&'static str, Option<f64>)> {
    let outlook = &one.outlook;
    let used = outlook
        .disk
        .filter(|disk| disk.total > 0)
        .map(|disk| 1.0 - disk.free as f64 / disk.total as f64);
    let values = [
        Some(outlook.trigger.percent() as f64),
        Some(outlook.current_bytes() as f64),
        Some(outlook.increment_bytes as f64),
        Some(one.increments() as f64),
        outlook.rewrite.reclaimable_bytes.map(|bytes| bytes as f64),
        Some(outlook.leftover_bytes as f64),
        outlook.rewrite.peak_disk_bytes.map(|bytes| bytes as f64),
        used,
        outlook.rate.map(|rate| rate.bytes_per_second),
        Some(outlook.load.seconds),
    ];
    FIGURES.into_iter().zip(values).collect()
}

/// Replaces families of keys by hashes, the same for the same family, and only in this run.
pub fn redact(report: &mut GrowthReport) {
    let prefixes = report.peaks.iter_mut().map(|peak| &mut peak.prefix);
    let heaviest = report.heaviest.iter_mut().map(|(_, prefix, _)| prefix);
    let families = report.families.iter_mut().flatten().map(|line| &mut line.prefix);
    let families = families.filter(|prefix| *prefix != b"*");
    for prefix in prefixes.chain(heaviest).chain(families).filter(|prefix| !prefix.is_empty()) {
        *prefix = hidden(prefix).into_bytes();
    }
}
