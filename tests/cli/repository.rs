//! `backup`, `snapshots`, `verify`, `restore`, `prune`: a repository's life as a script sees it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::schema::faults;
use super::world::*;

/// A set and its repository.
pub struct Kept {
    pub set: Set,
}

impl Kept {
    pub fn new() -> Self {
        Self { set: Set::of(&sets(3)) }
    }

    pub fn repo(&self) -> PathBuf {
        self.set.root().join("repo")
    }

    pub fn snapshot(&self, which: &str) -> String {
        format!("{}::{which}", self.repo().display())
    }

    pub fn verb(&self, words: &[&str]) -> Run {
        let mut command = aofkit();
        finish(command.args(words).arg("--repo").arg(self.repo()))
    }

    pub fn backup(&self) -> Value {
        self.verb(&["backup", "--json", "--min-free", "0", self.set.dir().to_str().unwrap()])
            .expect(0)
            .json()
    }

    /// Appends a command.
    pub fn grow(&self, key: &str) {
        let mut bytes = fs::read(self.set.file(INCREMENT)).unwrap();
        bytes.extend(record(&[b"SET", key.as_bytes(), b"1"]));
        self.set.put(INCREMENT, &bytes);
    }

    fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut pending = vec![self.repo()];
        while let Some(dir) = pending.pop() {
            for entry in fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { pending.push(path) } else { found.push(path) }
            }
        }
        found.sort();
        found
    }
}

pub fn assert_fits(verb: &str, output: &Value) {
    let schema = serde_json::from_str(&run(["schema", verb]).expect(0).out).unwrap();
    let faults = faults(&schema, output);
    assert!(faults.is_empty(), "{verb}: {faults:#?}");
}

#[test]
fn every_output_of_a_repositorys_life_fits_its_schema() {
    let kept = Kept::new();
    let first = kept.backup();
    assert_fits("backup", &first);
    assert_eq!(first["unchanged"], false);
    let again = kept.backup();
    assert_fits("backup", &again);
    assert_eq!(again["unchanged"], true);
    assert_eq!(again["snapshot"]["id"], first["snapshot"]["id"]);
    kept.grow("x");
    kept.backup();
    let listed = kept.verb(&["snapshots", "--json"]).expect(0).json();
    assert_fits("snapshots", &listed);
    assert_eq!(listed["snapshots"].as_array().unwrap().len(), 2);
    let verified = kept.verb(&["verify", "--data", "--json"]).expect(0).json();
    assert_fits("verify", &verified);
    assert_eq!(verified["problems"], Value::Array(vec![]));
    assert_eq!(verified["snapshots_checked"], 2);
    let dest = kept.set.root().join("out");
    let words = ["restore", "--json", "--print-config", &kept.snapshot("latest~1")];
    let restored = finish(aofkit().args(words).arg(&dest)).expect(0).json();
    assert_fits("restore", &restored);
    assert_eq!(fs::read(dest.join(INCREMENT)).unwrap(), sets(3));
    let planned = kept.verb(&["prune", "--keep-last", "1", "--json"]).expect(0).json();
    assert_fits("prune", &planned);
    assert_eq!(
        (planned["applied"].as_bool(), planned["removed"].as_array().unwrap().len()),
        (Some(false), 1)
    );
    assert_eq!(
        kept.verb(&["snapshots", "--json"]).json()["snapshots"].as_array().unwrap().len(),
        2
    );
    let done = kept.verb(&["prune", "--keep-last", "1", "--apply", "--json"]).expect(0).json();
    assert_fits("prune", &done);
    kept.verb(&["verify", "--data"]).expect(0);
    assert_eq!(
        kept.verb(&["snapshots", "--json"]).json()["snapshots"].as_array().unwrap().len(),
        1
    );
}

