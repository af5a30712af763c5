//! Users in configurations and ACL files: what the audit says of a line is what real servers do with it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::asked::{findings, report};
use crate::sets::private;
use crate::support::server::{ALL, Server, run_for_at_most};
use crate::support::{in_parallel, number_from_env};

const HASH: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// What stands behind `user bob `; `HASH` stands for one.
const RULES: [&str; 87] = [
    "on foo",
    "on >x ~* nonsense",
    "on +nosuchcmd",
    "on -nosuch",
    "on +get|sub",
    "on +config|get",
    "on +config|nosuch",
    "on -config|get",
    "on +client|foo|bar",
    "on -get|x",
    "on +get|",
    "on +|get",
    "on +",
    "on -",
    "on +@",
    "on +@ALL -@Dangerous",
    "on +@nonsense",
    "on -@nonsense",
    "on +@read|x",
    "on @all",
    "on +hexpire",
    "on +delifeq",
    "on +acl|whoami|x",
    "on +select|0",
    "on -select|0",
    "on #abc",
    "on #HASH",
    "on #AHASH",
    "on !HASH",
    "on #HASH !HASH",
    "on <x",
    "on >a <a",
    "on >x <x <x",
    "nopass <x",
    "on >x nopass <x",
    "on >x resetpass <x",
    "reset on >x <x",
    "on >",
    "on <",
    "on #",
    "on >x >y",
    "on ~",
    "on ~* ~a",
    "on ~a ~*",
    "on allkeys ~a",
    "on allkeys resetkeys ~a",
    "on allkeys reset ~a",
    "on ~* %R~a",
    "on %RW~* ~a",
    "on %R~a",
    "on %r~a",
    "on %~a",
    "on %R",
    "on %RR~a",
    "on %Z~a",
    "on %W~",
    "on %",
    "on &a",
    "on &* &a",
    "on &a &*",
    "on allchannels &a",
    "on resetchannels &a",
    "on allchannels resetchannels &a",
    "on reset &a",
    "on (~a +get)",
    "on (~a +nosuch)",
    "on (~a",
    "on ~a)",
    "on (+@nonsense)",
    "on (on)",
    "on (>x)",
    "on ()",
    "on ( ~a )",
    "on (~a +get) (~b)",
    "on ((~a))",
    "on (~* ~a)",
    "on (&* &a)",
    "on ~* (~a)",
    "on (~a +get) foo",
    "on clearselectors",
    "on (clearselectors)",
    "on db=0,1",
    "on alldbs",
    "on db=x",
    "on (db=0)",
    "ON SANITIZE-PAYLOAD AllKeys NoCommands",
    "",
];

/// Whole ACL files.
const FILES: [&str; 12] = [
    "# comment\nuser bob on\n",
    "\n\n  user bob on  \r\n",
    "USER bob on\n",
    "foo bar\n",
    "user\n",
    "user\tbob on\n",
    "user bob on\nuser bob off\n",
    "user default on nopass ~* +@all\nuser default off\n",
    "user bob on >x # c\n",
    "user bob  on >x   ~a\n",
    "user bob on ~\"a b\"\n",
    "user bob on >\"a\n",
];

/// Whether a server starts by this configuration.
fn starts(server: &Server, dir: &Path, conf: &Path) -> bool {
    let mut command = server.command();
    command.arg(conf).current_dir(dir);
    let is_up = |line: &str| line.contains("eady to accept");
    let run = run_for_at_most(Duration::from_secs(20), &mut command, is_up);
    run.lines.iter().any(|line| is_up(line))
}

/// What is said of a line, and what the server does.
fn compare(server: &Server, line: &str, in_file: bool) -> Option<String> {
    let dir = private();
    let (acl, conf) = (dir.path().join("users.acl"), dir.path().join("redis.conf"));
    let here = dir.path().display();
    let mut text = format!("port 0\nunixsocket {here}/s\ndir {here}\nsave \"\"\n");
    if in_file {
        fs::write(&acl, line).unwrap();
        text += &format!("aclfile {}\n", acl.display());
    } else {
        text += line;
    }
    fs::write(&conf, text).unwrap();
    let takes = starts(server, dir.path(), &conf);
    let args = ["--conf".as_ref(), conf.as_os_str(), "--target".as_ref(), server.name.as_ref()];
    let report = report(&args);
    let refused: Vec<_> =
        findings(&report).iter().filter(|one| one["name"] == "line-refused").collect();
    let file = if in_file { &acl } else { &conf };
    let is_there = refused.iter().all(|one| one["place"]["file"] == file.to_str().unwrap());
    let is_right = refused.is_empty() == takes && is_there;
    (!is_right).then(|| {
        format!(
            "{}: {line:?} (in a file: {in_file}): takes it: {takes}, told: {refused:?}",
            server.name
        )
    })
}

/// Each line is given to `AOFKIT_USERS` servers (9: all), in a configuration or in an ACL file.
#[test]
fn rules_of_users_are_judged_as_real_servers_judge_them() {
    let servers = Server::all_or_none(&ALL);
    if servers.is_empty() {
        return println!("did not run: no servers were found");
    }
    let each = number_from_env("AOFKIT_USERS", 1).min(servers.len() as u64) as usize;
    let seed = number_from_env("AOFKIT_SEED", 1) as usize;
    let rules = RULES.map(|rule| rule.replace("AHASH", &HASH.to_uppercase()).replace("HASH", HASH));
    let lines: Vec<_> = rules.iter().map(|rule| format!("user bob {rule}\n")).collect();
    let given = lines.iter().map(String::as_str).chain(FILES);
    let cases: Vec<_> = given
        .enumerate()
        .flat_map(|(place, line)| {
            let servers = &servers;
            (0..each).flat_map(move |turn| {
                let server = &servers[(place * 5 + turn + seed) % servers.len()];
                let both = each == servers.len();
                let in_file = place >= RULES.len() || (place + seed).is_multiple_of(2);
                let forms =
                    if both && place < RULES.len() { vec![true, false] } else { vec![in_file] };
                forms.into_iter().map(move |in_file| (server, line, in_file))
            })
        })
        .collect();
    let wrong = in_parallel(cases.len(), |at| {
        let (server, line, in_file) = cases[at];
        compare(server, line, in_file)
    });
    let wrong: Vec<_> = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_word_of_a_users_line_that_may_be_a_password_is_shown() {
    let dir = private();
    let (acl, conf) = (dir.path().join("users.acl"), dir.path().join("redis.conf"));
    let lines = "user bob on hunter2hunter2\nuser a on <hunter2hunter2\nuser b on #hunter2\n\
                 hunter2hunter2 here\n# hunter2\nuser c on (>hunter2hunter2)\nuser d on >hunter2hunter2 ~* ~a\n";
    fs::write(&acl, lines).unwrap();
    fs::write(&conf, format!("aclfile {}\n", acl.display())).unwrap();
    for form in ["text", "json", "sarif"] {
        let args = ["--conf".as_ref(), conf.as_os_str(), "--format".as_ref(), form.as_ref()];
        let answer = crate::asked::audit(&args);
        assert!(!format!("{}{}", answer.out, answer.err).contains("hunter2"), "{}", answer.out);
        if form == "json" {
            let told: serde_json::Value = serde_json::from_str(&answer.out).unwrap();
            let lines: std::collections::BTreeSet<_> = findings(&told)
                .iter()
                .filter(|one| one["name"] == "line-refused")
                .map(|one| one["place"]["line"].as_u64().unwrap())
                .collect();
            assert_eq!(lines, (1..=7).collect());
        }
    }
}
