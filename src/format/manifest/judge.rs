//! Finds the hazards of a manifest: each function looks at one thing that can go wrong.

use std::collections::HashMap;

use super::hazard::{Hazard, HazardKind, SEQ_HEADROOM};
use super::print::{server_line_bytes, server_quotes};
use super::{Entry, Key, LINE_MAX, Manifest, Oddity};

/// Everything in `manifest` that a loader accepts and that is dangerous, or odd; in the order of
/// the lines.
pub fn hazards(manifest: &Manifest) -> Vec<Hazard> {
    let mut found = Vec::new();
    if manifest.live().next().is_none() {
        let history = manifest.history().next().is_some();
        found.push(Hazard { line: 0, at: 0, kind: HazardKind::NothingToLoad { history } });
    } else if manifest.base().is_none() {
        found.push(Hazard { line: 0, at: 0, kind: HazardKind::NoBase });
    }
    if let Some(first) = manifest.entries.first().filter(|_| !manifest.recognised) {
        found.push(on(first, HazardKind::NotRecognised));
    }
    sequence_hazards(manifest, &mut found);
    name_hazards(manifest, &mut found);
    for entry in &manifest.entries {
        found.extend(entry_hazards(entry).into_iter().map(|kind| on(entry, kind)));
    }
    found.sort_by_key(|hazard| hazard.line);
    found
}

fn on(entry: &Entry, kind: HazardKind) -> Hazard {
    Hazard { line: entry.line, at: entry.span.start, kind }
}

/// What the next rewrites make of the numbers, and what the numbers tell about the past.
fn sequence_hazards(manifest: &Manifest, found: &mut Vec<Hazard>) {
    for entry in manifest.live() {
        let (role, seq) = (entry.role, entry.seq);
        let left = seq.abs_diff(i64::MAX);
        if seq <= 0 {
            found.push(on(entry, HazardKind::SeqNotPositive { role, seq }));
        } else if left < SEQ_HEADROOM {
            found.push(on(entry, HazardKind::SeqNearEnd { role, seq, left }));
        }
    }
    for (previous, entry) in manifest.increments().zip(manifest.increments().skip(1)) {
        let (previous, seq) = (previous.seq, entry.seq);
        if previous.checked_add(1) != Some(seq) {
            found.push(on(entry, HazardKind::SeqGap { previous, seq }));
        }
    }
}

/// Names that stand where another line has them too. Names in one directory: equal bytes are one file.
fn name_hazards(manifest: &Manifest, found: &mut Vec<Hazard>) {
    let mut live = HashMap::new();
    for entry in manifest.live() {
        let first = *live.entry(&*entry.name).or_insert(entry);
        if !std::ptr::eq(first, entry) {
            // The line further down is the one to look at, whichever is loaded first.
            let (upper, lower) =
                if first.line <= entry.line { (first, entry) } else { (entry, first) };
            let kind = HazardKind::ListedTwice { name: entry.name.to_vec(), first: upper.line };
            found.push(on(lower, kind));
        }
    }
    for entry in manifest.history() {
        if let Some(user) = live.get(&*entry.name) {
            let (name, live) = (entry.name.to_vec(), user.line);
            found.push(on(entry, HazardKind::HistoryNamesLive { name, live }));
        }
    }
}

/// What one line tells by itself.
fn entry_hazards(entry: &Entry) -> Vec<HazardKind> {
    let mut kinds = Vec::new();
    let name = &entry.name;
    if matches!(&**name, b"" | b"." | b"..") {
        kinds.push(HazardKind::NameIsDirectory { name: name.to_vec(), role: entry.role });
    }
    if name.contains(&b'\'') && !server_quotes(name) {
        kinds.push(HazardKind::Apostrophe { name: name.to_vec() });
    }
    let bytes = server_line_bytes(entry);
    if bytes > LINE_MAX {
        kinds.push(HazardKind::Outgrows { bytes });
    }
    kinds.extend(entry.oddities.iter().map(|oddity| match oddity {
        Oddity::Number { key, given } => {
            let read = match key {
                Key::StartOffset => entry.start_offset.unwrap_or_default(),
                Key::EndOffset => entry.end_offset.unwrap_or_default(),
                Key::File | Key::Seq | Key::Type => entry.seq,
            };
            HazardKind::OddNumber { key: *key, given: given.clone(), read }
        }
        Oddity::Repeated(key) => HazardKind::Repeated { key: *key },
        Oddity::Joined => HazardKind::Joined,
        Oddity::RawFf => HazardKind::RawFf,
        Oddity::CommentTail => HazardKind::CommentTail,
    }));
    kinds.extend(entry.extra.iter().map(|(key, _)| HazardKind::UnknownKey { key: key.clone() }));
    kinds.extend(entry.end_offset.map(|offset| HazardKind::EndOffset { offset }));
    kinds
}

#[cfg(test)]
mod tests {
    use super::super::{Dialect, Level, Role, parse};
    use super::*;

    const B: &str = "file b seq 1 type b\n";
    const I: &str = "file i seq 1 type i\n";

