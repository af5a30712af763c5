//! What a restart would change: the running server against its file.

use std::collections::BTreeSet;

use crate::audit::finding::{Finding, Fix, Place};
use crate::audit::rule::{Group, Rule};
use crate::audit::settings::{Seen, Value, canonical};
use crate::audit::subject::Subject;
use crate::check::Severity::Warning;
use crate::disk;
use crate::format::conf::{is_secret, parse_size, quoted};
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

pub(super) fn judge(subject: &Subject, findings: &mut Vec<Finding>) {
    let Some(server) = &subject.server else { return };
    arguments(server, findings);
    let Some(conf) = &subject.conf else { return };
    if let Some(finding) = other_file(server, &conf.path) {
        // What the files say differs for that reason.
        findings.push(finding);
        return;
    }
    let names: BTreeSet<_> = server.settings.keys().map(|name| canonical(name)).collect();
    findings.extend(names.iter().filter_map(|name| differs(subject, name)));
}

/// Settings that a server changes by itself, or that mean the same in many forms.
const NOT_COMPARED: [&str; 4] = ["dir", "maxclients", "hash-seed", "client-output-buffer-limit"];

fn differs(subject: &Subject, name: &str) -> Option<Finding> {
    if NOT_COMPARED.contains(&name) {
        return None;
    }
    let running = subject.running(name)?;
    let lines = subject.lines(name);
    let in_file = match lines.last() {
        Some(last) => Seen { value: together(name, &lines, last), ..last.clone() },
        None => subject.unset(&running.name)?,
    };
    if is_same(name, &in_file.value, &running.value) {
        return None;
    }
    let file = match in_file.is_default {
        true => format!("the configuration is silent, and the default is {}", shown(&in_file)),
        false => format!("the configuration has {}", shown(&in_file)),
    };
    let seen = format!("{}: {file}; the running server has {}", running.name, shown(&running));
    let finding = Finding::new(&DIFFERS, in_file.place.clone(), seen);
    let finding = match (&running.value, is_secret(&running.name)) {
        (Value::Plain(words), false) => {
            let words: Vec<_> = words.iter().map(|word| quoted(word)).collect();
            finding.with(Fix::line(format!("{} {}", running.name, words.join(" "))))
        }
        _ => finding,
    };
    Some(finding.with(Fix::command("CONFIG REWRITE")).with(Fix::text(
        "Write the running value into the file (CONFIG REWRITE does that), or set the file's value with CONFIG SET.",
    )))
}

/// The value of all lines about a setting: of most the last counts, those of `save` add up.
fn together(name: &str, lines: &[Seen], last: &Seen) -> Value {
    if name != "save" {
        return last.value.clone();
    }
    let is_empty = |seen: &Seen| seen.words().iter().all(Vec::is_empty);
    let from = lines.iter().rposition(is_empty).map_or(0, |place| place + 1);
    Value::Plain(lines[from..].iter().flat_map(|seen| seen.words().to_vec()).collect())
}

fn shown(seen: &Seen) -> String {
    match &seen.value {
        Value::Secret(_) => "a value that is not shown".to_owned(),
        Value::Plain(words) if words.iter().all(Vec::is_empty) => "no value".to_owned(),
        Value::Plain(words) => text::name(&words.join(&b' ')),
    }
}

/// Whether a server makes the same of both.
fn is_same(name: &str, file: &Value, running: &Value) -> bool {
    match (file, running) {
        (Value::Secret(file), Value::Secret(running)) => {
            file.is(|file| running.is(|running| file == running))
        }
        (Value::Plain(file), Value::Plain(running)) => {
            let (file, running) = (file.join(&b' '), running.join(&b' '));
            let size = |text: &[u8]| parse_size(text);
            file.eq_ignore_ascii_case(&running)
                || size(&file).is_some_and(|bytes| size(&running) == Some(bytes))
                || name == "notify-keyspace-events" && flags(&file) == flags(&running)
                || name == "replicaof" && running.is_empty() && file.eq_ignore_ascii_case(b"no one")
        }
        _ => true,
    }
}

/// Letters in any order; `A` stands for all classes.
fn flags(text: &[u8]) -> BTreeSet<u8> {
    let spelled = text.iter().flat_map(|letter| match letter {
        b'A' => b"g$lshzxetd".to_vec(),
        other => vec![*other],
    });
    spelled.collect()
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
