//! `growth` for people: a row for each of several sets.

use std::path::Path;

use aofkit::fleet::Place;
use aofkit::text::{count, name};
use comfy_table::CellAlignment::{Left, Right};

use super::report::Grown;
use super::text::percent_more;
use crate::cli::common::layout::wrap;
use crate::cli::common::sets::{more, names, shown, table_of};
use crate::cli::common::units::size;
use crate::cli::common::view::View;

/// Columns that a narrow screen goes without, so that nothing is broken in two.
const DISPENSABLE: [&str; 2] = ["RATE", "GROWTH"];

/// Several sets: a row each, the one that grew most first.
pub fn several(path: &Path, all: &[Grown], view: &View) -> String {
    let style = view.style;
    let mut head = vec![
        ("SET", Left),
        ("SIZE", Right),
        ("GROWTH", Right),
        ("TO GO", Right),
        ("RATE", Right),
        ("GIVES BACK", Right),
        ("NEXT", Left),
    ];
    let mut rows = Vec::with_capacity(all.len());
    let (mut bytes, mut reclaimable, mut unknown, mut has_range) = (0, 0, 0, false);
    for (one, name) in all.iter().zip(names(all.iter().map(|one| Place::of(&one.aof)), path)) {
        bytes += one.outlook.current_bytes();
        match given_back(one) {
            Some((own, is_least)) => {
                reclaimable += own;
                has_range |= is_least;
            }
            None => unknown += 1,
        }
        rows.push(row(one, name).to_vec());
    }
    let (first, hidden) = shown(rows.len(), view.verbose);
    if hidden > 0 {
        rows.truncate(first);
        let rest = all[first..].iter().map(|one| one.outlook.current_bytes()).sum();
        rows.push(vec![more(hidden, None, rest)]);
    }
    let title = style.bold(&name(path.as_os_str().as_encoded_bytes()));
    let mut total = format!(
        "{}: {}, of which {}{} could be given back",
        count(all.len() as u64, "set"),
        size(bytes),
        if has_range { "at least " } else { "" },
        size(reclaimable)
    );
    if unknown > 0 {
        total += &format!("; of {} that is not known", count(unknown, "set"));
    }
    let mut text = format!(
        "{title}\n\n{}\n{}\n",
        table_of(style, &mut head, rows, &DISPENSABLE),
        style.bold(&wrap(&total, style.width, "  "))
    );
    if !view.quiet {
        text += &format!("{}\n", style.dim("`aofkit growth` on one of them shows all of it"));
    }
    text
}

/// What a rewrite would give back, and whether that is the least of a range.
fn given_back(one: &Grown) -> Option<(u64, bool)> {
    let told = one.outlook.rewrite.size;
    let reclaimable = one.outlook.rewrite.reclaimable_bytes?;
    match told.error_percent {
        Some(_) => Some((reclaimable, false)),
        None => {
            told.at_most_bytes.map(|most| (one.outlook.current_bytes().saturating_sub(most), true))
        }
    }
}

fn row(one: &Grown, name: String) -> [String; 7] {
    let (outlook, trigger) = (&one.outlook, &one.outlook.trigger);
    [
        name,
        size(outlook.current_bytes()),
        percent_more(trigger).unwrap_or("-".to_owned()),
        match trigger.remaining_bytes() {
            None => "never".to_owned(),
            Some(0) => "due".to_owned(),
            Some(left) => size(left),
        },
        outlook
            .rate
            .map_or("-".to_owned(), |rate| format!("{}/s", size(rate.bytes_per_second as u64))),
        match given_back(one) {
            None => "?".to_owned(),
            Some((bytes, false)) => size(bytes),
            // At least so much.
            Some((bytes, true)) => format!("{}+", size(bytes)),
        },
        outlook.advice.kind().to_owned(),
    ]
}
