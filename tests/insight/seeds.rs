//! The same input gives the same estimates, in every run and with hidden keys.

use serde_json::Value;

use super::world::*;

/// Sets of so many different keys, more than are counted one by one, in four families; a quarter of them twice.
fn many(keys: u64) -> Vec<u8> {
    let family = |n: u64| ["user", "session", "cart", "order"][n as usize % 4];
    let key = |n: u64| format!("{}:{n}", family(n));
    let numbers = (0..keys).chain(0..keys / 4);
    let log = numbers.flat_map(|n| record(&["SET", &key(n), "v"]));
    record(&["SELECT", "0"]).into_iter().chain(log).collect()
}

/// All numbers of an answer, in their order: with hidden keys nothing else is the same.
fn figures(value: &Value, name: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, one)| figures(one, name, found)),
        Value::Array(items) => items.iter().for_each(|one| figures(one, name, found)),
        Value::Number(number) => found.push(format!("{name}={number}")),
        _ => {}
    }
}

#[test]
fn estimates_are_the_same_in_every_run_and_with_hidden_keys() {
    const KEYS: u64 = 150_000;
    let set = set(&[], &many(KEYS));
    for verb in [&["stats", "--by", "key,prefix,slot", "--top", "50"][..], &["inspect"]] {
        let told = |more: &[&str]| {
            let (answer, mut found) = (json(&[verb, more].concat(), set.path()), Vec::new());
            figures(&answer, "", &mut found);
            found
        };
        let first = told(&[]);
        for more in [&[][..], &["--redact"], &["--redact"]] {
            let again = told(more);
            let differs = first.iter().zip(&again).find(|(one, other)| one != other);
            assert!(
                first.len() == again.len() && differs.is_none(),
                "{verb:?} {more:?}: {differs:?}"
            );
        }
    }
    // Other input is hashed in other ways, and what is estimated of it is right all the same.
    let mut estimates = std::collections::BTreeSet::new();
    for extra in 0..4 {
        let other = super::world::set(&[], &[many(KEYS), record(&["PING"]).repeat(extra)].concat());
        let told =
            json(&["stats", "--by", "slot"], other.path())["keys_estimate"].as_u64().unwrap();
        let off = told as f64 / KEYS as f64 - 1.0;
        assert!(off.abs() < 0.04, "{off}");
        estimates.insert(told);
    }
    assert!(estimates.len() > 1, "{estimates:?}");
}
