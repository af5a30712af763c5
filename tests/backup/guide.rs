//! The guide for production is a session: what stands in its boxes is run beside a real server, from top to bottom.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::support::server::Server;

const GUIDE: &str = include_str!("../../docs/production.md");

/// What the machine of the guide has and a test has not: a service, its client, and aofkit in the PATH.
const MACHINE: &str = r#"
set -eu
PATH=AOFKIT_DIR:$PATH
redis-cli() {
    CLI -s DATA/s "$@"
    case $1 in SHUTDOWN) wait ;; esac
}
systemctl() {
    case $1 in
    stop) redis-cli SHUTDOWN ;;
    start) SERVER CONF >/dev/null & until test "$(redis-cli PING 2>/dev/null)" = PONG; do sleep 0.05; done ;;
    esac
}
trap 'redis-cli SHUTDOWN NOSAVE >/dev/null 2>&1 || true' EXIT
systemctl start redis
redis-cli SET user:42:name Ada
redis-cli HSET user:42:visits mon 1 tue 2
"#;

/// After the snapshot was put in place, after the accident was undone, and after keys were brought back.
const KEYS_ARE_BACK: &str = r#"
test "$(redis-cli GET user:42:name)" = Ada
test "$(redis-cli HGET user:42:visits tue)" = 2
"#;

/// After the log of the old node was copied: the new one goes on.
const THE_NEW_ONE_GOES_ON: &str = r#"
redis-cli SET after:failover 1
"#;

/// After the two were compared.
const THE_DIFFERENCE_IS_TOLD: &str = r#"
aofkit diff /srv/old-aof /var/lib/redis/aof | grep '^ *B  *"after:failover"$'
aofkit diff /srv/old-aof /var/lib/redis/aof --load /usr/bin/redis-server | grep '^ *only in B  "after:failover"'
"#;

/// Before keys are brought back as they were.
const KEYS_ARE_WRONG: &str = r#"
redis-cli SET user:42:name Eve
redis-cli HDEL user:42:visits tue
"#;

/// The boxes of the guide in order: what kind, and what stands in them.
fn boxes() -> impl Iterator<Item = (&'static str, &'static str)> {
    GUIDE.split("```").skip(1).step_by(2).filter_map(|one| one.split_once('\n'))
}

/// The command in a line of a crontab of the system.
fn job(line: &str) -> String {
    let command: Vec<_> = line.split_whitespace().skip(6).collect();
    command.join(" ").replace("\\%", "%")
}

fn session() -> String {
    let mut session = MACHINE.to_owned();
    for (kind, text) in boxes() {
        match kind {
            "sh" => {
                if text.contains("--before-command FLUSHALL") {
                    session.push_str("redis-cli FLUSHALL\n");
                }
                if text.contains("--replace --keep-in") {
                    session.push_str(KEYS_ARE_WRONG);
                }
                session.push_str(text);
                if text.contains("cp -a /var/lib/redis/aof") {
                    session.push_str(THE_NEW_ONE_GOES_ON);
                }
                if text.contains("aofkit diff") {
                    session.push_str(THE_DIFFERENCE_IS_TOLD);
                }
                if text.contains("systemctl start redis") || text.contains("--apply\n") {
                    session.push_str(KEYS_ARE_BACK);
                }
            }
            "cron" => text.lines().for_each(|line| writeln!(session, "{}", job(line)).unwrap()),
            _ => {}
        }
    }
    session.push_str("aofkit check DATA/by-hand\necho the end of the guide\n");
    session
}

#[test]
fn every_command_of_the_guide_does_what_it_says() {
    let Some(server) = Server::find("redis-7.0") else {
        println!("redis-7.0 not found: the guide was not run");
        return;
    };
    let home = TempDir::new().unwrap();
    let place = |name: &str| home.path().join(name).display().to_string();
    fs::create_dir(home.path().join("data")).unwrap();
    let settings: String = boxes().filter(|one| one.0 == "conf").map(|one| one.1).collect();
    let here =
        format!("\ndir {}\nport 0\nunixsocket {}/s\nsave \"\"\n", place("data"), place("data"));
    fs::write(home.path().join("redis.conf"), settings + &here).unwrap();
    let program = server.program().display().to_string();
    let cli = Path::new(&program).with_file_name("cli").display().to_string();
    let aofkit = Path::new(env!("CARGO_BIN_EXE_aofkit")).parent().unwrap();
    let session = session()
        .replace("/etc/redis/redis.conf", &place("redis.conf"))
        .replace("/var/lib/redis", &place("data"))
        .replace("/srv/backup/redis", &place("repo"))
        .replace("/srv/old-aof", &place("old-aof"))
        .replace("/run/redis/redis.sock", &place("data/s"))
        .replace("/usr/bin/redis-server", &program)
        .replace("AOFKIT_DIR", &aofkit.display().to_string())
        .replace("CLI -s", &format!("{cli} -s"))
        .replace("SERVER CONF", &format!("{program} {}", place("redis.conf")))
        .replace("DATA", &place("data"));
    let mut shell = Command::new("bash");
    let output =
        shell.arg("-c").arg(&session).env("AOFKIT_MIN_FREE", "0").stdin(Stdio::null()).output();
    let output = output.unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{session}\n{told}\n{errors}");
    assert!(told.ends_with("the end of the guide\n"), "{told}\n{errors}");
}
