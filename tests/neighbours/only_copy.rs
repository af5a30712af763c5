//! No verb takes a file that holds the only copy of a command: over trees of a seed, with neighbours of every place,
//! keys that the set names and keys that it does not, and damage.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::support::mutate::Random;
use super::support::number_from_env;
use super::support::spelled::record;
use super::*;

/// Names that neighbours have, with what goes before them where the server's directory is meant.
const PLACES: &[&str] = &[
    "appendonlydir/appendonly.aof.1.base.aof",
    "appendonlydir/appendonly.aof.1.incr.aof",
    "appendonlydir/appendonly.aof.2.incr.aof",
    "appendonlydir/appendonly.aof.4.base.aof",
    "appendonlydir/appendonly.aof.4.incr.aof",
    "appendonlydir/appendonly.aof.6.incr.aof",
    "appendonlydir/temp-appendonly.aof.incr",
    "appendonlydir/temp-rewriteaof-bg-7.aof",
    "appendonlydir/appendonly.aof.3.incr.aof.bak",
    "temp-rewriteaof-9.aof",
    "temp-8.rdb",
    "appendonly.aof",
];

/// What the names of the set's own files end with.
const SET: [&str; 3] = ["3.base.aof", "3.incr.aof", "4.incr.aof"];

fn log(random: &mut Random, keys: usize) -> Vec<u8> {
    let mut log = record(&[b"SELECT", b"0"]);
    for _ in 0..random.below(4) {
        let key = format!("key:{}", random.below(keys));
        let value = random.below(1000).to_string();
        log.extend(match random.below(5) {
            0 => record(&[b"DEL", key.as_bytes()]),
            1 => record(&[b"RPUSH", key.as_bytes(), value.as_bytes()]),
            _ => record(&[b"SET", key.as_bytes(), value.as_bytes()]),
        });
    }
    log
}

/// A set of base 3 and increments 3 and 5, and some neighbours.
fn tree(random: &mut Random, root: &Path) {
    let set = root.join("appendonlydir");
    fs::create_dir(&set).expect("make a directory");
    let mut put = |name: &str, keys| {
        let mut bytes = log(random, keys);
        match random.below(8) {
            0 => bytes.truncate(bytes.len() * 2 / 3),
            1 => bytes.extend(b"\0\0\0\0\0\0"),
            2 if bytes.len() > 40 => bytes[30] ^= 1,
            _ => {}
        }
        fs::write(root.join(name), bytes).expect("write");
    };
    let files =
        [("3.base.aof", "3 type b"), ("3.incr.aof", "3 type i"), ("4.incr.aof", "4 type i")];
    let mut manifest = String::new();
    for (end, line) in files {
        put(&format!("appendonlydir/appendonly.aof.{end}"), 6);
        manifest += &format!("file appendonly.aof.{end} seq {line}\n");
    }
    for place in PLACES {
        if fs::exists(root.join(place)).expect("look") {
            continue;
        }
        put(place, 9);
    }
    for place in PLACES {
        if random.below(3) > 0 && !manifest.contains(place.trim_start_matches("appendonlydir/")) {
            let _ = fs::remove_file(root.join(place));
        }
    }
    fs::write(set.join("appendonly.aof.manifest"), manifest).expect("write");
}

/// The words of the whole record that begins here.
fn words(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let number = |line: &[u8], mark: u8| -> Option<usize> {
        let digits = line.strip_prefix(&[mark])?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    };
    let line = |rest: &mut &[u8]| -> Option<Vec<u8>> {
        let end = rest.windows(2).position(|two| two == b"\r\n")?;
        let line = rest[..end].to_vec();
        *rest = &rest[end + 2..];
        Some(line)
    };
    let mut rest = bytes;
    let count = number(&line(&mut rest)?, b'*')?;
    let mut words = Vec::new();
    for _ in 0..count {
        let len = number(&line(&mut rest)?, b'$')?;
        words.push(rest.get(..len)?);
        rest = rest.get(len..)?.strip_prefix(b"\r\n")?;
    }
    Some(words)
}

/// The whole records, those behind damage included.
fn records(bytes: &[u8]) -> Vec<Vec<&[u8]>> {
    (0..bytes.len()).filter_map(|at| words(&bytes[at..])).collect()
}

fn key(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}

/// The keys that these bytes name.
fn keys(bytes: &[u8]) -> BTreeSet<String> {
    let records = records(bytes);
    records
        .iter()
        .filter(|words| words.len() > 1 && words[0] != b"SELECT")
        .map(|words| key(words[1]))
        .collect()
}

/// The keys that are alive after these commands.
fn alive(bytes: &[u8]) -> BTreeSet<String> {
    let mut alive = BTreeSet::new();
    for words in records(bytes) {
        match words[..] {
            [b"DEL", name] => drop(alive.remove(&key(name))),
            [b"SET" | b"RPUSH", name, _] => drop(alive.insert(key(name))),
            _ => {}
        }
    }
    alive
}

fn files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for dir in [root.to_owned(), root.join("appendonlydir")] {
        for file in fs::read_dir(dir).expect("list").flatten().filter(|file| file.path().is_file())
        {
            found.insert(file.path(), fs::read(file.path()).expect("read"));
        }
    }
    found
}

