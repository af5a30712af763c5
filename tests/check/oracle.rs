//! The same verdict as the real programs: redis-check-aof 8.2 for `check_aof` and `ok_up_to`, the
//! loaders of nine servers for `loads`, each as `--target`; three of them in turn look at each damaged set.
//!
//! With the servers of `tests/servers/fetch` at hand this runs live, over seeded damage to recorded
//! sets; without them the recorded verdicts have to do, and the output says so. To look into a
//! disagreement:
//!
//! - `AOFKIT_SEED`, `AOFKIT_MUTATIONS`: other or more damage (the last lines say which was used);
//! - `AOFKIT_MUTATION=17`: only that one;
//! - `AOFKIT_KEEP=DIR`: damaged sets that are judged differently are left in `DIR/<number>`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use crate::support::mutate::{Mutation, Random};
use crate::support::server::{
    ALL, Analyzed, Checked, MANIFEST, Outcome, SINGLE_FILE, Server, Start, run_for_at_most,
};
use crate::support::{copy_tree, in_parallel, number_from_env, recorded_sets};
use serde_json::Value;

/// Every folder of testdata/servers and what it holds.
const SETS: &[(&str, &[&str])] = &[
    ("redis-6.2.14", &["plain", "plain-rewritten", "preamble"]),
    ("redis-7.0.15", &["fresh", "history", "rdb-base", "resp-base", "rewriting", "upgraded"]),
    ("redis-7.4.1", &["fresh", "history", "rdb-base", "resp-base", "rewriting", "upgraded"]),
    ("redis-8.0.2", &["fresh", "history", "rdb-base", "resp-base", "rewriting", "upgraded"]),
    ("redis-8.2.3", &["fresh", "history", "rdb-base", "resp-base", "rewriting", "upgraded"]),
    ("redis-8.6.2", &["fresh", "history", "rdb-base", "resp-base", "rewriting", "upgraded"]),
    ("valkey-8.1.8", &["fresh", "history", "rdb-base", "resp-base", "rewriting", "upgraded"]),
    ("valkey-9.0.0", &["fresh", "history", "rdb-base", "resp-base", "rewriting", "upgraded"]),
    ("valkey-9.1.2", &["fresh", "history", "rdb-base", "resp-base", "rewriting", "upgraded"]),
];

const CHECKER: &str = "redis-8.2";
const LOADERS: [&str; 3] = ["redis-7.0", "redis-8.2", "valkey-9.1"];
/// Loaders that look at one damaged set.
const AT_A_TIME: usize = 3;
const DEFAULT_SEED: u64 = 20_260_723;
const DEFAULT_MUTATIONS: u64 = 500;
const OUR_PATIENCE: Duration = Duration::from_secs(20);

/// A difference from a real program that is meant, with the reason.
struct Deliberate {
    name: &'static str,
    reason: &'static str,
    applies: fn(&Disagreement) -> bool,
}

const DELIBERATE: &[Deliberate] = &[
    Deliberate {
        name: "memory",
        reason: "a huge declared length ends in an allocation failure or in a torn record, \
                 depending on how the machine overcommits memory",
        applies: |found| found.theirs_said("Out Of Memory") || found.theirs_said("allocate"),
    },
    Deliberate {
        name: "not known",
        reason: "whether a declared length kills a server depends on its memory, and whether a name \
                 that looks like a module's is known on what it was started with: we do not say",
        applies: |found| {
            let of_name = |kind: &String| kind == "unknown-command";
            let of_length = |kind: &String| kind.ends_with("-tail") || kind == "corrupt-range";
            let kinds = &found.our_problems;
            found.ours == "null"
                && (found.theirs == "no" && kinds.iter().any(of_name)
                    || ["no", "after-truncation"].contains(&&*found.theirs)
                        && kinds.iter().any(of_length))
        },
    },
    Deliberate {
        name: "arity on Redis",
        reason: "Redis does not count arguments while loading; what a command does then about \
                 missing ones is undefined and mostly a crash, so we say `no` even where a build \
                 happens to survive",
        applies: |found| {
            found.what.starts_with("loads by redis")
                && found.ours == "no"
                && found.our_problems.iter().any(|kind| kind == "wrong-arity")
        },
    },
];

