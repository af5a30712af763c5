//! Words as a configuration has them.

use crate::text::escape;

/// A word as it can stand in a configuration: in quotes where it is empty, or holds a blank, a quote or other than
/// printable ASCII.
pub fn quoted(word: &[u8]) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\');
    match std::str::from_utf8(word) {
        Ok(text) if !text.is_empty() && word.iter().all(is_plain) => text.to_owned(),
        _ => format!("\"{}\"", escape(word)),
    }
}
