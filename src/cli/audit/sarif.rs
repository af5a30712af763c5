//! `audit` for code scanners: Static Analysis Results Interchange Format 2.1.0.

use std::path::Path;

use aofkit::audit::{Finding, Fix, Place, Report, Rule, rules};
use aofkit::check::Severity;
use serde::Serialize;

use crate::cli::common::json::{VERSION, pretty};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Serialize)]
struct Run {
    tool: Tool,
    results: Vec<ResultOfRule>,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    semantic_version: &'static str,
    rules: Vec<Descriptor>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    id: &'static str,
    name: String,
    short_description: Message,
    full_description: Message,
    default_configuration: Configuration,
    properties: Properties,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
struct Properties {
    tags: [&'static str; 1],
}

#[derive(Serialize)]
struct Message {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultOfRule {
    rule_id: &'static str,
    rule_index: usize,
    level: &'static str,
    message: Message,
    locations: [Location; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    #[serde(skip_serializing_if = "Option::is_none")]
    physical_location: Option<Physical>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logical_locations: Vec<Logical>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Artifact,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

#[derive(Serialize)]
struct Artifact {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Logical {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fully_qualified_name: Option<String>,
}

pub fn audit(report: &Report) -> String {
    pretty(&Log {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: "aofkit",
                    semantic_version: VERSION,
                    rules: rules().map(descriptor).collect(),
                },
            },
            results: report.findings.iter().map(result).collect(),
        }],
    })
}

fn descriptor(rule: &Rule) -> Descriptor {
    let text = |text: &str| Message { text: text.to_owned() };
    Descriptor {
        id: rule.id,
        name: camel(rule.name),
        short_description: text(rule.title),
        full_description: text(&format!("{} {}", rule.title, rule.why)),
        default_configuration: Configuration { level: level(rule.severity) },
        properties: Properties { tags: [rule.group.as_str()] },
    }
}

/// The name of a rule in the form that the format asks for: `AppendonlyOff`.
fn camel(name: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_ascii_uppercase() + rest
    };
    name.split('-').map(word).collect()
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

fn result(finding: &Finding) -> ResultOfRule {
    let mut text = format!("{} Seen: {}.", finding.rule.title, finding.seen.trim_end_matches('.'));
    for fix in &finding.fix {
        text += &match fix {
            Fix::Line(line) => format!(" Write: {line}"),
            Fix::Command(command) => format!(" Run: {command}"),
            Fix::Text(words) => format!(" {words}"),
        };
    }
    ResultOfRule {
        rule_id: finding.rule.id,
        rule_index: rules().position(|rule| rule == finding.rule).unwrap_or_default(),
        level: level(finding.severity),
        message: Message { text },
        locations: [location(&finding.place)],
    }
}

fn location(place: &Place) -> Location {
    let physical_location = place.file().map(|file| Physical {
        artifact_location: Artifact { uri: uri(file) },
        region: place.line().map(|start_line| Region { start_line }),
    });
    let logical = place.name().map(|name| Logical {
        name: name.to_owned(),
        fully_qualified_name: place.server().map(|server| format!("{server}/{name}")),
    });
    Location { physical_location, logical_locations: logical.into_iter().collect() }
}

/// A path as a reference to it: bytes that mean something else there are escaped.
fn uri(path: &Path) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let bytes = path.as_os_str().as_encoded_bytes();
    let escaped = bytes.iter().map(|&byte| match is_plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    });
    let escaped: String = escaped.collect();
    if path.is_absolute() { format!("file://{escaped}") } else { escaped }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_names_have_the_form_that_the_format_asks_for() {
        assert_eq!(uri("/etc/my conf".as_ref()), "file:///etc/my%20conf");
        assert_eq!(uri("a/b#c.conf".as_ref()), "a/b%23c.conf");
        assert_eq!(camel("rewrite-fires-all-the-time"), "RewriteFiresAllTheTime");
    }
}
