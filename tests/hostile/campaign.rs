//! Whatever lies beside a set, and whatever a journal says: nothing outside is touched, nothing is lost, nothing hangs.
//! `AOFKIT_HOSTILE` says how many runs, `AOFKIT_SEED` which.

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::support::mutate::Random;
use super::support::{in_parallel, number_from_env};
use super::tree::{Tree, fifo, in_time, is_root, tree};
use super::world::*;

const SECOND: &str = "appendonly.aof.2.incr.aof";

/// Sets with a change that can be taken back: a cut, a salvage, a rewind over files, a cleaning, a single file.
fn templates() -> Vec<(Set, &'static str)> {
    let torn = [sets(20), b"*3\r\n$3\r\nSE".to_vec()].concat();
    let hole = [sets(20), b"*3\r\n$3\r\nSXX".to_vec(), sets(20)].concat();
    let cases: [(&[u8], &[&str]); 5] = [
        (&torn, &["repair", "--apply"]),
        (&hole, &["repair", "--salvage", "--apply"]),
        (&sets(20), &["rewind", "--apply", "--at", "appendonly.aof.1.incr.aof:58"]),
        (&sets(20), &["clean", "--apply", "--min-age", "0s"]),
        (&torn, &["repair", "--apply"]),
    ];
    let made = cases.iter().enumerate().map(|(n, (bytes, words))| {
        if n == 4 {
            let set = Set::empty();
            set.put("appendonly.aof", bytes);
            in_time(words, &set.file("appendonly.aof")).expect(0);
            return (set, "aof/appendonly.aof");
        }
        let set = Set::of(&sets(5));
        set.put(SECOND, bytes);
        set.manifest(&format!(
            "file {BASE} seq 1 type b\nfile {INCREMENT} seq 1 type i\nfile {SECOND} seq 2 type i\n"
        ));
        set.put("appendonly.aof.9.incr.aof", &sets(1));
        in_time(words, &set.dir()).expect(0);
        // And torn again, so that there is something to do.
        if n == 2 || n == 3 {
            fs::write(set.dir().join(INCREMENT), &torn).unwrap();
        }
        (set, "aof")
    });
    made.collect()
}

const NAMES: [&str; 16] = [
    "\"../outside/file\"",
    "\"../../outside/file\"",
    "\"/etc/passwd\"",
    "\"..\"",
    "\"\"",
    "\"sub/x\"",
    "\"a\\x00b\"",
    "\"appendonly.aof.1.base.aof\"",
    "\"appendonly.aof.1.incr.aof\"",
    "\"appendonly.aof.manifest\"",
    "\"temp-aofkit-1-1\"",
    "\"../temp-aofkit-1-1\"",
    "\"../temp-1.rdb\"",
    "\".bashrc\"",
    "\"appendonly.aof\"",
    "\"../appendonly.aof\"",
];

const NUMBERS: [&str; 8] =
    ["0", "1", "-1", "18446744073709551615", "18446744073709551616", "4777", "9999999999999", "x"];

/// Alters a journal.
fn mutated(text: &str, random: &mut Random) -> Vec<u8> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for _ in 0..=random.below(3) {
        let at = random.below(lines.len().max(1)).min(lines.len().saturating_sub(1));
        match random.below(10) {
            0 => drop(lines.remove(at)),
            1 => lines.insert(at, lines[random.below(lines.len())].clone()),
            2 => {
                let other = random.below(lines.len());
                lines.swap(at, other);
            }
            3 | 4 => {
                let words: Vec<_> = lines[at].split(' ').map(str::to_owned).collect();
                let which = random.below(words.len());
                let with = |(i, word): (usize, String)| match (i == which, word.starts_with('"')) {
                    (true, true) => NAMES[random.below(NAMES.len())].to_owned(),
                    (true, false) if i > 0 => NUMBERS[random.below(NUMBERS.len())].to_owned(),
                    _ => word,
                };
                let words: Vec<_> = words.into_iter().enumerate().map(with).collect();
                lines[at] = words.join(" ");
            }
            5 => lines.insert(at, format!("stage {}", NAMES[random.below(NAMES.len())])),
            6 => {
                let (name, other) =
                    (NAMES[random.below(NAMES.len())], NAMES[random.below(NAMES.len())]);
                lines.insert(at, format!("stage {name} {other}"));
            }
            7 => lines.insert(at, format!("gone {} 1 1", NAMES[random.below(NAMES.len())])),
            8 => {
                let name = NAMES[random.below(NAMES.len())];
                lines.insert(at, format!("old {name} 6 4777 0 0 1000\nbytes \"theirs\""));
            }
            _ => lines[0] = format!("aofkit-journal {}", random.below(4)),
        }
        if lines.is_empty() {
            break;
        }
    }
    let mut bytes = (lines.join("\n") + "\n").into_bytes();
    match random.below(12) {
        0 => bytes.truncate(random.below(bytes.len())),
        1 => bytes.extend([0, 0xff, b'\n']),
        2 => {
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(8);
        }
        _ => {}
    }
    bytes
}

