//! Whether manifest, base and increments are of one moment.

use std::fs;

use super::*;

/// The problems of this kind, and the line about the moments.
fn moments(dir: &Path) -> (Vec<(String, String, String)>, String, Option<i32>) {
    let (status, report) = json("check", dir, &[]);
    let output = Command::new(env!("CARGO_BIN_EXE_aofkit"))
        .arg("check")
        .arg(dir)
        .env("COLUMNS", "200")
        .output()
        .expect("run aofkit");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find(|line| line.contains("base saved at")).unwrap_or_default();
    (problems(&report, "mixed-moments"), line.trim().to_owned(), status)
}

/// Servers that write timestamps, with settings that rewrite at no time of their own.
fn dated(server: &Server, dir: &Path) -> Live {
    let settings = [
        "--appendonly",
        "yes",
        "--appendfsync",
        "no",
        "--auto-aof-rewrite-percentage",
        "0",
        "--aof-timestamp-enabled",
        "yes",
    ];
    Live::start_with(server, dir, &settings)
}

#[test]
fn the_moments_of_a_healthy_set_are_told_without_a_warning() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let mut live = dated(&server, dir.path());
        fill(&mut live, "old", 5);
        let (told, line, status) = moments(dir.path());
        assert_eq!((told.len(), status), (0, Some(0)), "{}: {told:?}", server.name);
        assert!(!line.contains("unknown"), "{line}");
        rewrite(&mut live);
        let (told, line, status) = moments(dir.path());
        assert_eq!((told.len(), status), (0, Some(0)), "{}: {told:?}", server.name);
        assert!(line.ends_with("increments begin at unknown"), "{line}");
        // A rewrite that fails begins an increment all the same.
        live.must("CONFIG SET rdb-key-save-delay 10000000");
        live.must("BGREWRITEAOF");
        live.until_it_says("aof_rewrite_in_progress:1");
        kill_children_of(&mut live);
        live.until_it_says("aof_rewrite_in_progress:0");
        fill(&mut live, "later", 5);
        let (told, _, status) = moments(dir.path());
        assert_eq!((told.len(), status), (0, Some(0)), "{}: {told:?}", server.name);
    }
}

fn kill_children_of(live: &mut Live) {
    let parent = pid(live).to_string();
    Command::new("pkill").args(["-KILL", "-P", &parent]).status().expect("run pkill");
}

/// Somebody put the base of before the rewrite under the increments of after it.
#[test]
fn the_first_base_under_later_increments_is_told() {
    for server in servers() {
        let dir = tempfile::tempdir().expect("make a directory");
        let mut live = dated(&server, dir.path());
        fill(&mut live, "old", 5);
        let set = dir.path().join("appendonlydir");
        let base = fs::read(set.join("appendonly.aof.1.base.rdb")).expect("read");
        rewrite(&mut live);
        fill(&mut live, "later", 5);
        drop(live);
        fs::write(set.join("appendonly.aof.1.base.rdb"), base).expect("write");
        fs::remove_file(set.join("appendonly.aof.2.base.rdb")).expect("remove");
        let manifest = "file appendonly.aof.1.base.rdb seq 1 type b\n\
                        file appendonly.aof.2.incr.aof seq 2 type i\n";
        fs::write(set.join("appendonly.aof.manifest"), manifest).expect("write");
        let (told, _, status) = moments(dir.path());
        assert_eq!((told.len(), status), (1, Some(0)), "{}: {told:?}", server.name);
        assert_eq!(told[0].1, "warning");
        assert!(told[0].2.contains("increment 1 is not listed"), "{told:?}");
    }
}

/// A base that was saved long after the increments that are loaded on it, and increments in the wrong order of time.
#[test]
fn times_that_run_backwards_from_file_to_file_are_told_and_a_clock_that_is_a_little_off_is_not() {
    let dir = tempfile::tempdir().expect("make a directory");
    let put = |name: &str, bytes: &str| fs::write(dir.path().join(name), bytes).expect("write");
    let record = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n";
    let at = |seconds: u64| format!("#TS:{seconds}\r\n{record}");
    put(
        "a.manifest",
        "file a.1.base.aof seq 1 type b\nfile a.1.incr.aof seq 1 type i\nfile a.2.incr.aof seq 2 type i\n",
    );
    put("a.1.base.aof", "");
    for (first, second, wanted) in [
        (1_700_000_000, 1_700_000_000, 0),
        (1_700_000_000, 1_699_999_970, 0),
        (1_700_000_000, 1_800_000_000, 0),
        (1_700_000_000, 1_699_990_000, 1),
    ] {
        put("a.1.incr.aof", &at(first));
        put("a.2.incr.aof", &at(second));
        let (told, line, status) = moments(dir.path());
        assert_eq!((told.len(), status), (wanted, Some(0)), "{first} {second}: {told:?}");
        assert!(line.contains("base saved at unknown; increments begin at 2023-"), "{line}");
    }
}

/// Healthy sets that nine servers wrote: nothing new is said of them.
#[test]
fn recorded_sets_stay_silent() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/servers");
    let mut seen = 0;
    for folder in fs::read_dir(root).expect("list").flatten() {
        for set in fs::read_dir(folder.path()).expect("list").flatten() {
            if !set.path().is_dir() {
                continue;
            }
            let output = Command::new(env!("CARGO_BIN_EXE_aofkit"))
                .args(["check", "--json"])
                .arg(set.path())
                .output()
                .expect("run aofkit");
            let Ok(report) = serde_json::from_slice::<Value>(&output.stdout) else { continue };
            let sets = report["sets"].as_array().cloned().unwrap_or_else(|| vec![report]);
            for one in sets {
                seen += 1;
                for kind in TOLD {
                    assert_eq!(problems(&one, kind), [], "{}", set.path().display());
                }
            }
        }
    }
    assert!(seen >= 9, "{seen} sets were looked at");
}
