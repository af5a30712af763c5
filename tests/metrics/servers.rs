//! Figures of running servers, by TLS and as users whose rights are bound; no secret stands anywhere.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use crate::support::certificates::{TLS_FILES, certificates};
use crate::support::live::Live;
use crate::support::server::Server;
use crate::world::{Run, aofkit, finish};
use crate::{promtool, samples};

const SECRET: &str = "hunter2-never-seen";

fn free_port() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string()
}

fn number(live: &mut Live, field: &str) -> f64 {
    let info = live.must("INFO").text();
    let rest = info.split_once(&format!("\n{field}:")).unwrap().1;
    rest.split_once('\r').unwrap().0.parse().unwrap()
}

fn servers() -> Vec<Server> {
    Server::all_or_none(&["redis-7.0", "redis-8.2", "valkey-9.1"])
}

/// A user who may ask, and nobody else.
fn with_user(live: &mut Live) {
    live.must(&format!("ACL SETUSER watch on >{SECRET} +info +config|get"));
}

fn metrics(dir: &Path, url: &str, password: &str, more: &[&str]) -> Run {
    let mut command: Command = aofkit();
    command.arg("metrics").arg(dir).args(["--server", url]).args(more);
    command.env("AOFKIT_SERVER_PASSWORD", password);
    finish(&mut command)
}

fn assert_no_secret(run: &Run) {
    for text in [&run.out, &run.err] {
        assert!(!text.contains(SECRET) && !text.contains("wrong-one"), "{text}");
    }
}

/// Samples of the one server, without their label.
fn of_server(text: &str, url: &str) -> BTreeMap<String, f64> {
    let label = format!("server=\"{url}\"");
    let all = samples(text).into_iter().filter(|(name, _)| name.contains(&label));
    all.map(|(name, value)| (name.replace(&label, "").replace("{}", ""), value)).collect()
}

/// The server's figures against what its own INFO says, before and after.
fn assert_figures(live: &mut Live, ask: impl Fn() -> Run, url: &str) {
    let before = number(live, "used_cpu_user");
    let run = ask().expect(0);
    assert_no_secret(&run);
    if promtool::is_there() {
        promtool::check_metrics(&run.out);
    }
    let all = of_server(&run.out, url);
    let of = |name: &str| all[&format!("aof_server_{name}")];
    assert_eq!(
        (of("up"), of("role{,role=\"primary\"}"), of("role{,role=\"replica\"}")),
        (1.0, 1.0, 0.0)
    );
    assert_eq!(of("memory_max_bytes"), f64::from(256 << 20));
    for (name, field) in
        [("memory_used_bytes", "used_memory"), ("memory_peak_bytes", "used_memory_peak")]
    {
        let own = number(live, field);
        assert!((of(name) - own).abs() < own * 0.2, "{name}: {} {own}", of(name));
    }
    assert!(of("cpu_user_seconds_total") >= before);
    assert!(of("cpu_user_seconds_total") <= number(live, "used_cpu_user"));
    assert_eq!(of("clients"), 2.0);
    assert_eq!(of("aof_size_bytes"), number(live, "aof_current_size"));
    assert_eq!(of("aof_base_bytes"), number(live, "aof_base_size"));
    for (name, value) in [
        ("aof_enabled", 1.0),
        ("last_write_success", 1.0),
        ("last_rewrite_success", 1.0),
        ("rewrite_in_progress", 0.0),
        ("evicted_keys_total", 0.0),
    ] {
        assert_eq!(of(name), value, "{name}");
    }
    assert!(!all.contains_key("aof_server_replication_lag_bytes"), "it has no replica");
    let own =
        samples(&run.out).into_iter().filter(|(name, _)| name.starts_with("aof_check_success"));
    assert_eq!(own.map(|(_, value)| value).collect::<Vec<_>>(), [1.0]);
}

#[test]
fn figures_are_those_of_info_and_a_user_who_may_ask_is_enough() {
    for server in servers() {
        let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
        let settings = ["--appendonly", "yes", "--port", &port, "--maxmemory", "256mb"];
        let mut live = Live::start_with(&server, dir.path(), &settings);
        with_user(&mut live);
        live.must("SET k v");
        live.must("CONFIG SET appendfsync always");
        live.must("SET k w");
        let url = format!("redis://watch@127.0.0.1:{port}");
        assert_figures(&mut live, || metrics(dir.path(), &url, SECRET, &[]), &url);
        // Who is not let in gets no figures, and the sets are told all the same.
        let run = metrics(dir.path(), &url, "wrong-one", &[]).expect(0);
        assert_no_secret(&run);
        assert_eq!(of_server(&run.out, &url), [("aof_server_up".to_owned(), 0.0)].into());
        assert!(run.out.contains("aof_check_success") && run.err.contains(&url), "{run:?}");
    }
}