#[test]
fn a_snapshot_is_looked_at_without_restoring_it() {
    let kept = Kept::new();
    kept.backup();
    kept.grow("x");
    let id = kept.backup()["snapshot"]["id"].as_str().unwrap().to_owned();
    let commands = |which: &str| -> u64 {
        let path = kept.snapshot(which);
        let report = run(["check", "--json", &path]).expect(0).json();
        report["segments"].as_array().unwrap().iter().map(|s| s["commands"].as_u64().unwrap()).sum()
    };
    assert_eq!(commands("latest"), commands("latest~1") + 1);
    assert_eq!(commands(&id), commands("latest"));
    run(["check", &kept.snapshot("latest~2")]).expect(10);
    run(["check", &kept.snapshot("2001")]).expect(10);
    run(["inspect", &kept.snapshot("latest")]).expect(0);
    let printed = run(["cat", &kept.snapshot("latest")]).expect(0).out;
    assert!(printed.contains("\"x\""), "{printed}");
}

#[test]
fn every_flipped_byte_of_a_repository_is_found_and_its_file_named() {
    let kept = Kept::new();
    kept.backup();
    kept.grow("x");
    kept.backup();
    let (mut flipped, mut missed) = (0, Vec::new());
    for path in kept.files() {
        let bytes = fs::read(&path).unwrap();
        let name = path.strip_prefix(kept.repo()).unwrap().to_str().unwrap().to_owned();
        // Documents prove all of their bytes by one sum, so every seventh byte of them is enough here; the
        // sum itself is tested byte by byte in the library.
        let step = if name.ends_with(".zst") { 1 } else { 7 };
        for at in (0..bytes.len()).step_by(step) {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << (at % 8);
            fs::write(&path, changed).unwrap();
            let run = kept.verb(&["verify"]);
            let told = run.out.contains(&name) || run.err.contains(&name);
            if run.code != 25 || !told {
                missed.push((name.clone(), at, run));
            }
            flipped += 1;
        }
        fs::write(&path, bytes).unwrap();
    }
    assert!(missed.is_empty(), "{missed:#?}");
    assert!(flipped > 500, "{flipped}");
    kept.verb(&["verify", "--data"]).expect(0);
}

#[test]
fn what_is_cut_swapped_or_removed_is_found_too() {
    let kept = Kept::new();
    kept.backup();
    kept.grow("x");
    kept.backup();
    let files = kept.files();
    for path in &files {
        let bytes = fs::read(path).unwrap();
        let name = path.strip_prefix(kept.repo()).unwrap().to_str().unwrap();
        fs::remove_file(path).unwrap();
        let run = kept.verb(&["verify"]);
        // Without its first document it is no repository; locks are made anew by every run, and what says which
        // snapshots must be there, and which keys, by the next backup.
        let documents = ["numbers/", "keys/"].iter().any(|dir| name.starts_with(dir));
        let optional = name == "lock" || name.ends_with("/lock") || documents;
        let expected: &[i32] = if name == "format.json" { &[10] } else { &[25] };
        assert!(optional || expected.contains(&run.code), "{name} removed: {run:#?}");
        if !bytes.is_empty() {
            fs::write(path, &bytes[..bytes.len() - 1]).unwrap();
            let run = kept.verb(&["verify"]);
            assert_eq!(run.code, 25, "{name} cut: {run:#?}");
        }
        fs::write(path, bytes).unwrap();
    }
    for ending in [".zst", ".json", ".sh"] {
        let two: Vec<&PathBuf> = files
            .iter()
            .filter(|p| p.to_str().unwrap().ends_with(ending) && !p.ends_with("format.json"))
            .take(2)
            .collect();
        let aside = kept.set.root().join("aside");
        for (from, to) in [(two[0], &aside), (two[1], two[0]), (&aside, two[1])] {
            fs::rename(from, to).unwrap();
        }
        kept.verb(&["verify"]).expect(25);
        for (from, to) in [(two[0], &aside), (two[1], two[0]), (&aside, two[1])] {
            fs::rename(from, to).unwrap();
        }
    }
    kept.verb(&["verify"]).expect(0);
}

