//! `status` for people: a line for each set, and one for each source of backups.

use aofkit::aof::Layout;
use aofkit::check::Verdict;
use aofkit::fleet::{Backed, Source, State};
use aofkit::text::{count, name, tame, thousands};
use comfy_table::CellAlignment::{Left, Right};

use super::report::{Watched, health, is_bad};
use crate::cli::common::layout::{MORE, wrap};
use crate::cli::common::sets::{
    OUTLIERS, ROWS, first_standing_out, more, shown_of, slot_lines, table_of, vacant_line,
};
use crate::cli::common::units::{Style, duration, size};
use crate::cli::common::view::View;

/// Columns that a narrow screen goes without, the first of these first.
const DISPENSABLE: [&str; 3] = ["FREE", "GROWTH", "SIZE"];

/// Sets whose worst problem is told.
const TOLD: usize = 5;

/// Rows of each table where sets and sources are to fit one screen together.
const ROWS_BESIDE: usize = 4;

/// Sets that are named there because they stand out.
const OUTLIERS_BESIDE: usize = 2;

/// Sets whose worst problem is told there.
const TOLD_BESIDE: usize = 1;

/// All that was looked at.
pub fn status(watched: &Watched, view: &View) -> String {
    let mut text = String::new();
    if !watched.sets.is_empty() || watched.sources.is_none() {
        text += &sets(watched, view);
    }
    if let Some(all) = &watched.sources {
        if !text.is_empty() {
            text.push('\n');
        }
        text += &sources(all, watched, view);
    }
    text
}

fn sets(watched: &Watched, view: &View) -> String {
    let style = view.style;
    let mut head = vec![
        ("SET", Left),
        ("SIZE", Right),
        ("GROWTH", Right),
        ("REWRITE", Right),
        ("FREE", Right),
    ];
    if watched.sources.is_some() {
        head.push(("BACKUP", Right));
    }
    head.push(("HEALTH", Left));
    let most = if watched.sources.is_some() { ROWS_BESIDE } else { ROWS };
    let (first, hidden) = shown_of(watched.sets.len(), view.verbose, most);
    let row = |(name, state): &(String, State)| row(name, state, watched);
    let mut rows: Vec<_> = watched.sets[..first].iter().map(row).collect();
    if hidden > 0 {
        let rest = || watched.sets[first..].iter().map(|(_, state)| state);
        let healthy = rest().filter(|state| is_well(state)).count();
        rows.push(vec![more(hidden, Some(healthy), rest().map(|s| s.report.size_bytes).sum())]);
    }
    let mut text = table_of(style, &mut head, rows, &DISPENSABLE);
    text += &format!("\n{}\n", style.bold(&wrap(&total(watched), style.width, "")));
    let names: Vec<_> = watched.sets.iter().map(|(name, _)| name.clone()).collect();
    if let Some(told) = vacant_line(&watched.vacant, &watched.root) {
        text += &(style.warn(&wrap(&told, style.width, "")) + "\n");
    }
    let most = if watched.sources.is_some() { OUTLIERS_BESIDE } else { OUTLIERS };
    text += &first_standing_out(&watched.outliers, &names, most, style);
    if let Some(coverage) = &watched.coverage {
        text += &slot_lines(coverage, &names, style);
    }
    text += &servers(watched, style);
    text + &worst(watched, view)
}

fn is_well(state: &State) -> bool {
    state.verdict() == Verdict::Healthy && !state.is_closed()
}

fn row(name: &str, state: &State, watched: &Watched) -> Vec<String> {
    let mut cells = vec![
        name.to_owned(),
        size(state.report.size_bytes),
        state
            .growth_percent()
            .map_or("-".to_owned(), |percent| format!("{} %", thousands(percent))),
        rewrite(state, watched.now_ms / 1000),
        state.outlook.disk.map_or("-".to_owned(), |disk| size(disk.free)),
    ];
    if watched.sources.is_some() {
        cells.push(backup(state, watched));
    }
    cells.push(health(state));
    cells
}

