//! Who may connect, log in, and do what.

use crate::audit::access::{self, Account, Default};
use crate::audit::finding::{Finding, Fix};
use crate::audit::rule::{Group, Rule};
use crate::audit::subject::Subject;
use crate::check::Severity::{Error, Info, Warning};
use crate::disk;
use crate::text;

use super::{network, rights, tls};

static NO_PASSWORD: Rule = Rule {
    id: "AOF-073",
    name: "no-password",
    group: Group::Security,
    severity: Warning,
    title: "The server asks for no password.",
    why: "Every process on the host, and every request that a gateway is tricked into sending, may read and delete all keys.",
};

static PLACEHOLDER: Rule = Rule {
    id: "AOF-074",
    name: "placeholder-password",
    group: Group::Security,
    severity: Error,
    title: "The password is one of an example.",
    why: "Such passwords are the first that anybody tries.",
};

static SHORT: Rule = Rule {
    id: "AOF-075",
    name: "short-password",
    group: Group::Security,
    severity: Warning,
    title: "The password is short.",
    why: "The server answers a great many guesses a second, and does not lock anybody out.",
};

static DANGEROUS: Rule = Rule {
    id: "AOF-085",
    name: "dangerous-commands",
    group: Group::Security,
    severity: Error,
    title: "Commands that take over or crash the server are enabled.",
    why: "MODULE LOAD runs a program, DEBUG can crash the server, and protected settings decide where it writes files.",
};

static RENAMED: Rule = Rule {
    id: "AOF-086",
    name: "rename-command",
    group: Group::Security,
    severity: Info,
    title: "Commands are renamed or removed.",
    why: "A log with renamed commands is read only by servers that rename them in the same way, and Sentinel and tools miss what is removed; users with fewer rights do it better.",
};

static ACL_FILE: Rule = Rule {
    id: "AOF-087",
    name: "acl-file",
    group: Group::Security,
    severity: Error,
    title: "The ACL file is not there.",
    why: "The server does not start without the file that its configuration names.",
};

pub(super) static RULES: [&Rule; 17] = [
    &network::OPEN,
    &network::BIND,
    &network::PROTECTED,
    &NO_PASSWORD,
    &PLACEHOLDER,
    &SHORT,
    &rights::FREE_USER,
    &rights::ALL_COMMANDS,
    &network::NO_TLS,
    &network::PLAIN_PORT,
    tls::RULES[0],
    tls::RULES[1],
    tls::RULES[2],
    tls::RULES[3],
    &DANGEROUS,
    &RENAMED,
    &ACL_FILE,
];

pub(super) fn judge(subject: &Subject, findings: &mut Vec<Finding>) {
    let users = access::accounts(subject);
    let default = access::default_user(subject);
    network::judge(subject, default.as_ref(), findings);
    passwords(subject, &users, default.as_ref(), findings);
    users.iter().for_each(|user| rights::rights(user, &users, findings));
    if users.is_empty() && matches!(default, Some(Default::Guarded)) {
        rights::only_default(subject, findings);
    }
    commands(subject, findings);
    acl_file(subject, findings);
    tls::judge(subject, findings);
}

fn passwords(
    subject: &Subject,
    users: &[Account],
    default: Option<&Default>,
    findings: &mut Vec<Finding>,
) {
    let is_open = findings.iter().any(|one| one.rule == &network::OPEN);
    if let Some(Default::Free(place)) = default.filter(|_| !is_open) {
        let is_local = network::is_local(subject);
        let has_others = users.iter().any(|one| one.user.name != "default");
        let severity = if is_local { Warning } else { Error };
        // Beside other users that is a rule of its own.
        if !has_others {
            let finding =
                Finding::new(&NO_PASSWORD, place.clone(), "the user default needs no password");
            findings.push(finding.as_severe_as(severity).with(Fix::line("requirepass PASSWORD")).with(Fix::text(
                "Make one with `ACL GENPASS`; or name users, each with a password, and turn the default user off.",
            )));
        }
    }
    for setting in ["requirepass", "masterauth"] {
        let Some(seen) = subject.setting(setting) else { continue };
        let Some(secret) = seen.secret().filter(|secret| !secret.is_empty()) else { continue };
        let rule = if secret.is(access::is_placeholder) {
            &PLACEHOLDER
        } else if secret.is(access::is_short) {
            &SHORT
        } else {
            continue;
        };
        findings.push(Finding::new(rule, seen.place.clone(), seen.shown()).with(new_password()));
    }
    for one in users {
        let name = text::escape(one.user.name.as_bytes());
        let rule = match (one.has_placeholder, one.has_short) {
            (true, _) => &PLACEHOLDER,
            (_, true) => &SHORT,
            _ => continue,
        };
        findings.push(
            Finding::new(rule, one.place.clone(), format!("user {name}")).with(new_password()),
        );
    }
}

fn new_password() -> Fix {
    Fix::command("redis-cli ACL GENPASS")
}

fn commands(subject: &Subject, findings: &mut Vec<Finding>) {
    for name in ["enable-debug-command", "enable-module-command", "enable-protected-configs"] {
        let Some(seen) = subject.setting(name) else { continue };
        let severity = match seen.text().map(str::to_ascii_lowercase).as_deref() {
            Some("yes") => Error,
            Some("local") => Warning,
            _ => continue,
        };
        let finding = Finding::new(&DANGEROUS, seen.place.clone(), seen.shown());
        findings.push(finding.as_severe_as(severity).with(Fix::line(format!("{name} no"))));
    }
    let renamed = subject.lines("rename-command");
    if let Some(first) = renamed.first() {
        let names: Vec<_> = renamed
            .iter()
            .filter_map(|seen| Some(text::escape(seen.words().first()?)))
            .take(8)
            .collect();
        let fix = Fix::line("user gateway on >PASSWORD ~* +@all -@dangerous");
        findings.push(Finding::new(&RENAMED, first.place.clone(), names.join(" ")).with(fix));
    }
}

fn acl_file(subject: &Subject, findings: &mut Vec<Finding>) {
    let Some((path, place)) = access::acl_path(subject).filter(|_| subject.conf.is_some()) else {
        return;
    };
    // Beside user lines of its own a configuration with such a file is wrong in any case.
    if subject.lines("user").is_empty() && !disk::exists(&path) {
        let is_near = path.parent().is_some_and(|dir| disk::is_dir(dir).is_ok_and(|is_dir| is_dir));
        let seen = format!("{}: no such file on this machine", text::path(&path));
        let finding = Finding::new(&ACL_FILE, place, seen);
        let finding = finding.as_severe_as(if is_near { Error } else { Warning });
        findings.push(finding.with(Fix::text(
            "Restore the file from a backup. Where there is none, write one that gives each user a password \
             (user default on >PASSWORD ~* &* +@all), and close it to others (chmod 600). An empty file does not do: \
             beside an ACL file the server ignores requirepass, and lets everybody in as the user default.",
        )));
    }
}
