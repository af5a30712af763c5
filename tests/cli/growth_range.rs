//! `growth` where nobody tells up to which size values are packed.

use std::fs;

use serde_json::Value;

use super::world::*;

/// Hashes that one server packs and another does not.
#[test]
fn without_a_word_of_its_limits_a_set_of_small_values_has_a_range_and_the_options_that_help() {
    let fields: Vec<Vec<u8>> = (0..80).map(|n| format!("field-{n:03}").into_bytes()).collect();
    let hash = |n: u64| {
        let key = format!("user:{n}").into_bytes();
        let mut words: Vec<&[u8]> = vec![b"HSET", &key];
        fields.iter().for_each(|field| words.extend([field.as_slice(), b"7"]));
        record(&words)
    };
    let log: Vec<u8> = (0..50).flat_map(hash).collect();
    let set = Set::empty();
    set.put("appendonly.aof", &log);
    let path = set.dir().join("appendonly.aof");
    let asked = |words: &[&str]| finish(aofkit().arg("growth").args(words).arg(&path)).expect(0);
    let conf = set.root().join("redis.conf");
    let said = |line: &str| {
        fs::write(&conf, format!("{line}\nrdbcompression yes\naof-use-rdb-preamble yes\n"))
            .unwrap();
        asked(&["--json", "--conf", conf.to_str().unwrap()]).json()
    };
    let open = said("# nothing");
    assert_eq!(open["rewrite"]["packed_limits"], "conf");
    let report = asked(&["--json"]).json();
    let rewrite = &report["rewrite"];
    for unknown in
        [&rewrite["error_percent"], &rewrite["packed_limits"], &report["load"]["peak_bytes"]]
    {
        assert!(unknown.is_null(), "{report:#}");
    }
    let bytes = |report: &Value, name: &str| report["rewrite"][name].as_u64().unwrap();
    let (least, most) = (bytes(&report, "at_least_bytes"), bytes(&report, "at_most_bytes"));
    for entries in ["512", "10"] {
        let told = said(&format!("hash-max-listpack-entries {entries}"));
        assert!(!told["rewrite"]["error_percent"].is_null(), "{told:#}");
        let told = bytes(&told, "estimated_bytes");
        assert!((least..=most).contains(&told), "{entries}: {told} of {least} to {most}");
    }
    let text = asked(&[]).out;
    assert!(!text.contains('\u{b1}') && text.contains("between"), "{text}");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "up to which size its server packs values",
        "neither --conf nor --server tells",
        "% of the set",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}
