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
    lines.join("\n")
}

/// What must not stand alone at the beginning of a line: it belongs to the number before it.
const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "%"];

/// The words of a text, a number together with its unit.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = 0;
    for (at, _) in text.match_indices(' ') {
        let rest = &text[at + 1..];
        let next = rest.split(' ').next().unwrap_or_default();
        let is_unit = UNITS.contains(&next.trim_end_matches(|c: char| ",.;:)".contains(c)));
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

/// Columns of the screen that text takes at least to be readable.
const LEAST: usize = 8;

/// A table without lines, fitted to the screen.
pub fn table(style: Style, head: &[(&str, CellAlignment)]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(style.width).unwrap_or(u16::MAX));
    table.set_header(head.iter().map(|(title, _)| Cell::new(title)));
    for (column, (_, alignment)) in table.column_iter_mut().zip(head) {
        column.set_cell_alignment(*alignment);
        column.set_padding((0, 2));
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
    let padding = 2 * widths.len();
    let mut taken = padding;
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

/// A table that goes without some columns, the first of these first, before anything in it is broken.
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
    let padding = 2 * head.len();
    (0..head.len()).map(widest).sum::<usize>() + padding
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
    fn a_unit_stays_with_its_number() {
        assert_eq!(wrap("it is 10.1 KiB, or 7 %", 10, ""), "it is\n10.1 KiB,\nor 7 %");
        assert_eq!(wrap("more than a B tree", 11, ""), "more than a\nB tree");
    }
}
