//! Who may connect, log in, and do what.

use crate::audit::access::{self, Account, Default};
use crate::audit::finding::{Finding, Fix, Place};
use crate::audit::rule::{Group, Rule};
use crate::audit::settings::Seen;
use crate::audit::subject::Subject;
use crate::check::Severity::{Error, Info, Warning};
use crate::disk;
use crate::text;

use super::tls;

static OPEN: Rule = Rule {
    id: "AOF-070",
    name: "open-to-the-network",
    group: Group::Security,
    severity: Error,
    title: "Anybody who reaches the server may do anything.",
    why: "It listens beyond this host, protected mode is off, and no password is asked for: such servers are found and taken over within hours.",
};

static BIND: Rule = Rule {
    id: "AOF-071",
    name: "bind-all",
    group: Group::Security,
    severity: Warning,
    title: "The server listens on every address of its host.",
    why: "A network that is added later, or a firewall that is off for a while, makes the server public.",
};

static PROTECTED: Rule = Rule {
    id: "AOF-072",
    name: "protected-mode-off",
    group: Group::Security,
    severity: Warning,
    title: "Protected mode is off.",
    why: "It is what keeps other hosts out if the password is ever lost from the configuration.",
};

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

static FREE_USER: Rule = Rule {
    id: "AOF-076",
    name: "user-without-password",
    group: Group::Security,
    severity: Error,
    title: "A user may log in without a password.",
    why: "`nopass` takes any password; for the user `default` a client is logged in as soon as it connects.",
};

static ALL_COMMANDS: Rule = Rule {
    id: "AOF-077",
    name: "user-may-do-all",
    group: Group::Security,
    severity: Info,
    title: "A user may run every command.",
    why: "FLUSHALL, CONFIG, DEBUG and SHUTDOWN are one mistake away; a gateway needs few commands and its own keys.",
};

static NO_TLS: Rule = Rule {
    id: "AOF-078",
    name: "no-tls",
    group: Group::Security,
    severity: Warning,
    title: "Passwords and data cross the network in clear text.",
    why: "Who reads the traffic between gateway and server has the password and all values.",
};

static PLAIN_PORT: Rule = Rule {
    id: "AOF-079",
    name: "plain-port-beside-tls",
    group: Group::Security,
    severity: Warning,
    title: "Beside the TLS port a plain one is open.",
    why: "Clients that are configured wrongly go on unencrypted, and nobody notices.",
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
    &OPEN,
    &BIND,
    &PROTECTED,
    &NO_PASSWORD,
    &PLACEHOLDER,
    &SHORT,
    &FREE_USER,
    &ALL_COMMANDS,
    &NO_TLS,
    &PLAIN_PORT,
    tls::RULES[0],
    tls::RULES[1],
    tls::RULES[2],
    tls::RULES[3],
    &DANGEROUS,
    &RENAMED,
    &ACL_FILE,
];

/// Where a server listens.
struct Listening {
    /// `bind`.
    bind: Seen,
    /// On every address.
    everywhere: bool,
    /// On loopback addresses alone, or on no port at all.
    local: bool,
}

pub(super) fn judge(subject: &Subject, findings: &mut Vec<Finding>) {
    let users = access::accounts(subject);
    let default = access::default_user(subject);
    if let Some(listening) = listening(subject) {
        network(subject, &listening, default.as_ref(), findings);
        encryption(subject, &listening, findings);
    }
    passwords(subject, &users, default.as_ref(), findings);
    users.iter().for_each(|user| rights(user, &users, findings));
    if users.is_empty() && matches!(default, Some(Default::Guarded)) {
        only_default(subject, findings);
    }
    commands(subject, findings);
    acl_file(subject, findings);
    tls::judge(subject, findings);
}

fn number(subject: &Subject, name: &str) -> Option<i64> {
    subject.setting(name)?.number()
}

