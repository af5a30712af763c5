//! What a server makes of the lines of its file.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::aof::{Configuration, Line};
use crate::audit::finding::{Finding, Fix, Place};
use crate::audit::rule::{Group, Rule};
use crate::audit::settings::canonical;
use crate::audit::subject::Subject;
use crate::check::Severity::{self, Error, Info, Warning};
use crate::command::Renames;
use crate::disk;
use crate::format::conf::{Directive, is_secret, parse_size, quoted};
use crate::format::words::Dialect;
use crate::rules::Target;
use crate::text;

use super::{sentinel_lines, users};

const fn of(severity: Severity) -> (Group, Severity) {
    (Group::Syntax, severity)
}

static REFUSED: Rule = Rule::new(
    "AOF-110",
    "line-refused",
    of(Error),
    "A server does not start with this line.",
    "It ends at once, and that shows only at the next restart.",
);
static REFUSED_BY_SOME: Rule = Rule::new(
    "AOF-111",
    "line-refused-by-some",
    of(Info),
    "Some server versions do not start with this line.",
    "An upgrade, a downgrade or a change to another product may stop at it; --target names the version that counts.",
);
static COMMENT: Rule = Rule::new(
    "AOF-112",
    "comment-behind-value",
    of(Error),
    "A comment stands behind a value.",
    "For a server the comment is part of the value, and it does not start.",
);
static UNIT: Rule = Rule::new(
    "AOF-113",
    "unit-where-none",
    of(Error),
    "A number has a unit where none is taken.",
    "A server takes units such as kb or mb only for some settings, and does not start with one elsewhere.",
);
static UNREADABLE: Rule = Rule::new(
    "AOF-114",
    "line-unreadable",
    of(Error),
    "The line cannot be cut into words.",
    "A server does not start with quotes that do not balance, and loses what follows a NUL byte.",
);
static UNKNOWN: Rule = Rule::new(
    "AOF-115",
    "unknown-directive",
    of(Error),
    "The server knows no such directive.",
    "It does not start with one, be it misspelled, of a later version, or of another product.",
);
static INCLUDE: Rule = Rule::new(
    "AOF-116",
    "include-missing",
    of(Error),
    "A file that is included is not there, on this machine.",
    "A server does not start without it.",
);
static OVERRULED: Rule = Rule::new(
    "AOF-117",
    "overruled-line",
    of(Warning),
    "A later line sets the same thing to another value.",
    "The later one counts, also of an include or of what CONFIG REWRITE has written at the end: who changes the earlier one changes nothing.",
);
static USERS_TWICE: Rule = Rule::new(
    "AOF-118",
    "users-in-two-places",
    of(Error),
    "Users are defined by `user` lines and by an ACL file.",
    "A server takes one of both, and does not start with two.",
);
static REPLICA_IN_CLUSTER: Rule = Rule::new(
    "AOF-119",
    "replica-in-cluster",
    of(Error),
    "A node of a cluster is told to follow another server.",
    "A server does not start with replicaof and cluster-enabled yes: in a cluster, CLUSTER REPLICATE does this.",
);
static MODULE_MISSING: Rule = Rule::new(
    "AOF-120",
    "module-file-missing",
    of(Warning),
    "The library of a module is not there, on this machine.",
    "A server that cannot load a module does not start.",
);

static PATH_MISSING: Rule = Rule::new(
    "AOF-121",
    "path-missing",
    of(Info),
    "A directory that the configuration names is not there, on this machine.",
    "A server does not start where `dir`, or the directory of its log file, is missing.",
);

pub(super) static RULES: [&Rule; 13] = [
    &REFUSED,
    &REFUSED_BY_SOME,
    &COMMENT,
    &UNIT,
    &UNREADABLE,
    &UNKNOWN,
    &INCLUDE,
    &OVERRULED,
    &USERS_TWICE,
    &REPLICA_IN_CLUSTER,
    &MODULE_MISSING,
    &PATH_MISSING,
    &sentinel_lines::REFUSED,
];

