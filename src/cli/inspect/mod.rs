//! `aofkit inspect`

pub mod args;
pub mod json;
pub mod report;
pub mod text;
pub mod wire;

use std::path::Path;

use aofkit::aof::{Aof, Layout, Role};
use aofkit::check::{Check, Severity, Verdict, Wording, judge};
use aofkit::error::Result;
use aofkit::fleet::{SlotsOfNode, Together, Unfinished, nodes_in, server_dir};
use aofkit::growth::Trigger;
use aofkit::scan::{Observer, scan};
use aofkit::stats::{Deletes, Grouping, KeyOptions, KeySpace, KeySpaceOptions, KeyTraffic, Mix};
use aofkit::text::{count, name};

use self::report::{InTotal, Inspected};
use crate::cli::common::beside::neighbours;
use crate::cli::common::context::{Context, Turn};
use crate::cli::common::outcome::Outcome;
use crate::cli::common::output::{Paper, Saying};
use crate::cli::stats::{redact_prefixes, redact_written};

/// How many of a base's biggest keys are told.
const BIGGEST: usize = 10;

/// Shows every set at `path`. A set in trouble that could be read is no error, but a warning.
pub fn run<'v>(path: &'v Path, context: &'v Context) -> Result<(Saying<'v>, Outcome)> {
    let (options, together) = (key_options(), Together::default());
    let (inspected, failed) =
        context.each_set(path, |aof, turn| inspect(aof, &options, &together, turn, context))?;
    let total = together.finish().map(|(mix, mut keys)| {
        if context.redact {
            redact_prefixes(&mut keys);
        }
        InTotal { mix, keys }
    });
    for one in &inspected {
        warn(one, context);
    }
    let say = move |paper: &mut Paper<'_>| match (context.json, &inspected[..]) {
        (true, [one]) if failed.is_none() => json::inspect(paper, one),
        (true, several) => json::inspects(paper, path, several, total.as_ref()),
        (false, [one]) if failed.is_none() => paper.text(&text::inspect(one, context)),
        (false, several) => paper.text(&text::inspects(path, several, total.as_ref(), context)),
    };
    Ok((Box::new(say), failed.unwrap_or(Outcome::Done)))
}

/// What is counted of the commands of all sets.
type Counting = (Mix, KeyTraffic);

fn inspect(
    aof: Aof,
    options: &KeyOptions,
    together: &Together<Counting>,
    turn: &Turn,
    context: &Context,
) -> Result<Inspected> {
    let now_ms = jiff::Timestamp::now().as_millisecond();
    let key_space =
        KeySpace::new(KeySpaceOptions { now_ms: Some(now_ms), top: BIGGEST, memory: None });
    // Where a server of a cluster works; what several sets make together has nodes of its own.
    let nodes = server_dir(&aof).filter(|_| turn.is_alone);
    let nodes = nodes.and_then(|dir| nodes_in(&dir).ok().flatten());
    let mut options = options.clone().with_seed(turn.seed);
    options.slots = nodes.is_some();
    let counting = (Mix::default(), KeyTraffic::new(options));
    let deletes = Deletes::new(Grouping::default(), BIGGEST);
    let observer = (Check::new(&aof), (Unfinished(counting), (key_space, deletes)));
    let (facts, (counting, (key_space, mut deletes))) =
        scan(&aof, observer, &context.pace, &turn.bar)?;
    if !turn.is_alone {
        together.add(counting.clone());
    }
    let (mix, mut keys) = counting.finish();
    let neighbours = neighbours(&aof, facts.damaged_inside(), context)?;
    let report =
        judge(&aof, facts.with_neighbours(neighbours), &Wording { redact: context.redact })?;
    if context.redact {
        redact_written(Some(&mut keys), &mut deletes);
    }
    let growth = (aof.layout == Layout::MultiPart).then(|| {
        let sum = |role| {
            let of_role = report.segments.iter().filter(|s| s.role == role);
            of_role.filter_map(|s| s.size_bytes).sum()
        };
        Trigger::new(sum(Role::Base), sum(Role::Increment), &aof.settings)
    });
    let slots = keys.slots.as_ref().map(|used| SlotsOfNode::new(used, nodes.as_ref()));
    let redact = context.redact;
    Ok(Inspected { aof, report, mix, key_space, keys, deletes, redact, growth, slots })
}

fn key_options() -> KeyOptions {
    let mut options = KeyOptions::default();
    options.keys = true;
    options.prefixes = Some(Grouping::default());
    options.top = BIGGEST;
    options
}

fn warn(one: &Inspected, context: &Context) {
    if one.report.verdict == Verdict::Healthy {
        return;
    }
    let errors = one.report.problems.iter().filter(|p| p.severity == Severity::Error).count();
    let path = name(one.aof.path.as_os_str().as_encoded_bytes());
    context.note(&format!("{path}: {}; see `aofkit check`", count(errors as u64, "problem")));
}
