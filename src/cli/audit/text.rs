//! `audit` for people.

use aofkit::audit::{Finding, Fix, Report, Subject};
use aofkit::check::Severity;
use aofkit::text::{count, path};

use super::gather::Gathered;
use crate::cli::common::layout::wrap;
use crate::cli::common::units::Style;
use crate::cli::common::view::View;

pub fn audit(gathered: &Gathered, report: &Report, view: &View) -> String {
    let style = view.style;
    let mut text =
        format!("{}\n", style.bold(&wrap(&looked_at(&gathered.subject), style.width, "")));
    if let Some(line) = withheld(&gathered.subject) {
        text += &format!("{}\n", wrap(&line, style.width, ""));
    }
    for one in &report.findings {
        text += "\n";
        text += &finding(one, style);
    }
    text += &format!("\n{}\n", style.bold(&total(report)));
    text
}

/// What was looked at, in one line.
fn looked_at(subject: &Subject) -> String {
    let mut parts = Vec::new();
    let confs = subject.conf.iter().chain(&subject.beside);
    parts.extend(confs.map(|conf| format!("configuration {}", path(&conf.path))));
    parts.extend(subject.server.as_ref().map(|server| format!("server {}", server.address)));
    match &subject.sets[..] {
        [] => {}
        [one] => parts.push(format!("set {}", path(&one.aof.path))),
        several => parts.push(count(several.len() as u64, "set")),
    }
    let nodes = subject.nodes.iter().map(|one| format!("node file {}", path(&one.path)));
    parts.extend(few(nodes.collect(), "node file"));
    let sentinels = subject.sentinels.iter().map(|one| format!("Sentinel {}", path(&one.path)));
    parts.extend(few(sentinels.collect(), "Sentinel configuration"));
    let described = subject.elasticache.iter().map(|one| match one.is_empty() {
        true => format!("ElastiCache {}, which lists nothing", path(&one.path)),
        false => format!("ElastiCache {}", path(&one.path)),
    });
    parts.extend(described);
    // What a server does matters for its own files alone.
    let is_of_server =
        subject.conf.is_some() || subject.server.is_some() || !subject.sets.is_empty();
    let by = match subject.target {
        Some(target) => format!(", by the ways of {target}"),
        None if is_of_server => ", by what all recorded servers agree on".to_owned(),
        None => String::new(),
    };
    format!("Looked at: {}{by}", parts.join(", "))
}

/// Each of a few, or how many they are.
fn few(named: Vec<String>, what: &str) -> Vec<String> {
    const FEW: usize = 3;
    match named.len() {
        0..=FEW => named,
        many => vec![count(many as u64, what)],
    }
}

/// What the server did not tell, and so was not judged.
fn withheld(subject: &Subject) -> Option<String> {
    let server = subject.server.as_ref()?;
    let why = server.withheld.as_ref()?;
    Some(format!("Not judged: the settings of the server, which it does not tell: {why}"))
}

fn finding(one: &Finding, style: Style) -> String {
    let rule = one.rule;
    let severity = match one.severity {
        Severity::Error => style.bad("error"),
        Severity::Warning => style.warn("warning"),
        Severity::Info => "info".to_owned(),
    };
    let mut text = format!("{} {severity} {}\n", rule.id, style.bold(rule.name));
    let mut line = |words: &str| text += &format!("{}\n", wrap(words, style.width, "  "));
    line(&format!("{} {}", rule.title, rule.why));
    line(&format!("Seen: {} ({})", one.seen, one.place));
    for fix in &one.fix {
        line(&match fix {
            Fix::Line(text) => format!("Write: {text}"),
            Fix::Command(text) => format!("Run: {text}"),
            Fix::Text(text) => text.clone(),
        });
    }
    text
}

fn total(report: &Report) -> String {
    let of = |severity, what: &str| count(report.count(severity) as u64, what);
    let mut text = format!(
        "{}, {}, {}",
        of(Severity::Error, "error"),
        of(Severity::Warning, "warning"),
        of(Severity::Info, "info")
    );
    if report.ignored > 0 {
        text += &format!(" ({} ignored)", count(report.ignored as u64, "finding"));
    }
    text
}
