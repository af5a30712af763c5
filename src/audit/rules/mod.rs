//! The rules, by what they are about: a list of each, and who judges by it.

mod capacity;
mod cluster;
mod elasticache;
mod memory;
mod persistence;
mod restart;
mod rewrite;
mod security;
mod sentinel;
mod syntax;
mod tls;
mod versions;

use std::path::Path;

use super::finding::{Finding, Fix};
use super::rule::Rule;
use super::subject::Subject;
use crate::text;

/// Rules that are judged together.
pub(super) struct Family {
    /// The rules, by number.
    pub(super) rules: &'static [&'static Rule],
    /// Adds what breaks them.
    pub(super) judge: fn(&Subject, &mut Vec<Finding>),
}

/// All families, in the order of their rules' numbers.
pub(super) const FAMILIES: &[Family] = &[
    Family { rules: &persistence::RULES, judge: persistence::judge },
    Family { rules: &restart::RULES, judge: restart::judge },
    Family { rules: &rewrite::RULES, judge: rewrite::judge },
    Family { rules: &capacity::RULES, judge: capacity::judge },
    Family { rules: &memory::RULES, judge: memory::judge },
    Family { rules: &cluster::RULES, judge: cluster::judge },
    Family { rules: &sentinel::RULES, judge: sentinel::judge },
    Family { rules: &security::RULES, judge: security::judge },
    Family { rules: &elasticache::RULES, judge: elasticache::judge },
    Family { rules: &syntax::RULES, judge: syntax::judge },
    Family { rules: &versions::RULES, judge: versions::judge },
];

/// Every rule there is, by number.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    FAMILIES.iter().flat_map(|family| family.rules.iter().copied())
}

/// A command with a path behind it, as a shell takes it.
fn on_path(command: &str, path: &Path) -> Fix {
    let word = text::shell_word(path.as_os_str().as_encoded_bytes());
    Fix::command(format!("{command} {}", word.unwrap_or_else(|| text::path(path))))
}

/// A size as a configuration has it: the largest unit that leaves a whole number.
fn configured(bytes: u64) -> String {
    for (unit, name) in [(1 << 30, "gb"), (1 << 20, "mb"), (1 << 10, "kb")] {
        if bytes >= unit && bytes.is_multiple_of(unit) {
            return format!("{}{name}", bytes / unit);
        }
    }
    bytes.to_string()
}
