//! `growth` for people: a row for each of several sets.

use std::path::Path;

use aofkit::text::{count, name};
use comfy_table::CellAlignment::{Left, Right};

use super::report::Grown;
use super::text::percent_more;
use crate::cli::common::layout::fitted;
use crate::cli::common::sets::names;
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
    let (mut bytes, mut reclaimable, mut unknown) = (0, 0, 0);
    for (one, name) in all.iter().zip(names(all.iter().map(|one| &one.aof), path)) {
        bytes += one.outlook.current_bytes();
        let own = one.outlook.rewrite.reclaimable_bytes;
        (reclaimable, unknown) = match own {
            Some(own) => (reclaimable + own, unknown),
            None => (reclaimable, unknown + 1),
        };
        rows.push(row(one, name).to_vec());
    }
    let title = style.bold(&name(path.as_os_str().as_encoded_bytes()));
    let mut total = format!(
        "{}: {}, of which {} could be given back",
        count(all.len() as u64, "set"),
        size(bytes),
        size(reclaimable)
    );
    if unknown > 0 {
        total += &format!("; of {} that is not known", count(unknown, "set"));
    }
    let mut text = format!(
        "{title}\n\n{}\n{}\n",
        fitted(style, &mut head, rows, &DISPENSABLE),
        style.bold(&total)
    );
    if !view.quiet {
        text += &format!("{}\n", style.dim("`aofkit growth` on one of them shows all of it"));
    }
    text
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
        outlook.rate.map_or("-".to_owned(), |(rate, _)| format!("{}/s", size(rate as u64))),
        outlook.rewrite.reclaimable_bytes.map_or("?".to_owned(), size),
        outlook.advice.kind().to_owned(),
    ]
}
