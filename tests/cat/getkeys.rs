//! The keys of a record are those that COMMAND GETKEYS of real servers names, for every command that
//! writes and argument lists of every kind. Says so and does nothing where a server is not installed.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::server::Server;
use aofkit::command;
use aofkit::format::resp;
use aofkit::rules::Target;

/// Argument lists tried per command and length.
const LISTS: usize = 12;

#[test]
fn keys_are_those_that_getkeys_of_redis_names() {
    compare("redis-8.2");
}

#[test]
fn keys_are_those_that_getkeys_of_an_older_redis_names() {
    compare("redis-7.0");
}

#[test]
fn keys_are_those_that_getkeys_of_a_newer_redis_names() {
    compare("redis-8.6");
}

#[test]
fn keys_are_those_that_getkeys_of_the_others_names() {
    for name in ["redis-7.4", "redis-8.0", "valkey-8.1", "valkey-9.0"] {
        compare(name);
    }
}

#[test]
fn keys_are_those_that_getkeys_of_valkey_names() {
    compare("valkey-9.1");
}

fn compare(name: &str) {
    let Some(server) = Server::find(name) else {
        eprintln!("skipped: {name} is not installed");
        return;
    };
    let target: Target = name.parse().unwrap();
    let mut client = Client::start(&server.program());
    let mut random = Random(7);
    let (mut commands, mut compared, mut wrong) = (0, 0, Vec::new());
    for (place, known) in command::all().iter().enumerate() {
        let arity = command::CommandId::at(place).and_then(|id| target.rules.arity_of(id));
        let moves_keys = ["SORT_RO", "XREAD", "PFCOUNT", "EVAL_RO", "FCALL_RO", "EVAL", "EVALSHA"];
        let wanted = known.writes || moves_keys.contains(&known.name.as_str());
        let Some(arity) = arity.filter(|_| wanted && !known.container) else { continue };
        commands += 1;
        let lists = lists(&known.name, arity, &mut random);
        let answers = client.getkeys(&lists);
        for (list, answer) in lists.iter().zip(answers) {
            let (first, mut ours) = ours(list);
            let is_same = matches!(answer, Answer::Refused) || first.as_ref() == ours.first();
            assert!(is_same, "the quick way and the long one: {list:?}");
            // Where options stand in an odd order, servers name keys in the order of their table.
            ours.sort();
            let agreed = match &answer {
                // Of two STOREs this one takes the first; no server logs two.
                Answer::Keys(_) if name == "redis-8.0" && list[0] == "sort" && stores(list) > 1 => {
                    true
                }
                Answer::Keys(keys) => *keys == ours,
                Answer::NoKeys => ours.is_empty(),
                // The server refuses the command as a whole, so no log has it.
                Answer::Refused => continue,
            };
            compared += 1;
            if !agreed {
                wrong.push(format!("{list:?}: {name} says {answer:?}, we {ours:?}"));
            }
        }
    }
    assert!(commands > 100 && compared > 5_000, "{commands} commands, {compared} lists");
    let shown = wrong.iter().take(40).cloned().collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{} of {compared} differ:\n{shown}", wrong.len());
}

fn stores(list: &[String]) -> usize {
    list.iter().filter(|word| *word == "STORE").count()
}

/// Argument lists from the shortest allowed on: words that options are made of, numbers, and keys.
fn lists(name: &str, arity: i16, random: &mut Random) -> Vec<Vec<String>> {
    const WORDS: [&str; 27] = [
        "k1",
        "k2",
        "k3",
        "k4",
        "k5",
        "k6",
        "0",
        "1",
        "2",
        "3",
        "1",
        "2",
        "STORE",
        "store",
        "STOREDIST",
        "STREAMS",
        "KEYS",
        "keys",
        "AUTH",
        "AUTH2",
        "",
        "LIMIT",
        "BY",
        "GET",
        "DB",
        "ASC",
        "COUNT",
    ];
    let least = usize::from(arity.unsigned_abs());
    let lengths = if arity < 0 { least..=least + 7 } else { least..=least };
    let mut all = Vec::new();
    for length in lengths {
        for _ in 0..LISTS {
            let mut list: Vec<String> = name.split('|').map(str::to_lowercase).collect();
            while list.len() < length {
                list.push(WORDS[random.below(WORDS.len())].to_owned());
            }
            if could_run(&list) {
                all.push(list);
            }
        }
    }
    all
}

