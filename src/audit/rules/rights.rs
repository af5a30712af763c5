//! What users may do once they are logged in, and who logs in without a password.

use crate::audit::access::Account;
use crate::audit::finding::{Finding, Fix, Place};
use crate::audit::rule::{Group, Rule};
use crate::audit::subject::Subject;
use crate::check::Severity::{Error, Info};
use crate::text;

pub(super) static FREE_USER: Rule = Rule {
    id: "AOF-076",
    name: "user-without-password",
    group: Group::Security,
    severity: Error,
    title: "A user may log in without a password.",
    why: "`nopass` takes any password; for the user `default` a client is logged in as soon as it connects.",
};

pub(super) static ALL_COMMANDS: Rule = Rule {
    id: "AOF-077",
    name: "user-may-do-all",
    group: Group::Security,
    severity: Info,
    title: "A user may run every command.",
    why: "FLUSHALL, CONFIG, DEBUG and SHUTDOWN are one mistake away; a gateway needs few commands and its own keys.",
};

pub(super) fn rights(one: &Account, all: &[Account], findings: &mut Vec<Finding>) {
    let user = &one.user;
    if !user.is_on {
        return;
    }
    let name = text::escape(user.name.as_bytes());
    if user.needs_no_password && (user.name != "default" || all.len() > 1) {
        let finding = Finding::new(&FREE_USER, one.place.clone(), format!("user {name} on nopass"));
        // The last user that may do everything has to stay: without it nobody could change the users again.
        let is_last = may_do_all(&user.rules) && !all.iter().any(|other| may_replace(other, one));
        findings.push(finding.with(match user.name.as_str() {
            "default" if !is_last => Fix::line("user default off"),
            _ => Fix::command(format!("ACL SETUSER {name} resetpass >PASSWORD")),
        }));
    }
    if may_do_all(&user.rules) {
        let finding = Finding::new(&ALL_COMMANDS, one.place.clone(), format!("user {name} +@all"));
        let gateway = unused_name(all);
        let rules = format!("{gateway} on >PASSWORD ~{gateway}:* resetchannels {GATEWAY_COMMANDS}");
        let fix = match &one.place {
            Place::Setting { .. } => Fix::command(format!("ACL SETUSER {rules}")),
            _ => Fix::line(format!("user {rules}")),
        };
        findings.push(finding.with(fix).with(Fix::text(
            "Let gateways log in as this new user. Keep one user that may run ACL and CONFIG: without one, \
             nobody can administer the server or undo the change.",
        )));
    }
}

/// What a gateway may run.
const GATEWAY_COMMANDS: &str = "-@all +@read +@write +@connection -@dangerous";

/// A name for a new user: to change the rights of one that is there could lock somebody out.
fn unused_name(all: &[Account]) -> String {
    let is_free = |name: &String| all.iter().all(|one| one.user.name != *name);
    let later = (2..).map(|number| format!("gateway-{number}"));
    let mut names = std::iter::once("gateway".to_owned()).chain(later);
    names.find(is_free).unwrap_or_default()
}

/// Whether somebody can log in as this other user and do everything.
fn may_replace(other: &Account, one: &Account) -> bool {
    let user = &other.user;
    let can_log_in = user.is_on && (user.passwords > 0 || user.needs_no_password);
    user.name != one.user.name && can_log_in && may_do_all(&user.rules)
}

/// Whether `+@all` stands, and nothing dangerous was taken away behind it.
fn may_do_all(rules: &[String]) -> bool {
    let mut all = false;
    for rule in rules {
        match rule.to_ascii_lowercase().as_str() {
            "+@all" | "allcommands" => all = true,
            "-@all" | "nocommands" | "-@dangerous" | "-@admin" | "reset" => all = false,
            _ => {}
        }
    }
    all
}

/// With requirepass alone, every client is the default user.
pub(super) fn only_default(subject: &Subject, findings: &mut Vec<Finding>) {
    if let Some(seen) = subject.setting("requirepass") {
        let what = "requirepass alone: every client is the user default, with all commands";
        findings.push(Finding::new(&ALL_COMMANDS, seen.place.clone(), what).with(Fix::line(
            format!("user gateway on >PASSWORD ~gateway:* resetchannels {GATEWAY_COMMANDS}"),
        )));
    }
}
