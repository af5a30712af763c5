//! What a restart would change: the running server against its file.

use std::collections::{BTreeMap, BTreeSet};

use crate::audit::compared::{Difference, differing};
use crate::audit::finding::{Finding, Fix, Place};
use crate::audit::rule::{Group, Rule};
use crate::audit::settings::{Seen, Value, canonical};
use crate::audit::subject::Subject;
use crate::check::Severity::{Info, Warning};
use crate::disk;
use crate::format::conf::{is_secret, quoted};
use crate::rules::Target;
use crate::server::ServerSeen;
use crate::text;

static DIFFERS: Rule = Rule::new(
    "AOF-017",
    "differs-from-file",
    (Group::Persistence, Warning),
    "The running server has another value than its configuration.",
    "The next restart changes it, at a moment when nobody thinks of it.",
);
static ARGUMENTS: Rule = Rule::new(
    "AOF-018",
    "started-with-arguments",
    (Group::Persistence, Warning),
    "The running server was started with arguments that overrule its configuration.",
    "Whoever starts it in another way, or reads the file alone, gets another server.",
);
static OTHER_FILE: Rule = Rule::new(
    "AOF-019",
    "other-configuration-file",
    (Group::Persistence, Warning),
    "The running server was started with another configuration file, or with none.",
    "The file that was judged is not the one that counts, and CONFIG REWRITE cannot write to it.",
);

pub(super) static RULES: [&Rule; 3] = [&DIFFERS, &ARGUMENTS, &OTHER_FILE];

/// `by_all` judges by all rules.
pub(super) fn judge(
    subject: &Subject,
    findings: &mut Vec<Finding>,
    by_all: &dyn Fn(&Subject) -> Vec<Finding>,
) {
    let Some(server) = &subject.server else { return };
    arguments(server, findings);
    let Some(conf) = &subject.conf else { return };
    let names: BTreeSet<_> = server.settings.keys().map(|name| canonical(name)).collect();
    let differing = names.iter().filter_map(|name| Some((name.clone(), differing(subject, name)?)));
    let differing: BTreeMap<_, _> = differing.collect();
    let running = running_faults(subject, &differing, by_all);
    match other_file(server, &conf.path) {
        // What the files say differs for that reason.
        Some(finding) => findings.push(finding),
        None => {
            let told = differing.iter().map(|(name, both)| {
                let is_fault =
                    |one: &&Finding| one.severity > Info && setting_of(one).as_ref() == Some(name);
                let fault = running.iter().find(is_fault);
                differs(both, fault)
            });
            findings.extend(told);
        }
    }
    findings.extend(running);
}

/// What breaks a rule in the running server alone: the server as if no file had been named, and of that the settings that
/// are others than in the file. The file's own are judged by themselves.
fn running_faults(
    subject: &Subject,
    differing: &BTreeMap<String, Difference>,
    by_all: &dyn Fn(&Subject) -> Vec<Finding>,
) -> Vec<Finding> {
    let server = Subject {
        target: subject.target,
        server: subject.server.clone(),
        machine: subject.machine.clone(),
        now: subject.now,
        ..Subject::default()
    };
    let is_of_difference = |one: &Finding| {
        setting_of(one).is_some_and(|name| {
            // Whether the server keeps anything at all follows from both.
            differing.contains_key(&name) || name == "appendonly" && differing.contains_key("save")
        })
    };
    by_all(&server).into_iter().filter(is_of_difference).collect()
}

/// The setting of a running server that a finding is about.
fn setting_of(finding: &Finding) -> Option<String> {
    match &finding.place {
        Place::Setting { name, .. } => Some(canonical(name)),
        _ => None,
    }
}

