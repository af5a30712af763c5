//! What a running server says beside its files: how often it is asked, what is told of it, and that no secret gets out.

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::process::Stdio;

use super::*;

fn url(dir: &Path) -> String {
    format!("unix://{}", dir.join("s").display())
}

fn text(verb: &str, dir: &Path, more: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_aofkit"))
        .arg(verb)
        .arg(dir)
        .args(more)
        .output()
        .expect("run aofkit");
    let text = [output.stdout, output.stderr].concat();
    // Without the breaks of lines.
    String::from_utf8_lossy(&text).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn connections(live: &mut Live) -> u64 {
    let info = live.must("INFO stats").text();
    let line = info.lines().find_map(|line| line.strip_prefix("total_connections_received:"));
    line.and_then(|number| number.trim().parse().ok()).expect("a number")
}

/// The kinds of what is told of the server.
fn conditions(report: &Value) -> Vec<String> {
    let all = report["server"]["conditions"].as_array().expect("conditions").iter();
    all.map(|one| one["kind"].as_str().expect("a kind").to_owned()).collect()
}

#[test]
fn a_server_is_asked_by_one_connection_a_run() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let mut live = logging(&server, dir.path());
        fill(&mut live, "key", 5);
        for verb in ["check", "growth", "inspect"] {
            let before = connections(&mut live);
            let (status, report) = json(verb, dir.path(), &["--server", &url(dir.path())]);
            assert_eq!(status, Some(0), "{} {verb}: {report:#}", server.name);
            assert_eq!(connections(&mut live), before + 1, "{} {verb}", server.name);
        }
    }
}

#[test]
fn what_concerns_the_files_of_a_server_is_told() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let mut live = logging(&server, dir.path());
        fill(&mut live, "key", 5);
        let asked = ["--server", &url(dir.path())];
        let (_, report) = json("check", dir.path(), &asked);
        assert_eq!(conditions(&report), [""; 0], "{}: {report:#}", server.name);
        assert_eq!(
            (&report["server"]["keys"], &report["server"]["role"]),
            (&5.into(), &"primary".into())
        );
        live.must("CONFIG SET rdb-key-save-delay 10000000");
        live.must("BGREWRITEAOF");
        live.until_it_says("aof_rewrite_in_progress:1");
        for verb in ["check", "growth"] {
            let (_, report) = json(verb, dir.path(), &asked);
            assert_eq!(conditions(&report), ["rewriting"], "{} {verb}", server.name);
        }
        assert!(text("check", dir.path(), &asked).contains("it rewrites the log right now"));
        let parent = pid(&mut live).to_string();
        Command::new("pkill").args(["-KILL", "-P", &parent]).status().expect("run pkill");
        live.until_it_says("aof_last_bgrewrite_status:err");
        let (_, report) = json("check", dir.path(), &asked);
        assert!(conditions(&report).contains(&"rewrite-failed".to_owned()), "{report:#}");
    }
}