#[test]
fn a_directory_is_replaced_only_when_asked_and_the_old_one_is_kept() {
    let kept = Kept::new();
    kept.backup();
    let before = fs::read(kept.set.file(INCREMENT)).unwrap();
    kept.grow("later");
    let dir = kept.set.dir();
    let words = ["restore", &kept.snapshot("latest")];
    finish(aofkit().args(words).arg(&dir)).expect(1);
    assert_ne!(fs::read(kept.set.file(INCREMENT)).unwrap(), before);
    let run = finish(aofkit().args(words).args(["--replace", "--json"]).arg(&dir)).expect(0).json();
    assert_eq!(fs::read(kept.set.file(INCREMENT)).unwrap(), before);
    let old = Path::new(run["kept_old_at"].as_str().unwrap());
    assert!(fs::read(old.join(INCREMENT)).unwrap().len() > before.len());
    assert!(run["reused_bytes"].as_u64().unwrap() > 0, "what is right is not fetched again");
    assert_eq!(run["kept_old_at"].as_str().unwrap().matches("before").count(), 1);
}

#[test]
fn a_directory_whose_files_a_process_writes_is_never_replaced() {
    let kept = Kept::new();
    kept.backup();
    let file = kept.set.file(INCREMENT);
    let mut holder = std::process::Command::new("sh")
        .args(["-c", "exec 9>>\"$0\"; echo ready; read _"])
        .arg(&file)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = [0; 6];
    std::io::Read::read_exact(holder.stdout.as_mut().unwrap(), &mut ready).unwrap();
    let words = ["restore", "--replace", &kept.snapshot("latest")];
    let run = finish(aofkit().args(words).arg(kept.set.dir()));
    holder.kill().unwrap();
    holder.wait().unwrap();
    run.expect(11);
}

#[test]
fn what_makes_no_sense_is_told_with_the_right_status() {
    let kept = Kept::new();
    kept.verb(&["snapshots"]).expect(10);
    kept.verb(&["verify"]).expect(10);
    run(["backup", "."]).expect(2);
    kept.verb(&["verify", "--data=8/7"]).expect(2);
    kept.verb(&["backup", "no/such/set"]).expect(10);
    kept.backup();
    run(["restore", kept.repo().to_str().unwrap(), "x"]).expect(1);
    let dir = kept.set.dir();
    let in_itself = finish(aofkit().arg("backup").arg(&dir).arg("--repo").arg(&dir));
    assert!(in_itself.expect(1).err.contains("name another directory"));
    let other = tempfile::tempdir().unwrap();
    fs::write(other.path().join("letter"), b"of somebody else").unwrap();
    let not_a_repo = finish(aofkit().arg("backup").arg(&dir).arg("--repo").arg(other.path()));
    assert!(not_a_repo.expect(1).err.contains("no backup repository"));
    kept.set.put(INCREMENT, b"nonsense");
    let damaged = kept.verb(&["backup", dir.to_str().unwrap()]).expect(25);
    assert!(damaged.err.contains(INCREMENT) && damaged.err.contains("byte 0"), "{}", damaged.err);
}

#[test]
fn prune_keeps_the_last_of_every_source_whatever_the_rules() {
    let kept = Kept::new();
    kept.backup();
    kept.grow("x");
    kept.backup();
    let words = ["prune", "--keep-tag", "none-has-it", "--apply", "--json"];
    let done = kept.verb(&words).expect(0).json();
    assert_eq!(done["kept"].as_array().unwrap().len(), 1);
    assert_eq!(done["removed"].as_array().unwrap().len(), 1);
    let dest = kept.set.root().join("out");
    finish(aofkit().args(["restore", &kept.snapshot("latest")]).arg(&dest)).expect(0);
    assert_eq!(
        fs::read(dest.join(INCREMENT)).unwrap(),
        fs::read(kept.set.file(INCREMENT)).unwrap()
    );
}

fn stamped(parts: &[(u32, &str)]) -> Vec<u8> {
    let mut bytes = record(&[b"SELECT", b"0"]);
    for (seconds, value) in parts {
        bytes.extend(format!("#TS:{seconds}\r\n").bytes());
        bytes.extend(record(&[b"SET", b"k", value.as_bytes()]));
    }
    bytes
}

