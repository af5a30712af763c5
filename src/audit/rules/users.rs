//! `user` lines that a server does not start with.

use std::collections::BTreeMap;

use crate::aof::{Configuration, Line};
use crate::audit::subject::Subject;
use crate::text;

/// The categories of commands, the same in all recorded servers (`ACL CAT`), and `all`.
const CATEGORIES: [&str; 22] = [
    "admin",
    "all",
    "bitmap",
    "blocking",
    "connection",
    "dangerous",
    "fast",
    "geo",
    "hash",
    "hyperloglog",
    "keyspace",
    "list",
    "pubsub",
    "read",
    "scripting",
    "set",
    "slow",
    "sortedset",
    "stream",
    "string",
    "transaction",
    "write",
];

/// Categories that well-known modules add; these may be loaded by arguments, which the file does not show.
const OF_MODULES: [&str; 8] =
    ["bloom", "cms", "cuckoo", "json", "search", "tdigest", "timeseries", "topk"];

/// The first version that takes a user once, and keys by what is done with them.
const SINCE: (u32, u32) = (7, 0);

/// The lines that are refused, and why; no password is told.
pub(super) fn refused<'c>(subject: &Subject, conf: &'c Configuration) -> Vec<(&'c Line, String)> {
    // Servers before that refuse less, and no older one is meant where none is named.
    let is_new = subject.target.is_none_or(|target| target.version >= SINCE);
    let has_modules = !conf.settings.load_modules.is_empty();
    let mut first: BTreeMap<&[u8], &Line> = BTreeMap::new();
    let mut found = Vec::new();
    for line in &conf.lines {
        let Some(directive) = line.directive.as_ref().filter(|one| one.name == b"user") else {
            continue;
        };
        let Some((name, rules)) = directive.args.split_first() else { continue };
        let user = text::name(name);
        match first.insert(name, line).filter(|_| is_new) {
            Some(earlier) => {
                let place = format!("line {} of {}", earlier.number, text::path(&earlier.file));
                found.push((line, format!("user {user}: it is defined in {place} already")));
            }
            None => found.extend(
                wrong_rule(rules, has_modules)
                    .map(|(rule, why)| (line, format!("user {user}: {} {why}", text::name(rule)))),
            ),
        }
    }
    found
}

/// The first rule that is surely wrong, and why; those of selectors are passed over.
fn wrong_rule(rules: &[Vec<u8>], has_modules: bool) -> Option<(&[u8], &'static str)> {
    let mut is_inside = false;
    for rule in rules {
        is_inside |= rule.starts_with(b"(");
        if is_inside {
            is_inside = !rule.ends_with(b")");
            continue;
        }
        if let Some(category) = rule.strip_prefix(b"+@").or_else(|| rule.strip_prefix(b"-@")) {
            let is_known = |known: &&str| category.eq_ignore_ascii_case(known.as_bytes());
            let mut known = CATEGORIES.iter().chain(&OF_MODULES);
            if !has_modules && !known.any(is_known) {
                return Some((rule, "is no category of commands"));
            }
        }
        if rule.strip_prefix(b"%").is_some_and(|rest| !is_permission(rest)) {
            return Some((rule, "is no key pattern: %R~, %W~ or %RW~ begins one"));
        }
    }
    None
}

/// Whether R, W or both stand before the tilde of a key pattern.
fn is_permission(rest: &[u8]) -> bool {
    let Some(at) = rest.iter().position(|&byte| byte == b'~') else { return false };
    matches!(&rest[..at].to_ascii_uppercase()[..], b"R" | b"W" | b"RW" | b"WR")
}