/// Whether a command line is not beyond doubt nonsense. Of commands that can never run, and so never get
/// into a log, servers name different keys.
fn could_run(list: &[String]) -> bool {
    let among = |words: &[&str], list: &[String]| {
        list.iter().filter(|word| words.contains(&word.to_uppercase().as_str())).count()
    };
    match list[0].as_str() {
        name if name.starts_with("georadius") => {
            let stores = ["STORE", "STOREDIST"];
            let fixed = if name == "georadius" { 6 } else { 5 };
            let (fixed, options) = list.split_at(fixed.min(list.len()));
            among(&stores, fixed) == 0 && among(&stores, options) < 2
        }
        "xreadgroup" => among(&["STREAMS"], &list[..4]) == 0,
        _ => true,
    }
}

fn record(list: &[String]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", list.len()).into_bytes();
    for word in list {
        bytes.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
    }
    bytes
}

/// The first key by the quick way, and all of them.
fn ours(list: &[String]) -> (Option<String>, Vec<String>) {
    let bytes = record(list);
    let record = resp::records(&bytes, 0).next().unwrap().unwrap();
    let id = command::lookup(record.name).unwrap();
    let text = |arg: resp::Arg<'_>| String::from_utf8(arg.head.to_vec()).unwrap();
    let keys: Vec<String> = command::keys(id, &record).map(|key| text(key.arg)).collect();
    (command::first_key(id, &record).map(text), keys)
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

#[derive(Debug)]
enum Answer {
    Keys(Vec<String>),
    NoKeys,
    Refused,
}

/// A running server and a connection to it.
struct Client {
    child: Child,
    stream: UnixStream,
    _dir: tempfile::TempDir,
    buffer: Vec<u8>,
    at: usize,
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Client {
    fn start(program: &Path) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("s");
        let mut command = Command::new(program);
        command.args(["--port", "0", "--save", "", "--daemonize", "no", "--unixsocket"]);
        command.arg(&socket).arg("--dir").arg(dir.path());
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = child.spawn().unwrap();
        let began = Instant::now();
        let stream = loop {
            match UnixStream::connect(&socket) {
                Ok(stream) => break stream,
                Err(e) => assert!(began.elapsed() < Duration::from_secs(20), "not up: {e}"),
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        Self { child, stream, _dir: dir, buffer: Vec::new(), at: 0 }
    }

    fn getkeys(&mut self, lists: &[Vec<String>]) -> Vec<Answer> {
        let mut request = Vec::new();
        for list in lists {
            let mut words = vec!["COMMAND".to_owned(), "GETKEYS".to_owned()];
            words.extend(list.iter().cloned());
            request.extend(record(&words));
        }
        self.stream.write_all(&request).unwrap();
        lists.iter().map(|_| self.answer()).collect()
    }

    fn answer(&mut self) -> Answer {
        let line = self.line();
        let Some(count) = line.strip_prefix('*') else {
            assert!(line.starts_with('-'), "unexpected: {line}");
            return match line.contains("no key arguments") {
                true => Answer::NoKeys,
                false => Answer::Refused,
            };
        };
        let mut keys = Vec::new();
        for _ in 0..count.parse::<usize>().unwrap() {
            self.line();
            keys.push(self.line());
        }
        keys.sort();
        Answer::Keys(keys)
    }

    fn line(&mut self) -> String {
        loop {
            let rest = &self.buffer[self.at..];
            if let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") {
                let line = String::from_utf8(rest[..end].to_vec()).unwrap();
                self.at += end + 2;
                return line;
            }
            let mut more = [0; 65536];
            let n = self.stream.read(&mut more).unwrap();
            assert!(n > 0, "the server went away");
            self.buffer.drain(..self.at);
            self.at = 0;
            self.buffer.extend_from_slice(&more[..n]);
        }
    }
}
