//! Commands and values as they are to be written.

use std::path::Path;

use crate::audit::finding::Fix;
use crate::text;

/// A command with a path behind it, as a shell takes it.
pub(super) fn on_path(command: &str, path: &Path) -> Fix {
    let word = text::shell_word(path.as_os_str().as_encoded_bytes());
    Fix::command(format!("{command} {}", word.unwrap_or_else(|| text::path(path))))
}

/// A size as a configuration has it: the largest unit that leaves a whole number.
pub(super) fn configured(bytes: u64) -> String {
    for (unit, name) in [(1 << 30, "gb"), (1 << 20, "mb"), (1 << 10, "kb")] {
        if bytes >= unit && bytes.is_multiple_of(unit) {
            return format!("{}{name}", bytes / unit);
        }
    }
    bytes.to_string()
}
