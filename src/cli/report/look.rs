//! One pass over a set for all that a page shows of it.

use aofkit::aof::Aof;
use aofkit::check::{Check, Wording, judge};
use aofkit::disk;
use aofkit::error::Result;
use aofkit::growth::{Growth, GrowthOptions, Outlook, Surroundings};
use aofkit::scan::scan;
use aofkit::stats::{
    Deletes, Faults, Grouping, KeyOptions, KeySpace, KeySpaceOptions, KeyTraffic, Mix,
};

use crate::cli::common::beside::{neighbours, told_of};
use crate::cli::common::context::{Context, Turn};
use crate::cli::growth::redact as redact_growth;
use crate::cli::page::seen::Seen;
use crate::cli::stats::redact_parts;

/// Prefixes that are counted; what is drawn is less.
const PREFIXES: usize = 40;

/// Keys of the base that are told.
const BIGGEST: usize = 10;

/// Layers of the picture of growth.
const FAMILIES: usize = 8;

pub fn look(aof: Aof, turn: &Turn, context: &Context) -> Result<Seen> {
    let now = jiff::Timestamp::now();
    let mut keys = KeyOptions::default();
    keys.keys = true;
    keys.prefixes = Some(Grouping::default());
    keys.top = PREFIXES;
    let space = KeySpaceOptions { now_ms: Some(now.as_millisecond()), top: BIGGEST, memory: None };
    let mut options = GrowthOptions::at(now.as_millisecond());
    options.families = Some(FAMILIES);
    let counting = (Mix::default(), KeyTraffic::new(keys));
    let rest = (KeySpace::new(space), Deletes::new(Grouping::default(), BIGGEST));
    let growing = (Growth::new(&aof, options), Faults::default());
    let observer = (Check::new(&aof), ((counting, rest), growing));
    let (facts, (((mix, keys), (base, deletes)), (growth, faults))) =
        scan(&aof, observer, &context.pace, &turn.bar)?;
    let neighbours = neighbours(&aof, facts.damaged_inside(), context)?;
    let wording = Wording { redact: context.redact };
    let report = judge(&aof, facts.with_neighbours(neighbours), &wording)?;
    let own = told_of(&aof, context).filter(|told| told.whose == aofkit::server::Whose::Its);
    let around = Surroundings {
        now: now.as_second(),
        disk: disk::room(&aof.path).ok(),
        rules: Vec::new(),
        server: own.map(|told| told.state),
    };
    let outlook = Outlook::new(&aof, &growth, &around);
    let is_redacted = context.redact;
    let mut seen =
        Seen { aof, report, mix, keys, base, deletes, growth, outlook, faults, is_redacted };
    if is_redacted {
        redact_parts(Some(&mut seen.base), Some(&mut seen.keys), &mut seen.deletes);
        redact_growth(&mut seen.growth);
    }
    Ok(seen)
}
