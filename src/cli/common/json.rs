//! JSON for scripts: fills the wire types from what the library reports.

use std::borrow::Cow;
use std::path::Path;
use std::time::SystemTime;

use aofkit::aof::{Aof, Layout};
use aofkit::error::Error;
use aofkit::fleet::Place;
use aofkit::growth::Trigger;
use aofkit::rules::{By, Needed};
use aofkit::text::is_obeyed;
use jiff::Timestamp;
use serde::Serialize;

use super::members::path_text;
use super::sets::without_set;
use super::wire::{
    ErrorBody, ErrorJson, ModuleJson, NeededJson, RuleJson, Several, Source, SourceOfSeveral,
    VacantJson,
};

pub const VERSION: &str = env!("CARGO_PKG_VERSION");

pub fn pretty(value: &impl Serialize) -> String {
    // Plain data with string keys: this cannot fail.
    pure(serde_json::to_string_pretty(value).unwrap_or_default()).into_owned() + "\n"
}

/// JSON in which no character is left that a terminal would obey. Outside of strings there is none but line ends,
/// and inside of them serde_json has escaped the first 32.
pub fn pure<'j>(json: impl Into<Cow<'j, str>>) -> Cow<'j, str> {
    let json = json.into();
    let is_bad = |c: char| c > '~' && is_obeyed(c);
    if json.is_ascii() || !json.contains(is_bad) {
        return json;
    }
    let mut text = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        if is_bad(c) { text += &format!("\\u{:04x}", u32::from(c)) } else { text.push(c) }
    }
    Cow::Owned(text)
}

/// An error, on one line.
pub fn error(error: &Error) -> String {
    let path = path_text(error.path());
    let body = ErrorBody {
        kind: error.kind().as_str(),
        path: path.into(),
        offset: error.offset(),
        message: error.to_string(),
    };
    pure(serde_json::to_string(&ErrorJson { error: body }).unwrap_or_default()).into_owned()
}

/// Arguments that make no sense, on one line.
pub fn usage(why: &str) -> String {
    pathless("usage", why)
}

/// A result that cannot be written, on one line.
pub fn unwritten(why: &str) -> String {
    pathless("io", why)
}

fn pathless(kind: &'static str, why: &str) -> String {
    let message = why.to_owned();
    let body = ErrorBody { kind, path: None.into(), offset: None, message };
    pure(serde_json::to_string(&ErrorJson { error: body }).unwrap_or_default()).into_owned()
}

/// What a set needs of modules.
pub fn needs_modules(needs: &[Needed]) -> Vec<NeededJson> {
    let row = |row: &Needed| NeededJson {
        name: row.name.clone(),
        need: row.need.as_str(),
        count: row.count,
    };
    needs.iter().map(row).collect()
}

/// The modules that are there, and who says it.
pub fn modules(modules: &[(String, By)]) -> Vec<ModuleJson> {
    let row = |(name, by): &(String, By)| ModuleJson { name: name.clone(), by: by.as_str() };
    modules.iter().map(row).collect()
}

pub fn modified(at: SystemTime) -> Option<String> {
    let exact = Timestamp::try_from(at).ok()?;
    Some(crate::cli::common::units::time(exact.as_second()))
}

/// Several sets below a path.
pub fn several<T, S>(
    schema: &'static str,
    root: &Path,
    places: &[Place],
    sets: Vec<T>,
    total: S,
) -> Several<T, S> {
    let path = path_text(root).into();
    let without_set = VacantJson::all(&without_set(places, &[root.to_owned()]));
    let source = SourceOfSeveral { path, layout: "several", manifest: None };
    Several { schema, tool_version: VERSION, source, sets, without_set, total }
}

/// The rule, and who says it.
pub fn rule(trigger: &Trigger, source: &'static str) -> RuleJson {
    RuleJson {
        percentage: trigger.percentage,
        min_size_bytes: trigger.min_size_bytes,
        rewrite_at_bytes: trigger.rewrite_at_bytes(),
        remaining_bytes: trigger.remaining_bytes(),
        due: trigger.is_due(),
        source,
    }
}

/// What a path turned out to be.
pub fn source(aof: &Aof, is_rdb: bool) -> Source {
    let path = path_text(&aof.path);
    let manifest = aof.manifest.as_ref().map(|m| path_text(&m.path));
    let layout = match aof.layout {
        Layout::SingleFile if is_rdb => "rdb",
        layout => layout.as_str(),
    };
    Source { path: path.into(), layout, manifest: manifest.into() }
}
