//! Lines and tables that fit the screen.

use std::path::Path;

use aofkit::text::name;
use comfy_table::{Cell, CellAlignment, ColumnConstraint, ContentArrangement, Table, presets};

use super::units::Style;

/// Text broken at blanks into lines of at most `width` columns, each indented.
pub fn wrap(text: &str, width: usize, indent: &str) -> String {
    let mut lines = vec![indent.to_owned()];
    for word in words(text) {
        let line = lines.last_mut().map_or(0, |line| line.chars().count());
        let fresh = line <= indent.len();
        if !fresh && line + 1 + word.chars().count() > width {
            lines.push(format!("{indent}{}", if indent.is_empty() { "" } else { "  " }));
        }
        if let Some(line) = lines.last_mut() {
            if !line.trim().is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    let lines: Vec<_> = lines.iter().map(|line| line.trim_end()).collect();
    lines.join("\n")
}

/// What must not stand alone at the beginning of a line: it belongs to the number before it.
const UNITS: [&str; 8] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "%", "s"];

/// The words of a text, a number together with its unit.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = 0;
    for (at, _) in text.match_indices(' ') {
        let rest = &text[at + 1..];
        let next = rest.split(' ').next().unwrap_or_default();
        let next = next.trim_end_matches(|c: char| ",.;:)".contains(c));
        let is_unit = UNITS.contains(&next.strip_suffix("/s").unwrap_or(next));
        if !(is_unit && text[..at].ends_with(|c: char| c.is_ascii_digit())) {
            words.push(&text[start..at]);
            start = at + 1;
        }
    }
    words.push(&text[start..]);
    words
}

/// The path of a set below the one that was asked for.
pub fn below(path: &Path, root: &Path) -> String {
    let short = path.strip_prefix(root).unwrap_or(path);
    name(short.as_os_str().as_encoded_bytes())
}

/// Files of a set that are listed before the middle ones are summed up: a set with hundreds of increments is in trouble,
/// but its list would push the reason off the screen.
pub const FILES: usize = 14;

/// Columns of the screen that text takes at least to be readable.
const LEAST: usize = 8;

/// Columns of the screen between two columns of a table.
const GAP: usize = 2;

