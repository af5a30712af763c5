//! The files of TLS: there, readable, valid, and belonging together. Who may read the key is judged with other secrets.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::audit::finding::{Finding, Fix};
use crate::audit::rule::{Group, Rule};
use crate::audit::settings::Seen;
use crate::audit::subject::Subject;
use crate::check::Severity::{Error, Warning};
use crate::disk;
use crate::error::ErrorKind;
use crate::server::{self, Match};
use crate::text;

static FILE: Rule = Rule {
    id: "AOF-080",
    name: "tls-file",
    group: Group::Security,
    severity: Error,
    title: "A file of TLS is missing, or is no certificate or key.",
    why: "The server does not start, or its clients cannot connect.",
};

static EXPIRES: Rule = Rule {
    id: "AOF-081",
    name: "tls-expires",
    group: Group::Security,
    severity: Warning,
    title: "A certificate is not valid, or soon will not be.",
    why: "From that moment on no client, replica or node connects any more.",
};

static MISMATCH: Rule = Rule {
    id: "AOF-083",
    name: "tls-key-mismatch",
    group: Group::Security,
    severity: Error,
    title: "The private key does not belong to the certificate.",
    why: "The server does not start.",
};

static BUS: Rule = Rule {
    id: "AOF-084",
    name: "tls-between-nodes",
    group: Group::Security,
    severity: Warning,
    title: "Nodes and replicas speak to each other without TLS.",
    why: "All keys and values cross the network in clear text although clients use TLS; with `port 0` a replica does not even connect.",
};

pub(super) static RULES: [&Rule; 4] = [&FILE, &EXPIRES, &MISMATCH, &BUS];

/// Bytes of a certificate or key read at most: a list of all authorities of a system has a few hundred thousand.
const MOST: u64 = 4 << 20;

/// From so many days before its end on a certificate is told.
const SOON_DAYS: i64 = 30;

const DAY: i64 = 86_400;

pub(super) fn judge(subject: &Subject, findings: &mut Vec<Finding>) {
    if subject.setting("tls-port").and_then(|seen| seen.number()).is_none_or(|port| port == 0) {
        return;
    }
    between_nodes(subject, findings);
    // The paths of a server on another machine say nothing here.
    if subject.conf.is_none() && subject.machine.is_none() {
        return;
    }
    let certificate = file(subject, "tls-cert-file", findings);
    let key = file(subject, "tls-key-file", findings);
    let authorities = file(subject, "tls-ca-cert-file", findings);
    if let Some(certificate) = &certificate {
        validity(subject, certificate, findings);
    }
    if let Some(authorities) = &authorities {
        ends(subject, authorities, findings);
    }
    if let Some((certificate, key)) = certificate.zip(key)
        && server::matches(&certificate.bytes, &key.bytes) == Match::No
    {
        let seen = format!("{} and {}", text::path(&certificate.path), text::path(&key.path));
        let fix = Fix::text("Name the key that the certificate was made for.");
        findings.push(Finding::new(&MISMATCH, key.said.place.clone(), seen).with(fix));
    }
}

/// A file that a setting names.
struct Held {
    said: Seen,
    path: PathBuf,
    bytes: Vec<u8>,
}

/// Reads what a setting names, and tells where that cannot be done.
fn file(subject: &Subject, name: &str, findings: &mut Vec<Finding>) -> Option<Held> {
    let said = subject.setting(name)?;
    let word = said.words().first()?.clone();
    if word.is_empty() {
        // A directory of authorities, or none for clients that need not be known, will do.
        if name != "tls-ca-cert-file" {
            let seen = format!("tls-port, and no {name}");
            findings.push(
                Finding::new(&FILE, said.place.clone(), seen)
                    .with(Fix::line(format!("{name} PATH"))),
            );
        }
        return None;
    }
    let path = absolute(subject, &word)?;
    match disk::read_small(&path, MOST) {
        Ok(bytes) => Some(Held { said, path, bytes }),
        Err(e) if *e.kind() == ErrorKind::NotFound => {
            // Where not even the directory is there, the configuration may be of another machine.
            let is_near =
                path.parent().is_some_and(|dir| disk::is_dir(dir).is_ok_and(|is_dir| is_dir));
            let seen = format!("{name} {}: no such file on this machine", text::path(&path));
            let finding = Finding::new(&FILE, said.place.clone(), seen);
            let fix = Fix::text("Put the file there, or name the one that is meant.");
            findings.push(finding.as_severe_as(if is_near { Error } else { Warning }).with(fix));
            None
        }
        // Not ours to read: a key should be private.
        Err(_) => None,
    }
}

/// Relative ones start from `dir`.
fn absolute(subject: &Subject, word: &[u8]) -> Option<PathBuf> {
    let path = Path::new(OsStr::from_bytes(word));
    if path.is_absolute() {
        return Some(path.to_owned());
    }
    let dir = subject.setting("dir")?;
    let dir = Path::new(OsStr::from_bytes(dir.words().first()?)).to_owned();
    dir.is_absolute().then(|| dir.join(path))
}

fn validity(subject: &Subject, held: &Held, findings: &mut Vec<Finding>) {
    let shown = text::path(&held.path);
    let Some(valid) = server::validity(&held.bytes) else {
        if cfg!(feature = "server") {
            let seen = format!("{shown} holds no certificate in PEM");
            let fix = Fix::text("Name a file that begins with -----BEGIN CERTIFICATE-----.");
            findings.push(Finding::new(&FILE, held.said.place.clone(), seen).with(fix));
        }
        return;
    };
    let Some(now) = subject.now else { return };
    if now < valid.not_before {
        let seen = format!("{shown} is valid from {}", day(valid.not_before));
        let fix = Fix::text("Use the certificate that is valid now, or set the clock.");
        findings.push(
            Finding::new(&EXPIRES, held.said.place.clone(), seen).as_severe_as(Error).with(fix),
        );
    }
    until(held, valid.not_after, now, findings);
}

fn ends(subject: &Subject, held: &Held, findings: &mut Vec<Finding>) {
    if let Some((end, now)) = server::first_end(&held.bytes).zip(subject.now) {
        until(held, end, now, findings);
    }
}

fn until(held: &Held, end: i64, now: i64, findings: &mut Vec<Finding>) {
    if end - now >= SOON_DAYS * DAY {
        return;
    }
    let (severity, how) = if end <= now { (Error, "ended") } else { (Warning, "ends") };
    let seen = format!("{} {how} on {}", text::path(&held.path), day(end));
    let fix = Fix::text(
        "Renew it; the server takes the new file by `CONFIG SET tls-cert-file PATH`, without a restart.",
    );
    findings.push(
        Finding::new(&EXPIRES, held.said.place.clone(), seen).as_severe_as(severity).with(fix),
    );
}

fn day(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds)
        .map_or_else(|_| seconds.to_string(), |time| time.strftime("%Y-%m-%d").to_string())
}

fn between_nodes(subject: &Subject, findings: &mut Vec<Finding>) {
    let is = |name: &str| subject.setting(name).and_then(|seen| seen.flag());
    let follows = ["replicaof", "slaveof"].iter().any(|name| !subject.lines(name).is_empty());
    let asked = [
        ("tls-cluster", is("cluster-enabled") == Some(true)),
        ("tls-replication", follows || is("cluster-enabled") == Some(true)),
    ];
    for (name, applies) in asked {
        if let Some(seen) =
            subject.setting(name).filter(|seen| applies && seen.flag() == Some(false))
        {
            let finding = Finding::new(&BUS, seen.place.clone(), seen.shown());
            findings.push(finding.with(Fix::line(format!("{name} yes"))));
        }
    }
}
