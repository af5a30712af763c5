//! Titles and columns that the tables of `stats` share.

use aofkit::text::escape;

use crate::cli::common::layout::wrap;
use crate::cli::common::units::{Style, bar, share, size};

/// Bytes on at most so many columns.
pub fn shortened(bytes: &[u8], columns: usize) -> String {
    let columns = columns.max(12);
    let full = escape(bytes);
    match full.chars().count() > columns {
        true => full.chars().take(columns - 1).chain(['…']).collect(),
        false => full,
    }
}

pub fn title(what: &str, note: &str, style: Style) -> String {
    let note = if note.is_empty() { String::new() } else { format!("  {note}") };
    let line = format!("{what}{note}");
    let line =
        if line.chars().count() > style.width { wrap(&line, style.width, "  ") } else { line };
    // Painted last, for colours take no columns.
    format!("\n{}\n", line.replacen(what, &style.bold(what), 1))
}

/// Columns of bytes that every table has.
pub fn weight(bytes: u64, of: u64) -> [String; 3] {
    [bar(bytes, of, 12), share(bytes, of), size(bytes)]
}
