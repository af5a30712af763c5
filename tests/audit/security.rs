//! Who may connect, log in, and do what; certificates; and that no secret is told.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::asked::{audit, findings, report};
use crate::cases::{Case, Given, conf, conf_of, with};

pub const CASES: &[Case] = &[
    Case {
        rule: "open-to-the-network",
        breaks: Given::Made(|dir| encrypted(dir, "bind 10.0.0.1\nprotected-mode no", false)),
        holds: Given::Made(|dir| encrypted(dir, "bind 10.0.0.1\nprotected-mode no", true)),
    },
    Case {
        rule: "bind-all",
        breaks: Given::Made(|dir| encrypted(dir, "bind * -::*", true)),
        holds: Given::Made(|dir| encrypted(dir, "bind 127.0.0.1 10.0.0.1", true)),
    },
    Case::lines("protected-mode-off", "protected-mode no", "protected-mode yes"),
    Case {
        rule: "no-password",
        breaks: Given::Made(|dir| plain(dir, "")),
        holds: Given::Made(|dir| plain(dir, USERS)),
    },
    Case::lines(
        "placeholder-password",
        "requirepass your_strong_password_here",
        "requirepass f3b1c0d27a9e44584c5d11",
    ),
    Case::lines("short-password", "requirepass k7Tz2", "requirepass f3b1c0d27a9e44584c5d11"),
    Case::lines(
        "user-without-password",
        "user probe on nopass ~probe:* -@all +ping",
        "user probe off nopass ~probe:* -@all +ping",
    ),
    Case::lines(
        "user-may-do-all",
        "user admin on #abababababababababababababababababababababababababababababababab ~* &* +@all",
        "user admin on #abababababababababababababababababababababababababababababababab ~* &* +@all -@dangerous",
    ),
    Case::lines("no-tls", "bind 127.0.0.1 10.0.0.1", "bind 127.0.0.1"),
    Case {
        rule: "plain-port-beside-tls",
        breaks: Given::Made(|dir| encrypted(dir, "bind 127.0.0.1 10.0.0.1\nport 6379", true)),
        holds: Given::Made(|dir| encrypted(dir, "bind 127.0.0.1 10.0.0.1", true)),
    },
    Case {
        rule: "tls-file",
        breaks: Given::Made(|dir| encrypted(dir, "tls-key-file \"\"", true)),
        holds: Given::Made(|dir| encrypted(dir, "", true)),
    },
    Case {
        rule: "tls-expires",
        breaks: Given::Made(|dir| valid_for(dir, 20)),
        holds: Given::Made(|dir| valid_for(dir, 50)),
    },
    Case {
        rule: "tls-key-mismatch",
        breaks: Given::Made(foreign_key),
        holds: Given::Made(|dir| encrypted(dir, "", true)),
    },
    Case {
        rule: "tls-between-nodes",
        breaks: Given::Made(|dir| node(dir, "tls-cluster no")),
        holds: Given::Made(|dir| node(dir, "tls-cluster yes")),
    },
    Case::lines("dangerous-commands", "enable-debug-command yes", "enable-debug-command no"),
    Case::lines("rename-command", "rename-command KEYS \"\"", "# rename-command"),
    Case {
        rule: "acl-file",
        breaks: Given::Made(|dir| acl_file(dir, false)),
        holds: Given::Made(|dir| acl_file(dir, true)),
    },
];

const USERS: &str = "user default off\nuser gateway on #abababababababababababababababababababababababababababababababab ~gateway:* -@all +@read\n";

type Args = Option<Vec<OsString>>;

/// A good configuration without users, with these lines.
fn plain(dir: &Path, lines: &str) -> Args {
    let kept = with("")
        .lines()
        .filter(|line| !line.starts_with("user "))
        .fold(String::new(), |all, line| all + line + "\n");
    Some(vec!["--conf".into(), conf_of(dir, &(kept + lines)).into()])
}

fn openssl(dir: &Path, words: &str) -> bool {
    let words: Vec<&str> = words.split(' ').collect();
    let done = Command::new("openssl").args(words).current_dir(dir).output();
    done.is_ok_and(|done| done.status.success())
}

/// A certificate that signs itself, valid for so many days, and its key.
fn certificate(dir: &Path, name: &str, days: u32) -> bool {
    let made = openssl(
        dir,
        &format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days {days} -subj /CN=localhost -keyout {name}.key -out {name}.crt"
        ),
    );
    if !made {
        eprintln!("did not run: no openssl");
        return false;
    }
    fs::set_permissions(dir.join(format!("{name}.key")), fs::Permissions::from_mode(0o600)).is_ok()
}

