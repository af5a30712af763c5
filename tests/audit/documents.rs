//! docs/audit.md is made from the rules.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use aofkit::audit::{Group, rules};

const HEAD: &str = "\
# The rules of the audit

`aofkit audit` judges configuration, running server, files and machine by these rules. A rule speaks only of what was
seen: where a setting, a server or a file is not known, it is silent. A setting is looked up in the configuration
(`--conf`, the last line counts), then in the running server (`--server`), then in the recorded defaults of its version.
Where a running server has another value than its file, that value is judged as well.
A finding may weigh less or more than its rule. `--ignore` leaves out a rule by number or name, and `--fail-on` makes
findings an exit status. This page is made from the rules themselves.
";

/// What a group is about.
const fn title(group: Group) -> &'static str {
    match group {
        Group::Persistence => "Persistence",
        Group::Rewrite => "Rewrites",
        Group::Capacity => "Capacity and permissions",
        Group::Memory => "Memory and kernel",
        Group::Cluster => "Cluster",
        Group::Sentinel => "Sentinel",
        Group::Security => "Security",
        Group::ElastiCache => "ElastiCache",
        Group::Syntax => "The lines of the file",
        Group::Versions => "Versions",
    }
}

fn document() -> String {
    let mut text = HEAD.to_owned();
    for group in Group::ALL {
        let own: Vec<_> = rules().filter(|rule| rule.group == group).collect();
        if own.is_empty() {
            continue;
        }
        writeln!(
            text,
            "\n## {}\n\n| rule | severity | what is wrong, and why it matters |\n|---|---|---|",
            title(group)
        )
        .unwrap();
        for rule in own {
            let severity = rule.severity.as_str();
            writeln!(
                text,
                "| {} `{}` | {severity} | {} {} |",
                rule.id, rule.name, rule.title, rule.why
            )
            .unwrap();
        }
    }
    text
}

#[test]
fn the_page_of_rules_is_made_from_the_rules() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/audit.md");
    let wanted = document();
    if std::env::var_os("AOFKIT_WRITE_DOCS").is_some() {
        fs::write(&path, &wanted).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == wanted,
        "docs/audit.md is not what the rules say: run this test with AOFKIT_WRITE_DOCS=1"
    );
}
