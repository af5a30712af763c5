//! One set on a page.

use aofkit::check::{Loads, Severity, Verdict};
use aofkit::text::{count, name, tame, thousands};

use super::forecast::{forecast, next_rewrite};
use super::parts::{Cell, Fact, SetPart, Tone, clipped};
use super::seen::Seen;
use super::{files, keys, prefixes, timeline};
use crate::cli::common::troubles;
use crate::cli::common::verdict::{but, loads};
use crate::cli::growth::text::{advised, rough};

/// Next steps at the top of a set at most.
const STEPS: usize = 3;

/// All that is shown of it.
pub fn set(seen: &Seen, number: usize, called: &str) -> SetPart {
    let mut sections = vec![files::files(seen)];
    sections.extend(files::problems(seen));
    sections.push(timeline::growth(seen));
    sections.push(forecast(seen));
    sections.push(prefixes::prefixes(seen));
    sections.push(keys::commands(seen));
    sections.push(keys::keys(seen));
    sections.extend(keys::values(seen));
    sections.push(keys::endings(seen));
    let path = name(seen.aof.path.as_os_str().as_encoded_bytes());
    SetPart {
        number,
        name: clipped(called, 120),
        path: if path == called { String::new() } else { clipped(&path, 300) },
        tone: tone(seen),
        verdict: verdict(seen),
        meaning: meaning(seen),
        next: next(seen),
        facts: facts(seen),
        sections,
    }
}

/// How bad it is.
pub fn tone(seen: &Seen) -> Tone {
    let worst = seen.report.problems.iter().map(|problem| problem.severity).max();
    match (seen.report.verdict, worst) {
        (Verdict::Healthy, Some(Severity::Warning | Severity::Error)) => Tone::Warning,
        (Verdict::Healthy, _) if seen.report.loads == Loads::StartsEmpty => Tone::Warning,
        (Verdict::Healthy, _) => Tone::Good,
        (Verdict::TailDamage | Verdict::Unsupported, _) => Tone::Warning,
        _ => Tone::Bad,
    }
}

/// The verdict in words.
pub fn verdict(seen: &Seen) -> String {
    let report = &seen.report;
    let empty = match (report.verdict, report.loads) {
        (Verdict::Healthy, Loads::StartsEmpty) => ", but EMPTY",
        _ => "",
    };
    format!("{}{empty}{}", report.verdict.as_str().replace('-', " "), clipped(&but(report), 200))
}

fn meaning(seen: &Seen) -> Vec<String> {
    let report = &seen.report;
    let sound = match report.size_bytes == report.ok_bytes {
        true => format!("All {} are accounted for.", count(report.size_bytes, "byte")),
        false => format!(
            "{} of {} are accounted for.",
            thousands(report.ok_bytes),
            count(report.size_bytes, "byte")
        ),
    };
    let mut lines = vec![format!("{}. {sound}", loads(report))];
    lines.push(format!(
        "Judged by the rules of {} ({}).",
        report.target.rules.name,
        report.target.knowledge.as_str()
    ));
    if !report.needs_modules.is_empty() {
        let names: Vec<String> = report
            .needs_modules
            .iter()
            .take(8)
            .map(|need| clipped(&tame(&need.name), 40))
            .collect();
        lines.push(format!("Modules that it needs: {}.", names.join(", ")));
    }
    lines
}

/// What the problems say is to be done; where there are none, what its growth says.
fn next(seen: &Seen) -> Vec<String> {
    let mut steps: Vec<String> = Vec::new();
    let mut problems: Vec<_> = seen.report.problems.iter().collect();
    problems.sort_by_key(|problem| std::cmp::Reverse(problem.severity));
    let told = problems.iter().filter(|problem| problem.severity != Severity::Info);
    for step in told.filter_map(|problem| problem.next.as_deref()) {
        let step = clipped(&tame(step), 400);
        if !steps.contains(&step) && steps.len() < STEPS {
            steps.push(step);
        }
    }
    if steps.is_empty() {
        let is_damaged = !troubles::of(&seen.aof, &seen.faults).is_empty();
        steps.push(advised(&seen.outlook, is_damaged));
    }
    steps
}

fn facts(seen: &Seen) -> Vec<Fact> {
    let (outlook, totals) = (&seen.outlook, &seen.mix.totals);
    let percent = outlook.trigger.growth_percent();
    let grown = percent.map(|percent| format!("{} % over the base", thousands(percent)));
    let files = count(seen.report.segments.len() as u64, "file");
    let written = seen.keys.keys_estimate;
    let about = if seen.keys.is_exact { "" } else { "about" };
    let live = &seen.growth.live;
    let mut all = vec![
        Fact::new("Size", Cell::size(seen.report.size_bytes), files),
        Fact::new("Base", Cell::size(outlook.base_bytes), ""),
        Fact::new("Log since then", Cell::size(outlook.increment_bytes), grown.unwrap_or_default()),
        Fact::new(
            "Commands",
            Cell::count(totals.commands),
            keys::heaviest(seen).unwrap_or_default(),
        ),
        Fact::new(
            "Keys alive",
            Cell::count(live.keys),
            if live.is_complete { "" } else { "estimated" },
        ),
        Fact::new("Keys written or stored", Cell::count(written), about),
        Fact::new("Next rewrite", next_rewrite(outlook), ""),
        Fact::new(
            "A rewrite gives back",
            Cell::or_unknown(outlook.rewrite.reclaimable_bytes.map(Cell::size)),
            "",
        ),
        Fact::new("Time to load", Cell::text(rough(outlook.load.seconds)), ""),
    ];
    let memory = outlook.load.memory.map(|memory| Cell::size(memory.end_bytes));
    all.push(Fact::new("Memory after a load", Cell::or_unknown(memory), ""));
    all
}
