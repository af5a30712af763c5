//! Configurations with one change each, given to real servers: what the audit says of their lines is what the server does.
//!
//! `AOFKIT_CONFIGURATIONS` of them (200: all) are given to every server; without it some are given to one server each.
//! `AOFKIT_SEED` makes others.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::asked::{findings, report};
use crate::configurations::{defaults, guide};
use crate::support::mutate::Random;
use crate::support::server::{ALL, Server, run_for_at_most};
use crate::support::{in_parallel, number_from_env};

/// How many there are.
const ALL_OF_THEM: u64 = 200;

/// What became of a start.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    /// The file was taken, whatever came of it.
    Taken,
    /// It was refused at this line.
    Line(u64),
    /// The program was built without what a line asks for: that is no matter of its version.
    OfItsBuild,
    /// It was refused as a whole.
    Refused(String),
}

/// Starts a server by this file, with what keeps it from doing harm behind.
fn start(server: &Server, dir: &Path, conf: &Path) -> Fate {
    let mut command = server.command();
    command.arg(conf);
    for (name, value) in [
        ("port", "0"),
        ("daemonize", "no"),
        ("logfile", ""),
        ("databases", "16"),
        ("supervised", "no"),
        ("pidfile", ""),
        ("syslog-enabled", "no"),
        ("appendonly", "no"),
        ("save", ""),
        ("maxclients", "100"),
        ("io-threads", "1"),
    ] {
        command.args([&format!("--{name}"), value]);
    }
    if server.name != "redis-6.2" {
        command.args(["--tls-port", "0"]);
    }
    command.arg("--unixsocket").arg(dir.join("s")).arg("--dir").arg(dir);
    // The complaint goes to standard error.
    let mut shell = std::process::Command::new("sh");
    shell
        .args(["-c", "exec \"$@\" 2>&1", "sh"])
        .arg(command.get_program())
        .args(command.get_args());
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.current_dir(dir).stdin(Stdio::null());
    // Lines that are left for modules are refused when it has got going.
    let is_up = |line: &str| line.contains("eady to accept");
    let run = run_for_at_most(Duration::from_secs(20), &mut shell, is_up);
    let said = run.lines.join("\n");
    if said.contains("compiled with") {
        return Fate::OfItsBuild;
    }
    if let Some((_, rest)) = said.split_once("FATAL CONFIG FILE ERROR") {
        let number = rest.split_once("at line ").map(|(_, rest)| rest);
        let digits =
            number.map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
        let Some(number) = digits.and_then(|digits| digits.parse().ok()) else {
            return Fate::Refused(said);
        };
        // Behind the file's own lines come the arguments.
        let lines = fs::read_to_string(conf).map_or(0, |text| text.lines().count() as u64);
        return if number > lines { Fate::Refused(said) } else { Fate::Line(number) };
    }
    const OF_LINES: [&str; 3] =
        ["Module Configuration detected", "can't open config file", "ACL file path"];
    match OF_LINES.iter().any(|why| said.contains(why)) {
        true => Fate::Refused(said),
        // What else ends it is no matter of lines: a port that is taken, a file that is not there.
        false => Fate::Taken,
    }
}

/// What the audit says of the same file: the first line that is refused, or that it is refused as a whole.
fn told(server: &Server, conf: &Path) -> (Fate, Value) {
    let args = ["--conf".as_ref(), conf.as_os_str(), "--target".as_ref(), server.name.as_ref()];
    let report = report(&args);
    let is_error = |one: &&Value| one["group"] == "syntax" && one["severity"] == "error";
    let errors: Vec<_> = findings(&report).iter().filter(is_error).collect();
    // What concerns the file as a whole is found when all lines are read.
    let mut whole = vec!["AOF-116", "AOF-118", "AOF-119"];
    if server.name.starts_with("redis-8") {
        // These leave unknown lines for modules, and end when none of them wants one.
        whole.push("AOF-115");
    }
    let (whole, lines): (Vec<&Value>, Vec<&Value>) =
        errors.into_iter().partition(|one| whole.iter().any(|rule| one["rule"] == **rule));
    let first = lines.iter().filter_map(|one| one["place"]["line"].as_u64()).min();
    let include = whole.iter().find(|one| one["rule"] == "AOF-116");
    let include = include.and_then(|one| one["place"]["line"].as_u64());
    let fate = match (first, include) {
        (Some(line), include) if include.is_none_or(|include| line < include) => Fate::Line(line),
        _ if whole.is_empty() => Fate::Taken,
        _ => Fate::Refused(String::new()),
    };
    (fate, report)
}

