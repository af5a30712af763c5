//! What a running server is asked, and what it answers: by socket, by port, by TLS, with passwords and without.
#![cfg(all(feature = "server", feature = "cli"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[allow(dead_code, reason = "a part of it is used here")]
#[path = "support/schema.rs"]
mod schema;
mod support;

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use aofkit::error::ErrorKind;
use aofkit::server::{Access, Address, RoleOfServer, Server as Asked, ServerState};

use serde_json::{Value, json};
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

/// Makes an authority, a certificate of it for localhost, and an authority that has nothing to do with it.
fn certificates(dir: &Path) -> bool {
    let run = |words: &str| {
        let words: Vec<&str> = words.split(' ').collect();
        let done = Command::new("openssl").args(words).current_dir(dir).output();
        done.is_ok_and(|done| done.status.success())
    };
    fs::write(dir.join("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n").unwrap();
    let authority =
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj";
    run(&format!("{authority} /CN=authority -keyout ca.key -out ca.crt"))
        && run(&format!("{authority} /CN=other -keyout other.key -out other.crt"))
        && run(
            "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost -keyout own.key -out own.csr",
        )
        && run(
            "x509 -req -in own.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names -out own.crt",
        )
}

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
    support::server::run_for_at_most(Duration::from_secs(20), &mut command, ready).stopped_at_line
}

/// The settings that name files, and the files.
const TLS_FILES: [(&str, &str); 3] = [
    ("--tls-cert-file", "own.crt"),
    ("--tls-key-file", "own.key"),
    ("--tls-ca-cert-file", "ca.crt"),
];

