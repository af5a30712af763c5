//! What a real server made of a copy of a set, beside what was expected of it.

use aofkit::check::{Loads, Report, Verdict};
use aofkit::text::{count, name, tame, thousands};
use aofkit::trial::{Change, Complaint, FileChange, Loaded};
use serde::Serialize;

use super::layout::wrap;
use super::outcome::Outcome;
use super::units::{Style, size};

use crate::cli::common::members::{FileText, text};

/// The exit status of a judgement beside which a server was asked: a refusal is never 0, and what loads although that was
/// not expected is.
pub fn exit_status(own: Outcome, expected: Loads, loaded: &Loaded) -> Outcome {
    match (loaded.loads, own) {
        (Some(Loads::Yes), _) if is_less_than(expected) => Outcome::Done,
        (None, Outcome::Done) => Outcome::Unsupported,
        (Some(Loads::AfterTruncation), Outcome::Done) => Outcome::TailDamage,
        (Some(Loads::No), Outcome::Done) => Outcome::InnerDamage,
        _ => own,
    }
}

/// Whether less than all of a set was expected to load, or nobody knew.
fn is_less_than(expected: Loads) -> bool {
    matches!(expected, Loads::No | Loads::AfterTruncation | Loads::Unknown)
}

/// For people.
pub fn lines(loaded: &Loaded, report: &Report, style: Style, redact: bool) -> String {
    let by = tame(&loaded.by).into_owned();
    let mut text = String::new();
    let mut line = |painted: &dyn Fn(&str) -> String, words: &str, indent: &str| {
        text += &painted(&wrap(words, style.width, indent));
        text.push('\n');
    };
    let plain = |words: &str| words.to_owned();
    let bad = |words: &str| style.bad(words);
    let warn = |words: &str| style.warn(words);
    let good = |words: &str| style.good(words);
    match (loaded.loads, &loaded.not_tried) {
        (Some(Loads::Yes), _) => {
            line(&good, &format!("asked: {by} loads a copy of it{}", figures(loaded)), "");
        }
        (Some(Loads::AfterTruncation), _) => {
            let words =
                format!("asked: {by} cuts the end of a copy and loads the rest{}", figures(loaded));
            line(&warn, &words, "");
        }
        (Some(_), _) => line(&bad, &format!("asked: {by} does not load a copy of it"), ""),
        (None, Some(why)) => line(&warn, &format!("asked: {by}: {}", tame(why)), ""),
        (None, None) => line(&warn, &format!("asked: {by} gave no answer"), ""),
    }
    if let Some(fatal) = &loaded.fatal {
        line(&plain, &format!("it says: {}", said(fatal, redact)), "  ");
    }
    for words in error_lines(&loaded.errors, loaded.errors_unlisted, redact) {
        line(&warn, &words, "  ");
    }
    for file in &loaded.files {
        line(&plain, &of_file(file), "  ");
    }
    if loaded.differs_from(report.loads) {
        let words = format!(
            "DIFFERENT from what aofkit expected ({}): believe the server, and please report this",
            expected(report)
        );
        line(&bad, &words, "");
    }
    text
}

/// Errors that did not stop a server, a line for each kind.
pub fn error_lines(errors: &[Complaint], unlisted: u64, redact: bool) -> Vec<String> {
    let told =
        |one: &Complaint| format!("{}: {}", count(one.count, "time"), said(&one.line, redact));
    let more = (unlisted > 0).then(|| format!("and {}", count(unlisted, "further error")));
    errors.iter().map(told).chain(more).collect()
}

/// The same for scripts.
pub fn errors(errors: &[Complaint], redact: bool) -> Vec<ErrorJson> {
    let error = |one: &Complaint| ErrorJson { line: shown(&one.line, redact), count: one.count };
    errors.iter().map(error).collect()
}

/// What was expected, in a few words.
fn expected(report: &Report) -> &'static str {
    match report.loads {
        Loads::Yes => "that it loads",
        Loads::StartsEmpty => "that it starts empty",
        Loads::AfterTruncation => "that it cuts the end",
        Loads::No if report.verdict == Verdict::Unsupported => "that it does not take all of it",
        Loads::No => "that it does not load",
        Loads::Unknown => "nothing",
    }
}

fn figures(loaded: &Loaded) -> String {
    let all: u64 = loaded.keys.values().sum();
    let each: Vec<String> =
        loaded.keys.iter().map(|(db, keys)| format!("db {db}: {}", thousands(*keys))).collect();
    let mut text = format!(": {}", count(all, "key"));
    if each.len() > 1 {
        text += &format!(" ({})", each.join(", "));
    }
    if let Some(seconds) = loaded.seconds {
        text += &format!(" in {seconds:.3} s");
    }
    if let Some(peak) = loaded.peak_bytes {
        text += &format!(", {} of memory at its peak", size(peak));
    }
    text
}

