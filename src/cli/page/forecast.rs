//! What comes next: the rewrite, the disk, and a load.

use aofkit::growth::{Hold, Outlook, RateSource};
use aofkit::text::size;

use super::parts::{Cell, Fact, Section, Table};
use super::seen::Seen;
use crate::cli::common::troubles;
use crate::cli::common::units::{duration, time};
use crate::cli::growth::text::{advised, in_other_eyes, rough};

pub fn forecast(seen: &Seen) -> Section {
    let outlook = &seen.outlook;
    let mut section = Section::new("What comes next: rewrite, disk, load");
    section.facts.push(Fact::new("Next rewrite", next_rewrite(outlook), rule(seen)));
    section.facts.push(rate(outlook));
    if let Some(at) = outlook.forecast.rewrite_at.filter(|_| !outlook.trigger.is_due()) {
        section.facts.push(Fact::new("At that rate the rewrite is at", Cell::text(time(at)), ""));
    }
    section.facts.extend(gives_back(seen));
    section.facts.extend(disk(outlook));
    section.facts.extend(load(seen));
    if let Some(why) = &outlook.forecast.withheld {
        section.notes.push(why.to_string());
    }
    let is_damaged = !troubles::of(&seen.aof, &seen.faults).is_empty();
    section.facts.push(Fact::new("Advice", Cell::text(advised(outlook, is_damaged)), ""));
    let holds = outlook.holds.iter().filter(|hold| !matches!(hold, Hold::Missing { .. }));
    section.notes.extend(holds.map(ToString::to_string));
    let others = outlook.others.iter().map(|other| in_other_eyes(other, &outlook.trigger));
    section.notes.extend(others);
    if outlook.simulations.len() > 1 {
        section.tables.push(simulations(outlook));
    }
    section
}

/// How much is left until the next rewrite.
pub fn next_rewrite(outlook: &Outlook) -> Cell {
    let trigger = &outlook.trigger;
    match (trigger.rewrite_at_bytes(), trigger.remaining_bytes()) {
        (None, _) => Cell::text("never by itself"),
        (Some(at), _) if trigger.is_due() => Cell::text(format!("due since {}", size(at))),
        (Some(_), Some(left)) => {
            Cell { text: format!("{} to go", size(left)), value: Some(left), bar: None }
        }
        (Some(at), None) => Cell::text(format!("at {}", size(at))),
    }
}

fn rule(seen: &Seen) -> String {
    let trigger = &seen.outlook.trigger;
    let source = if seen.aof.configured { "as configured" } else { "server defaults" };
    let least = size(trigger.min_size_bytes);
    format!("{} % over the base and above {least} ({source})", trigger.percentage)
}

fn rate(outlook: &Outlook) -> Fact {
    let Some(rate) = outlook.rate else {
        let why = "the log has too few #TS timestamps, and the times of the files tell nothing";
        return Fact::new("Rate of growth", Cell::text("not known"), why);
    };
    let from = match rate.source {
        RateSource::Annotations => "by the timestamps in the log",
        RateSource::FileTimes => "by the times of the files alone",
    };
    let recent = outlook.recent_rate.map(|(recent, seconds)| {
        format!("; {}/s in the last {}", size(recent.round() as u64), duration(seconds))
    });
    let note =
        format!("on average of {}, {from}{}", duration(rate.seconds), recent.unwrap_or_default());
    Fact::new(
        "Rate of growth",
        Cell::text(format!("{}/s", size(rate.bytes_per_second.round() as u64))),
        note,
    )
}

fn gives_back(seen: &Seen) -> [Fact; 2] {
    let rewrite = &seen.outlook.rewrite;
    let error = rewrite.size.error_percent.map(|percent| format!("±{percent:.0} %"));
    let after = Cell::or_unknown(rewrite.size.estimated_bytes.map(Cell::size));
    let back = Cell::or_unknown(rewrite.reclaimable_bytes.map(Cell::size));
    [
        Fact::new("A rewrite gives back", back, ""),
        Fact::new("The set would then take", after, error.unwrap_or_default()),
    ]
}

fn disk(outlook: &Outlook) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(peak) = outlook.rewrite.peak_disk_bytes {
        let more = size(peak.saturating_sub(outlook.current_bytes()));
        facts.push(Fact::new(
            "Disk during the rewrite",
            Cell::size(peak),
            format!("{more} more than now"),
        ));
    }
    if let Some(disk) = outlook.disk {
        let note = format!("of {}", size(disk.total));
        facts.push(Fact::new("Free on the disk now", Cell::size(disk.free), note));
    }
    if let Some(at) = outlook.forecast.disk_full_at {
        facts.push(Fact::new(
            "Disk full at that rate",
            Cell::text(time(at)),
            "if nothing is rewritten",
        ));
    }
    if outlook.leftover_bytes > 0 {
        let note = "files that no server needs";
        facts.push(Fact::new("Leftovers", Cell::size(outlook.leftover_bytes), note));
    }
    facts
}

fn load(seen: &Seen) -> Vec<Fact> {
    let load = &seen.outlook.load;
    let note = "at the speed that aofkit assumes; `growth --calibrate` measures it";
    let mut facts = vec![Fact::new("Time to load", Cell::text(rough(load.seconds)), note)];
    let Some(memory) = load.memory else {
        facts.push(Fact::new("Memory after a load", Cell::text("not known"), ""));
        return facts;
    };
    let trust = memory.error_percent.map(|percent| format!("±{percent:.0} %, "));
    let note = format!("{}above that of an empty server", trust.unwrap_or_default());
    facts.push(Fact::new("Memory after a load", Cell::size(memory.end_bytes), note));
    facts
}

fn simulations(outlook: &Outlook) -> Table {
    let head = [
        ("Rule", false),
        ("Minimum", true),
        ("Rewrites", true),
        ("Written", true),
        ("Peak on disk", true),
    ];
    let row = |one: &aofkit::growth::Simulation| {
        vec![
            Cell::text(format!("{} %", one.percentage)),
            Cell::size(one.min_size_bytes),
            Cell::count(one.rewrites),
            Cell::size(one.rewritten_bytes),
            Cell::size(one.peak_disk_bytes),
        ]
    };
    Table::new(
        "Other rules over the same time",
        &head,
        outlook.simulations.iter().map(row).collect(),
    )
}