/// One difference between us and a real program.
struct Disagreement {
    number: u64,
    set: String,
    change: String,
    what: String,
    ours: String,
    theirs: String,
    our_problems: Vec<String>,
    their_output: String,
}

impl Disagreement {
    fn theirs_said(&self, words: &str) -> bool {
        self.their_output.contains(words)
    }

    fn deliberate(&self) -> Option<&'static Deliberate> {
        DELIBERATE.iter().find(|known| (known.applies)(self))
    }
}

/// What `aofkit check --json` said, or why there is nothing to read.
struct Ours {
    json: Result<Value, String>,
}

impl Ours {
    fn check(target: &str, path: &Path) -> Ours {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aofkit"));
        command.args(["check", "--json", "--no-progress", "--target", target]).arg(path);
        let run = run_for_at_most(OUR_PATIENCE, &mut command, |_| false);
        let code = run.status.and_then(|status| status.code());
        let output = run.lines.join("\n");
        let json = match code {
            Some(0 | 20 | 21 | 22 | 24) => {
                serde_json::from_str(&output).map_err(|error| format!("no JSON: {error}: {output}"))
            }
            Some(code) => Err(format!("exit {code}: {output}")),
            None => Err(format!("crashed or hung: {output}")),
        };
        Ours { json }
    }

    fn text(&self, pointer: &str) -> String {
        match &self.json {
            Ok(json) => match json.pointer(pointer) {
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
                None => format!("no {pointer}"),
            },
            Err(why) => why.clone(),
        }
    }

    /// A number of the segment of that name; of the only one when the tool printed no such name.
    fn segment_number(&self, file: &str, field: &str) -> String {
        let Ok(json) = &self.json else { return self.text("") };
        let empty = Vec::new();
        let segments = json.get("segments").and_then(Value::as_array).unwrap_or(&empty);
        let live = |segment: &&Value| segment["role"] != "history";
        let named = segments.iter().filter(live).find(|segment| segment["file"] == file);
        let only = (segments.len() == 1).then(|| &segments[0]);
        match named.or(only) {
            Some(segment) => segment[field].to_string(),
            None => format!("no segment {file}"),
        }
    }

    fn problems(&self) -> Vec<String> {
        let Ok(json) = &self.json else { return Vec::new() };
        let problems = json.get("problems").and_then(Value::as_array);
        let kind = |problem: &Value| Some(problem.get("kind")?.as_str()?.to_owned());
        problems.map(|rows| rows.iter().filter_map(kind).collect()).unwrap_or_default()
    }
}

/// What the contract calls the outcome of a start.
fn loads(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Loaded => "yes",
        Outcome::StartedEmpty => "starts-empty",
        Outcome::StartedAfterTruncation => "after-truncation",
        Outcome::Refused(_) | Outcome::Crashed(_) => "no",
        Outcome::Hung => "hung",
    }
}

/// One recorded set; `variant` as in `redis-7.0.15/fresh`.
#[derive(Clone)]
struct Set {
    variant: String,
    dir: PathBuf,
    verdict: Value,
}

impl Set {
    fn all() -> Vec<Set> {
        let mut sets = Vec::new();
        for (server, variants) in SETS {
            for variant in *variants {
                let variant = format!("{server}/{variant}");
                let dir = recorded_sets().join(&variant);
                let text = fs::read(dir.join("verdict.json")).expect("a verdict beside every set");
                let verdict = serde_json::from_slice(&text).expect("a verdict is JSON");
                sets.push(Set { variant, dir, verdict });
            }
        }
        sets
    }

    fn subject(&self) -> &'static str {
        if self.dir.join(MANIFEST).exists() { MANIFEST } else { SINGLE_FILE }
    }

    /// Where we are pointed at: the append directory, or the single file.
    fn our_path(&self, data_dir: &Path) -> PathBuf {
        let subject = data_dir.join(self.subject());
        if self.subject() == MANIFEST {
            subject.parent().expect("a manifest lies in a directory").to_path_buf()
        } else {
            subject
        }
    }

    /// The files a loader reads, seen from the data directory; the manifest among them.
    fn files(&self) -> Vec<String> {
        if self.subject() == SINGLE_FILE {
            return vec![SINGLE_FILE.to_owned()];
        }
        let manifest = fs::read_to_string(self.dir.join(MANIFEST)).expect("read a manifest");
        let live = manifest.lines().filter(|line| !line.contains(" type h"));
        let named = live.filter_map(|line| line.split(' ').nth(1));
        let mut files: Vec<String> = named.map(|name| format!("aof/{name}")).collect();
        files.push(MANIFEST.to_owned());
        files
    }

    fn every_loader_starts(&self) -> bool {
        LOADERS.iter().all(|name| self.verdict["loader"][name]["starts"] == true)
    }
}

