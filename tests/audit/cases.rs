//! One table of all rules: what breaks just this one, and what does not break it.

use std::any::Any;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use aofkit::aof::Configuration;
use aofkit::audit::{Subject, audit, rules};

use crate::asked::{broken, report};
use crate::sets::private;
use crate::support::in_parallel;

/// Arguments, and what has to be there while they are used.
pub type Running = (Vec<OsString>, Box<dyn Any>);

/// Something to be judged.
pub enum Given {
    /// These lines of a configuration beside those of [`GOOD`].
    Lines(&'static str),
    /// What this function lays into a directory, and the arguments that name it. `None`: it cannot be had here, which the
    /// function has told.
    Made(fn(&Path) -> Option<Vec<OsString>>),
    /// The same with something that has to be there while it is judged, such as a server or a disk. What the rules say of
    /// the machine, of the server's release and of its users is left out.
    Running(fn(&Path) -> Option<Running>),
    /// What this function says was seen, for what no argument can name: another machine, a server's words.
    Seen(fn(&Path) -> Subject),
}

/// A rule, by number or name, and two things to be judged.
pub struct Case {
    pub rule: &'static str,
    /// Breaks this rule and no other.
    pub breaks: Given,
    /// Does not break it.
    pub holds: Given,
}

impl Case {
    /// Lines that break a rule, and lines that do not.
    pub const fn lines(rule: &'static str, breaks: &'static str, holds: &'static str) -> Self {
        Self { rule, breaks: Given::Lines(breaks), holds: Given::Lines(holds) }
    }
}

/// A configuration that breaks no rule. Lines behind it may say another thing again: of those that they overrule,
/// nothing is left.
pub const GOOD: &str = "\
port 6379
appendonly yes
appendfsync everysec
aof-timestamp-enabled yes
auto-aof-rewrite-percentage 100
auto-aof-rewrite-min-size 64mb
bind 127.0.0.1
maxmemory 1gb
maxmemory-policy volatile-lru
user default off
user gateway on #abababababababababababababababababababababababababababababababab ~gateway:* resetchannels -@all +@read +@write +@connection -@dangerous
";

/// [`GOOD`] with these lines, without those that they overrule.
pub fn with(lines: &str) -> String {
    let name = |line: &str| line.split(' ').next().unwrap_or_default().to_ascii_lowercase();
    let names: BTreeSet<_> = lines.lines().map(name).collect();
    // Users add up.
    let kept = GOOD.lines().filter(|line| name(line) == "user" || !names.contains(&name(line)));
    kept.chain(lines.lines()).map(|line| format!("{line}\n")).collect()
}

/// A configuration of exactly this text in `dir`, which nobody else may read.
pub fn conf_of(dir: &Path, text: &str) -> PathBuf {
    let path = dir.join("redis.conf");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// [`GOOD`] with these lines, as a file in `dir`.
pub fn conf(dir: &Path, lines: &str) -> PathBuf {
    conf_of(dir, &with(lines))
}

/// [`GOOD`] with these lines, as something that was looked at.
pub fn subject(dir: &Path, lines: &str) -> Subject {
    Subject { conf: Some(Configuration::read(&conf(dir, lines)).unwrap()), ..Subject::default() }
}

/// The cases of all families.
fn all() -> impl Iterator<Item = &'static Case> {
    let families = [
        crate::persistence::CASES,
        crate::restart::CASES,
        crate::rewrite::CASES,
        crate::capacity::CASES,
        crate::memory::CASES,
        crate::cluster::CASES,
        crate::sentinel::CASES,
        crate::security::CASES,
        crate::elasticache::CASES,
        crate::syntax::CASES,
        crate::nodes::CASES,
        crate::versions::CASES,
    ];
    families.into_iter().flatten()
}

/// Rules about the machine, about the release of a server, and about who may log in.
const OF_A_RUNNING_SERVER: [&str; 9] = [
    "maxmemory-against-machine",
    "overcommit-memory",
    "transparent-huge-pages",
    "somaxconn",
    "server-older-than-7",
    "security-fixes-missing",
    "security-table-old",
    "no-password",
    "user-may-do-all",
];

impl Given {
    /// The rules that it breaks; `None` where it cannot be had here.
    fn broken(&self) -> Option<BTreeSet<String>> {
        let dir = private();
        let args = match self {
            Self::Lines(lines) => vec!["--conf".into(), conf(dir.path(), lines).into()],
            Self::Made(make) => make(dir.path())?,
            Self::Running(make) => {
                let (args, _alive) = make(dir.path())?;
                let mut broken = broken(&report(&args));
                OF_A_RUNNING_SERVER.iter().for_each(|rule| {
                    broken.remove(number(rule));
                });
                return Some(broken);
            }
            Self::Seen(see) => {
                let report = audit(&see(dir.path()), &[]);
                return Some(report.findings.iter().map(|one| one.rule.id.to_owned()).collect());
            }
        };
        Some(broken(&report(&args)))
    }
}

/// The number of a rule.
fn number(rule: &str) -> &'static str {
    aofkit::audit::named(rule).unwrap_or_else(|| panic!("there is no rule {rule}")).id
}

#[test]
fn every_rule_is_broken_alone_by_something_and_not_by_something_else() {
    let cases: Vec<_> = all().collect();
    let wrong = in_parallel(cases.len(), |i| {
        let (rule, case) = (number(cases[i].rule), cases[i]);
        let mut wrong = Vec::new();
        if let Some(broken) = case.breaks.broken()
            && broken != BTreeSet::from([rule.to_owned()])
        {
            wrong.push(format!("{rule} ({}): breaks {broken:?}", case.rule));
        }
        if let Some(broken) = case.holds.broken()
            && broken.contains(rule)
        {
            wrong.push(format!("{rule} ({}): holds breaks {broken:?}", case.rule));
        }
        wrong
    });
    let wrong: Vec<_> = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_a_case() {
    let has: BTreeSet<_> = all().map(|case| number(case.rule)).collect();
    let lacking: Vec<_> = rules().filter(|rule| !has.contains(rule.id)).map(|r| r.name).collect();
    assert!(lacking.is_empty(), "rules without a case: {lacking:?}");
}

#[test]
fn a_good_configuration_breaks_no_rule() {
    assert_eq!(Given::Lines("").broken(), Some(BTreeSet::new()));
}

#[test]
fn numbers_and_names_are_given_once_and_in_order() {
    let ids: Vec<_> = rules().map(|rule| rule.id).collect();
    assert!(ids.is_sorted() && ids.windows(2).all(|two| two[0] != two[1]), "{ids:?}");
    let names: BTreeSet<_> = rules().map(|rule| rule.name).collect();
    assert_eq!(names.len(), ids.len());
    for rule in rules() {
        assert!(rule.title.ends_with('.') && rule.why.ends_with('.'), "{}", rule.id);
    }
}
