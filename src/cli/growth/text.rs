//! `growth` for people: one set on one screen.

use crate::cli::growth::lines::{heading, line};
use aofkit::growth::{Axis, Hold, LiveEstimate, Load, Outlook, Peak, RateSource, Since, Trigger};
use aofkit::server::RoleOfServer;
use aofkit::text::{count, escape, name, tame, thousands};
use comfy_table::CellAlignment::{Left, Right};

use super::chart::chart;
use super::families;
use super::report::{Grown, RuleSource, rule_source};
use super::rewrite;
use crate::cli::common::layout::{laid_out, table, wrap};
use crate::cli::common::troubles;
use crate::cli::common::units::{Style, bar, duration, size, time};
use crate::cli::common::view::View;

/// One set.
pub fn growth(one: &Grown, view: &View) -> String {
    let style = view.style;
    let path = name(one.aof.path.as_os_str().as_encoded_bytes());
    let mut text = format!("{}\n", style.bold(&path));
    // Before all figures, which leave out what was in it.
    if let Some(missing) =
        one.outlook.holds.iter().find(|hold| matches!(hold, Hold::Missing { .. }))
    {
        text += &format!("{}\n", style.bad(&wrap(&missing.to_string(), style.width, "  ")));
    }
    text += &format!("{}\n", wrap(&summary(one), style.width, "  "));
    text += &trigger(one, view);
    text += &server(one, style);
    text += &timeline(one, style);
    text += &families::families(&one.report, style);
    text += &rewrite::rewrite(one, style);
    text += &disk(&one.outlook, style);
    text += &load(&one.outlook.load, &one.report.live, style);
    text += &simulations(&one.outlook, style);
    let is_damaged = !troubles::of(&one.aof, &one.faults).is_empty();
    text + &advice(&one.outlook, is_damaged, style)
}

fn summary(one: &Grown) -> String {
    let outlook = &one.outlook;
    if one.increments() == 0 {
        return format!("{}, no increments", size(outlook.base_bytes));
    }
    let parts = format!(
        "{}: a base of {} and {} in {}",
        size(outlook.current_bytes()),
        size(outlook.base_bytes),
        size(outlook.increment_bytes),
        count(one.increments() as u64, "increment")
    );
    let base = if one.server.is_some() { "what the server counts as base" } else { "the base" };
    match percent_more(&outlook.trigger) {
        Some(percent) => format!("{parts}, {percent} more than {base}"),
        None => parts,
    }
}

/// By how much the set has outgrown its base, where there is one.
pub fn percent_more(trigger: &Trigger) -> Option<String> {
    trigger.growth_percent().map(|percent| format!("{} %", thousands(percent)))
}

fn trigger(one: &Grown, view: &View) -> String {
    let (outlook, style) = (&one.outlook, view.style);
    let trigger = &outlook.trigger;
    let mut text = heading("next rewrite", style);
    let source = match rule_source(one) {
        RuleSource::Server => "as the server says",
        RuleSource::Conf => "as configured",
        RuleSource::Default => "server defaults",
    };
    let rule = format!(
        "{} % over the base and above {} ({source})",
        trigger.percentage,
        size(trigger.min_size_bytes)
    );
    match trigger.rewrite_at_bytes() {
        None => text += &line("never by itself", style),
        Some(at) if trigger.is_due() => {
            text += &line(&format!("due since {}: {rule}", size(at)), style);
        }
        Some(at) => {
            let left = size(trigger.remaining_bytes().unwrap_or(0));
            let bar = bar(trigger.current_bytes, at, 20);
            text += &format!("  ▕{bar}▏ {left} to go until {}\n", size(at));
            text += &line(&rule, style);
        }
    }
    if let Some(rate) = outlook.rate {
        let from = match rate.source {
            RateSource::Annotations => "by #TS annotations",
            RateSource::FileTimes => "by file times alone: from the base's to the last increment's",
        };
        let per_second = size(rate.bytes_per_second.round() as u64);
        let mut told = format!("{per_second}/s on average of {}, {from}", duration(rate.seconds));
        if let Some((recent, seconds)) = outlook.recent_rate {
            told += &format!(
                ", but {}/s in the last {}",
                size(recent.round() as u64),
                duration(seconds)
            );
        }
        if let Some(at) = outlook.forecast.rewrite_at.filter(|_| !trigger.is_due()) {
            told += &format!("; at that rate the next one is at {}", time(at));
        }
        text += &line(&told, style);
        if let Some(why) = outlook.forecast.withheld.filter(|_| misses_rewrite(outlook)) {
            text += &line(&format!("when the next one comes is not foreseen: {why}"), style);
        }
    } else {
        let annotations = match one.report.clock.latest {
            Some(_) => "too few #TS annotations",
            None => "no #TS annotations",
        };
        let files = match outlook.has_times_of_a_copy {
            true => "the files have the times of a copy: all alike, and later than what is in them",
            false => "file times tell nothing",
        };
        let told = format!("how fast it grows is unknown: {annotations}, and {files}");
        text += &line(&told, style);
    }
    for other in &outlook.others {
        text += &line(&in_other_eyes(other, trigger), style);
    }
    for hold in outlook.holds.iter().filter(|hold| !matches!(hold, Hold::Missing { .. })) {
        text += &format!("{}\n", style.warn(&wrap(&format!("! {hold}"), style.width, "  ")));
    }
    text
}

