//! Metrics: the list, the text, what is built on them, and a watch that reads what was appended.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod alerts;
mod exposition;
mod following;
#[allow(dead_code, reason = "a part of it is used here")]
#[path = "../support/home.rs"]
mod home;
mod made;
mod promtool;
#[path = "../support/schema.rs"]
#[allow(dead_code, reason = "a part of it is used here")]
mod schema;
#[cfg(feature = "server")]
mod servers;
#[cfg(feature = "listen")]
mod serving;
#[path = "../support/mod.rs"]
mod support;
mod watching;
#[allow(dead_code, reason = "a part of it is used here")]
#[path = "../cli/world.rs"]
mod world;

use std::collections::BTreeMap;

use support::spelled;

/// Samples by what stands before the value, such as `aof_files{set="s",role="incr"}`.
pub fn samples(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ').unwrap();
        (name.to_owned(), value.parse().unwrap())
    };
    let all: Vec<_> = lines.map(sample).collect();
    let count = all.len();
    let by_name: BTreeMap<_, _> = all.into_iter().collect();
    assert_eq!(by_name.len(), count, "a sample stands twice: {text}");
    by_name
}
