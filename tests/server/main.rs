//! What a running server is asked, and what it answers: by socket, by port, by TLS, with passwords and without.
#![cfg(all(feature = "server", feature = "cli"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod growing;
mod modules;
mod refusing;
#[allow(dead_code, reason = "a part of it is used here")]
#[path = "../support/schema.rs"]
mod schema;
#[path = "../support/mod.rs"]
mod support;
mod tls;

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use aofkit::error::ErrorKind;
use aofkit::server::{Access, Address, RoleOfServer, Server as Asked, ServerState};

use support::live::Live;
use support::server::Server;

const ALL: [&str; 5] = ["redis-6.2", "redis-7.0", "redis-8.2", "valkey-8.1", "valkey-9.1"];

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn socket(dir: &Path) -> Address {
    address(&format!("unix://{}", dir.join("s").display()))
}

fn access(password: Option<&str>) -> Access {
    Access { password: password.map(str::to_owned), ..Access::default() }
}

fn state(address: &Address, access: &Access) -> ServerState {
    Asked::connect(address, access).unwrap().state().unwrap()
}

/// What the error says when there is no answer; never a password.
fn refusal(address: &Address, access: &Access) -> String {
    let asked = Asked::connect(address, access).and_then(|mut server| server.state());
    let error = asked.expect_err("refused");
    assert!(matches!(error.kind(), ErrorKind::Server(_)), "{error:?}");
    let text = error.to_string();
    assert!(!text.contains("secret") && !text.contains("wrong"), "{text}");
    text
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn every_server_tells_its_state_as_its_own_client_sees_it() {
    let Some(servers) = Server::find_all(&ALL) else { return eprintln!("did not run: no servers") };
    for server in servers {
        let dir = tempfile::tempdir().unwrap();
        let settings = ["--appendonly", "yes", "--auto-aof-rewrite-percentage", "37"];
        let mut live = Live::start_with(&server, dir.path(), &settings);
        live.must("SET key value");
        let state = state(&socket(dir.path()), &Access::default());
        let name = &server.name;
        let version = state.version.as_deref().unwrap();
        assert_eq!(format!("{}-{}", state.family, &version[..3]), *name);
        let info = live.must("INFO persistence").text();
        let number = |name: &str| {
            let rest = info.split_once(&format!("{name}:")).unwrap().1;
            Some(rest.split_once('\r').unwrap().0.parse::<u64>().unwrap())
        };
        assert_eq!(state.aof_base_bytes, number("aof_base_size"), "{name}");
        assert_eq!(state.aof_current_bytes, number("aof_current_size"), "{name}");
        assert_eq!((state.aof_enabled, state.loading), (Some(true), Some(false)), "{name}");
        assert_eq!((state.rewrite_last_ok, state.write_last_ok), (Some(true), Some(true)));
        assert_eq!((state.role, state.primary_link_up), (Some(RoleOfServer::Primary), None));
        assert_eq!((state.rewrite_percentage, state.rewrite_min_bytes), (Some(37), Some(64 << 20)));
        assert_eq!(
            state.process_id.unwrap(),
            live.must("INFO server")
                .text()
                .split_once("process_id:")
                .unwrap()
                .1
                .split_once('\r')
                .unwrap()
                .0
                .parse::<u32>()
                .unwrap()
        );
        assert_eq!(state.withheld, None);
        let log = match name.as_str() {
            "redis-6.2" => dir.path().join("appendonly.aof"),
            _ => dir.path().join("appendonlydir"),
        };
        assert_eq!(state.log_path().unwrap().canonicalize().unwrap(), log.canonicalize().unwrap());
        assert_eq!(state.keeps_log_at(&log), Some(true), "{name}");
        assert_eq!(state.keeps_log_at(&dir.path().join("elsewhere")), Some(false), "{name}");
        if name != "redis-6.2" {
            assert_eq!(state.keeps_log_at(&log.join("appendonly.aof.manifest")), Some(true));
            assert_eq!(state.rewrites, Some(0));
        }
    }
}

#[test]
fn a_replica_says_whether_its_link_is_up() {
    let Some(server) = Server::find("redis-8.2") else {
        return eprintln!("did not run: no redis-8.2");
    };
    let dir = tempfile::tempdir().unwrap();
    // Nobody listens there.
    let to = format!("127.0.0.1 {}", free_port());
    let _live = Live::start_with(&server, dir.path(), &["--replicaof", &to]);
    let state = state(&socket(dir.path()), &Access::default());
    assert_eq!((state.role, state.primary_link_up), (Some(RoleOfServer::Replica), Some(false)));
    assert_eq!(state.replication_id.unwrap().len(), 40);
}

#[test]
fn passwords_and_users_are_let_in_and_others_are_not() {
    let Some(servers) = Server::find_all(&ALL) else { return eprintln!("did not run: no servers") };
    for server in servers {
        let dir = tempfile::tempdir().unwrap();
        let port = free_port().to_string();
        let mut settings = vec!["--port", &port, "--requirepass", "secret"];
        settings.extend(["--user", "ann", "on", ">secret2", "+info"]);
        let mut live = Live::start_with(&server, dir.path(), &settings);
        live.must("AUTH secret");
        let tcp = |login: &str| address(&format!("redis://{login}127.0.0.1:{port}"));
        for (at, password) in
            [(tcp(""), Some("secret")), (tcp(":secret@"), None), (tcp(":secret@"), Some("wrong"))]
        {
            let state = state(&at, &access(password));
            assert!(state.dir.is_some() && state.withheld.is_none(), "{}", server.name);
        }
        let state = state(&socket(dir.path()), &access(Some("secret")));
        assert!(state.dir.is_some());
        // She may ask INFO and nothing else.
        let state = self::state(&tcp("ann@"), &access(Some("secret2")));
        assert_eq!((state.aof_enabled, &state.dir), (Some(false), &None));
        let why = state.withheld.unwrap().to_string();
        assert!(why.contains("NOPERM"), "{why}");
        live.must("ACL SETUSER ann -info +ping");
        assert!(refusal(&tcp("ann@"), &access(Some("secret2"))).contains("may not ask INFO"));
        for (at, password) in [(tcp(""), Some("wrong")), (tcp("bob@"), Some("secret"))] {
            let why = refusal(&at, &access(password));
            assert!(why.contains("does not let this client in"), "{}: {why}", server.name);
        }
        assert!(refusal(&tcp(""), &access(None)).contains("AOFKIT_SERVER_PASSWORD"));
    }
}

#[test]
fn a_renamed_config_leaves_the_settings_unknown() {
    let Some(server) = Server::find("redis-7.0") else {
        return eprintln!("did not run: no redis-7.0");
    };
    let dir = tempfile::tempdir().unwrap();
    let settings = ["--appendonly", "yes", "--rename-command", "CONFIG", "hidden"];
    let _live = Live::start_with(&server, dir.path(), &settings);
    let state = state(&socket(dir.path()), &Access::default());
    assert_eq!((state.aof_enabled, state.rewrite_percentage), (Some(true), None));
    assert!(state.withheld.unwrap().to_string().contains("unknown command"));
    assert_eq!(state.maxmemory_bytes, Some(0), "INFO tells that one too");
}

#[test]
fn who_does_not_answer_is_not_waited_for() {
    let nobody = address(&format!("redis://127.0.0.1:{}", free_port()));
    assert!(refusal(&nobody, &Access::default()).contains("no connection"));
    assert!(
        refusal(&address("unix:///no/such/socket"), &Access::default()).contains("no connection")
    );
    // It takes the connection and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let started = Instant::now();
    for url in [format!("redis://127.0.0.1:{port}"), format!("redis://:secret@127.0.0.1:{port}")] {
        let hasty = Access { patience: Duration::from_millis(300), ..Access::default() };
        let why = refusal(&address(&url), &hasty);
        assert!(why.contains("in time"), "{why}");
    }
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

/// The binary on the set of a server in `dir`, in an environment with nothing of ours but `env`.
fn growth(dir: &Path, words: &[&str], env: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
    command.env_clear().args(["growth"]).args(words).arg(dir.join("appendonlydir"));
    let output = command.envs(env.iter().copied()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_command_line_takes_no_password_and_other_places_do() {
    let Some(server) = Server::find("redis-7.0") else {
        return eprintln!("did not run: no redis-7.0");
    };
    let dir = tempfile::tempdir().unwrap();
    let settings = ["--appendonly", "yes", "--requirepass", "secret"];
    let _live = Live::start_with(&server, dir.path(), &settings);
    let url = socket(dir.path()).to_string();
    let with = format!("{url}?pass=secret");
    for json in [&[][..], &["--json"]] {
        let (code, out, err) = growth(dir.path(), &[&["--server", &with], json].concat(), &[]);
        assert_eq!((code, out.as_str()), (Some(2), ""));
        assert!(err.contains("AOFKIT_SERVER_PASSWORD") && !err.contains("secret"), "{err}");
    }
    let file = dir.path().join("password");
    fs::write(&file, "secret\n").unwrap();
    let file = file.to_str().unwrap();
    type Way<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)]);
    let ways: [Way<'_>; 4] = [
        (&[], &[("AOFKIT_SERVER", &with)]),
        (&["--server", &url], &[("AOFKIT_SERVER_PASSWORD", "secret")]),
        (&["--server", &url], &[("REDISCLI_AUTH", "secret")]),
        (&["--server", &url, "--server-password-file", file], &[("REDISCLI_AUTH", "wrong")]),
    ];
    for (words, env) in ways {
        let (code, out, err) = growth(dir.path(), words, env);
        assert_eq!(code, Some(0), "{err}");
        assert!(out.contains("the running server") && !out.contains("secret"), "{out}");
    }
    let (code, _, err) = growth(dir.path(), &["--server", &url], &[]);
    assert!(code == Some(0) && err.contains("wants a password"), "{err}");
    let (code, _, err) = growth(dir.path(), &["--server", "unix:///no/such/socket"], &[]);
    assert!(code == Some(1) && err.contains("unix:///no/such/socket: no connection"), "{err}");
    let (code, _, err) = growth(dir.path(), &["--server", "http://:secret@h"], &[]);
    assert!(code == Some(2) && !err.contains("secret"), "{err}");
    let (code, out, _) = growth(dir.path(), &["--help"], &[("AOFKIT_SERVER", &with)]);
    assert!(code == Some(0) && out.contains("--server <URL>") && !out.contains("secret"), "{out}");
}