/// A rewrite comes by itself, and when is not told.
fn misses_rewrite(outlook: &Outlook) -> bool {
    let comes = outlook.trigger.remaining_bytes().is_some_and(|left| left > 0);
    comes && outlook.forecast.rewrite_at.is_none()
}

/// What a server that has seen more of the set counts.
pub fn in_other_eyes(other: &Trigger, trigger: &Trigger) -> String {
    let who = match other.since {
        Since::Restart => "counted by a server that starts with this set",
        Since::Fresh => {
            "counted by the server that made this set, if it was never restarted (it leaves out its first base)"
        }
        _ => {
            "counted by a server that was not restarted since its last rewrite (commands that arrived during the \
             rewrite count as base)"
        }
    };
    let when = match (other.remaining_bytes(), other.is_due()) {
        (None, _) => "no rewrite".to_owned(),
        (Some(_), true) => "due".to_owned(),
        (Some(left), false) if Some(left) == trigger.remaining_bytes() => "the same".to_owned(),
        (Some(left), false) => format!("{} to go", size(left)),
    };
    format!("{who}: {when}")
}

/// What the running server said, and where that and the files differ.
fn server(one: &Grown, style: Style) -> String {
    let Some((address, said)) = &one.server else { return String::new() };
    let mut text = heading("the running server", style);
    let version = tame(said.version.as_deref().unwrap_or("of unknown version"));
    let role = match said.role {
        Some(RoleOfServer::Replica) => ", a replica",
        _ => "",
    };
    let mut told = format!("{} {version} at {}{role}", said.family, name(address.as_bytes()));
    if let (Some(base), Some(current)) = (said.aof_base_bytes, said.aof_current_bytes) {
        told += &format!(": it counts {} over a base of {}", size(current), size(base));
    }
    if let Some(rewrites) = said.rewrites {
        told += &format!("; {} since it started", count(rewrites, "rewrite"));
    }
    if let Some(seconds) = said.rewrite_last_seconds {
        told += &format!(", the last in {}", rough(seconds as f64));
    }
    text += &line(&told, style);
    if said.delayed_fsyncs.is_some_and(|times| times > 0) {
        let times = count(said.delayed_fsyncs.unwrap_or(0), "sync");
        text += &line(&format!("{times} had to wait for the disk"), style);
    }
    for condition in said.conditions().iter().filter(|one| one.is_of_replication()) {
        text += &line(&condition.to_string(), style);
    }
    if said.no_fsync_on_rewrite == Some(true) {
        let told = "no-appendfsync-on-rewrite is on: while it rewrites, nothing is synced";
        text += &line(told, style);
    }
    if let Some(why) = &said.withheld {
        text += &line(&format!("it does not tell its settings: {}", name(why.0.as_bytes())), style);
    }
    for difference in &one.outlook.differences {
        text += &line(difference, style);
    }
    text
}