/// One change to one of the lines.
fn change(lines: &mut [String], random: &mut Random) -> String {
    let at = random.below(lines.len());
    let other = random.pick(lines).clone();
    let line = lines[at].clone();
    let (name, value) = line.split_once(' ').unwrap_or((&line, ""));
    let other_value = other.split_once(' ').map_or("", |(_, value)| value);
    let bare = value.trim_matches('"');
    let kinds: [&dyn Fn() -> String; 30] = [
        &|| format!("{line} # why"),
        &|| format!("{line} #why"),
        &|| format!("{name} {bare}kb"),
        &|| format!("{name} {bare}%"),
        &|| format!("{name} {bare}tb"),
        &|| name.to_owned(),
        &|| format!("{line} more"),
        &|| format!("{} {value}", name.to_uppercase()),
        &|| format!("{name} {}", value.to_uppercase()),
        &|| format!("{name} '{bare}'"),
        &|| format!("{name} \"{bare}"),
        &|| format!("{name} \"{bare}\"x"),
        &|| format!("{name} \"{bare}\"\"\""),
        &|| format!("{name}x {value}"),
        &|| format!("{} {value}", name.replacen('-', "_", 1)),
        &|| format!("{} {value}", name.chars().rev().collect::<String>()),
        &|| format!("{name} {other_value}"),
        &|| format!("{name} -{bare}"),
        &|| format!("{name} 0{bare}"),
        &|| format!("{name} 99999999999999999999"),
        &|| format!("{name} 2147483648"),
        &|| format!("\t {name}\t\t{value} \r"),
        &|| format!("{line}\n{name} {other_value}"),
        &|| format!("{name} \"\""),
        &|| format!("{name} yes"),
        &|| format!("{name} 1"),
        &|| format!("{name} \"\\x79es\""),
        &|| format!("{name} {bare} \\"),
        &|| String::from(EXTRA[random_index(&line, EXTRA.len())]),
        &|| format!("#{line}\n   # {line} \""),
    ];
    let made = kinds[random.below(kinds.len())]();
    lines[at].clone_from(&made);
    made
}

fn random_index(text: &str, below: usize) -> usize {
    Random::new(text.len() as u64, 3).below(below)
}

/// Lines of their own.
const EXTRA: [&str; 24] = [
    "include /no/such/file.conf",
    "include /no/such/*.conf",
    "include",
    "rename-command CONFIG \"\"",
    "rename-command NOSUCH x",
    "rename-command GET SET",
    "user a on >x ~* +@all",
    "user a on nosuch",
    "user",
    "replicaof 127.0.0.1 1\ncluster-enabled yes",
    "replicaof 127.0.0.1 70000",
    "slaveof no one",
    "save 60",
    "save 60 1 # often",
    "save \"60 1\"",
    "maxmemory-policy allkeys-lrm",
    "aof-load-corrupt-tail-max-size 4k",
    "rdb-version-check relaxed",
    "client-output-buffer-limit normal 0 0 0 replica 1mb 1mb",
    "sentinel monitor a 127.0.0.1 1 1",
    "loadmodule",
    "aclfile /no/such.acl\nuser a on >x ~* +@all",
    "tls-port 0",
    "appendfilename \"a/b\"",
];

/// The configuration of a number: some lines of one, with a change.
fn configuration(number: u64, seed: u64) -> (String, String) {
    let mut random = Random::new(seed, number);
    let mut lines = match number % 4 {
        0 => guide(),
        _ => {
            let mut lines = defaults(ALL[random.below(ALL.len())]);
            // Those that are there in part show what stands beside a change.
            let keep = 1 + random.below(lines.len());
            while lines.len() > keep {
                lines.remove(random.below(lines.len()));
            }
            lines
        }
    };
    let made = change(&mut lines, &mut random);
    let rewritten = "# Generated by CONFIG REWRITE\n";
    (format!("{}\n{rewritten}", lines.join("\n")), made)
}

#[test]
fn what_is_said_of_a_changed_configuration_is_what_a_server_does_with_it() {
    let servers = Server::all_or_none(&ALL);
    if servers.is_empty() {
        return;
    }
    let seed = number_from_env("AOFKIT_SEED", 20_261_130);
    let whole = std::env::var_os("AOFKIT_CONFIGURATIONS").is_some();
    let count = number_from_env("AOFKIT_CONFIGURATIONS", ALL_OF_THEM);
    let every = servers.len() as u64;
    let runs: Vec<(u64, usize)> = match whole {
        true => (0..count).flat_map(|n| (0..servers.len()).map(move |s| (n, s))).collect(),
        false => (0..count).map(|number| (number, (number % every) as usize)).collect(),
    };
    let wrong = in_parallel(runs.len(), |i| {
        let (number, server) = (runs[i].0, &servers[runs[i].1]);
        let (text, made) = configuration(number, seed);
        let dir = tempfile::tempdir().unwrap();
        let conf = dir.path().join("conf");
        fs::write(&conf, &text).unwrap();
        let (said, report) = told(server, &conf);
        let fate = start(server, dir.path(), &conf);
        let is_right = match (&fate, &said) {
            (Fate::OfItsBuild, _) | (Fate::Refused(_), Fate::Refused(_)) => true,
            // Redis 6.2 names the line of what does not go together.
            (Fate::Line(line), Fate::Refused(_)) => findings(&report)
                .iter()
                .any(|one| one["rule"] == "AOF-119" && one["place"]["line"] == *line),
            (fate, said) => fate == said,
        };
        (!is_right).then(|| {
            let Fate::Line(line) = said else {
                return format!("{number} {} {made:?}: {fate:?}, said {said:?}", server.name);
            };
            let is_it = |one: &&Value| one["place"]["line"] == line;
            let seen = findings(&report).iter().find(is_it).map(|one| one["seen"].clone());
            format!("{number} {} {made:?}: {fate:?}, said {line} {seen:?}", server.name)
        })
    });
    let wrong: Vec<_> = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), runs.len(), wrong.join("\n"));
}
