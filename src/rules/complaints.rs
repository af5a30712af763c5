//! What may be wrong with the words of a line, and how that is told: what several forms of lines share.

use crate::format::conf::parse_size;

pub(super) fn fits(counts: &str, given: usize) -> bool {
    let (least, most) = counts.split_once(' ').unwrap_or((counts, "-"));
    let least = least.parse().unwrap_or(0);
    given >= least && most.parse().map_or(true, |most: usize| given <= most)
}

pub(super) fn wrong_count(given: usize, wanted: &str) -> String {
    format!("takes {wanted} argument{}, not {given}", if wanted == "one" { "" } else { "s" })
}

pub(super) fn counted(counts: &str) -> String {
    match counts.split_once(' ') {
        Some(("1", "1")) => "one".to_owned(),
        Some((least, most)) if least == most => least.to_owned(),
        Some((least, "-")) => format!("{least} or more"),
        Some((least, most)) => format!("{least} to {most}"),
        None => counts.to_owned(),
    }
}

pub(super) fn one_of(words: &str, value: &[u8]) -> Option<String> {
    let is_one = words.split('|').any(|word| word.as_bytes().eq_ignore_ascii_case(value));
    (!is_one).then(|| match words {
        "yes|no" => "must be yes or no".to_owned(),
        _ => format!("must be one of {}", words.replace('|', ", ")),
    })
}

/// A size; a unit without digits is 0 of them, and so is nothing.
pub(super) fn size(value: &[u8]) -> Option<u64> {
    parse_size(&[b"0", value].concat())
}
