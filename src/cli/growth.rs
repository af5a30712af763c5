//! `aofkit growth`

use std::path::PathBuf;

use aofkit::aof::{Aof, Writer};
use aofkit::command::Version;
use aofkit::disk;
use aofkit::error::Result;
use aofkit::format::rdb::Family;
use aofkit::growth::{Growth, GrowthOptions, GrowthReport, Outlook, Surroundings, Trigger};
use aofkit::scan::scan;
use aofkit::server::ServerState;
use aofkit::stats::Faults;
use aofkit::text::hidden;
use clap::Args as ClapArgs;

use super::args::{Context, Reading, size};
use super::outcome::Outcome;
use super::progress::Bar;
use super::render::{growth_json, growth_sets, growth_text};
use super::threshold::{Exceeded, Threshold};
use super::trial::LoadArgs;
use super::troubles;

#[derive(Debug, ClapArgs)]
pub struct GrowthArgs {
    #[command(flatten)]
    pub reading: Reading,
    /// Play this auto-aof-rewrite-percentage over the timeline; may be given several times
    #[arg(long, value_name = "N", env = "AOFKIT_PERCENTAGE", value_delimiter = ',')]
    percentage: Vec<u32>,
    /// Play this auto-aof-rewrite-min-size over the timeline: 64mb, 64MiB; may be given several times
    #[arg(long, value_name = "SIZE", env = "AOFKIT_MIN_SIZE", value_delimiter = ',', value_parser = bytes)]
    min_size: Vec<u64>,
    /// Exit with 30 when a figure is above a value: a number or a size; may be given several times. Figures:
    /// growth_percent, current_bytes, increment_bytes, increments, reclaimable_bytes, leftover_bytes,
    /// peak_disk_bytes, disk_used_share, rate_bytes_per_second, load_seconds
    #[arg(long, value_name = "NAME=VALUE", env = "AOFKIT_FAIL_ABOVE", value_delimiter = ',',
        value_parser = |text: &str| Threshold::parse(text, &FIGURES))]
    fail_above: Vec<Threshold>,
    /// Measure how long loading takes: copies the set to a scratch directory and starts this server on it
    #[arg(long, value_name = "PATH-TO-SERVER", env = "AOFKIT_CALIBRATE")]
    calibrate: Option<PathBuf>,
    #[command(flatten)]
    given: LoadArgs,
}

/// Figures that `--fail-above` can watch.
const FIGURES: [&str; 10] = [
    "growth_percent",
    "current_bytes",
    "increment_bytes",
    "increments",
    "reclaimable_bytes",
    "leftover_bytes",
    "peak_disk_bytes",
    "disk_used_share",
    "rate_bytes_per_second",
    "load_seconds",
];

fn bytes(text: &str) -> std::result::Result<u64, String> {
    size(text).ok_or_else(|| format!("'{text}' is not a size such as 64mb or 64MiB"))
}

impl GrowthArgs {
    /// The rules to play beside the one in force: every percentage with every minimum.
    fn rules(&self, trigger: &Trigger) -> Vec<(u32, u64)> {
        if self.percentage.is_empty() && self.min_size.is_empty() {
            return Vec::new();
        }
        let or =
            |given: &[u64], own: u64| if given.is_empty() { vec![own] } else { given.to_vec() };
        let given: Vec<u64> = self.percentage.iter().copied().map(u64::from).collect();
        let percentages = or(&given, trigger.percentage.into());
        let sizes = or(&self.min_size, trigger.min_size_bytes);
        let pairs = percentages.iter().flat_map(|p| sizes.iter().map(|s| (*p as u32, *s)));
        pairs.collect()
    }
}

/// How one set grows.
pub struct Grown {
    pub aof: Aof,
    pub report: GrowthReport,
    pub outlook: Outlook,
    pub faults: Faults,
    pub exceeded: Vec<Exceeded>,
    /// Figures that were to be watched and are not known.
    pub unknown: Vec<&'static str>,
    /// The running server that was asked about it: its address, and what it said.
    pub server: Option<(String, ServerState)>,
    /// What could not be kept from the server that has loaded it; `None` where none has.
    pub walls_missing: Option<Vec<String>>,
}