fn timeline(one: &Grown, style: Style) -> String {
    let (report, timeline) = (&one.report, &one.report.timeline);
    if timeline.buckets.is_empty() {
        return String::new();
    }
    let mut text = match timeline.axis {
        Axis::Time => heading("bytes appended over time (UTC)", style),
        Axis::Offset => heading(
            "bytes per command along the log (too few #TS annotations for an axis of time)",
            style,
        ),
    };
    text += &chart(timeline, &report.peaks, style);
    for (peak, number) in report.peaks.iter().zip(1..) {
        text += &line(&peak_line(number, peak, timeline.axis), style);
    }
    if let Some((command, prefix, part)) = &report.heaviest {
        let told = format!("most of all: {}, {}", writer(command, prefix), percent(*part));
        text += &line(&told, style);
    }
    if report.clock.steps_back > 0 {
        let told = format!(
            "! the clock went back {}, by up to {}: rates are rough",
            count(report.clock.steps_back, "time"),
            duration(report.clock.largest_step)
        );
        text += &format!("{}\n", style.warn(&wrap(&told, style.width, "  ")));
    }
    text
}

fn writer(command: &str, prefix: &[u8]) -> String {
    if prefix.is_empty() { command.to_owned() } else { format!("{command} of {}", escape(prefix)) }
}

fn percent(part: f64) -> String {
    format!("{:.0} %", part * 100.0)
}

/// A peak of the timeline, by its number.
pub fn peak_line(number: usize, peak: &Peak, axis: Axis) -> String {
    let place = match axis {
        Axis::Time => format!("{}, {}", time(peak.from), duration(peak.to - peak.from)),
        Axis::Offset => {
            let place = |at: i64| size(at.unsigned_abs());
            format!("commands from {} to {} of the log", place(peak.from), place(peak.to))
        }
    };
    let times = match peak.times {
        few if few < 10.0 => format!("{few:.1}"),
        many => thousands(many.round() as u64),
    };
    format!(
        "peak {number}: {place}: {}, up to {times} times the usual; {} of it {}",
        size(peak.bytes),
        percent(peak.share),
        writer(&peak.command, &peak.prefix)
    )
}

fn disk(outlook: &Outlook, style: Style) -> String {
    let Some(disk) = outlook.disk else { return String::new() };
    let mut text = heading("disk", style);
    let used = disk.total - disk.free;
    let bar = bar(used, disk.total, 20);
    text += &format!("  ▕{bar}▏ {} free of {}\n", size(disk.free), size(disk.total));
    if let Some(at) = outlook.forecast.disk_full_at {
        text +=
            &line(&format!("full at {} at this rate, if nothing is rewritten", time(at)), style);
    } else if let Some(why) = outlook.forecast.withheld {
        text += &line(&format!("when it is full is not foreseen: {why}"), style);
    }
    let Some(peak) = outlook.rewrite.peak_disk_bytes else {
        let told = "what the next rewrite takes on it is not known";
        return text + &line(told, style) + &leftovers(outlook, style);
    };
    let needed = peak.saturating_sub(outlook.current_bytes());
    let told = format!(
        "during the next rewrite the set takes {}, {} more than now",
        size(peak),
        size(needed)
    );
    text += &match needed > disk.free {
        true => format!(
            "{}\n",
            style.bad(&wrap(&format!("{told}: more than is free"), style.width, "  "))
        ),
        false => line(&told, style),
    };
    text + &leftovers(outlook, style)
}

fn leftovers(outlook: &Outlook, style: Style) -> String {
    if outlook.leftover_bytes == 0 {
        return String::new();
    }
    let told = format!("{} of leftovers could be given back", size(outlook.leftover_bytes));
    line(&told, style)
}