/// The live tests start many processes each; one at a time is kinder to small machines.
fn my_turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Past the capture of the test harness: a run has to show what was compared, and what was not.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

fn without_servers(test: &str) {
    say(&format!(
        "{test}: THE LIVE PART DID NOT RUN: some of {LOADERS:?} are missing below {:?}; \
         tests/servers/fetch gets them",
        crate::support::server::servers_dir()
    ));
}

/// Two answers to the same question.
struct Answers<'a> {
    number: u64,
    set: &'a str,
    change: &'a str,
    found: Vec<Disagreement>,
}

impl Answers<'_> {
    fn compare(&mut self, what: String, ours: String, theirs: String, from: &Ours, output: &str) {
        if ours != theirs {
            self.found.push(Disagreement {
                number: self.number,
                set: self.set.to_owned(),
                change: self.change.to_owned(),
                what,
                ours,
                theirs,
                our_problems: from.problems(),
                their_output: output.to_owned(),
            });
        }
    }

    fn compare_check(&mut self, ours: &Ours, theirs: &Checked) {
        let valid = (theirs.exit == Some(0)).to_string();
        let what = format!("check_aof.valid by {CHECKER}");
        self.compare(what, ours.text("/check_aof/valid"), valid, ours, &theirs.output);
        let mut seen = Vec::new();
        for row in &theirs.analyzed {
            // A manifest that it took for a log is no segment of ours; and the same file listed twice is
            // one question.
            if !row.file.ends_with(".manifest") && !seen.contains(&&row.file) {
                seen.push(&row.file);
                let what = format!("ok_up_to of {}", row.file);
                let number = ours.segment_number(&row.file, "ok_up_to");
                self.compare(what, number, row.ok_up_to.to_string(), ours, &theirs.output);
            }
        }
    }

    fn compare_start(&mut self, server: &str, ours: &Ours, theirs: &Start) {
        let what = format!("loads by {server}");
        let outcome = loads(theirs.outcome).to_owned();
        let detail = format!("{:?} {:?}\n{}", theirs.outcome, theirs.cut, theirs.log);
        self.compare(what, ours.text("/loads"), outcome, ours, &detail);
        // Only this loader cuts where it should, so only its cut must be our safe one.
        if server == "valkey-9.1" && theirs.outcome == Outcome::StartedAfterTruncation {
            for (file, size) in &theirs.cut {
                let what = format!("safe_cut of {file} by {server}");
                let number = ours.segment_number(file, "safe_cut");
                self.compare(what, number, size.to_string(), ours, &detail);
            }
        }
    }
}

/// Prints every difference, deliberate ones by count, and fails when another kind is left.
fn settle(test: &str, questions: &str, found: &[Disagreement]) {
    let mut report = String::new();
    let mut by_kind: BTreeMap<String, usize> = BTreeMap::new();
    let mut meant: BTreeMap<&str, usize> = BTreeMap::new();
    for one in found {
        if let Some(known) = one.deliberate() {
            *meant.entry(known.name).or_default() += 1;
            continue;
        }
        let general = one.what.split(" of ").next().unwrap_or(&one.what);
        let kind =
            format!("{general}: ours {}, theirs {}", kind_of(&one.ours), kind_of(&one.theirs));
        *by_kind.entry(kind).or_default() += 1;
        let Disagreement { number, set, change, what, ours, theirs, .. } = one;
        let last = one.their_output.lines().rev().find(|line| !line.is_empty()).unwrap_or("");
        let _ =
            writeln!(report, "#{number} {set} {change}\n    {what}: ours {ours}, theirs {theirs}");
        let _ =
            writeln!(report, "    our problems {:?}; their last line: {last}", one.our_problems);
    }
    for known in DELIBERATE {
        if let Some(count) = meant.get(known.name) {
            say(&format!(
                "{test}: {count} deliberate differences, {}: {}",
                known.name, known.reason
            ));
        }
    }
    let left: usize = by_kind.values().sum();
    say(&format!("{test}: {questions}; {left} unexpected differences"));
    assert!(
        left == 0,
        "{test}: {left} differences in all\n{report}\nby kind: {by_kind:#?}\n({questions})"
    );
}

