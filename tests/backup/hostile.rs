//! Repositories that somebody else has prepared: nothing outside is read, written or removed, nothing waits for ever, and what
//! is wrong is named. `AOFKIT_HOSTILE` says how many, `AOFKIT_SEED` which.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::beside::{Run, ended};
use super::home::{Home, INCREMENT, files_in, put_back, set, tree};
use super::support::mutate::Random;
use super::support::number_from_env;

/// No run takes more seconds, or those of `AOFKIT_PATIENCE` where much else runs, and none more than this much address space.
const PATIENCE: u64 = 10;
const KIB: &str = "1200000";

/// Runs the binary within bounds of time and memory.
pub fn bounded(words: &[&str]) -> Run {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -v \"$0\"; exec \"$@\"", KIB, env!("CARGO_BIN_EXE_aofkit")]);
    command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let started = Instant::now();
    let patience = Duration::from_secs(number_from_env("AOFKIT_PATIENCE", PATIENCE));
    thread::scope(|scope| {
        let read = |from: &mut dyn std::io::Read| {
            let mut bytes = Vec::new();
            from.read_to_end(&mut bytes).unwrap();
            bytes
        };
        let stdout = scope.spawn(move || read(&mut out));
        let stderr = scope.spawn(move || read(&mut err));
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if started.elapsed() > patience {
                // State and processor time tell a hang from a machine that is busy.
                let stat = fs::read_to_string(format!("/proc/{}/stat", child.id()));
                child.kill().unwrap();
                panic!("{words:?} does not end: {stat:?}");
            }
            thread::sleep(Duration::from_millis(2));
        };
        let (stdout, stderr) = (stdout.join().unwrap(), stderr.join().unwrap());
        ended(std::process::Output { status, stdout, stderr })
    })
}

/// A repository with three snapshots, and things outside that nobody may touch.
pub struct Place {
    pub home: Home,
    good: BTreeMap<String, Vec<u8>>,
    outside: BTreeMap<String, Vec<u8>>,
}

impl Place {
    pub fn new() -> Self {
        let home = Home::in_memory();
        home.fill(&set("a", b"1"));
        for n in 0..3 {
            home.append(&set(&format!("key:{n}"), b"value"));
            home.taken();
        }
        let outside = home.root.path().join("outside");
        fs::create_dir_all(outside.join("deep")).unwrap();
        fs::write(outside.join("victim"), b"theirs").unwrap();
        fs::write(outside.join("deep/file"), b"theirs, too").unwrap();
        fs::set_permissions(outside.join("victim"), fs::Permissions::from_mode(0o640)).unwrap();
        let good = tree(&home.repo());
        let outside = tree(&outside);
        Self { home, good, outside }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.root.path().join(name)
    }

    pub fn make_good(&self) {
        put_back(&self.home.repo(), &self.good);
    }

    /// The first key that begins and ends so.
    pub fn key(&self, begin: &str, end: &str) -> String {
        let fits = |key: &&String| key.starts_with(begin) && key.ends_with(end);
        self.good.keys().find(fits).unwrap().clone()
    }

    /// All verbs that read or write a repository.
    pub fn verbs(&self) -> Vec<Vec<String>> {
        let repo = self.home.repo().display().to_string();
        let target = self.path("target").display().to_string();
        let set = self.home.set().display().to_string();
        let latest = format!("{repo}::latest");
        [
            &["snapshots", "--repo", &repo][..],
            &["verify", "--repo", &repo],
            &["verify", "--data", "--repo", &repo],
            &["prune", "--repo", &repo, "--keep-last", "1"],
            &["prune", "--repo", &repo, "--keep-last", "1", "--compact", "--apply"],
            &["restore", &latest, &target, "--replace"],
            &["check", &latest],
            &["cat", &latest],
            &["backup", &set, "--repo", &repo, "--source", "S", "--min-free", "0"],
        ]
        .iter()
        .map(|words| words.iter().map(|word| (*word).to_owned()).collect())
        .collect()
    }

    /// Runs a verb, which may not do anything to what is outside.
    pub fn run(&self, words: &[String], what: &str) -> Run {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let ran = bounded(&words);
        let usual = [0, 1, 10, 11, 20, 21, 22, 24, 25];
        assert!(ran.code.is_some_and(|c| usual.contains(&c)), "{what}: {words:?}: {}", ran.err);
        assert!(tree(&self.path("outside")) == self.outside, "{what}: {words:?} went outside");
        let mode = fs::metadata(self.path("outside/victim")).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o640, "{what}");
        ran
    }
}