fn load(load: &Load, live: &LiveEstimate, style: Style) -> String {
    let mut text = heading("loading", style);
    let speed = &load.speed;
    let assumed = format!(
        "{}/s and {} keys/s of RDB, {}/s and {} commands/s",
        size(speed.rdb_bytes_per_second as u64),
        thousands(speed.rdb_keys_per_second as u64),
        size(speed.resp_bytes_per_second as u64),
        thousands(speed.commands_per_second as u64)
    );
    text += &match load.measured_seconds {
        Some(seconds) => line(&format!("{seconds:.2} s, measured; that is {assumed}"), style),
        None => line(
            &format!("{}, assuming {assumed}; --calibrate SERVER measures it", rough(load.seconds)),
            style,
        ),
    };
    if let Some(seconds) = load.server_seconds {
        text += &line(&format!("the running server reckons with {seconds:.2} s"), style);
    }
    text + &memory(load, live, style)
}

/// What the load takes in memory.
fn memory(load: &Load, live: &LiveEstimate, style: Style) -> String {
    let Some(memory) = load.memory else {
        let why = match live {
            live if live.is_partial => "the base cannot be read to its end",
            live if live.has_other_limits => {
                "the base shows other limits of packed values than the default ones; --conf or --server tells them"
            }
            live if live.has_open_limits => {
                "nobody tells up to which size the server packs values (hash-max-listpack-entries and others); --conf or \
                 --server does"
            }
            live if live.unfollowed_commands == 0 => {
                "the set holds vector sets or values of modules"
            }
            _ => "the set holds commands that are not followed",
        };
        return line(&format!("how much memory it takes is not known: {why}"), style);
    };
    let (end, peak) = (size(memory.end_bytes), size(memory.peak_bytes));
    let peak = match peak == end {
        true => String::new(),
        false => format!(", {peak} at the peak on the way"),
    };
    let trust = match memory.error_percent {
        None => "measured".to_owned(),
        Some(percent) => format!("±{percent:.0} %"),
    };
    line(&format!("it takes {end} of memory{peak} ({trust}), above that of an empty server"), style)
}

/// Seconds as an estimate may be told.
pub fn rough(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => "less than a second".to_owned(),
        s if s < 10.0 => format!("about {s:.1} s"),
        s => format!("about {}", duration(s.round() as i64)),
    }
}

fn simulations(outlook: &Outlook, style: Style) -> String {
    // The rule in force comes first; alone it says nothing new.
    if outlook.simulations.len() < 2 {
        return String::new();
    }
    let head = [
        ("RULE", Left),
        ("MIN SIZE", Right),
        ("REWRITES", Right),
        ("WRITTEN", Right),
        ("PEAK DISK", Right),
    ];
    let mut table = table(style, &head);
    for (one, place) in outlook.simulations.iter().zip(0..) {
        let mark = if place == 0 { " (now)" } else { "" };
        table.add_row([
            format!("{} %{mark}", one.percentage),
            size(one.min_size_bytes),
            thousands(one.rewrites),
            size(one.rewritten_bytes),
            size(one.peak_disk_bytes),
        ]);
    }
    format!("{}{}", heading("other rules over the same time", style), laid_out(&mut table))
}

fn advice(outlook: &Outlook, is_damaged: bool, style: Style) -> String {
    let told = format!("next: {}", advised(outlook, is_damaged));
    let told = wrap(&told, style.width, "  ");
    // Painted last, for colours take no columns.
    format!("\n{}\n", told.replacen("next:", &style.bold("next:"), 1))
}

/// What to do about its growth, and why.
pub fn advised(outlook: &Outlook, is_damaged: bool) -> String {
    use aofkit::growth::Advice;
    let what = match &outlook.advice {
        Advice::Nothing(_) if is_damaged => "repair the set first (`aofkit check`)".to_owned(),
        Advice::Nothing(_) => "no rewrite is needed".to_owned(),
        Advice::Rewrite(_) => "BGREWRITEAOF".to_owned(),
        Advice::Percentage(percentage, _) => {
            format!("CONFIG SET auto-aof-rewrite-percentage {percentage}")
        }
        Advice::MakeRoom(_) => "make room first".to_owned(),
        Advice::FindFault(_) => "find out why rewrites fail".to_owned(),
        Advice::Overdue(_) => "a rewrite is overdue".to_owned(),
        Advice::Mend(_) => "mend the set first".to_owned(),
    };
    format!("{what}: {}", outlook.advice.reason())
}