/// Puts something there that a run of ours does not.
fn trap(path: &Path, outside: &Path, random: &mut Random) {
    let _ = fs::remove_file(path);
    let _ = match random.below(7) {
        0 => symlink(outside, path),
        1 => symlink(outside.join("file"), path),
        2 => symlink("nowhere", path),
        3 => {
            if !path.exists() {
                fifo(path);
            }
            Ok(())
        }
        4 => fs::create_dir_all(path.join("deep"))
            .and_then(|()| fs::write(path.join("deep/x"), b"theirs")),
        5 => fs::hard_link(outside.join("file"), path),
        _ => fs::write(path, b"theirs"),
    };
    if is_root() && random.below(4) == 0 && fs::symlink_metadata(path).is_ok_and(|m| m.is_file()) {
        // Not through a second name of somebody's file.
        if fs::read(path).is_ok_and(|bytes| bytes == b"theirs") && !path.starts_with(outside) {
            let is_shared =
                fs::metadata(path).is_ok_and(|m| std::os::unix::fs::MetadataExt::nlink(&m) > 1);
            if !is_shared {
                chown(path, Some(4711), Some(4711)).unwrap();
            }
        }
    }
}

/// The entry directories beside a set, and the directory that holds them.
fn entries(kept: &Path) -> Vec<PathBuf> {
    let all = fs::read_dir(kept).map_or_else(|_| Vec::new(), |all| all.flatten().collect());
    all.into_iter().map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

/// What the mischief is done to: a copy with its neighbours, a victim outside, and a copy by hard links.
fn mischief(root: &Path, subject: &str, random: &mut Random) {
    let outside = root.join("outside");
    let kept = root.join(format!("{subject}.aofkit"));
    for _ in 0..=random.below(3) {
        let all = entries(&kept);
        let Some(entry) = all.get(random.below(all.len().max(1))) else { return };
        let states = ["begun", "ready", "journal", "undone"];
        let journal = states.iter().map(|state| entry.join(state)).find(|path| path.is_file());
        match (random.below(8), journal) {
            (0..=2, Some(journal)) => {
                let text = fs::read(&journal).unwrap();
                fs::write(&journal, mutated(&String::from_utf8_lossy(&text), random)).unwrap();
            }
            (3 | 4, Some(journal)) => {
                let to = states[random.below(4)];
                // Something else may have that name by now.
                let _ = fs::rename(&journal, entry.join(to));
            }
            (5, _) => {
                let ids = [
                    "00000000-20261124T134247Z-repair",
                    "20990101T000000Z-undo",
                    "my-copy",
                    "99999999-20000101T000000Z-clean",
                ];
                let path = kept.join(ids[random.below(4)]);
                if !path.exists() {
                    trap(&path, &outside, random);
                }
            }
            (6, _) => {
                let names = ["lock", "notes", ".x"];
                trap(&kept.join(names[random.below(3)]), &outside, random);
            }
            _ => {
                let names = ["begun", "ready", "temp", "1.zst", "2.zst", "sub", "journal"];
                let path = entry.join(names[random.below(7)]);
                if !path.is_dir() {
                    trap(&path, &outside, random);
                }
            }
        }
    }
    if random.below(6) == 0 {
        let names = ["temp-aofkit-1-1", "temp-aofkit-2-1", "temp-appendonly.aof.manifest"];
        trap(&root.join("aof").join(names[random.below(3)]), &outside, random);
    }
}

fn files(tree: &Tree) -> Vec<(&PathBuf, &Vec<u8>)> {
    let is_of_set = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_below = path.components().count() > 1;
        !is_below && !name.starts_with("temp-") && !name.ends_with(".aofkit")
    };
    tree.iter()
        .filter(|(path, file)| file.0 == 'f' && is_of_set(path))
        .map(|(path, file)| (path, &file.4))
        .collect()
}

