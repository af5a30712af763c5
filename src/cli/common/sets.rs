//! Several sets: a row each, and a total.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};

use aofkit::aof::Aof;
use aofkit::check::{Report, Verdict};
use aofkit::fleet::{Coverage, Measured, Outlier, Place, Vacant, homes, outliers, vacant};
use aofkit::stats::MixReport;
use aofkit::text::{count, path, thousands};
use comfy_table::CellAlignment::{self, Left, Right};

use super::layout::{MORE, below, fitted, wrap};
use super::units::{Style, size};
use super::verdict::but;
use super::view::View;

pub struct Row<'a> {
    pub aof: &'a Aof,
    pub report: &'a Report,
    pub growth: Option<u64>,
    /// Its commands, where they were counted.
    pub mix: Option<&'a MixReport>,
}

impl<'a> Row<'a> {
    pub fn measured(&self) -> Measured<'a> {
        Measured {
            verdict: Some(self.report.verdict),
            size_bytes: self.report.size_bytes,
            growth_percent: self.growth,
            mix: self.mix,
        }
    }
}

/// What several sets are called: by the directory of their server, as nodes are; by their own directory or by their file
/// where one server's directory has several. A name says nothing of other sets, so that it stays when one of them goes.
pub fn names(sets: impl Iterator<Item = Place>, root: &Path) -> Vec<String> {
    let homes = homes(&sets.collect::<Vec<_>>(), root);
    let whole: Vec<_> = homes.iter().map(|home| name_below(home, root)).collect();
    let short: Vec<_> = whole.iter().map(|name| without_end(name)).collect();
    let times = |name: &str| short.iter().filter(|other| **other == name).take(2).count();
    let names = whole.iter().zip(&short);
    names.map(|(whole, short)| if times(short) > 1 { whole } else { *short }.to_owned()).collect()
}

/// A directory as it is called below the path that was typed.
pub fn name_below(dir: &Path, root: &Path) -> String {
    let name = below(dir, root);
    if name.is_empty() { path(root) } else { name }
}

/// Directories below that of a node which say nothing of it.
const SAID_BY_ALL: [&str; 3] = ["data", "redis", "valkey"];

/// `node-1/redis/data` is `node-1`.
fn without_end(mut name: &str) -> &str {
    while let Some((rest, end)) = name.rsplit_once('/')
        && SAID_BY_ALL.contains(&end)
        && !rest.is_empty()
    {
        name = rest;
    }
    name
}

/// Directories of servers at these paths in which no set lies.
pub fn without_set(places: &[Place], paths: &[PathBuf]) -> Vec<Vacant> {
    let is_searched = |path: &&PathBuf| !path.as_os_str().is_empty();
    paths.iter().filter(is_searched).flat_map(|path| vacant(places, path)).collect()
}

/// Names of them that fit a line or two.
const VACANT: usize = 5;

/// Says of directories that no set lies in them; `None` where there are none.
pub fn vacant_line(found: &[Vacant], root: &Path) -> Option<String> {
    let named = found.iter().take(VACANT).map(|one| name_below(&one.path, root));
    let named = named.collect::<Vec<_>>().join(", ");
    let rest = match found.len().saturating_sub(VACANT) {
        0 => String::new(),
        more => format!(" and {} more", thousands(more as u64)),
    };
    let hold = if found.len() == 1 { "holds" } else { "hold" };
    let told = format!("{named}{rest} {hold} no set, and directories beside do");
    (!found.is_empty()).then_some(told)
}

/// The directory that all paths begin with.
pub fn root_of(paths: &[PathBuf]) -> PathBuf {
    let mut paths = paths.iter();
    let first = paths.next().cloned().unwrap_or_default();
    paths.fold(first, |root, path| {
        let same = root.components().zip(path.components()).take_while(|(a, b)| a == b);
        same.map(|(part, _)| part).collect()
    })
}

/// Rows of a table of sets before the rest is counted, so that all of it fits one screen.
pub const ROWS: usize = 10;