pub(super) fn judge(subject: &Subject, findings: &mut Vec<Finding>) {
    sentinel_lines::judge(subject, findings);
    let Some(conf) = &subject.conf else { return };
    let mut readers: Vec<_> = match subject.target {
        Some(target) => vec![Reader::new(target)],
        // Servers before 7.0 have no directory of logs: who means them says so.
        None => Target::recorded()
            .iter()
            .filter(|t| t.rules.manifest.is_some())
            .map(|t| Reader::new(*t))
            .collect(),
    };
    for line in &conf.lines {
        let told = readers.iter_mut().map(|reader| (reader.target, reader.refusal(line, conf)));
        let told: Vec<_> = told.collect();
        findings.extend(refused(line, &told));
    }
    overruled(conf, findings);
    together(subject, conf, findings);
    modules(subject, findings);
    places(subject, findings);
    let targets: Vec<_> = readers.iter().map(|reader| reader.target).collect();
    findings.extend(users::refused(subject, conf, &targets).iter().map(refused_user));
}

/// A server that reads the file line by line.
struct Reader {
    target: Target,
    renames: Renames,
}

impl Reader {
    fn new(target: Target) -> Self {
        Self { target, renames: Renames::default() }
    }

    /// Why the server does not start with a line.
    fn refusal(&mut self, line: &Line, conf: &Configuration) -> Option<String> {
        let Some(directive) = &line.directive else { return line.refused.clone() };
        if directive.name == b"include" && line.refused.is_some() {
            return line.refused.clone();
        }
        let by_form = self.target.refusal(directive, &conf.settings);
        let is_rename = directive.name == b"rename-command" && by_form.is_none();
        let by_name =
            is_rename.then(|| self.target.refuses_rename(directive, &mut self.renames)).flatten();
        by_form.or(by_name)
    }
}

fn place(line: &Line) -> Place {
    Place::Line { file: line.file.to_path_buf(), number: line.number }
}

/// What is to be said of a line that some or all of the servers refuse.
fn refused(line: &Line, told: &[(Target, Option<String>)]) -> Option<Finding> {
    let refusing: Vec<_> = told.iter().filter(|(_, why)| why.is_some()).map(|(t, _)| *t).collect();
    let why = told.iter().find_map(|(_, why)| why.as_deref())?;
    let name = line.directive.as_ref().map(|directive| text::name(&directive.name));
    let name = name.unwrap_or_else(|| "the line".to_owned());
    if refusing.len() < told.len() {
        let names: Vec<_> = refusing.iter().map(ToString::to_string).collect();
        let seen = format!("{name}, refused by {}", names.join(", "));
        return Some(Finding::new(&REFUSED_BY_SOME, place(line), seen));
    }
    let seen = format!("{name}: {why}");
    let is_cut_otherwise = |one: &Directive| {
        let reads = |target: &Target| target.rules.manifest == Some(Dialect::Concatenating);
        one.joined && !refusing.iter().all(reads)
    };
    let Some(directive) = line.directive.as_ref().filter(|one| !is_cut_otherwise(one)) else {
        let fix = Fix::text("Close each quote that is opened, and put blanks around quoted words.");
        return Some(Finding::new(&UNREADABLE, place(line), seen).with(fix));
    };
    let form = refusing.iter().find_map(|target| target.rules.directives.form(&directive.name));
    if directive.name == b"include" && line.refused.is_some() {
        let fix =
            Fix::text("Put the file there, or take the line out; a pattern may name no file.");
        return Some(Finding::new(&INCLUDE, place(line), seen).with(fix));
    }
    Some(match form {
        None => unknown(line, directive, &refusing),
        Some(form) => {
            let knows = |target: &Target| target.rules.directives.has(&directive.name);
            let of_form = told.iter().find(|(target, _)| knows(target));
            let why = of_form.and_then(|(_, why)| why.as_deref()).unwrap_or(why);
            let knowing: Vec<_> =
                refusing.iter().filter(|target| knows(target)).map(ToString::to_string).collect();
            let finding = misused(line, directive, form, format!("{name}: {why}"));
            if knowing.len() == refusing.len() {
                return Some(finding);
            }
            // Mended, the line is one for these servers alone, and of how it is meant nothing is known for the others.
            let seen = format!("{name}: {why}, and the others do not know it");
            Finding::new(&REFUSED, place(line), seen)
                .with(Fix::text(format!("Known to {}.", knowing.join(", "))))
        }
    })
}

