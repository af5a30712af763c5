//! A server that is asked by TLS.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use aofkit::server::Access;

use super::support::certificates::{TLS_FILES, certificates};
use super::support::live::Live;
use super::support::server::{Server, run_for_at_most};
use super::{ALL, address, free_port, refusal, state};

#[test]
fn a_server_is_asked_by_tls_when_its_certificate_is_trusted() {
    let dir = tempfile::tempdir().unwrap();
    if !certificates(dir.path()) {
        return eprintln!("did not run: no openssl");
    }
    let mut ran = 0;
    for name in ALL {
        let Some(server) = Server::find(name) else { continue };
        if !speaks_tls(&server, dir.path()) {
            eprintln!("did not run: {name} was built without TLS");
            continue;
        }
        ran += 1;
        asked_by_tls(&server, dir.path());
    }
    if ran == 0 {
        eprintln!("did not run: no server with TLS");
    }
}

/// Whether this server was built with TLS: another one refuses such a port and ends.
fn speaks_tls(server: &Server, certificates: &Path) -> bool {
    let mut command = Command::new(server.program());
    let dir = tempfile::tempdir().unwrap();
    let port = free_port().to_string();
    command.args(["--port", "0", "--unixsocket", "s", "--logfile", "", "--tls-port", &port]);
    for (setting, name) in TLS_FILES {
        command.arg(setting).arg(certificates.join(name));
    }
    command.current_dir(dir.path());
    let ready = |line: &str| line.contains("eady to accept");
    run_for_at_most(Duration::from_secs(20), &mut command, ready).stopped_at_line
}

fn asked_by_tls(server: &Server, certificates: &Path) {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port().to_string();
    let files =
        TLS_FILES.map(|(setting, name)| (setting, certificates.join(name).display().to_string()));
    let mut settings = vec!["--appendonly", "yes", "--tls-port", &port];
    settings.extend(files.iter().flat_map(|(setting, file)| [*setting, file.as_str()]));
    let mut live = Live::start_with(server, dir.path(), &settings);
    let read = |name: &str| fs::read(certificates.join(name)).unwrap();
    let trusting = |name: &str| Access { authorities: Some(read(name)), ..Access::default() };
    let known = Access { identity: Some((read("own.crt"), read("own.key"))), ..trusting("ca.crt") };
    for host in ["localhost", "127.0.0.1"] {
        let state = state(&address(&format!("rediss://{host}:{port}")), &known);
        assert_eq!(state.aof_enabled, Some(true), "{}", server.name);
    }
    backed_up_by_tls(dir.path(), &format!("rediss://localhost:{port}"), certificates);
    let at = address(&format!("rediss://localhost:{port}"));
    // Servers want a certificate of the client unless told.
    refusal(&at, &trusting("ca.crt"));
    live.must("CONFIG SET tls-auth-clients no");
    state(&at, &trusting("ca.crt"));
    for stranger in [trusting("other.crt"), Access::default()] {
        let why = refusal(&at, &stranger);
        assert!(why.contains("certificate"), "{why}");
    }
    // In the clear it understands nothing, and TLS is not understood in the clear.
    refusal(&address(&format!("redis://localhost:{port}")), &Access::default());
}

/// The command line takes certificates as files; without the right ones nothing is published.
fn backed_up_by_tls(dir: &Path, url: &str, certificates: &Path) {
    let repo = tempfile::tempdir().unwrap();
    let file = |name: &str| certificates.join(name).display().to_string();
    let backup = |words: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
        command.arg("backup").arg(dir).args(["--min-free", "0", "--server", url, "--repo"]);
        command.arg(repo.path());
        for (word, name) in words {
            command.arg(word).arg(file(name));
        }
        let output = command.output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), err, repo.path().join("sources").exists())
    };
    let (trusted, own) = (("--server-ca", "ca.crt"), ("--server-cert", "own.crt"));
    let key = ("--server-key", "own.key");
    type Files<'a> = &'a [(&'a str, &'a str)];
    let wrong: [(Files<'_>, i32, &str); 6] = [
        (&[], 1, "certificate"),
        (&[("--server-ca", "other.crt"), own, key], 1, "certificate"),
        (&[trusted], 1, url),
        (&[trusted, own, ("--server-key", "other.key")], 1, url),
        (&[("--server-ca", "nowhere.crt"), own, key], 1, "nowhere.crt"),
        (&[trusted, own], 2, "go together"),
    ];
    for (words, code, why) in wrong {
        let (ended, err, is_published) = backup(words);
        assert!(ended == Some(code) && err.contains(why), "{words:?}: {ended:?}: {err}");
        assert!(!is_published, "{words:?}");
    }
    let (ended, err, is_published) = backup(&[trusted, own, key]);
    assert!(ended == Some(0) && is_published, "{ended:?}: {err}");
}