/// When the next rewrite comes: the time that is left where the rate is known, else the bytes.
fn rewrite(state: &State, now: i64) -> String {
    let outlook = &state.outlook;
    let is_running = outlook.holds.iter().any(|hold| hold.kind() == "running");
    match outlook.trigger.remaining_bytes() {
        _ if state.layout != Layout::MultiPart => "-".to_owned(),
        // No server loads it, so none will rewrite it.
        _ if state.verdict() == Verdict::SetInconsistent => "-".to_owned(),
        _ if is_running => "running".to_owned(),
        None => "never".to_owned(),
        Some(0) => "due".to_owned(),
        Some(left) => match state.forecast().rewrite_at {
            Some(at) => format!("in {}", short(at - now)),
            None => format!("at +{}", size(left)),
        },
    }
}

/// A span of time in its largest unit.
fn short(seconds: i64) -> String {
    duration(seconds.max(0)).split(' ').next().unwrap_or_default().to_owned()
}

fn backup(state: &State, watched: &Watched) -> String {
    let age = match &state.backed {
        Backed::NotAsked => return "-".to_owned(),
        Backed::Never => "none".to_owned(),
        Backed::By { source, .. } => aged(source, watched),
    };
    if watched.is_set_too_old(state) == Some(true) { format!("{age}!") } else { age }
}

fn aged(source: &Source, watched: &Watched) -> String {
    source.age_seconds(watched.now_ms).map_or("?".to_owned(), short)
}

fn total(watched: &Watched) -> String {
    let states = || watched.sets.iter().map(|(_, state)| state);
    let mut text = format!(
        "{}, {} healthy: {}, {}",
        count(watched.sets.len() as u64, "set"),
        thousands(states().filter(|state| is_well(state)).count() as u64),
        size(states().map(|state| state.report.size_bytes).sum()),
        count(states().map(|state| state.commands).sum(), "command")
    );
    let leftovers: u64 = states().map(|state| state.outlook.leftover_bytes).sum();
    if leftovers > 0 {
        text += &format!(", {} left over", size(leftovers));
    }
    if watched.failed > 0 {
        text += &format!("; {} more could not be read", thousands(watched.failed));
    }
    let old = states().filter(|state| watched.is_set_too_old(state) == Some(true)).count() as u64;
    if let Some(most) = watched.max_age.filter(|_| old > 0) {
        let most = duration(most.as_secs());
        text += &format!("; {} without a backup of the last {most} (!)", count(old, "set"));
    }
    text
}

/// What running servers say of themselves.
fn servers(watched: &Watched, style: Style) -> String {
    let mut text = String::new();
    for (name, state) in &watched.sets {
        let Some((address, said)) = &state.server else { continue };
        let role = said.role.map_or("role unknown", |role| role.as_str());
        let is = |what: Option<bool>, yes: &str, no: &str| match what {
            Some(true) => yes.to_owned(),
            Some(false) => no.to_owned(),
            None => "unknown".to_owned(),
        };
        let mut parts = vec![
            role.to_owned(),
            is(said.rewrite_in_progress, "a rewrite is running", "no rewrite is running"),
            format!("last rewrite {}", is(said.rewrite_last_ok, "ok", "FAILED")),
            format!("last write {}", is(said.write_last_ok, "ok", "FAILED")),
        ];
        if let Some(delayed) = said.delayed_fsyncs {
            parts.push(count(delayed, "delayed fsync"));
        }
        let line = format!("{name}: server at {address}: {}", parts.join(", "));
        text += &(wrap(&line, style.width, "") + "\n");
        for difference in &state.outlook.differences {
            text += &(wrap(difference, style.width, "  ") + "\n");
        }
    }
    text
}

/// The worst problem of the worst sets, and what holds a rewrite.
fn worst(watched: &Watched, view: &View) -> String {
    let most = match watched.sources {
        _ if view.verbose => usize::MAX,
        None => TOLD,
        Some(_) => TOLD_BESIDE,
    };
    let mut text = String::new();
    let troubled = watched.sets.iter().filter(|(_, state)| state.worst().is_some());
    for (set, state) in troubled.take(most) {
        let Some(problem) = state.worst() else { continue };
        let mut place = problem.file.as_deref().map(name).unwrap_or_default();
        if let Some(offset) = problem.offset {
            place += &format!(" byte {}", thousands(offset));
        }
        let place = if place.is_empty() { place } else { format!(" in {place}") };
        let what = format!("{set}: {} {}{place}", problem.severity.as_str(), problem.kind.as_str());
        text += &(wrap(&what, view.style.width, "") + "\n");
    }
    if !text.is_empty() && !view.quiet {
        let hint = "`aofkit check` on one of them tells all of it, and what to do";
        text += &(view.style.dim(hint) + "\n");
    }
    text
}

