//! One table of all rules: what breaks just this one, and what does not break it.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

use aofkit::audit::rules;

use crate::asked::{broken, report};
use crate::support::in_parallel;

/// Something to be judged.
pub enum Given {
    /// These lines of a configuration behind those of [`GOOD`].
    Lines(&'static str),
    /// What this function lays into a directory, and the arguments that name it. `None`: it cannot be had here, which the
    /// function has told.
    Made(fn(&Path) -> Option<Vec<OsString>>),
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

/// A configuration that breaks no rule.
pub const GOOD: &str = "\
appendonly yes
appendfsync everysec
";

/// The cases of all families.
fn all() -> impl Iterator<Item = &'static Case> {
    [crate::persistence::CASES].into_iter().flatten()
}

impl Given {
    /// The rules that it breaks; `None` where it cannot be had here.
    fn broken(&self) -> Option<BTreeSet<String>> {
        let dir = tempfile::tempdir().unwrap();
        let args = match self {
            Self::Lines(lines) => {
                let conf = dir.path().join("redis.conf");
                fs::write(&conf, format!("{GOOD}{lines}\n")).unwrap();
                vec!["--conf".into(), conf.into()]
            }
            Self::Made(make) => make(dir.path())?,
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
