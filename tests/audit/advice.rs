//! Advice that is followed harms nobody, and the first line says all that was looked at.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::asked::{audit, findings, report};
use crate::sets::{by_conf, chmod, private};
use crate::support::live::Live;
use crate::support::server::Server;

/// What is advised about a rule.
fn advised(report: &Value, rule: &str) -> Vec<String> {
    let found = findings(report).iter().filter(|one| one["rule"] == rule);
    let fixes = found.flat_map(|one| one["fix"].as_array().unwrap());
    fixes.map(|fix| fix["text"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn no_user_that_is_there_loses_a_right() {
    const HASH: &str = "#abababababababababababababababababababababababababababababababab";
    for (users, name) in [
        (format!("user alice on {HASH} ~* &* +@all\nuser default off"), "gateway"),
        (format!("user gateway on {HASH} ~* &* +@all\nuser default off"), "gateway-2"),
    ] {
        let dir = private();
        let conf = dir.path().join("redis.conf");
        fs::write(&conf, format!("bind 127.0.0.1\n{users}\n")).unwrap();
        let told = advised(&report(&["--conf".as_ref(), conf.as_os_str()]), "AOF-077");
        assert!(told[0].starts_with(&format!("user {name} on >PASSWORD ")), "{told:?}");
        assert!(told.iter().all(|one| !one.contains("ACL SETUSER")), "{told:?}");
    }
    // The last that may do everything is not to be turned off.
    for (others, wanted) in [
        (format!("user gateway on {HASH} ~* +@read"), "ACL SETUSER default resetpass >PASSWORD"),
        (format!("user admin on {HASH} ~* &* +@all"), "user default off"),
    ] {
        let dir = private();
        let conf = dir.path().join("redis.conf");
        fs::write(&conf, format!("user default on nopass ~* &* +@all\n{others}\n")).unwrap();
        let told = advised(&report(&["--conf".as_ref(), conf.as_os_str()]), "AOF-076");
        assert_eq!(told, [wanted]);
    }
}

#[test]
fn a_server_that_is_told_the_advice_can_still_be_administered() {
    let Some(server) = Server::find("redis-7.4") else {
        println!("did not run: no server was found");
        return;
    };
    let dir = private();
    let socket = dir.path().join("s");
    let mut command = server.command();
    command.args(["--port", "0", "--unixsocket"]).arg(&socket).arg("--dir").arg(dir.path());
    let mut live = Live::spawn(&server, command, dir.path(), &socket);
    let url = format!("unix://{}", socket.display());
    let told = advised(&report(&["--server", url.as_str()]), "AOF-077");
    let words = told[0].replace("PASSWORD", "Tei7ahxohl2quiecTei7ahxohl2quiec");
    assert!(words.starts_with("ACL SETUSER gateway "), "{told:?}");
    for words in [words.as_str(), "CONFIG GET dir", "ACL LIST", "ACL DELUSER gateway"] {
        live.must(words);
    }
}

#[test]
fn a_lost_acl_file_is_not_to_be_replaced_by_an_empty_one() {
    let dir = private();
    let args = by_conf(dir.path(), "");
    let lost = dir.path().join("x y;id");
    fs::write(&args[1], format!("aclfile \"{}\"\n", lost.display())).unwrap();
    let told = advised(&report(&args), "AOF-087").join(" ");
    assert!(told.contains("Restore the file") && !told.contains("touch"), "{told}");
}

#[test]
fn a_secret_that_others_can_read_is_an_error_where_a_server_surely_reads_it() {
    let dir = private();
    chmod(dir.path(), 0o755);
    let severities = |args: &[std::ffi::OsString]| {
        let report = report(args);
        let found = findings(&report).iter().filter(|one| one["rule"] == "AOF-037");
        found.map(|one| one["severity"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let mut args = by_conf(dir.path(), "");
    let socket = dir.path().join("s");
    let lines = format!(
        "port 0\nunixsocket {}\ndir {}\nmasterauth Tei7ahxohl2quiecTei7ahxohl2quiec\n",
        socket.display(),
        dir.path().display()
    );
    fs::write(&args[1], lines).unwrap();
    chmod(Path::new(&args[1]), 0o644);
    assert_eq!(severities(&args), ["info"]);
    let Some(server) = Server::find("redis-7.4") else { return };
    let mut command = server.command();
    command.arg(&args[1]);
    let _live = Live::spawn(&server, command, dir.path(), &socket);
    args.extend(["--server".into(), format!("unix://{}", socket.display()).into()]);
    assert_eq!(severities(&args), ["error"]);
}

#[test]
fn all_that_was_looked_at_is_named_and_what_was_not_told() {
    let dir = private();
    let at = |name: &str, text: &str| {
        fs::write(dir.path().join(name), text).unwrap();
        dir.path().join(name).into_os_string()
    };
    let sentinel = at("s.conf", "sentinel monitor m 10.0.0.5 6379 2\n");
    let empty = at("rg.json", "{\"ReplicationGroups\": []}");
    for (args, told) in [
        (["--sentinel-conf".into(), sentinel], "Looked at: Sentinel "),
        (["--parameter-group".into(), empty], "Looked at: ElastiCache "),
    ] {
        let answer = audit(&args);
        let first = answer.out.replace("\n", " ");
        assert!(first.starts_with(told), "{first}");
        assert!(!first.contains("recorded servers"), "{first}");
        assert_eq!(first.contains("lists nothing"), told.contains("Elasti"), "{first}");
    }
    let bad = at("bad.json", "[1");
    let answer = audit(&["--parameter-group".into(), bad]);
    assert!(answer.err.contains("it is not the JSON that `aws` prints"), "{}", answer.err);
}

#[test]
fn settings_that_a_server_withholds_are_named() {
    let Some(server) = Server::find("redis-7.4") else {
        println!("did not run: no server was found");
        return;
    };
    let dir = private();
    let socket = dir.path().join("s");
    let mut command = server.command();
    command.args(["--port", "0", "--unixsocket"]).arg(&socket).arg("--dir").arg(dir.path());
    let mut live = Live::spawn(&server, command, dir.path(), &socket);
    live.must("ACL SETUSER default -config");
    let answer = audit(&["--server".to_owned(), format!("unix://{}", socket.display())]);
    assert!(answer.out.contains("Not judged: the settings of the server"), "{}", answer.out);
}