fn listening(subject: &Subject) -> Option<Listening> {
    let bind = subject.setting("bind")?;
    let words: Vec<_> =
        bind.words().iter().map(|word| word.strip_prefix(b"-").unwrap_or(word)).collect();
    let wild: [&[u8]; 4] = [b"*", b"0.0.0.0", b"::", b"::*"];
    // Servers before 7.0 tell no address where they listen on all.
    let is_none = words.iter().all(|word| word.is_empty());
    let is_old = subject.target.is_some_and(|target| target.version < (7, 0));
    let everywhere = words.iter().any(|word| wild.contains(word)) || is_none && is_old;
    let is_loopback = |word: &&[u8]| {
        word.starts_with(b"127.") || *word == b"::1" || word.eq_ignore_ascii_case(b"localhost")
    };
    // One that was built without TLS has no such setting.
    let no_port = number(subject, "port") == Some(0)
        && number(subject, "tls-port").is_none_or(|port| port == 0);
    let local =
        no_port || !everywhere && words.iter().all(|word| is_loopback(word) || word.is_empty());
    Some(Listening { bind, everywhere, local })
}

fn network(
    subject: &Subject,
    at: &Listening,
    default: Option<&Default>,
    findings: &mut Vec<Finding>,
) {
    let protected = subject.setting("protected-mode");
    let is_off = protected.as_ref().and_then(Seen::flag) == Some(false);
    let is_free = matches!(default, Some(Default::Free(_)));
    if let Some(protected) = protected.filter(|_| is_off) {
        if !at.local && is_free {
            let seen = format!("{}, {}, no password", at.bind.shown(), protected.shown());
            findings.push(
                Finding::new(&OPEN, protected.place.clone(), seen)
                    .with(Fix::line("protected-mode yes"))
                    .with(Fix::line("requirepass PASSWORD"))
                    .with(Fix::line("bind 127.0.0.1 ADDRESS")),
            );
            return;
        }
        let severity = if is_free { Warning } else { Info };
        let finding = Finding::new(&PROTECTED, protected.place.clone(), protected.shown());
        findings.push(finding.as_severe_as(severity).with(Fix::line("protected-mode yes")));
    }
    if at.everywhere && !at.local {
        let finding = Finding::new(&BIND, at.bind.place.clone(), at.bind.shown());
        findings.push(finding.with(Fix::line("bind 127.0.0.1 ADDRESS")).with(Fix::text(
            "ADDRESS is that of the network in which the gateways are; inside a container the network of the container bounds it.",
        )));
    }
}

fn encryption(subject: &Subject, at: &Listening, findings: &mut Vec<Finding>) {
    if at.local {
        return;
    }
    let plain = subject.setting("port");
    let has_tls = number(subject, "tls-port").is_some_and(|port| port > 0);
    let Some(plain) = plain.filter(|seen| seen.number().is_some_and(|port| port > 0)) else {
        return;
    };
    if has_tls {
        let finding = Finding::new(&PLAIN_PORT, plain.place.clone(), plain.shown());
        findings.push(finding.with(Fix::line("port 0")));
    } else {
        let seen = format!("{}, and no tls-port", plain.shown());
        findings.push(
            Finding::new(&NO_TLS, plain.place.clone(), seen)
                .with(Fix::line("port 0"))
                .with(Fix::line("tls-port 6379"))
                .with(Fix::text("With tls-cert-file, tls-key-file and tls-ca-cert-file.")),
        );
    }
}

fn passwords(
    subject: &Subject,
    users: &[Account],
    default: Option<&Default>,
    findings: &mut Vec<Finding>,
) {
    let is_open = findings.iter().any(|one| one.rule == &OPEN);
    if let Some(Default::Free(place)) = default.filter(|_| !is_open) {
        let is_local = listening(subject).is_none_or(|at| at.local);
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

fn rights(one: &Account, all: &[Account], findings: &mut Vec<Finding>) {
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
fn only_default(subject: &Subject, findings: &mut Vec<Finding>) {
    if let Some(seen) = subject.setting("requirepass") {
        let what = "requirepass alone: every client is the user default, with all commands";
        findings.push(Finding::new(&ALL_COMMANDS, seen.place.clone(), what).with(Fix::line(
            format!("user gateway on >PASSWORD ~gateway:* resetchannels {GATEWAY_COMMANDS}"),
        )));
    }
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
