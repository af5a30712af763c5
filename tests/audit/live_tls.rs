//! Certificates of servers that run with TLS: one that is good, one that ends soon, one that has ended.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::asked::{findings, report};
use crate::sets::private;
use crate::support::live::Live;
use crate::support::server::Server;

fn openssl(dir: &Path, words: &str) -> bool {
    let words: Vec<&str> = words.split(' ').collect();
    let done = Command::new("openssl").args(words).current_dir(dir).output();
    done.is_ok_and(|done| done.status.success())
}

/// A certificate that signs itself, valid as these words of openssl say, and its key.
fn certificate(dir: &Path, valid: &str) -> bool {
    let made = openssl(
        dir,
        &format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes {valid} -subj /CN=localhost \
             -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE -keyout own.key -out own.crt"
        ),
    );
    let key = dir.join("own.key");
    made && fs::set_permissions(key, fs::Permissions::from_mode(0o600)).is_ok()
}

fn free_port() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port().to_string()
}

/// The severity of what is said about the end of the certificate of a server that runs with it, asked by its socket and by TLS.
fn said(server: &Server, valid: &str, by_tls: bool) -> Option<Vec<String>> {
    let dir = private();
    if !certificate(dir.path(), valid) {
        return None;
    }
    let at = |name: &str| dir.path().join(name).display().to_string();
    let (certificate, key, port) = (at("own.crt"), at("own.key"), free_port());
    let settings = [
        "--tls-port",
        &port,
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key,
        "--tls-ca-cert-file",
        &certificate,
        "--tls-auth-clients",
        "no",
    ];
    let data = dir.path().join("data");
    fs::create_dir(&data).unwrap();
    let mut live = Live::start_with(server, &data, &settings);
    // A server without TLS has no such setting.
    if live.must("CONFIG GET tls-port").list().is_empty() {
        return None;
    }
    let socket = live.must("CONFIG GET unixsocket").list()[1].text();
    let url = match by_tls {
        true => format!("rediss://localhost:{port}"),
        false => format!("unix://{socket}"),
    };
    let mut args = vec!["--server".to_owned(), url];
    if by_tls {
        args.extend(["--server-ca".to_owned(), certificate.clone()]);
    }
    let report = report(&args);
    let found = findings(&report).iter().filter(|one| one["rule"] == "AOF-081");
    Some(found.map(|one| one["severity"].as_str().unwrap().to_owned()).collect())
}

#[test]
fn the_end_of_a_running_servers_certificate_is_told() {
    let tls = |server: &Server| {
        let mut trial = server.command();
        trial.args([
            "--port",
            "0",
            "--tls-port",
            "0",
            "--tls-cert-file",
            "/nowhere",
            "--logfile",
            "",
        ]);
        let ready = |line: &str| line.contains("eady to accept");
        let patience = std::time::Duration::from_secs(20);
        let scratch = tempfile::tempdir().unwrap();
        trial.arg("--unixsocket").arg(scratch.path().join("s")).current_dir(scratch.path());
        let run = crate::support::server::run_for_at_most(patience, &mut trial, ready);
        run.lines.iter().any(|line| ready(line))
    };
    let all = Server::all_or_none(&["redis-7.0", "redis-8.2", "valkey-9.1"]);
    let Some(server) = all.iter().find(|server| tls(server)) else {
        return println!("did not run: no server with TLS");
    };
    for by_tls in [false, true] {
        for (valid, expected) in [("-days 365", None), ("-days 5", Some("warning"))] {
            let Some(said) = said(server, valid, by_tls) else {
                return println!("did not run: no openssl, or {} has no TLS", server.name);
            };
            assert_eq!(said.first().map(String::as_str), expected, "{valid}, by TLS: {by_tls}");
        }
    }
    // Whoever connects by TLS is refused; by the socket it is told.
    match said(server, "-not_before 20200101000000Z -not_after 20200201000000Z", false) {
        Some(said) => assert_eq!(said.first().map(String::as_str), Some("error")),
        None => println!("did not run: this openssl makes no certificate of the past"),
    }
}