/// A difference, and what the running value is found to be wrong by, if anything.
fn differs(both: &Difference, fault: Option<&Finding>) -> Finding {
    let Difference { in_file, running } = both;
    let file = match in_file.is_default {
        true => format!("the configuration is silent, and the default is {}", shown(in_file)),
        false => format!("the configuration has {}", shown(in_file)),
    };
    let seen = format!("{}: {file}; the running server has {}", running.name, shown(running));
    let finding = Finding::new(&DIFFERS, in_file.place.clone(), seen);
    if let Some(fault) = fault {
        let finding = finding.as_severe_as(fault.severity.max(Warning));
        return as_in_file(finding, both).with(Fix::text(format!(
            "The running value is wrong by {} ({}): CONFIG REWRITE would write it into the file.",
            fault.rule.id, fault.rule.name
        )));
    }
    let finding = match (&running.value, is_secret(&running.name)) {
        (Value::Plain(words), false) => {
            let words: Vec<_> = words.iter().map(|word| quoted(word)).collect();
            finding.with(Fix::line(format!("{} {}", running.name, words.join(" "))))
        }
        _ => finding,
    };
    finding.with(Fix::command("CONFIG REWRITE")).with(Fix::text(
        "Write the running value into the file (CONFIG REWRITE does that), or set the file's value with CONFIG SET.",
    ))
}

/// With the command that gives the running server the value of the file.
fn as_in_file(finding: Finding, both: &Difference) -> Finding {
    let Value::Plain(words) = &both.in_file.value else { return finding };
    let value = quoted(&words.join(&b' '));
    finding.with(Fix::command(format!("CONFIG SET {} {value}", both.running.name)))
}

fn shown(seen: &Seen) -> String {
    match &seen.value {
        Value::Secret(_) => "a value that is not shown".to_owned(),
        Value::Plain(words) if words.iter().all(Vec::is_empty) => "no value".to_owned(),
        Value::Plain(words) => text::name(&words.join(&b' ')),
    }
}

fn other_file(server: &ServerSeen, conf: &std::path::Path) -> Option<Finding> {
    let own = server.state.config_file.as_deref()?;
    let place = Place::Setting { server: server.address.clone(), name: "config_file".to_owned() };
    let seen = match own {
        "" => "it was started without a file".to_owned(),
        own => {
            // A path of another machine or container is another name, and proves nothing.
            let own_path = disk::real_path(own.as_ref()).ok()?;
            if own_path == disk::real_path(conf).ok()? {
                return None;
            }
            format!("it was started with {}", text::name(own.as_bytes()))
        }
    };
    let conf = text::path(conf);
    Some(Finding::new(&OTHER_FILE, place, seen).with(Fix::text(format!(
        "Start it with {conf}, or name the file that it was started with as --conf."
    ))))
}

/// Arguments of the process, where it is one of this machine and still shows them.
fn arguments(server: &ServerSeen, findings: &mut Vec<Finding>) {
    let Some(pid) = server.state.process_id else { return };
    let works_in = disk::working_directory(pid).and_then(|dir| disk::real_path(&dir).ok());
    let says = server.state.dir.as_deref().and_then(|dir| disk::real_path(dir).ok());
    if works_in.is_none() || works_in != says {
        return;
    }
    let words = disk::command_line(pid).unwrap_or_default();
    let options = words.iter().skip(1).filter_map(|word| word.strip_prefix(b"--"));
    // Of the words behind an option none is shown: one may be a password. What starts the program may have options, too.
    let names = options
        .map(|option| option.split(|byte| byte.is_ascii_whitespace()).next().unwrap_or_default());
    let is_known = |name: &&[u8]| {
        Target::recorded().iter().any(|one| one.rules.directives.has(&name.to_ascii_lowercase()))
    };
    let names: Vec<_> = names.filter(is_known).map(text::name).collect();
    if names.is_empty() {
        return;
    }
    let place = Place::Machine(format!("/proc/{pid}/cmdline"));
    findings.push(Finding::new(&ARGUMENTS, place, names.join(", ")).with(Fix::text(
        "Write these settings into the file, and start the server with the file alone.",
    )));
}
