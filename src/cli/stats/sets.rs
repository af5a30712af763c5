//! `stats` for people: a row for each of several sets, and what they make together.

use std::path::Path;

use aofkit::fleet::{Coverage, Measured, Place, outliers};
use aofkit::text::{count, name, thousands};
use comfy_table::CellAlignment::{Left, Right};

use super::args::By;
use super::columns::shortened;
use super::report::{Counted, InTotal};
use super::text::{breakdown, stats};
use crate::cli::common::layout::{fitted, wrap};
use crate::cli::common::sets::{more, names, shown_of, slot_lines, standing_out, table_of};
use crate::cli::common::units::{share, size};
use crate::cli::common::view::View;

/// Sets that have a row, so that what they make together is on the same screen.
const ROWS: usize = 6;

/// Commands of all together, the heaviest, unless `-v` asks for all.
const COMMANDS: usize = 5;

/// Several sets: the heaviest first, in full with `-v`; then all of them together.
pub fn several(
    path: &Path,
    all: &[Counted],
    total: Option<&InTotal>,
    coverage: Option<&Coverage>,
    most_nodes: usize,
    view: &View,
) -> String {
    let style = view.style;
    let mut text = String::new();
    if view.verbose {
        text += &all.iter().map(|one| stats(one, view) + "\n").collect::<String>();
    }
    let names = names(all.iter().map(|one| Place::of(&one.aof)), path);
    let mut order: Vec<usize> = (0..all.len()).collect();
    let bytes = |at: &usize| all[*at].mix.totals.command_bytes;
    order.sort_by_key(|at| std::cmp::Reverse(bytes(at)));
    let (first, hidden) = shown_of(all.len(), view.verbose, ROWS);
    let mut rows: Vec<_> = order[..first].iter().map(|at| row(&all[*at], &names[*at])).collect();
    if hidden > 0 {
        let rest = order[first..].iter().map(bytes).sum();
        rows.push(vec![more(hidden, None, rest)]);
    }
    let mut head = vec![
        ("SET", Left),
        ("LOG", Right),
        ("COMMANDS", Right),
        ("BASE", Right),
        ("TOP COMMAND", Left),
    ];
    text += &format!(
        "{}\n\n{}",
        style.bold(&name(path.as_os_str().as_encoded_bytes())),
        table_of(style, &mut head, rows, &["BASE"])
    );
    text += &in_total(all, total, view);
    text += &standing_out(&outliers(&measured(all)), &names, style);
    if all.iter().any(|one| one.is_by(By::Slot)) {
        text += &nodes(all, &names, coverage, most_nodes, view);
    }
    text
}

/// What is compared of each.
pub fn measured(all: &[Counted]) -> Vec<Measured<'_>> {
    let one = |one: &'_ Counted| one.aof.size_bytes().unwrap_or(0);
    let rows = all.iter().map(|set| Measured {
        size_bytes: one(set),
        mix: Some(&set.mix),
        ..Measured::default()
    });
    rows.collect()
}

fn row(one: &Counted, name: &str) -> Vec<String> {
    let totals = &one.mix.totals;
    let most = one.mix.commands.first().map(|row| {
        format!("{} {}", shortened(&row.name, 22), share(row.bytes, totals.command_bytes))
    });
    vec![
        name.to_owned(),
        size(totals.resp_bytes),
        thousands(totals.commands),
        size(totals.rdb_bytes),
        most.unwrap_or_else(|| "-".to_owned()),
    ]
}

fn in_total(all: &[Counted], total: Option<&InTotal>, view: &View) -> String {
    let Some(total) = total else { return String::new() };
    let totals = &total.mix.totals;
    let line = format!(
        "{}: {} of log, {}, {} of RDB beside it",
        count(all.len() as u64, "set"),
        size(totals.resp_bytes),
        count(totals.commands, "command"),
        size(totals.rdb_bytes)
    );
    let by = all.first().map(|one| &one.by[..]).unwrap_or_default();
    let (keys, base) = (total.keys.as_ref(), total.base.as_ref());
    let most = if view.verbose { usize::MAX } else { COMMANDS };
    let tables = breakdown(by, &total.mix, keys, base, most, view.style);
    let line = wrap(&line, view.style.width, "  ");
    format!("\n{}\n{tables}", view.style.bold(&line))
}

/// The slots of each node: those that its log has, against those that are its own.
fn nodes(
    all: &[Counted],
    names: &[String],
    coverage: Option<&Coverage>,
    most: usize,
    view: &View,
) -> String {
    let mut head =
        vec![("NODE", Left), ("SLOTS IN LOG", Right), ("ITS OWN", Right), ("OTHERS'", Right)];
    let mut order: Vec<usize> = (0..all.len()).collect();
    let outside = |at: &usize| all[*at].slots.map(|slots| slots.outside_bytes);
    order.sort_by_key(|at| std::cmp::Reverse(outside(at)));
    let (first, hidden) = shown_of(all.len(), view.verbose, most);
    let row = |at: &usize| {
        let slots = all[*at].slots.unwrap_or_default();
        let others = match (slots.owned, slots.outside) {
            (None, _) => "-".to_owned(),
            (Some(_), 0) => "0".to_owned(),
            (Some(_), more) => format!("{}, {}", thousands(more), size(slots.outside_bytes)),
        };
        vec![
            names[*at].clone(),
            thousands(slots.in_use),
            slots.owned.map_or("-".to_owned(), |owned| thousands(owned.into())),
            others,
        ]
    };
    let mut rows: Vec<_> = order[..first].iter().map(row).collect();
    if hidden > 0 {
        let rest = order[first..].iter().filter_map(|at| all[*at].slots);
        let outside: u64 = rest.map(|slots| slots.outside).sum();
        let mut last = vec![String::new(); head.len()];
        last[0] = format!("… {} more", thousands(hidden as u64));
        last[3] = thousands(outside);
        rows.push(last);
    }
    let title = view.style.bold("slots by node");
    let mut text = format!("\n{title}\n{}", fitted(view.style, &mut head, rows, &[]));
    if let Some(coverage) = coverage {
        text += &slot_lines(coverage, names, view.style);
    }
    text
}
