//! Several sets: a row each, and a total.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use aofkit::aof::{Aof, Layout};
use aofkit::check::Report;
use aofkit::text::{count, thousands};
use comfy_table::CellAlignment::{Left, Right};

use super::layout::{below, fitted};
use super::units::{Style, size};
use super::verdict::but;

pub struct Row<'a> {
    pub aof: &'a Aof,
    pub report: &'a Report,
    pub growth: Option<u64>,
}

/// What several sets are called: by the directory of their server, as nodes are; by their own directory or by their path
/// where that does not tell them apart. What all of these end with says nothing, and is left out.
pub fn names<'a>(sets: impl Iterator<Item = &'a Aof>, root: &Path) -> Vec<String> {
    let sets: Vec<_> = sets.collect();
    let own = |aof: &Aof| match aof.layout {
        Layout::MultiPart => aof.dir(),
        _ => aof.path.clone(),
    };
    let server = |aof: &Aof| {
        let own = own(aof);
        own.parent().map_or_else(|| own.clone(), Path::to_owned)
    };
    let levels: [&dyn Fn(&Aof) -> PathBuf; 2] = [&server, &own];
    for level in levels {
        let names: Vec<_> = sets.iter().map(|aof| below(&level(aof), root)).collect();
        let different: HashSet<_> = names.iter().collect();
        if different.len() == names.len() && names.iter().all(|name| !name.is_empty()) {
            return without_common_end(names);
        }
    }
    sets.iter().map(|aof| below(&aof.path, root)).collect()
}

/// `node-1/data` and `node-2/data` are `node-1` and `node-2`.
fn without_common_end(mut names: Vec<String>) -> Vec<String> {
    while let Some(end) = names.first().and_then(|name| name.rsplit_once('/')).map(|(_, end)| end) {
        let end = format!("/{end}");
        let short = |name: &String| name.strip_suffix(&end).map(str::to_owned);
        let Some(shorter) = names.iter().map(short).collect::<Option<Vec<_>>>() else { break };
        if names.len() < 2 || shorter.iter().any(String::is_empty) {
            break;
        }
        names = shorter;
    }
    names
}

pub fn overview<'a>(path: &Path, rows: impl Iterator<Item = Row<'a>>, style: Style) -> String {
    let mut head = vec![
        ("SET", Left),
        ("FILES", Right),
        ("SIZE", Right),
        ("COMMANDS", Right),
        ("GROWTH", Right),
        ("HEALTH", Left),
    ];
    let (mut sets, mut bytes, mut commands, mut sound) = (0, 0, 0, 0);
    let rows: Vec<_> = rows.collect();
    let mut cells = Vec::with_capacity(rows.len());
    let names = names(rows.iter().map(|row| row.aof), path);
    for (row, name) in rows.iter().zip(names) {
        let of_set: u64 =
            row.report.segments.iter().filter_map(|s| s.facts.as_ref()).map(|f| f.commands).sum();
        cells.push(vec![
            name,
            row.report.segments.len().to_string(),
            size(row.report.size_bytes),
            thousands(of_set),
            row.growth
                .map_or_else(|| "-".to_owned(), |percent| format!("{} %", thousands(percent))),
            row.report.verdict.as_str().to_owned() + &but(row.report),
        ]);
        sets += 1;
        bytes += row.report.size_bytes;
        commands += of_set;
        let healthy = row.report.verdict == aofkit::check::Verdict::Healthy;
        sound += u64::from(healthy && row.report.trap().is_none());
    }
    let title = style.bold(&aofkit::text::name(path.as_os_str().as_encoded_bytes()));
    let total = format!(
        "{}, {} healthy: {}, {}",
        count(sets, "set"),
        thousands(sound),
        size(bytes),
        count(commands, "command")
    );
    format!(
        "{title}\n\n{}\n{}\n",
        fitted(style, &mut head, cells, &["GROWTH", "FILES", "COMMANDS"]),
        style.bold(&total)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_called_by_what_tells_them_apart() {
        let short = |names: &[&str]| {
            without_common_end(names.iter().map(|name| (*name).to_owned()).collect())
        };
        assert_eq!(short(&["node-1/redis/data", "node-2/redis/data"]), ["node-1", "node-2"]);
        assert_eq!(short(&["a/data", "b/other"]), ["a/data", "b/other"]);
        assert_eq!(short(&["a/data", "data"]), ["a/data", "data"]);
        assert_eq!(short(&["a/x/data", "a/data"]), ["a/x", "a"]);
        assert_eq!(short(&["a/data"]), ["a/data"]);
    }
}
