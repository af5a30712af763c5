//! The list, and what is made of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use aofkit::metrics::{
    ALERTS, METRICS, MetricKind, Samples, Unit, alert_rules, dashboard, dashboard_queries,
    metrics_page,
};
use serde_json::Value;

use crate::promtool;
use crate::support::server::servers_dir;
use crate::world::run;

#[test]
fn names_say_unit_and_kind_and_no_label_holds_a_key() {
    let mut names = BTreeSet::new();
    for metric in METRICS {
        let name = metric.name;
        assert!(names.insert(name), "{name} stands twice");
        assert!(name.starts_with("aof_"), "{name}");
        let stem = name.strip_suffix("_total");
        assert_eq!(stem.is_some(), metric.kind == MetricKind::Counter, "{name}");
        assert!(stem.unwrap_or(name).ends_with(metric.unit.ending()), "{name}");
        let is_time = name.ends_with("_timestamp_seconds");
        assert_eq!(is_time, metric.unit == Unit::Timestamp, "{name}");
        for label in metric.labels {
            let known = ["set", "role", "severity", "kind", "verdict", "source", "repository"];
            let others = ["server", "version", "rule"];
            assert!(known.contains(label) || others.contains(label), "{name}: {label}");
        }
        assert!(!metric.help.ends_with('.') && metric.help.len() < 130, "{name}: {}", metric.help);
    }
    // What the contract promises.
    for promised in [
        "aof_size_bytes",
        "aof_files",
        "aof_growth_ratio",
        "aof_rewrite_at_bytes",
        "aof_commands",
        "aof_check_success",
        "aof_check_problems",
        "aof_check_timestamp_seconds",
        "aof_disk_free_bytes",
        "aof_leftover_bytes",
        "aof_backup_last_success_timestamp_seconds",
        "aof_backup_new_bytes",
    ] {
        assert!(names.contains(promised), "{promised}");
    }
}

/// Names of metrics in a query.
fn named(query: &str) -> impl Iterator<Item = &str> {
    let words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("aof_"))
}

#[test]
fn alerts_and_dashboard_ask_only_for_what_is_in_the_list() {
    let is_known = |name: &str| METRICS.iter().any(|metric| metric.name == name);
    let queries = dashboard_queries();
    assert!(queries.len() > 20);
    for query in ALERTS.iter().map(|alert| alert.expr).chain(queries) {
        assert!(named(query).count() > 0, "{query}");
        let unknown: Vec<_> = named(query).filter(|name| !is_known(name)).collect();
        assert_eq!(unknown, Vec::<&str>::new(), "{query}");
    }
}

#[test]
fn every_label_in_a_query_is_one_of_its_metric() {
    for query in ALERTS.iter().map(|alert| alert.expr).chain(dashboard_queries()) {
        for metric in METRICS {
            for (_, rest) in query.match_indices(metric.name).map(|(at, _)| query.split_at(at)) {
                let rest = &rest[metric.name.len()..];
                let Some(selector) = rest.strip_prefix('{') else { continue };
                for matcher in selector.split('}').next().unwrap().split("\",") {
                    let label = matcher.split(['=', '!']).next().unwrap();
                    assert!(metric.labels.contains(&label), "{query}: {label}");
                }
            }
        }
    }
}

#[test]
fn what_is_in_docs_is_what_is_made() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    for (name, what, made) in [
        ("metrics.md", "list", metrics_page()),
        ("alerts.yml", "alerts", alert_rules()),
        ("dashboard.json", "dashboard", dashboard()),
    ] {
        let there = fs::read_to_string(docs.join(name)).unwrap_or_default();
        assert!(there == made, "write it anew: aofkit metrics --print {what} > docs/{name}");
        assert_eq!(run(["metrics", "--print", what]).expect(0).out, made);
    }
}

#[test]
fn the_dashboard_has_panels_that_lie_beside_each_other_and_queries_that_prometheus_reads() {
    let made: Value = serde_json::from_str(&dashboard()).unwrap();
    let panels = made["panels"].as_array().unwrap();
    let place = |panel: &Value, side: &str| panel["gridPos"][side].as_u64().unwrap();
    let mut taken = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
        assert!(place(panel, "x") + place(panel, "w") <= 24, "{panel}");
        for x in place(panel, "x")..place(panel, "x") + place(panel, "w") {
            for y in place(panel, "y")..place(panel, "y") + place(panel, "h") {
                assert!(taken.insert((x, y)), "something lies there already: {panel}");
            }
        }
        let targets = panel["targets"].as_array().map_or(&[][..], |all| all);
        assert_eq!(targets.is_empty(), panel["type"] == "row", "{panel}");
        let letters: BTreeSet<_> = targets.iter().map(|t| t["refId"].as_str().unwrap()).collect();
        assert_eq!(letters.len(), targets.len(), "{panel}");
    }
    if !promtool::is_there() {
        return;
    }
    // A rule that records each query, so that its grammar is read.
    let dir = tempfile::tempdir().unwrap();
    let rule = |(at, query): (usize, &str)| {
        let query = query.replace("$__rate_interval", "5m").replace('\'', "''");
        format!("      - record: panel:query:{at}\n        expr: '{query}'\n")
    };
    let rules: String = dashboard_queries().into_iter().enumerate().map(rule).collect();
    fs::write(dir.path().join("r.yml"), format!("groups:\n  - name: q\n    rules:\n{rules}"))
        .unwrap();
    promtool::must(&["check", "rules", "r.yml"], dir.path(), "");
}

#[test]
fn the_dashboard_is_known_to_the_types_of_grafana() {
    let python =
        servers_dir().and_then(|servers| Some(servers.parent()?.join("python/bin/python")));
    let Some(python) = python.filter(|python| python.is_file()) else {
        return println!("did not run: the types of Grafana are not installed");
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (script, dir) = (root.join("tests/servers/dashboard"), tempfile::tempdir().unwrap());
    let said = |text: &str| {
        let file = dir.path().join("d.json");
        fs::write(&file, text).unwrap();
        let output = Command::new(&python).arg(&script).arg(&file).output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned() + &err)
    };
    let (is_known, words) = said(&dashboard());
    assert!(is_known, "{words}");
    // The test would see a word that is none.
    let (is_known, words) = said(&dashboard().replace("legendFormat", "legendFormats"));
    assert!(!is_known && words.contains("legendFormats is unknown"), "{words}");
}

#[test]
fn values_and_labels_are_escaped_as_the_format_says() {
    use aofkit::metrics::list::{CHECK_SUCCESS, DISK_FREE, GROWTH};
    let mut all = Samples::default();
    all.add(&DISK_FREE, &["a \"b\"\\\n\u{fc}"], u64::MAX);
    all.add(&GROWTH, &["s"], 0.25);
    all.add(&GROWTH, &["no number"], f64::NAN);
    all.add(&CHECK_SUCCESS, &["s"], true);
    all.add_known(&CHECK_SUCCESS, &["unknown"], None::<bool>);
    let text = all.text();
    let lines: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let expected = [
        "aof_check_success{set=\"s\"} 1",
        "aof_growth_ratio{set=\"s\"} 0.25",
        "aof_disk_free_bytes{set=\"a \\\"b\\\"\\\\\\n\u{fc}\"} 18446744073709551615",
    ];
    assert_eq!(lines, expected);
    if promtool::is_there() {
        promtool::check_metrics(&text);
    }
}
