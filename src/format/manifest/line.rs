//! Cuts a manifest into lines as the loader does.

use super::entry::LINE_MAX;

/// What one call of `fgets` gives the loader: up to and with the next LF, at most [`LINE_MAX`] bytes.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    /// Byte offset in the manifest.
    pub(super) at: u64,
    /// Counted from 1.
    pub(super) number: u64,
    /// Never empty.
    pub(super) bytes: &'a [u8],
}

/// Cuts `bytes` as the loader's buffer does.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = Line<'_>> {
    let mut at = 0_usize;
    let mut number = 0;
    std::iter::from_fn(move || {
        let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
        let window = &rest[..rest.len().min(LINE_MAX)];
        let length =
            window.iter().position(|&byte| byte == b'\n').map_or(window.len(), |lf| lf + 1);
        let line = Line { at: at as u64, number: number + 1, bytes: &window[..length] };
        at += length;
        number += 1;
        Some(line)
    })
}

impl Line<'_> {
    /// Whether the loader passes over it; a blank before the `#` makes it a line like any other.
    pub(super) fn is_comment(&self) -> bool {
        self.bytes.starts_with(b"#")
    }

    pub(super) fn end(&self) -> u64 {
        self.at + self.bytes.len() as u64
    }
}
