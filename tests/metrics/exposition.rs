//! What one look prints and writes: of sets of every kind, of repositories, of nothing.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::home::{Home, set as record_of};
use crate::schema::{each_property, faults};
use crate::world::{BASE, INCREMENT, Run, Set, all_recorded, check_json, run, sets};
use crate::{promtool, samples};

fn metrics(words: &[&OsStr]) -> Run {
    let run = run([&[OsStr::new("metrics")], words].concat());
    if promtool::is_there() {
        promtool::check_metrics(&run.out);
    }
    run.expect(0)
}

fn of(path: &Path) -> std::collections::BTreeMap<String, f64> {
    samples(&metrics(&[path.as_os_str()]).out)
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

#[test]
fn figures_of_a_healthy_set_are_those_of_check() {
    let set = Set::of(&sets(25));
    let dir = set.root().display().to_string();
    let all = of(set.root());
    let one = |name: &str| all[&name.replace("SET", &format!("set=\"{dir}\""))];
    let len = |name: &str| fs::metadata(set.file(name)).unwrap().len() as f64;
    assert_eq!(one("aof_check_success{SET}"), 1.0);
    assert_eq!(one("aof_check_verdict{SET,verdict=\"healthy\"}"), 1.0);
    assert_eq!(one("aof_size_bytes{SET,role=\"base\"}"), len(BASE));
    assert_eq!(one("aof_size_bytes{SET,role=\"incr\"}"), len(INCREMENT));
    assert_eq!(one("aof_files{SET,role=\"incr\"}"), 1.0);
    let (_, checked) = check_json(set.root());
    let commands = checked["segments"].as_array().unwrap().iter().map(|s| &s["commands"]);
    let commands: u64 = commands.map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(one("aof_commands{SET}"), commands as f64);
    let growth: Value = run(["growth", "--json", set.root().to_str().unwrap()]).json();
    let percent = growth["growth_percent"].as_f64().unwrap();
    assert_eq!(one("aof_growth_ratio{SET}"), percent / 100.0);
    assert_eq!(one("aof_rewrite_at_bytes{SET}"), f64::from((64 << 20) + 1));
    assert_eq!(one("aof_leftover_bytes{SET}"), 0.0);
    assert!(one("aof_disk_free_bytes{SET}") <= one("aof_disk_size_bytes{SET}"));
    assert!((now() - one("aof_check_timestamp_seconds{SET}")).abs() < 60.0);
    assert!((now() - one("aof_last_write_timestamp_seconds{SET}")).abs() < 60.0);
    assert_eq!(one("aof_check_read_bytes_total{SET}"), len(BASE) + len(INCREMENT));
    assert!(!all.keys().any(|name| name.contains("backup") || name.contains("server")));
}

#[test]
fn what_is_wrong_with_a_set_is_told_and_the_run_ends_well() {
    let torn = Set::of(&[&sets(5)[..], b"*2\r\n$3\r\nDE"].concat());
    torn.put("appendonly.aof.7.incr.aof", b"left");
    torn.put("temp-rewriteaof-bg-1.aof", b"left too");
    let all = of(torn.root());
    let set = format!("set=\"{}\"", torn.root().display());
    let of_set = |name: &str| all.get(&name.replace("SET", &set)).copied();
    assert_eq!(of_set("aof_check_success{SET}"), Some(0.0));
    assert_eq!(of_set("aof_check_verdict{SET,verdict=\"tail-damage\"}"), Some(1.0));
    let problem = "aof_check_problems{SET,severity=\"error\",kind=\"truncated-tail\"}";
    assert_eq!(of_set(problem), Some(1.0));
    assert_eq!(of_set("aof_leftover_bytes{SET}"), Some(12.0));
    assert_eq!(of_set("aof_leftover_files{SET,kind=\"temp-file\"}"), Some(1.0));
    // Every recorded problem is one that check tells, too.
    let (_, checked) = check_json(torn.root());
    let told: f64 = all.iter().filter(|(name, _)| name.contains("problems")).map(|(_, n)| n).sum();
    assert_eq!(told, checked["problems"].as_array().unwrap().len() as f64);
}

#[test]
fn a_path_that_leads_nowhere_is_told_by_its_own_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("nowhere");
    let run = metrics(&[path.as_os_str()]);
    assert!(run.err.contains("nowhere"), "{}", run.err);
    let all = samples(&run.out);
    let set = format!("set=\"{}\"", path.display());
    assert_eq!(all[&format!("aof_check_success{{{set}}}")], 0.0);
    assert_eq!(all[&format!("aof_check_error{{{set},kind=\"not-found\"}}")], 1.0);
    assert!(!all.keys().any(|name| name.starts_with("aof_size")), "{all:?}");
}

