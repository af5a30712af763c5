//! Exit statuses: each that a verb ends with stands in the table of its help, and each of the table comes about.

use std::collections::BTreeSet;
use std::process::Command;

use super::world::*;

/// Statuses that need a second process at the right moment or a signal; the tests of those verbs have them.
const ELSEWHERE: [(&str, &[i32]); 8] = [
    ("repair", &[130]),
    ("rewind", &[130]),
    ("clean", &[11]),
    // What is not sound is refused; a verdict can only follow from what a server of another kind makes of the result.
    ("convert", &[20, 21, 22, 24, 130]),
    ("backup", &[11, 30, 130]),
    ("verify", &[11, 24, 130]),
    ("restore", &[11, 130]),
    ("prune", &[11, 130]),
];

/// The statuses in the help of a verb.
fn told(verb: &str) -> BTreeSet<i32> {
    let help = run([verb, "--help"]).expect(0).out;
    let table = help.split("Exit status:").nth(1).unwrap().lines();
    table.filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect()
}

/// Sets of every kind, and a repository that is whole and one that is not.
struct Sets {
    root: tempfile::TempDir,
}

impl Sets {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let of = |name: &str, increment: &[u8]| {
            let set = Set::of(increment);
            copy_tree(&set.dir(), &root.path().join(name));
        };
        let end = |bytes: &[u8]| [sets(2), bytes.to_vec(), sets(1)].concat();
        of("good", &sets(3));
        of("torn", &[sets(2), b"*3\r\n$3\r\nSE".to_vec()].concat());
        of("inner", &end(b"junk"));
        of("odd", &end(&record(&[b"NOSUCHCOMMAND"])));
        of("missing", &sets(3));
        std::fs::remove_file(root.path().join("missing").join(BASE)).unwrap();
        std::fs::write(root.path().join("packed"), b"\x28\xb5\x2f\xfdno zstd stream").unwrap();
        let made = Self { root };
        for repository in ["whole", "broken"] {
            assert_eq!(made.status(&format!("backup --repo {repository} good")), 0);
        }
        std::fs::write(made.root.path().join("broken/format.json"), b"{}").unwrap();
        made
    }

    fn command(&self, words: &str) -> Command {
        let mut command = aofkit();
        command.args(words.split(' ')).current_dir(self.root.path());
        command
    }

    fn status(&self, words: &str) -> i32 {
        finish(&mut self.command(words)).code
    }
}

/// Words behind a verb, and how it ends with them.
type Runs = &'static [(&'static str, i32)];

/// Of every verb that takes a PATH.
const OF_A_PATH: Runs = &[("packed", 1), ("good --nonsense", 2), ("nowhere", 10)];

/// Of every verb that judges.
const JUDGED: Runs = &[("good", 0), ("torn", 20), ("inner", 21), ("missing", 22), ("odd", 24)];

/// Of every verb that takes a repository.
const OF_A_REPOSITORY: Runs = &[
    ("--repo whole", 0),
    ("--repo packed", 1),
    ("", 2),
    ("--repo none", 10),
    ("--repo broken", 25),
];

/// Verbs, and how they end. The last takes away.
const RUNS: [(&str, &[Runs]); 17] = [
    ("inspect", &[OF_A_PATH, &[("good", 0), ("inner", 0)]]),
    ("check --target redis-8.2", &[OF_A_PATH, JUDGED]),
    ("stats", &[OF_A_PATH, &[("inner", 0), ("good --fail-above commands=0", 30)]]),
    ("growth", &[OF_A_PATH, &[("inner", 0), ("good --fail-above current_bytes=0", 30)]]),
    (
        "metrics",
        &[&[
            ("good", 0),
            ("inner", 0),
            ("nowhere", 0),
            ("good --repo none", 0),
            ("good --output good", 1),
            ("good --output none/m.prom", 10),
            ("", 2),
        ]],
    ),
    (
        "status --target redis-8.2",
        &[
            OF_A_PATH,
            JUDGED,
            &[
                ("good --repo whole", 0),
                ("good --repo whole --max-age 0s", 30),
                ("torn --repo whole --max-age 52w", 20),
                ("", 2),
                ("--repo broken", 25),
            ],
        ],
    ),
    ("cat", &[OF_A_PATH, &[("inner", 0)]]),
    (
        "report --output page.html",
        &[
            OF_A_PATH,
            &[
                ("good", 0),
                ("inner", 0),
                ("good --repo whole", 0),
                ("good --repo none", 10),
                ("good --repo broken", 25),
            ],
        ],
    ),
    ("repair --target redis-8.2", &[OF_A_PATH, JUDGED, &[("--truncate --max-loss 0 inner", 23)]]),
    (
        "rewind --target redis-8.2 --at appendonly.aof.1.incr.aof:0",
        &[OF_A_PATH, JUDGED, &[("--max-loss 0 good", 23)]],
    ),
    ("clean", &[OF_A_PATH, &[("good", 0)]]),
    (
        "convert",
        &[&[
            ("good --output new", 0),
            ("inner --output newer", 1),
            ("good", 2),
            ("nowhere --output newer", 10),
        ]],
    ),
    (
        "backup",
        &[&[
            ("good --repo whole", 0),
            ("missing --repo whole", 1),
            ("good", 2),
            ("nowhere --repo whole", 10),
            ("inner --repo whole", 25),
            ("good --repo broken", 25),
        ]],
    ),
    ("snapshots", &[OF_A_REPOSITORY]),
    ("verify", &[OF_A_REPOSITORY]),
    (
        "restore",
        &[&[
            ("whole::latest back", 0),
            ("whole::latest good", 1),
            ("whole::latest", 2),
            ("whole::never other", 10),
            ("broken::latest other", 25),
        ]],
    ),
    ("prune --keep-last 1", &[OF_A_REPOSITORY]),
];

#[test]
fn every_status_that_help_tells_comes_about_and_no_other() {
    let sets = Sets::new();
    for (start, runs) in RUNS {
        let verb = start.split(' ').next().unwrap();
        let told = told(verb);
        let mut met = BTreeSet::new();
        for (rest, expected) in runs.iter().copied().flatten() {
            let words = format!("{start} {rest}");
            assert_eq!(sets.status(words.trim_end()), *expected, "aofkit {words}");
            met.insert(*expected);
        }
        met.extend(in_use(&sets, verb));
        let elsewhere = ELSEWHERE.iter().find(|(name, _)| *name == verb);
        met.extend(elsewhere.map_or(&[][..], |(_, statuses)| statuses));
        assert_eq!(met, told, "aofkit {verb}: what comes about, and what its help tells");
    }
}

/// The status of a verb that changes a set, while this process has it open for writing.
fn in_use(sets: &Sets, verb: &str) -> Option<i32> {
    let words = match verb {
        "repair" => "repair --apply --truncate inner",
        "rewind" => "rewind --apply --at appendonly.aof.1.incr.aof:0 good",
        _ => return None,
    };
    let set = sets.root.path().join(words.rsplit(' ').next().unwrap());
    let file = std::fs::OpenOptions::new().append(true).open(set.join(INCREMENT)).unwrap();
    let status = sets.status(words);
    drop(file);
    Some(status)
}
