//! Real outputs against the schemas, and what the schemas promise of themselves.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use super::schema::{each_property, faults};
use super::world::*;

const ALL_SCHEMAS: [&str; 16] = [
    "audit",
    "check",
    "inspect",
    "stats",
    "cat",
    "growth",
    "status",
    "repair",
    "backup",
    "snapshots",
    "verify",
    "restore",
    "prune",
    "clean",
    "convert",
    "error",
];

fn schema(name: &str) -> Value {
    serde_json::from_str(&run(["schema", name]).expect(0).out).unwrap()
}

fn assert_fits(schema: &Value, output: &Value, what: &str) {
    let faults = faults(schema, output);
    assert!(faults.is_empty(), "{what}: {faults:#?}");
}

/// A torn tail, an inner hole, a foreign command, a lost file: something of everything.
fn troubled() -> Set {
    let mut log = sets(5);
    log.extend(b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$9\r\nshort\r\n");
    log.extend(sets(5));
    log.extend(record(&[b"\xff\xfeODD", b"1"]));
    log.extend(b"*2\r\n$3\r\nDE");
    let set = Set::of(&log);
    set.manifest(&format!(
        "file {BASE} seq 1 type b\nfile gone seq 7 type h\nfile {INCREMENT} seq 1 type i\n"
    ));
    set.put("appendonly.aof.9.incr.aof", b"left");
    set
}

/// `(name, output)` of one verb on sets of every kind.
fn outputs(verb: &str) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for dir in all_recorded() {
        let run = run([verb, "--json", dir.to_str().unwrap()]);
        all.push((dir.display().to_string(), run.json()));
    }
    let (damaged, lost, several) = (troubled(), Set::of(&sets(1)), Set::of(&sets(2)));
    fs::remove_file(lost.file("appendonly.aof.manifest")).unwrap();
    copy_tree(&damaged.dir(), &several.root().join("other"));
    let torn_rdb = Set::recorded("redis-7.0.15/rdb-base");
    let base = torn_rdb.file("appendonly.aof.2.base.rdb");
    fs::write(&base, &fs::read(&base).unwrap()[..2000]).unwrap();
    let unknown = Set::of(&[record(&[b"NEWCMD", b"k"]), record(&[b"\xff", b"k"])].concat());
    let modules = Set::recorded("../modules/redis-7.4.1/rdb-base");
    let paths = [
        ("modules", &modules),
        ("damaged", &damaged),
        ("lost", &lost),
        ("several", &several),
        ("rdb", &torn_rdb),
        ("unknown", &unknown),
    ];
    for (name, set) in paths {
        let run = run([verb, "--json", set.root().to_str().unwrap()]);
        all.push((name.to_owned(), run.json()));
    }
    all.push(("stream".to_owned(), piped(&[verb, "--json", "-"], &sets(3)).json()));
    all.push(("empty stream".to_owned(), piped(&[verb, "--json", "-"], b"").json()));
    all
}

#[test]
fn every_output_fits_its_schema_field_by_field() {
    for verb in ["audit", "check", "inspect", "growth"] {
        let schema = schema(verb);
        for (name, output) in outputs(verb) {
            assert_fits(&schema, &output, &format!("{verb} {name}"));
        }
    }
}

/// Names of fields that hold something somewhere in these values.
fn filled(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if !member.is_null() {
                    names.insert(name.clone());
                }
                filled(member, names);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| filled(item, names)),
        _ => {}
    }
}

#[test]
fn nothing_is_described_that_never_holds_a_value() {
    // Names that no recorded set can have: theirs are all UTF-8.
    let mut rare = vec!["path_b64", "file_b64", "manifest_b64"];
    // Nor was any of them written under a policy that keeps these.
    rare.extend(["mean_idle_seconds", "longest_idle_seconds", "mean_frequency", "idle_seconds"]);
    rare.extend(["idle", "frequencies"]);
    // Memory is told by `stats --memory` alone, of the same key space.
    rare.extend(["memory_bytes", "memory_unknown_keys", "memory_server"]);
    let mut of_policies = BTreeSet::new();
    for what in ["idle_row", "frequency_row"] {
        each_property(&schema("inspect")["$defs"][what], &mut |name, _| {
            of_policies.insert(name.to_owned());
        });
    }
    let common = ["keys", "bytes"];
    rare.extend(of_policies.iter().map(String::as_str).filter(|name| !common.contains(name)));
    rare.extend(["largest_key_b64", "key_b64", "prefix_b64"]);
    // Where identifiers are recognised, prefixes have no depth.
    rare.push("depth");
    // No recorded set lies in a cluster, or beside a directory whose set is gone: the tests of fleets look at these.
    rare.extend(["slots", "in_use", "owned", "outside", "outside_bytes", "is_of_server"]);
    // What a server says is looked at in the tests of trials and of servers.
    let mut of_servers = BTreeSet::from(["loaded", "server"].map(str::to_owned));
    for what in ["loaded", "server", "replica", "condition"] {
        each_property(&schema("check")["$defs"][what], &mut |name, _| {
            of_servers.insert(name.to_owned());
        });
    }
    rare.extend(of_servers.iter().map(String::as_str));
    for verb in ["check", "inspect"] {
        let mut seen = BTreeSet::new();
        outputs(verb).iter().for_each(|(_, output)| filled(output, &mut seen));
        each_property(&schema(verb), &mut |name, _| {
            assert!(seen.contains(name) || rare.contains(&name), "{verb}: {name} is always null");
        });
    }
}