impl Grown {
    /// Live increments.
    pub fn increments(&self) -> usize {
        let live = self.aof.live().map(|(_, segment)| segment.role);
        live.filter(|role| *role == aofkit::aof::Role::Increment).count()
    }
}

/// Where the rule in force comes from.
pub enum RuleSource {
    Server,
    Conf,
    Default,
}

/// Where this set's rule comes from: the server counts as soon as it told one of the two settings.
pub fn rule_source(one: &Grown) -> RuleSource {
    let told =
        |said: &ServerState| said.rewrite_percentage.is_some() || said.rewrite_min_bytes.is_some();
    match &one.server {
        Some((_, said)) if told(said) => RuleSource::Server,
        _ if one.aof.configured => RuleSource::Conf,
        _ => RuleSource::Default,
    }
}

/// Tells how every set at the path grows. A set in trouble that could be read is no error, but a warning.
pub fn run(args: &GrowthArgs, context: &Context) -> Result<(String, Outcome)> {
    let path = args.reading.path();
    // Asked before the set is opened, so that the files have at least what the server counts.
    let server = match &context.server {
        Some(asked) => Some((asked.address.to_string(), asked.connect()?.state()?)),
        None => None,
    };
    let (mut grown, failed) =
        context.each_set(path, |aof| grow(aof, args, context, server.clone()))?;
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
        if context.redact {
            redact(&mut one.report);
        }
    }
    let text = match (context.json, &grown[..]) {
        (true, [one]) if failed.is_none() => growth_json::growth(one),
        (true, several) => growth_json::several(path, several),
        (false, [one]) if failed.is_none() => growth_text::growth(one, context),
        (false, several) => growth_sets::several(path, several, context),
    };
    Ok((text, outcome.unwrap_or(Outcome::Done)))
}

fn grow(
    aof: Aof,
    args: &GrowthArgs,
    context: &Context,
    server: Option<(String, ServerState)>,
) -> Result<Grown> {
    let now = jiff::Timestamp::now();
    let mut options = GrowthOptions::at(now.as_millisecond());
    let said = server.as_ref().map(|(_, said)| said.clone());
    if let Some(said) = &said {
        (options.writer, options.is_compressed) = (release(said), said.rdb_compression);
    }
    let growth = Growth::new(&aof, options);
    let bar = Bar::new(context.bar);
    let (report, faults) = scan(&aof, (growth, Faults::default()), &context.pace, &bar)?;
    // A stream lies on no file system, and a snapshot on another one than its set.
    let disk = disk::room(&aof.path).ok();
    let mut around = Surroundings { now: now.as_second(), disk, rules: Vec::new(), server: said };
    around.rules = args.rules(&Trigger::new(0, 0, &around.settings(&aof.settings)));
    let mut outlook = Outlook::new(&aof, &report, &around);
    let mut walls_missing = None;
    if let Some(server) = &args.calibrate {
        let measured = args.given.trial(server, context)?.measure(&aof)?;
        outlook.load.calibrate(measured.seconds);
        walls_missing = Some(measured.walls_missing);
    }
    let (exceeded, unknown) = (Vec::new(), Vec::new());
    Ok(Grown { aof, report, outlook, faults, exceeded, unknown, server, walls_missing })
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
        outlook.rate.map(|(rate, _)| rate),
        Some(outlook.load.seconds),
    ];
    FIGURES.into_iter().zip(values).collect()
}

/// Replaces families of keys by hashes, the same for the same family, and only in this run.
fn redact(report: &mut GrowthReport) {
    let prefixes = report.peaks.iter_mut().map(|peak| &mut peak.prefix);
    let heaviest = report.heaviest.iter_mut().map(|(_, prefix, _)| prefix);
    for prefix in prefixes.chain(heaviest).filter(|prefix| !prefix.is_empty()) {
        *prefix = hidden(prefix).into_bytes();
    }
}