#[test]
fn a_replica_without_its_primary_and_a_primary_without_its_replica_are_told() {
    for server in servers() {
        let (first, second) =
            (tempfile::tempdir().expect("make"), tempfile::tempdir().expect("make"));
        let port = free_port().to_string();
        let settings =
            ["--appendonly", "yes", "--appendfsync", "no", "--auto-aof-rewrite-percentage", "0"];
        let tcp = ["--bind", "127.0.0.1", "--port", &port];
        let mut primary = Live::start_with(&server, first.path(), &[&settings[..], &tcp].concat());
        fill(&mut primary, "key", 5);
        let mut replica = logging(&server, second.path());
        replica.must(&format!("REPLICAOF 127.0.0.1 {port}"));
        replica.until_it_says("master_link_status:up");
        replica.until_it_says("aof_rewrite_in_progress:0");
        let (_, report) = json("check", first.path(), &["--server", &url(first.path())]);
        let replicas = report["server"]["replicas"].as_array().expect("replicas");
        assert_eq!((replicas.len(), &replicas[0]["state"]), (1, &"online".into()), "{report:#}");
        assert!(replicas[0]["lag_seconds"].as_u64().is_some_and(|lag| lag < 10), "{report:#}");
        drop(primary);
        replica.until_it_says("master_link_status:down");
        for verb in ["check", "growth"] {
            let (_, report) = json(verb, second.path(), &["--server", &url(second.path())]);
            assert!(conditions(&report).contains(&"primary-down".to_owned()), "{verb}: {report:#}");
            let told = text(verb, second.path(), &["--server", &url(second.path())]);
            assert!(told.contains("the link to its primary is down"), "{verb}: {told}");
        }
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

const SECRET: &str = "s3cr3t-of-the-watcher";

/// Everything that a run lets others see: both streams, what `ps` shows, and the files in its own directories.
fn seen_by_others(command: &mut Command, home: &Path) -> String {
    let mut child = command
        .current_dir(home)
        .env("HOME", home)
        .env("TMPDIR", home)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("run aofkit");
    let mut seen = Vec::new();
    let (mut out, mut err) =
        (child.stdout.take().expect("a pipe"), child.stderr.take().expect("a pipe"));
    let proc = PathBuf::from(format!("/proc/{}", child.id()));
    for name in ["cmdline", "comm", "stat"] {
        seen.extend(fs::read(proc.join(name)).unwrap_or_default());
    }
    out.read_to_end(&mut seen).expect("read");
    err.read_to_end(&mut seen).expect("read");
    seen.extend(format!("\nended: {:?}\n", child.wait().expect("wait")).bytes());
    for file in names(home, "") {
        seen.extend(fs::read(&file).unwrap_or_default());
        seen.extend(file.to_string_lossy().bytes());
    }
    String::from_utf8_lossy(&seen).into_owned()
}

/// A server with a user who may look, over TLS where the program knows it: where it is, and how to trust it.
struct Guarded {
    live: Live,
    scheme: &'static str,
    port: u16,
    trust: Vec<String>,
}

fn guarded(server: &Server, dir: &Path, certificates: Option<&Path>) -> Guarded {
    let port = free_port();
    let number = port.to_string();
    let mut settings: Vec<String> =
        ["--appendonly", "yes", "--appendfsync", "no"].map(str::to_owned).into();
    let of = |name: &str| certificates.map(|at| at.join(name).display().to_string());
    let mut trust = Vec::new();
    match (of("own.crt"), of("own.key"), of("ca.crt")) {
        (Some(own), Some(key), Some(ca)) => {
            let words = [
                "--tls-port",
                &number,
                "--tls-cert-file",
                &own,
                "--tls-key-file",
                &key,
                "--tls-ca-cert-file",
                &ca,
                "--tls-auth-clients",
                "no",
            ];
            settings.extend(words.map(str::to_owned));
            trust = vec!["--server-ca".to_owned(), ca];
        }
        _ => settings.extend(["--bind", "127.0.0.1", "--port", &number].map(str::to_owned)),
    }
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let mut live = Live::start_with(server, dir, &settings);
    live.must(&format!("ACL SETUSER watcher on >{SECRET} +info +config|get +module|list"));
    let scheme = if trust.is_empty() { "redis" } else { "rediss" };
    Guarded { live, scheme, port, trust }
}

/// Makes an authority and a certificate of it for localhost.
fn certificates(dir: &Path) -> bool {
    let run = |words: &str| {
        let words: Vec<&str> = words.split(' ').collect();
        let done = Command::new("openssl").args(words).current_dir(dir).output();
        done.is_ok_and(|done| done.status.success())
    };
    fs::write(dir.join("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n").expect("write");
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    run(&format!("req -x509 {key} -days 2 -subj /CN=authority -keyout ca.key -out ca.crt"))
        && run(&format!("req {key} -subj /CN=localhost -keyout own.key -out own.csr"))
        && run(
            "x509 -req -in own.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names -out own.crt",
        )
}

/// Whether this program was built with TLS: else it ends as soon as it is told to listen so.
fn speaks_tls(server: &Server, certificates: &Path) -> bool {
    let file = |name: &str| certificates.join(name).display().to_string();
    let output = Command::new(server.program())
        .args(["--port", "0", "--tls-port", &free_port().to_string()])
        .args(["--tls-cert-file", &file("own.crt"), "--tls-key-file", &file("own.key")])
        .args(["--tls-ca-cert-file", &file("ca.crt"), "--logfile", ""])
        // One with TLS ends as well, for it cannot listen here.
        .args(["--unixsocket", "/nonexistent/s"])
        .output()
        .expect("start a server");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    !said.contains("Failed finding TLS support") && !said.contains("Bad directive")
}

#[test]
fn a_password_is_in_no_output_no_list_of_processes_and_no_file() {
    let made = tempfile::tempdir().expect("make a directory");
    let certificates = Some(made.path()).filter(|at| certificates(at));
    for server in servers() {
        let tls = certificates.filter(|at| speaks_tls(&server, at));
        eprintln!("{}: {}", server.name, if tls.is_some() { "with TLS" } else { "without TLS" });
        let dir = tempfile::tempdir().expect("make a directory");
        let Guarded { mut live, scheme, port, trust } = guarded(&server, dir.path(), tls);
        fill(&mut live, "key", 5);
        let home = tempfile::tempdir().expect("make a directory");
        let outside = tempfile::tempdir().expect("make a directory");
        let file = outside.path().join("password");
        fs::write(&file, format!("{SECRET}\n")).expect("write");
        let plain = format!("{scheme}://watcher@localhost:{port}");
        let with_password = format!("{scheme}://watcher:{SECRET}@localhost:{port}");
        let wrong = format!("{scheme}://nobody:{SECRET}@localhost:{port}");
        let nowhere = format!("{scheme}://watcher:{SECRET}@localhost:1");
        for verb in ["check", "growth", "inspect"] {
            let command = |more: &[&str]| {
                let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
                command.arg(verb).arg(dir.path()).args(["-v"]).args(&trust).args(more);
                command
            };
            let file = file.to_str().expect("a path");
            let known = [
                command(&["--server", &plain, "--server-password-file", file]),
                command(&["--json", "--server", &plain, "--server-password-file", file]),
                {
                    let mut c = command(&["--server", &plain]);
                    c.env("AOFKIT_SERVER_PASSWORD", SECRET);
                    c
                },
                {
                    let mut c = command(&["--server", &plain]);
                    c.env("REDISCLI_AUTH", SECRET);
                    c
                },
                {
                    let mut c = command(&[]);
                    c.env("AOFKIT_SERVER", &with_password);
                    c
                },
            ];
            for mut command in known {
                let seen = seen_by_others(&mut command, home.path());
                assert!(
                    seen.contains("ended: ExitStatus(unix_wait_status(0))"),
                    "{}: {seen}",
                    server.name
                );
                assert!(!seen.contains(SECRET), "{} {verb}: {seen}", server.name);
            }
            for server in [&wrong, &nowhere] {
                let mut command = command(&[]);
                let seen = seen_by_others(command.env("AOFKIT_SERVER", server), home.path());
                assert!(!seen.contains("unix_wait_status(0)"), "{seen}");
                assert!(!seen.contains(SECRET), "{verb}: {seen}");
            }
        }
        // A user who may do nothing but log in.
        live.must("ACL SETUSER watcher resetkeys -@all");
        let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
        command.arg("check").arg(dir.path()).args(&trust).env("AOFKIT_SERVER", &with_password);
        let seen = seen_by_others(&mut command, home.path());
        assert!(!seen.contains(SECRET), "{seen}");
        // What the server logs of it holds nothing either.
        let log = live.must("ACL LOG");
        assert!(!format!("{log:?}").contains(SECRET), "{log:?}");
    }
}