impl Home {
    /// A backup under the name that all of these have.
    fn taken(&self) {
        let (set, repo) = (self.set(), self.repo());
        let words = ["backup", set.to_str().unwrap(), "--repo", repo.to_str().unwrap()];
        let made = bounded(&[&words[..], &["--source", "S", "--min-free", "0"]].concat());
        assert_eq!(made.code, Some(0), "{}", made.err);
    }
}

/// A file, and no link to one.
fn is_file(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|meta| meta.is_file())
}

fn remove(path: &Path) {
    match path.symlink_metadata() {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path).unwrap(),
        Ok(_) => fs::remove_file(path).unwrap(),
        Err(_) => {}
    }
}

fn fifo(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

/// Puts something else in the place of what is there.
const REPLACEMENTS: [&str; 6] =
    ["a link", "a dangling link", "a FIFO", "a directory", "a loop", "a giant"];

fn replace(place: &Place, key: &str, by: &str) {
    let path = place.home.repo().join(key.trim_end_matches('/'));
    let is_dir = key.ends_with('/');
    remove(&path);
    match by {
        "a link" if is_dir => symlink(place.path("outside"), &path).unwrap(),
        "a link" => symlink(place.path("outside/victim"), &path).unwrap(),
        "a dangling link" => symlink("/nowhere/at/all", &path).unwrap(),
        "a FIFO" => fifo(&path),
        "a directory" => fs::create_dir(&path).unwrap(),
        "a loop" => symlink(".", &path).unwrap(),
        _ => fs::File::create(&path).unwrap().set_len(4 << 40).unwrap(),
    }
}

#[test]
fn whatever_takes_the_place_of_a_file_or_directory_is_not_followed_and_is_named() {
    let place = Place::new();
    let entry = place.key("sources/S/snapshots/", ".json");
    let object = place.key("objects/", ".zst");
    let keys = ["lock", "format.json", "numbers/S.json", "sources/S/lock", &entry, &object];
    let dirs = ["objects/", "sources/", "sources/S/", "sources/S/snapshots/", "tmp/", "numbers/"];
    for key in keys.iter().chain(&dirs) {
        for by in ["a link", "a dangling link", "a FIFO", "a loop"] {
            for words in place.verbs() {
                place.make_good();
                replace(&place, key, by);
                let before = tree_of_names(&place.home.repo());
                let what = format!("{by} as {key}");
                let ran = place.run(&words, &what);
                // Some verbs need not look there; who lists everything does.
                if ["verify", "prune"].contains(&words[0].as_str()) {
                    assert!(
                        [Some(1), Some(25), Some(10)].contains(&ran.code),
                        "{what}: {words:?}: {}",
                        ran.out
                    );
                    let name = key.trim_end_matches('/');
                    assert!(
                        ran.err.contains(name) || ran.out.contains(name),
                        "{what}: {}",
                        ran.err
                    );
                    assert_eq!(tree_of_names(&place.home.repo()), before, "{what}: {words:?}");
                }
            }
        }
    }
}

/// Names below a directory, links and FIFOs among them, that are neither followed nor read.
fn tree_of_names(dir: &Path) -> Vec<PathBuf> {
    let (mut found, mut pending) = (Vec::new(), vec![dir.to_owned()]);
    while let Some(dir) = pending.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                pending.push(entry.path());
            }
            found.push(entry.path());
        }
    }
    // The lock is made by whoever comes first.
    found.retain(|path| !path.ends_with("lock"));
    found.sort();
    found
}

#[test]
fn links_that_lead_round_do_not_make_a_listing_endless() {
    let place = Place::new();
    for name in ["a", "b"] {
        symlink(".", place.home.repo().join("sources").join(name)).unwrap();
    }
    for words in place
        .verbs()
        .iter()
        .filter(|w| ["snapshots", "verify", "prune", "check"].contains(&w[0].as_str()))
    {
        let ran = place.run(words, "two loops");
        assert!(ran.code == Some(1) && ran.err.contains("sources/a"), "{words:?}: {}", ran.err);
    }
    // Directories one in another, deeper than any.
    place.make_good();
    let deep = place.home.repo().join("sources").join("d/".repeat(300));
    fs::create_dir_all(deep).unwrap();
    let ran = place.run(&place.verbs()[1], "deep directories");
    assert!(ran.code == Some(1) && ran.err.contains("lies so deep"), "{}", ran.err);
}

