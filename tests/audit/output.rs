//! What is printed, and how a run ends.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::asked::{audit, findings, report};
use crate::schema::faults;
use crate::sets::{Args, by_conf, private, set_at};

fn words(args: &Args, more: &[&str]) -> Args {
    args.iter().cloned().chain(more.iter().map(Into::into)).collect()
}

#[test]
fn json_is_what_its_schema_says() {
    let dir = private();
    let mut args = by_conf(dir.path(), "appendonly no\nhz 10 # x\ntimeout 1\ntimeout 2");
    args.push(set_at(dir.path(), &["SET a 1"]).into());
    let args = words(&args, &["--repo", dir.path().to_str().unwrap(), "--ignore", "AOF-117"]);
    let report = report(&args);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schemas/audit.json");
    let schema: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    assert_eq!(faults(&schema, &report), Vec::<String>::new());
    assert_eq!(report["total"]["ignored"], 1);
    assert_eq!(report["total"]["errors"].as_u64().unwrap(), 2);
    let severities: Vec<_> = findings(&report).iter().map(|one| one["severity"].clone()).collect();
    assert_eq!(severities[0], "error", "the most severe first");
}

#[test]
fn findings_make_an_exit_status_only_where_that_is_asked_for() {
    let dir = private();
    let args = by_conf(dir.path(), "rdbchecksum no");
    for (more, code) in [
        (&[][..], 0),
        (&["--fail-on", "error"], 0),
        (&["--fail-on", "warning"], 30),
        (&["--fail-on", "warning", "--ignore", "rdbchecksum-off"], 0),
        (&["--fail-on", "warning", "--ignore", "aof-013"], 0),
        (&["--fail-on", "info"], 2),
        (&["--ignore", "no-such-rule"], 2),
        (&["--format", "csv"], 2),
    ] {
        let answer = audit(&words(&args, more));
        assert_eq!(answer.code, code, "{more:?}: {}", answer.err);
    }
    for (args, code) in [
        (vec![], 2),
        (vec!["/no/such/path"], 10),
        (vec!["--conf", "/no/such.conf"], 10),
        (vec!["/no/such/path", "/no/such/other"], 10),
    ] {
        assert_eq!(audit(&args).code, code, "{args:?}");
    }
}

#[test]
fn several_paths_are_looked_at_and_what_cannot_be_is_told() {
    let (one, two) = (private(), private());
    let sets = [set_at(one.path(), &["SET a 1"]), set_at(two.path(), &["SET a 1"])];
    let both = report(&sets);
    assert_eq!(both["source"]["sets"].as_array().unwrap().len(), 2);
    let answer = audit(&[sets[0].as_os_str(), "/no/such/path".as_ref()]);
    assert_eq!(answer.code, 1, "{}", answer.err);
    assert!(answer.err.contains("/no/such/path"), "{}", answer.err);
    assert!(answer.out.contains("Looked at: set"), "{}", answer.out);
}

#[test]
fn a_path_alone_says_nothing_of_settings() {
    let dir = private();
    let report = report(&[set_at(dir.path(), &["SET a 1"])]);
    assert_eq!(findings(&report), &[] as &[Value]);
}

#[test]
fn text_fits_the_screen_and_names_place_and_line_to_write() {
    let dir = private();
    let answer = audit(&by_conf(dir.path(), "appendfsync no"));
    assert!(answer.out.contains("AOF-003 error appendfsync"), "{}", answer.out);
    assert!(answer.out.contains("Write: appendfsync everysec"), "{}", answer.out);
    assert!(answer.out.ends_with("1 error, 0 warnings, 0 infos\n"), "{}", answer.out);
}

/// The parts of the format that scanners rely on; the whole document was also held against the published schema.
#[test]
fn sarif_names_every_rule_and_every_finding_points_to_one() {
    let dir = private();
    let mut args = by_conf(dir.path(), "appendfsync no\nrdbchecksum no");
    args.push(set_at(dir.path(), &["SET a 1"]).into());
    let answer = audit(&words(&args, &["--format", "sarif"]));
    let log: Value = serde_json::from_str(&answer.out).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), aofkit::audit::rules().count());
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for result in results {
        let index = result["ruleIndex"].as_u64().unwrap() as usize;
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(["error", "warning", "note"].iter().any(|level| result["level"] == *level));
        let place = &result["locations"][0]["physicalLocation"];
        assert!(place["artifactLocation"]["uri"].as_str().unwrap().starts_with("file:///"));
        assert!(place["region"]["startLine"].as_u64().unwrap() > 0);
    }
}