const ACTS: [&[&str]; 6] = [
    &["repair", "--apply"],
    &["repair", "--salvage", "--apply"],
    &["repair", "--apply", "--no-keep"],
    &["rewind", "--apply", "--at", "appendonly.aof.1.incr.aof:58"],
    &["clean", "--apply", "--min-age", "0s"],
    &["repair", "--undo", "--apply"],
];

#[test]
fn whatever_lies_beside_a_set_nothing_outside_is_touched_and_nothing_is_lost() {
    let templates = templates();
    let runs = number_from_env("AOFKIT_HOSTILE", 200);
    let seed = number_from_env("AOFKIT_SEED", 7);
    let done = in_parallel(runs as usize, |n| {
        let mut random = Random::new(seed, n as u64);
        let (template, subject) = &templates[random.below(templates.len())];
        let act = ACTS[random.below(ACTS.len())];
        let place = super::support::kill::in_memory();
        let (root, alone) = (place.path().join("a"), place.path().join("b"));
        for copy in [&root, &alone] {
            let copied = Command::new("cp").arg("-a").arg(template.root()).arg(copy).status();
            assert!(copied.unwrap().success());
        }
        let outside = root.join("outside");
        fs::create_dir_all(outside.join("deep")).unwrap();
        for name in ["file", "journal", "1.zst", "temp", "deep/file"] {
            fs::write(outside.join(name), b"theirs").unwrap();
        }
        mischief(&root, subject, &mut random);
        let linked = root.join("linked");
        let copied = Command::new("cp").arg("-al").arg(root.join("aof")).arg(&linked).status();
        assert!(copied.unwrap().success());
        // What the same does where nothing of that lies beside it.
        let _ = fs::remove_dir_all(alone.join(format!("{subject}.aofkit")));
        let copied =
            Command::new("cp").arg("-al").arg(alone.join("aof")).arg(alone.join("linked")).status();
        assert!(copied.unwrap().success());
        in_time(act, &alone.join(subject));
        let (before, outer, links) = (tree(&root.join("aof")), tree(&outside), tree(&linked));
        let run = in_time(act, &root.join(subject));
        let at = format!("run {n} of seed {seed}: {act:?} on {subject}: {run:#?}");
        assert_eq!(tree(&outside), outer, "{at}");
        assert_eq!(tree(&linked), links, "{at}");
        assert!([0, 1, 2, 10, 11, 20, 21, 22].contains(&run.code), "{at}");
        let now = tree(&root.join("aof"));
        if act.contains(&"--undo") {
            // What is live is the old or the new, and no file of another kind came.
            let base = Path::new(BASE);
            assert_eq!(now.get(base).map(|f| &f.4), before.get(base).map(|f| &f.4), "{at}");
            assert!(now.values().all(|file| file.1 & 0o7000 == 0), "{at}");
            assert!(run.code != 1 || files(&now) == files(&before), "{at}");
        } else {
            let other = tree(&alone.join("aof"));
            let same = files(&now) == files(&before) || files(&now) == files(&other);
            assert!(same, "{at}\nbefore {:?}\nnow {:?}", names(&before), names(&now));
        }
        usize::from(run.code == 1)
    });
    let refused: usize = done.iter().sum();
    println!("{runs} hostile runs: {refused} were refused");
    assert!(refused > 0 && refused < done.len());
}

fn names(tree: &Tree) -> Vec<(String, usize)> {
    files(tree).into_iter().map(|(name, bytes)| (name.display().to_string(), bytes.len())).collect()
}