fn asked_by_tls(server: &Server, certificates: &Path) {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port().to_string();
    let files =
        TLS_FILES.map(|(setting, name)| (setting, certificates.join(name).display().to_string()));
    let mut settings = vec!["--tls-port", &port];
    settings.extend(files.iter().flat_map(|(setting, file)| [*setting, file.as_str()]));
    let mut live = Live::start_with(server, dir.path(), &settings);
    let read = |name: &str| fs::read(certificates.join(name)).unwrap();
    let trusting = |name: &str| Access { authorities: Some(read(name)), ..Access::default() };
    let known = Access { identity: Some((read("own.crt"), read("own.key"))), ..trusting("ca.crt") };
    for host in ["localhost", "127.0.0.1"] {
        let state = state(&address(&format!("rediss://{host}:{port}")), &known);
        assert_eq!(state.aof_enabled, Some(false), "{}", server.name);
    }
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

/// The binary on the set of a server in `dir`, in an environment with nothing of ours but `env`.
fn growth(dir: &Path, words: &[&str], env: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
    command.env_clear().args(["growth"]).args(words).arg(dir.join("appendonlydir"));
    let output = command.envs(env.iter().copied()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn report(dir: &Path, words: &[&str]) -> Value {
    let url = socket(dir).to_string();
    let words = [&["--json", "--server", &url], words].concat();
    let (code, out, err) = growth(dir, &words, &[]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    serde_json::from_str(&out).unwrap()
}

#[test]
fn growth_counts_as_the_running_server_does() {
    for name in ["redis-7.0", "redis-8.2", "valkey-9.1"] {
        let Some(server) = Server::find(name) else { return eprintln!("did not run: no {name}") };
        let dir = tempfile::tempdir().unwrap();
        let settings = ["--appendonly", "yes", "--auto-aof-rewrite-percentage", "150"];
        let mut live = Live::start_with(&server, dir.path(), &settings);
        live.must("CONFIG SET auto-aof-rewrite-min-size 1mb");
        for at in 0..100 {
            live.call(&[b"SET", format!("key:{at}").as_bytes(), &[b'v'; 1000]]);
        }
        // It never loaded its first base, and leaves it out.
        let fresh = report(dir.path(), &[]);
        let current = live.must("INFO persistence").text();
        let current = current.split_once("aof_current_size:").unwrap().1;
        let current: u64 = current.split_once('\r').unwrap().0.parse().unwrap();
        let rule = &fresh["trigger"];
        assert_eq!((&rule["source"], &rule["percentage"]), (&"server".into(), &150.into()));
        assert_eq!(rule["remaining_bytes"], (1 << 20) + 1 - current, "{name}: {rule}");
        assert_eq!(rule["cases"][0]["since"], "server");
        assert_eq!(rule["cases"][1]["counted_bytes"], fresh["current_bytes"]);
        let said = &fresh["server"];
        assert_eq!((&said["same_log"], &said["aof_base_bytes"]), (&true.into(), &0.into()));
        let differs = said["differences"][0].as_str().unwrap();
        assert!(differs.contains("leaves out the base"), "{differs}");
        let schema =
            fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schemas/growth.json")).unwrap();
        let schema = serde_json::from_slice(&schema).unwrap();
        assert_eq!(schema::faults(&schema, &fresh), [""; 0]);
        live.must("BGREWRITEAOF");
        while live.must("INFO persistence").text().contains("aof_rewrite_in_progress:1") {
            std::thread::sleep(Duration::from_millis(10));
        }
        let after = report(dir.path(), &[]);
        assert_eq!((&after["server"]["rewrites"], &after["holds"]), (&1.into(), &json!([])));
        assert_eq!(after["server"]["differences"], json!([]), "{name}");
        live.must("CONFIG SET auto-aof-rewrite-percentage 0");
        live.must("CONFIG SET appendonly no");
        let off = report(dir.path(), &[]);
        let kinds: Vec<_> =
            off["holds"].as_array().unwrap().iter().map(|hold| &hold["kind"]).collect();
        assert!(kinds.contains(&&"no-log".into()) && kinds.contains(&&"off".into()), "{kinds:?}");
        let (code, out, _) =
            growth(dir.path(), &["--server", &socket(dir.path()).to_string()], &[]);
        assert!(
            code == Some(0) && out.contains("the running server") && out.contains("appendonly no"),
            "{out}"
        );
    }
}

#[test]
fn a_child_that_runs_is_told_as_the_server_tells_it() {
    let Some(server) = Server::find("redis-8.2") else {
        return eprintln!("did not run: no redis-8.2");
    };
    let dir = tempfile::tempdir().unwrap();
    let settings = ["--appendonly", "yes"];
    let mut live = Live::start_with(&server, dir.path(), &settings);
    for at in 0..100 {
        live.call(&[b"SET", format!("key:{at}").as_bytes(), b"value"]);
    }
    // Twenty milliseconds for each key: the child is slow enough to be seen.
    live.must("CONFIG SET rdb-key-save-delay 20000");
    live.must("BGREWRITEAOF");
    let running = report(dir.path(), &[]);
    assert_eq!(running["holds"][0]["kind"], "running", "{}", running["holds"]);
    let is_running = |hold: &&Value| hold["kind"] == "running";
    let holds = running["holds"].as_array().unwrap();
    assert_eq!(holds.iter().filter(is_running).count(), 1, "its file is no second one: {holds:?}");
    let child = live.must("INFO persistence").text();
    assert!(child.contains("aof_rewrite_in_progress:1"), "it ended too soon to be seen");
    while live.must("INFO persistence").text().contains("aof_rewrite_in_progress:1") {
        std::thread::sleep(Duration::from_millis(10));
    }
    live.must("CONFIG SET rdb-key-save-delay 0");
    let saving = {
        live.must("CONFIG SET rdb-key-save-delay 20000");
        live.must("BGSAVE");
        live.must("BGREWRITEAOF");
        report(dir.path(), &[])
    };
    assert_eq!(saving["holds"][0]["kind"], "saving", "{}", saving["holds"]);
    assert_eq!(saving["server"]["rewrite_scheduled"], true);
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
    assert!(code == Some(1) && err.contains("wants a password"), "{err}");
    let (code, _, err) = growth(dir.path(), &["--server", "unix:///no/such/socket"], &[]);
    assert!(code == Some(1) && err.contains("unix:///no/such/socket: no connection"), "{err}");
    let (code, _, err) = growth(dir.path(), &["--server", "http://:secret@h"], &[]);
    assert!(code == Some(2) && !err.contains("secret"), "{err}");
    let (code, out, _) = growth(dir.path(), &["--help"], &[("AOFKIT_SERVER", &with)]);
    assert!(code == Some(0) && out.contains("--server <URL>") && !out.contains("secret"), "{out}");
}
