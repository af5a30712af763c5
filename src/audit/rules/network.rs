//! From where a server is reached, and whether what crosses the network is encrypted.

use crate::audit::access::Default;
use crate::audit::finding::{Finding, Fix};
use crate::audit::rule::{Group, Rule};
use crate::audit::settings::Seen;
use crate::audit::subject::Subject;
use crate::check::Severity::{Error, Info, Warning};

pub(super) static OPEN: Rule = Rule {
    id: "AOF-070",
    name: "open-to-the-network",
    group: Group::Security,
    severity: Error,
    title: "Anybody who reaches the server may do anything.",
    why: "It listens beyond this host, protected mode is off, and no password is asked for: such servers are found and taken over within hours.",
};

pub(super) static BIND: Rule = Rule {
    id: "AOF-071",
    name: "bind-all",
    group: Group::Security,
    severity: Warning,
    title: "The server listens on every address of its host.",
    why: "A network that is added later, or a firewall that is off for a while, makes the server public.",
};

pub(super) static PROTECTED: Rule = Rule {
    id: "AOF-072",
    name: "protected-mode-off",
    group: Group::Security,
    severity: Warning,
    title: "Protected mode is off.",
    why: "It is what keeps other hosts out if the password is ever lost from the configuration.",
};

pub(super) static NO_TLS: Rule = Rule {
    id: "AOF-078",
    name: "no-tls",
    group: Group::Security,
    severity: Warning,
    title: "Passwords and data cross the network in clear text.",
    why: "Who reads the traffic between gateway and server has the password and all values.",
};

pub(super) static PLAIN_PORT: Rule = Rule {
    id: "AOF-079",
    name: "plain-port-beside-tls",
    group: Group::Security,
    severity: Warning,
    title: "Beside the TLS port a plain one is open.",
    why: "Clients that are configured wrongly go on unencrypted, and nobody notices.",
};

/// Where a server listens.
struct Listening {
    /// `bind`.
    bind: Seen,
    /// On every address.
    everywhere: bool,
    /// On loopback addresses alone, or on no port at all.
    local: bool,
}

/// Whether clients of this host alone reach the server, as far as is known.
pub(super) fn is_local(subject: &Subject) -> bool {
    listening(subject).is_none_or(|at| at.local)
}

pub(super) fn judge(subject: &Subject, default: Option<&Default>, findings: &mut Vec<Finding>) {
    if let Some(listening) = listening(subject) {
        network(subject, &listening, default, findings);
        encryption(subject, &listening, findings);
    }
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