#[test]
fn a_disk_that_is_not_mounted_is_no_reason_to_free_anything() {
    let place = Place::new();
    let source = place.home.repo().join("sources/S");
    for by in ["dangling", "empty", "gone"] {
        place.make_good();
        remove(&source);
        match by {
            "dangling" => symlink("/nowhere/at/all", &source).unwrap(),
            "empty" => fs::create_dir(&source).unwrap(),
            _ => {}
        }
        let objects = tree(&place.home.repo().join("objects"));
        for words in place.verbs() {
            let ran = place.run(&words, by);
            if words[0] != "snapshots" || by == "dangling" {
                assert!(![Some(0)].contains(&ran.code), "{by}: {words:?}: {}", ran.out);
                let named = words[0] == "check" || words[0] == "cat" || words[0] == "restore";
                assert!(named || (ran.err.clone() + &ran.out).contains('S'), "{by}: {}", ran.err);
            }
            assert!(tree(&place.home.repo().join("objects")) == objects, "{by}: {words:?}");
        }
    }
}

#[test]
fn what_cannot_be_read_or_is_not_known_stops_a_prune() {
    let place = Place::new();
    let prune = &place.verbs()[4];
    let entry = place.key("sources/S/snapshots/", ".json");
    let put = |key: &str, bytes: &[u8]| fs::write(place.home.repo().join(key), bytes).unwrap();
    let of_later = reseal(&place, &entry, |json| json["format"] = json!(2));
    let cases: [(&str, Vec<u8>); 8] = [
        ("sources/S/unfinished.json", b"junk".to_vec()),
        ("sources/S/unfinished.json", Vec::new()),
        ("sources/S/snapshots/notes.json", b"{}".to_vec()),
        ("sources/S/note", b"x".to_vec()),
        ("sources/note", b"x".to_vec()),
        ("numbers/S.json", b"junk".to_vec()),
        (&entry, b"{}".to_vec()),
        (&entry, of_later),
    ];
    for (key, bytes) in cases {
        place.make_good();
        put(key, &bytes);
        let before = tree(&place.home.repo());
        let ran = place.run(prune, key);
        assert!(ran.code == Some(25) && ran.err.contains(key), "{key}: {}", ran.err);
        assert!(tree(&place.home.repo()) == before, "{key}");
    }
}

/// A document with other content and the right sum.
fn reseal(place: &Place, key: &str, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut json: Value = serde_json::from_slice(&place.good[key]).unwrap();
    change(&mut json);
    sealed(json)
}