/// Numbers differ each time and would hide how many differences are alike.
fn kind_of(answer: &str) -> &str {
    let number = answer.starts_with(|first: char| first.is_ascii_digit());
    if number { "a number" } else { answer.split(':').next().unwrap_or(answer) }
}

#[test]
fn every_recorded_set_is_listed() {
    let sorted = |dir: &Path| {
        let entries = fs::read_dir(dir).expect("list recorded sets").flatten();
        let dirs = entries.filter(|entry| entry.path().is_dir());
        let mut names: Vec<String> =
            dirs.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    };
    let listed: Vec<&str> = SETS.iter().map(|(server, _)| *server).collect();
    assert_eq!(sorted(&recorded_sets()), listed);
    for (server, variants) in SETS {
        assert_eq!(sorted(&recorded_sets().join(server)), *variants, "{server}");
    }
}

/// Needs no server: what they said when the sets were recorded.
#[test]
fn recorded_verdicts_are_ours() {
    let mut found = Vec::new();
    let mut questions = 0;
    for set in Set::all() {
        let mut answers =
            Answers { number: 0, set: &set.variant, change: "as recorded", found: Vec::new() };
        let path = set.our_path(&set.dir);
        let loaders = set.verdict["loader"].as_object().expect("a loader's verdict");
        for (name, theirs) in loaders {
            let ours = Ours::check(name, &path);
            let expected = match (theirs["starts"] == true, theirs["truncated"] == true) {
                (true, false) => "yes",
                (true, true) => "after-truncation",
                (false, _) => "no",
            };
            let what = format!("loads by {name}");
            answers.compare(
                what,
                ours.text("/loads"),
                expected.to_owned(),
                &ours,
                &theirs.to_string(),
            );
            questions += 1;
        }
        let ours = Ours::check(CHECKER, &path);
        answers.compare_check(&ours, &recorded_check(&set.verdict["check_aof"][CHECKER]));
        questions += 1;
        found.extend(answers.found);
    }
    settle("recorded verdicts", &format!("{questions} questions"), &found);
}

fn recorded_check(verdict: &Value) -> Checked {
    let rows = verdict["analyzed"].as_array().expect("rows of a check");
    let number = |row: &Value, field: &str| row[field].as_u64().expect("a size");
    let analyzed = rows.iter().map(|row| Analyzed {
        file: row["filename"].as_str().unwrap_or_default().to_owned(),
        size: number(row, "size"),
        ok_up_to: number(row, "ok_up_to"),
    });
    Checked {
        exit: verdict["exit"].as_i64().and_then(|code| i32::try_from(code).ok()),
        analyzed: analyzed.collect(),
        output: verdict["output_last_lines"].to_string(),
    }
}

/// A set and what is to be done to which of its files.
struct Case<'a> {
    set: &'a Set,
    changes: Vec<(String, Mutation)>,
}