    fn of(text: &str) -> Vec<(u64, HazardKind)> {
        let manifest = parse(text.as_bytes(), Dialect::Concatenating).unwrap();
        hazards(&manifest).into_iter().map(|hazard| (hazard.line, hazard.kind)).collect()
    }

    fn name(text: &str) -> Vec<u8> {
        text.as_bytes().to_vec()
    }

    #[test]
    fn a_healthy_manifest_has_none() {
        assert_eq!(
            of(&format!("{B}file h seq 1 type h\n{I}file i2 seq 2 type i startoffset 5\n")),
            []
        );
    }

    #[test]
    fn nothing_to_load_is_told_with_and_without_history() {
        assert_eq!(of("# hi"), [(0, HazardKind::NothingToLoad { history: false })]);
        assert_eq!(of("file b seq 1 type h\n"), [(0, HazardKind::NothingToLoad { history: true })]);
        assert_eq!(of(I), [(0, HazardKind::NoBase)]);
    }

    #[test]
    fn numbers_that_poison_the_next_rewrite_are_told() {
        let base = HazardKind::SeqNotPositive { role: Role::Base, seq: -1 };
        assert_eq!(of(&format!("file b seq -1 type b\n{I}")), [(1, base)]);
        let text = format!("{B}file i seq {} type i\n", i64::MAX);
        let kind = HazardKind::SeqNearEnd { role: Role::Increment, seq: i64::MAX, left: 0 };
        assert_eq!(of(&text), [(2, kind)]);
        let bound = i64::MAX - SEQ_HEADROOM as i64;
        assert_eq!(of(&format!("{B}file i seq {bound} type i\n")), []);
        assert_eq!(of(&format!("{B}file i seq {} type i\n", bound + 1)).len(), 1);
        let gap = HazardKind::SeqGap { previous: 1, seq: 5 };
        assert_eq!(of(&format!("{B}{I}file i5 seq 5 type i\n")), [(3, gap)]);
    }

    #[test]
    fn a_file_with_two_roles_is_told() {
        let twice = |first| HazardKind::ListedTwice { name: name("i"), first };
        assert_eq!(of(&format!("{B}{I}file i seq 2 type i\n")), [(3, twice(2))]);
        assert_eq!(of(&format!("{I}file i seq 1 type b\n")), [(2, twice(1))]);
        let unlinked = HazardKind::HistoryNamesLive { name: name("i"), live: 3 };
        assert_eq!(of(&format!("{B}file i seq 1 type h\n{I}")), [(2, unlinked)]);
    }

    #[test]
    fn names_that_break_the_server_are_told() {
        for odd in ["", ".", ".."] {
            let kind = HazardKind::NameIsDirectory { name: name(odd), role: Role::Base };
            assert_eq!(of(&format!("file \"{odd}\" seq 1 type b\n{I}")), [(1, kind)]);
        }
        let kind = HazardKind::Apostrophe { name: name("it's") };
        assert_eq!(of(&format!("file \"it's\" seq 1 type b\n{I}")), [(1, kind)]);
        assert_eq!(of(&format!("file \"it's it\" seq 1 type b\n{I}")), []);
        let kind = HazardKind::Outgrows { bytes: 5 + 2 + 300 * 4 + 14 };
        assert_eq!(of(&format!("file {} seq 1 type b\n{I}", "é".repeat(150))), [(1, kind)]);
    }

    #[test]
    fn a_manifest_the_check_tool_would_destroy_is_told() {
        assert_eq!(of(&format!("seq 1 file b type b\n{I}")), [(1, HazardKind::NotRecognised)]);
        assert_eq!(of(&format!("# c\nFILE b seq 1 type b\n{I}")), [(2, HazardKind::NotRecognised)]);
    }

    #[test]
    fn odd_writing_is_told_with_what_was_read() {
        let odd = |key, given: &str, read| HazardKind::OddNumber { key, given: name(given), read };
        assert_eq!(of(&format!("file b seq 1abc type b\n{I}")), [(1, odd(Key::Seq, "1abc", 1))]);
        assert_eq!(
            of(&format!("file b seq 9x type b seq 1\n{I}")),
            [(1, HazardKind::Repeated { key: Key::Seq })]
        );
        assert_eq!(of(&format!("file b\"\"x seq 1 type b\n{I}")), [(1, HazardKind::Joined)]);
        assert_eq!(
            of(&format!("file b seq 1 type b x y\n{I}")),
            [(1, HazardKind::UnknownKey { key: name("x") })]
        );
        let line = format!("{B}file i seq 1 type i startoffset ! endoffset 9\n");
        let end = HazardKind::EndOffset { offset: 9 };
        assert_eq!(of(&line), [(2, odd(Key::StartOffset, "!", 0)), (2, end)]);
        let comment = format!("#{}{B}{I}", "x".repeat(LINE_MAX - 1));
        assert_eq!(of(&comment), [(2, HazardKind::CommentTail)]);
    }

    #[test]
    fn levels_rise() {
        assert!(Level::Info < Level::Warning && Level::Warning < Level::Danger);
        let manifest = parse(b"# hi", Dialect::Strict).unwrap();
        assert_eq!(hazards(&manifest)[0].level(), Level::Danger);
    }
}