fn of_file(file: &FileChange) -> String {
    let what = match file.change {
        Change::Made => format!("made, {}", count(file.to_bytes, "byte")),
        Change::Removed => format!("removed, {}", count(file.from_bytes, "byte")),
        Change::Rewritten => "written anew".to_owned(),
        Change::Cut | Change::Grown => {
            format!("{} bytes became {}", thousands(file.from_bytes), thousands(file.to_bytes))
        }
    };
    format!("it changed the copy: {}: {what}", name(&file.name))
}

/// A line of a server's log. Where nothing may be shown of keys and values, what stands in quotes is left out.
fn said(line: &str, redact: bool) -> String {
    tame(&shown(line, redact)).into_owned()
}

fn shown(line: &str, redact: bool) -> String {
    if redact { without_quotes(line) } else { line.to_owned() }
}

fn without_quotes(line: &str) -> String {
    let mut parts = line.split(['\'', '"']);
    let mut text = parts.next().unwrap_or_default().to_owned();
    for (i, part) in parts.enumerate() {
        text += if i % 2 == 0 { "'...'" } else { part };
    }
    text
}

/// `loaded` in JSON.
#[derive(Serialize)]
pub struct LoadedJson {
    by: String,
    loads: Option<&'static str>,
    not_tried: Option<String>,
    fatal: Option<String>,
    errors: Vec<ErrorJson>,
    errors_unlisted: u64,
    keys: Vec<KeysJson>,
    seconds: Option<f64>,
    peak_bytes: Option<u64>,
    end_bytes: Option<u64>,
    files: Vec<FileJson>,
    walls_missing: Vec<String>,
    differs: bool,
}

#[derive(Serialize)]
pub struct ErrorJson {
    line: String,
    count: u64,
}

#[derive(Serialize)]
struct KeysJson {
    db: u64,
    keys: u64,
}

#[derive(Serialize)]
struct FileJson {
    #[serde(flatten)]
    file: FileText,
    change: &'static str,
    from_bytes: u64,
    to_bytes: u64,
}

/// For scripts.
pub fn json(loaded: &Loaded, expected: Loads, redact: bool) -> LoadedJson {
    let file = |one: &FileChange| {
        let name = text(&one.name);
        let (from_bytes, to_bytes) = (one.from_bytes, one.to_bytes);
        let change = one.change.as_str();
        FileJson { file: name.into(), change, from_bytes, to_bytes }
    };
    LoadedJson {
        by: loaded.by.clone(),
        loads: loaded.loads.and_then(Loads::as_str),
        not_tried: loaded.not_tried.clone(),
        fatal: loaded.fatal.as_ref().map(|line| shown(line, redact)),
        errors: errors(&loaded.errors, redact),
        errors_unlisted: loaded.errors_unlisted,
        keys: loaded.keys.iter().map(|(&db, &keys)| KeysJson { db, keys }).collect(),
        seconds: loaded.seconds,
        peak_bytes: loaded.peak_bytes,
        end_bytes: loaded.end_bytes,
        files: loaded.files.iter().map(file).collect(),
        walls_missing: loaded.walls_missing.clone(),
        differs: loaded.differs_from(expected),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_never_0_and_what_loads_against_expectation_is() {
        let loaded = |loads| Loaded { loads, ..Loaded::default() };
        let exit = |own, expected, loads| exit_status(own, expected, &loaded(loads));
        let (done, tail, inner) = (Outcome::Done, Outcome::TailDamage, Outcome::InnerDamage);
        assert_eq!(exit(done, Loads::Yes, Some(Loads::Yes)), done);
        assert_eq!(exit(done, Loads::Yes, Some(Loads::No)), inner);
        assert_eq!(exit(done, Loads::Yes, Some(Loads::AfterTruncation)), tail);
        assert_eq!(exit(done, Loads::Yes, None), Outcome::Unsupported);
        assert_eq!(exit(inner, Loads::No, Some(Loads::Yes)), done);
        assert_eq!(exit(tail, Loads::AfterTruncation, Some(Loads::No)), tail);
        assert_eq!(exit(Outcome::Unsupported, Loads::No, Some(Loads::No)), Outcome::Unsupported);
        let inconsistent = Outcome::SetInconsistent;
        assert_eq!(exit(inconsistent, Loads::Yes, Some(Loads::Yes)), inconsistent);
        assert_eq!(exit(inner, Loads::No, None), inner);
    }

    #[test]
    fn what_a_server_quotes_is_no_secret_any_more() {
        assert_eq!(
            without_quotes("RDB has duplicated key 'k0' in DB 0"),
            "RDB has duplicated key '...' in DB 0"
        );
        assert_eq!(without_quotes("none"), "none");
    }
}