#[test]
fn no_verb_takes_a_file_that_holds_the_only_copy_of_a_command() {
    let verbs: [(&str, &[&str]); 4] = [
        ("clean", &["--min-age", "0s", "--apply"]),
        ("repair", &["--apply"]),
        ("repair", &["--apply", "--salvage"]),
        ("repair", &["--apply", "--truncate"]),
    ];
    let mut taken = 0;
    for seed in 0..number_from_env("AOFKIT_TREES", 60) {
        let mut random = Random::new(seed, 0);
        let root = tempfile::tempdir().expect("make a directory");
        tree(&mut random, root.path());
        let (verb, more) = verbs[[0, 0, 0, 1, 2, 3][seed as usize % 6]];
        let before = files(root.path());
        let output = Command::new(env!("CARGO_BIN_EXE_aofkit"))
            .arg(verb)
            .arg(root.path())
            .args(more)
            .output()
            .expect("run aofkit");
        let after = files(root.path());
        let named: BTreeSet<_> = after.values().flat_map(|bytes| keys(bytes)).collect();
        for (file, bytes) in before.iter().filter(|(file, _)| !after.contains_key(*file)) {
            taken += 1;
            // What somebody asked to be cut is kept aside, and told as loss.
            let name = file.file_name().expect("a name").to_string_lossy().into_owned();
            let is_asked =
                more.len() > 1 && verb == "repair" && SET.iter().any(|one| name.ends_with(one));
            if is_asked {
                continue;
            }
            let lost: Vec<_> = alive(bytes).difference(&named).cloned().collect();
            assert!(
                lost.is_empty(),
                "seed {seed}, {verb} {more:?}: {} held {lost:?}: {output:?}",
                file.display()
            );
        }
    }
    assert!(taken > 10, "{taken} files were taken: nothing was tried");
}

/// What lies beside the set: all but its own files and its manifest.
fn beside(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = files(root);
    let manifest = root.join("appendonlydir/appendonly.aof.manifest");
    let own = SET.map(|end| root.join(format!("appendonlydir/appendonly.aof.{end}")));
    found.retain(|path, _| *path != manifest && !own.contains(path));
    found
}

fn aofkit(words: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_aofkit")).args(words).output().expect("run aofkit")
}

#[test]
fn going_back_and_converting_leave_what_lies_beside_the_set_as_it_is() {
    let mut done: BTreeMap<String, u64> = BTreeMap::new();
    for seed in 0..number_from_env("AOFKIT_TREES", 40) {
        let mut random = Random::new(seed, 1);
        let root = tempfile::tempdir().expect("make a directory");
        tree(&mut random, root.path());
        let elsewhere = tempfile::tempdir().expect("make a directory");
        let output = elsewhere.path().join("out").display().to_string();
        let path = root.path().display().to_string();
        let all: [&[&str]; 5] = [
            &["rewind", "--at", "appendonly.aof.4.incr.aof:23", "--apply", &path],
            &["rewind", "--at", "appendonly.aof.3.incr.aof:23", "--apply", &path],
            &["rewind", "--before-command", "SET", "--apply", &path],
            &["convert", "--output", &output, &path],
            &["convert", "--to", "file", "--output", &output, &path],
        ];
        let words = all[seed as usize % all.len()];
        let (before, whole) = (beside(root.path()), files(root.path()));
        let ended = aofkit(words);
        let now = files(root.path());
        // Files that come are the new segments of the set.
        for (file, bytes) in &before {
            let is_same = now.get(file) == Some(bytes);
            assert!(is_same, "seed {seed}, {words:?}: {}: {ended:?}", file.display());
        }
        if words[0] == "convert" {
            assert_eq!(now, whole, "seed {seed}, {words:?}");
        }
        let is_done = now != whole || fs::exists(&output).expect("look");
        *done.entry(words[0].to_owned()).or_insert(0) += u64::from(is_done);
    }
    assert!(done["rewind"] > 5 && done["convert"] > 3, "{done:?}: nothing was tried");
}

#[test]
fn no_prune_takes_what_was_kept_of_a_set_as_it_was_found() {
    for seed in 0..number_from_env("AOFKIT_TREES", 6) {
        let mut random = Random::new(seed, 2);
        let root = tempfile::tempdir().expect("make a directory");
        tree(&mut random, root.path());
        let elsewhere = tempfile::tempdir().expect("make a directory");
        let repo = elsewhere.path().join("repo").display().to_string();
        let path = root.path().display().to_string();
        let must = |words: &[&str]| {
            let ended = aofkit(words);
            assert!(ended.status.success(), "seed {seed}, {words:?}: {ended:?}");
            String::from_utf8(ended.stdout).expect("text")
        };
        let keep = ["backup", "--as-is", "--min-free", "0", "--json", "--repo", &repo, &path];
        let made: Value = serde_json::from_str(&must(&keep)).expect("JSON");
        let id = made["snapshot"]["id"].as_str().expect("a name");
        let of_set = |path: &Path| path.parent() == Some(&root.path().join("appendonlydir"));
        let found = files(root.path());
        let (kept, before) = (format!("{repo}::{id}"), beside(root.path()));
        // Then all of them go, and others come.
        before.keys().for_each(|file| fs::remove_file(file).expect("remove"));
        fs::write(root.path().join("appendonlydir/appendonly.aof.9.incr.aof"), "").expect("write");
        must(&keep);
        let _ = aofkit(&["backup", "--min-free", "0", "--repo", &repo, &path]);
        for _ in 0..2 {
            must(&["prune", "--keep-last", "1", "--apply", "--repo", &repo]);
        }
        must(&["verify", "--data", "--repo", &repo]);
        let target = elsewhere.path().join("out");
        must(&["restore", &kept, &target.display().to_string()]);
        for (file, bytes) in &found {
            let name = file.file_name().expect("a name");
            let is_own = of_set(file) && !before.contains_key(file);
            let dir = if is_own { target.clone() } else { elsewhere.path().join("out.extra") };
            assert_eq!(&fs::read(dir.join(name)).expect("read"), bytes, "seed {seed}: {name:?}");
        }
    }
}