/// A table without lines, fitted to the screen.
pub fn table(style: Style, head: &[(&str, CellAlignment)]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(style.width).unwrap_or(u16::MAX));
    table.set_header(head.iter().map(|(title, _)| Cell::new(title)));
    for (place, (column, (_, alignment))) in table.column_iter_mut().zip(head).enumerate() {
        column.set_cell_alignment(*alignment);
        // Behind the last column nothing follows that it would have to be kept apart from.
        column.set_padding((0, if place + 1 == head.len() { 0 } else { GAP as u16 }));
        if *alignment == CellAlignment::Right {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    table
}

/// A table as text, without blanks at line ends. Figures stay in one piece with their units, and so do the names in
/// the first column where the screen has room for both: what is left over is broken.
pub fn laid_out(table: &mut Table) -> String {
    let width = usize::from(table.width().unwrap_or(u16::MAX));
    let widths: Vec<_> = table.column_max_content_widths().into_iter().map(usize::from).collect();
    let mut taken = GAP * widths.len().saturating_sub(1);
    for (place, (column, content)) in table.column_iter().zip(&widths).enumerate() {
        if place > 0 && column.constraint() == Some(&ColumnConstraint::ContentWidth) {
            taken += content;
        }
    }
    // Whatever else there is needs a few columns as well.
    let others = widths.len().saturating_sub(1) * LEAST;
    if let Some((first, content)) = table.column_mut(0).zip(widths.first())
        && taken.max(others) + content <= width
    {
        first.set_constraint(ColumnConstraint::ContentWidth);
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// A table that goes without some columns, the first of these first, before anything in it is broken. Names that begin
/// alike are shortened there before they are broken.
pub fn fitted(
    style: Style,
    head: &mut Vec<(&str, CellAlignment)>,
    mut rows: Vec<Vec<String>>,
    dispensable: &[&str],
) -> String {
    for title in dispensable {
        if natural_width(head, &rows) <= style.width {
            break;
        }
        let Some(column) = head.iter().position(|(known, _)| known == title) else { continue };
        head.remove(column);
        rows.iter_mut().for_each(|row| drop(row.remove(column)));
    }
    let excess = natural_width(head, &rows).saturating_sub(style.width);
    if excess > 0 {
        shorten(&mut rows, excess);
    }
    let mut table = table(style, head);
    table.add_rows(rows);
    laid_out(&mut table)
}

/// Columns that a table takes when no cell is wrapped, padding included.
fn natural_width(head: &[(&str, CellAlignment)], rows: &[Vec<String>]) -> usize {
    let widest = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([head[column].0.len()]).max().unwrap_or(0)
    };
    (0..head.len()).map(widest).sum::<usize>() + GAP * head.len().saturating_sub(1)
}

/// What stands for rows or for a part of a name that are not shown.
pub const MORE: char = '…';

/// Takes so many columns out of the names in the first column, where all of them begin alike: what tells one from another
/// stays, and so does as much of the beginning as there is room for.
fn shorten(rows: &mut [Vec<String>], excess: usize) {
    let is_name = |row: &&mut Vec<String>| row.first().is_some_and(|name| !name.starts_with(MORE));
    let names = || rows.iter().filter_map(|row| row.first()).filter(|name| !name.starts_with(MORE));
    let Some(first) = names().next().cloned() else { return };
    let same = |name: &String| first.chars().zip(name.chars()).take_while(|(a, b)| a == b).count();
    let common = names().skip(1).map(same).min().unwrap_or(0);
    // The mark takes a column, too. The last word that all begin with says what the rest is: `node-` of `node-3`.
    let most = excess + 1;
    let alike: String = first.chars().take(common).collect();
    let is_between = |c: char| !c.is_alphanumeric();
    let before = alike.trim_end_matches(is_between).rsplit_once(is_between);
    let before = before.map_or(0, |(before, _)| before.chars().count() + 1);
    let end = if before >= most { before } else { common };
    let gone = end.min(most);
    if gone < 2 {
        return;
    }
    let shorter = |name: &str| -> String {
        let head = name.chars().take(end - gone);
        head.chain([MORE]).chain(name.chars().skip(end)).collect()
    };
    rows.iter_mut().filter(is_name).for_each(|row| row[0] = shorter(&row[0]));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_at_blanks_and_never_inside_words() {
        assert_eq!(wrap("aa bb cc", 5, ""), "aa bb\ncc");
        assert_eq!(wrap("aa bb cc", 7, "  "), "  aa bb\n    cc");
        assert_eq!(wrap("aaaaaaaaaa b", 5, ""), "aaaaaaaaaa\nb");
    }

    #[test]
    fn names_that_begin_alike_lose_of_that_what_there_is_no_room_for() {
        let rows = |names: &[&str]| names.iter().map(|n| vec![(*n).to_owned()]).collect::<Vec<_>>();
        let shown = |names: &[&str], excess| {
            let mut rows = rows(names);
            shorten(&mut rows, excess);
            rows.into_iter().map(|mut row| row.remove(0)).collect::<Vec<_>>()
        };
        let nodes = ["a-long-node-1.host", "a-long-node-2.host", "… 3 more"];
        assert_eq!(shown(&nodes, 4), ["a-…node-1.host", "a-…node-2.host", "… 3 more"]);
        assert_eq!(shown(&nodes, 7), ["a-lo…1.host", "a-lo…2.host", "… 3 more"]);
        assert_eq!(shown(&nodes, 11), ["…1.host", "…2.host", "… 3 more"].map(str::to_owned));
        assert_eq!(shown(&nodes, 15), shown(&nodes, 11), "what tells them apart is never taken");
        assert_eq!(shown(&["only-one"], 2), ["only-one"]);
    }

    #[test]
    fn nothing_is_broken_beside_free_columns() {
        let style = Style::new(false);
        let (name, time) = ("n".repeat(style.width - 22), "2026-11-23T06:55:57Z".to_owned());
        let mut head = vec![("NAME", CellAlignment::Left), ("TIME", CellAlignment::Left)];
        let text = fitted(style, &mut head, vec![vec![name, time]], &[]);
        assert_eq!(text.lines().count(), 2, "{text}");
    }

    #[test]
    fn a_unit_stays_with_its_number() {
        assert_eq!(wrap("it is 10.1 KiB, or 7 %", 10, ""), "it is\n10.1 KiB,\nor 7 %");
        assert_eq!(wrap("more than a B tree", 11, ""), "more than a\nB tree");
        assert_eq!(wrap("it reads 200 MiB/s here", 14, ""), "it reads\n200 MiB/s here");
    }
}
