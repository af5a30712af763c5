//! Lines and tables that fit the screen.

use std::path::Path;

use aofkit::text::name;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

use super::units::Style;

/// Text broken at blanks into lines of at most `width` columns, each indented.
pub fn wrap(text: &str, width: usize, indent: &str) -> String {
    let mut lines = vec![indent.to_owned()];
    for word in text.split(' ') {
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

/// The path of a set below the one that was asked for.
pub fn below(path: &Path, root: &Path) -> String {
    let short = path.strip_prefix(root).unwrap_or(path);
    name(short.as_os_str().as_encoded_bytes())
}

/// A table without lines, fitted to the screen.
pub fn table(style: Style, head: &[(&str, CellAlignment)]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(style.width).unwrap_or(u16::MAX));
    table.set_header(head.iter().map(|(title, _)| Cell::new(title)));
    for (column, (_, alignment)) in table.column_iter_mut().zip(head) {
        column.set_cell_alignment(*alignment);
        column.set_padding((0, 2));
    }
    table
}

/// A table as text, without blanks at line ends.
pub fn laid_out(table: &Table) -> String {
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
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
}