/// TLS alone, with these lines for others of the same name; with users, or with nobody asked for a password.
fn by_tls(dir: &Path, lines: &str, has_users: bool) -> Vec<OsString> {
    let at = dir.display();
    let tls = format!(
        "port 0\ntls-port 6379\ntls-cert-file {at}/own.crt\ntls-key-file {at}/own.key\ntls-ca-cert-file {at}/own.crt\n"
    );
    let name = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
    let overruled: Vec<_> = lines.lines().map(name).collect();
    let tls = tls
        .lines()
        .filter(|line| !overruled.contains(&name(line)))
        .fold(String::new(), |all, line| all + line + "\n");
    let text = with(&(tls + lines));
    let kept = text.lines().filter(|line| has_users || !line.starts_with("user "));
    vec![
        "--conf".into(),
        conf_of(dir, &kept.fold(String::new(), |all, line| all + line + "\n")).into(),
    ]
}

fn encrypted(dir: &Path, lines: &str, has_users: bool) -> Args {
    certificate(dir, "own", 90).then(|| by_tls(dir, lines, has_users))
}

fn valid_for(dir: &Path, days: u32) -> Args {
    certificate(dir, "own", days).then(|| by_tls(dir, "", true))
}

fn foreign_key(dir: &Path) -> Args {
    let made = certificate(dir, "own", 90) && certificate(dir, "other", 90);
    made.then(|| {
        fs::rename(dir.join("other.key"), dir.join("own.key")).unwrap();
        by_tls(dir, "", true)
    })
}

fn node(dir: &Path, line: &str) -> Args {
    let data = dir.join("data");
    fs::create_dir(&data).unwrap();
    let lines = format!(
        "cluster-enabled yes\ncluster-require-full-coverage no\ndir {}\ntls-replication yes\n{line}",
        data.display()
    );
    encrypted(dir, &lines, true)
}

/// A configuration with an ACL file, which is there or not.
fn acl_file(dir: &Path, is_there: bool) -> Args {
    let file = dir.join("users.acl");
    if is_there {
        fs::write(&file, USERS).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    }
    plain(dir, &format!("aclfile {}\n", file.display()))
}

#[test]
fn a_certificate_that_has_ended_and_files_that_are_not_there_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    if !certificate(dir.path(), "own", 90) {
        return;
    }
    // Made in the past: openssl takes no days below zero, but a time.
    let ended = openssl(
        dir.path(),
        "req -x509 -key own.key -subj /CN=localhost -not_before 20200101000000Z -not_after 20200201000000Z -out own.crt",
    );
    let severity = |rule: &str| {
        let report = report(&by_tls(dir.path(), "", true));
        let found = findings(&report)
            .iter()
            .find(|one| one["rule"] == rule)
            .map(|one| one["severity"].to_string());
        found.unwrap_or_default()
    };
    if ended {
        assert_eq!(severity("AOF-081"), "\"error\"");
    } else {
        eprintln!("did not run: this openssl makes no certificate of the past");
    }
    fs::remove_file(dir.path().join("own.crt")).unwrap();
    assert_eq!(severity("AOF-080"), "\"error\"");
}

#[test]
fn no_secret_is_told_in_any_form() {
    const SECRET: &str = "hunter2hunter2";
    let dir = tempfile::tempdir().unwrap();
    let lines = format!(
        "requirepass {SECRET}\nmasterauth {SECRET}\nmasteruser {SECRET}\ntls-key-file-pass {SECRET}\nuser a on >{SECRET} ~* +@all\n\
         user b on nopass >{SECRET} ~*\nrequirepass {SECRET} {SECRET}\ntls-port 7000\nbind *\nprotected-mode no\n"
    );
    let server = conf(dir.path(), &lines);
    let sentinel = dir.path().join("sentinel.conf");
    let text = format!(
        "protected-mode no\nrequirepass {SECRET}\nsentinel monitor m 127.0.0.1 6379 9\nsentinel auth-pass m {SECRET}\n\
         sentinel sentinel-pass {SECRET}\nuser default on >{SECRET} ~*\n"
    );
    fs::write(&sentinel, text).unwrap();
    for form in ["text", "json", "sarif"] {
        let words: [&std::ffi::OsStr; 6] = [
            "--conf".as_ref(),
            server.as_os_str(),
            "--sentinel-conf".as_ref(),
            sentinel.as_os_str(),
            "--format".as_ref(),
            form.as_ref(),
        ];
        let answer = audit(&words);
        // Not every form need be there, but whatever is printed tells nothing.
        assert!(
            form == "sarif" || answer.out.contains("AOF-074") || answer.out.contains("AOF-075"),
            "{form}: {}{}",
            answer.out,
            answer.err
        );
        assert!(
            !answer.out.contains(SECRET) && !answer.err.contains(SECRET),
            "{form}: {}{}",
            answer.out,
            answer.err
        );
    }
}