#[test]
fn figures_come_by_tls_and_no_file_holds_a_secret() {
    let certificates_of = tempfile::tempdir().unwrap();
    if !certificates(certificates_of.path()) {
        return println!("did not run: no openssl");
    }
    let file = |name: &str| certificates_of.path().join(name).display().to_string();
    let mut ran = 0;
    for server in servers() {
        let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
        let files = TLS_FILES.map(|(setting, name)| (setting, file(name)));
        let mut settings = vec!["--appendonly", "yes", "--maxmemory", "256mb", "--tls-port", &port];
        settings.extend(files.iter().flat_map(|(setting, file)| [*setting, file.as_str()]));
        let refuses =
            |line: &str| line.contains("FATAL CONFIG FILE ERROR") || line.contains("Failed to");
        let mut trial = server.command();
        let scratch = tempfile::tempdir().unwrap();
        trial
            .args(["--port", "0", "--tls-port", &free_port(), "--logfile", ""])
            .current_dir(scratch.path());
        for (setting, file) in &files {
            trial.args([*setting, file.as_str()]);
        }
        let ready = |line: &str| line.contains("eady to accept") || refuses(line);
        let patience = std::time::Duration::from_secs(20);
        let said = crate::support::server::run_for_at_most(patience, &mut trial, ready);
        if !said.lines.iter().any(|line| line.contains("eady to accept")) {
            println!("did not run: {} was built without TLS", server.name);
            continue;
        }
        ran += 1;
        let mut live = Live::start_with(&server, dir.path(), &settings);
        with_user(&mut live);
        live.must("SET k v");
        live.must("CONFIG SET appendfsync always");
        live.must("SET k w");
        let url = format!("rediss://watch@localhost:{port}");
        let (ca, own, key) = (file("ca.crt"), file("own.crt"), file("own.key"));
        let words = ["--server-ca", &ca, "--server-cert", &own, "--server-key", &key];
        assert_figures(&mut live, || metrics(dir.path(), &url, SECRET, &words), &url);
        // The file that is written holds no secret either, nor does the command line of the run.
        let out = tempfile::tempdir().unwrap();
        let prom = out.path().join("m.prom").display().to_string();
        let run = metrics(dir.path(), &url, SECRET, &[&words[..], &["--output", &prom]].concat());
        assert_no_secret(&run.expect(0));
        let text = fs::read_to_string(&prom).unwrap();
        assert!(!text.contains(SECRET) && of_server(&text, &url)["aof_server_up"] == 1.0);
        // A stranger's certificate is not trusted.
        let run = metrics(dir.path(), &url, SECRET, &["--server-ca", &file("other.crt")]).expect(0);
        assert_eq!(of_server(&run.out, &url)["aof_server_up"], 0.0);
        assert_no_secret(&run);
    }
    if ran == 0 {
        println!("did not run: no server with TLS");
    }
}

#[test]
fn a_password_on_the_command_line_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let run =
        metrics(dir.path(), &format!("redis://watch:{SECRET}@127.0.0.1:1"), "", &[]).expect(2);
    assert_no_secret(&run);
}

#[test]
fn a_primary_tells_the_lag_of_its_replica_and_a_replica_its_link() {
    let Some(server) = Server::find("redis-8.2") else { return println!("did not run: no server") };
    let (dirs, port) = ([tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()], free_port());
    let [own, other] = dirs.each_ref().map(|dir| dir.path());
    let settings = ["--appendonly", "yes", "--port", &port, "--repl-diskless-sync-delay", "0"];
    let mut primary = Live::start_with(&server, own, &settings);
    let to = format!("127.0.0.1 {port}");
    let mut replica =
        Live::start_with(&server, other, &["--appendonly", "yes", "--replicaof", &to]);
    replica.until_it_says("master_link_status:up");
    primary.must("SET k v");
    let ask = |dir: &Path| {
        let url = format!("unix://{}", dir.join("s").display());
        of_server(&metrics(dir, &url, "", &[]).expect(0).out, &url)
    };
    let started = std::time::Instant::now();
    while ask(own).get("aof_server_replication_lag_bytes") != Some(&0.0) {
        assert!(started.elapsed().as_secs() < 30, "the replica never confirms");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let told = ask(other);
    assert_eq!(told["aof_server_primary_link_up"], 1.0);
    assert_eq!(told["aof_server_role{,role=\"replica\"}"], 1.0);
    assert!(told["aof_server_replication_lag_seconds"] < 30.0);
    primary.shut_down();
    replica.until_it_says("master_link_status:down");
    assert_eq!(ask(other)["aof_server_primary_link_up"], 0.0);
}