fn sealed(mut json: Value) -> Vec<u8> {
    json.as_object_mut().unwrap().remove("sum");
    let rest = json.to_string();
    let head = "{\"sum\":\"";
    let mut bytes = format!("{head}{}\",{}\n", "0".repeat(64), &rest[1..]).into_bytes();
    let sum = hex(&bytes);
    bytes[head.len()..head.len() + 64].copy_from_slice(sum.as_bytes());
    bytes
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn objects_and_lists_that_claim_to_be_giants_take_neither_memory_nor_time() {
    let place = Place::new();
    let (entry, object) =
        (place.key("sources/S/snapshots/", ".json"), place.key("objects/", ".zst"));
    let put = |key: &str, bytes: &[u8]| {
        let path = place.home.repo().join(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    let segment = |json: &Value| json["files"][0]["segments"][0].clone();
    let stored_giant = |json: &mut Value| {
        json["files"][0]["segments"][0]["stored"] = json!(4_u64 << 40);
    };
    let plain_giant = |json: &mut Value| {
        json["files"][0]["segments"][0]["size"] = json!(u64::MAX);
        json["files"][0]["size"] = json!(u64::MAX);
    };
    let one: Value = serde_json::from_slice(&place.good[&entry]).unwrap();
    let one = segment(&one);
    let word = |name: &str| one[name].to_string().replace('"', "");
    let line = ["object", "stored", "offset", "size", "sha256"].map(word).join(" ") + "\n";
    let hash = hex(line.as_bytes());
    let list = format!("lists/{}/{hash}.txt", &hash[..2]);
    let many_lists = |json: &mut Value| {
        let named = json!({ "list": list, "segments": 1 });
        json["files"][0]["lists"] = Value::Array(vec![named; 20_000]);
        json["files"][0]["segments"] = json!([]);
    };
    let tags = |json: &mut Value| json["tags"] = json!(["x".repeat(2 << 20)]);
    type Change<'c> = &'c dyn Fn(&mut Value);
    let changes: [(&str, Change<'_>); 4] = [
        ("stored", &stored_giant),
        ("plain", &plain_giant),
        ("lists", &many_lists),
        ("tags", &tags),
    ];
    for (what, change) in changes {
        for words in place.verbs() {
            place.make_good();
            if what == "stored" {
                let file = fs::File::options().write(true).open(place.home.repo().join(&object));
                file.unwrap().set_len(4 << 40).unwrap();
            }
            put(&list, line.as_bytes());
            put(&entry, &reseal(&place, &entry, |json| change(json)));
            let ran = place.run(&words, what);
            if ["verify", "snapshots", "prune"].contains(&words[0].as_str()) {
                assert_eq!(ran.code, Some(25), "{what}: {words:?}: {}", ran.err);
                assert!((ran.err + &ran.out).contains(&entry), "{what}: {words:?}");
            }
        }
    }
}

#[test]
fn an_entry_takes_the_place_of_another_only_if_it_holds_the_same() {
    let place = Place::new();
    let all: Vec<_> = place
        .good
        .keys()
        .filter(|k| k.starts_with("sources/S/snapshots/") && k.ends_with(".json"))
        .collect();
    let id = |key: &str| key.rsplit('/').next().unwrap().trim_end_matches(".json").to_owned();
    // Each says that it takes the place of another, the last of the first, and so round.
    for (at, key) in all.iter().enumerate() {
        let other = id(all[(at + 1) % all.len()]);
        let bytes = reseal(&place, key, |json| json["supersedes"] = json!(other));
        fs::write(place.home.repo().join(key), bytes).unwrap();
    }
    let repo = place.home.repo().display().to_string();
    let words = ["prune", "--repo", &repo, "--apply"].map(str::to_owned);
    let ran = place.run(&words, "supersedes");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.out.contains("3 kept, 0 removed"), "{}", ran.out);
}

#[test]
fn modes_of_an_entry_have_no_set_id_bits() {
    let place = Place::new();
    let entry = place
        .good
        .keys()
        .rfind(|k| k.starts_with("sources/S/snapshots/") && k.ends_with(".json"))
        .unwrap();
    let bytes = reseal(&place, entry, |json| json["files"][1]["mode"] = json!(0o6755));
    fs::write(place.home.repo().join(entry), bytes).unwrap();
    let ran = place.run(&place.verbs()[5], "set-id");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let mode = fs::metadata(place.path("target").join(INCREMENT)).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o755);
}

#[test]
fn a_target_or_what_lies_beside_it_is_not_followed_and_not_emptied() {
    let place = Place::new();
    let restore = &place.verbs()[5];
    let target = place.path("target");
    // The target itself.
    for by in ["link", "dangling", "fifo", "file"] {
        remove(&target);
        match by {
            "link" => symlink(place.path("outside"), &target).unwrap(),
            "dangling" => symlink("/nowhere/at/all", &target).unwrap(),
            "fifo" => fifo(&target),
            _ => fs::write(&target, b"mine").unwrap(),
        }
        let ran = place.run(restore, by);
        assert!(ran.code == Some(1) && ran.err.contains("target"), "{by}: {}", ran.err);
        assert!(target.symlink_metadata().is_ok(), "{by}");
    }
    remove(&target);
    // A directory by the name of one that is left unfinished, with a mark, and with things of others.
    let id =
        place.good.keys().rfind(|k| k.ends_with(".json") && k.contains("/snapshots/")).unwrap();
    let id = id.rsplit('/').next().unwrap().trim_end_matches(".json");
    let staging = place.path(&format!("target.restore-{id}"));
    for by in ["a file", "a link", "a directory"] {
        fs::create_dir(&staging).unwrap();
        fs::write(staging.join("restore-not-finished"), b"").unwrap();
        match by {
            "a file" => fs::write(staging.join("mine"), b"mine").unwrap(),
            "a link" => symlink(place.path("outside"), staging.join("extra")).unwrap(),
            _ => fs::create_dir_all(staging.join("mine/too")).unwrap(),
        }
        let names = tree_of_names(&staging);
        let ran = place.run(restore, by);
        assert_eq!(ran.code, Some(1), "{by}: {}", ran.err);
        assert_eq!(tree_of_names(&staging), names, "{by}");
        fs::remove_dir_all(&staging).unwrap();
    }
    // A link inside of what is replaced stays what it is, in what is kept.
    fs::create_dir(&target).unwrap();
    symlink(place.path("outside/victim"), target.join(INCREMENT)).unwrap();
    let ran = place.run(restore, "a link inside");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!(files_in(&target), files_in(&place.home.set()));
    let kept = place.path(&format!("target.before-{id}"));
    assert!(kept.join(INCREMENT).is_symlink());
}

/// Values that an entry, a list or a document may be given.
fn hostile_value(random: &mut Random) -> Value {
    match random.below(14) {
        0 => json!(u64::MAX),
        1 => json!(4_u64 << 40),
        2 => json!(-1),
        3 => json!(0),
        4 => json!("../../../outside/victim"),
        5 => json!("/etc/passwd"),
        6 => json!(""),
        7 => json!("x".repeat(3 << 20)),
        8 => json!("\u{1b}]0;x\u{7}\u{85}"),
        9 => json!({ "b64": "Li4vLi4vb3V0c2lkZS92aWN0aW0=" }),
        10 => Value::Null,
        11 => json!([]),
        12 => json!([[0, u64::MAX]]),
        _ => json!(0o6777),
    }
}

/// Changes one value somewhere in it, or repeats one.
fn mutate(json: &mut Value, random: &mut Random) {
    let is_here = random.below(5) == 0;
    match json {
        Value::Array(all) if !all.is_empty() => {
            let place = random.below(all.len());
            match is_here {
                true => {
                    /// Bytes that a document may have: what goes beyond is the harness's own memory.
                    const MOST: usize = 64 << 20;
                    let one = all[place].clone();
                    let fits = (MOST / one.to_string().len().max(1)).max(1);
                    let times = (*random.pick(&[1, 2, 20_000])).min(fits);
                    all.extend(std::iter::repeat_n(one, times));
                }
                false => mutate(&mut all[place], random),
            }
        }
        Value::Object(members) if !is_here && !members.is_empty() => {
            let place = random.below(members.len());
            members.values_mut().skip(place).take(1).for_each(|one| mutate(one, random));
        }
        other => *other = hostile_value(random),
    }
}

fn spoil(place: &Place, random: &mut Random) -> String {
    let repo = place.home.repo();
    let real_repo = repo.canonicalize().unwrap();
    let keys: Vec<&String> = place.good.keys().collect();
    let documents: Vec<_> = keys.iter().filter(|k| k.ends_with(".json")).collect();
    let mut told = Vec::new();
    for _ in 0..1 + random.below(2) {
        let document = documents[random.below(documents.len())];
        match random.below(4) {
            0 | 1 => {
                let mut json: Value = serde_json::from_slice(&place.good[*document]).unwrap();
                for _ in 0..1 + random.below(3) {
                    mutate(&mut json, random);
                    if !json.is_object() {
                        json = json!({});
                    }
                }
                let is_inside =
                    repo.join(document).canonicalize().is_ok_and(|at| at.starts_with(&real_repo));
                if is_inside && is_file(&repo.join(document)) {
                    fs::write(repo.join(document), sealed(json)).unwrap();
                }
                told.push(format!("{document} changed"));
            }
            2 => {
                let (key, by) = (keys[random.below(keys.len())], REPLACEMENTS[random.below(6)]);
                let parent = repo.join(key.trim_end_matches('/')).parent().unwrap().to_owned();
                let is_inside =
                    parent.canonicalize().is_ok_and(|real| real.starts_with(&real_repo));
                if is_inside && parent.is_dir() {
                    replace(place, key, by);
                }
                told.push(format!("{by} as {key}"));
            }
            _ => {
                let text = sealed(
                    json!({ "pieces": [{ "file": "x", "segment": hostile_value(random) }] }),
                );
                let unfinished = repo.join("sources/S/unfinished.json");
                if repo.join("sources").symlink_metadata().is_ok_and(|m| m.is_dir())
                    && repo.join("sources/S").symlink_metadata().is_ok_and(|m| m.is_dir())
                {
                    fs::write(unfinished, text).unwrap();
                }
                told.push("unfinished".to_owned());
            }
        }
    }
    told.join(", ")
}

#[test]
fn random_hostile_repositories_do_no_harm() {
    let place = Place::new();
    let (rounds, seed) =
        (number_from_env("AOFKIT_HOSTILE", 150), number_from_env("AOFKIT_SEED", 14));
    let verbs = place.verbs();
    let mut codes = BTreeMap::<i32, u64>::new();
    for round in 0..rounds {
        place.make_good();
        let mut random = Random::new(seed, round);
        let what = format!("seed {seed}, round {round}: {}", spoil(&place, &mut random));
        for _ in 0..2 {
            let ran = place.run(&verbs[random.below(verbs.len())], &what);
            *codes.entry(ran.code.unwrap()).or_default() += 1;
        }
        for entry in fs::read_dir(place.home.root.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().unwrap().to_str().unwrap().starts_with("target") {
                remove(&path);
            }
        }
    }
    println!("{rounds} hostile repositories: exit codes {codes:?}");
}