#[test]
fn fleets_and_hostile_names_are_taken_by_prometheus() {
    let root = tempfile::tempdir().unwrap();
    let names: [&[u8]; 6] = [
        b"plain",
        b"a \"b\"",
        b"back\\slash",
        b"line\nend",
        b"\xff\xfe",
        "gr\u{fc}n\u{1b}[31m".as_bytes(),
    ];
    for name in names {
        let set = Set::of(&sets(3));
        crate::world::copy_tree(&set.dir(), &root.path().join(OsStr::from_bytes(name)).join("aof"));
    }
    let run = metrics(&[root.path().as_os_str()]);
    let healthy = run.out.lines().filter(|line| line.starts_with("aof_check_success"));
    assert_eq!(healthy.filter(|line| line.ends_with("} 1")).count(), names.len(), "{}", run.out);
    assert!(!run.out.contains('\x1b') && run.out.contains("a \\\"b\\\""), "{}", run.out);
    // All that servers wrote, damaged and not, and several paths at once.
    let recorded = all_recorded();
    let paths: Vec<_> = recorded.iter().map(|path| path.as_os_str()).collect();
    let run = metrics(&paths);
    let told = run.out.lines().filter(|line| line.starts_with("aof_check_success")).count();
    assert!(told >= recorded.len(), "{told}");
}

#[test]
fn a_file_is_replaced_as_a_whole_and_stays_where_it_cannot_be() {
    let (set, dir) = (Set::of(&sets(2)), tempfile::tempdir().unwrap());
    let file = dir.path().join("aofkit.prom");
    fs::write(&file, "old").unwrap();
    let inode = |path: &Path| std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).unwrap());
    let held = fs::File::open(&file).unwrap();
    let was = inode(&file);
    let words = |path: &Path| {
        ["metrics".into(), set.root().into(), "--output".into(), path.as_os_str().to_owned()]
    };
    let done = run(words(&file)).expect(0);
    assert_eq!((done.out.as_str(), done.err.as_str()), ("", ""));
    assert_ne!(inode(&file), was);
    assert_eq!(std::io::read_to_string(held).unwrap(), "old");
    let text = fs::read_to_string(&file).unwrap();
    assert!(samples(&text).iter().filter(|(_, one)| **one == 1.0).count() > 2);
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o644);
    let names = || fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(names(), 1, "nothing else is left");
    // A directory stands there, or there is none to write to.
    fs::create_dir(dir.path().join("taken")).unwrap();
    run(words(&dir.path().join("taken"))).expect(1);
    run(words(&dir.path().join("none/x.prom"))).expect(10);
    assert_eq!(names(), 2);
    // It is written whatever is wrong with the set.
    fs::remove_file(set.file(BASE)).unwrap();
    run(words(&file)).expect(0);
    assert!(fs::read_to_string(&file).unwrap().contains("kind=\"segment-missing\""));
}

#[test]
fn backups_are_told_with_the_set_that_they_are_of() {
    let home = Home::with_increment(&record_of("k", b"1"));
    let (root, repo) = (home.root.path().to_owned(), home.repo());
    let words = |more: &[&str]| {
        let mut words = vec!["metrics", root.to_str().unwrap(), "--repo", repo.to_str().unwrap()];
        words.extend(more);
        run(words)
    };
    // Before there is one.
    let none = words(&[]).expect(0);
    let success = format!("aof_backup_repository_success{{repository=\"{}\"}}", repo.display());
    assert_eq!(samples(&none.out)[&success], 0.0);
    assert!(none.err.contains("repo"), "{}", none.err);
    let backup =
        ["backup", root.to_str().unwrap(), "--repo", repo.to_str().unwrap(), "--source", "c1"];
    run([&backup[..], &["--min-free", "0"]].concat()).expect(0);
    let all = samples(&words(&[]).expect(0).out);
    let set = format!("set=\"{}\",source=\"c1\"", root.display());
    let of = |name: &str| all[&format!("aof_backup_{name}{{{set}}}")];
    assert_eq!((all[&success], of("snapshots")), (1.0, 1.0));
    assert!((now() - of("last_success_timestamp_seconds")).abs() < 60.0);
    assert_eq!((of("keys"), of("shrunk_ratio")), (2.0, 0.0));
    assert!(of("new_bytes") > 0.0);
    let len = |name: &str| fs::metadata(home.set().join(name)).unwrap().len();
    let bytes = len("appendonly.aof.1.base.aof") + len(INCREMENT);
    assert_eq!(of("logical_bytes"), bytes as f64);
    assert!(!all.keys().any(|name| name.contains("verification")), "{all:?}");
    // When it was verified is known once that is written down.
    run(["verify", "--repo", repo.to_str().unwrap(), "--record"]).expect(0);
    let all = samples(&words(&[]).expect(0).out);
    let of = |name: &str| all[&format!("aof_backup_last_verification_{name}{{{set}}}")];
    assert_eq!(of("success"), 1.0);
    assert!((now() - of("timestamp_seconds")).abs() < 60.0);
    // A set without a backup beside one that has it.
    let present =
        |path: &std::path::Path| all[&format!("aof_backup_present{{set=\"{}\"}}", path.display())];
    assert_eq!(present(&root), 1.0);
    let other = Home::with_increment(&record_of("other", b"1"));
    let other_root = other.root.path().to_str().unwrap();
    let both = samples(&words(&[other_root]).expect(0).out);
    let of =
        |set: &std::path::Path| both[&format!("aof_backup_present{{set=\"{}\"}}", set.display())];
    assert_eq!((of(&root), of(other.root.path())), (1.0, 0.0));
    // Without the set, the source stands for itself.
    let alone = run(["metrics", "--repo", repo.to_str().unwrap()]).expect(0);
    assert!(samples(&alone.out).contains_key("aof_backup_snapshots{set=\"\",source=\"c1\"}"));
}