impl Case<'_> {
    /// Most cases damage one place of one file; some a second.
    fn choose<'a>(seed: u64, number: u64, sets: &'a [Set]) -> Case<'a> {
        let mut random = Random::new(seed, number);
        let common: Vec<&Set> = sets.iter().filter(|set| set.every_loader_starts()).collect();
        let set = if random.chance(70) { *random.pick(&common) } else { random.pick(sets) };
        let files = set.files();
        let mut changes = Vec::new();
        for _ in 0..if random.chance(10) { 2 } else { 1 } {
            // Loaders read the last increment to its end, so that is where most differences show.
            let data = files.len().saturating_sub(2);
            let last = &files[data];
            let file = if random.chance(40) { last } else { random.pick(&files) };
            let bytes = fs::read(set.dir.join(file)).expect("read a file of a set");
            changes.push((file.clone(), Mutation::choose(&mut random, &bytes)));
        }
        Case { set, changes }
    }

    fn write(&self, into: &Path) {
        copy_tree(&self.set.dir, into);
        fs::remove_file(into.join("verdict.json")).expect("drop what is not the server's");
        for (file, mutation) in &self.changes {
            let path = into.join(file);
            let bytes = fs::read(&path).expect("read a file of a set");
            fs::write(&path, mutation.apply(&bytes)).expect("write the damaged file");
        }
    }

    fn change(&self) -> String {
        let told = self.changes.iter().map(|(file, mutation)| format!("{file}: {mutation}"));
        told.collect::<Vec<_>>().join("; ")
    }

    fn judge(&self, number: u64, checker: &Server, loaders: &[Server]) -> Vec<Disagreement> {
        let dir = tempfile::tempdir().expect("make a temporary directory");
        self.write(dir.path());
        let path = self.set.our_path(dir.path());
        let change = self.change();
        let mut answers =
            Answers { number, set: &self.set.variant, change: &change, found: Vec::new() };
        let first = number as usize * AT_A_TIME % loaders.len();
        for server in loaders.iter().cycle().skip(first).take(AT_A_TIME) {
            let ours = Ours::check(&server.name, &path);
            answers.compare_start(&server.name, &ours, &server.load(dir.path()));
        }
        let theirs = checker.check_aof(dir.path(), self.set.subject());
        answers.compare_check(&Ours::check(CHECKER, &path), &theirs);
        let unexpected = answers.found.iter().any(|one| one.deliberate().is_none());
        if let (true, Some(keep)) = (unexpected, std::env::var_os("AOFKIT_KEEP")) {
            copy_tree(dir.path(), &PathBuf::from(keep).join(number.to_string()));
        }
        answers.found
    }
}

#[test]
fn damaged_sets_are_judged_as_real_servers_judge_them() {
    let test = "damaged sets";
    let (Some(checker), Some(loaders)) = (Server::find(CHECKER), Server::find_all(&ALL)) else {
        return without_servers(test);
    };
    let _turn = my_turn();
    let seed = number_from_env("AOFKIT_SEED", DEFAULT_SEED);
    let count = number_from_env("AOFKIT_MUTATIONS", DEFAULT_MUTATIONS);
    let numbers: Vec<u64> = match number_from_env("AOFKIT_MUTATION", u64::MAX) {
        u64::MAX => (0..count).collect(),
        one => vec![one],
    };
    let sets = Set::all();
    let results = in_parallel(numbers.len(), |index| {
        Case::choose(seed, numbers[index], &sets).judge(numbers[index], &checker, &loaders)
    });
    let found: Vec<Disagreement> = results.into_iter().flatten().collect();
    let questions = format!("{} damaged sets, AOFKIT_SEED={seed}", numbers.len());
    settle(test, &questions, &found);
}

#[test]
fn prefixes_of_a_small_increment_end_where_redis_check_aof_says() {
    let test = "prefixes";
    let Some(checker) = Server::find(CHECKER) else { return without_servers(test) };
    let _turn = my_turn();
    let set = "redis-7.0.15/rdb-base";
    let name = "appendonly.aof.2.incr.aof";
    let bytes = fs::read(recorded_sets().join(set).join("aof").join(name)).expect("read it");
    // Every third, another third for another seed; `AOFKIT_EVERY_PREFIX=1`: all.
    let every = number_from_env("AOFKIT_EVERY_PREFIX", 3).max(1) as usize;
    let first = number_from_env("AOFKIT_SEED", DEFAULT_SEED) as usize % every;
    let lengths: Vec<usize> = (first..=bytes.len()).step_by(every).collect();
    let results = in_parallel(lengths.len(), |index| {
        let length = lengths[index];
        let dir = tempfile::tempdir().expect("make a temporary directory");
        let path = dir.path().join(name);
        fs::write(&path, &bytes[..length]).expect("write a prefix");
        let change = format!("first {length} bytes of {name}");
        let number = length as u64;
        let mut answers = Answers { number, set, change: &change, found: Vec::new() };
        let ours = Ours::check(CHECKER, &path);
        answers.compare_check(&ours, &checker.check_aof(dir.path(), name));
        answers.found
    });
    let found: Vec<Disagreement> = results.into_iter().flatten().collect();
    settle(test, &format!("{} prefixes", lengths.len()), &found);
}