/// The rows of a table of sets, the worst first: all of them, or as many as fit one screen and how many more there are.
pub fn shown(rows: usize, every: bool) -> (usize, usize) {
    shown_of(rows, every, ROWS)
}

/// The same where `most` rows leave room for other things.
pub fn shown_of(rows: usize, every: bool, most: usize) -> (usize, usize) {
    let shown = if every || rows <= most + 1 { rows } else { most };
    (shown, rows - shown)
}

/// The line that stands for the sets that are not shown; how many of them are healthy, where that was looked at.
pub fn more(hidden: usize, healthy: Option<usize>, bytes: u64) -> String {
    let of = match healthy {
        None => String::new(),
        Some(healthy) if healthy == hidden => " all healthy,".to_owned(),
        Some(healthy) => format!(" {healthy} healthy,"),
    };
    format!("{MORE} {},{of} {} (-v shows them)", count(hidden as u64, "more set"), size(bytes))
}

/// Stretches of slots that are named.
const STRETCHES: usize = 5;

/// Whether each slot of a cluster is one node's; the sets by their names.
pub fn slot_lines(coverage: &Coverage, names: &[String], style: Style) -> String {
    let mut lines = Vec::new();
    let stretch = |(first, last): (u16, u16)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    };
    let set = |place: usize| names.get(place).map_or("", String::as_str);
    for (at, one, other) in coverage.overlaps.iter().take(STRETCHES) {
        let (one, other) = (set(*one), set(*other));
        lines.push(format!(
            "slots {}: {one} and {other} both take them for their own",
            stretch(*at)
        ));
    }
    if !coverage.holes.is_empty() {
        let holes: Vec<_> =
            coverage.holes.iter().take(STRETCHES).map(|hole| stretch(*hole)).collect();
        let rest =
            if coverage.holes.len() > STRETCHES { format!(", {MORE}") } else { String::new() };
        let missing = count(coverage.missing().into(), "slot");
        lines.push(format!("no node has {missing}: {}{rest}", holes.join(", ")));
    }
    if !coverage.absent.is_empty() {
        let absent = count(coverage.absent.len() as u64, "node");
        lines.push(format!("by nodes.conf, {absent} with slots not among these sets"));
    }
    if lines.is_empty() {
        lines.push("by nodes.conf, each slot is one node's".to_owned());
    }
    lines.iter().map(|line| wrap(line, style.width, "") + "\n").collect()
}

/// Sets that stand out, and why.
pub fn standing_out(found: &[Outlier], names: &[String], style: Style) -> String {
    first_standing_out(found, names, OUTLIERS, style)
}

/// The same where so many are named.
pub fn first_standing_out(
    found: &[Outlier],
    names: &[String],
    most: usize,
    style: Style,
) -> String {
    let mut text = String::new();
    for one in found.iter().take(most) {
        let why: Vec<_> = one.why.iter().map(ToString::to_string).collect();
        let name = names.get(one.place).map_or("", String::as_str);
        let line = format!("stands out: {name}: {}", why.join("; "));
        text += &(wrap(&line, style.width, "") + "\n");
    }
    if found.len() > most {
        let more = count((found.len() - most) as u64, "more set");
        text += &format!(
            "{MORE} {more} that {} out (--json names them)\n",
            if found.len() == most + 1 { "stands" } else { "stand" }
        );
    }
    text
}

/// Sets that are named because they stand out.
pub const OUTLIERS: usize = 3;

fn commands(report: &Report) -> u64 {
    report.segments.iter().filter_map(|s| s.facts.as_ref()).map(|f| f.commands).sum()
}

fn is_well(report: &Report) -> bool {
    report.verdict == Verdict::Healthy && report.trap().is_none()
}