#[test]
fn json_is_as_its_schema_says() {
    let schema: Value = serde_json::from_str(&run(["schema", "metrics"]).expect(0).out).unwrap();
    let set = Set::of(&sets(2));
    let output = run(["metrics", "--json", set.root().to_str().unwrap()]).expect(0).json();
    let wrong = faults(&schema, &output);
    assert!(wrong.is_empty(), "{wrong:#?}");
    let mut described = 0;
    each_property(&schema, &mut |name, property| {
        described += 1;
        assert!(property["description"].is_string(), "{name}");
    });
    assert!(described > 8);
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    let set = Set::of(&sets(1));
    let path = set.root().to_str().unwrap();
    for (words, why) in [
        (&["metrics"][..], "nothing to look at"),
        (&["metrics", path, "--watch", "15s"], "--output"),
        (&["metrics", path, "--watch", "0s", "--output", "x"], "shortest"),
        (&["metrics", path, "--watch", "often", "--output", "x"], "15s"),
        (&["metrics", path, "--json", "--listen", "0"], "--json"),
        (&["metrics", path, "--listen", "here"], "9122"),
        (&["metrics", "-", "--listen", "0"], "only once"),
        (&["metrics", path, "--print", "list"], "--print"),
    ] {
        let run = run(words).expect(2);
        assert!(run.err.contains(why), "{words:?}: {}", run.err);
    }
}

#[test]
fn findings_of_an_audit_are_told_once_they_are_asked_for() {
    let (set, conf) = (Set::of(&sets(4)), tempfile::NamedTempFile::new().unwrap());
    let of_conf = |text: &str| fs::write(conf.path(), text).unwrap();
    let root = set.root().display().to_string();
    let name = set.dir().file_name().unwrap().to_str().unwrap().to_owned();
    let place = format!("dir {root}\nappenddirname {name}\n");
    let words = |more: &[&str]| -> Run {
        let conf = conf.path().to_str().unwrap();
        let all = [&["metrics", root.as_str(), "--conf", conf][..], more].concat();
        let run = run(all);
        if promtool::is_there() {
            promtool::check_metrics(&run.out);
        }
        run.expect(0)
    };
    of_conf(&format!("{place}appendonly yes\nappendfsync no\n"));
    assert!(!words(&[]).out.contains("aof_audit"), "nobody asked");
    let of_rule = |all: &std::collections::BTreeMap<String, f64>| -> f64 {
        let own = |name: &String| name.contains("rule=\"appendfsync\"");
        all.iter().filter(|(name, _)| own(name)).map(|(_, count)| count).sum()
    };
    let all = samples(&words(&["--audit"]).out);
    assert_eq!(of_rule(&all), 1.0, "{all:?}");
    assert_eq!(all["aof_audit_success"], 1.0, "{all:?}");
    // They are those that the audit itself tells.
    let audit: Value = {
        let conf = conf.path().to_str().unwrap();
        run(["audit", root.as_str(), "--conf", conf, "--json"]).expect(0).json()
    };
    let told: f64 =
        all.iter().filter(|(name, _)| name.starts_with("aof_audit_findings")).map(|(_, n)| n).sum();
    assert_eq!(told, audit["findings"].as_array().unwrap().len() as f64);
    let ignored = samples(&words(&["--audit", "--ignore", "appendfsync"]).out);
    assert_eq!(of_rule(&ignored), 0.0, "{ignored:?}");
    of_conf(&format!("{place}appendonly yes\nappendfsync everysec\n"));
    assert_eq!(of_rule(&samples(&words(&["--audit"]).out)), 0.0);
    // Where nothing can be looked at, that is told and nothing else of it.
    let nothing = run(["metrics", "/no/such/place", "--audit"]).expect(0);
    let all = samples(&nothing.out);
    assert_eq!(all["aof_audit_success"], 0.0, "{all:?}");
    assert!(!nothing.out.contains("aof_audit_findings{"), "{}", nothing.out);
}