/// The same of a user.
fn refused_user((place, told): &users::Told) -> Finding {
    let refusing: Vec<_> = told.iter().filter(|(_, why)| why.is_some()).collect();
    let why = refusing.iter().find_map(|(_, why)| why.as_deref()).unwrap_or_default();
    if refusing.len() == told.len() {
        return Finding::new(&REFUSED, place.clone(), why);
    }
    let names: Vec<_> = refusing.iter().map(|(target, _)| target.to_string()).collect();
    let seen = format!("{why}; refused by {}", names.join(", "));
    Finding::new(&REFUSED_BY_SOME, place.clone(), seen)
}

/// A directive that is known, with words that are not taken.
fn misused(line: &Line, directive: &Directive, form: &str, seen: String) -> Finding {
    let is_hidden = is_secret(&String::from_utf8_lossy(&directive.name));
    let comment = directive.args.iter().position(|arg| arg.starts_with(b"#"));
    if let Some(behind) = comment.filter(|_| form != "words 1 -") {
        let rest = &directive.args[..behind];
        let finding = Finding::new(&COMMENT, place(line), seen);
        let finding = match is_hidden {
            true => finding,
            false => finding.with(Fix::line(written(directive, rest))),
        };
        return finding.with(Fix::text("Put the comment on a line of its own."));
    }
    let bytes = match &directive.args[..] {
        [word] if form.starts_with("number") => parse_size(word),
        _ => None,
    };
    let has_unit =
        directive.args.iter().any(|word| word.last().is_some_and(u8::is_ascii_alphabetic));
    match bytes.filter(|_| has_unit) {
        Some(bytes) => Finding::new(&UNIT, place(line), seen)
            .with(Fix::line(written(directive, &[bytes.to_string().into_bytes()]))),
        None => Finding::new(&REFUSED, place(line), seen),
    }
}

/// A line as it is to be written.
fn written(directive: &Directive, args: &[Vec<u8>]) -> String {
    let words = std::iter::once(&directive.name).chain(args).map(|word| quoted(word));
    words.collect::<Vec<_>>().join(" ")
}

/// Letters that may be wrong in a word that is still taken for a known one.
const WRONG_LETTERS: usize = 2;

fn unknown(line: &Line, directive: &Directive, refusing: &[Target]) -> Finding {
    let name = text::name(&directive.name);
    let target = refusing.first();
    let whose = match refusing {
        [one] => format!("{one} does not know it"),
        _ => "no recorded server knows it".to_owned(),
    };
    let mut finding = Finding::new(&UNKNOWN, place(line), format!("{name}: {whose}"));
    let known: Vec<_> = target.iter().flat_map(|target| target.rules.directives.names()).collect();
    let distance = |known: &&str| strsim::osa_distance(known, &name);
    let nearest = known.iter().copied().min_by_key(distance);
    if let Some(nearest) = nearest.filter(|known| distance(known) <= WRONG_LETTERS) {
        finding = finding.with(Fix::text(format!("Is {nearest} meant?")));
    }
    let knows = Target::recorded().iter().filter(|t| t.rules.directives.has(&directive.name));
    let knows: Vec<_> = knows.map(ToString::to_string).collect();
    if !knows.is_empty() {
        finding = finding.with(Fix::text(format!("Known to {}.", knows.join(", "))));
    }
    finding
}