#[test]
fn a_snapshot_is_restored_as_it_stood_at_a_time_a_place_or_before_a_command() {
    let kept = Kept::new();
    let whole =
        [stamped(&[(100, "a"), (200, "\r\n#TS:999\r\n"), (300, "c")]), record(&[b"FLUSHALL"])];
    kept.set.put(INCREMENT, &whole.concat());
    let later = "appendonly.aof.2.incr.aof";
    kept.set.put(later, &stamped(&[(400, "d")]));
    kept.set.manifest(&format!(
        "file {BASE} seq 1 type b\nfile {INCREMENT} seq 1 type i\nfile {later} seq 2 type i\n"
    ));
    kept.backup();
    let restored = |words: &[&str]| -> (i32, Option<Vec<u8>>, String) {
        let dest = kept.set.root().join("out");
        drop(fs::remove_dir_all(&dest));
        let mut command = aofkit();
        let run =
            finish(command.args(["restore", &kept.snapshot("latest")]).arg(&dest).args(words));
        let manifest = fs::read_to_string(dest.join("appendonly.aof.manifest")).unwrap_or_default();
        if run.code == 0 {
            run_check(&dest);
        }
        (run.code, fs::read(dest.join(INCREMENT)).ok(), manifest)
    };
    let until_200 = stamped(&[(100, "a"), (200, "\r\n#TS:999\r\n")]);
    let (code, bytes, manifest) = restored(&["--until", "@200"]);
    assert_eq!((code, bytes), (0, Some(until_200.clone())));
    assert!(!manifest.contains(later) && manifest.contains(INCREMENT), "{manifest}");
    let (_, bytes, manifest) = restored(&["--until", "@399"]);
    assert_eq!(bytes, Some(whole.concat()));
    assert!(manifest.contains(later), "its first record has no time: {manifest}");
    let (_, bytes, _) = restored(&["--before-command", "flushall"]);
    assert_eq!(bytes, Some(whole[0].clone()));
    let at = format!("{INCREMENT}:{}", until_200.len() + 3);
    let (_, bytes, _) = restored(&["--at", &at]);
    assert_eq!(bytes, Some(until_200));
    assert_eq!(restored(&["--before-command", "RENAME"]).0, 1);
    assert_eq!(restored(&["--at", "nothing:5"]).0, 1);
    assert_eq!(restored(&["--at", &at, "--until", "@200"]).0, 2);
}

fn run_check(dir: &Path) {
    check(dir).expect(0);
}

#[test]
fn a_real_server_loads_the_newest_snapshot_and_refuses_a_wrong_one() {
    let program = std::env::var_os("AOFKIT_SERVERS").map(PathBuf::from).or_else(|| {
        let home = std::env::var_os("HOME")?;
        Some(Path::new(&home).join(".cache/aofkit/servers"))
    });
    let Some(server) = program.map(|dir| dir.join("redis-7.0/server")).filter(|p| p.is_file())
    else {
        println!("no redis-7.0: no snapshot was loaded");
        return;
    };
    let kept = Kept::new();
    kept.backup();
    let load = || kept.verb(&["verify", "--json", "--load", server.to_str().unwrap()]);
    let loaded = load().expect(0).json();
    assert_fits("verify", &loaded);
    assert_eq!(
        (&loaded["loaded"][0]["loads"], &loaded["loaded"][0]["keys"]),
        (&true.into(), &10.into())
    );
    // All records are whole, and a server has no such command.
    let mut log = sets(1);
    log.extend(record(&[b"NOSUCHCOMMAND", b"x"]));
    kept.set.put(INCREMENT, &log);
    kept.backup();
    let refused = load().expect(25).json();
    assert_eq!(refused["loaded"][0]["loads"], false, "{refused}");
}

#[test]
fn the_source_of_a_backup_is_the_path_as_every_verb_resolves_it() {
    let kept = Kept::new();
    let dir = kept.set.dir();
    let of = |words: &[&str]| {
        let mut command = aofkit();
        let run = finish(command.args(words).arg(&dir).arg("--json"));
        let json: Value = serde_json::from_str(&run.out).unwrap();
        json["source"].clone()
    };
    let repo = kept.repo();
    let ours = of(&["backup", "--min-free", "0", "--repo", repo.to_str().unwrap()]);
    assert_eq!(ours, of(&["check"]));
    assert_eq!(ours["layout"], "multi-part");
    assert_eq!(ours["path"], dir.to_str().unwrap());
}