pub fn overview<'a>(path: &Path, rows: impl Iterator<Item = Row<'a>>, view: &View) -> String {
    let style = view.style;
    let mut head = vec![
        ("SET", Left),
        ("FILES", Right),
        ("SIZE", Right),
        ("COMMANDS", Right),
        ("GROWTH", Right),
        ("HEALTH", Left),
    ];
    let rows: Vec<_> = rows.collect();
    let names = names(rows.iter().map(|row| Place::of(row.aof)), path);
    let measured: Vec<_> = rows.iter().map(Row::measured).collect();
    let found = outliers(&measured);
    let mut order: Vec<usize> = (0..rows.len()).collect();
    let (shown, hidden) = shown(rows.len(), view.verbose);
    if hidden > 0 {
        // The worst first, and then those that stand out.
        let place = |at: usize| found.iter().position(|one| one.place == at).unwrap_or(found.len());
        order.sort_by_key(|at| {
            (Reverse(rows[*at].report.verdict), place(*at), Reverse(rows[*at].growth))
        });
    }
    let mut cells: Vec<_> =
        order[..shown].iter().map(|at| cells(&rows[*at], names[*at].clone())).collect();
    if hidden > 0 {
        let rest = || order[shown..].iter().map(|at| &rows[*at]);
        let healthy = rest().filter(|row| is_well(row.report)).count();
        let mut last = vec![String::new(); head.len()];
        last[0] = more(hidden, Some(healthy), rest().map(|row| row.report.size_bytes).sum());
        cells.push(last);
    }
    let of_rows = || rows.iter().map(|row| row.report);
    let total = format!(
        "{}, {} healthy: {}, {}",
        count(rows.len() as u64, "set"),
        thousands(of_rows().filter(|report| is_well(report)).count() as u64),
        size(of_rows().map(|report| report.size_bytes).sum()),
        count(of_rows().map(commands).sum(), "command")
    );
    let title = style.bold(&aofkit::text::name(path.as_os_str().as_encoded_bytes()));
    // A verb that does not look at growth has no column of it.
    if rows.iter().all(|row| row.growth.is_none())
        && let Some(at) = head.iter().position(|(name, _)| *name == "GROWTH")
    {
        head.remove(at);
        cells.iter_mut().filter(|row| row.len() > at).for_each(|row| drop(row.remove(at)));
    }
    format!(
        "{title}\n\n{}\n{}\n{}",
        table_of(style, &mut head, cells, &["GROWTH", "FILES", "COMMANDS"]),
        style.bold(&total),
        standing_out(&found, &names, style)
    )
}

fn cells(row: &Row<'_>, name: String) -> Vec<String> {
    let growth = row.growth.map(|percent| format!("{} %", thousands(percent)));
    vec![
        name,
        row.report.segments.len().to_string(),
        size(row.report.size_bytes),
        thousands(commands(row.report)),
        growth.unwrap_or_else(|| "-".to_owned()),
        row.report.verdict.as_str().to_owned() + &but(row.report),
    ]
}

/// A table of sets whose last row may be the one that stands for the rest: that one takes the width of the screen.
pub fn table_of(
    style: Style,
    head: &mut Vec<(&str, CellAlignment)>,
    mut rows: Vec<Vec<String>>,
    dispensable: &[&str],
) -> String {
    let rest = rows.pop_if(|row| row.first().is_some_and(|name| name.starts_with(MORE)));
    let mut text = fitted(style, head, rows, dispensable);
    if let Some(rest) = rest.and_then(|mut row| row.drain(..).next()) {
        text += &(style.dim(&rest) + "\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use aofkit::aof::Layout;

    use super::*;

    #[test]
    fn nodes_are_called_by_what_tells_them_apart() {
        let called = |sets: &[&str]| {
            let place = |own: &&str| Place::new(Path::new(own), Path::new(own), Layout::MultiPart);
            names(sets.iter().map(place), Path::new("m"))
        };
        let two = ["m/node-1/redis/data/aof", "m/node-2/redis/data/aof"];
        assert_eq!(called(&two), ["node-1", "node-2"]);
        // The same when the other one is gone.
        assert_eq!(called(&two[..1]), ["node-1"]);
        assert_eq!(called(&["m/a/data/aof", "m/b/other/aof"]), ["a", "b/other"]);
        assert_eq!(called(&["m/a/data/aof", "m/a/aof"]), ["a/data", "a"]);
        assert_eq!(called(&["m/aof"]), ["m"]);
    }
}