/// Lines that add to those before them, or whose value depends on them.
const ADDING: [&str; 9] = [
    "save",
    "user",
    "include",
    "loadmodule",
    "rename-command",
    "client-output-buffer-limit",
    "sentinel",
    "dir",
    "loadmodule-ex",
];

fn overruled(conf: &Configuration, findings: &mut Vec<Finding>) {
    let mut last: BTreeMap<String, &Line> = BTreeMap::new();
    let named = |line: &Line| {
        let name = String::from_utf8(line.directive.as_ref()?.name.clone()).ok()?;
        let name = canonical(&name);
        (!ADDING.contains(&name.as_str())).then_some(name)
    };
    for line in &conf.lines {
        if let Some(name) = named(line) {
            last.insert(name, line);
        }
    }
    for line in &conf.lines {
        let (Some(name), Some(directive)) = (named(line), &line.directive) else { continue };
        let Some(later) = last.get(&name).filter(|later| !std::ptr::eq(**later, line)) else {
            continue;
        };
        let args = later.directive.as_ref().map(|directive| &directive.args);
        if args == Some(&directive.args) {
            continue;
        }
        let seen = format!(
            "{}, overruled by line {} of {}",
            text::name(&directive.name),
            later.number,
            text::path(&later.file)
        );
        findings.push(
            Finding::new(&OVERRULED, place(line), seen)
                .with(Fix::text("Take one of both lines out.")),
        );
    }
}

/// Lines that a server does not take together.
fn together(subject: &Subject, conf: &Configuration, findings: &mut Vec<Finding>) {
    let aclfile = subject.lines("aclfile").pop().filter(|seen| seen.text() != Some(""));
    if let (Some(file), Some(user)) = (aclfile, subject.lines("user").pop()) {
        let seen = format!("{}, and a user in {}", file.shown(), user.place);
        findings.push(
            Finding::new(&USERS_TWICE, file.place, seen)
                .with(Fix::text("Move the `user` lines into the ACL file.")),
        );
    }
    let follows = subject.lines("replicaof").pop();
    let follows = follows.filter(|seen| !matches!(seen.words(), [no, one] if no.eq_ignore_ascii_case(b"no") && one.eq_ignore_ascii_case(b"one")));
    if let Some(seen) = follows.filter(|_| conf.settings.cluster_enabled == Some(true)) {
        findings.push(
            Finding::new(&REPLICA_IN_CLUSTER, seen.place.clone(), seen.shown())
                .with(Fix::text("Take the line out, and run CLUSTER REPLICATE on the node.")),
        );
    }
}

fn modules(subject: &Subject, findings: &mut Vec<Finding>) {
    for seen in subject.lines("loadmodule") {
        let Some(path) = seen.words().first().and_then(|word| std::str::from_utf8(word).ok())
        else {
            continue;
        };
        let path = std::path::Path::new(path);
        // A relative one counts from where the server is started.
        if path.is_absolute() && !disk::exists(path) {
            let shown = format!("{} is not there", text::path(path));
            findings.push(
                Finding::new(&MODULE_MISSING, seen.place, shown)
                    .with(Fix::text("Install the module, or take the line out.")),
            );
        }
    }
}

/// Directories that have to be there when a server starts; relative ones count from where it is started. The file may be that
/// of another machine.
fn places(subject: &Subject, findings: &mut Vec<Finding>) {
    for name in ["dir", "logfile"] {
        let Some(seen) = subject.lines(name).pop() else { continue };
        let [word] = seen.words() else { continue };
        let path = std::path::Path::new(OsStr::from_bytes(word));
        let dir = if name == "dir" { Some(path) } else { path.parent() };
        let Some(dir) = dir.filter(|dir| dir.is_absolute()) else { continue };
        if !disk::is_dir(dir).unwrap_or(false) {
            let shown = format!("{}: no such directory on this machine", text::path(dir));
            findings.push(Finding::new(&PATH_MISSING, seen.place, shown).with(Fix::text(
                "Where the server runs, the directory has to be there, and to belong to the server's user.",
            )));
        }
    }
}