#[test]
fn every_property_is_described_and_typed() {
    for name in ALL_SCHEMAS {
        let schema = schema(name);
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        each_property(&schema, &mut |property, of| {
            let words = of["description"].as_str().unwrap_or_default();
            assert!(words.len() > 4 && words.ends_with('.'), "{name}.{property}: {words:?}");
            let typed =
                ["type", "enum", "const", "$ref", "anyOf"].iter().any(|k| of.get(k).is_some());
            assert!(typed, "{name}.{property} has no type");
        });
    }
}

#[test]
fn an_object_requires_all_that_it_describes() {
    fn each_object(schema: &Value, visit: &mut impl FnMut(&Value)) {
        if schema.get("properties").is_some_and(Value::is_object) && schema["required"].is_array() {
            visit(schema);
        }
        match schema {
            Value::Object(members) => members.values().for_each(|m| each_object(m, visit)),
            Value::Array(items) => items.iter().for_each(|m| each_object(m, visit)),
            _ => {}
        }
    }
    for name in ALL_SCHEMAS {
        each_object(&schema(name), &mut |object| {
            let described: BTreeSet<_> =
                object["properties"].as_object().unwrap().keys().map(String::as_str).collect();
            let required: BTreeSet<_> =
                object["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            assert_eq!(described, required, "{name}: nothing is ever left out");
        });
    }
}

#[test]
fn errors_fit_their_schema_and_stand_alone_on_one_line_of_standard_error() {
    let schema = schema("error");
    let set = Set::of(&sets(1));
    let conf = set.root().join("bad.conf");
    fs::write(&conf, "appenddirname a/b\n").unwrap();
    let calls: [(&[&str], &str, i32); 5] = [
        (&["check", "--json", "no/such/path"], "not-found", 10),
        (&["inspect", "--format", "json", "no/such/path"], "not-found", 10),
        (&["check", "--json", "--conf", conf.to_str().unwrap()], "configuration", 1),
        (&["check", "--json", "--no-such-flag"], "usage", 2),
        (&["check", "--json", "--limit-rate", "fast", "."], "usage", 2),
    ];
    for (words, kind, code) in calls {
        let run = run(words).expect(code);
        assert_eq!(run.out, "", "{words:?}");
        assert_eq!(run.err.lines().count(), 1, "{words:?}: {}", run.err);
        let error: Value = serde_json::from_str(&run.err).unwrap();
        assert_fits(&schema, &error, kind);
        assert_eq!(error["error"]["kind"], kind, "{words:?}");
    }
}

#[test]
fn the_list_of_schemas_names_what_outputs_say_of_themselves() {
    let list = run(["schema"]).expect(0).out;
    let (_, checked) = check_json(&recorded("redis-8.2.3/rdb-base"));
    let inspected = inspect_json(&recorded("redis-8.2.3/rdb-base"));
    for output in [checked, inspected] {
        assert!(list.contains(output["schema"].as_str().unwrap()), "{list}");
    }
    let all: Value = serde_json::from_str(&run(["schema", "--json"]).expect(0).out).unwrap();
    assert_eq!(all["check"], schema("check"));
    run(["schema", "nonsense"]).expect(2);
}

#[test]
fn completions_are_made_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = run(["completions", shell]).expect(0);
        assert!(run.out.contains("inspect") && run.out.contains("limit-rate"), "{shell}");
    }
    run(["completions", "cobol"]).expect(2);
    run(["completions"]).expect(2);
}

#[test]
fn manual_pages_are_printed_or_written_for_every_verb() {
    let page = run(["man", "check"]).expect(0).out;
    assert!(page.contains(".TH aofkit-check 1") && page.contains("limit\\-rate"), "{page}");
    assert!(run(["man"]).expect(0).out.contains(".TH aofkit 1"));
    run(["man", "nonsense"]).expect(2);
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("man1");
    // The second time the pages are there already.
    for _ in 0..2 {
        let run = run(["man", "--output", target.to_str().unwrap()]).expect(0);
        assert_eq!((run.out.as_str(), run.err.as_str()), ("", ""));
    }
    for verb in [
        "",
        "-inspect",
        "-check",
        "-stats",
        "-cat",
        "-growth",
        "-metrics",
        "-schema",
        "-completions",
        "-man",
    ] {
        let page = fs::read_to_string(target.join(format!("aofkit{verb}.1"))).unwrap();
        assert!(page.contains(".SH NAME"), "{verb}");
    }
    run(["man", "--output", dir.path().join("a/b").to_str().unwrap()]).expect(10);
}
