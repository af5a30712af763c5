//! Managed servers, by JSON made after the public reference of that cloud's command line.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::asked::audit;
use crate::cases::{Case, Given};

pub const CASES: &[Case] = &[
    Case {
        rule: "elasticache-appendonly",
        breaks: Given::Made(|dir| log(dir, "redis7", "cache.r6g.large")),
        holds: Given::Made(|dir| log(dir, "redis2.6", "cache.m3.large")),
    },
    Case {
        rule: "elasticache-appendonly-node",
        breaks: Given::Made(|dir| log(dir, "redis2.6", "cache.t2.medium")),
        holds: Given::Made(|dir| log(dir, "redis2.6", "cache.m3.large")),
    },
    Case {
        rule: "elasticache-failover",
        breaks: Given::Made(|dir| group(dir, "/AutomaticFailover", json!("disabled"))),
        holds: Given::Made(sound),
    },
    Case {
        rule: "elasticache-multi-az",
        breaks: Given::Made(|dir| group(dir, "/MultiAZ", json!("disabled"))),
        holds: Given::Made(sound),
    },
    Case {
        rule: "elasticache-snapshots",
        breaks: Given::Made(|dir| group(dir, "/SnapshotRetentionLimit", json!(0))),
        holds: Given::Made(sound),
    },
    Case {
        rule: "elasticache-replicas",
        breaks: Given::Made(|dir| group(dir, "/NodeGroups/0/NodeGroupMembers", json!([{}]))),
        holds: Given::Made(sound),
    },
    Case {
        rule: "elasticache-one-zone",
        breaks: Given::Made(|dir| {
            group(
                dir,
                "/NodeGroups/0/NodeGroupMembers/1/PreferredAvailabilityZone",
                json!("eu-west-1a"),
            )
        }),
        holds: Given::Made(sound),
    },
    Case {
        rule: "elasticache-transit-encryption",
        breaks: Given::Made(|dir| group(dir, "/TransitEncryptionEnabled", json!(false))),
        holds: Given::Made(sound),
    },
    Case {
        rule: "elasticache-at-rest-encryption",
        breaks: Given::Made(|dir| group(dir, "/AtRestEncryptionEnabled", json!(false))),
        holds: Given::Made(sound),
    },
    Case {
        rule: "elasticache-auth",
        breaks: Given::Made(|dir| group(dir, "/AuthTokenEnabled", json!(false))),
        holds: Given::Made(sound),
    },
    Case {
        rule: "elasticache-policy",
        breaks: Given::Made(|dir| parameter(dir, "maxmemory-policy", "noeviction")),
        holds: Given::Made(|dir| parameter(dir, "maxmemory-policy", "volatile-lru")),
    },
    Case {
        rule: "elasticache-reserved-memory",
        breaks: Given::Made(|dir| parameter(dir, "reserved-memory-percent", "10")),
        holds: Given::Made(|dir| parameter(dir, "reserved-memory-percent", "25")),
    },
    Case {
        rule: "elasticache-single-node",
        breaks: Given::Made(|dir| cluster(dir, "/ReplicationGroupId", Value::Null)),
        holds: Given::Made(|dir| cluster(dir, "/EngineVersion", json!("7.1.0"))),
    },
    Case {
        rule: "elasticache-alarms",
        breaks: Given::Made(|dir| Some(named(&[recorded(dir, "replication-groups.json")]))),
        holds: Given::Made(sound),
    },
    Case {
        rule: "elasticache-upgrades",
        breaks: Given::Made(|dir| group(dir, "/AutoMinorVersionUpgrade", json!(false))),
        holds: Given::Made(sound),
    },
    Case {
        rule: "elasticache-version",
        breaks: Given::Made(|dir| cluster(dir, "/EngineVersion", json!("5.0.6"))),
        holds: Given::Made(|dir| cluster(dir, "/EngineVersion", json!("7.1.0"))),
    },
];

type Args = Option<Vec<OsString>>;

fn named(files: &[PathBuf]) -> Vec<OsString> {
    files.iter().flat_map(|file| ["--parameter-group".into(), file.clone().into()]).collect()
}

fn sample(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/elasticache").join(name);
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn write(dir: &Path, name: &str, value: &Value) -> PathBuf {
    let path = dir.join(name);
    fs::write(&path, value.to_string()).unwrap();
    path
}

/// A sample as it is.
fn recorded(dir: &Path, name: &str) -> PathBuf {
    write(dir, name, &sample(name))
}

/// A sample with one value for another, and all alarms set.
fn changed(dir: &Path, name: &str, pointer: &str, value: Value) -> Args {
    let mut all = sample(name);
    *all.pointer_mut(pointer).unwrap() = value;
    Some(named(&[write(dir, name, &all), recorded(dir, "alarms.json")]))
}

fn group(dir: &Path, pointer: &str, value: Value) -> Args {
    changed(dir, "replication-groups.json", &format!("/ReplicationGroups/0{pointer}"), value)
}

fn cluster(dir: &Path, pointer: &str, value: Value) -> Args {
    changed(dir, "cache-clusters.json", &format!("/CacheClusters/0{pointer}"), value)
}

fn sound(dir: &Path) -> Args {
    group(dir, "/Status", json!("available"))
}

fn parameter(dir: &Path, name: &str, value: &str) -> Args {
    let mut all = sample("cache-parameters.json");
    let list = all["Parameters"].as_array_mut().unwrap();
    let found = list.iter_mut().find(|one| one["ParameterName"] == name).unwrap();
    found["ParameterValue"] = json!(value);
    Some(named(&[write(dir, "parameters.json", &all)]))
}

/// `appendonly yes` in a group of this family, and a group on such nodes.
fn log(dir: &Path, family: &str, node: &str) -> Args {
    let mut args = parameter(dir, "appendonly", "yes")?;
    let mut groups = sample("cache-parameter-groups.json");
    groups["CacheParameterGroups"][0]["CacheParameterGroupFamily"] = json!(family);
    args.extend(named(&[write(dir, "groups.json", &groups)]));
    args.extend(group(dir, "/CacheNodeType", json!(node))?);
    Some(args)
}

#[test]
fn other_json_and_other_text_are_named() {
    let dir = tempfile::tempdir().unwrap();
    for (text, told) in [("{\"a\": 1}", "CacheParameterGroups"), ("no json", "JSON")] {
        let path = dir.path().join("x.json");
        fs::write(&path, text).unwrap();
        let answer = audit(&["--parameter-group".into(), path.into_os_string()]);
        assert_eq!(answer.code, 1, "{}", answer.out);
        assert!(answer.err.contains(told), "{}", answer.err);
    }
}