/// The harness itself on trial: it has to see what was seen when the cases were recorded.
#[test]
fn real_servers_still_do_what_was_recorded() {
    let test = "recorded cases";
    let Some(servers) = Server::find_all(&LOADERS) else { return without_servers(test) };
    let _turn = my_turn();
    let table = recorded_sets().with_file_name("cases").join("aof-edge-cases.tsv");
    let table = fs::read_to_string(table).expect("read the case table");
    let mut lines = table.lines();
    let header: Vec<&str> = lines.next().expect("a header").split('\t').collect();
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split('\t').collect()).collect();
    let complaints = in_parallel(rows.len(), |index| {
        let row = &rows[index];
        let field = |column: String| {
            row[header.iter().position(|name| *name == column).expect("a known column")]
        };
        let dir = tempfile::tempdir().expect("make a temporary directory");
        write_case(dir.path(), &bytes_of_hex(field("incr_file_hex".to_owned())));
        let mut complaints = String::new();
        for (server, version) in servers.iter().zip(["7.0.15", "8.2.3", "V9.1.2"]) {
            let recorded = field(format!("loader_yes_{version}"));
            let seen = observed_start(&server.load(dir.path()));
            if !start_matches(recorded, &seen) {
                let _ = writeln!(complaints, "{} loader {version}: {recorded}, now {seen}", row[0]);
            }
            let recorded = field(format!("check_{version}"));
            let seen = observed_check(&server.check_aof(dir.path(), CASE_FILE));
            if !check_matches(recorded, &seen) {
                let _ = writeln!(complaints, "{} check {version}: {recorded}, now {seen}", row[0]);
            }
        }
        complaints
    });
    let complaints = complaints.concat();
    say(&format!("{test}: {} cases, {} differences", rows.len(), complaints.lines().count()));
    assert!(complaints.is_empty(), "\n{complaints}");
}

const CASE_FILE: &str = "aof/appendonly.aof.1.incr.aof";

fn write_case(dir: &Path, increment: &[u8]) {
    fs::create_dir(dir.join("aof")).expect("make the append directory");
    fs::write(dir.join(MANIFEST), "file appendonly.aof.1.incr.aof seq 1 type i\n")
        .expect("write a manifest");
    fs::write(dir.join(CASE_FILE), increment).expect("write an increment");
}

fn bytes_of_hex(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal");
    (0..hex.len()).step_by(2).map(digit).collect()
}

fn observed_start(start: &Start) -> String {
    match start.outcome {
        Outcome::Loaded | Outcome::StartedEmpty => "OK".to_owned(),
        Outcome::StartedAfterTruncation => {
            format!("T@{}", start.cut.get("appendonly.aof.1.incr.aof").copied().unwrap_or(u64::MAX))
        }
        Outcome::Refused(1) => "exit 1".to_owned(),
        Outcome::Refused(code) => format!("exit {code}"),
        Outcome::Crashed(_) => "CRASH".to_owned(),
        Outcome::Hung => "hung".to_owned(),
    }
}

fn start_matches(recorded: &str, seen: &str) -> bool {
    // Whether a huge allocation succeeds is up to the machine.
    if recorded.contains("OOM") {
        return seen == "CRASH" || seen == "exit 1" || seen.starts_with("T@");
    }
    let class = recorded.split('{').next().unwrap_or(recorded).trim_end_matches('!');
    match class {
        "FMT" | "UNKCMD" | "CMDERR" | "READERR" => seen == "exit 1",
        other => seen == other,
    }
}

fn observed_check(checked: &Checked) -> String {
    match (checked.exit, checked.analyzed.first()) {
        (Some(0), Some(_)) => "valid".to_owned(),
        (Some(0), None) => "empty(0)".to_owned(),
        (Some(1), Some(row)) => format!("bad@{}", row.ok_up_to),
        (exit, row) => format!("exit {exit:?} {row:?}"),
    }
}

fn check_matches(recorded: &str, seen: &str) -> bool {
    recorded.contains("OOM") || recorded == seen
}
