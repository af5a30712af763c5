//! The door to the screen: the last wall behind the escapes of whoever prints.

use std::borrow::Cow;

use aofkit::text::{is_obeyed, tame_lines};

use super::render::Style;

/// Text for people. Nothing that a terminal obeys gets through, except line ends and, where there is colour, the few
/// marks that [`Style`] makes.
pub fn screen(text: &str, style: Style) -> Cow<'_, str> {
    if !text.contains(|c: char| c != '\n' && is_obeyed(c)) {
        return Cow::Borrowed(text);
    }
    let marks = style.marks();
    let mut shown = String::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some(at) = rest.find('\x1b').filter(|_| !marks.is_empty()) {
        shown += &tame_lines(&rest[..at]);
        rest = &rest[at..];
        let mark = marks.iter().find(|mark| rest.starts_with(**mark)).copied();
        let taken = mark.unwrap_or("\x1b");
        if mark.is_some() {
            shown += taken
        } else {
            shown += &tame_lines(taken)
        }
        rest = &rest[taken.len()..];
    }
    Cow::Owned(shown + &tame_lines(rest))
}
