//! Lines that both parts of the text of `growth` have.

use crate::cli::common::layout::wrap;
use crate::cli::common::units::Style;

pub fn heading(title: &str, style: Style) -> String {
    format!("\n{}\n", style.bold(title))
}

pub fn line(text: &str, style: Style) -> String {
    wrap(text, style.width, "  ") + "\n"
}