fn sources(all: &[Source], watched: &Watched, view: &View) -> String {
    let style = view.style;
    let repo = watched.repo.as_deref().map(|repo| name(repo.as_os_str().as_encoded_bytes()));
    let title = style.bold(&repo.unwrap_or_default());
    if all.is_empty() {
        return format!("{title}\n  no snapshots\n");
    }
    let mut head = vec![
        ("SOURCE", Left),
        ("AGE", Right),
        ("KEYS", Right),
        ("SIZE", Right),
        ("SNAPSHOTS", Right),
        ("VERIFIED", Right),
        ("NOTES", Left),
    ];
    let mut order: Vec<_> = all.iter().collect();
    let age = |source: &Source| source.age_seconds(watched.now_ms).unwrap_or(i64::MAX);
    let rank = |source: &Source| (is_bad(source), source.shrunk().is_some(), age(source));
    order.sort_by_key(|source| std::cmp::Reverse(rank(source)));
    let most = if watched.sets.is_empty() { ROWS } else { ROWS_BESIDE - 1 };
    let (first, hidden) = shown_of(order.len(), view.verbose, most);
    let mut rows: Vec<_> = order[..first].iter().map(|one| source_row(one, watched)).collect();
    if hidden > 0 {
        let oldest = order[first..].iter().map(|source| age(source)).max().unwrap_or(0);
        let more = count(hidden as u64, "more source");
        rows.push(vec![format!(
            "{MORE} {more}, none older than {} (-v shows them)",
            short(oldest)
        )]);
    }
    let dispensable = ["SNAPSHOTS", "SIZE", "KEYS"];
    let rows = table_of(style, &mut head, rows, &dispensable);
    let old = |source: &&Source| watched.is_source_too_old(source) == Some(true);
    let old = all.iter().filter(old).count() as u64;
    let mut total = format!(
        "{}, {}",
        count(all.len() as u64, "source"),
        count(all.iter().map(|source| source.snapshots).sum(), "snapshot")
    );
    if let Some(most) = watched.max_age {
        total += &format!("; {} older than {}", thousands(old), duration(most.as_secs()));
    }
    // Beside sets every line counts.
    if !watched.sets.is_empty() && !view.verbose {
        return format!("{title}\n{rows}{}\n", style.bold(&total));
    }
    format!("{title}\n\n{rows}\n{}\n", style.bold(&total))
}

fn source_row(source: &Source, watched: &Watched) -> Vec<String> {
    let newest = source.newest.as_ref();
    let too_old = if watched.is_source_too_old(source) == Some(true) { "!" } else { "" };
    let keys = newest.and_then(|entry| entry.keys);
    let verified = source.look_age_seconds(watched.now_ms);
    let mut notes = Vec::new();
    if !source.unreadable.is_empty() {
        notes.push(format!("{} cannot be read", count(source.unreadable.len() as u64, "snapshot")));
    }
    match source.last_look() {
        Some(look) if !look.good => notes.push("verification FAILED".to_owned()),
        Some(_) if source.has_seen_newest() == Some(false) => {
            notes.push("newest not verified".to_owned());
        }
        _ => {}
    }
    for mark in newest.iter().flat_map(|entry| &entry.marks) {
        let percent = mark.percent.map_or_else(String::new, |percent| format!(" by {percent} %"));
        notes.push(format!("{}{percent}", tame(&mark.kind)));
    }
    vec![
        tame(&source.name).into_owned(),
        format!("{}{too_old}", aged(source, watched)),
        keys.map_or("?".to_owned(), |keys| {
            let about = if keys.is_estimate() { "≤" } else { "" };
            format!("{about}{}", thousands(keys.alive))
        }),
        newest.map_or("?".to_owned(), |entry| size(entry.logical_bytes())),
        thousands(source.snapshots),
        verified.map_or("-".to_owned(), short),
        notes.join(", "),
    ]
}
